"""Reading a told tip-off: place, stall, goods, weights, time and kind; and which messages are one at all."""

from __future__ import annotations

import re
import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.files import DATA, load_yaml
from knowledge.quantities import Sale
from knowledge.tip_categories import TipBook
from knowledge.tip_places import find_places
from knowledge.tip_text import fold
from knowledge.tips import Told, categories, looks_like_tip, merge, read_tip, read_where, said_extra

TODAY = date(2026, 11, 25)  # a Wednesday
CHINESE = st.text(
    st.sampled_from("城西菜场超市店摊号区排第三路旁边A1258-斤两克公.升元块少缺称买了的在去昨天上午虾，。？ 老王水产"),
    max_size=120,
)


def told(text: str) -> Told:
    return read_tip(text, TODAY)


def test_the_shortest_story_fills_three_answers() -> None:
    tip = told("城西菜场A12少称2两")
    assert (tip.category, tip.market, tip.stall, tip.sale.shortage_g) == ("short-weight", "城西菜场", "A12", 100)
    assert (tip.where, tip.what) == ("城西菜场A12", "称重少2两")
    assert (tip.shop, tip.place, tip.goods, tip.day, tip.hour) == ("", "", "", None, "")


@pytest.mark.parametrize(
    ("text", "market", "stall", "shop", "place"),
    [
        ("举报城西菜场A12缺斤短两", "城西菜场", "A12", "", ""),
        ("城西菜場a-12攤位少稱2兩", "城西菜场", "A-12摊位", "", ""),
        ("我昨天在城西菜场3号摊买了2斤排骨", "城西菜场", "3号摊", "", ""),
        ("江南农贸市场水产区A12买了3斤鱼少半斤", "江南农贸市场", "水产区A12", "", ""),
        ("城西菜场3排5号买肉少称三两", "城西菜场", "3排5号", "", ""),
        ("城西菜市场进门左手第三个摊位称肉少三两", "城西菜市场", "进门左手第三个摊位", "", ""),
        ("朝阳农贸市场东门进去第二家猪肉摊，买了3斤五花肉", "朝阳农贸市场", "第二家猪肉摊", "", ""),
        ("城西菜场12号少称2两", "城西菜场", "12号", "", ""),
        ("城西菜场12号上午买的，少称2两", "城西菜场", "", "", ""),
        ("城西市场2号门旁边卖菜的少了二两", "城西市场", "", "", ""),
        ("三元里市场20号摊1斤虾少1两", "三元里市场", "20号摊", "", ""),
        ("和平路菜场B-07短斤缺两", "和平路菜场", "B-07", "", ""),
        ("排骨城西菜场少2两", "城西菜场", "", "", ""),
        ("上周六晚上在城东夜市烤鱼摊买的鱼少一斤", "城东夜市", "", "烤鱼摊", ""),
        ("国贸商城B1层5号柜台黄金项链少0.3克", "国贸商城", "B1层5号柜台", "", ""),
        ("万达广场的老凤祥金店买黄金少了半克", "万达广场", "", "老凤祥金店", ""),
        ("鲜达超市水产区15号用作弊秤", "", "水产区15号", "鲜达超市", ""),
        ("老王水产的秤有问题", "", "", "老王水产", ""),
        ("中石化城北加油站2号枪加了200块", "", "", "中石化城北加油站", ""),
        ("特来电万达广场充电站3号桩少充了5度电", "", "", "特来电万达广场充电站", ""),
        ("上海路加油站98号油枪不准", "", "", "上海路加油站", ""),
        ("百果园人民路店称的榴莲3斤变2斤8两", "", "", "百果园人民路店", ""),
        ("人民路38号旁边水果摊买5斤苹果少了6两", "", "", "水果摊", "人民路38号旁边"),
        ("朝阳路与建设路交叉口水果店少2两", "", "", "水果店", "朝阳路与建设路交叉口"),
        ("我要投诉小区门口水果摊短斤少两", "", "", "水果摊", "小区门口"),
        ("城西菜场旁边老王水果店缺斤短两", "", "", "老王水果店", "城西菜场旁边"),
        ("出租车苏A12345计价器跳得快", "", "", "", "车牌苏A12345"),
        ("菜市场A12少称2两", "菜市场", "A12", "", ""),
    ],
)  # fmt: skip
def test_where_it_was(text: str, market: str, stall: str, shop: str, place: str) -> None:
    tip = told(text)
    assert (tip.market, tip.stall, tip.shop, tip.place) == (market, stall, shop, place)


