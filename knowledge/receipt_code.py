"""Receipts (回执码) and case numbers as people type them: sixteen digits and a check digit, and ``TS-260928-0147``.

A slip of the finger is found here, by the check digit, before the slow look-up is tried and a guess is spent.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from knowledge.check_digit import check_digit, is_valid
from knowledge.credit_code import find_credit_code
from knowledge.private_words import hide

LENGTH = 16
"""Digits of a receipt without its check digit."""
CASE_NUMBER = re.compile(r"(?<![0-9a-z])ts-?([0-9]{6})-?([0-9]{4})(?![0-9])")
"""A case number in text folded by ``_fold``."""

_HANZI_DIGITS = {char: str(n) for n, char in enumerate("零一二三四五六七八九")} | {"〇": "0", "○": "0", "幺": "1"}
# An o for a zero and an l for a one, as they are read off a picture.
_LOOKALIKES = {"o": "0", "l": "1"}
_DIGITS = str.maketrans(_HANZI_DIGITS | _LOOKALIKES)
_DIGIT = f"[0-9{''.join(_HANZI_DIGITS)}{''.join(_LOOKALIKES)}]"
# The joiners and frames of emoji digits stand between digits as a space does.
_GAP = r"[\s\-‐‑‒–—―−─_.·・,，、/~\u200b-\u200d\u2060\ufe0f\ufeff\u20e3]"
_GAPS = re.compile(f"{_GAP}+")
_RUN = rf"{_DIGIT}(?:{_GAP}{{0,4}}{_DIGIT})"
# Possessive: the words overlap, and a message of nothing but them must not be tried in every division.
_LEAD = (
    r"(?:/?track|receipt|查询|查一下|查查|查看|查|回执码|回执号码|回执号|回执|号码|我的|我要|我想|帮我|帮忙|麻烦|请问|请|您好|你好|"
    r"一下|进度|输入|是|为|的|这个|[\s:：,，。.!！#“”\"'《》【】\[\]()（）])*+"
)
_TAIL = r"[\ufe0f\u20e3\s。.!！?？,，~”\"'》】\])）谢请查看一下吧呢吗进度]*"
_WHOLE = re.compile(rf"{_LEAD}(?P<code>{_RUN}{{{LENGTH}}}){_TAIL}")
_NAMED = re.compile(rf"回执[码号]?[^0-9]{{0,6}}?(?P<code>{_RUN}{{{LENGTH}}})(?!{_GAP}{{0,4}}[0-9])")
# One digit too few or too many, but named or grouped as a receipt.
_NEARLY = re.compile(
    rf"(?s:.*回执[码号]?[^0-9]{{0,6}}?{_RUN}{{{LENGTH - 2},{LENGTH + 1}}}|(?:[0-9]{{4}}-){{3}}[0-9]{{3,4}})"
)
_DIGITS_ONLY = re.compile(rf"{_RUN}{{{LENGTH - 2},{LENGTH + 1}}}")
_SHORT = re.compile(r"(?:案件|投诉|举报)?(?:编号|尾号|短号|号|no\.?|#)?[\s:：#]*([0-9]{4})\s*号?")
_BARE_NUMBER = re.compile(r"(?:查询|查一下|查|编号|案件编号|举报编号|[\s:：#])*([0-9]{6})-([0-9]{4})")


@dataclass(frozen=True, slots=True)
class Read:
    """A receipt as it was typed: its sixteen digits, or, when ``mistyped``, an empty text: nothing to look up."""

    digits: str
    mistyped: bool


def with_check(digits: str) -> str:
    """Sixteen digits as they are shown: in fours, with the check digit behind. ``ValueError`` for any other text."""
    if len(digits) != LENGTH:
        raise ValueError(f"a receipt has {LENGTH} digits")
    check = check_digit(digits)
    return "-".join([*(digits[at : at + 4] for at in range(0, LENGTH, 4)), check])


def read(text: str) -> Read | None:
    """The receipt in a message; ``mistyped`` when its check digit is wrong, None when there are no seventeen digits.

    The message is the receipt, with or without words like 查 or 回执码 round it; in a longer one 回执 must stand before it.
    """
    folded = _fold(text)
    found = _WHOLE.fullmatch(folded) or _NAMED.search(folded)
    if found is None:
        return None
    code = _GAPS.sub("", found["code"]).translate(_DIGITS)
    return Read(code[:LENGTH], mistyped=False) if is_valid(code) else Read("", mistyped=True)


def looks_like(text: str) -> bool:
    """Whether a message is meant as a receipt, right or not: also one with a digit too few or too many, when it is
    named as a receipt or written in fours."""
    return read(text) is not None or _NEARLY.fullmatch(_dashed(_fold(text).strip())) is not None


def is_only_digits(text: str) -> bool:
    """Whether a message is 15 to 18 digits and nothing else: a receipt without its check digit, or with a slip. What
    is an identity card or a credit code by its own check digit is none."""
    digits = _fold(text).strip()
    if _DIGITS_ONLY.fullmatch(digits) is None:
        return False
    plain = _GAPS.sub("", digits).translate(_DIGITS)
    return len(plain) <= LENGTH + 1 or not (_is_identity(plain) or find_credit_code(plain) == plain)


def read_case_number(text: str) -> str | None:
    """The first case number in a text as it is kept, ``TS-260928-0147``; without TS only when nothing else is said.
    None when there is none, or its six digits are no day."""
    folded = _dashed(_fold(text).strip())
    for found in [*CASE_NUMBER.finditer(folded), *filter(None, [_BARE_NUMBER.fullmatch(folded)])]:
        if _is_day(found[1]):
            return f"TS-{found[1]}-{found[2]}"
    return None


def read_short_number(text: str) -> str | None:
    """The last four digits of a case number, by which staff call it: ``0031``, ``#0031``, ``编号0031``."""
    found = _SHORT.fullmatch(_fold(text).strip())
    return found[1] if found else None


def _is_identity(digits: str) -> bool:
    return any(kind == "id-card" for kind, _ in hide(digits).found)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _dashed(folded: str) -> str:
    """Each gap between letters and digits as one dash."""
    return re.sub(rf"(?<=[0-9a-z]){_GAP}+(?=[0-9])", "-", folded)


def _is_day(digits: str) -> bool:
    try:
        date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return False
    return True
