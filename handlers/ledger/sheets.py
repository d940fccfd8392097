"""Tables in and out: a preview with counts, the import bit by bit, the comparison with the platform, the export.

Reading a file is slow work (see ``storage.tasks``); what was understood of it is not kept: importing and correcting
read the file once more, so that nothing depends on how long the person thought about it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from handlers import outreach
from handlers.conversation.messages import Attachment, Choice, Reply
from handlers.ledger.keeping import Kept
from handlers.ledger.kinds import kind_of
from handlers.ledger.matching import Existing, keep_row
from handlers.ledger.planning import plan_of, validity_of
from handlers.ledger.words import short_day
from handlers.talk import SHANGHAI, Bench, Talk
from knowledge.ledger_sheet import Differences, Row, Table, compare, read_table
from knowledge.records import InstrumentRecord
from knowledge.sheet import Sheet
from knowledge.stages import latest_booking_day
from storage import ledger, links, shops, tasks
from storage.database import Session
from storage.shops import Membership
from storage.tasks import Claimed, Task

READ, IMPORT, COMPARE = "read-sheet", "import-sheet", "compare-sheet"
LIFE = timedelta(days=7)
CHUNK = 250
"""Rows a transaction: others wait for a fraction of a second at most."""
PROGRESS = 1000
"""Every so many rows it is said how far the import is."""
MOST_PROBLEMS = 5
PENDING = "sheet:"
GONE = "这个表格处理过了，或者过期了。请再发一次文件。"


@dataclass(frozen=True, slots=True)
class Understood:
    """A file with what was made of it."""

    sheet: Sheet
    table: Table
    notes: tuple[str, ...] = ()
    """Names that left their kind open, and what they were taken for."""


def understand(bench: Bench, sheet: Sheet, today: date) -> Understood:
    """Rows as records; takes a second for thousands, so never within a turn."""

    notes: dict[str, None] = {}

    @lru_cache(maxsize=2000)
    def lookup(name: str) -> str | None:
        kind, note = kind_of(bench, name)
        if note:
            notes[note] = None
        return kind or None

    return Understood(sheet, read_table(sheet.rows, lookup, today), tuple(notes))


# -- asking for it to be read -------------------------------------------------------------------------------------


def pending(table: Attachment) -> str:
    """What registering a shop goes on with when it was a table that came first."""
    return PENDING + json.dumps([table.name, table.label], ensure_ascii=False)


def from_pending(talk: Talk, place: Membership, text: str) -> list[Reply]:
    name, label = json.loads(text.removeprefix(PENDING))
    return asked(talk, place, name, label)


def asked(talk: Talk, place: Membership, name: str, label: str) -> list[Reply]:
    tasks.ask(talk.session, READ, talk.contact_id, {"file": name, "name": label, "shop": place.shop.id}, talk.now)
    return [Reply(f"正在看“{label or '表格'}”，看完告诉您有多少行能导入。")]


def how(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    text = "把 Excel（.xlsx、.xls）或 .csv 发来就行，e-CQS 导出的台账也可以；最多 5000 行。"
    if talk.inbound.contact.channel in talk.office.without_files:
        token = links.new(talk.session, "upload", talk.contact_id, {"shop": place.shop.id}, talk.now)
        text += f"\n这里发不了表格，请点这里传（24 小时内有效）：{talk.office.pages_url}/upload/{token}"
    return [
        Reply(
            f"{text}\n没有表格？先下载空表填。",
            (Choice("下载空表", "ledger:export"), Choice("一行一行记", "ledger:add")),
        )
    ]


# -- the preview --------------------------------------------------------------------------------------------------


def previewed(session: Session, bench: Bench, claimed: Claimed, found: Understood, now: datetime) -> None:
    shop_id = claimed.request["shop"]
    if found.table.refusal:
        refused(session, bench, claimed, found.table.refusal, now)
        return
    kept = _dry_run(bench, session, shop_id, found)
    tasks.finish(session, claimed, {"rows": len(found.table.good), "bad": len(found.table.bad)})
    reply = Reply(_preview(found, kept), _preview_choices(claimed.id, found))
    outreach.push(session, claimed.contact_id, reply, now, "ledger", f"task:{claimed.id}", life=LIFE)


def refused(session: Session, _bench: Bench, claimed: Claimed, sentence: str, now: datetime) -> None:
    outreach.push(session, claimed.contact_id, Reply(sentence), now, "ledger", f"task:{claimed.id}")


def _dry_run(bench: Bench, session: Session, shop_id: int, found: Understood) -> Kept:
    """What importing would do, without doing it."""
    existing = Existing.load(bench, session, shop_id)
    total = Kept()
    for row in found.table.good:
        total += existing.would(row.record)
    return total


def _preview(found: Understood, kept: Kept) -> str:
    sheet, table = found.sheet, found.table
    how_read = f"{sheet.format.upper()}{f'（{sheet.encoding}）' if sheet.encoding else ''}"
    lines = [
        f"看完了：{how_read}，{len(table.rows)} 行，表头第 {table.first_header_line} 行。",
        f"可导入 {len(found.table.good)} 行：新增 {kept.added} 台、更新 {kept.updated} 台、没变 {kept.same} 台。"
        if found.table.good
        else "没有能导入的行。",
    ]
    if found.table.bad:
        lines.append(f"要改 {len(found.table.bad)} 行：")
        lines += [f"· {problem}" for problem in _problems(found.table.bad)[:MOST_PROBLEMS]]
        more = len(_problems(found.table.bad)) - MOST_PROBLEMS
        lines += [f"· 还有 {more} 处，看改错表"] if more > 0 else []
    lines += [f"· {note}" for note in found.notes[:MOST_PROBLEMS]]
    if sheet.truncated:
        lines.append("表太长，隔了几千行的后半截没看，请拆开再发。")
    if table.unknown_columns:
        lines.append(f"没用到的列：{'、'.join(table.unknown_columns[:6])}。")
    if table.missing_columns:
        lines.append(f"没有这些列：{'、'.join(table.missing_columns)}，以后可以补。")
    return "\n".join(lines)


def _problems(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(problem for row in rows for problem in row.problems))


def _preview_choices(task_id: int, found: Understood) -> tuple[Choice, ...]:
    choices = []
    if found.table.good:
        choices.append(Choice(f"导入这 {len(found.table.good)} 行", f"ledger:sheet/import/{task_id}"))
    if found.table.bad:
        choices.append(Choice("发我改错表", f"ledger:sheet/errors/{task_id}"))
    if found.table.good:
        choices.append(Choice("只和台账对照", f"ledger:sheet/compare/{task_id}"))
    return (*choices, Choice("取消", f"ledger:sheet/drop/{task_id}"))


# -- the person's word --------------------------------------------------------------------------------------------


def act(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """``rest``: ``import/12``, ``errors/12``, ``compare/12``, ``drop/12``."""
    verb, _, id_ = rest.partition("/")
    task = tasks.of_person(talk.session, talk.person_id, int(id_)) if id_.isdecimal() else None
    if task is None or not task.result or task.request["shop"] != place.shop.id:
        return [Reply(GONE)]
    return {"import": _import, "errors": _errors, "compare": _compare, "drop": _drop}[verb](talk, task)


def _import(talk: Talk, task: Task) -> list[Reply]:
    assert task.result is not None
    rows, task.result = task.result["rows"], None  # a second 1 must not import it twice
    tasks.ask(talk.session, IMPORT, talk.contact_id, dict(task.request), talk.now)
    return [Reply(f"正在导入 {rows} 行，好了告诉您。")]


def _errors(talk: Talk, task: Task) -> list[Reply]:
    token = links.new(talk.session, "errors", talk.contact_id, dict(task.request), talk.now)
    again = (
        Choice("先导入没问题的行", f"ledger:sheet/import/{task.id}"),
        Choice("取消", f"ledger:sheet/drop/{task.id}"),
    )
    text = f"改错表（24 小时内有效）：{talk.office.pages_url}/files/{token}\n错误原因写在最后一列，改好把它发回来。"
    return [Reply(text, again)]


def _compare(talk: Talk, task: Task) -> list[Reply]:
    tasks.ask(talk.session, COMPARE, talk.contact_id, dict(task.request), talk.now)
    return [Reply("正在对照，好了告诉您。")]


def _drop(_talk: Talk, task: Task) -> list[Reply]:
    task.result = None
    return [Reply("好，没有导入。")]


# -- importing ----------------------------------------------------------------------------------------------------


def import_step(
    session: Session, bench: Bench, claimed: Claimed, found: Understood, step: int, now: datetime
) -> int | None:
    """One part of the rows. Beginning anew after a crash changes nothing that is there already."""
    shop_id, rows = claimed.request["shop"], found.table.good
    if not ledger.lock_shop(session, shop_id):
        return None  # the shop was closed meanwhile
    person_id = outreach.person_of(session, claimed.contact_id)
    place = shops.membership(session, person_id, shop_id)
    if place is None or not place.role.covers(shops.Role.CLERK):
        _tell(session, claimed, Reply("您已经不能改这家店的台账，导入停下了。"), now, "stopped")
        return None
    part = rows[step * CHUNK : (step + 1) * CHUNK]
    existing = Existing.load(bench, session, shop_id, before=_places(rows[: step * CHUNK]))
    counts: Counter[str] = Counter(_counts(session, claimed) if step else {})
    for row in part:
        counts.update(keep_row(bench, session, existing, row.record, person_id, now))
    session.flush()
    tasks.note(session, claimed, {"counts": dict(counts)})
    done = min((step + 1) * CHUNK, len(rows))
    if done < len(rows):
        if done % PROGRESS == 0:
            _tell(session, claimed, Reply(f"已导入 {done} / {len(rows)} 行……"), now, f"{step}")
        return step + 1
    _tell(session, claimed, _imported(session, bench, shop_id, counts, now), now, "done")
    return None


def _places(rows: Sequence[Row]) -> list[InstrumentRecord]:
    return [row.record for row in rows]


def _counts(session: Session, claimed: Claimed) -> dict[str, int]:
    """What the steps before have done, as the task itself remembers it."""
    row = tasks.held(session, claimed)
    counts: dict[str, int] = (row.request.get("counts") or {}) if row is not None else {}
    return counts


def _tell(session: Session, claimed: Claimed, reply: Reply, now: datetime, part: str) -> None:
    outreach.push(session, claimed.contact_id, reply, now, "ledger", f"task:{claimed.id}:{part}", life=LIFE)


def _imported(session: Session, bench: Bench, shop_id: int, counts: Counter[str], now: datetime) -> Reply:
    parts = [
        f"{word} {counts[name]} 台"
        for name, word in (("added", "新增"), ("updated", "更新"), ("same", "没变"))
        if counts[name]
    ]
    lines = [f"导入好了：{'、'.join(parts) or '没有变化'}。", *_soonest(session, bench, shop_id, now)]
    choices = (
        Choice("我的台账", "ledger:list"),
        Choice("导出 e-CQS 格式", "ledger:export"),
        Choice("存到日历", "ledger:calendar"),
    )
    return Reply("\n".join(lines), choices)


def _soonest(session: Session, bench: Bench, shop_id: int, now: datetime) -> Iterator[str]:
    today = now.astimezone(SHANGHAI).date()
    found = ledger.summary(session, shop_id, today, today)
    if found.overdue:
        yield f"已过期 {found.overdue} 台，请马上停用、预约检定。"
    item = ledger.next_due(session, shop_id, today)
    if item is not None and item.due_on is not None:
        latest = latest_booking_day(item.due_on, plan_of(bench, item), bench.calendar)
        yield f"最近到期：{short_day(item.due_on, today)} {item.name}，最晚 {short_day(latest.day, today)} 前预约。到期前会在这里提醒您。"


# -- comparing, exporting -----------------------------------------------------------------------------------------


def compared(session: Session, bench: Bench, claimed: Claimed, found: Understood, now: datetime) -> None:
    shown = differences(session, bench, claimed.request["shop"], found)
    tasks.finish(session, claimed, {"rows": len(found.table.good)})
    lines = shown.lines(limit=5)
    choices: tuple[Choice, ...] = (
        Choice("导入平台的数据", f"ledger:sheet/import/{claimed.id}"),
        Choice("我的台账", "ledger:list"),
    )
    if shown:
        token = links.new(session, "differences", claimed.contact_id, dict(claimed.request), now)
        lines = [*lines, f"全部差异（24 小时内有效）：{bench.office.pages_url}/files/{token}"]
    _tell(session, claimed, Reply("\n".join(lines), choices), now, "compared")


def differences(session: Session, bench: Bench, shop_id: int, found: Understood) -> Differences:
    """Where the other side gives no last day, it is the one that follows from its verification."""
    return compare(records_of(session, shop_id), [_dated(bench, row.record) for row in found.table.good])


def _dated(bench: Bench, record: InstrumentRecord) -> InstrumentRecord:
    return replace(record, due_on=validity_of(bench, record).day)


def records_of(session: Session, shop_id: int) -> list[InstrumentRecord]:
    """The ledger as records: what is in use, in the order of the list."""
    return [
        InstrumentRecord(
            kind=i.kind,
            name=i.name,
            model=i.model,
            serial=i.serial,
            count=i.count,
            maker=i.maker,
            place=i.place,
            verified_on=i.verified_on,
            due_on=i.due_on,
            certificate_no=i.certificate_no,
            institution=i.institution,
        )
        for i in ledger.everything(session, shop_id)
    ]


def export(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    token = links.new(talk.session, "ledger", talk.contact_id, {"shop": place.shop.id}, talk.now)
    text = f"台账表格（24 小时内有效）：{talk.office.pages_url}/files/{token}\n按 e-CQS 备案的栏目排的；改好发回来就能导入。"
    return [Reply(text, (Choice("我的台账", "ledger:list"),))]


def reconcile(_talk: Talk, _place: Membership, _rest: str) -> list[Reply]:
    return [Reply("请把平台（e-CQS）导出的台账表发来，读完选“只和台账对照”，我列出两边不一样的。")]
