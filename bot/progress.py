"""What stands behind the public pages on a case's progress: receipts looked up, answers taken, receipts proven."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from bot.times import utc_now
from bot.web.ports import NoGuessLeftError, Progress, Proof
from handlers.cases import steps, terms
from handlers.cases.steps import Desk, StepError
from handlers.talk import SHANGHAI
from handlers.tips import view
from storage import case_links, cases
from storage.cases import Case, CaseState
from storage.database import Session
from storage.vault import SealedError

if TYPE_CHECKING:
    from bot.app import Service

T = TypeVar("T")
TICKET_LIFE = timedelta(minutes=20)
PROOF_LENGTH = 8
"""How much of the filing's hash is shown as its 存证码."""


class ProgressDesk:
    """``ProgressPort`` over the service. The slow hash is made outside of any transaction."""

    def __init__(self, service: Service, clock: Callable[[], datetime] = utc_now) -> None:
        self._service = service
        self._bench = service.reception.bench
        self._clock = clock

    def look(self, digits: str) -> Progress | None:
        digest = case_links.digest_of(self._service.vault, digits)

        def work(session: Session) -> Progress | None:
            today = self._clock().astimezone(SHANGHAI).date()
            if not case_links.guesses_left(session, today):
                raise NoGuessLeftError
            case = case_links.by_receipt(session, digest, today)
            return self._shown(session, case) if case is not None else None

        return self._do(work)

    def answer(self, ticket: str, text: str) -> Progress | None:
        def work(session: Session, case: Case) -> None:
            steps.answer(self._desk(session), case, text)

        return self._with(ticket, work)

    def judge(self, ticket: str, reason: str, *, satisfied: bool) -> Progress | None:
        def work(session: Session, case: Case) -> None:
            desk = self._desk(session)
            steps.rate(desk, case, satisfied=satisfied)
            if not satisfied and reason.strip():
                steps.reopen(desk, case, reason.strip())

        return self._with(ticket, work)

    def prove(self, number: str, code: str) -> Proof | None:
        with self._service.database.reading() as session:
            case = cases.by_number_read(session, number)
        if case is None or not code or case.filing_hash[:PROOF_LENGTH] != code.lower():
            return None
        return Proof(case.number, case.received_on, self._bench.office.name, case.filing_hash[:PROOF_LENGTH])

    # -- inside -----------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[Session], T]) -> T:
        return self._service.turns.submit(work).result()

    def _with(self, ticket: str, deed: Callable[[Session, Case], None]) -> Progress | None:
        """Do something to the case a ticket is for; None when the ticket is wrong or has lapsed."""
        case_id = self._opened(ticket)
        if case_id is None:
            return None

        def work(session: Session) -> Progress | None:
            case = cases.get(session, case_id)
            if case is None:
                return None
            try:
                deed(session, case)
            except StepError as error:
                return self._shown(session, case, problem=str(error))
            return self._shown(session, case, done=True)

        shown = self._do(work)
        self._service.wake()
        return shown

    def _desk(self, session: Session) -> Desk:
        return Desk(self._bench, session, "reporter", self._clock())

    def _shown(self, session: Session, case: Case, problem: str = "", *, done: bool = False) -> Progress:
        today = self._clock().astimezone(SHANGHAI).date()
        events = view.events_of(session, case)
        clock = terms.next_term(session, case)
        ended = case.state not in cases.OPEN
        return Progress(
            number=case.number,
            kind=view.KINDS[cases.CaseKind(case.kind)],
            state=view.state_of(case),
            lines=tuple((line.day, line.text) for line in view.timeline(events)),
            next=view.next_line(self._bench, session, case, today),
            why=terms.explain(self._bench, session, case, clock, today) if clock is not None else "",
            questions=tuple(event.text for event in view.questions(events)),
            result=tuple(view.result_lines(self._bench, case)),
            open=not ended,
            may_judge=case.state == CaseState.CLOSED and case.satisfied is None,
            may_reopen=steps.may_reopen(case, today),
            ticket=self._ticket(case.id),
            problem=problem,
            done=done,
        )

    def _ticket(self, case_id: int) -> str:
        """The right to answer in this case for a while, without the receipt standing in the page."""
        said = {"case": case_id, "until": (self._clock() + TICKET_LIFE).isoformat()}
        sealed = self._service.vault.seal(json.dumps(said).encode(), "progress-ticket")
        return base64.urlsafe_b64encode(sealed).decode()

    def _opened(self, ticket: str) -> int | None:
        try:
            sealed = base64.urlsafe_b64decode(ticket.encode())
            said = json.loads(self._service.vault.open(sealed, "progress-ticket"))
        except (SealedError, ValueError, binascii.Error):
            return None
        return int(said["case"]) if self._clock() < datetime.fromisoformat(said["until"]) else None
