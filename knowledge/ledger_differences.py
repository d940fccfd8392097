"""A shop's own ledger beside what the platform says: what stands only in one, and whose validity differs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from knowledge.records import InstrumentRecord, serial_key

Pair = tuple[InstrumentRecord, InstrumentRecord]

PLATFORM_ONLY, OURS_ONLY, DUE_DIFFERS = "平台有/台账无", "台账有/平台无", "有效期不一致"


@dataclass(frozen=True, slots=True)
class Differences:
    """``due_differs`` are pairs: ours, the platform's. A record stands for ``count`` instruments. ``same``: agree."""

    platform_only: tuple[InstrumentRecord, ...] = ()
    ours_only: tuple[InstrumentRecord, ...] = ()
    due_differs: tuple[Pair, ...] = ()
    same: int = 0

    def __bool__(self) -> bool:
        return bool(self.platform_only or self.ours_only or self.due_differs)

    def lines(self, limit: int = 10) -> list[str]:
        """The answer first, then at most ``limit`` instruments of each sort, then how many more there are."""
        if not self:
            return [f"平台和台账一致，共{self.same}台。"]
        counts = (
            (PLATFORM_ONLY, _total(self.platform_only)),
            (OURS_ONLY, _total(self.ours_only)),
            (DUE_DIFFERS, _total(ours for ours, _ in self.due_differs)),
        )
        found = [f"对出不同：{'，'.join(f'{name} {count}台' for name, count in counts if count)}；一致{self.same}台。"]
        found += _listed(PLATFORM_ONLY, [f"{_said(r)} 有效期至{_day(r.due_on)}" for r in self.platform_only], limit)
        found += _listed(OURS_ONLY, [f"{_said(r)} 有效期至{_day(r.due_on)}" for r in self.ours_only], limit)
        differing = [f"{_said(o)} 台账{_day(o.due_on)}，平台{_day(p.due_on)}" for o, p in self.due_differs]
        return found + _listed(DUE_DIFFERS, differing, limit)


def compare(ours: Sequence[InstrumentRecord], platform: Sequence[InstrumentRecord]) -> Differences:
    """By kind and serial number; without a serial number by how many there are of one kind and model.

    Where one side did not name a kind that was recognised, the serial number alone decides.
    """
    pairs, our_rest, their_rest = _paired(_numbered(ours), _numbered(platform))
    groups = _groups(r for r in ours if not r.serial), _groups(r for r in platform if not r.serial)
    for key in {**groups[0], **groups[1]}:
        more, mine, theirs = _counted(groups[0].get(key, []), groups[1].get(key, []))
        pairs, our_rest, their_rest = pairs + more, our_rest + mine, their_rest + theirs
    differing = tuple(pair for pair in pairs if pair[0].due_on != pair[1].due_on)
    same = sum(o.count for o, p in pairs if o.due_on == p.due_on)
    return Differences(tuple(their_rest), tuple(our_rest), differing, same)


def _numbered(records: Sequence[InstrumentRecord]) -> list[InstrumentRecord]:
    return [record for record in records if record.serial]


def _paired(
    ours: list[InstrumentRecord], platform: list[InstrumentRecord]
) -> tuple[list[Pair], list[InstrumentRecord], list[InstrumentRecord]]:
    """Those with a serial number; what is left of each side."""
    waiting: dict[str, list[InstrumentRecord]] = defaultdict(list)
    for record in platform:
        waiting[serial_key(record.serial)].append(record)
    pairs, rest = [], []
    for record in ours:
        there = waiting[serial_key(record.serial)]
        same = next((r for r in there if r.kind == record.kind), None)
        found = same or next((r for r in there if not (r.kind and record.kind)), None)
        if found is None:
            rest.append(record)
        else:
            there.remove(found)
            pairs.append((record, found))
    left = {id(record) for there in waiting.values() for record in there}
    return pairs, rest, [record for record in platform if id(record) in left]


def _groups(records: Iterable[InstrumentRecord]) -> dict[tuple[str, str], list[InstrumentRecord]]:
    found: dict[tuple[str, str], list[InstrumentRecord]] = defaultdict(list)
    for record in records:
        found[record.kind or record.name, serial_key(record.model)].append(record)
    return found


def _counted(
    ours: list[InstrumentRecord], platform: list[InstrumentRecord]
) -> tuple[list[Pair], list[InstrumentRecord], list[InstrumentRecord]]:
    """Equal days first, then what is left in the order of its days."""
    mine, theirs = _by_day(ours), _by_day(platform)
    pairs: list[Pair] = []
    for day in mine.keys() & theirs.keys():
        pairs += _pair(ours[0], platform[0], mine, theirs, (day, day))
    days, their_days = sorted(+mine, key=_order), sorted(+theirs, key=_order)
    while days and their_days:
        pairs += _pair(ours[0], platform[0], mine, theirs, (days[0], their_days[0]))
        days, their_days = days[not mine[days[0]] :], their_days[not theirs[their_days[0]] :]
    return pairs, _left(ours, mine), _left(platform, theirs)


def _pair(
    our: InstrumentRecord,
    their: InstrumentRecord,
    mine: Counter[date | None],
    theirs: Counter[date | None],
    days: tuple[date | None, date | None],
) -> list[Pair]:
    """As many as both have left of these days, taken off both."""
    count = min(mine[days[0]], theirs[days[1]])
    mine[days[0]] -= count
    theirs[days[1]] -= count
    return [(replace(our, due_on=days[0], count=count), replace(their, due_on=days[1], count=count))] if count else []


def _by_day(records: list[InstrumentRecord]) -> Counter[date | None]:
    counts: Counter[date | None] = Counter()
    for record in records:
        counts[record.due_on] += record.count
    return counts


def _left(records: list[InstrumentRecord], counts: Counter[date | None]) -> list[InstrumentRecord]:
    return [replace(records[0], due_on=day, count=counts[day]) for day in sorted(+counts, key=_order)]


def _order(day: date | None) -> date:
    return day or date.max


def _total(records: Iterable[InstrumentRecord]) -> int:
    return sum(record.count for record in records)


def _listed(title: str, said: list[str], limit: int) -> list[str]:
    shown = [f"{title}：", *(f"· {line}" for line in said[:limit])] if said else []
    return shown + ([f"……另有{len(said) - limit}条"] if len(said) > limit else [])


def _said(record: InstrumentRecord) -> str:
    serial = f"编号{record.serial}" if record.serial else ""
    count = f"{record.count}台" if record.count > 1 or not record.serial else ""
    return " ".join(part for part in (record.name, record.model, serial, count) if part)


def _day(day: date | None) -> str:
    return day.isoformat() if day else "没写"
