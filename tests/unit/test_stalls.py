from dataclasses import astuple, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.files import load_yaml
from knowledge.shop_names import shop_name
from knowledge.stall_words import market_core, road_number, spots
from knowledge.stalls import (
    SUGGEST,
    Priority,
    StallTraits,
    Thresholds,
    block_keys,
    likeness,
    name_key,
    priority,
    stall_key,
)

PAIRS = [
    (StallTraits(**row["a"]), StallTraits(**row["b"]), row["same"], row["why"])
    for row in load_yaml(Path(__file__).parents[1] / "stall_pairs.yaml")
]
LICENCES = ["", "", "", "92330102MA2AXXR12T", "92330102MA2BYYT34W"]
MARKETS = [
    "",
    "城西菜场",
    "城西农贸市场",
    "江州市城西菜场",
    "成西菜场",
    "城东菜场",
    "城西水产市场",
    "第二农贸市场",
    "菜市场",
]
STALLS = ["", "A12", "A-12", "12号", "12A", "A12、A13", "水产区12号", "2楼A12", "3排5号", "三号", "进门左手"]
NAMES = [
    "",
    "老王水产",
    "王记海鲜",
    "劳网水产",
    "鲜达水产",
    "先达海鲜",
    "张记",
    "章记",
    "老板娘",
    "三姐卤味",
    "A12老王水产",
    "三号摊",
]
PLACES = ["", "建设路15号", "江州市东湖区建设路十五号", "在城西菜场A12摊位买的", "地铁口"]
POINTS = [(None, None), (30.25, 120.16), (30.2503, 120.1601), (30.2512, 120.16), (30.45, 120.46)]
TRAITS = st.builds(
    lambda licence, market, stall, name, place, goods, point: StallTraits(
        licence, market, stall, name, place, goods, *point
    ),
    *map(st.sampled_from, (LICENCES, MARKETS, STALLS, NAMES, PLACES, ["", "大虾", "鲫鱼", "苹果"], POINTS)),
)
ANY_TEXT = st.builds(StallTraits, *[st.text(max_size=20)] * 6)


# -- the labelled pairs -------------------------------------------------------------------------------------------


def test_suggestions_on_the_labelled_pairs():
    """58 of 58 suggestions right, 58 of 64 same stalls found, as measured; a change that makes it worse is seen here."""
    suggested = [same for a, b, same, _ in PAIRS if likeness(a, b).score >= SUGGEST]
    precision, recall = sum(suggested) / len(suggested), sum(suggested) / sum(same for _, _, same, _ in PAIRS)
    assert len(PAIRS) >= 120
    assert 0.4 < sum(same for _, _, same, _ in PAIRS) / len(PAIRS) < 0.6
    assert precision >= 0.98
    assert recall >= 0.9


def test_what_is_suggested_can_be_fetched():
    assert not [why for a, b, _, why in PAIRS if likeness(a, b).score >= SUGGEST and not _share_a_key(a, b)]


def test_every_suggestion_says_why():
    assert all(likeness(a, b).reasons for a, b, _, _ in PAIRS)


# -- the order of identity ----------------------------------------------------------------------------------------


HERE = StallTraits(market="城西菜场", stall="A12", name="老王水产")


def test_the_written_example():
    found = likeness(HERE, StallTraits(market="城西菜场", stall="A-12", name="王记海鲜"))
    assert round(found.score, 2) == 0.93
    assert found.reasons == ("同一市场同一摊位", "同姓氏同品类")


def test_licence_outranks_everything():
    one, other = replace(HERE, licence="92330102MA2AXXR12T"), replace(HERE, licence="92330102MA2BYYT34W")
    assert likeness(one, other).score == 0
    assert likeness(one, StallTraits(licence="９２３３０１０２ma2axxr12t", market="城东菜场")).score == 1
    assert likeness(one, HERE).score >= SUGGEST


def test_stall_number_outranks_the_name():
    changed = likeness(HERE, replace(HERE, name="李姐蔬菜"))
    assert changed.score == SUGGEST
    assert "名称不同，可能换了摊主" in changed.reasons
    assert likeness(HERE, replace(HERE, stall="A21")).score < SUGGEST
    assert likeness(replace(HERE, name="鲜达水产"), replace(HERE, name="鲜达水产", stall="A21")).score < SUGGEST


