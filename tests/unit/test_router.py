"""The order in which a message is understood, with a desk small enough to see through."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from handlers.conversation.forms import Field, Form, FormState, NotUnderstoodError
from handlers.conversation.messages import Attachment, AttachmentKind, Choice, Inbound, Other, Place, Reply
from handlers.conversation.router import Desk, Route, Service
from handlers.conversation.state import DRAFT_LIFE, OPTIONS_LIFE, DialogueState, OpenOptions
from tests.support import NOW, said


@dataclass
class Toy:
    inbound: Inbound
    state: DialogueState = field(default_factory=DialogueState)
    now: datetime = NOW
    public_only: bool = False

    def repeat(self) -> list[Reply]:
        return [Reply("repeated")]


def goods(inbound: Inbound) -> str:
    if "鱼" not in inbound.text:
        raise NotUnderstoodError("说什么鱼。")
    return inbound.text


FORM = Form(
    "fish",
    1,
    "鱼",
    (
        Field("goods", ask="什么鱼？", parse=goods),
        Field("packed", ask="怎么装的？", choices=(("袋装", "bag"), ("散装", "loose"))),
    ),
)


def act(talk: Toy, action: str) -> list[Reply]:
    return DESK.open_form(talk, "fish") if action == "start" else [Reply(f"did {action}")]


DESK: Desk[Toy] = Desk(
    services=(
        Service(
            "fish",
            act,
            forms=(FORM,),
            submit=lambda _talk, name, answers: [Reply(f"{name} {answers}")],
            recognise=lambda _talk, text: "case" if "称得" in text else None,
            commands={"卖鱼": "start"},
        ),
    ),
    menu=lambda _talk: [Reply("menu")],
    help=lambda _talk: [Reply("help", (Choice("看菜单", "menu:"), Choice("找人工", "human:")))],
    human=lambda _talk: [Reply("human")],
    answer=lambda _talk, text: [Reply(f"answer {text}")],
    side_answer=lambda _talk, text: Reply("aside") if text.endswith("吗") else None,
    files=lambda _talk: [Reply("files")],
)
OPTIONS = OpenOptions("abcd", [("甲", "fish:a"), ("乙", "fish:b")], NOW)


def texts(talk: Toy) -> list[str]:
    return [reply.text for reply in DESK.route(talk)]


def told(text: str, state: DialogueState | None = None, now: datetime = NOW, files: int = 0) -> list[str]:
    return texts(Toy(said(text, files=files), state or DialogueState(), now))


def in_form() -> DialogueState:
    return DialogueState(form=FormState("fish", 1, {"goods": "带鱼"}, asking="packed"))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("卖鱼", "什么鱼？"),
        ("２斤鱼称得1斤", "did case"),
        ("秤准吗", "answer 秤准吗"),
        ("菜单", "menu"),
        ("帮助", "help"),
        ("人工", "human"),
        ("返回", "menu"),
        ("再说一遍", "repeated"),
        ("重来", "menu"),
        ("3", "您没有进行中的选择，要不要看菜单？"),
        ("更多", "后面没有更多内容了。"),
        ("继续", "没有没填完的内容。要做什么？"),
    ],
)
def test_without_anything_open(text: str, answer: str) -> None:
    assert told(text) == [answer]


def test_files_without_a_flow_also_with_a_global_word() -> None:
    assert told("", files=1) == ["files"]
    assert told("菜单", files=1) == ["files"]


@pytest.mark.parametrize(("text", "answer"), [("1", "did a"), ("②", "did b"), ("第二个", "did b"), ("乙", "did b")])
def test_a_number_or_a_label_answers_the_open_options(text: str, answer: str) -> None:
    assert told(text, DialogueState(options=OPTIONS)) == [answer]


def test_out_of_range_repeats_the_options() -> None:
    assert told("5", DialogueState(options=OPTIONS)) == ["没有这个选项。请回数字：1 甲  2 乙"]


def test_options_close_after_half_an_hour() -> None:
    assert told("1", DialogueState(options=OPTIONS), NOW + OPTIONS_LIFE) == ["did a"]
    late = NOW + OPTIONS_LIFE + timedelta(seconds=1)
    assert told("1", DialogueState(options=OPTIONS), late) == ["您没有进行中的选择，要不要看菜单？"]
    assert told("乙", DialogueState(options=OPTIONS), late) == ["answer 乙"]


def tapped(token: str, state: DialogueState) -> list[str]:
    return texts(Toy(replace(said(""), choice=token), state))


def test_a_button_does_its_deed_or_says_it_is_old() -> None:
    assert tapped("abcd:2", DialogueState(options=OPTIONS)) == ["did b"]
    for token in ("abce:1", "abcd:3", "abcd:0", "abcd:", "abcd", ":", "abcd:-1", "abcd:1:1"):
        assert tapped(token, DialogueState(options=OPTIONS)) == ["这个按钮已过期，请看下面现在的内容。", "请选："]
    assert tapped("abcd:1", DialogueState()) == ["这个按钮已过期，请看下面现在的内容。", "menu"]
    assert tapped("abce:1", in_form())[1] == "怎么装的？"


def test_a_forged_button_number() -> None:
    assert tapped("abcd:²", DialogueState(options=OPTIONS))[0] == "这个按钮已过期，请看下面现在的内容。"


def test_an_option_that_says_its_own_label() -> None:
    options = OpenOptions("abcd", [("怎么申请", "say:怎么申请")], NOW)
    assert told("1", DialogueState(options=options)) == ["answer 怎么申请"]


def test_the_menu_button_leaves_a_form_as_the_word_does() -> None:
    typed, button = in_form(), in_form()
    told("菜单", typed)
    button.options = OpenOptions("abcd", [("看菜单", "menu:")], NOW)
    tapped("abcd:1", button)
    assert button.form == typed.form


def test_an_action_of_no_service_shows_the_menu() -> None:
    assert [reply.text for reply in DESK.act(Toy(said("")), "gone:thing")] == ["menu"]


def test_in_a_form_an_answer_comes_before_a_question_and_a_question_before_the_error() -> None:
    asked = DialogueState(form=FormState("fish", 1, {}, asking="goods"))
    assert told("是鱼吗", asked) == ["怎么装的？"]
    assert told("要检吗", in_form()) == ["aside", "怎么装的？"]
    assert told("要检", in_form()) == ["请回 1 到 2 的数字。\n怎么装的？"]
    assert told("卖鱼", in_form()) == ["什么鱼？"]


def test_a_finished_form_is_closed_and_handed_in() -> None:
    state = in_form()
    assert told("1", state) == ["fish {'goods': '带鱼', 'packed': 'bag'}"]
    assert (state.form, state.options) == (None, None)


@pytest.mark.parametrize("word", ["取消", "人工", "菜单", "退出", "0"])
def test_every_way_out_keeps_what_was_filled_in(word: str) -> None:
    state = in_form()
    told(word, state)
    assert state.form is None
    assert told("继续", state) == ["怎么装的？"]


def test_an_empty_form_leaves_no_draft() -> None:
    state = DialogueState(form=FormState("fish", 1, {}, asking="goods"))
    told("取消", state)
    assert state.draft is None


def test_a_draft_lives_a_week() -> None:
    state = in_form()
    told("取消", state)
    assert told("继续", state, NOW + DRAFT_LIFE + timedelta(seconds=1)) == ["没有没填完的内容。要做什么？"]
    assert state.draft is None
    state = in_form()
    told("取消", state)
    assert told("继续", state, NOW + DRAFT_LIFE) == ["怎么装的？"]


def test_resume_restart_and_help_in_a_form() -> None:
    assert told("继续", in_form()) == ["怎么装的？"]
    assert told("重来", in_form()) == ["什么鱼？"]
    assert told("帮助", in_form()) == ["help", "怎么装的？"]


def test_a_form_that_no_longer_exists_does_not_hold_anybody() -> None:
    state = DialogueState(form=FormState("gone", 1, {"x": 1}, asking="y"), draft=FormState("gone", 1), draft_at=NOW)
    assert told("秤准吗", state) == ["answer 秤准吗"]
    assert state.form is None
    assert told("继续", state) == ["没有没填完的内容。要做什么？"]


def test_more_shows_what_was_kept_with_the_options() -> None:
    state = DialogueState(more="后面", options=OPTIONS)
    reply = DESK.route(Toy(said("更多"), state))[0]
    assert (reply.text, [c.label for c in reply.choices]) == ("后面", ["甲", "乙"])


def test_the_state_survives_its_row() -> None:
    state = DialogueState(
        form=FormState("fish", 1, {"goods": ["带鱼", None]}, "packed", 2),
        draft=FormState("fish", 1),
        draft_at=NOW,
        options=OPTIONS,
        more="后面",
        query="秤",
        query_at=NOW,
        misses=1,
        last_ids=[1, 2],
        files=["a"],
        greeted=True,
        private=True,
    )
    assert DialogueState.from_json(state.to_json()) == state
    assert DialogueState.from_json({}) == DialogueState()
    assert DialogueState.from_json({"of_another_version": 1}) == DialogueState()


# -- codes, commands with something behind them, and what is not for every channel -----------------------------------

PRIVATE: Desk[Toy] = replace(
    DESK,
    services=(
        replace(DESK.services[0], personal=True, claims=lambda text: text[2:] if text.startswith("鱼票") else None),
    ),
    routes={
        "f": Route(lambda _talk, number: [Reply(f"fish {number}")]),
        "m": Route(lambda _talk, number: [Reply(f"mine {number}")], personal=True),
    },
)
ELSEWHERE = "涉及个人信息的事这里办不了。"


def public(text: str = "", state: DialogueState | None = None, **more: object) -> list[str]:
    talk = Toy(replace(said(text), **more), state or DialogueState(), public_only=True)
    return [reply.text for reply in PRIVATE.route(talk)]


def test_a_code_leads_by_its_letter_and_an_unknown_one_nowhere() -> None:
    state = in_form()
    assert [r.text for r in PRIVATE.route(Toy(replace(said("菜单"), route="f_A-1"), state))] == ["fish A-1"]
    assert (state.form, state.draft is None) == (None, False)
    for route in ("x_1", "f_", "f_摊", "f_" + "1" * 63, "f_1\n"):
        assert [r.text for r in PRIVATE.route(Toy(replace(said("菜单"), route=route)))] == ["menu"]


def test_a_button_comes_before_a_code() -> None:
    state = DialogueState(options=OPTIONS)
    talk = Toy(replace(said(""), choice="abcd:1", route="f_1"), state)
    assert [r.text for r in PRIVATE.route(talk)] == ["did a"]


def test_a_command_with_something_behind_it() -> None:
    assert [r.text for r in PRIVATE.route(Toy(said("鱼票12")))] == ["did 12"]
    assert [r.text for r in PRIVATE.route(Toy(said("鱼票12"), in_form()))] == ["did 12"]


@pytest.mark.parametrize("text", ["卖鱼", "鱼票12", "2斤鱼称得1斤", "人工"])
def test_nothing_personal_where_only_public_matters_have_a_place(text: str) -> None:
    assert public(text) == [ELSEWHERE]


def test_personal_forms_and_drafts_stay_for_the_other_channel() -> None:
    state = in_form()
    assert public("1", state) == ["您没有进行中的选择，要不要看菜单？"]
    assert state.form is None
    for word in ("继续", "重来"):
        assert public(word, state) == [ELSEWHERE]
    assert state.draft is not None
    assert public(choice="abcd:1", state=DialogueState(options=OPTIONS)) == [ELSEWHERE]
    assert public(route="m_1") == [ELSEWHERE]
    assert public(route="f_1") == ["fish 1"]


def test_files_are_refused_and_the_words_with_them_answered() -> None:
    assert texts_of(said("", files=1)) == [ELSEWHERE]
    assert texts_of(said("秤准吗", files=1)) == [ELSEWHERE, "answer 秤准吗"]


def texts_of(inbound: Inbound) -> list[str]:
    return [reply.text for reply in PRIVATE.route(Toy(inbound, public_only=True))]


def test_what_cannot_be_read_and_an_edit_in_a_form() -> None:
    sentence = "这种内容我看不了，请打字问。"
    video = replace(said(""), other=Other.LINK)
    assert texts(Toy(video)) == [sentence]
    assert texts(Toy(video, in_form())) == [sentence, "怎么装的？"]
    edited = replace(said("1"), edited=True)
    assert texts(Toy(edited, in_form())) == ["看到您改了上面那条。要改答案，请回“返回”再答一次。", "怎么装的？"]
    assert texts(Toy(replace(edited, text="秤准吗"))) == ["answer 秤准吗"]


# -- a question answered by several messages ----------------------------------------------------------------------


def parts(inbound: Inbound) -> list[str]:
    if not (inbound.text or inbound.attachments or inbound.place):
        raise NotUnderstoodError("没看到内容。")
    place = [f"{inbound.place.lat}"] if inbound.place else []
    return [str(a.kind) for a in inbound.attachments] + place + ([inbound.text] if inbound.text else [])


PILE = Form(
    "pile",
    1,
    "堆",
    (
        Field(
            "more", ask="还有吗？", parse=parts, collect=True, place=True, noted=lambda all_: f"已收 {len(all_)} 份。"
        ),
        Field("name", ask="叫什么？", parse=lambda inbound: inbound.text),
    ),
)
PILING: Desk[Toy] = replace(DESK, services=(replace(DESK.services[0], forms=(FORM, PILE)),))


def piling(*collected: str) -> DialogueState:
    return DialogueState(form=FormState("pile", 1, {}, asking="more", partial={"more": list(collected)}))


def piled(state: DialogueState, inbound: Inbound, *, public_only: bool = False) -> list[str]:
    return [reply.text for reply in PILING.route(Toy(inbound, state, public_only=public_only))]


def test_words_known_everywhere_work_while_collecting_and_nothing_collected_is_lost() -> None:
    for word in ("取消", "菜单", "人工", "卖鱼"):
        state = piling("image")
        piled(state, said(word))
        assert state.draft is not None
        assert state.draft.partial == {"more": ["image"]}
        piled(state, said("取消"))  # 卖鱼 opened a form of its own
        assert piled(state, said("继续")) == ["还有吗？\n已收 1 份。"]
    assert piled(piling("image"), said("帮助")) == ["help", "还有吗？\n已收 1 份。"]


def test_a_voice_and_a_place_are_parts_where_they_are_asked_for() -> None:
    state = piling()
    voice = replace(said(""), attachments=(Attachment(AttachmentKind.VOICE, "media:1"),))
    somewhere = replace(said(""), other=Other.LOCATION, place=Place(28.0, 120.6))
    assert piled(state, voice) == ["已收 1 份。"]
    assert piled(state, somewhere) == ["已收 2 份。"]
    assert state.form is not None
    assert state.form.partial == {"more": ["voice", "28.0"]}
    state.form = FormState("pile", 1, {"more": []}, asking="name")
    assert piled(state, somewhere) == ["这种内容我看不了，请打字问。", "叫什么？"]
    assert piled(DialogueState(), somewhere) == ["这种内容我看不了，请打字问。"]


def test_a_voice_in_words_is_kept_only_as_part_of_an_answer() -> None:
    heard = replace(said("旁边那家也少称"), attachments=(Attachment(AttachmentKind.VOICE, ref="v"),), heard=True)
    kept = PILING.without_needless_voice(heard, piling())
    assert kept.attachments == heard.attachments
    for text in ("取消", "完成。", "返回", "卖鱼", "跳过"):
        word = PILING.without_needless_voice(replace(heard, text=text), piling())
        assert (word.attachments, word.text) == ((), text)
    for state in (DialogueState(), in_form(), DialogueState(form=FormState("pile", 1, {"more": []}, asking="name"))):
        assert PILING.without_needless_voice(heard, state).attachments == ()
    assert PILING.without_needless_voice(replace(heard, heard=False), in_form()).attachments == heard.attachments


def test_the_buttons_for_back_and_quit() -> None:
    state = in_form()
    state.options = OPTIONS
    assert tapped("abcd:b", state) == ["什么鱼？"]
    state.options = OPTIONS
    assert tapped("abcd:q", state)[0].startswith("好的，已退出")
    for token in ("abce:b", "abce:q", "abcd:x"):
        assert tapped(token, DialogueState(options=OPTIONS))[0] == "这个按钮已过期，请看下面现在的内容。"
