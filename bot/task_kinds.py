"""Which tasks there are: who reads the file, and which service goes on with what was read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from handlers.ledger import certificates, sheets

from bot import ocr
from bot.files import media_type_of
from bot.sheets.reader import Sheet, SheetError, read_sheet
from bot.tasks import Kind, TaskWorker
from bot.times import utc_now
from storage.database import Session
from storage.tasks import Claimed

if TYPE_CHECKING:
    from bot.app import Service
    from handlers.talk import Bench

P = ParamSpec("P")
R = TypeVar("R")


def kinds(service: Service) -> dict[str, Kind]:
    bench = service.reception.bench
    return {
        "read-sheet": Kind(
            slow=_sheet,
            done=_with(bench, sheets.previewed),
            failed=_with(bench, sheets.refused),
            refusals=(SheetError,),
        ),
        "import-sheet": Kind(
            slow=_sheet,
            steps=_with(bench, sheets.import_step),
            failed=_with(bench, sheets.refused),
            refusals=(SheetError,),
        ),
        "read-certificate": Kind(
            slow=_lines,
            done=_with(bench, certificates.was_read),
            failed=_with(bench, certificates.refused),
            refusals=(ocr.UnreadableError,),
        ),
    }


def worker(
    service: Service, clock: Callable[[], datetime] = utc_now, told: Callable[[], None] = lambda: None
) -> TaskWorker:
    return TaskWorker(service.turns, kinds(service), service.settings.evidence_dir, clock, told)


def run_due(service: Service, clock: Callable[[], datetime] = utc_now) -> int:
    """Work off everything that is due, here and now; how many tasks that were."""
    working, done = worker(service, clock), 0
    while working.one():
        done += 1
    return done


def _sheet(claimed: Claimed, data: bytes) -> Sheet:
    return read_sheet(data, claimed.request.get("name", ""))


def _lines(claimed: Claimed, data: bytes) -> list[ocr.Line]:
    return ocr.read_lines(data, media_type_of(data, claimed.request.get("name", "")))


def _with(bench: Bench, work: Callable[Concatenate[Session, Bench, P], R]) -> Callable[Concatenate[Session, P], R]:
    """A service's function as the worker calls it."""

    def call(session: Session, /, *given: P.args, **named: P.kwargs) -> R:
        return work(session, bench, *given, **named)

    return call
