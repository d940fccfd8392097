"""Which tasks there are: who reads the file, and which service goes on with what was read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from bot import ocr
from bot.files import IMAGE_TYPES, media_type_of, video_type_of, voice_type_of
from bot.pictures import BadPictureError, working_copy
from bot.sheets.reader import SheetError, read_sheet
from bot.tasks import Kind, TaskWorker
from bot.times import utc_now
from handlers.cases import files as case_files
from handlers.ledger import certificates, sheets
from handlers.talk import SHANGHAI
from storage import evidence, media, tasks
from storage.database import Session
from storage.tasks import Claimed

if TYPE_CHECKING:
    from bot.app import Service
    from handlers.talk import Bench

P = ParamSpec("P")
R = TypeVar("R")


def kinds(service: Service, clock: Callable[[], datetime] = utc_now) -> dict[str, Kind]:
    bench = service.reception.bench
    return {
        sheets.READ: Kind(
            slow=_understood(bench, clock),
            done=_with(bench, sheets.previewed),
            failed=_with(bench, sheets.refused),
            refusals=(SheetError,),
        ),
        sheets.IMPORT: Kind(
            slow=_understood(bench, clock),
            steps=_with(bench, sheets.import_step),
            failed=_with(bench, sheets.refused),
            refusals=(SheetError,),
        ),
        sheets.COMPARE: Kind(
            slow=_understood(bench, clock),
            done=_with(bench, sheets.compared),
            failed=_with(bench, sheets.refused),
            refusals=(SheetError,),
        ),
        certificates.SEAL: Kind(slow=_sealer(service), failed=_with(bench, certificates.not_sealed)),
        case_files.SEAL: Kind(
            slow=_evidence(service),
            done=_with(bench, case_files.sealed),
            after=_without_plain(service),
            failed=_with(bench, case_files.not_sealed),
            refusals=(BadPictureError,),
        ),
        certificates.READ: Kind(
            slow=_lines,
            done=_with(bench, certificates.was_read),
            failed=_with(bench, certificates.refused),
            refusals=(ocr.UnreadableError,),
        ),
    }


def worker(
    service: Service, clock: Callable[[], datetime] = utc_now, told: Callable[[], None] = lambda: None
) -> TaskWorker:
    def due() -> bool:
        with service.database.reading() as session:
            return tasks.any_due(session, clock())

    return TaskWorker(service.turns, kinds(service, clock), service.settings.evidence_dir, due, clock, told)


def run_due(service: Service, clock: Callable[[], datetime] = utc_now) -> int:
    """Work off everything that is due, here and now; how many tasks that were."""
    working, done = worker(service, clock), 0
    while working.one():
        done += 1
    return done


def _understood(bench: Bench, clock: Callable[[], datetime]) -> Callable[[Claimed, bytes], sheets.Understood]:
    """The file's rows as records, so that no transaction has to wait for their being made out."""

    def slow(claimed: Claimed, data: bytes) -> sheets.Understood:
        today = clock().astimezone(SHANGHAI).date()
        return sheets.understand(bench, read_sheet(data, claimed.request.get("name", "")), today)

    return slow


def _sealer(service: Service) -> Callable[[Claimed, bytes], None]:
    """The original of a confirmed certificate, sealed; the open one goes unless it was sent for something else too."""

    def slow(claimed: Claimed, data: bytes) -> None:
        digest = evidence.seal(service.settings.evidence_dir, data, service.vault)
        with service.database.reading() as session:
            shared = media.used_elsewhere(session, claimed.request["file"], digest)
        if not shared:
            evidence.drop(service.settings.evidence_dir, digest)

    return slow


def _evidence(service: Service) -> Callable[[Claimed, bytes], case_files.Sealed]:
    """The original of a piece of evidence, sealed; of a picture also the working copy, without which it is refused."""
    root = service.settings.evidence_dir

    def slow(claimed: Claimed, data: bytes) -> case_files.Sealed:
        found_type = video_type_of(data) or media_type_of(data, "") or voice_type_of(data)
        made = working_copy(data) if found_type in IMAGE_TYPES else None
        copied = evidence.keep(root, made.data) if made is not None else ""
        kept = evidence.seal_in_case(root, data, claimed.request["case"], service.vault)
        return case_files.Sealed(kept.sha256, kept.sm3, kept.size, found_type, copied, made.dhash if made else "")

    return slow


def _without_plain(service: Service) -> Callable[[Claimed, case_files.Sealed], None]:
    """The open original goes, once the sealed one is recorded, unless it was sent for something else too."""

    def after(_claimed: Claimed, made: case_files.Sealed) -> None:
        with service.database.reading() as session:
            # Our own rows about it are gone by now: whatever is left is somebody else's.
            shared = media.used_elsewhere(session, made.sha256, made.sha256) or tasks.is_awaited(session, made.sha256)
        if not shared and made.sha256 != made.copy_sha256:
            evidence.drop(service.settings.evidence_dir, made.sha256)

    return after


def _lines(claimed: Claimed, data: bytes) -> list[ocr.Line]:
    return ocr.read_lines(data, media_type_of(data, claimed.request.get("name", "")))


def _with(bench: Bench, work: Callable[Concatenate[Session, Bench, P], R]) -> Callable[Concatenate[Session, P], R]:
    """A service's function as the worker calls it."""

    def call(session: Session, /, *given: P.args, **named: P.kwargs) -> R:
        return work(session, bench, *given, **named)

    return call
