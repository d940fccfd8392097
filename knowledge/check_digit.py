"""A check digit that finds every single wrong digit and every swap of neighbours.

H. Michael Damm, Total anti-symmetrische Quasigruppen, 2004: a quasigroup of order 10 in which no swap goes unseen. The
digit that brings the interim result to 0 is the check digit.
"""

from __future__ import annotations

_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def check_digit(digits: str) -> str:
    """The digit to put behind ``digits`` (ASCII 0-9)."""
    return str(_interim(digits))


def is_valid(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    return bool(digits) and _interim(digits) == 0


def _interim(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = _TABLE[interim][int(digit)]
    return interim