def test_a_number_without_its_area_needs_the_name():
    bare = StallTraits(market="城西菜场", stall="12号")
    assert likeness(HERE, bare).score < SUGGEST
    assert likeness(HERE, replace(bare, name="老王水产")).score >= SUGGEST
    assert likeness(HERE, replace(bare, name="刘姐蔬菜")).score < likeness(HERE, bare).score


def test_agreeing_names_speak_for_and_other_names_against():
    scores = [
        likeness(HERE, replace(HERE, stall="A区12号", name=n)).score for n in ("老王水产", "王记海鲜", "李姐蔬菜")
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


@pytest.mark.parametrize(("metres", "suggested"), [(0, True), (45, True), (55, False), (500, False)])
def test_place_and_goods_within_fifty_metres(metres, suggested):
    one = StallTraits(goods="西瓜", lat=30.25, lon=120.16)
    assert (likeness(one, replace(one, goods="葡萄", lat=30.25 + metres / 111_195)).score >= SUGGEST) is suggested


def test_fifty_metres_inside_a_market_say_nothing():
    one = StallTraits(market="城西菜场", goods="鲫鱼", lat=30.25, lon=120.16)
    assert likeness(one, replace(one, goods="草鱼")).score < SUGGEST


# -- properties ---------------------------------------------------------------------------------------------------


@given(TRAITS, TRAITS)
@settings(max_examples=200)
def test_symmetric_bounded_and_fetched(a, b):
    found = likeness(a, b)
    assert found == likeness(b, a)
    assert 0 <= found.score <= 1
    assert found.reasons
    assert found.score < SUGGEST or _share_a_key(a, b)


@given(TRAITS)
@settings(max_examples=200)
def test_a_stall_that_is_named_is_itself(a):
    assert likeness(a, replace(a)).score == 1 or not stall_key(a)


@given(TRAITS, TRAITS)
@settings(max_examples=200)
def test_one_exact_key_is_one_stall(a, b):
    far = likeness(a, b).reasons[-1].startswith("定位相距")
    assert not stall_key(a) or stall_key(a) != stall_key(b) or likeness(a, b).score >= SUGGEST or far


@given(ANY_TEXT, ANY_TEXT)
@settings(max_examples=150)
def test_any_text_is_compared_without_an_error(a, b):
    assert 0 <= likeness(a, b).score <= 1
    assert isinstance(stall_key(a), str)
    assert len(block_keys(a)) == len(set(block_keys(a)))


@pytest.mark.parametrize(
    "text", ["市" * 9000, "一" * 9000, "综合" * 5000, "建设" * 5000, "A12、" * 3000, "(" * 9000, "老王水产" * 2500]
)
def test_a_long_text_is_cut_and_read(text):
    traits = StallTraits(*[text] * 6)
    assert likeness(traits, replace(traits, licence="")).score <= 1
    assert all(len(key) <= 128 for key in block_keys(replace(traits, licence="")))


@given(
    st.floats(18.2, 53.5), st.floats(73.5, 135), st.floats(0, 49), st.sampled_from([(1, 0), (0, 1), (0.7, 0.7), (-0.7, 0.7), (0, -1)])
)  # fmt: skip
@settings(max_examples=200)
def test_two_points_within_fifty_metres_share_a_cell(lat, lon, metres, way):
    north, east = (metres * part / 111_195 for part in way)
    one, two = StallTraits(lat=lat, lon=lon), StallTraits(lat=lat + north, lon=lon + east)
    assert _share_a_key(one, two)


# -- keys ---------------------------------------------------------------------------------------------------------


def test_exact_keys():
    assert stall_key(replace(HERE, licence="92330102ma2axxr12t")) == "licence:92330102MA2AXXR12T"
    keys = {
        stall_key(StallTraits(market=m, stall=s))
        for m in ("城西菜场", "城西农贸市场")
        for s in ("A12", "Ａ-12", "A区十二号")
    }
    assert keys == {"stall:城西|a12"}
    assert [stall_key(StallTraits(**{field: "城西"})) for field in ("market", "stall", "name", "place")] == [""] * 4
    assert stall_key(StallTraits(market="菜市场", stall="A12")) == ""


@pytest.mark.parametrize("name", ["老王水产", "老王水產攤", "老王水产店", " 老王 水产（城西店）", "老王水产经营部"])
def test_name_key_says_the_name_without_what_every_shop_is_called(name):
    assert name_key(name) == "lao wang shui chan"


def test_name_key_reads_numerals():
    assert name_key("三姐卤味店") == name_key("３姐卤味") == "3 jie lu wei"
    assert name_key("三号摊") == name_key("店") == name_key("") == ""


# -- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "market",
    [
        "城西菜场",
        "城西农贸市场",
        "城西菜市场",
        "城西市场",
        "城西菜場（东门）",
        "在城西集贸市场里面",
        "城西",
        "城西农贸综合市场",
    ],
)
def test_one_market_under_many_names(market):
    assert market_core(market) == "城西"


