"""The one wiring place: settings, facts, database, desk and turns become a running service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot import metrics, ocr
from bot.files import FILE_TYPES, IMAGE_TYPES, MAX_FILE, VIDEO_TYPES, media_type_of, video_type_of
from bot.receipts import ReceiptHasher
from bot.settings import Settings
from bot.turns import OverloadedError, Turns, turns_for
from bot.web.ports import BadFileError, BusyError, Line
from handlers import lookup
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound, Numbered, Reply, Way
from handlers.desk import GREETING, PRIVACY, build_desk
from handlers.sealing import again, reply_of, said_of
from handlers.talk import Bench, Office
from handlers.turn import Reception
from knowledge.library import Library
from knowledge.matcher import Matcher
from knowledge.stages import Plans
from knowledge.workdays import Calendar
from storage import contacts, dialogues, evidence, outbox, vault
from storage.database import Database, Session
from storage.outbox import OutboxRow
from storage.sending import Item
from storage.signing import signer_in
from storage.vault import Vault

SHANGHAI = ZoneInfo("Asia/Shanghai")
HISTORY = timedelta(hours=24)
TURN_LIMIT_SECONDS = 4.0
KIND_OF = {
    **dict.fromkeys(IMAGE_TYPES, AttachmentKind.IMAGE),
    **dict.fromkeys(FILE_TYPES, AttachmentKind.FILE),
    **dict.fromkeys(VIDEO_TYPES, AttachmentKind.VIDEO),
}
ONCE_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Knowledge:
    """The facts and what is built on them; loaded once."""

    library: Library
    matcher: Matcher
    calendar: Calendar
    plans: Plans

    @classmethod
    def load(cls, cache: Path | None) -> Knowledge:
        library = Library.load()
        plans = Plans.load()
        plans.check_links(library.instruments.values())
        return cls(library, Matcher.build(library, cache=cache), Calendar.load(), plans)


class Service:
    """The bot behind its channels. ``ChatPort`` for the web; ``talk`` for a terminal."""

    def __init__(self, settings: Settings, knowledge: Knowledge | None = None, local_url: str = "") -> None:
        """``local_url``: where this process serves its pages, for links as long as there is no public address."""
        self.settings = settings
        self.knowledge = knowledge or Knowledge.load(settings.cache_dir)
        self.database = Database(settings.database, settings.worker_threads)
        self.database.migrate()
        self.turns: Turns = turns_for(self.database, settings.worker_threads)
        self.vault = Vault(vault.key_in(settings.keys_dir))
        self.hasher = ReceiptHasher(self.vault)
        self.reception = Reception(
            build_desk(),
            Bench(
                self.knowledge.library,
                self.knowledge.matcher,
                self.knowledge.calendar,
                self.knowledge.plans,
                _office(settings, local_url),
                self.vault,
                settings.evidence_dir,
                signer=signer_in(settings.keys_dir),
            ),
            public_only=settings.public_only,
            staff=settings.staff,
        )

        self.wake: Callable[[], None] = lambda: None
        """Tells the delivery in this process, if there is one, that something new is to be sent."""

    def close(self) -> None:
        self.hasher.close()
        self.turns.close()
        self.database.close()

    # -- messages ---------------------------------------------------------------------------------------------

    def talk(self, inbound: Inbound) -> list[Numbered]:
        """Answer one message and wait for it."""
        return self.take(inbound).result()

    def greet(self, inbound: Inbound) -> list[Numbered]:
        return self.turns.submit(lambda session: self.reception.welcome(session, inbound)).result()

    def waiting(self, contact: ContactRef, now: datetime) -> list[Numbered]:
        """What was pushed to a person since they last looked; shown once."""

        def take(session: Any) -> list[Numbered]:
            person = contacts.find(session, contact.channel, contact.external_id)
            rows = outbox.waiting(session, person.id) if person else []
            outbox.mark_sent(session, [r.id for r in rows], now)
            return self.reception.numbered(rows)

        return self.turns.submit(take).result()

    async def send(self, inbound: Inbound) -> list[Numbered]:
        try:
            future = self.take(inbound)
        except OverloadedError as error:
            raise BusyError from error
        try:
            # Shielded: a turn that takes too long is still finished, and kept for when the page asks again.
            lines = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), TURN_LIMIT_SECONDS)
        except TimeoutError as error:
            raise BusyError from error
        return [Numbered(_reply_line(n.id), n.reply, n.nonce) for n in lines]

    def take(
        self, inbound: Inbound, also: Callable[[Session, list[Numbered]], None] | None = None
    ) -> Future[list[Numbered]]:
        """Answer one message; ``also`` is done in the same transaction, after the turn."""

        def taken(inbound: Inbound) -> Future[list[Numbered]]:
            def work(session: Session) -> list[Numbered]:
                lines = self.reception.turn(session, inbound)
                if also is not None:
                    also(session, lines)
                return lines

            return self.turns.submit(work)

        future = metrics.follow(inbound.contact.channel, lambda: self.hasher.ahead(inbound, taken))
        if inbound.way is Way.PUSH:
            future.add_done_callback(lambda _: self.wake())
        return future

    def opened(self, item: Item) -> Item:
        """A claimed message as it goes out."""
        return replace(item, payload=reply_of(self.vault, item).to_json())

    def shown(self, ids: Sequence[int], now: datetime) -> Future[None]:
        """The person has seen these replies."""
        return self.turns.submit(lambda session: outbox.mark_sent(session, ids, now))

    # -- web sessions -----------------------------------------------------------------------------------------

    def greeting(self) -> tuple[str, tuple[str, ...]]:
        return f"{GREETING}\n{PRIVACY}", tuple(choice.label for choice in lookup.STARTS)

    def open_session(self) -> str:
        now = datetime.now(UTC)

        def work(session: Any) -> str:
            token = contacts.open_web_session(session, now)
            person = contacts.web_contact(session, token)
            assert person is not None
            # The page greets by itself; here it is only noted, so that a bare 1 answers what the page offered.
            self.reception.note_greeting(session, Inbound(ContactRef(person.channel, person.external_id), "open", now))
            return token

        return self.turns.submit(work).result()

    def contact_of(self, token: str) -> ContactRef | None:
        with self.database.reading() as session:
            person = contacts.web_contact(session, token)
            return ContactRef(person.channel, person.external_id) if person else None

    def handover_code(self, token: str) -> str | None:
        now = datetime.now(UTC)

        def work(session: Any) -> str | None:
            person = contacts.web_contact(session, token)
            return contacts.new_handover(session, person.id, now) if person else None

        return self.turns.submit(work).result()

    def redeem_handover(self, code: str) -> str | None:
        now = datetime.now(UTC)
        return self.turns.submit(lambda session: contacts.redeem_handover(session, code, now)).result()

    def history(self, contact: ContactRef, after: int, limit: int = 60) -> list[Line]:
        """The last day's conversation after a line, oldest first; fetching counts as delivery."""
        now = datetime.now(UTC)
        with self.database.reading() as session:
            person = contacts.find(session, contact.channel, contact.external_id)
            if person is None:
                return []
            rows = outbox.since(session, person.id, now - HISTORY, limit, after // 2)
            # Every message has a reply, so with no newer reply there is no newer message.
            said = dialogues.messages_since(session, person.id, now - HISTORY, max(len(rows), 1)) if rows else []
        pushed = [row.id for row in rows if row.state == outbox.SendState.TODO]
        if pushed:
            self.turns.submit(lambda session: outbox.mark_sent(session, pushed, now)).result()
        lines = [Line(_reply_line(r.id), r.created_at, reply=self._shown_again(r, now), nonce=r.nonce) for r in rows]
        lines += [_said_line(m, said_of(self.vault, m)) for m in said if m.reply_ids]
        return sorted((line for line in lines if line.id > after), key=lambda line: line.id)

    def _shown_again(self, row: OutboxRow, now: datetime) -> Reply:
        """What is shown once may be fetched again for a moment: the first answer may have been lost on the way."""
        reply = reply_of(self.vault, row)
        return again(reply) if now - row.created_at > ONCE_LASTS else reply

    # -- files and questions ----------------------------------------------------------------------------------

    def keep_file(self, data: bytes, name: str) -> Attachment:
        if not data:
            raise BadFileError(f"“{name}”是空的，请重新选。")
        if len(data) > MAX_FILE:
            raise BadFileError(f"“{name}”超过 10 MB，请压缩后再发，或只拍要紧的部分。")
        media_type = video_type_of(data) or media_type_of(data, name)
        kind = KIND_OF.get(media_type)
        if kind is None:
            raise BadFileError(f"“{name}”不是照片、视频、PDF 或表格，换一个格式再发。")
        digest = evidence.keep(self.settings.evidence_dir, data)
        return Attachment(kind, digest, media_type, len(data), name[:80])

    def ask(self, query: str, context: str | None, on: date | None) -> dict[str, Any]:
        return lookup.ask(self.knowledge.matcher, query, context, on or datetime.now(SHANGHAI).date())


def _office(settings: Settings, local_url: str) -> Office:
    office = replace(settings.office(), reads_certificates=ocr.available())
    return replace(office, local_url=local_url) if local_url else office


def _reply_line(outbox_id: int) -> int:
    """Replies have even numbers; what the person said stands just before its first reply."""
    return 2 * outbox_id


def _said_line(message: dialogues.InboxMessage, body: dict[str, Any]) -> Line:
    files = tuple(f["label"] or "文件" for f in body["files"])
    return Line(_reply_line(min(message.reply_ids)) - 1, message.received_at, mine=body["text"], files=files)
