"""Scanned codes and deep links: each leads somewhere, greets those who are new, and promises nothing that is not there."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import Service
from handlers.conversation.messages import Numbered
from handlers.greeting import GREETING
from handlers.routes import ROUTES, is_route
from tests.support import said

PAYLOAD = st.text(st.sampled_from("abcXYZ019_-"), min_size=1, max_size=62)


def scan(service: Service, route: str, key: str = "1", **more: object) -> list[Numbered]:
    return service.talk(replace(said("/start", key), route=route, **more))


def test_the_kinds_of_code() -> None:
    assert set(ROUTES) == set("pscbte")


@given(st.sampled_from("pscbte"), PAYLOAD)
def test_what_a_code_may_carry(letter: str, payload: str) -> None:
    assert is_route(f"{letter}_{payload}")


@pytest.mark.parametrize(
    "text",
    ["", "s", "s_", "s_a b", "s_摊", "x_1", "S_1", "s-1", "s_" + "a" * 63, "s_1\n", " s_1", "s_1?x", "last_trade_no_1"],
)
def test_what_is_no_route(text: str) -> None:
    assert not is_route(text)


@pytest.mark.parametrize(
    ("route", "first", "labels"),
    [
        ("p_CXJL-2026-000123-8", "查无此承诺，疑似伪造：", ["反馈假承诺", "回菜单"]),
        ("s_A12", "您扫的是 A12 摊位。", ["当场判定", "举报这个摊位", "查秤"]),
        ("c_2026-12", "您扫的是培训 2026-12 的报名码。", ["培训怎么报名"]),
        ("t_JB-1", "查进度：请把 17 位回执码发给我", ["我的举报"]),
    ],
)
def test_a_code_greets_who_is_new_and_says_what_there_is(
    service: Service, route: str, first: str, labels: list[str]
) -> None:
    (line,) = scan(service, route)
    greeting, text = line.reply.text.split("\n")
    assert greeting == GREETING
    assert text.startswith(first)
    assert [c.label for c in line.reply.choices] == labels
    assert 2 + len(labels) <= 5
    (again,) = scan(service, route, "2")
    assert again.reply.text == text
    for number in range(1, len(labels) + 1):
        scan(service, route, f"again-{number}")
        told = service.talk(said(str(number), f"pick-{number}"))
        assert re.search("依据|买了什么|查秤|先说清楚谁看得到|还没有举报|可以直接打字问", told[0].reply.text)


@pytest.mark.parametrize("route", ["x_1", "s_", "s_a b", "last_trade_no_1", "_", "s_" + "a" * 63])
def test_a_code_that_leads_nowhere_is_an_ordinary_beginning(service: Service, route: str) -> None:
    (line,) = scan(service, route)
    assert line.reply.text.startswith(GREETING)
    assert len(line.reply.choices) == 3


def test_a_code_scanned_in_a_form_leaves_it_as_a_draft(service: Service) -> None:
    service.talk(said("查秤", "1"))
    service.talk(said("1", "2"))
    scan(service, "s_A12", "3")
    service.talk(said("强检收费吗", "4"))
    assert service.talk(said("继续", "5"))[0].reply.text.startswith("先查好手机的重量")


def test_a_link_to_bind_with_needs_a_code_that_exists(service: Service) -> None:
    (line,) = scan(service, "b_" + "A" * 22)
    assert "这个码不对，或者用过了" in line.reply.text


def test_a_link_to_bind_with_leads_elsewhere_where_others_read_along(service: Service) -> None:
    (line,) = scan(service, "b_" + "A" * 22, shared=True)
    assert line.reply.text.startswith("这里只回答问题和当场判定。")
