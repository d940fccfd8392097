from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import tolerance
from knowledge.goods import find_goods

TODAY = date(2026, 11, 24)
GRAM = Decimal("0.01")

KINDS = {
    "vegetable": [(1000, 20), (2000, 40), (4000, 80), (25000, 100)],
    "meat": [(2500, 5), (10000, 10), (15000, 15)],
    "dried": [(1000, 2), (4000, 4), (6000, 6)],
    "gold": [(100, "0.01")],
    "silver": [(100, "0.1")],
}
PRICES = {
    "6": KINDS["vegetable"], "6.01": KINDS["meat"], "30": KINDS["meat"], "30.01": KINDS["dried"], "100": KINDS["dried"],
    "100.01": [(500, 1), (2000, 2), (5000, 3)],
}  # fmt: skip
TABLES = [*KINDS.items(), *((Decimal(price), bands) for price, bands in PRICES.items())]


@pytest.mark.parametrize(("basis", "bands"), TABLES)
def test_every_edge_is_inclusive_and_the_next_band_follows(basis, bands):
    for index, (upto, grams) in enumerate(bands):
        found = tolerance.limit(basis, Decimal(upto), TODAY)
        assert found is not None
        assert found.limit_g == Decimal(grams)
        over = tolerance.limit(basis, upto + GRAM, TODAY)
        if index + 1 < len(bands):
            assert over is not None
            assert over.limit_g == Decimal(bands[index + 1][1])
        else:
            assert over is None
    assert tolerance.limit(basis, Decimal(0), TODAY) is None


@pytest.mark.parametrize("basis", ["meat", Decimal(20)])
def test_nothing_before_the_rules_came_into_force(basis):
    assert tolerance.limit(basis, Decimal(1000), date(2004, 11, 30)) is None
    assert tolerance.limit(basis, Decimal(1000), date(2004, 12, 1)) is not None


def test_unknown_kinds_and_prices_have_no_limit():
    assert tolerance.limit("other_food", Decimal(1000), TODAY) is None
    assert tolerance.limit("live_fish", Decimal(1000), TODAY) is None
    assert tolerance.limit(Decimal(0), Decimal(1000), TODAY) is None


def test_a_limit_names_its_clause():
    found = tolerance.limit("meat", Decimal(1000), TODAY)
    assert found is not None
    assert found.limit_g == Decimal(5)
    assert "附表1" in found.clause
    assert found.confidence == "high"


def test_the_doubtful_last_band_says_so():
    found = tolerance.limit("meat", Decimal(15000), TODAY)
    assert found is not None
    assert found.confidence == "medium"


def test_recheck_on_an_equal_scale_doubles():
    first = tolerance.limit("meat", Decimal(1000), TODAY)
    assert first is not None
    second = tolerance.recheck_limit(first)
    assert (second.limit_g, second.multiplier) == (10, 2)
    assert "第六条" in second.clause


@pytest.mark.parametrize(
    ("nominal", "limit_g"),
    [("50", "4.5"), ("75", "4.5"), ("100", "4.5"), ("101", "4.5"), ("103", "4.6"), ("150", "6.8"), ("200", "9"), ("250", "9"), ("300", "9"), ("400", "12"),
     ("500", "15"), ("1000", "15"), ("1001", "15"), ("1500", "22"), ("1700", "26"), ("5000", "75"), ("10000", "150"), ("15000", "150"), ("50000", "500"), ("30", "2.7")],
)  # fmt: skip
def test_net_content(nominal, limit_g):
    found = tolerance.net_content_limit(Decimal(nominal), TODAY)
    assert found is not None
    assert found.limit_g == Decimal(limit_g)


def test_net_content_outside_the_table_and_by_date():
    assert tolerance.net_content_limit(Decimal(50001), TODAY) is None
    assert tolerance.net_content_limit(Decimal(0), TODAY) is None
    assert tolerance.net_content_limit(Decimal(500), date(2005, 12, 31)) is None
    old = tolerance.net_content_limit(Decimal(500), date(2023, 5, 31))
    new = tolerance.net_content_limit(Decimal(500), date(2023, 6, 1))
    assert old is not None
    assert new is not None
    assert "75号" in old.clause
    assert "70号" in new.clause


def test_fuel_home_scale_and_pocket_figures():
    fuel = tolerance.fuel_limit(Decimal(50000))
    assert fuel is not None
    assert fuel.limit_g == 150
    assert tolerance.fuel_limit(Decimal(0)) is None
    assert tolerance.home_scale_error(Decimal(400)) == 5
    assert tolerance.home_scale_error(Decimal(900)) == 9
    pocket = [tolerance.pocket_limit(Decimal(grams)) for grams in (3000, 6000, 6001, 15000, 30000, 30001, 0)]
    assert pocket == [2, 2, 5, 5, 10, None, None]


def test_every_tabled_kind_is_a_kind_of_goods():
    samples = {
        "排骨",
        "白菜",
        "大米",
        "苹果",
        "鸡蛋",
        "鸡",
        "虾",
        "草鱼",
        "蛋糕",
        "奶糖",
        "酱油",
        "干菜",
        "海参",
        "金戒指",
        "足银",
    }
    kinds = {goods.kind for goods in map(find_goods, samples) if goods is not None}
    assert kinds == tolerance.tabled_kinds()
    assert tolerance.excluded_kinds() == {"live_poultry", "live_fish", "soaked"}


@settings(deadline=None)
@given(st.decimals("0.01", "30000", places=2), st.sampled_from(["meat", "fruit", "dried"]))
def test_heavier_purchases_never_have_smaller_limits(paid, kind):
    here, more = tolerance.limit(kind, paid, TODAY), tolerance.limit(kind, paid + 100, TODAY)
    if here is not None and more is not None:
        assert here.limit_g <= more.limit_g
    assert more is None or here is not None


@settings(deadline=None)
@given(st.decimals("0.1", "50000", places=1))
def test_net_content_limit_is_a_small_share_of_the_package(nominal):
    found = tolerance.net_content_limit(nominal, TODAY)
    assert found is not None
    assert 0 <= found.limit_g <= nominal
