import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.pledge_number import MOST, Read, numbered, read

NUMBER = numbered(2026, 123)
BARE = NUMBER.replace("-", "")
FULL_WIDTH = str.maketrans("0123456789-CXJL", "０１２３４５６７８９－ＣＸＪＬ")
LINK = f"https://jiliang.example.gov.cn/v/{NUMBER}?s=" + "x0O_" * 21 + "AA"
SERIALS = st.tuples(st.integers(2000, 2099), st.integers(1, MOST))
AS_TYPED = [
    NUMBER, BARE, NUMBER.lower(), BARE.lower(), NUMBER.translate(FULL_WIDTH), NUMBER.replace("-", " "), NUMBER.replace("-", "—"),
    NUMBER.replace("0", "O"), NUMBER.replace("0", "o"), NUMBER.replace("1", "I"), NUMBER.replace("1", "l"), NUMBER.replace("L-", "1-"),
    f" {NUMBER}\n", f"查{NUMBER}", f"承诺编号：{NUMBER}。", f"我扫到 {BARE} 是真的吗", f"/v/{NUMBER}", LINK, LINK.replace(":", "%3A").replace("/", "%2F"),
    NUMBER.removeprefix("CXJL-"), f"承诺编号 {NUMBER.removeprefix('CXJL-')}", f"{NUMBER} 2", f"{NUMBER}的秤准吗", " ".join(BARE),
]  # fmt: skip
NO_NUMBER = [
    "", "CXJL", "cxjl-", "诚信计量承诺", "13812345678", "20260001238", "TS-260928-0147", "4839-2011-7745-0926-5", "CXJL-1",
    "2026-000123-88", "电话 2026-000123-8 转", "021-2026000-8",
]  # fmt: skip
MISTYPED = [
    NUMBER[:-1], NUMBER[:-2], NUMBER.replace("000123", "00123"), NUMBER.replace("000123", "0001234"), NUMBER + "1", BARE + "1",
    NUMBER + "-1", "CXJL 2026 0001234 8", "CXJL-2026-000000-0", f"/v/{NUMBER[:-1]}?s=AA", NUMBER.removeprefix("CXJL-")[:-1] + "1",
]  # fmt: skip


def test_a_number_as_it_is_printed():
    assert NUMBER == "CXJL-2026-000123-8"
    assert numbered(2026, MOST).startswith("CXJL-2026-999999-")


@pytest.mark.parametrize(("year", "serial"), [(1999, 1), (2100, 1), (26, 1), (2026, 0), (2026, -1), (2026, MOST + 1)])
def test_other_years_and_serials_have_no_number(year, serial):
    with pytest.raises(ValueError, match="needed"):
        numbered(year, serial)


@pytest.mark.parametrize("text", AS_TYPED)
def test_read_as_people_type_and_scan_it(text):
    assert read(text) == Read(NUMBER, mistyped=False)


@pytest.mark.parametrize("text", NO_NUMBER)
def test_other_numbers_are_none(text):
    assert read(text) is None


@pytest.mark.parametrize("text", MISTYPED)
def test_a_digit_too_few_or_too_many_or_wrong_gives_nothing_to_look_up(text):
    assert read(text) == Read("", mistyped=True)


@given(SERIALS)
@settings(max_examples=150)
def test_what_is_printed_is_read_again_and_no_two_are_alike(serial):
    year, at = serial
    assert read(numbered(year, at)) == Read(numbered(year, at), mistyped=False)
    assert numbered(year, at) != numbered(year, at % MOST + 1)


def _slips(digits: str) -> set[str]:
    wrong = {digits[:at] + other + digits[at + 1 :] for at in range(len(digits)) for other in "0123456789"}
    swapped = {digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(len(digits) - 1)}
    return (wrong | swapped) - {digits}


def test_every_wrong_digit_and_every_swap_of_neighbours_in_200_numbers_is_refused():
    chance = random.Random(17)  # noqa: S311 - trials, not secrets
    tried = 0
    for _ in range(200):
        digits = numbered(chance.randint(2020, 2035), chance.randint(1, MOST)).replace("-", "")[4:]
        for slip in _slips(digits):
            assert read(f"CXJL-{slip[:4]}-{slip[4:10]}-{slip[10:]}") == Read("", mistyped=True)
            tried += 1
    assert tried > 200 * 11 * 9


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_read_without_an_error(text):
    found = read(f"CXJL{text}")
    assert found is None or found.mistyped == (found.number == "")


def test_a_long_run_of_digits_is_read_at_once():
    assert read("CXJL" + "0 " * 50_000) == Read("", mistyped=True)
    assert read("CXJL-" * 20_000) is None
