"""统一社会信用代码 (GB 32100-2015): eighteen characters, the last one a check over the rest.

The inner organisation code (characters 9 to 17) has a check of its own (GB 11714). It is not enforced: codes given
from older registers do not all follow it, and the outer check already finds slips of the pen.
"""

from __future__ import annotations

import re
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18
_SHAPE = re.compile(rf"(?<![0-9A-Z])[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}(?![0-9A-Z])")


class CreditCodeError(ValueError):
    """It is no such code; the text says in Chinese what is wrong with it."""


def read_credit_code(text: str) -> str:
    """The code in its eighteen characters; ``CreditCodeError`` otherwise."""
    code = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    if len(code) != LENGTH:
        raise CreditCodeError(f"统一社会信用代码是 18 位，您发的是 {len(code)} 位，请对照营业执照再发一次。")
    wrong = [c for c in code if c not in ALPHABET]
    if wrong:
        raise CreditCodeError(
            f"统一社会信用代码里没有“{wrong[0]}”（字母 I、O、S、V、Z 都不用），请对照营业执照再发一次。"
        )
    if not code[2:8].isdecimal():
        raise CreditCodeError("统一社会信用代码第 3 到 8 位是数字，请对照营业执照再发一次。")
    if check_character(code[:-1]) != code[-1]:
        raise CreditCodeError("这个统一社会信用代码校验不对，可能有一位看错了，请对照营业执照再发一次。")
    return code


def find_credit_code(text: str) -> str | None:
    """A valid code standing anywhere in a text."""
    folded = unicodedata.normalize("NFKC", text).upper()
    codes = (found[0] for found in _SHAPE.finditer(folded))
    return next((code for code in codes if check_character(code[:-1]) == code[-1]), None)


def looks_meant(text: str) -> bool:
    """Whether a text is an attempt at a code, right or wrong."""
    return re.fullmatch(r"[0-9A-Za-z\s\-]{15,22}", unicodedata.normalize("NFKC", text).strip()) is not None


def check_character(body: str) -> str:
    """Of the first seventeen characters: weights are powers of 3 modulo 31."""
    total = sum(ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(body))
    return ALPHABET[(31 - total % 31) % 31]


def region(code: str) -> str:
    """The six digits of the place of registration (GB/T 2260)."""
    return code[2:8]
