"""Identities: closed with public keys, opened by two people together and by nobody else."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations, permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from storage import audit, boxes, identities
from storage.boxes import BoxError
from storage.custodians import CANNOT
from storage.database import Database, Session
from storage.identities import Custodian, Holder, IdentityKey, Reveal, RevealError, RevealHalf, SealedIdentity
from tests.support import NOW

CASE = 17
REASON = "本案需要核对举报人身份以发放奖励"
CANARY = {"name": "金丝雀赵", "phone": "13912345678", "address": "canary-lane-77"}
SOON = NOW + timedelta(minutes=14, seconds=59)


def appointed(session: Session, count: int) -> list[Holder]:
    """So many custodians more, each with a key of their own."""
    there = len(identities.custodians(session))
    keys = [PrivateKey.generate() for _ in range(count)]
    return [
        Holder(identities.appoint(session, f"保管人{there + n}", bytes(key.public_key), NOW), key)
        for n, key in enumerate(keys)
    ]


def opened(session: Session, first: Holder, second: Holder, case_id: int = CASE) -> list[dict[str, str]]:
    reveal = identities.ask_reveal(session, case_id, first, REASON, NOW)
    return identities.open_reveal(session, reveal.id, second, NOW)


def rows(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


# -- two people together ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 5])
def test_T1_any_two_custodians_open_it_in_either_order(database: Database, count: int) -> None:
    with database.unit() as session:
        holders = appointed(session, count)
        identities.seal(session, CASE, CANARY, NOW)
        assert rows(session, IdentityKey) == count * (count - 1)
        for first, second in permutations(holders, 2):
            assert opened(session, first, second) == [CANARY]


def test_T1_without_two_custodians_nothing_is_taken(database: Database) -> None:
    with database.unit() as session:
        for count in (0, 1):
            assert not identities.can_seal(session)
            assert len(identities.custodians(session)) == count
            with pytest.raises(RevealError, match="两名密钥保管人"):
                identities.seal(session, CASE, CANARY, NOW)
            appointed(session, 1)
        assert identities.can_seal(session)
        assert rows(session, SealedIdentity) == 0


def test_T1_one_custodian_alone_cannot_open_any_box(database: Database) -> None:
    """Not a rule of the program alone: with one private key none of the rows gives the key up."""
    with database.unit() as session:
        holders = appointed(session, 3)
        identities.seal(session, CASE, CANARY, NOW)
        sealed = session.scalars(select(SealedIdentity.sealed)).one()
        for holder in holders:
            for row in session.scalars(select(IdentityKey)):
                try:
                    inner = boxes.unbox(row.box, holder.key)
                except BoxError:
                    assert row.first_id != holder.custodian.id
                    continue
                assert row.first_id == holder.custodian.id
                with pytest.raises(BoxError):
                    boxes.unbox(inner, holder.key)
                with pytest.raises(BoxError):
                    boxes.read(sealed, inner, CASE)


def test_what_is_added_later_is_opened_beside_what_was_there(database: Database) -> None:
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        identities.seal(session, CASE, {"contact": "晚上打电话"}, NOW)
        identities.seal(session, CASE + 1, {"name": "另一个人"}, NOW)
        assert identities.kept(session, CASE) == 2
        assert opened(session, first, second) == [CANARY, {"contact": "晚上打电话"}]


# -- refused ------------------------------------------------------------------------------------------------------


def test_one_custodian_twice_is_refused_and_spends_nothing(database: Database) -> None:
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        reveal = identities.ask_reveal(session, CASE, first, REASON, NOW)
        with pytest.raises(RevealError, match="另一名"):
            identities.open_reveal(session, reveal.id, first, NOW)
        assert identities.open_reveal(session, reveal.id, second, SOON) == [CANARY]


def test_one_key_under_two_names_is_refused(database: Database) -> None:
    with database.unit() as session:
        (first,) = appointed(session, 1)
        for name, key in (("别名", first.custodian.public_key), (first.custodian.name, b"k" * 32), ("", b"k" * 32)):
            with pytest.raises(RevealError):
                identities.appoint(session, name, key, NOW)
        assert len(identities.custodians(session)) == 1
    with pytest.raises(IntegrityError), database.unit() as session:
        session.add(Custodian(name="别名", public_key=first.custodian.public_key, created_at=NOW))


@pytest.mark.parametrize("late", [timedelta(minutes=15), timedelta(days=1)])
def test_a_reveal_lapses_after_a_quarter_of_an_hour(database: Database, late: timedelta) -> None:
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        reveal = identities.ask_reveal(session, CASE, first, REASON, NOW)
        with pytest.raises(RevealError, match="15 分钟"):
            identities.open_reveal(session, reveal.id, second, NOW + late)
        identities.forget_reveals(session, SOON)
        assert rows(session, RevealHalf) == 1
        identities.forget_reveals(session, NOW + late)
        assert rows(session, RevealHalf) == 0


def test_a_reveal_is_good_once(database: Database) -> None:
    with database.unit() as session:
        first, second, third = appointed(session, 3)
        identities.seal(session, CASE, CANARY, NOW)
        reveal = identities.ask_reveal(session, CASE, first, REASON, NOW)
        identities.open_reveal(session, reveal.id, second, NOW)
        assert rows(session, RevealHalf) == 0
        for again in (second, third):
            with pytest.raises(RevealError, match="用过"):
                identities.open_reveal(session, reveal.id, again, NOW)
        with pytest.raises(RevealError, match="没有这个"):
            identities.open_reveal(session, reveal.id + 1, second, NOW)


@pytest.mark.parametrize("reason", ["", "看看", "          ", "九个字不够写清楚的", "长" * 301])
def test_a_reveal_needs_a_reason(database: Database, reason: str) -> None:
    with database.unit() as session:
        first, _second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        with pytest.raises(RevealError, match="理由"):
            identities.ask_reveal(session, CASE, first, reason, NOW)
        assert rows(session, Reveal) == 0


def test_T1_another_key_case_or_content_is_refused_with_one_sentence(database: Database) -> None:
    stranger = PrivateKey.generate()
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        with pytest.raises(RevealError) as asked:
            identities.ask_reveal(session, CASE, Holder(first.custodian, stranger), REASON, NOW)
        reveal = identities.ask_reveal(session, CASE, first, REASON, NOW)
        with pytest.raises(RevealError) as told:
            identities.open_reveal(session, reveal.id, Holder(second.custodian, stranger), NOW)
        assert {str(asked.value), str(told.value)} == {CANNOT}
        sealed = session.scalars(select(SealedIdentity.sealed)).one()
        flipped = bytes([sealed[20] ^ 1])
        for altered in (sealed[:-1], b"", sealed[:12], sealed[:20] + flipped + sealed[21:]):
            _refused_once(session, SealedIdentity, "sealed", altered, reveal.id, second)
        half = session.scalars(select(RevealHalf.box)).one()
        for altered in (half[:-1], b"", bytes(len(half))):
            _refused_once(session, RevealHalf, "box", altered, reveal.id, second)
        assert identities.open_reveal(session, reveal.id, second, NOW) == [CANARY]


def _refused_once(
    session: Session,
    table: type[SealedIdentity] | type[RevealHalf],
    column: str,
    altered: bytes,
    reveal_id: int,
    second: Holder,
) -> None:
    """Refused while altered; put back afterwards."""
    whole = session.scalars(select(getattr(table, column))).one()
    session.execute(update(table).values({column: altered}))
    session.expire_all()
    with pytest.raises(RevealError) as told:
        identities.open_reveal(session, reveal_id, second, NOW)
    assert str(told.value) == CANNOT
    session.execute(update(table).values({column: whole}))
    session.expire_all()


def test_T1_an_identity_moved_to_another_case_does_not_open(database: Database) -> None:
    with database.unit() as session:
        first, second = appointed(session, 2)
        moved = identities.seal(session, CASE + 1, CANARY, NOW)
        session.execute(update(SealedIdentity).values(case_id=CASE))
        with pytest.raises(RevealError) as told:
            opened(session, first, second)
        assert str(told.value) == CANNOT
        session.execute(update(SealedIdentity).values(case_id=CASE + 1))
        identities.seal(session, CASE, {"name": "乙"}, NOW)
        reveal = identities.ask_reveal(session, CASE + 1, first, REASON, NOW)
        # The half belongs to the other case's identity; the reveal, and so the log, would say this one.
        session.execute(update(Reveal).where(Reveal.id == reveal.id).values(case_id=CASE))
        session.expire_all()
        assert session.scalars(select(RevealHalf.identity_id).where(RevealHalf.reveal_id == reveal.id)).all() == [moved]
        with pytest.raises(RevealError) as told:
            identities.open_reveal(session, reveal.id, second, NOW)
        assert str(told.value) == CANNOT


def test_a_case_without_an_identity_says_so(database: Database) -> None:
    with database.unit() as session:
        first, _second = appointed(session, 2)
        with pytest.raises(RevealError, match="没有封存的身份"):
            identities.ask_reveal(session, CASE, first, REASON, NOW)


@given(st.dictionaries(st.sampled_from(["name", "phone", "address", "contact"]), st.text(max_size=40)), st.integers(0))
@settings(max_examples=100)
def test_T1_closed_for_one_case_it_opens_for_that_case_alone(identity: dict[str, str], case_id: int) -> None:
    key, sealed = boxes.close(identity, case_id)
    assert boxes.read(sealed, key, case_id) == identity
    for wrong in (case_id + 1, -case_id - 1):
        with pytest.raises(BoxError):
            boxes.read(sealed, key, wrong)
    assert boxes.close(identity, case_id)[1] != sealed


# -- destroyed ----------------------------------------------------------------------------------------------------


def test_T28_what_is_shredded_stays_unreadable_even_half_opened(database: Database) -> None:
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        identities.seal(session, CASE, {"name": "补充"}, NOW)
        identities.seal(session, CASE + 1, {"name": "乙"}, NOW)
        reveal = identities.ask_reveal(session, CASE, first, REASON, NOW)
        assert identities.shred(session, CASE) == 2
        assert identities.shred(session, CASE) == 0
        assert (rows(session, SealedIdentity), rows(session, IdentityKey), rows(session, RevealHalf)) == (1, 2, 0)
        with pytest.raises(RevealError, match="已经销毁"):
            identities.open_reveal(session, reveal.id, second, NOW)
        assert opened(session, first, second, CASE + 1) == [{"name": "乙"}]


def test_T1_the_database_file_shows_no_identity(tmp_path: Path) -> None:
    path = tmp_path / "identities.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
    with database.unit() as session:
        assert opened(session, first, second) == [CANARY]
    with database.unit() as session:
        box = session.scalars(select(IdentityKey.box)).first()
        assert box is not None
        on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert box[:32] in on_disk  # the search finds what is there
        words = [word.encode() for word in CANARY.values()]
        keys = [bytes(holder.key) for holder in (first, second)]
        assert [found for found in (*words, *keys) if found in on_disk] == []
        identities.shred(session, CASE)
    database.close()
    assert box[:32] not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


# -- who comes and goes -------------------------------------------------------------------------------------------


def test_a_new_custodian_can_open_once_two_others_have_sealed_anew(database: Database) -> None:
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        (third,) = appointed(session, 1)
        with pytest.raises(RevealError, match="rewrap"):
            identities.ask_reveal(session, CASE, third, REASON, NOW)
        reveal = identities.ask_reveal(session, CASE, first, REASON, NOW)
        with pytest.raises(RevealError, match="rewrap"):
            identities.open_reveal(session, reveal.id, third, NOW)
        assert identities.rewrap(session, first, second, NOW) == 1
        assert rows(session, IdentityKey) == 6
        assert opened(session, third, first) == [CANARY]


def test_a_retired_custodian_opens_nothing_more(database: Database) -> None:
    with database.unit() as session:
        leaver, first, second = appointed(session, 3)
        identities.seal(session, CASE, CANARY, NOW)
        asked = identities.ask_reveal(session, CASE, leaver, REASON, NOW)
        other = identities.ask_reveal(session, CASE, first, REASON, NOW)
        identities.retire(session, leaver.custodian, NOW)
        assert [row.id for row in identities.custodians(session)] == [first.custodian.id, second.custodian.id]
        for work in (
            lambda: identities.open_reveal(session, other.id, leaver, NOW),
            lambda: identities.ask_reveal(session, CASE, leaver, REASON, NOW),
            lambda: identities.rewrap(session, leaver, first, NOW),
            lambda: identities.rewrap(session, first, leaver, NOW),
        ):
            with pytest.raises(RevealError, match="已不是保管人"):
                work()
        with pytest.raises(RevealError):
            identities.open_reveal(session, asked.id, second, NOW)
        assert identities.rewrap(session, first, second, NOW) == 1
        pairs = session.execute(select(IdentityKey.first_id, IdentityKey.second_id)).all()
        assert leaver.custodian.id not in {one for pair in pairs for one in pair}
        assert identities.open_reveal(session, other.id, second, NOW) == [CANARY]
        identities.seal(session, CASE + 1, CANARY, NOW)
        assert opened(session, second, first, CASE + 1) == [CANARY]


def test_nobody_leaves_with_the_only_key_unless_it_must_be(database: Database) -> None:
    with database.unit() as session:
        old, first = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        appointed(session, 1)
        with pytest.raises(RevealError, match="1 份身份"):
            identities.retire(session, old.custodian, NOW)
        assert identities.stranded(session) == 0
        identities.rewrap(session, old, first, NOW)
        identities.retire(session, old.custodian, NOW)
        assert identities.stranded(session) == 0
        with pytest.raises(RevealError):
            identities.retire(session, first.custodian, NOW)
        identities.retire(session, first.custodian, NOW, anyway=True)
        assert identities.stranded(session) == 1


def test_sealing_anew_needs_two_and_spoils_nothing(database: Database) -> None:
    with database.unit() as session:
        first, second, third = appointed(session, 3)
        good = identities.seal(session, CASE, CANARY, NOW)
        with pytest.raises(RevealError, match="两名不同"):
            identities.rewrap(session, first, first, NOW)
        with pytest.raises(RevealError):
            identities.rewrap(session, first, Holder(second.custodian, first.key), NOW)
        # Anybody who can write to the table can make a box with a key that opens nothing.
        forged = boxes.box(bytes(32), first.custodian.public_key, second.custodian.public_key)
        mine = (IdentityKey.first_id == first.custodian.id, IdentityKey.second_id == second.custodian.id)
        session.execute(update(IdentityKey).where(*mine).values(box=forged))
        session.expire_all()
        assert identities.rewrap(session, first, second, NOW) == 0
        assert opened(session, first, third) == [CANARY]
        assert identities.rewrap(session, third, first, NOW) == 1
        assert [opened(session, *pair) for pair in combinations((first, second, third), 2)] == [[CANARY]] * 3
        assert session.scalars(select(SealedIdentity.id)).all() == [good]


# -- on the record ------------------------------------------------------------------------------------------------


def test_every_step_is_in_the_audit_log_without_the_identity(database: Database) -> None:
    with database.unit() as session:
        first, second = appointed(session, 2)
        identities.seal(session, CASE, CANARY, NOW)
        opened(session, first, second)
        identities.rewrap(session, first, second, NOW)
        identities.retire(session, second.custodian, NOW, anyway=True)
        asked, told = audit.of_object(session, f"case:{CASE}")
        ids = first.custodian.id, second.custodian.id
        assert (asked["action"], asked["actor"], asked["reason"]) == (
            "identity.reveal-asked",
            f"custodian:{ids[0]}",
            REASON,
        )
        assert (told["action"], told["actor"], told["reason"]) == ("identity.revealed", f"custodian:{ids[1]}", REASON)
        assert told["detail"] == {"reveal": 1, "first": ids[0], "opened": 1}
        actions = [entry["action"] for entry in audit.of_object(session, f"custodian:{ids[1]}")]
        assert actions == ["custodian.appointed", "identity.rewrapped", "custodian.retired"]
        log = "".join(session.scalars(text("SELECT record FROM audit_entries")))
        assert REASON in log
        assert [word for word in CANARY.values() if word in log] == []
