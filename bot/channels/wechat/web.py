"""``GET/POST /wechat``: verification of the address, and every message and event the platform pushes.

The answer must be there within five seconds, or the platform asks again, three times in all. A turn that needs longer
is answered with ``success`` and its result sent as a customer message; an account that may not send those lets the
platform's own second question collect it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from bot import intake
from bot.app import Service
from bot.channels.wechat.envelope import BODY_LIMIT, Envelope, Opened, RefusedError, read_message
from bot.channels.wechat.inbound import CHANNEL, Grant, Received, UnreadableError, receive, sent_at
from bot.channels.wechat.render import compose, passive
from bot.channels.wechat.shown import Shown
from bot.web.ports import BusyError
from handlers.conversation.messages import Numbered
from storage import case_links, contacts, erasure, outbox, sending, windows
from storage.database import Session
from storage.failpoints import reach
from storage.outbox import SendState

log = logging.getLogger(__name__)
ANSWER_SECONDS = 4.0
COLLECTED_SECONDS = 4.8
"""After this the platform has hung up; what was answered later it asks for again."""
SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Account:
    """What the account may do, as far as answering goes; ``standing``: templates agreed to once for good."""

    can_push: bool
    standing: frozenset[str]


class WechatWeb:
    def __init__(
        self, service: Service, envelope: Envelope, shown: Shown, clock: Callable[[], datetime], account: Account
    ) -> None:
        self._service = service
        self._envelope = envelope
        self._shown = shown
        self._clock = clock
        self._account = account
        self._late: set[asyncio.Task[None]] = set()
        self.seen: Counter[str] = Counter()
        """Pushes by kind and by what became of them."""

    async def verify(self, request: Request) -> Response:
        """The platform asks whether this address is ours."""
        try:
            echo = self._envelope.verify(request.query_params, self._clock().timestamp())
        except RefusedError as error:
            return Response(status_code=error.status)
        return Response(echo, media_type="text/plain")

    async def receive(self, request: Request) -> Response:
        began = asyncio.get_running_loop().time()
        try:
            opened, received, body = await self._read(request)
        except (RefusedError, UnreadableError) as error:
            status = error.status if isinstance(error, RefusedError) else 400
            self.seen[f"refused-{status}"] += 1
            return Response(status_code=status)
        self.seen[received.kind if received.kind in KNOWN_KINDS else "unknown"] += 1
        try:
            await self._record(received)
            lines = await self._answer(received, body) if received.inbound else []
        except BusyError:
            # Not acknowledged: the platform asks again, and nobody is told that it was taken.
            return Response(status_code=503)
        return self._respond(request, opened, received, lines, began)

    async def _read(self, request: Request) -> tuple[Opened, Received, str]:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise RefusedError(400, "too long")
        now = self._clock()
        opened = self._envelope.open(request.query_params, bytes(body), now.timestamp())
        return opened, receive(read_message(opened.xml), now), opened.xml.decode(errors="replace")

    # -- events without an answer -----------------------------------------------------------------------------

    async def _record(self, received: Received) -> None:
        if not (received.unfollowed or received.consents or received.reports):
            return
        now = self._clock()

        def work(session: Session) -> None:
            for report in received.reports:
                if not report.ok and report.platform_id:
                    sending.reported(session, CHANNEL, report.platform_id, SendState.BLOCKED, report.status)
            contact = contacts.find(session, CHANNEL, received.openid)
            if contact is None and received.consents:
                contact = contacts.get_or_create(session, CHANNEL, received.openid, now)
            if contact is not None and received.unfollowed:
                # Tips that were filed go on, tied to nobody.
                case_links.forget_tags(session, [case_links.tag_of(self._service.vault, contact)])
                erasure.erase(session, contact.id, now)
            elif contact is not None:
                _note_consents(session, contact.id, received, now, self._account.standing)

        await intake.do(self._service, work)

    # -- messages ---------------------------------------------------------------------------------------------

    async def _answer(self, received: Received, body: str) -> list[Numbered]:
        """The replies; none when they come too late to go with this request."""
        assert received.inbound is not None

        def also(session: Session, _lines: list[Numbered]) -> None:
            contact = contacts.find(session, CHANNEL, received.openid)
            if contact is not None:
                _note_grant(session, contact.id, received)

        taking = asyncio.create_task(intake.take(self._service, received.inbound, body, also))
        try:
            lines = await asyncio.wait_for(asyncio.shield(taking), ANSWER_SECONDS)
            # Parked: what is said instead is by now the known answer to the message.
            return await intake.take(self._service, received.inbound, body) or [] if lines is None else lines
        except TimeoutError:
            self.seen["slow"] += 1
        if not self._account.can_push:
            # The platform hangs up and asks again; by then this turn is done and its replies are known.
            return await taking or []
        late = asyncio.create_task(self._push_when_done(taking))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        return []

    async def _push_when_done(self, taking: asyncio.Task[list[Numbered] | None]) -> None:
        try:
            ids = [line.id for line in await taking or []]
            await intake.do(self._service, lambda session: outbox.hurry(session, ids, self._clock()))
        except BusyError:
            log.warning("a slow turn came to nothing; the platform was told success")
        self._service.wake()

    # -- the way back -----------------------------------------------------------------------------------------

    def _respond(
        self, request: Request, opened: Opened, received: Received, lines: list[Numbered], began: float
    ) -> Response:
        if not lines:
            return Response(SUCCESS, media_type="text/plain")
        composed = compose(lines)
        xml = self._envelope.seal(passive(composed.text, received), opened, request.query_params)
        reach("answer.before")

        async def answered() -> None:
            reach("answer.after")
            if asyncio.get_running_loop().time() - began < COLLECTED_SECONDS:
                self._shown.add(composed.shown)

        return Response(xml, media_type="text/xml", background=BackgroundTask(answered))


KNOWN_KINDS = frozenset(("text", "image", "voice", "video", "shortvideo", "location", "link", "file", "event"))


def _note_grant(session: Session, contact_id: int, received: Received) -> None:
    if received.grant is Grant.MESSAGE:
        windows.note_message(session, contact_id, sent_at(received))
    elif received.grant is Grant.TAP:
        windows.note_tap(session, contact_id, sent_at(received))


def _note_consents(
    session: Session, contact_id: int, received: Received, now: datetime, standing: frozenset[str]
) -> None:
    for consent in received.consents:
        if consent.accepted:
            once = consent.template_id not in standing
            windows.consent(session, contact_id, consent.template_id, now, standing=not once)
        else:
            windows.withdraw(session, contact_id, consent.template_id, now)


def create_router(web: WechatWeb) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    router.get("/wechat")(web.verify)
    router.post("/wechat")(web.receive)
    return router
