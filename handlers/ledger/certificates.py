"""A photo or scan of a certificate: read beside the conversation, shown with its doubts, kept only when confirmed.

What is waiting for the person's word lies in the task's result: the record, its doubts, the instrument it is about.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from handlers import outreach
from handlers.conversation.forms import Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Attachment, Choice, Inbound, Reply
from handlers.ledger.cards import described
from handlers.ledger.keeping import Kept, keep, note_change, update
from handlers.ledger.kinds import kind_of
from handlers.ledger.words import labels, title
from handlers.talk import SHANGHAI, Bench, Talk
from knowledge.certificate_layout import TextLine
from knowledge.certificates import CALIBRATION, FAILED, read_certificate, to_record
from knowledge.instrument_line import read_line
from knowledge.records import InstrumentRecord, serial_key
from storage import ledger, media, tasks
from storage.database import Session
from storage.ledger import Certificate, LedgerItem
from storage.shops import Membership
from storage.tasks import Claimed, Task, TaskState

log = logging.getLogger(__name__)

READ, SEAL = "read-certificate", "seal-certificate"
LIFE = timedelta(days=7)
MOST_ITEMS = 6
READING = "正在看{}，几秒钟后告诉您读到什么。"
BY_HAND = "收到了，原件给您存着。这里不能自动读图，请照着打三样：器具和编号、检定日期、有效期。\n如：电子秤 编号0917 2026-05-20检 有效期至2027-05-19"
GONE = "这张证书已经处理过，或者过期了。请再拍一次发来。"
UNKNOWN_THING = "器具名没认出来，回“不对”告诉我是什么器具。"
NOTHING_READ = "这张里没读到证书号、器具和日期：可能太小、太糊，或不是证书。"
NO_DATES = "日期没读到，回“不对”告诉我检定日期或有效期。"
_NUMBER = re.compile(r"证书(?:编)?号[码]?\s*[:：]?\s*([0-9A-Za-z\u3400-\u9fff()（）\-]+)")


# -- asking for it to be read -------------------------------------------------------------------------------------


def asked(talk: Talk, place: Membership, files: Sequence[Attachment]) -> list[Reply]:
    if not talk.office.reads_certificates:
        return _by_hand(talk, place, files[0])
    for file in files:
        tasks.ask(talk.session, READ, talk.contact_id, _request(place, file), talk.now)
    what = "这份文件" if len(files) == 1 else f"这 {len(files)} 份"
    return [Reply(READING.format(what))]


def _request(place: Membership, file: Attachment) -> dict[str, Any]:
    return {"file": file.name, "name": file.label, "shop": place.shop.id, "type": file.media_type}


def _by_hand(talk: Talk, place: Membership, file: Attachment) -> list[Reply]:
    """Nothing here can read a picture: it is kept all the same, and the fields are asked for."""
    id_ = tasks.ask(talk.session, READ, talk.contact_id, _request(place, file), talk.now)
    row = talk.session.get_one(Task, id_)
    row.state, row.result = TaskState.DONE, _result(InstrumentRecord(), (), "")
    return talk.open_form(FIX.name, json.dumps({"task": id_, "ask": BY_HAND}, ensure_ascii=False))


def _files_of(inbound: Inbound) -> list[dict[str, str]]:
    if not inbound.attachments:
        raise NotUnderstoodError("要一张照片或一个 PDF。没有证书在手，就打一行字：电子秤 编号0917 2026-05-20检。")
    return [{"name": a.name, "label": a.label, "type": a.media_type, "kind": a.kind} for a in inbound.attachments]


PHOTO = Form(
    "ledger-photo",
    version=1,
    title="存检定证书",
    fields=(
        Field(
            "files",
            ask="请把检定证书或“检定合格”标签拍给我，拍平、拍清楚；PDF 也行。",
            parse=_files_of,
        ),
    ),
    keep=False,
)


# -- when it was read ---------------------------------------------------------------------------------------------


def was_read(session: Session, bench: Bench, claimed: Claimed, lines: Sequence[TextLine], now: datetime) -> None:
    fields = read_certificate(lines)
    if not (fields.certificate_no or fields.verified_on or fields.due_on or fields.instrument):
        refused(session, bench, claimed, NOTHING_READ, now)
        return
    kind, note = kind_of(bench, fields.instrument)
    record = replace(to_record(fields), kind=kind)
    result = _result(record, [*filter(None, (note,)), *fields.doubts], fields.kind_of_document)
    tasks.finish(session, claimed, result)
    reply = _card(session, bench, claimed.id, claimed.request["shop"], result, now)
    outreach.push(session, claimed.contact_id, reply, now, "ledger", f"task:{claimed.id}", life=LIFE)


def refused(session: Session, _bench: Bench, claimed: Claimed, sentence: str, now: datetime) -> None:
    """The task stays with an empty result, so that the fields can be typed in and the original is kept."""
    tasks.finish(session, claimed, _result(InstrumentRecord(), (), ""))
    again = (Choice("我来打字", f"ledger:cert/fix/{claimed.id}"), Choice("不存了", f"ledger:cert/drop/{claimed.id}"))
    reply = Reply(f"{sentence}\n重拍一张发来就行；也可以照着证书打字。", again)
    outreach.push(session, claimed.contact_id, reply, now, "ledger", f"task:{claimed.id}", life=LIFE)


def not_sealed(_session: Session, _bench: Bench, claimed: Claimed, sentence: str, _now: datetime) -> None:
    """The open original stays where it is: nothing is lost, and nobody need be told."""
    log.warning("certificate of task %d could not be sealed: %s", claimed.id, sentence)


def _result(record: InstrumentRecord, doubts: Sequence[str], document: str) -> dict[str, Any]:
    return {"record": record.to_json(), "doubts": list(doubts), "document": document}


def _card(session: Session, bench: Bench, task_id: int, shop_id: int, result: dict[str, Any], now: datetime) -> Reply:
    record = InstrumentRecord.from_json(result["record"])
    today = now.astimezone(SHANGHAI).date()
    lines = [f"读到一份{result['document'] or '证书'}，请对照原件核对："]
    if record.kind:
        lines.append(described(bench, record, (record.serial,) if record.serial else (), today))
    else:
        lines.append(f"器具“{record.name or '没读到'}” {record.model} {record.serial}".strip())
        lines += [
            f"{word} {value}"
            for word, value in (
                ("证书号", record.certificate_no),
                ("检定", record.verified_on),
                ("有效期至", record.due_on),
            )
            if value
        ]
        lines.append(UNKNOWN_THING)
    known = _same(session, shop_id, record)
    lines += [f"⚠ {doubt}" for doubt in result["doubts"]]
    lines.append(f"存下来就更新台账里的 {title(known)}。" if known else "")
    return Reply("\n".join(filter(None, lines)), _choices(task_id, ready=bool(record.kind)))


def _choices(task_id: int, *, ready: bool) -> tuple[Choice, ...]:
    wrong = (Choice("不对，我来改", f"ledger:cert/fix/{task_id}"), Choice("不存", f"ledger:cert/drop/{task_id}"))
    return (Choice("对，存下来", f"ledger:cert/save/{task_id}"), *wrong) if ready else wrong


def _same(session: Session, shop_id: int, record: InstrumentRecord) -> LedgerItem | None:
    return ledger.by_serial(session, shop_id, record.kind, serial_key(record.serial)) if record.kind else None


# -- the person's word --------------------------------------------------------------------------------------------


def act(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """``rest``: ``save/12``, ``save/12/34`` (into instrument 34), ``save/12/new``, ``fix/12``, ``drop/12``."""
    verb, _, about = rest.partition("/")
    id_, _, which = about.partition("/")
    task = tasks.of_person(talk.session, talk.person_id, int(id_)) if id_.isdecimal() else None
    if task is None or not task.result or task.request["shop"] != place.shop.id:
        return [Reply(GONE)]
    if verb == "fix":
        return talk.open_form(FIX.name, json.dumps({"task": task.id, "ask": ""}))
    if verb == "drop":
        task.result = None
        return [Reply("好，没有存。")]
    return _save(talk, place, task, which)


def _change_of(inbound: Inbound) -> str:
    if not inbound.text.strip():
        raise NotUnderstoodError("请打字告诉我，如“编号0917 有效期至2027-12-20”。")
    return inbound.text.strip()


FIX = Form(
    "ledger-certificate",
    version=1,
    title="改证书内容",
    fields=(
        *(Field(name, ask="") for name in ("task", "ask")),
        Field(
            "change",
            ask=lambda a: (
                a.get("ask") or "哪里不对？直接发正确的，如“编号0917”“有效期至2027-12-20”“证书号 JL2026-0917”“电子秤”。"
            ),
            parse=_change_of,
            free_text=True,
        ),
    ),
    prefill=handed,
    keep=False,
)


def fixed(talk: Talk, place: Membership, answers: dict[str, Any]) -> list[Reply]:
    task = tasks.of_person(talk.session, talk.person_id, answers["task"])
    if task is None or not task.result:
        return [Reply(GONE)]
    record = InstrumentRecord.from_json(task.result["record"])
    found = read_line(_NUMBER.sub("", answers["change"]), talk.matcher, talk.library, talk.today)
    changes: dict[str, Any] = {
        name: value
        for name in ("kind", "model", "maker", "verified_on", "due_on")
        if (value := getattr(found.record, name))
    }
    if found.serials:
        changes["serial"] = found.serials[0]
    if found.record.kind:
        changes["name"] = found.record.name
    number = _NUMBER.search(answers["change"])
    if number:
        changes["certificate_no"] = number[1]
    if not changes:
        ask = "\n".join(found.other_problems) or "没看懂要改什么，请写如“编号0917”“有效期至2027-12-20”。"
        return talk.open_form(FIX.name, json.dumps({"task": task.id, "ask": ask}, ensure_ascii=False))
    task.result = _result(replace(record, **changes), (), task.result["document"])
    return [_card(talk.session, talk.bench, task.id, place.shop.id, task.result, talk.now)]


def _save(talk: Talk, place: Membership, task: Task, which: str) -> list[Reply]:
    assert task.result is not None
    record = InstrumentRecord.from_json(task.result["record"])
    if not record.kind:
        return [Reply(UNKNOWN_THING, _choices(task.id, ready=False))]
    item = _chosen(talk, place, record, which)
    if item is None and which != "new":
        alike = [
            i for i in ledger.everything(talk.session, place.shop.id) if i.kind == record.kind and not i.serial_key
        ]
        if alike:
            return [_ask_which(task.id, alike, talk.today)]
    failed = record.conclusion == FAILED
    dateless = failed or task.result["document"] == CALIBRATION
    if dateless:  # proves no validity: filed, and the dates stay what they were
        record = replace(record, verified_on=None, due_on=None)
    elif not (record.verified_on or record.due_on):
        return [Reply(NO_DATES, _choices(task.id, ready=False))]
    kept = _keep(talk, place, item, record)
    _file(talk, task, kept.items[0])
    return [_done(kept.items[0], failed=failed, dateless=dateless)]


def _chosen(talk: Talk, place: Membership, record: InstrumentRecord, which: str) -> LedgerItem | None:
    if which.isdecimal():
        return ledger.item(talk.session, place.shop.id, int(which))
    return _same(talk.session, place.shop.id, record)


def _ask_which(task_id: int, alike: Sequence[LedgerItem], today: date) -> Reply:
    """Rows without a number: the certificate may be one of theirs."""
    shown = zip(labels(alike[:MOST_ITEMS], today), alike, strict=False)
    choices = [Choice(label, f"ledger:cert/save/{task_id}/{i.id}") for label, i in shown]
    return Reply("这是台账里的哪一台？", (*choices, Choice("是新的一台", f"ledger:cert/save/{task_id}/new")))


def _keep(talk: Talk, place: Membership, item: LedgerItem | None, record: InstrumentRecord) -> Kept:
    if item is not None and item.count == 1:
        return update(talk.bench, talk.session, item, talk.person_id, record, talk.now)
    if item is not None:  # one of several alike ones now has a number of its own
        item.count -= 1
        note_change(talk.session, item, talk.person_id, "parted", talk.now)
    serials = (record.serial,) if record.serial else ()
    return keep(talk.bench, talk.session, place.shop.id, talk.person_id, replace(record, count=1), serials, talk.now)


def _file(talk: Talk, task: Task, item: LedgerItem) -> None:
    """The confirmed fields with the original's hash; the original itself is sealed beside the conversation."""
    assert task.result is not None
    (sha256,) = media.resolve(talk.session, [task.request["file"]])
    talk.session.add(
        Certificate(
            item_id=item.id,
            sha256=sha256,
            media_type=task.request.get("type") or "",
            fields=task.result["record"],
            confirmed_at=talk.now,
        )
    )
    tasks.ask(talk.session, SEAL, talk.contact_id, {"file": task.request["file"]}, talk.now)
    task.result = None
    talk.session.flush()


def _done(item: LedgerItem, *, failed: bool, dateless: bool) -> Reply:
    choices = (Choice("我的台账", "ledger:list"), Choice("存到日历", "ledger:calendar"))
    if failed:
        stop = Choice("停用这台", f"ledger:retire/sure/{item.id}")
        return Reply(f"存好了。{title(item)} 检定不合格：修好重新检定合格前不能用。", (stop, *choices))
    if dateless:
        return Reply(f"存好了，有效期没有改：校准证书不能代替检定。{title(item)} 还是按原来的日期。", choices)
    until = f"有效期至 {item.due_on}" if item.due_on else "不用定期检"
    return Reply(f"存好了：{title(item)}，{until}。原件已加密保存。", choices)
