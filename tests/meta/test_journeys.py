"""How many messages people need for what they came for: counted in the conversations, from the first to the result."""

from __future__ import annotations

import pytest

from tests.talks import FLOWS, Turn, parse

JOURNEYS = {
    "S2": ("s2-ledger-from-checkup", "我开海鲜摊", "您的海鲜摊要做", 6),
    "S3": ("s3-shop-and-table", "绑定 鲜达超市", "导入好了", 4),
    "S4": ("s4-one-line", "电子秤 ACS-30 编号0917 2026-05-20检", "记好了", 2),
    "S5": ("s5-reminder", "4", "再提醒", 1),
    "S6": ("s6-two-messages", "证书.pdf", "存好了", 2),
    "S7": ("s7-calendar", "存到日历", "ledger.ics", 2),
    "S11": ("officers/merchant-explain", "1", "已交给办案人员", 2),
    "T1": ("officers/t1-triage", "今日", "已派 10 件", 2),
    "T2 accept": ("officers/t2-accept", "受理 0001", "已受理", 1),
    "T2 refuse": ("officers/t2-refuse", "不予受理 0001 4", "已不予受理", 1),
    "T3": ("officers/t3-close-in-two", "办结 0001 2", "已办结", 2),
}


def messages(turns: list[Turn], first: str, result: str) -> int:
    """From the first message to the answer that holds the result; waiting costs nobody a message."""
    start = next(n for n, turn in enumerate(turns) if first in (turn.said, turn.sends_file))
    end = next(n for n, turn in enumerate(turns[start:], start) if any(result in bubble for bubble in turn.bubbles))
    return sum(not turn.waits for turn in turns[start : end + 1])


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_takes_no_more_messages_than_promised(journey: str) -> None:
    file, first, result, most = JOURNEYS[journey]
    assert messages(parse(FLOWS / f"{file}.talk").turns, first, result) <= most
