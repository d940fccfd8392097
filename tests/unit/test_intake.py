"""A message is worked, or parked with a word to the person, or refused so that the platform sends it again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot import intake
from bot.app import Knowledge, Service
from bot.intake import SORRY, FailedError
from bot.settings import Settings
from bot.web.ports import BusyError
from handlers.conversation.messages import ContactRef, Inbound, Numbered, Way
from storage import dialogues
from storage.contacts import Contact
from storage.database import Session
from storage.outbox import OutboxRow
from storage.platform import Parked
from tests.support import NOW, service_at

FEE = "强检收费吗"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def at(request: pytest.FixtureRequest, tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Service]:
    if request.param == "sqlite":
        service = service_at(tmp_path / "data", empty_file, knowledge)
    else:
        url = request.getfixturevalue("new_postgres")()
        service = Service(Settings(_env_file=None, data_dir=tmp_path, database_url=url), knowledge)
    yield service
    service.close()


def message(text: str = FEE, key: str = "m:1", address: str = "") -> Inbound:
    return Inbound(ContactRef("telegram", "7"), key, NOW, text, way=Way.PUSH, address=address)


def take(at: Service, inbound: Inbound, also: Callable[[Session, list[Numbered]], None] | None = None) -> Any:
    return asyncio.run(intake.take(at, inbound, f"raw of \x00{inbound.key}\ud800", also))


def broken(_session: Session, _lines: list[Numbered]) -> None:
    raise RuntimeError("quotes 秘密")


def kept(at: Service, table: Any) -> list[Any]:
    with at.database.reading() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_a_message_is_worked(at: Service) -> None:
    (line,) = take(at, message())
    assert line.reply.text.startswith("强制检定不收费")
    assert kept(at, Parked) == []


def test_one_that_fails_once_is_worked_all_the_same(at: Service) -> None:
    tries = []

    def once(_session: Session, _lines: list[Numbered]) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError

    assert len(take(at, message(), once)) == 1
    assert len(tries) == 2
    assert [row.payload["text"][:7] for row in kept(at, OutboxRow)] == ["强制检定不收费"]


def test_one_that_always_fails_is_parked_and_the_person_told_once(at: Service) -> None:
    woken = []
    at.wake = lambda: woken.append(1)
    assert take(at, message(address="-9"), broken) is None
    (parked,) = kept(at, Parked)
    assert (parked.channel, parked.key, parked.body) == ("telegram", "m:1", "raw of m:1?")
    assert parked.reason.startswith("RuntimeError at test_intake.py:")
    assert [(row.kind, row.payload["text"]) for row in kept(at, OutboxRow)] == [("reply", SORRY)]
    assert [c.address for c in kept(at, Contact)] == ["-9"]
    assert woken
    # Delivered once more it is known: the apology is its reply, and nothing else comes of it.
    assert [line.reply.text for line in take(at, message(address="-9"))] == [SORRY]
    assert len(kept(at, OutboxRow)) == 1
    # The next message is worked as ever.
    assert len(take(at, message(key="m:2", address="-9"))) == 1


def test_a_state_that_cannot_be_read_does_not_keep_the_apology_back(at: Service) -> None:
    take(at, message())
    with at.database.unit() as session:
        dialogues.lock(session, 1, NOW).state = {"form": 5}
    assert take(at, message(key="m:2")) is None
    assert [p.key for p in kept(at, Parked)] == ["m:2"]
    assert [row.payload["text"] for row in kept(at, OutboxRow)][1:] == [SORRY]


def test_when_even_the_apology_fails_the_message_is_parked(at: Service) -> None:
    nobody = replace(message(), contact=ContactRef("telegram", None))  # type: ignore[arg-type]
    assert take(at, nobody) is None
    assert [p.key for p in kept(at, Parked)] == ["m:1"]
    assert kept(at, OutboxRow) == []


def test_a_database_that_is_away_keeps_nothing(at: Service) -> None:
    def away(_session: Session, _lines: list[Numbered]) -> None:
        raise OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))

    with pytest.raises(BusyError):
        take(at, message(), away)
    assert kept(at, Parked) == []
    assert kept(at, OutboxRow) == []


def test_other_work_fails_as_it_fails(at: Service) -> None:
    def work(_session: Session) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(intake.do(at, work))
    with pytest.raises(FailedError, match=r"^KeyError at test_intake\.py:\d+$"):
        asyncio.run(intake.attempt(lambda: at.turns.submit(work)))
    assert asyncio.run(intake.do(at, lambda _session: 5)) == 5


def test_what_can_be_stored() -> None:
    assert intake.storable("a\x00b\ud800秤😀") == "ab?秤😀"
