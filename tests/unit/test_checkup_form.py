from datetime import UTC, date, datetime

import pytest

from handlers.checkup import NEXT, checkup_form, report
from handlers.conversation import forms
from handlers.conversation.forms import Step
from handlers.conversation.messages import ContactRef, Inbound
from handlers.conversation.paging import SCREEN_BYTES, fit, size
from knowledge.checkup import Kind, Level, Trade, duties, load_trades
from tests.unit.test_checkup import paths

TRADES = load_trades()
FORM = checkup_form(TRADES)
TODAY = date(2026, 11, 24)
PACKS = pytest.mark.parametrize("trade", TRADES.packs, ids=lambda trade: trade.id)


def inbound(text: str) -> Inbound:
    return Inbound(ContactRef("test", "a"), text, datetime(2026, 11, 24, tzinfo=UTC), text)


def talk(first: str, *rest: str) -> Step:
    step = forms.begin(FORM, first)
    for text in rest:
        step = forms.step(FORM, step.state, inbound(text))
    return step


def test_the_example_dialogue() -> None:
    step = talk("我开海鲜摊")
    assert step.says[0].text.startswith("海鲜摊：3 步给您列清楚要做什么。\n第1步 用几台秤？")
    step = talk("我开海鲜摊", "2")
    assert step.says[0].text.startswith("第2步 秤上有没有绿色“检定合格”标签？")
    assert [c.label for c in step.says[0].choices] == ["都有且没过期", "有过期的", "没有/不知道"]
    step = talk("我开海鲜摊", "2", "3")
    assert step.says[0].text.startswith("第3步 卖不卖")
    assert [c.label for c in step.says[0].choices] == ["预包装", "捆绳螃蟹/带水鲜活", "都不"]
    step = talk("我开海鲜摊", "2", "3", "2")
    assert step.submit == {"trade": "trade-seafood", "scales": 2, "tag": "none", "catch": ["tied"]}
    reply = report(TRADES, step.submit, TODAY)
    first, must, *_ = reply.text.split("\n")
    assert first.startswith("您的海鲜摊要做 7 件必须的事")
    assert must == "【必须】"
    assert "①2台秤先别用来收钱，检定合格再用（一般12个月" in reply.text
    assert "绳和水不按货价算" in reply.text
    assert [c.label for c in reply.choices] == [c.label for c in NEXT]
    assert reply.choices[0].action == "ledger:skeleton/electronic-price-scale:2"
    assert [c.action for c in NEXT] == ["ledger:add", "lookup:show/apply-verification", "pledge:start"]


def test_without_a_trade_the_twelve_are_offered_and_words_work_too() -> None:
    step = talk("开店体检")
    assert len(step.says[0].choices) == 12
    for said, id_ in (
        ("12", "trade-express"),
        ("①", "trade-seafood"),
        ("眼镜店", "trade-optician"),
        ("我卖鱼", "trade-seafood"),
    ):
        assert talk("开店体检", said).state.answers == {"trade": id_}
    step = talk("开店体检", "理发店")
    assert not step.understood
    assert "没认出" in step.says[0].text


def test_what_the_first_message_says_is_not_asked_again() -> None:
    assert talk("我开海鲜摊，两台秤").state.answers == {"trade": "trade-seafood", "scales": 2}
    assert talk("我开海鲜摊，两台秤").state.asking == "tag"
    step = talk("我收粮，2台台秤，1台地磅")
    assert step.state.answers == {"trade": "trade-purchase", "scales": 2, "weighbridges": 1}
    assert talk("有2台秤").state.answers == {}


def test_a_vague_number_is_asked_back() -> None:
    step = talk("我开海鲜摊", "两三台")
    assert not step.understood
    assert step.says[0].text.startswith("请发一个数字")
    assert talk("我开海鲜摊", "十二台").state.answers["scales"] == 12


def test_no_scale_no_question_about_its_label() -> None:
    step = talk("小饭馆", "没有")
    assert step.state.asking == "kitchen"
    assert step.says[0].text.startswith("第2步")


def test_changing_the_trade_keeps_no_answers_of_the_other() -> None:
    step = talk("我开海鲜摊", "2", "3", "返回", "返回", "返回")
    assert step.state.asking == "trade"
    step = forms.step(FORM, step.state, inbound("8"))
    assert step.state.asking == "machines"


@PACKS
def test_each_pack_is_asked_in_its_own_order(trade: Trade) -> None:
    step, asked = talk(f"我开{trade.shop}"), []
    while step.submit is None:
        asked.append(step.state.asking)
        number = len(asked)
        assert f"第{number}步 " in step.says[0].text
        question = trade.question(step.state.asking or "")
        assert question is not None
        step = forms.step(FORM, step.state, inbound("2" if question.kind is Kind.NUMBER else "1"))
    assert asked == [question.name for question in trade.questions]
    assert step.submit["trade"] == trade.id


@PACKS
@pytest.mark.parametrize("on", [TODAY, date(2027, 1, 8)])
def test_every_report_fits_one_screen_and_loses_nothing(trade: Trade, on: date) -> None:
    for answers in paths(trade):
        reply = report(TRADES, answers, on)
        shown = fit(reply)
        assert size(shown.text) + sum(size(c.label) for c in shown.choices) <= SCREEN_BYTES
        assert shown.more == reply.more
        whole = f"{reply.text}\n{reply.more}"
        found = duties(trade, answers, on)
        assert all(finding.text in whole and finding.law in whole for finding in found)
        must = [finding for finding in found if finding.level is Level.MUST]
        assert reply.text.startswith(f"您的{trade.shop}要做 {len(must)} 件必须的事")
        for heading in ("【必须】", "【建议】", "【不用】"):
            assert whole.count(heading) == 1
