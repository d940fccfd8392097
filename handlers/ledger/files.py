"""Files that come without a word: a table is for the ledger, a photo may be a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from handlers import consult
from handlers.conversation.messages import Attachment, AttachmentKind, Choice, Reply
from handlers.ledger import certificates, sheets
from handlers.ledger.shops import register
from handlers.talk import Talk
from handlers.tips.opening import REPORT
from storage import ledger, shops
from storage.ledger import ItemState
from storage.shops import Membership, Role

TABLES = frozenset((".xlsx", ".xls", ".csv", ".tsv", ".txt"))
KEEP_CERTIFICATE = Choice("存检定证书", "ledger:photos")


def files(talk: Talk) -> list[Reply]:
    place = current(talk)
    table = next((a for a in talk.inbound.attachments if is_table(a)), None)
    if table is not None:
        return _table(talk, place, table)
    photos = [a for a in talk.inbound.attachments if a.kind is not AttachmentKind.VOICE]
    if place is None or not photos or not place.role.covers(Role.CLERK):
        return consult.files(talk, first=(REPORT,))
    if ledger.by_state(talk.session, place.shop.id, (ItemState.BOOKED, ItemState.SUBMITTED)):
        return certificates.asked(talk, place, photos)
    return consult.files(talk, first=(KEEP_CERTIFICATE, REPORT))


def current(talk: Talk) -> Membership | None:
    """The shop the person means: the one used last."""
    return next(iter(shops.of_person(talk.session, talk.person_id)), None)


def is_table(file: Attachment) -> bool:
    return file.kind is AttachmentKind.FILE and PurePath(file.label.lower()).suffix in TABLES


def _table(talk: Talk, place: Membership | None, table: Attachment) -> list[Reply]:
    if place is None:
        return register(talk, then=sheets.pending(table))
    if not place.role.covers(Role.CLERK):
        return [Reply("您在店里的身份是“只看”，导入请找店主或店员。")]
    return sheets.asked(talk, place, table.name, table.label)


def waiting_photos(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    """The files that were put aside until somebody said what they are."""
    names, talk.state.files = talk.state.files, []
    return certificates.asked(talk, place, _as_files(names)) if names else talk.open_form(certificates.PHOTO.name)


def _as_files(names: Sequence[str]) -> list[Attachment]:
    return [Attachment(AttachmentKind.IMAGE, name) for name in names]
