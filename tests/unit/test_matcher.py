"""Which card a message gets: the decisions people would call right or wrong without looking anything up."""

import pytest

from knowledge.matcher import Aspect, Decision, Matcher


@pytest.mark.parametrize(
    ("query", "entry", "aspect"),
    [
        ("菜场电子秤要检定吗", "electronic-price-scale", Aspect.OBLIGATION),
        ("电子秤多久检一次", "electronic-price-scale", Aspect.PERIOD),
        ("地磅的允许误差是多少", "electronic-truck-scale", Aspect.TOLERANCE),
        ("冲电桩要检不", "ev-charger-ac", Aspect.OBLIGATION),
        ("guobang de dibang yao qiangjian ma", "electronic-truck-scale", Aspect.OBLIGATION),
        ("檢定要收費嗎", "verification-fee", Aspect.FEE),
        ("开眼镜店要检什么", "optician-duty", Aspect.OBLIGATION),
        ("开超市要检什么", "trade-supermarket", Aspect.OBLIGATION),
        ("缺斤少两去哪里举报", "complaint-report", Aspect.OTHER),
        ("水表", "water-meter-small", Aspect.OVERVIEW),
    ],
)
def test_the_right_card(matcher: Matcher, query: str, entry: str, aspect: Aspect) -> None:
    match = matcher.match(query)
    assert (match.decision, match.ids[0], match.aspect) == (Decision.ANSWER, entry, aspect)


@pytest.mark.parametrize(
    "query",
    [
        "磅秤要检吗",
        "CT要检吗",
        "秤要检吗",
        "温度计",
        "这个机器要检吗",
        "体温",
        "气表和水表",
        "要罚吗",
        "正书",
        "体温枪还是体温表要检",
    ],
)
def test_a_word_with_several_meanings_asks_the_use_first(matcher: Matcher, query: str) -> None:
    match = matcher.match(query)
    assert match.decision is Decision.CHOOSE
    assert 2 <= len(match.options) <= 3
    assert match.question


@pytest.mark.parametrize("query", ["你好呀", "谢谢", "哈哈", "再见", "🌹", ""])
def test_smalltalk_gets_no_card(matcher: Matcher, query: str) -> None:
    match = matcher.match(query)
    assert match.decision is Decision.ABSTAIN
    assert match.ids == ()
    assert match.smalltalk


@pytest.mark.parametrize(
    "query", ["社保卡丢了怎么补", "今天黄金多少钱一克", "加油卡怎么充值", "天平座今天运势", "B超能看男孩女孩吗"]
)
def test_other_business_gets_no_card(matcher: Matcher, query: str) -> None:
    assert matcher.match(query).decision is Decision.ABSTAIN


@pytest.mark.parametrize(
    ("query", "context", "entry", "aspect"),
    [
        ("那水表呢", "电能表几年换一次", "water-meter-small", Aspect.PERIOD),
        ("体温计呢", "血压计要强检吗", "glass-thermometer", Aspect.OBLIGATION),
        ("多久检一次", "加油机要检吗", "fuel-dispenser", Aspect.PERIOD),
        ("多久一次", "我卖菜的，电子秤要年检吗", "electronic-price-scale", Aspect.PERIOD),
    ],
)
def test_a_follow_up_takes_the_missing_half_from_before(
    matcher: Matcher, query: str, context: str, entry: str, aspect: Aspect
) -> None:
    match = matcher.match(query, context)
    assert (match.ids[0], match.aspect) == (entry, aspect)


def test_a_price_asked_after_a_card_is_the_verification_fee(matcher: Matcher) -> None:
    match = matcher.match("要多少钱", "我卖菜的，电子秤要年检吗")
    assert (match.decision, match.ids[0]) == (Decision.ANSWER, "verification-fee")


def test_a_new_question_is_not_bent_by_the_old_one(matcher: Matcher) -> None:
    assert matcher.match("怎么举报缺斤少两", "电子秤多久检一次").ids[0] == "complaint-report"


def test_the_same_question_always_gets_the_same_answer(matcher: Matcher) -> None:
    assert matcher.match("压力表多久检") == matcher.match("压力表多久检")


def test_why_can_be_read(matcher: Matcher) -> None:
    why = matcher.match("加油机多久检一次").why
    assert "加油机" in why
    assert "period" in why