@pytest.mark.parametrize(
    "text",
    ["水果摊少称2两", "在菜市场买菜被坑2两", "感觉加油站加的油量不够", "第一家少2两", "TS-261120-0031", "电子秤 ACS-30 编号0917",
     "DN15 水表", "对面超市少2两", "市场监管局电话", "一路上都少", "A12.5斤", "2斤摊位费", "大家都说老板的秤少2两"],
)  # fmt: skip
def test_a_kind_of_place_alone_is_no_place(text: str) -> None:
    assert told(text).where == ""


@pytest.mark.parametrize(
    ("text", "goods", "paid", "actual", "short"),
    [
        ("老王水产的秤有问题，买2斤虾只有1斤7两", "虾", 1000, 850, None),
        ("城北加油站加20升只有18升", "", 20000, 18000, None),
        ("昨天中石化2号枪加了200块的92号汽油，少了2升", "92号汽油", None, None, 2000),
        ("我在城西菜场92号摊买了2斤瓜子少了3两", "瓜子", 1000, None, 150),
        ("人民路38号水果摊买5斤苹果少了6两", "苹果", 2500, None, 300),
        ("城西菜场A12少称2两怎么办", "", None, None, 100),
    ],
)
def test_what_was_bought_is_not_taken_from_the_shops_name(
    text: str, goods: str, paid: int | None, actual: int | None, short: int | None
) -> None:
    tip = told(text)
    assert (tip.goods, tip.sale.paid_g, tip.sale.actual_g, tip.sale.shortage_g) == (goods, paid, actual, short)


def test_a_long_story_is_read_where_its_figures_are() -> None:
    text = "那天天气很好，我心情也不错，" * 25 + "在城西菜场3号摊买了2斤虾，回家称只有1斤7两。"
    assert len(text) > 350
    tip = told(text)
    assert (tip.market, tip.goods, tip.shortage, tip.words) == ("城西菜场", "虾", 150, text)


@pytest.mark.parametrize(
    ("text", "day", "hour"),
    [
        ("今天城西菜场A12少称2两", TODAY, ""),
        ("昨天上午在城西菜场", date(2026, 11, 24), "上午"),
        ("昨晚6点半买的", date(2026, 11, 24), "昨晚6点半"),
        ("前天下午3点", date(2026, 11, 23), "下午3点"),
        ("11月20日 15:30 买的", date(2026, 11, 20), "15:30"),
        ("12月20日买的", date(2025, 12, 20), ""),
        ("2026年11月30日买的", None, ""),
        ("三天前", date(2026, 11, 22), ""),
        ("周六早上", date(2026, 11, 21), "早上"),
        ("上周六", date(2026, 11, 21), ""),
        ("上周三买的", date(2026, 11, 18), ""),
        ("20号上午", date(2026, 11, 20), "上午"),
        ("28号上午", date(2026, 10, 28), "上午"),
        ("上个月31号", date(2026, 10, 31), ""),
        ("在周六福买的", None, ""),
        ("9.9一斤，买了3.5斤，城西菜场", None, ""),
        ("3排5号，5.20元", None, ""),
    ],
)  # fmt: skip
def test_when_it_was(text: str, day: date | None, hour: str) -> None:
    assert (told(text).day, told(text).hour) == (day, hour)


