"""How many messages people need for what they came for: counted in the conversations, from the first to the result."""

from __future__ import annotations

import pytest

from bot.channels.terminal import render
from handlers.turn import Reception
from storage.database import Database
from tests.talks import FLOWS, Turn, all_talks, parse
from tests.tips import town

JOURNEYS = {
    "S2": ("s2-ledger-from-checkup", "我开海鲜摊", "您的海鲜摊要做", 6),
    "S3": ("s3-shop-and-table", "绑定 鲜达超市", "导入好了", 4),
    "S4": ("s4-one-line", "电子秤 ACS-30 编号0917 2026-05-20检", "记好了", 2),
    "S5": ("s5-reminder", "4", "再提醒", 1),
    "S6": ("s6-two-messages", "证书.pdf", "存好了", 2),
    "C2": ("c2-typical", "秤.png", "回执码", 4),
    "C2 without a photo": ("c2-three-messages", "昨天在鲜达超市买2斤排骨，回家一称只有1斤8两", "回执码", 3),
    "C2 by the menu": ("c2-from-the-menu", "拍照举报", "回执码", 6),
    "C2 after a verdict": ("c2-verdict-carried", "2", "回执码", 6),
    "C3": ("c3-where-is-my-case", "查", "现在：", 1),
    "C4": ("c4-add-evidence", "补充", "已放进", 2),
    "C10": ("c10-erase-after-a-tip", "删除我的数据", "删好了", 2),
    "S7": ("s7-calendar", "存到日历", "ledger.ics", 2),
    "S8": ("s8-pledge", "承诺", "/files/", 4),
    "C6": ("c6-pledge-number", "CXJL-2026-000001-5", "真实有效", 1),
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


def test_C5_a_result_is_sent_back_in_two_messages(database: Database, reception: Reception) -> None:
    """What staff did between is no line of a conversation: played here, from the result on."""
    here = town(database, reception)
    number = here.number(here.tell("a"))
    here.work(number, "accept", "close")
    assert "1 满意\n2 不满意" in render(here.say("a", "查")[0])
    sent = ["2", "没有当着我的面复称"]
    replies = [here.say("a", text) for text in sent]
    assert replies[-1][0].text.startswith("已退回重办")
    assert len(sent) <= 2


@pytest.mark.parametrize("file", [path.stem for path in all_talks() if path.stem.startswith("c2-")])
def test_C2_no_report_takes_more_than_six_messages(file: str) -> None:
    """From the first word of it to the receipt, whatever is sent when; a verdict asked for before is another matter."""
    turns = parse(FLOWS / f"{file}.talk").turns
    starts = [n for n, turn in enumerate(turns) if turn.sends_file or any("先说清楚" in b for b in turn.bubbles)]
    ends = [n for n, turn in enumerate(turns) if any("回执码 " in b for b in turn.bubbles)]
    assert starts
    assert all(end - starts[0] + 1 <= 6 for end in ends[:1])
