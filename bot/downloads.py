"""What each link to a file gives, made when it is opened: always the ledger of today, and nothing lies about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot import cards
from bot.calendar_file import ledger_calendar
from bot.file_links import Makers
from bot.files import XLSX
from bot.sheets.reader import read_sheet
from bot.sheets.writer import write_differences, write_errors, write_ledger
from bot.web.ports import Made
from handlers.ledger import calendars
from handlers.ledger.sheets import Understood, differences, records_of, understand
from handlers.officers.access import seen_by
from handlers.officers.thread import COPY
from handlers.pledge import cards as pledge_cards
from handlers.pledge.cards import CARD
from handlers.talk import SHANGHAI, Bench
from storage import evidence, ledger, media, pledges, shops, staff
from storage.cases import Case, CaseFile
from storage.contacts import Contact
from storage.database import Session
from storage.ledger import Certificate
from storage.links import FileLink
from storage.shops import Membership, Shop
from storage.vault import Vault

if TYPE_CHECKING:
    from bot.app import Service

EXTENSIONS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
ICS = "text/calendar; charset=utf-8"
Maker = Callable[[Session, FileLink, datetime], Made]


def makers(service: Service) -> Makers:
    bench, folder = service.reception.bench, service.settings.evidence_dir
    downloads: dict[str, Maker] = {
        "ledger": lambda session, link, _now: _ledger(bench, session, _place(session, link).shop),
        "calendar": lambda session, link, now: _calendar(bench, session, _place(session, link).shop, now),
        "original": lambda session, link, _now: _original(service, session, link),
        CARD: lambda session, link, _now: _card(bench, session, link),
        COPY: lambda session, link, _now: _case_copy(folder, session, link, bench.vault),
        "errors": lambda session, link, now: _errors(_sent(bench, folder, session, link, now)),
        "differences": lambda session, link, now: _differences(bench, folder, session, link, now),
    }
    return Makers(downloads, lambda session, shop, now: _calendar(bench, session, shop, now))


def _place(session: Session, link: FileLink) -> Membership:
    """The person's place in the shop now; ``LookupError`` when they have none any more."""
    contact = session.get(Contact, link.contact_id)
    place = shops.membership(session, contact.person_id, link.about["shop"]) if contact else None
    if place is None:
        raise LookupError
    return place


def _card(bench: Bench, session: Session, link: FileLink) -> Made:
    """The card of a pledge, drawn as it stands."""
    shop, row = _place(session, link).shop, pledges.get(session, link.about["pledge"])
    if row is None or row.shop_id != shop.id:
        raise LookupError
    printed = pledge_cards.printed(bench, session, row, shop)
    drawn = cards.Card(
        number=row.number,
        shop_name=row.shop_name,
        district=shop.district,
        sector=printed.sector,
        signed_on=row.signed_on,
        valid_until=row.valid_until,
        points=printed.points,
        office=bench.office.name,
        hotline=bench.office.hotline,
        link=printed.link,
    )
    if link.about["size"] == "pdf":
        return Made(cards.pdf(drawn), f"诚信计量承诺-{shop.name}.pdf", "application/pdf")
    return Made(cards.draw(drawn, cards.Size(link.about["size"])), f"诚信计量承诺-{shop.name}.png", "image/png")


def _ledger(bench: Bench, session: Session, shop: Shop) -> Made:
    kinds = {kind: thing.name for kind, thing in bench.library.instruments.items()}
    return Made(write_ledger(records_of(session, shop.id), kinds), f"{shop.name}台账.xlsx", XLSX)


def _calendar(bench: Bench, session: Session, shop: Shop, now: datetime) -> Made:
    today = now.astimezone(SHANGHAI).date()
    found = calendars.entries(bench, session, shop, today)
    return Made(ledger_calendar(shop.name, found), f"{shop.name}到期日历.ics", ICS)


def _sent(bench: Bench, folder: Path, session: Session, link: FileLink, now: datetime) -> Understood:
    """The table that the person sent, read once more."""
    _place(session, link)
    (digest,) = media.resolve(session, [link.about["file"]])
    path = evidence.path_of(folder, digest)
    if digest.startswith(media.PREFIX) or not path.exists():
        raise LookupError
    return understand(bench, read_sheet(path.read_bytes(), link.about.get("name", "")), now.astimezone(SHANGHAI).date())


def _original(service: Service, session: Session, link: FileLink) -> Made:
    """The certificate as it was sent; just confirmed, it may not be sealed yet."""
    place = _place(session, link)
    row = session.get(Certificate, link.about["certificate"])
    if row is None or ledger.item(session, place.shop.id, row.item_id) is None:
        raise LookupError
    folder = service.settings.evidence_dir
    if evidence.sealed_path_of(folder, row.sha256).exists():
        data = evidence.unseal(folder, row.sha256, service.vault)
    elif evidence.path_of(folder, row.sha256).exists():
        data = evidence.path_of(folder, row.sha256).read_bytes()
    else:
        raise LookupError
    return Made(data, f"证书原件{EXTENSIONS.get(row.media_type, '')}", row.media_type or "application/octet-stream")


def _errors(found: Understood) -> Made:
    return Made(write_errors(found.sheet, found.table), "改错表.xlsx", XLSX)


def _differences(bench: Bench, folder: Path, session: Session, link: FileLink, now: datetime) -> Made:
    found = _sent(bench, folder, session, link, now)
    shown = differences(session, bench, link.about["shop"], found)
    return Made(write_differences(shown), "与平台的差异.xlsx", XLSX)


def _case_copy(folder: Path, session: Session, link: FileLink, vault: Vault) -> Made:
    """The working copy of a picture in a case, for an officer whose case it still is; never the sealed original."""
    member = staff.of_contact(session, link.contact_id)
    case, file = session.get(Case, link.about["case"]), session.get(CaseFile, link.about["file"])
    if member is None or case is None or file is None or file.case_id != case.id or not file.copy_sha256:
        raise LookupError
    path = evidence.path_of(folder, file.copy_sha256)
    if not seen_by(session, member, [case], vault) or not path.exists():
        raise LookupError
    return Made(path.read_bytes(), f"{case.number}-{file.id}.jpg", "image/jpeg")
