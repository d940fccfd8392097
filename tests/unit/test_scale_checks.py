import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.scale_checks import (
    Bill,
    PocketReading,
    compensation,
    pocket_check,
    price_check,
    read_bill,
    read_pocket,
)

POCKET = PocketReading(Decimal(15000), Decimal(1200), Decimal(1380), Decimal(215))


@pytest.mark.parametrize(
    "text",
    ["15公斤的秤 放菜1.200 加手机1.380 手机215", "15kg秤,放菜1.200kg,加手机1.380kg,手机215克", "最大秤量15公斤 放菜1200克 加手机1380克 手机215g",
     "１５公斤的秤 放菜１．２００ 加手机１．３８０ 手机２１５", "15公斤的电子秤 先放菜1.2公斤 再放手机1.38公斤 手机重215克", "15公斤的秤 1.200 1.380 215",
     "手机215克 15公斤秤 放菜2斤4两 加上手机2.76斤", "15公斤的秤 放菜1.200 加手机1.380 手机重量是0.215"],
)  # fmt: skip
def test_one_message_holds_all_four_numbers(text):
    assert read_pocket(text) == POCKET


def test_the_example_is_suspicious_in_measured_words():
    found = pocket_check(POCKET)
    data = json.loads(json.dumps(found.to_json()))
    assert (data["verdict"], data["deviation_g"], data["limit_g"]) == ("suspicious", -35, 5)
    assert "秤可疑" in data["text"]
    assert "作弊" not in data["text"]


@pytest.mark.parametrize(
    ("max_kg", "deviation", "verdict"),
    [(3, 2, "fine"), (6, 2, "fine"), (6, "2.1", "suspicious"), (6, -2, "fine"), (6, -3, "suspicious"), ("6.1", 5, "fine"), (15, 5, "fine"), (15, 6, "suspicious"),
     (15, -5, "fine"), (30, 10, "fine"), (30, 11, "suspicious"), (30, -11, "suspicious"), (31, 0, "use_fair_scale"), (150, 50, "use_fair_scale")],
)  # fmt: skip
def test_pocket_limits(max_kg, deviation, verdict):
    reading = PocketReading(Decimal(max_kg) * 1000, Decimal(1000), 1200 + Decimal(deviation), Decimal(200))
    found = pocket_check(reading)
    assert found.verdict == verdict
    assert ("公平秤" in found.text) is True


def test_missing_pocket_numbers_are_asked():
    found = pocket_check(read_pocket("放菜1.200 加手机1.380 手机215"))
    assert (found.verdict, found.missing) == ("incomplete", ("max_g",))
    assert pocket_check(PocketReading()).missing == ("max_g", "before_g", "after_g", "weight_g")


