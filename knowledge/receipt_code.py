"""Receipts and case numbers as they are written and as people type them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from knowledge.check_digit import check_digit, is_valid

LENGTH = 16
_DIGITS = str.maketrans("〇零一二三四五六七八九Oo", "00123456789" + "00")
_LEAD = re.compile(r"^(?:查询?|查进度|回执码?|凭?回执码?|我的|/track|/t)[\s:：是]*")
_RECEIPT = re.compile(r"[0-9](?:[\s\-—–－_.·]*[0-9]){16}")
_CASE = re.compile(r"(?:^|[^A-Z])TS[\s\-—–_]*([0-9]{6})[\s\-—–_]*([0-9]{4})(?![0-9])")
_SHORT = re.compile(r"#?([0-9]{4})")


@dataclass(frozen=True, slots=True)
class Read:
    """A receipt that was typed: its sixteen digits; ``mistyped``: one is wrong or two are swapped."""

    digits: str
    mistyped: bool


def with_check(digits: str) -> str:
    """``4839-2011-7745-0926-3``: sixteen digits in fours and the check digit."""
    fours = [digits[n : n + 4] for n in range(0, LENGTH, 4)]
    return "-".join((*fours, check_digit(digits)))


def read(text: str) -> Read | None:
    """The receipt in a message that is nothing else; None when it is none."""
    said = _LEAD.sub("", unicodedata.normalize("NFKC", text).strip()).translate(_DIGITS)
    if not _RECEIPT.fullmatch(said.strip().rstrip("。.!")):
        return None
    digits = re.sub(r"[^0-9]", "", said)
    return Read(digits[:LENGTH], not is_valid(digits))


def read_case_number(text: str) -> str | None:
    """``TS-260928-0147`` out of what people type."""
    found = _CASE.search(unicodedata.normalize("NFKC", text).upper())
    return f"TS-{found[1]}-{found[2]}" if found else None


def read_short_number(text: str) -> str | None:
    """The four digits by which staff call a case."""
    found = _SHORT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return found[1] if found else None
