"""Adding an instrument by one line of chat: read, shown, kept once it is confirmed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError, Options, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.ledger.cards import described
from handlers.ledger.keeping import Kept, keep
from handlers.talk import SHANGHAI, Talk
from knowledge.dates import DayError, find_days, read_day
from knowledge.due_dates import Basis, validity
from knowledge.instrument_line import instrument_named, read_line
from knowledge.library import Library
from knowledge.records import InstrumentRecord, serial_key
from storage import ledger
from storage.shops import Membership

HOW = "一行一台，发给我就行：\n电子秤 ACS-30 编号0917 2026-05-20检\n写上：什么器具、几台或出厂编号、哪天检的（或有效期到哪天）。"
UNFINISHED = "刚才那台还没记完，回“继续”接着填。"
ONE_BY_ONE = "一次发一行：先发第一台，核对好了再发下一台。台数多就用表格，一次导入。"
SAVED = (Choice("我的台账", "ledger:list"), Choice("再记一台", "ledger:add"), Choice("存到日历", "ledger:calendar"))
SAID = "said:"
CORRECTION = re.compile(r"\d|编号|型号|检定|有效|到期|[台把只个块支套]$|改|不是|应该")
ANOTHER = re.compile(r"编号|[台把只个块支套]\s|秤|表|机|计(?!量)")
"""A line of its own, sent while a date is asked for."""
ASKING = re.compile(r"[吗呢?？]|多久|怎么|什么|为什么|多少|哪[里天]")
COUNTED = re.compile(r"编号|\d\s*[台把只个块支套]|[一二两三四五六七八九十][台把只个块支套]")
FORGOTTEN = re.compile(r"忘|不记得|不知道|不清楚|记不")
AMOUNT = re.compile(r"\d|[一二两三四五六七八九十百]")


# -- what is still missing ----------------------------------------------------------------------------------------


def _kinds(answers: Answers) -> Options:
    return (*((name, kind) for kind, name in answers.get("candidates") or ()), ("都不是", "none"))


def _said(answers: Answers, name: str) -> bool:
    return bool((answers.get("record") or {}).get(name))


def _thing_says(answers: Answers, pattern: re.Pattern[str]) -> bool:
    """Whoever is asked what it is may answer with the whole line."""
    return pattern.search(answers.get("thing") or "") is not None


def _noted(answers: Answers, ask: str) -> str:
    """What was wrong with the line stands before the first question after it."""
    asked = ("thing", "amount", "day")
    note = "" if any(name in answers for name in asked) else answers.get("note") or ""
    return f"{note}\n{ask}".strip()


def _ask_thing(answers: Answers) -> str:
    ask = (
        "是下面哪一种？都不是就打它的名字。"
        if answers.get("candidates")
        else "它是什么器具？如“电子秤”“压力表”“加油机”。"
    )
    return _noted(answers, ask)


def _read_thing(inbound: Inbound) -> str:
    if not inbound.text.strip():
        raise NotUnderstoodError("请打器具的名字，如“电子秤”。")
    return SAID + inbound.text.strip()[:40]


def _read_amount(inbound: Inbound) -> str:
    if not AMOUNT.search(inbound.text):
        raise NotUnderstoodError("请写台数或出厂编号，如“3台”或“编号0917”。")
    text = inbound.text.strip()
    return text if not text.isdecimal() or len(text) > 2 else f"{text}台"


def _read_date(inbound: Inbound) -> dict[str, str]:
    """The day, and whether it is that of the verification or the last valid one."""
    if ANOTHER.search(inbound.text):
        raise NotUnderstoodError("这里只要日期。先把这一台记完，再发下一台；不记这台回“取消”。")
    if FORGOTTEN.search(inbound.text):
        return {}
    today = inbound.at.astimezone(SHANGHAI).date()
    found = find_days(inbound.text, today)
    try:
        day = found[0].day if found else read_day(inbound.text, today)
    except DayError as error:
        raise NotUnderstoodError(f"{error}（检定日期或有效期都行）") from None
    until = re.search("有效|到期|截止|至", inbound.text) or day > today
    return {"due_on" if until else "verified_on": day.isoformat()}


ADD = Form(
    "ledger-add",
    version=1,
    title="记一台器具",
    fields=(
        *(Field(name, ask="") for name in ("record", "serials", "note", "candidates", "counted", "dateless")),
        Field("thing", ask=_ask_thing, parse=_read_thing, choices=_kinds, when=lambda a: not _said(a, "kind")),
        Field(
            "amount",
            ask=lambda a: _noted(a, "几台？有出厂编号（铭牌上）一起发，如“3台”或“编号0917”。"),
            parse=_read_amount,
            when=lambda a: not (a.get("counted") or _thing_says(a, COUNTED)),
        ),
        Field(
            "day",
            ask=lambda a: _noted(a, "上次是哪天检的？如 2026-05-20；或者发有效期，如“有效期至 2027-05-19”"),
            parse=_read_date,
            optional=True,
            when=lambda a: (
                not (a.get("dateless") or _said(a, "verified_on") or _said(a, "due_on"))
                and not (find_days(a.get("thing") or ""))
            ),
        ),
    ),
    prefill=handed,
)


# -- confirming ---------------------------------------------------------------------------------------------------


def _read_correction(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if not CORRECTION.search(text) or ASKING.search(text) or text.isdecimal():
        raise NotUnderstoodError("回 1 存下来；要改就直接发，如“编号0918”或“2026-05-21检”。")
    return SAID + text


CONFIRM = Form(
    "ledger-confirm",
    version=1,
    title="核对器具",
    fields=(
        *(Field(name, ask="") for name in ("record", "serials", "card")),
        Field(
            "answer",
            ask=lambda answers: answers.get("card") or "要存下来吗？",
            parse=_read_correction,
            free_text=True,
            choices=(("存下来", "save"), ("不存", "drop")),
        ),
    ),
    prefill=handed,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be kept: the record, and the serial numbers of its pieces."""

    record: InstrumentRecord
    serials: tuple[str, ...]
    counted: bool = True
    note: str = ""
    candidates: tuple[str, ...] = ()