@pytest.mark.parametrize(
    ("text", "category", "what"),
    [
        ("城西菜场A12缺斤短两", "short-weight", "称重缺斤短两"),
        ("城西菜场A12 1斤排骨少30克", "short-weight", "称重少30克（排骨）"),
        ("城西菜场A12买3斤排骨只有1斤8两", "short-weight", "称重少1斤2两（排骨）"),
        ("鲜达超市用遥控秤", "cheating-scale", "怀疑用作弊秤"),
        ("城西菜场A12的秤没有检定合格标志", "no-mark", "计量器具没有有效的检定合格标志"),
        ("鲜达超市大米净含量5公斤实际4.8公斤", "prepacked", "净含量不足，少4两（大米）"),
        ("城北加油站加20升只有18升", "fuel", "加油少2升"),
        ("城北加油站油枪不准", "fuel", "加油少油"),
        ("特来电充电桩多算电", "charging-pile", "充电电量不符"),
        ("出租车苏A12345计价器跳得快", "taxi-meter", "计价器计费不准"),
        ("我家电表走得快", "home-meter", "家用表具走得不准"),
        ("明视眼镜店的验光仪没贴合格标志", "optician", "验光配镜的计量器具有问题"),
        ("老凤祥金店称的项链少了0.5克", "gold", "金银首饰克重不符，少0.5克"),
        ("城西菜场A12的检定证书是假的", "fake-certificate", "检定证书或合格标志涉嫌造假"),
        ("城西菜场A12用市斤秤", "units", "使用非法定计量单位或市斤秤"),
        ("城西菜场A12用杆秤称2斤少2两", "short-weight", "称重少2两"),
        ("城西菜场公平秤坏了没人修", "other", "其他计量问题"),
        ("加油站旁边的老王水果店2斤桃子少3两", "short-weight", "称重少3两（桃子）"),
        ("城西菜场A12", "", ""),
        ("我们承诺不缺斤短两", "", ""),
    ],
)
def test_what_it_is_about(text: str, category: str, what: str) -> None:
    assert (told(text).category, told(text).what) == (category, what)


@pytest.mark.parametrize(
    "text",
    ["城西菜场A12少称2两", "举报城西菜场A12缺斤短两", "举报城西菜场A12", "老王水产的秤有问题，买2斤虾只有1斤7两", "xx加油站加20升只有18升",
     "我要投诉小区门口水果摊短斤少两", "张姐肉铺遥控秤", "城西菜场A12过期的秤还在用", "城西菜场公平秤坏了没人管", "出租车苏A12345计价器跳得快",
     "城西菜场A12少称2两怎么办", "我被城西菜场A12坑了3两，怎么举报", "我用我的秤称了，城西菜场A12的2斤虾只有1斤7两", "举报城西菜场3栋的电表不准"],
)  # fmt: skip
def test_a_told_violation_at_a_place_is_a_tip(text: str) -> None:
    assert looks_like_tip(text)


@pytest.mark.parametrize(
    "text",
    ["缺斤短两怎么举报", "罚多少", "城西菜场A12少称2两会罚多少", "城西菜场少称2两合法吗", "2斤排骨28一斤称得1斤8两", "我的秤到期了",
     "城西菜场A12我的秤到期了不准", "我是城西菜场A12的摊主，秤不准了", "电子秤 ACS-30 编号0917 2026-05-20检", "感觉加油站加的油量不够",
     "城西菜场的公平秤在哪", "城西菜场几点开门", "鲜达超市卖过期牛奶", "举报鲜达超市卖过期牛奶", "鲜达超市承诺不缺斤短两", "城西菜场A12没有少称",
     "城西菜场12号摊的秤多久检一次", "我家水表走得快", "A12", "", "？", "撤回投诉怎么弄", "燃气公司说我家表超期要换还收三百"],
)  # fmt: skip
def test_a_question_or_an_owners_word_is_none(text: str) -> None:
    assert not looks_like_tip(text)