BILLS = [
    ("18一公斤 0.74公斤 收14", "13.32", "0.68", "suspicious", {"decimal_shift", "rounded_up"}),
    ("18 0.74 14", "13.32", "0.68", "suspicious", {"decimal_shift", "rounded_up"}),
    ("18一公斤 0.74公斤 14", "13.32", "0.68", "suspicious", {"decimal_shift", "rounded_up"}),
    ("18一公斤 0.74公斤 收13.32", "13.32", "0", "fine", set()),
    ("18一公斤 0.74公斤 收13.33", "13.32", "0.01", "fine", set()),
    ("18一公斤 0.74公斤 收13.34", "13.32", "0.02", "suspicious", set()),
    ("18一公斤 0.74公斤 收13.3", "13.32", "-0.02", "fine", set()),
    ("18一公斤 0.74公斤 收13", "13.32", "-0.32", "fine", set()),
    ("18一公斤 0.74公斤 收13.4", "13.32", "0.08", "suspicious", {"rounded_up"}),
    ("28一斤 2斤 收56", "56", "0", "fine", set()),
    ("28一斤 2斤 收112", "56", "56", "suspicious", {"unit_mixed"}),
    ("28一斤 2斤 收106.4", "56", "50.4", "suspicious", {"unit_mixed"}),
    ("28一斤 2斤 收106.3", "56", "50.3", "suspicious", set()),
    ("28一斤 2斤 收117.6", "56", "61.6", "suspicious", {"unit_mixed"}),
    ("28一斤 2斤 收117.7", "56", "61.7", "suspicious", set()),
    ("28一斤 2斤 收28", "56", "-28", "suspicious", {"unit_mixed"}),
    ("28一斤 2斤 收26.88", "56", "-29.12", "suspicious", {"unit_mixed"}),
    ("28一斤 2斤 收26.8", "56", "-29.2", "fine", set()),
    ("28一斤 2斤 收29.68", "56", "-26.32", "suspicious", {"unit_mixed"}),
    ("28一斤 2斤 收29.7", "56", "-26.3", "fine", set()),
    ("28一斤 2斤 收560", "56", "504", "suspicious", {"decimal_shift"}),
    ("28一斤 2斤 收5.6", "56", "-50.4", "suspicious", {"decimal_shift"}),
    ("28元/斤 1斤8两 付了50.4元", "50.4", "0", "fine", set()),
    ("28元/斤 1斤8两 付了51元", "50.4", "0.6", "suspicious", {"decimal_shift", "rounded_up"}),
    ("三块五一斤 买两斤半 收八块八", "8.75", "0.05", "suspicious", {"rounded_up"}),
    ("三块五一斤 买两斤半 收8块7", "8.75", "-0.05", "fine", set()),
    ("每500克 9.9 500克 收9.9", "9.9", "0", "fine", set()),
    ("9.9元/500g 1公斤 收19.8", "19.8", "0", "fine", set()),
    ("9.9元/500g 1公斤 收39.6", "19.8", "19.8", "suspicious", {"unit_mixed"}),
    ("单价12元 重量1.5 收了18元", "18", "0", "fine", set()),
    ("12 1.5 20", "18", "2", "suspicious", set()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "over", "verdict", "flags"), BILLS)
def test_bills(text, expected, over, verdict, flags):
    found = price_check(read_bill(text))
    assert (found.expected_yuan, found.over_yuan, found.verdict) == (Decimal(expected), Decimal(over), verdict)
    assert set(found.flags) == flags
    assert "作弊" not in found.text
    json.dumps(found.to_json())


def test_missing_bill_numbers_are_asked():
    assert price_check(read_bill("18一公斤 收14")).missing == ("weight",)
    assert price_check(read_bill("0.74公斤")).missing == ("unit_price", "asked_yuan")
    assert price_check(Bill(Decimal(0), Decimal(1), Decimal(1))).verdict == "incomplete"


@pytest.mark.parametrize(
    ("paid", "extra"), [(56, 500), ("166.66", 500), (166, 500), ("166.67", "500.01"), (200, 600), (1000, 3000)]
)
def test_compensation(paid, extra):
    found = compensation(Decimal(paid))
    assert found.extra_yuan == Decimal(extra)
    assert "欺诈" in found.text
    assert "第五十五条" in found.clause
    json.dumps(found.to_json())


@pytest.mark.parametrize("paid", [0, -1])
def test_compensation_needs_a_price(paid):
    with pytest.raises(ValueError, match="above 0"):
        compensation(Decimal(paid))


@settings(deadline=None)
@given(st.decimals("0.01", "500", places=2), st.decimals("0.001", "30", places=3))
def test_the_exact_bill_is_always_fine(price, weight):
    asked = round(price * weight, 2)
    found = price_check(Bill(price, weight, asked))
    assert found.verdict == ("fine" if asked > 0 else "incomplete")


@settings(deadline=None)
@given(st.text(max_size=300) | st.text(alphabet="放菜加手机公斤秤克元块一收付0123456789./ ", max_size=300))
def test_any_text_gets_an_answer(text):
    assert pocket_check(read_pocket(text)).text
    assert price_check(read_bill(text)).text
