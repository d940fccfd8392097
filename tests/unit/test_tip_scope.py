"""What goes to another body, what stays, and the words to take along."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.files import DATA, load_yaml
from knowledge.library import Confidence
from knowledge.tip_scope import Handover, also_elsewhere, handover_text, out_of_scope
from knowledge.tips import read_tip

TODAY = date(2026, 11, 25)


def body(text: str) -> str:
    found = out_of_scope(text)
    return found.id if found else ""


@pytest.mark.parametrize(
    ("text", "id_", "route"),
    [
        ("鲜达超市卖过期牛奶", "food-safety", "12315"),
        ("买的肉变质了", "food-safety", "12315"),
        ("外卖里吃出头发", "food-safety", "12315"),
        ("超市没有明码标价", "price", "12315"),
        ("標價和結賬不一樣", "price", "12315"),
        ("药店乱涨价", "price", "12315"),
        ("买到假货了", "quality", "12315"),
        ("这家店虚假宣传", "advertisement", "12315"),
        ("楼下餐馆无证经营", "licence", "12315"),
        ("外卖超时两小时", "delivery", "12315"),
        ("小贩占道经营", "city", "12345"),
        ("广场舞太吵了", "noise", "12345"),
        ("老板拖欠工资三个月", "wages", "12333"),
        ("网上被骗了2000块", "police", "110"),
        ("出租车司机拒载", "transport", "12328"),
        ("工厂排污水", "environment", "12345"),
        ("物业乱停电", "property", "12345"),
        ("医院误诊", "health", "12345"),
    ],
)
def test_matters_of_others(text: str, id_: str, route: str) -> None:
    found = out_of_scope(text)
    assert found is not None
    assert (found.id, found.route) == (id_, route)
    assert also_elsewhere(text) is None


@pytest.mark.parametrize(
    "text",
    ["检定证书过期了怎么办", "秤过期了", "加油枪过期没检还在加油", "城西菜场A12过期的秤还在用", "水果店的秤不准", "牛奶净含量不足", "城西菜场A12少称2两",
     "后厨配菜的秤要检吗", "计量所收费吗", "", "今天天气怎么样", "菜市场几点关门"],
)  # fmt: skip
def test_metrology_and_small_talk_stay(text: str) -> None:
    assert out_of_scope(text) is None


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("鲜达超市缺斤短两还卖过期牛奶", "food-safety"),
        ("2斤虾少了2两，而且虾臭了", "food-safety"),
        ("城西菜场A12少称2两，也不明码标价", "price"),
        ("秤不准还打人", "police"),
    ],
)
def test_a_story_of_both_stays_and_says_so(text: str, other: str) -> None:
    also = also_elsewhere(text)
    assert out_of_scope(text) is None
    assert also is not None
    assert also.id == other


def test_the_text_to_copy_holds_what_was_said_and_nobody() -> None:
    said = "我叫王小明，昨天上午在鲜达超市买的牛奶过期了，电话138 1234 5678"
    found = out_of_scope(said)
    assert found is not None
    assert handover_text(found, read_tip(said, TODAY), "") == (
        "反映给：市场监管部门（食品安全），电话 12315\n"
        "事情：我叫〔已隐去〕，昨天上午在鲜达超市买的牛奶过期了，电话〔已隐去〕\n"
        "地点：鲜达超市\n"
        "商品：牛奶\n"
        "时间：2026-11-24 上午"
    )


def test_what_was_not_said_has_no_line_and_a_long_story_is_cut() -> None:
    found = out_of_scope("乱涨价")
    assert found is not None
    text = handover_text(found, read_tip("乱涨价", TODAY), "乱涨价" + "，太过分" * 200)
    assert [line.partition("：")[0] for line in text.split("\n")] == ["反映给", "事情"]
    assert len(text) < 360


def _all() -> list[Handover]:
    return [Handover.model_validate(row) for row in load_yaml(DATA / "tip_scope.yaml")["bodies"]]


def test_every_body_says_whom_to_call_and_whence_it_is_known() -> None:
    sources = load_yaml(DATA / "sources.yaml")
    for found in _all():
        assert set(found.sources) <= set(sources), found.id
        assert found.route in found.advice or found.id == "property", found.id
        assert "您" in found.advice or "请" in found.advice, found.id
        assert ("待核实" in found.phone) == (found.confidence is Confidence.LOW), found.id
        assert ("待核实" in found.advice) == (found.confidence is Confidence.LOW), found.id


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_goes_at_most_one_way(text: str) -> None:
    assert out_of_scope(text) is None or also_elsewhere(text) is None