def test_hardly_any_written_question_is_taken_for_a_tip() -> None:
    """Of all phrasings that lead to cards; those that are taken do tell of somebody at some place, or
    of a wrong with the wish to report it."""
    files = sorted((DATA / "phrasings").glob("*.yaml"))
    sentences = [str(s) for f in files for group in load_yaml(f).values() for s in group]
    taken = [s for s in sentences if looks_like_tip(s)]
    assert len(sentences) > 5000
    placed = [s for s in taken if find_places(fold(s))]
    assert len(placed) <= 8, placed
    told_of_somebody = [s for s in taken if s not in placed]
    assert len(told_of_somebody) <= 6, told_of_somebody
    assert all(re.search("我要|我想|想举报|要举报|[这那有][一]?[家个]", s) for s in told_of_somebody), told_of_somebody


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("A12", "A12"),
        ("城西菜场，A12", "城西菜场A12"),
        ("我在城西菜场A12", "城西菜场A12"),
        ("鲜达超市", "鲜达超市"),
        ("城西", "城西"),
        ("就在楼下", "楼下"),
        ("城西菜场东门进去左手边卖鱼的", "城西菜场东门进去左手边卖鱼的"),
        ("不知道叫什么，第二个红绿灯右转那家", "不知道叫什么，第二个红绿灯右转那家"),
        ("123", ""),
        ("？？", ""),
        ("", ""),
    ],
)
def test_any_words_answer_where(text: str, where: str) -> None:
    assert read_where(text).where == where


def test_what_is_told_later_is_added_and_holds() -> None:
    first = told("举报城西菜场A12少称2两")
    later = merge(first, told("昨天买的2斤虾，复称1斤7两"))
    assert (later.where, later.goods, later.day) == ("城西菜场A12", "虾", date(2026, 11, 24))
    assert (later.sale.shortage_g, later.shortage) == (None, 150)
    assert later.words == "举报城西菜场A12少称2两\n昨天买的2斤虾，复称1斤7两"
    moved = merge(later, read_where("B07"))
    assert (moved.where, moved.what) == ("城西菜场B07", "称重少3两（虾）")
    assert merge(first, first) == first
    assert merge(Told(), first) == first == merge(first, Told())


def test_a_weight_does_not_change_what_a_tip_is_about() -> None:
    assert merge(told("鲜达超市用作弊秤"), told("少了2两")).category == "cheating-scale"
    assert merge(told("少了2两"), told("其实是遥控秤")).category == "cheating-scale"


def test_further_questions_are_answered_by_what_was_said() -> None:
    book = TipBook.load()
    gun, tank = book.category("fuel").extra
    pile, amounts = book.category("charging-pile").extra
    (meter,) = book.category("home-meter").extra
    fuel = told("城北加油站2号枪加40升，油箱容积38升")
    assert (said_extra(fuel, gun), said_extra(fuel, tank)) == ("2", "38升")
    pile_told = told("特来电充电站3号桩显示20度电")
    assert (said_extra(pile_told, pile), said_extra(pile_told, amounts)) == ("3", "20度电")
    assert said_extra(told("我家电表不准"), meter) == ""


def test_every_category_has_its_paper() -> None:
    sources = load_yaml(DATA / "sources.yaml")
    rows = categories()
    book = TipBook.load()
    assert {c.id for c in rows} == {
        "short-weight", "cheating-scale", "no-mark", "prepacked", "fuel", "charging-pile", "taxi-meter", "home-meter",
        "optician", "gold", "fake-certificate", "units", "other",
    }  # fmt: skip
    assert [c.id for c in rows if c.route == "appeal"] == ["home-meter"]
    assert rows[-1].id == "other"
    for row in (*rows, *book.methods):
        assert set(row.sources) <= set(sources), row.id
    assert all(len(line) <= 40 for c in rows for line in c.evidence)
    assert {s for m in load_yaml(DATA / "tip_categories.yaml")["fair_scale"]["sources"] for s in [m]} <= set(sources)


def test_a_category_that_is_not_there() -> None:
    with pytest.raises(LookupError):
        TipBook.load().category("weather")


