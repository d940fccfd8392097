from __future__ import annotations

from datetime import date

import pytest

from bot.__main__ import main
from bot.check import report
from knowledge.library import DataError, Library


def test_the_data_are_sound() -> None:
    text, sound = report(date(2026, 11, 24))
    assert sound, text
    assert text.startswith("知识数据没有错误。")
    assert "超过一年没有复核：0" in text
    assert "放假安排还缺 2027 年" in text


def test_what_is_old_is_listed() -> None:
    text, sound = report(date(2028, 1, 1))
    assert sound
    assert "超过一年没有复核：0" not in text
    assert "放假安排还缺 2028、2029 年" in text


def test_a_broken_file_is_an_error_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Library:
        raise DataError("faq.yaml：faq-1：answer：空的")

    monkeypatch.setattr(Library, "load", broken)
    text, sound = report(date(2026, 11, 24))
    assert not sound
    assert "faq.yaml：faq-1：answer" in text
    assert main(["check"]) == 1