def start(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    return _go_on(talk, place, Draft(InstrumentRecord(), (), counted=False, note=HOW))


def line(talk: Talk, place: Membership, text: str) -> list[Reply]:
    several = [part for part in text.splitlines() if part.strip()]
    if len(several) > 1:
        return [Reply(ONE_BY_ONE, (Choice("用表格导入", "ledger:import"),))]
    return _go_on(talk, place, _read(talk, text))


def _read(talk: Talk, text: str) -> Draft:
    found = read_line(text, talk.matcher, talk.library, talk.today)
    return Draft(found.record, found.serials, found.counted, "\n".join(found.problems), found.candidates)


def _go_on(talk: Talk, place: Membership, draft: Draft) -> list[Reply]:
    """Ask for what is missing; when nothing is, show what was understood."""
    record, things = draft.record, talk.library.instruments
    dated = record.verified_on or record.due_on
    if record.kind and draft.counted and (dated or _dateless(talk.library, record.kind)):
        return _show(talk, place, draft)
    given = {
        "record": record.to_json(),
        "serials": list(draft.serials),
        "note": draft.note,
        "candidates": [[kind, things[kind].name] for kind in draft.candidates],
        "counted": draft.counted,
        "dateless": bool(record.kind) and _dateless(talk.library, record.kind),
    }
    return talk.open_form(ADD.name, json.dumps(given, ensure_ascii=False))


def _dateless(library: Library, kind: str) -> bool:
    return validity(library.instruments[kind], None, None).basis is Basis.NONE


def filled(talk: Talk, place: Membership, answers: dict[str, Any]) -> list[Reply]:
    """The missing answers are there; what was typed for the kind may still not be one we know."""
    record = InstrumentRecord.from_json(answers["record"])
    draft = Draft(record, tuple(answers["serials"]))
    if answers.get("thing"):
        draft = replace(_with_kind(talk, draft, answers["thing"]), counted=True)
    if answers.get("amount"):
        draft = _corrected(talk, draft, answers["amount"])
    day = answers.get("day")
    if day:
        said: dict[str, Any] = {name: date.fromisoformat(value) for name, value in day.items()}
        draft = replace(draft, record=replace(draft.record, **said))
    if not draft.record.kind:
        return _go_on(talk, place, draft)
    return _show(talk, place, draft)


def _with_kind(talk: Talk, draft: Draft, thing: str) -> Draft:
    if not thing.startswith(SAID):
        known = thing if thing in talk.library.instruments else ""
        note = "" if known else "那请打它的名字，铭牌上怎么写就怎么打。"
        return replace(draft, record=replace(draft.record, kind=known), note=note)
    name = thing.removeprefix(SAID)
    line = _read(talk, name)
    if line.record.kind and (line.counted or line.record.verified_on or line.record.due_on):
        return line
    kind, candidates = instrument_named(talk.matcher, talk.library, name)
    note = "" if kind else f"认不出“{name}”是什么器具，换个叫法，或回“人工”问工作人员。"
    return replace(draft, record=replace(draft.record, kind=kind, name=name), candidates=candidates, note=note)


def _show(talk: Talk, place: Membership, draft: Draft) -> list[Reply]:
    known = [
        s for s in draft.serials if ledger.by_serial(talk.session, place.shop.id, draft.record.kind, serial_key(s))
    ]
    card = [
        "请核对：",
        described(talk.bench, draft.record, draft.serials, talk.today),
        f"台账里已有编号 {'、'.join(known)}，存下来就是更新它。" if known else "",
        draft.note and f"⚠ {draft.note}",
        "要改就直接发，如“编号0918”。",
    ]
    given = {
        "record": draft.record.to_json(),
        "serials": list(draft.serials),
        "card": "\n".join(filter(None, card)),
    }
    return talk.open_form(CONFIRM.name, json.dumps(given, ensure_ascii=False))


def confirmed(talk: Talk, place: Membership, answers: dict[str, Any]) -> list[Reply]:
    draft = Draft(InstrumentRecord.from_json(answers["record"]), tuple(answers["serials"]))
    answer = answers["answer"]
    if answer == "drop":
        return [Reply("好，没有存。", (Choice("记别的器具", "ledger:add"), Choice("我的台账", "ledger:list")))]
    if answer.startswith(SAID):
        return _show(talk, place, _corrected(talk, draft, answer.removeprefix(SAID)))
    kept = keep(talk.bench, talk.session, place.shop.id, talk.person_id, draft.record, draft.serials, talk.now)
    left = talk.state.draft is not None and talk.state.draft.form == ADD.name
    return [Reply(saved(place, kept) + (f"\n{UNFINISHED}" if left else ""), SAVED)]


def saved(place: Membership, kept: Kept) -> str:
    parts = [f"新增 {kept.added} 台" if kept.added else "", f"更新 {kept.updated} 台" if kept.updated else ""]
    done = "，".join(filter(None, parts)) or "和台账里一样，没有变化"
    return f"记好了，{place.shop.name}：{done}。"


def _corrected(talk: Talk, draft: Draft, text: str) -> Draft:
    """What a further message says goes over what was understood before; what it leaves open stays."""
    said = read_line(text, talk.matcher, talk.library, talk.today)
    record, new = draft.record, said.record
    changes: dict[str, Any] = {
        name: value
        for name in ("model", "maker", "place", "certificate_no", "verified_on", "due_on")
        if (value := getattr(new, name))
    }
    if new.verified_on and not new.due_on:
        changes["due_on"] = None  # a new verification brings a new last day
    if new.kind:
        changes |= {"kind": new.kind, "name": new.name}
    serials = said.serials or draft.serials
    changes["count"] = max(said.pieces or record.count, len(serials))
    nothing = not (said.counted or new.kind or any(changes.get(name) for name in changes if name != "count"))
    note = "\n".join(said.other_problems) or ("这句没看出要改什么。" if nothing else "")
    return replace(draft, record=replace(record, **changes), serials=serials, note=note)


# -- beginning from the check-up ----------------------------------------------------------------------------------


def skeleton(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """``rest``: kinds and how many, ``electronic-price-scale:2;…``. What the ledger has of a kind already stays as it is."""
    there = {item.kind for item in ledger.everything(talk.session, place.shop.id)}
    begun = Kept()
    for part in filter(None, rest.split(";")):
        kind, _, count = part.partition(":")
        if kind in talk.library.instruments and kind not in there and count.isdecimal():
            record = InstrumentRecord(kind=kind, name=talk.library.instruments[kind].name, count=int(count))
            begun += keep(talk.bench, talk.session, place.shop.id, talk.person_id, record, (), talk.now)
    if not begun.items:
        return [Reply("体检里的器具台账里都有了。", SAVED)]
    lines = [f"{place.shop.name}的台账建好了 {begun.added} 台：", *(f"· {i.name} {i.count} 台" for i in begun.items)]
    lines.append("还缺型号、出厂编号和有效期：拍标签或证书发来，或在“我的台账”里逐台补。")
    return [Reply("\n".join(lines), (Choice("拍证书", "ledger:photos"), *SAVED[:2]))]