# -- whatever is typed ----------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=300), CHINESE))
def test_any_text_is_read(text: str) -> None:
    tip = told(text)
    assert tip.words == text
    assert tip.day is None or tip.day <= TODAY
    assert isinstance(looks_like_tip(text), bool)
    assert len(read_where(text).where) <= 200


@settings(max_examples=150, deadline=None)
@given(
    st.decimals(Decimal("0.1"), Decimal(99), places=1),
    st.sampled_from(["斤", "公斤", "克", "两", "kg", "g", "升", "元", "块"]),
    st.sampled_from(["城西菜场买了{}虾", "城西菜场少{}", "城西菜场{}的虾", "{}虾在城西菜场买的", "城西菜场，{}一斤", "城西菜场 {} 摊主说没问题"]),
)  # fmt: skip
def test_no_weight_or_sum_becomes_a_stall(number: Decimal, unit: str, frame: str) -> None:
    tip = told(frame.format(f"{number.normalize():f}{unit}"))
    assert (tip.market, tip.stall, tip.place) == ("城西菜场", "", "")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["城西", "江南", "红旗", "朝阳路", "幸福里", "和平", "三元"]),
    st.sampled_from(["菜场", "菜市场", "农贸市场", "批发市场", "早市", "夜市"]),
    st.from_regex(re.compile(r"[A-HJ-NP-Z]-?[1-9][0-9]{0,2}|[1-9][0-9]{0,2}号摊位?", re.ASCII), fullmatch=True),
    st.integers(1, 9),
    st.sampled_from(["{m}{s}少称{n}两", "举报{m}{s}少{n}两", "昨天在{m}的{s}买肉少了{n}两", "{m} {s}，2斤虾少{n}两"]),
)
def test_a_stall_told_plainly_is_always_found(name: str, kind: str, stall: str, liang: int, frame: str) -> None:
    tip = told(frame.format(m=name + kind, s=stall, n=liang))
    assert (tip.market, tip.stall, tip.sale.shortage_g) == (name + kind, stall, 50 * liang)
    assert looks_like_tip(tip.words)


@pytest.mark.parametrize(
    "part",
    [
        "我昨天在城西菜场3号摊买了2斤排骨，28一斤，回家称只有1斤8两，老板态度不好。",
        "市场",
        "东门进去1",
        "水产区A",
        "路与",
        "1",
        "1 ",
        "第三排",
    ],
)
def test_500_characters_are_read_in_little_time(part: str) -> None:
    """2 ms on an idle machine; the bound only catches what grows out of hand."""
    text = (part * 500)[:500]
    told(text)
    start = time.perf_counter()
    for _ in range(5):
        told(text)
        looks_like_tip(text)
    assert (time.perf_counter() - start) / 5 < 0.1


def test_an_empty_tale() -> None:
    assert (Told().where, Told().what, Told().shortage, Told().sale) == ("", "", None, Sale())


@pytest.mark.parametrize(
    ("text", "shop"),
    [
        ("中石化城北站3号枪加了200块油少了", "中石化城北站"),
        ("昨天在中国石油学院路站加95号汽油，少了5升", "中国石油学院路站"),
        ("永辉城西店少称2两", "永辉城西店"),
        ("中石化对面公交站少了", "中石化"),
    ],
)
def test_a_branch_stays_with_its_brand(text: str, shop: str) -> None:
    assert told(text).shop == shop


@pytest.mark.parametrize(
    ("text", "tip"),
    [
        ("有个摊子缺斤短两", True),
        ("有个摊子缺斤短两，我要举报", True),
        ("我要举报缺斤短两", True),
        ("怎么举报缺斤短两", False),
        ("我要举报缺斤短两要什么材料", False),
        ("举报要什么材料", False),
        ("缺斤短两", False),
    ],
)
def test_a_wrong_without_a_place_is_a_tip_when_it_is_told_and_not_asked(text: str, tip: bool) -> None:  # noqa: FBT001 - a row of the table
    assert looks_like_tip(text) is tip