@pytest.mark.parametrize(
    ("market", "core"),
    [("城西水产市场", "城西水产"), ("城西批发市场", "城西批发"), ("第二农贸市场", "2"), ("菜市场", ""), ("农贸市场东门", ""), ("城西超市", "城西超市"), ("南山早市", "南山早市")],
)  # fmt: skip
def test_other_markets_stay_others(market, core):
    assert market_core(market) == core


@pytest.mark.parametrize(
    ("text", "read"),
    [("A12", "a12"), ("A-12", "a12"), ("Ａ１２", "a12"), ("A区12号", "a12"), ("12号(A)", "a12"), ("12号A区", "a12"), ("A012", "a12"), ("A十二", "a12"),
     ("A区第十二号摊位", "a12"), ("12号", "12"), ("一百零五号", "105"), ("一〇五", "105"), ("12A", "12a"), ("二楼A12", "2楼a12"), ("3排5号", "3-5"), ("东区9号", "东9"),
     ("负一楼8号", "负1楼8"), ("A12、A13", "a12 a13"), ("进门左手", ""), ("", "")],
)  # fmt: skip
def test_stall_numbers(text, read):
    assert " ".join(map(str, spots(text))) == read


@pytest.mark.parametrize(
    ("name", "core", "surname"),
    [("老王水产", "老王", "王"), ("王记海鲜", "王记", "王"), ("卖鱼的老王", "老王", "王"), ("水产老王", "老王", "王"), ("江州市鲜达水产有限公司", "鲜达", ""),
     ("城西菜场老王水产", "老王", "王"), ("A12老王水产", "老王", "王"), ("海鲜店", "", ""), ("老板娘", "", ""), ("三号摊", "", ""), ("陈福记烧腊", "陈福记", "")],
)  # fmt: skip
def test_shop_names(name, core, surname):
    read = shop_name(name, market="城西")
    assert (read.core, read.surname) == (core, surname)


@pytest.mark.parametrize("place", ["建设路15号", "江州市东湖区建设路十五号", "在建设路15号旁边的店", "建设路 15 号"])
def test_road_and_number(place):
    assert road_number(place) == "建设路15"
    assert road_number("地铁口右手第一家") == ""


# -- repeats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "urgent", "lead"),
    [((1, 1, 0), False, False), ((2, 2, 0), True, False), ((1, 2, 0), False, False), ((1, 3, 0), False, True), ((3, 3, 0), True, True),
     ((1, 2, 1), False, True), ((1, 1, 1), False, False), ((2, 2, 1), True, True), ((0, 0, 0), False, False)],
)  # fmt: skip
def test_thresholds(counts, urgent, lead):
    found = priority(*counts)
    assert (found.urgent, found.lead, found.one_account) == (urgent, lead, False)
    assert bool(found.reasons) is (urgent or lead)


def test_many_tips_of_one_account_are_looked_at_together():
    assert not priority(5, 5, 0, by_one_account=4).one_account
    found = priority(5, 5, 0, by_one_account=5)
    assert found.one_account
    assert found.reasons[-1] == "同一账号举报 5 次，先核对是否恶意举报"


def test_thresholds_are_the_bureaus_to_set():
    assert priority(2, 2, 0, limits=Thresholds(urgent_tips=3)) == Priority(
        urgent=False, lead=False, one_account=False, reasons=()
    )


@given(st.lists(st.integers(0, 12), min_size=3, max_size=3).map(sorted))
def test_one_more_tip_never_weighs_less(counts):
    confirmed, recent, tips = counts
    before, after = priority(recent, tips, confirmed), priority(recent + 1, tips + 1, confirmed)
    assert all(more >= less for more, less in zip(astuple(after)[:3], astuple(before)[:3], strict=True))


def _share_a_key(a: StallTraits, b: StallTraits) -> bool:
    return not set(block_keys(a)).isdisjoint(block_keys(b))
