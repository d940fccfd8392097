"""The tip as it stands in the form: evidence, days, hidden answers."""

from __future__ import annotations

import json
from datetime import timedelta

from handlers.tips.form import TIPOFF
from handlers.tips.sheet import sheet
from tests.support import NOW
from tests.tips import STORY


def test_a_claim_alone_is_no_evidence() -> None:
    said = [{"text": f"{STORY}，公平秤称过，有小票"}]
    shot = [{"file": "f", "kind": "image"}]
    assert sheet({"story": said}).level.number == 1
    assert sheet({"story": said, "more": shot}).level.number == 3
    assert sheet({"story": [{"text": STORY}], "more": shot}).level.number == 2
    assert sheet({"story": [{"text": STORY}], "shown": ["fair-scale-photo", "fair-scale-number"]}).level.number == 4


def test_yesterday_stays_the_day_it_meant() -> None:
    told = sheet({"day": "2026-11-24", "story": [{"text": f"昨天{STORY}"}]}, NOW.date() + timedelta(days=5)).told
    assert str(told.day) == "2026-11-23"


def test_answers_are_plain_json() -> None:
    opened_ = TIPOFF.prefill("")
    assert json.loads(json.dumps(opened_)) == opened_
    assert TIPOFF.prefill('{"story": [{"text": "x"}]}')["story"] == [{"text": "x"}]
