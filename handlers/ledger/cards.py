"""What is known of an instrument, shown for confirming or looking at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from handlers.ledger.planning import plan_of, validity_of
from handlers.ledger.words import PROVISIONAL, colour, title
from handlers.talk import Bench
from knowledge.due_dates import Basis, Validity, doubts
from knowledge.library import Catalogue
from knowledge.records import InstrumentRecord
from knowledge.stages import latest_booking_day
from storage.ledger import LedgerItem

FAILED = "不合格"


def described(bench: Bench, record: InstrumentRecord, serials: Sequence[str], today: date) -> str:
    """A record as it would be kept, with what is doubtful about it."""
    thing = bench.library.instruments[record.kind]
    said = f"（{record.name}）" if record.name and record.name != thing.name else ""
    found = validity_of(bench, record)
    lines = [
        "，".join(
            filter(None, (f"{thing.name}{said}{record.model and ' ' + record.model}", *_amount(record, serials)))
        ),
        *_facts(record),
        *dates(record.verified_on, found, today),
    ]
    if found.day is not None and found.basis is not Basis.REPLACEMENT:
        lines += _booking(bench, bench.plans.of(thing).lead, record.kind, found.day, today)
    lines += [f"⚠ {line}" for line in doubts(thing, record.verified_on, record.due_on, today)]
    if record.conclusion == FAILED:
        lines.append("⚠ 结论不合格：修好、重新检定合格前不能用。")
    return "\n".join(lines)


def _amount(record: InstrumentRecord, serials: Sequence[str]) -> Iterator[str]:
    yield f"{max(record.count, len(serials))} 台"
    if serials:
        yield f"编号 {'、'.join(serials[:5])}{f' 等 {len(serials)} 个' if len(serials) > 5 else ''}"
    if 0 < len(serials) < record.count:
        yield f"另 {record.count - len(serials)} 台没写编号"


def _facts(record: InstrumentRecord) -> Iterator[str]:
    for word, value in (
        ("证书号", record.certificate_no),
        ("结论", record.conclusion),
        ("检定机构", record.institution),
        ("制造单位", record.maker),
        ("放在", record.place),
    ):
        if value:
            yield f"{word} {value}"


def dates(verified_on: date | None, found: Validity, today: date) -> Iterator[str]:
    """When it was verified, until when that holds, and how we know."""
    verified = f"检定 {verified_on}，" if verified_on else ""
    if found.basis is Basis.NONE:
        yield f"{verified}不用定期检，不设到期提醒。"
        return
    if found.day is None:
        asked = "请看证书或标签上的有效期告诉我" if verified_on else "请补上检定日期或有效期"
        yield f"{verified}有效期不知道：{asked}。"
        return
    yield f"{verified}{_until(found)}{'，已经过期' if found.day < today else ''}"


def _until(found: Validity) -> str:
    if found.basis is Basis.REPLACEMENT:
        return f"{found.day} 前要换新（限期使用 {found.months} 个月，不再送检）"
    if found.basis is Basis.CERTIFICATE:
        return f"有效期至 {found.day}"
    unsure = "，周期待核实" if not found.sure else ""
    return f"有效期至 {found.day}（按 {found.months} 个月算{unsure}，以证书为准）"


def _booking(bench: Bench, lead: int, kind: str, due_on: date, today: date) -> Iterator[str]:
    if bench.library.instruments[kind].catalogue is Catalogue.UNLISTED:
        yield "不是强制检定的器具，可以自愿检定或校准。"
        return
    latest = latest_booking_day(due_on, bench.plans.of(bench.library.instruments[kind]), bench.calendar)
    hint = PROVISIONAL if latest.provisional else ""
    if due_on < today:
        yield "过期的马上停用，检定合格再用。"
    elif latest.day < today:
        yield f"送检一般要提前 {lead} 个工作日，已经过了 {latest.day}，请马上预约。"
    else:
        yield f"送检要提前 {lead} 个工作日，最晚 {latest.day} 预约{hint}"


def item_card(bench: Bench, item: LedgerItem, certificates: int, today: date) -> str:
    """One instrument of the ledger, with all that is known of it."""
    thing = bench.library.instruments.get(item.kind)
    lines = [
        f"{colour(item, today)} {title(item)}",
        f"种类 {thing.name}" if thing and thing.name != item.name else "",
        f"检定 {item.verified_on}" if item.verified_on else "",
        _stored_until(item),
        *(f"{w} {v}" for w, v in (("证书号", item.certificate_no), ("检定机构", item.institution)) if v),
        *(f"{w} {v}" for w, v in (("制造单位", item.maker), ("放在", item.place)) if v),
        f"证书原件 {certificates} 份，加密存着" if certificates else "",
    ]
    if item.due_on and item.due_on >= today and item.basis != Basis.REPLACEMENT:
        latest = latest_booking_day(item.due_on, plan_of(bench, item), bench.calendar)
        lines.append(f"最晚 {latest.day} 预约送检{PROVISIONAL if latest.provisional else ''}")
    return "\n".join(filter(None, lines))


def _stored_until(item: LedgerItem) -> str:
    if item.due_on is None:
        return "不用定期检" if item.basis == Basis.NONE else "有效期没填"
    if item.basis == Basis.REPLACEMENT:
        return f"{item.due_on} 前换新"
    return f"有效期至 {item.due_on}" + ("（按周期算的，以证书为准）" if item.basis == Basis.PERIOD else "")
