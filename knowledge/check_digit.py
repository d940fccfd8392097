"""A check digit that finds slips of the finger: every single wrong digit and every two neighbours in the wrong order.

H. Michael Damm, Total anti-symmetrische Quasigruppen, dissertation, Philipps-Universität Marburg 2004: the quasigroup
of order 10 on page 111. Its diagonal is zero, so that a number with its own check digit comes to zero.
"""

from __future__ import annotations

_QUASIGROUP = (
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
    """The one digit to write behind ``digits``; ``ValueError`` unless they are one or more of 0 to 9."""
    if not _are_digits(digits):
        raise ValueError("digits must be one or more of 0 to 9")
    interim = 0
    for digit in digits:
        interim = _QUASIGROUP[interim][int(digit)]
    return str(interim)


def is_valid(digits_with_check: str) -> bool:
    """Whether the last digit is the check digit of those before it. Anything but two or more digits is not valid."""
    return len(digits_with_check) > 1 and _are_digits(digits_with_check) and check_digit(digits_with_check) == "0"


def _are_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
