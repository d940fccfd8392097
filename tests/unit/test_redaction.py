"""T1: what leaves the house has no place for who reported."""

from __future__ import annotations

import types
import unicodedata
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers import redaction
from handlers.redaction import NAMES, Slip, for_body, for_party, render
from storage.cases import Case, CaseKind

ALLOWED = {"number", "kind", "category", "place", "goods", "facts", "day", "basis", "text"}
CLOSED = (str, date, StrEnum)
"""Words, days and fixed choices; whatever else a field held could carry a person in."""
LABELS = {"编号", "类别", "地点", "商品", "内容", "依据", "登记日期"}


def _leaves(kind: Any) -> list[Any]:
    """The plain types that a field of this type can hold, through tuples, unions and nested dataclasses."""
    origin = get_origin(kind)
    if origin in (tuple, Union, types.UnionType):
        return [leaf for part in get_args(kind) if part is not Ellipsis for leaf in _leaves(part)]
    if is_dataclass(kind):
        return [leaf for part in get_type_hints(kind).values() for leaf in _leaves(part)]
    return [kind]


def _strays(slip: type) -> list[str]:
    hints = get_type_hints(slip)
    named = [name for name in hints if name not in ALLOWED]
    return named + [
        f"{name}: {leaf}"
        for name, kind in hints.items()
        for leaf in _leaves(kind)
        if not (isinstance(leaf, type) and issubclass(leaf, CLOSED) and leaf is not datetime)
    ]


def a_case(**given_: Any) -> Case:
    columns: dict[str, Any] = {
        "number": "TS-261124-0031",
        "kind": "report",
        "district": "城西区",
        "market": "向阳市场",
        "stall_no": "B12",
        "shop": "老刘肉铺",
        "place": "",
        "goods": "排骨",
        "matter": "称重少2两",
        "told": "买了三斤排骨，〔已隐去〕回家复称少了二两。",
        "happened": "今早7点20",
        "latitude": 31.2345,
        "longitude": 121.4567,
        "demand": "退一赔三",
        "received_on": date(2026, 11, 24),
        "received_at": datetime(2026, 11, 23, 23, 41, tzinfo=UTC),
    }
    return Case(**(columns | given_))


def test_T1_a_slip_has_no_field_for_an_identity() -> None:
    assert {field.name for field in fields(Slip)} == ALLOWED
    assert _strays(Slip) == []
    assert not hasattr(for_body(a_case(), "", ""), "__dict__")
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(for_body(a_case(), "", ""), "reporter", "王某")


def test_T1_a_field_for_a_person_or_an_open_type_would_be_found() -> None:
    by_name = types.new_class("ByName", (Slip,))
    by_name.__annotations__ = {"phone": str}
    by_type = types.new_class("ByType", (Slip,))
    by_type.__annotations__ = {"facts": dict[str, str], "day": datetime}
    assert _strays(by_name) == ["phone"]
    assert len(_strays(by_type)) == 2


def test_a_slip_for_a_body_tells_the_matter() -> None:
    slip = for_body(a_case(), "缺斤短两", "《市场监督管理投诉举报处理办法》", ["现场复称超差 40 克"])
    assert render(slip).splitlines() == [
        "举报线索单",
        "编号：TS-261124-0031",
        "类别：缺斤短两",
        "地点：城西区 向阳市场 B12 老刘肉铺",
        "商品：排骨",
        "事实1：称重少2两",
        "事实2：现场复称超差 40 克",
        "内容：买了三斤排骨，〔已隐去〕回家复称少了二两。",
        "依据：《市场监督管理投诉举报处理办法》",
        "登记日期：2026-11-24",
        redaction.CLOSING,
    ]


def test_T1_the_reported_party_gets_no_story_no_hour_and_no_coordinates() -> None:
    text = render(for_party(a_case(), "缺斤短两", "《计量法》"))
    assert "称重少2两" in text
    for told in ("三斤", "7点20", "23:41", "31.23", "121.45", "退一赔三"):
        assert told not in text
    assert "31.23" not in render(for_body(a_case(market="", stall_no="", shop="", district="", place="桥头"), "", ""))


_plain = st.text(max_size=30)


@settings(max_examples=150)
@given(_plain, _plain, _plain, _plain, st.lists(_plain, max_size=3), _plain, st.sampled_from(CaseKind))
def test_T1_a_slip_shows_its_fields_and_nothing_else(
    number: str, category: str, place: str, goods: str, facts: list[str], text: str, kind: CaseKind
) -> None:
    slip = Slip(number, kind, category, place, goods, tuple(facts), date(2026, 11, 24), "依据甲", text)
    first, *rows, last = render(slip).split("\n")
    assert (first, last) == (f"{NAMES[kind]}线索单", redaction.CLOSING)
    known = {number, category, place, goods, *facts, text, "依据甲", "2026-11-24"}
    squeezed = {"".join(one.split()) for one in known}
    for row in rows:
        label, _, value = row.partition("：")
        assert label in LABELS or label in {f"事实{n}" for n in range(1, len(facts) + 1)}
        shown = "".join(value.split())
        assert shown
        assert any(shown == _without_controls(one) for one in squeezed)


def _without_controls(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c)[0] != "C")


def test_typed_words_cannot_add_a_line_or_turn_the_writing() -> None:
    slip = for_body(a_case(goods="排骨\n编号：1\u2028地点：2", told="\u202e反了\x00"), "", "")
    lines = render(slip).splitlines()
    assert "商品：排骨 编号：1 地点：2" in lines
    assert "内容：反了" in lines


def test_T1_what_words_still_tell_of_a_person_is_hidden_at_the_door() -> None:
    told = "我叫赵金雀，电话 139 1234 5678，在B12买的排骨"
    case = a_case(told=told, matter=f"称重少2两，{told}", goods="排骨 13912345678", market="", stall_no="", shop="")
    case.place, case.district = f"桥头，{told}", ""
    text = render(for_body(case, "缺斤短两", "《计量法》", [f"回访：{told}"]))
    for word in ("赵金雀", "139 1234 5678", "13912345678"):
        assert word not in text
    assert text.count("在B12买的排骨") == 4
