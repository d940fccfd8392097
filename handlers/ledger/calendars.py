"""存到日历: a feed that stays up to date, or a file once; one event for what falls due on a day, one for booking it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from handlers.conversation.messages import Choice, Reply
from handlers.ledger.planning import plan_of
from handlers.ledger.words import PROVISIONAL, title
from handlers.talk import Bench, Talk
from knowledge.calendar_entries import CalendarEntry
from knowledge.due_dates import Basis
from knowledge.stages import latest_booking_day
from storage import ledger, links
from storage.contacts import hashed
from storage.database import Session
from storage.ledger import ItemState, LedgerItem
from storage.shops import Membership, Shop

ALARMS = (30, 7)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
KEPT_PAST = timedelta(days=400)
"""How long a past due date stays in the calendar."""
FEED = "shop-feed:{}:{}"
HELP = "手机日历 → 添加“订阅日历” → 粘贴上面的链接。在微信里先点右上角“复制链接”。"
PRIVATE = "这是您店里的专用链接，别外发；回“重置日历链接”可作废。"


def offer(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    dated = [i for i in ledger.everything(talk.session, place.shop.id) if i.due_on]
    if not dated:
        return [Reply("台账里还没有带日期的器具，先记一台再存日历。", (Choice("记一台", "ledger:add"),))]
    days = len({i.due_on for i in dated})
    text = f"{place.shop.name} {sum(i.count for i in dated)} 台器具 → {days} 个到期日，各带一个最晚预约日。"
    return [Reply(text, (Choice("订阅链接（以后自动更新）", "ledger:feed"), Choice("只要一次性文件", "ledger:ics")))]


def feed(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    """The same link for everybody of the shop, until it is reset."""
    token = _token(talk.bench, place.shop)
    place.shop.feed_hash = hashed(token)
    return [Reply(f"{talk.office.pages_url}/c/{token}/ledger.ics\n{HELP}\n{PRIVATE}")]


def reset(_talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    place.shop.feed_version += 1
    place.shop.feed_hash = ""
    return [Reply("旧的日历链接已作废。要新链接，选下面。", (Choice("给我新链接", "ledger:feed"),))]


def _token(bench: Bench, shop: Shop) -> str:
    """Made from the vault's key, so that it can be shown again although only its hash is kept."""
    return bench.vault.token(FEED.format(shop.id, shop.feed_version))


def once(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    token = links.new(talk.session, "calendar", talk.contact_id, {"shop": place.shop.id}, talk.now)
    return [Reply(f"日历文件（24 小时内有效）：{talk.office.pages_url}/files/{token}")]


# -- the entries --------------------------------------------------------------------------------------------------


def entries(bench: Bench, session: Session, shop: Shop, today: date) -> list[CalendarEntry]:
    """What falls due, by day and kind, with the days for booking; what was in the calendar and is no more, cancelled."""
    rows = [i for i in ledger.everything(session, shop.id) if i.due_on and i.due_on >= today - KEPT_PAST]
    changed = ledger.last_change(session, shop.id) or shop.created_at
    stamp = (changed, int((changed - EPOCH) / timedelta(minutes=1)))
    found = list(_due(bench, shop, rows, stamp))
    there = {entry.uid for entry in found}
    gone = (
        e
        for kind, day in ledger.dates_ever(session, shop.id)
        if day >= today - KEPT_PAST
        for e in _gone(shop, kind, day, stamp)
    )
    return found + [entry for entry in gone if entry.uid not in there]


Stamp = tuple[datetime, int]
"""The last change of the ledger, and as a number that only grows."""


def _due(bench: Bench, shop: Shop, rows: Sequence[LedgerItem], stamp: Stamp) -> Iterator[CalendarEntry]:
    key = lambda item: (item.due_on, item.kind)  # noqa: E731 - sorting and grouping by the same
    for (day, kind), group in groupby(sorted(rows, key=key), key=key):
        yield from _entries(bench, shop, day, kind, list(group), stamp)


def _entries(
    bench: Bench, shop: Shop, day: date, kind: str, items: list[LedgerItem], stamp: Stamp
) -> Iterator[CalendarEntry]:
    thing = bench.library.instruments.get(kind)
    what = f"{thing.name if thing else items[0].name} {sum(i.count for i in items)} 台"
    listed = "\n".join(f"· {title(i)}" for i in items)
    changed, sequence = stamp
    replaced = all(i.basis == Basis.REPLACEMENT for i in items)
    head = f"换新到期：{what}" if replaced else f"检定到期：{what}"
    yield CalendarEntry(
        _uid("due", shop, kind, day),
        day,
        head,
        f"{shop.name}\n{listed}",
        sequence=sequence,
        cancelled=False,
        alarms=ALARMS,
        stamp=changed,
    )
    if replaced or all(i.state == ItemState.SUBMITTED for i in items):
        return
    latest = latest_booking_day(day, plan_of(bench, items[0]), bench.calendar)
    text = f"{day} 到期，今天是最晚预约日{PROVISIONAL if latest.provisional else ''}。\n{listed}"
    uid = _uid("book", shop, kind, day)
    yield CalendarEntry(
        uid, latest.day, f"最晚预约日：{what}", text, sequence=sequence, cancelled=False, alarms=(7,), stamp=changed
    )


def _gone(shop: Shop, kind: str, day: date, stamp: Stamp) -> Iterator[CalendarEntry]:
    changed, sequence = stamp
    for word, name in (("due", "检定到期（已改期）"), ("book", "最晚预约日（已改期）")):
        yield CalendarEntry(
            _uid(word, shop, kind, day), day, name, "", sequence=sequence, cancelled=True, alarms=(), stamp=changed
        )


def _uid(word: str, shop: Shop, kind: str, day: date) -> str:
    """The same event for the same shop, kind and due date, and nothing to be read from it."""
    return hashlib.sha256(f"{word}:{shop.id}:{kind}:{day.isoformat()}".encode()).hexdigest()[:32]
