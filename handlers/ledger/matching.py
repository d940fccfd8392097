"""Which row of a ledger a row of a table means: by its number, or, without one, by what it is and how many came before.

So the same table imported again changes nothing, even where it was broken off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.ledger.keeping import Kept, new_item, update
from handlers.ledger.planning import validity_of
from handlers.talk import Bench
from knowledge.records import InstrumentRecord, serial_key
from storage import ledger
from storage.database import Session
from storage.ledger import ItemState, LedgerItem

Unnumbered = tuple[str, str, str, int]
"""Kind, model, place, number of pieces."""


@dataclass
class Existing:
    """A shop's rows, as they can be found; an unnumbered one is meant by one row of the table only, then it is gone.

    A retired row without a number is none of them: nobody can say that it is the one a table means.
    """

    bench: Bench
    shop_id: int
    numbered: dict[tuple[str, str], LedgerItem]
    unnumbered: dict[Unnumbered, list[LedgerItem]]

    @classmethod
    def load(cls, bench: Bench, session: Session, shop_id: int, before: Sequence[InstrumentRecord] = ()) -> Existing:
        """``before``: the rows of the table that were dealt with already."""
        found = cls(bench, shop_id, {}, defaultdict(list))
        for item in sorted(ledger.everything(session, shop_id, retired=True), key=lambda i: i.id):
            found.put(item)
        for record in before:
            if not record.serial:
                found.find(record)
        return found

    def put(self, item: LedgerItem) -> None:
        if item.serial_key:
            self.numbered[item.kind, item.serial_key] = item
        elif item.state != ItemState.RETIRED:
            self.unnumbered[item.kind, item.model, item.place, item.count].append(item)

    def find(self, record: InstrumentRecord) -> LedgerItem | None:
        """The row meant; of alike ones without number the one with the same last day, if there is one."""
        if record.serial:
            return self.numbered.get((record.kind, serial_key(record.serial)))
        rows = self.unnumbered.get(_like(record), [])
        due_on = validity_of(self.bench, record).day
        meant = next((row for row in rows if row.due_on == due_on), rows[0] if rows else None)
        if meant is not None:
            rows.remove(meant)
        return meant

    def would(self, record: InstrumentRecord) -> Kept:
        """What keeping the record would do."""
        item = self.find(record)
        if item is None:
            return Kept(added=record.count)
        return Kept(same=item.count) if _says_nothing_new(self.bench, item, record) else Kept(updated=item.count)


def keep_row(
    bench: Bench, session: Session, existing: Existing, record: InstrumentRecord, person_id: int | None, now: datetime
) -> dict[str, int]:
    """Bring the ledger up to one row of a table; how many pieces were added, updated or left the same."""
    item = existing.find(record)
    if item is None:
        item = new_item(bench, existing.shop_id, record, now)
        ledger.add(session, item, person_id, now)
        if item.serial_key:
            existing.put(item)
        return {"added": record.count}
    if _says_nothing_new(bench, item, record):
        return {"same": item.count}
    kept = update(bench, session, item, person_id, record, now)
    return {"updated": kept.updated, "same": kept.same}


def _like(record: InstrumentRecord) -> Unnumbered:
    return record.kind, record.model[:64], record.place[:128], record.count


def _says_nothing_new(bench: Bench, item: LedgerItem, record: InstrumentRecord) -> bool:
    names = ("name", "model", "maker", "place", "certificate_no", "institution", "serial")
    told = all(not (said := getattr(record, name)) or said[:128] == getattr(item, name) for name in names)
    if not (record.verified_on or record.due_on):
        return told and item.state != ItemState.RETIRED
    same_dates = (record.verified_on or item.verified_on) == item.verified_on and validity_of(
        bench, record
    ).day == item.due_on
    return told and same_dates and item.state != ItemState.RETIRED
