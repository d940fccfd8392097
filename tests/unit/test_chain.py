"""T23 on rows in memory: whatever is done to a chain is found, and the first bad entry is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.chain import START, Fault, Head, Linked, canonical, first_fault, link, merkle_root

LENGTH = 50
ANCHORED = 40
"""How many of them stand in anchors: for what comes after only the chain and its head speak."""
BEGAN = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
Rows = list[Linked]


def chained(bodies: list[bytes], seq: int = 0, last: str = START) -> Rows:
    rows = []
    for number, body in enumerate(bodies, seq + 1):
        rows.append(Linked(number, BEGAN + timedelta(minutes=number), body, last, link(last, body)))
        last = rows[-1].hash
    return rows


def body(number: int, reason: str = "") -> bytes:
    return canonical({"seq": number, "actor": f"staff:{number % 7}", "action": "case.moved", "reason": reason})


ROWS = chained([body(n) for n in range(1, LENGTH + 1)])
MARKS = [(row.seq, row.hash) for row in ROWS[:ANCHORED]]
END = Head(LENGTH, ROWS[-1].hash)


def told(rows: Rows, head: Head = END) -> Fault | Head:
    return first_fault(rows, MARKS, head)


def test_an_untouched_chain_is_sound() -> None:
    assert told(ROWS) == END
    assert first_fault([]) == Head(0, START)
    assert first_fault(ROWS) == END


# -- tampering: each gives the rows, the head they are said to have, and the first number that is bad ---------------

Tampered = tuple[Rows, Head, int]


def flip(dice: random.Random) -> Tampered:
    """One byte of a record, or one digit of a hash."""
    place = dice.randrange(LENGTH)
    row, which = ROWS[place], dice.choice(("body", "previous", "hash"))
    if which == "body":
        data = bytearray(row.body)
        data[dice.randrange(len(data))] ^= dice.randrange(1, 256)
        return [*ROWS[:place], replace(row, body=bytes(data)), *ROWS[place + 1 :]], END, place + 1
    text = getattr(row, which)
    at = dice.randrange(64)
    other = dice.choice([digit for digit in "0123456789abcdef" if digit != text[at]])
    changed = replace(row, **{which: text[:at] + other + text[at + 1 :]})
    return [*ROWS[:place], changed, *ROWS[place + 1 :]], END, place + 1


def drop(dice: random.Random) -> Tampered:
    place = dice.randrange(LENGTH)
    return ROWS[:place] + ROWS[place + 1 :], END, place + 1


def insert(dice: random.Random) -> Tampered:
    """A row that fits the one before it, under any number; the rows after it stay. Where no anchor tells which of two
    with the same number was there first, it is the second that is named."""
    place = dice.randrange(LENGTH)
    last = ROWS[place - 1].hash if place else START
    number = dice.choice((0, -1, place + 1, place + 7))
    (new,) = chained([body(number, "inserted")], number - 1, last)
    second = number == place + 1 and place >= ANCHORED
    return [*ROWS[:place], new, *ROWS[place:]], END, place + 2 if second else place + 1


def swap(dice: random.Random) -> Tampered:
    """Two rows change their places, with or without their numbers."""
    one, other = sorted(dice.sample(range(LENGTH), 2))
    rows = list(ROWS)
    rows[one], rows[other] = rows[other], rows[one]
    if dice.random() < 0.5:
        rows[one], rows[other] = replace(rows[one], seq=one + 1), replace(rows[other], seq=other + 1)
    return rows, END, one + 1


def truncate(dice: random.Random) -> Tampered:
    """The end is cut off; with the head mended it is the anchors that tell."""
    if dice.random() < 0.5:
        left = dice.randrange(LENGTH)
        return ROWS[:left], END, left + 1
    left = dice.randrange(ANCHORED)
    return ROWS[:left], Head(left, ROWS[left - 1].hash if left else START), left + 1


def rechain(dice: random.Random) -> Tampered:
    """Everything from one row on is written anew with right hashes, and the head with it."""
    place = dice.randrange(ANCHORED)
    count = dice.choice((LENGTH - place, LENGTH - place, dice.randrange(1, 60)))
    bodies = [body(place + 1, "rewritten"), *(body(n) for n in range(place + 2, place + 1 + count))]
    rows = ROWS[:place] + chained(bodies, place, ROWS[place - 1].hash if place else START)
    return rows, Head(rows[-1].seq, rows[-1].hash), place + 1


TAMPERINGS: tuple[Callable[[random.Random], Tampered], ...] = (flip, drop, insert, swap, truncate, rechain)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.__name__)
def test_T23_every_one_of_ten_thousand_tamperings_is_found_and_named(
    tampering: Callable[[random.Random], Tampered],
) -> None:
    dice = random.Random(f"2026-11-25 {tampering.__name__}")  # noqa: S311 - chooses what to try
    for _ in range(10_000 // len(TAMPERINGS) + 1):
        rows, head, first = tampering(dice)
        found = told(rows, head)
        assert isinstance(found, Fault)
        assert found.seq == first
        assert found.what


def test_what_was_added_since_the_last_anchor_is_held_by_the_head_alone() -> None:
    """The limit of a log that its own keeper can write: said in the anchors' docstring, mended by the next anchor."""
    rows = ROWS[:ANCHORED] + chained([body(n, "rewritten") for n in range(ANCHORED + 1, 51)], ANCHORED, MARKS[-1][1])
    assert isinstance(told(rows), Fault)
    assert told(rows, Head(LENGTH, rows[-1].hash)) == Head(LENGTH, rows[-1].hash)


# -- the parts ----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=4), JSON, max_size=5))
def test_one_record_has_one_spelling(record: dict[str, object]) -> None:
    assert canonical(record) == canonical(dict(reversed(record.items())))
    assert b": " not in canonical({"a": 1, "b": {"c": 2}})


@pytest.mark.parametrize("record", [{"a": 1.5}, {"a": [{"b": 0.1}]}, {"a": {"b": float("nan")}}])
def test_a_float_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        canonical(record)


def test_where_a_record_ends_is_part_of_its_hash() -> None:
    assert link(START, b"ab") != link(START, b"a")
    assert link(link(START, b"a"), b"b") != link(START, b"ab")


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_any_change_of_a_days_entries_changes_its_root(leaves: list[bytes], data: st.DataObject) -> None:
    hashes = [leaf.hex() for leaf in leaves]
    place = data.draw(st.integers(0, len(hashes) - 1))
    root = merkle_root(hashes)
    assert merkle_root(hashes[:place] + hashes[place + 1 :]) != root
    assert merkle_root([*hashes, hashes[-1]]) != root
    assert merkle_root([*hashes[:place], START[:-1] + "1", *hashes[place + 1 :]]) != root


def test_a_node_does_not_pass_for_a_leaf() -> None:
    one, other = "11" * 32, "22" * 32
    assert merkle_root([merkle_root([one, other])]) != merkle_root([one, other])
    assert merkle_root([]) == START
