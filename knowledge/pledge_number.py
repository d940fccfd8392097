"""Numbers of pledges (承诺编号) as they are printed and as people type them: ``CXJL-2026-000123-8``.

CXJL stands for 诚信计量, then come the year, the serial number within it and a check digit over both. A slip of the
finger is found here, before anybody is told that a shop's card is not to be found.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from knowledge.check_digit import check_digit, is_valid

PREFIX = "CXJL"
FIRST_YEAR, LAST_YEAR = 2000, 2099
MOST = 999_999
"""Numbers in a year."""

_LOOKALIKES = str.maketrans("OIL", "011")
_DIGIT = "[0-9OIL]"
_GAP = r"[\s\-‐‑‒–—―−─_.·・,，、/:：~\u200b-\u200d\u2060\ufeff]"
# An L at the end may have been read as a one.
_PREFIX = rf"C\s?X\s?J\s?[L1I]{_GAP}{{0,4}}"
_TEN = rf"{_DIGIT}(?:{_GAP}{{0,3}}{_DIGIT}){{9}}"
# A check digit that stands apart may be followed by another word that is a digit; one that does not may not.
_CHECK = rf"(?:{_GAP}{{1,3}}{_DIGIT}(?!-?{_DIGIT})|{_DIGIT}(?!{_GAP}{{0,3}}[0-9]|[OIL]))"
_NUMBER = re.compile(rf"{_PREFIX}({_TEN}{_CHECK})")
_NEARLY = re.compile(rf"{_PREFIX}{_DIGIT}(?:{_GAP}{{0,3}}{_DIGIT}){{3}}")
# Without its letters it is a number of a pledge only when nothing else is said.
_BARE = re.compile(
    r"(?:查询|查一下|查|承诺书|承诺|编号|号码|号|是|[\s:：#])*+(20[0-9]{2}-[0-9]{6}-[0-9])[\s。.!！?？]*"
)


@dataclass(frozen=True, slots=True)
class Read:
    """A number as it is kept, or, when ``mistyped``, an empty text: nothing to look up."""

    number: str
    mistyped: bool


def numbered(year: int, serial: int) -> str:
    """The number of a pledge. ``ValueError`` for a year outside 2000 to 2099 or a serial outside 1 to 999,999."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"a year from {FIRST_YEAR} to {LAST_YEAR} is needed")
    if not 1 <= serial <= MOST:
        raise ValueError(f"a serial from 1 to {MOST} is needed")
    return _written(f"{year}{serial:06}{check_digit(f'{year}{serial:06}')}")


def read(text: str) -> Read | None:
    """The first number of a pledge in a message or a scanned address; None when nothing in it is meant as one.

    Any case and width, with or without its dashes, O for 0 and I or l for 1. ``mistyped``: the check digit is wrong,
    or there is a digit too few or too many.
    """
    folded = unicodedata.normalize("NFKC", text).upper()
    found = _NUMBER.search(folded) or _BARE.fullmatch(folded)
    if found is None:
        return Read("", mistyped=True) if _NEARLY.search(folded) else None
    digits = re.sub(f"{_GAP}+", "", found[1]).translate(_LOOKALIKES)
    return Read(_written(digits), mistyped=False) if _could_be(digits) else Read("", mistyped=True)


def _could_be(digits: str) -> bool:
    return is_valid(digits) and FIRST_YEAR <= int(digits[:4]) <= LAST_YEAR and digits[4:10] != "000000"


def _written(digits: str) -> str:
    return f"{PREFIX}-{digits[:4]}-{digits[4:10]}-{digits[10:]}"
