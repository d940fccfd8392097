"""The forms as paper: a toy form for each rule, and random walks over every form the bot declares."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handlers import judge
from handlers.conversation import forms
from handlers.conversation.forms import MAX_TRIES, Field, Form, FormState, NotUnderstoodError, Step
from handlers.conversation.messages import Inbound
from handlers.conversation.words import is_back
from handlers.desk import build_desk
from tests.support import said


def number(inbound: Inbound) -> int:
    if not inbound.text.strip().isascii() or not inbound.text.strip().isdigit():
        raise NotUnderstoodError("请写数字。")
    return int(inbound.text)


TOY = Form(
    "toy",
    version=2,
    title="试",
    fields=(
        Field("kind", ask="哪一种？", choices=(("秤", "scale"), ("油枪", "fuel"))),
        Field("count", ask=lambda answers: f"几台{answers['kind']}？", parse=number),
        Field("nozzles", ask="几条枪？", parse=number, when=lambda answers: answers["kind"] == "fuel"),
        Field("marks", ask="有什么标志？", choices=(("检定", "v"), ("铅封", "s"), ("都没有", "n")), multi=True),
        Field("note", ask="还有什么要说？", parse=lambda inbound: inbound.text, optional=True),
    ),
    prefill=lambda text: {"kind": "fuel", "gone": 1} if "油" in text else {},
)


def photos(inbound: Inbound) -> list[str]:
    if not inbound.attachments and not inbound.text.strip("0123456789 "):
        raise NotUnderstoodError("请发照片。")
    return [a.name[-2:] for a in inbound.attachments] + ([inbound.text] if inbound.text else [])


PILE = Form(
    "pile",
    version=3,
    title="堆",
    fields=(
        Field("what", ask="什么事？", parse=lambda inbound: inbound.text, free_text=True),
        Field(
            "more", ask="还有照片吗？", parse=photos, collect=True, most=4, noted=lambda all_: f"已收 {len(all_)} 张。"
        ),
        Field("sure", ask="交吗？", choices=(("交", True), ("不交", False))),
        Field("last", ask="最后一句？", parse=lambda inbound: inbound.text, collect=True, choices=(("没了", None),)),
    ),
)
FORMS = {form.name: form for service in build_desk().services for form in service.forms} | {"pile": PILE}


def walk(*texts: str, first: str = "", form: Form = TOY) -> Step:
    step = forms.begin(form, first)
    for text in texts:
        step = forms.step(form, step.state, said(text))
    return step


def test_fields_in_order_and_only_those_that_apply() -> None:
    assert walk("1", "2", "1 2", "跳过").submit == {"kind": "scale", "count": 2, "marks": ["v", "s"], "note": None}
    assert walk("油枪", "2", "4", "铅封", "急").submit == {
        "kind": "fuel",
        "count": 2,
        "nozzles": 4,
        "marks": ["s"],
        "note": "急",
    }


def test_what_the_first_message_says_is_not_asked() -> None:
    step = walk(first="我开加油站")
    assert step.state.answers == {"kind": "fuel"}
    assert step.says[0].text == "几台fuel？"


def test_options_carry_what_tapping_them_says() -> None:
    question = walk().says[0]
    assert [(c.label, c.action) for c in question.choices] == [("秤", "say:秤"), ("油枪", "say:油枪")]
    assert walk("1", "2").says[0].multi
    assert walk("1", "2", "3").says[0].text == "还有什么要说？（没有就回“跳过”）"


def test_only_an_optional_question_can_be_skipped() -> None:
    step = walk("跳过")
    assert not step.understood
    assert step.state.answers == {}


def test_the_third_bad_answer_offers_a_way_out() -> None:
    assert "人工" not in walk("1", "甲", "乙").says[0].text
    third = walk("1", "甲", "乙", "丙")
    assert third.state.tries == MAX_TRIES
    assert third.says[0].text == "请写数字。\n回“人工”找工作人员，回“取消”先不做了。\n几台scale？"
    assert walk("1", "甲", "乙", "丙", "3").state.tries == 0


def test_back_takes_one_answer_at_a_time() -> None:
    assert walk("2", "1", "4", "返回").state.asking == "nozzles"
    assert walk("2", "1", "4", "返回", "上一步").state.answers == {"kind": "fuel"}
    first = walk("2", "返回", "返回")
    assert first.says[0].text == "这是第一题，前面没有了。\n哪一种？"


def test_a_changed_answer_leaves_out_what_no_longer_applies() -> None:
    step = walk("2", "1", "4")
    step = replace(step, state=replace(step.state, answers=step.state.answers | {"kind": "scale"}))
    assert forms.step(TOY, step.state, said("3")).state.asking == "note"
    done = forms.step(TOY, forms.step(TOY, step.state, said("3")).state, said("无"))
    assert done.submit == {"kind": "scale", "count": 1, "marks": ["n"], "note": None}


def test_a_form_begun_under_an_old_version_keeps_its_answers() -> None:
    old = FormState("toy", 1, {"kind": "scale", "colour": "red"}, asking="colour", tries=2)
    resumed = forms.resume(TOY, old)
    assert resumed.state == FormState("toy", 2, {"kind": "scale"}, asking="count")
    assert forms.step(TOY, old, said("5")).state.answers == {"kind": "scale", "count": 5}


def test_an_open_question_can_be_put_again() -> None:
    step = walk("1")
    assert forms.ask_again(TOY, step.state) == step.says[0]


def test_an_answer_that_makes_its_own_question_needless_is_submitted() -> None:
    form = Form("x", 1, "", (Field("a", ask="？", parse=number, when=lambda answers: not answers.get("a")),))
    assert walk("7", form=form).submit == {"a": 7}


# -- a question answered by several messages ----------------------------------------------------------------------


def pile(*messages: Inbound | str, step: Step | None = None) -> Step:
    step = step or forms.begin(PILE)
    for message in messages:
        step = forms.step(PILE, step.state, said(message) if isinstance(message, str) else message)
    return step


def test_each_message_adds_a_part_until_it_is_said_that_all_is_there() -> None:
    first = pile("少称", said("", files=1))
    assert [reply.text for reply in first.says] == ["已收 1 张。"]
    assert first.state.partial == {"more": ["00"]}
    step = pile("旁边那家也是", step=first)
    assert step.says[0].text == "已收 2 张。"
    for word in ("完成", "好了", "没有了", "发完了", "就这些", "DONE", "跳过", "没有", "完成。"):
        ended = pile(word, step=step)
        assert (ended.state.answers["more"], ended.state.asking) == (["00", "旁边那家也是"], "sure")
        assert ended.state.partial == {}
    assert pile("少称", "完成").state.answers["more"] == []


def test_a_message_may_bring_the_last_part_and_end_it() -> None:
    step = pile("少称", said("", files=1), said("完成", files=2))
    assert (step.state.answers["more"], step.says[0].text) == (["00", "00", "01"], "交吗？")


def test_more_than_are_taken_is_said_and_not_kept() -> None:
    step = pile("少称", said("", files=3), said("", files=3))
    assert len(step.state.answers["more"]) == 4
    assert step.says[0].text == "最多收 4 份，后面 2 份没有收。\n交吗？"
    assert pile("少称", said("", files=4)).says[0].text == "交吗？"


def test_a_number_that_is_no_part_is_told_where_things_stand() -> None:
    step = pile("少称", said("", files=1), "2")
    assert (step.says[0].text, step.understood) == ("已收 1 张。", False)
    assert pile("少称", "2").says[0].text == "请发照片。\n还有照片吗？"


def test_what_was_collected_survives_going_back_and_being_away() -> None:
    step = pile("少称", said("", files=2))
    back = pile("返回", "少了2两", step=step)
    assert (back.state.asking, back.state.partial) == ("more", {"more": ["00", "01"]})
    assert back.says[0].text == "还有照片吗？\n已收 2 张。"
    again = pile("完成", "返回", said("", files=1), "完成", step=back)
    assert again.state.answers["more"] == ["00", "01", "00"]
    kept = FormState.from_json(json.loads(json.dumps(step.state.to_json())))
    assert forms.resume(PILE, kept).state == step.state
    old = replace(step.state, version=2, partial=step.state.partial | {"gone": ["x"]})
    assert pile("完成", step=Step(old)).state.answers == {"what": "少称", "more": ["00", "01"]}


def test_an_option_ends_it_and_a_single_value_is_one_part() -> None:
    asked = pile("少称", "完成", "交", "一", step=None)
    assert asked.submit == {"what": "少称", "more": [], "sure": True, "last": []}
    step = pile("少称", "完成", "交", "头一句", "第二句")
    assert [c.action for c in step.says[0].choices] == ["say:没了"]
    assert pile("没了", step=step).submit == {"what": "少称", "more": [], "sure": True, "last": ["头一句", "第二句"]}


# -- random walks -------------------------------------------------------------------------------------------------

SENSIBLE = [
    "1", "2", "3", "4", "9", "２", "①", "一", "第二个", "1 2", "1、3", "13", "0", "2台秤", "没有",
    "买了2斤", "2斤", "1斤8两", "少了2两", "排骨", "茶叶", "28元一斤", "2斤排骨28一斤称得1斤8两",
    "加了30升汽油少了0.5升", "买了2升油，实际1.9升", "加油的", "500克", "2斤活鱼15一斤称得1斤7两",
    "15公斤的秤 放菜1.200 加手机1.380 手机215", "18一公斤 0.74公斤 收14", "用手机当砝码测秤", "卖鱼的", "我开超市",
    "去了袋子和冰", "不确定", "我的秤不准怎么办",
]  # fmt: skip
WORDS = ["完成", "返回", "上一步", "跳过", "无", "取消", "人工", "菜单", "继续", "重来", "帮助", "更多", "再说一遍"]
JUNK = [
    "",
    " ",
    "啊啊啊",
    "😀",
    "？",
    "。",
    "\u202e反",
    "²",
    "NaN",
    "1e999",
    "-5",
    "9" * 300,
    "斤" * 200,
    "\n\n",
    "'; --",
]
MESSAGES = st.sampled_from(SENSIBLE) | st.sampled_from(WORDS) | st.sampled_from(JUNK) | st.text(max_size=12)
WALKS = st.lists(st.tuples(MESSAGES, st.integers(0, 15).map(lambda n: max(0, n - 13))), max_size=14)
EACH_FORM = pytest.mark.parametrize("name", sorted(FORMS))


def check(form: Form, step: Step) -> None:
    state = step.state
    assert FormState.from_json(json.loads(json.dumps(state.to_json()))) == state
    names = {f.name for f in form.fields}
    assert set(state.answers) <= names
    collecting = {f.name: f.most for f in form.fields if f.collect}
    assert not set(state.partial) & set(state.answers)
    assert all(len(parts) <= collecting[name] for name, parts in state.partial.items())
    assert (state.form, state.version) == (form.name, form.version)
    if step.submit is not None:
        assert set(step.submit) <= set(state.answers)
        return
    asked = form.field(state.asking or "")
    assert asked is not None
    assert asked.name not in state.answers
    assert asked.when(state.answers)
    assert step.says


def collected(state: FormState) -> list[object]:
    """The parts of all collecting fields of ``PILE``, answered or not: nothing of it may be lost on the way."""
    parts = {name: state.answers.get(name) or state.partial.get(name) or [] for name in ("more", "last")}
    return [part for name in parts for part in parts[name]] if state.form == "pile" else []


@EACH_FORM
@settings(max_examples=550)
@given(first=MESSAGES, messages=WALKS)
def test_walks_always_stand_on_a_question_or_end(name: str, first: str, messages: list[tuple[str, int]]) -> None:
    form = FORMS[name]
    step = forms.begin(form, first)
    check(form, step)
    for text, files in messages:
        if step.submit is not None:
            break
        before = step.state
        step = forms.step(form, before, said(text, files=files))
        check(form, step)
        kept = list(before.answers.items())
        if is_back(text):
            at_first = step.says[0].text.startswith("这是第一题")
            assert list(step.state.answers.items()) == (kept if at_first else kept[:-1])
            assert collected(step.state) == collected(before)
        elif step.understood and step.state.asking == before.asking and step.submit is None:
            asked = form.field(before.asking or "")
            assert asked is not None
            assert asked.collect
            assert step.state.answers == before.answers
            assert len(collected(step.state)) >= len(collected(before))
        elif step.understood:
            assert len(step.state.answers) == len(kept) + 1
            assert list(step.state.answers.items())[:-1] == kept
        else:
            assert (step.state.answers, step.state.asking) == (before.answers, before.asking)
            assert step.state.partial == before.partial
            assert step.state.tries == before.tries + 1


@pytest.mark.parametrize(
    "name",
    sorted(FORMS),
)
@settings(max_examples=60)
@given(messages=st.lists(st.sampled_from([*SENSIBLE, "返回"]), max_size=8))
@example(messages=["返回"])
def test_every_question_has_words(name: str, messages: list[str]) -> None:
    form = FORMS[name]
    step = forms.begin(form, "RG-1")
    for text in messages:
        if step.submit is not None:
            return
        step = forms.step(form, step.state, said(text))
        assert all(reply.text.strip() for reply in step.says)


def test_a_picture_is_no_weight() -> None:
    step = forms.step(judge.JUDGE, forms.begin(judge.JUDGE).state, said("", files=1))
    assert not step.understood
