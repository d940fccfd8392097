import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.check_digit import check_digit, is_valid

NUMBERS = st.text("0123456789", min_size=1, max_size=24)


def test_published_example():
    assert check_digit("572") == "4"
    assert is_valid("5724")
    assert is_valid("112946")
    assert not is_valid("5727")


def test_every_slip_in_every_number_of_three_digits_is_found():
    for number in map("".join, itertools.product("0123456789", repeat=3)):
        whole = number + check_digit(number)
        assert is_valid(whole)
        for slip in _slips(whole):
            assert not is_valid(slip), (whole, slip)


@given(NUMBERS)
@settings(max_examples=150)
def test_every_slip_in_any_number_is_found(number):
    whole = number + check_digit(number)
    assert is_valid(whole)
    assert not any(map(is_valid, _slips(whole)))


@pytest.mark.parametrize("text", ["", "12a", "１２", "1 2", "-12", "²3", "٣"])
def test_only_digits_have_one(text):
    with pytest.raises(ValueError, match="0 to 9"):
        check_digit(text)
    assert not is_valid(text)


def test_a_check_digit_alone_checks_nothing():
    assert not is_valid("0")


def _slips(whole):
    """Each other digit at each place, and each two different neighbours swapped."""
    for at, digit in enumerate(whole):
        yield from (whole[:at] + other + whole[at + 1 :] for other in "0123456789" if other != digit)
    for at in range(len(whole) - 1):
        if whole[at] != whole[at + 1]:
            yield whole[:at] + whole[at + 1] + whole[at] + whole[at + 2 :]
