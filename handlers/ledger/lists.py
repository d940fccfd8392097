"""我的台账: the list, soonest due first, page by page; one instrument; editing, retiring, moving to another shop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from handlers.conversation.forms import Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.ledger.cards import item_card
from handlers.ledger.keeping import note_change
from handlers.ledger.planning import date_it, schedule
from handlers.ledger.words import SOON_DAYS, counts, coverage, labels, title
from handlers.talk import Talk
from knowledge.instrument_line import read_line
from knowledge.records import serial_key
from storage import ledger, links, shops
from storage.ledger import ItemState, LedgerItem
from storage.shops import Membership

PAGE = 6
"""Rows a page: with the way on and back they fit WeChat's screen as links."""
EMPTY = (
    "台账还是空的。发一行字就能记，如：\n电子秤 ACS-30 编号0917 2026-05-20检\n也可以发证书照片，或发 Excel 表一次导入。"
)
FIND_FIRST = 12
"""From so many instruments on it is worth saying that they can be searched."""
EDITED = "改好了。"
NOTHING_TO_CHANGE = "没看出要改什么。请写如“编号0918”“2026-05-21检”“有效期至2027-05-20”“放在收银台”。"


def show(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    today = talk.today
    found = ledger.summary(talk.session, place.shop.id, today, today + timedelta(days=SOON_DAYS))
    if not found.total and not found.retired:
        return [
            Reply(
                f"{place.shop.name}的{EMPTY}",
                (Choice("用表格导入", "ledger:import"), Choice("店铺信息", "ledger:shop")),
            )
        ]
    head = [f"{place.shop.name} 在用 {found.total} 台", coverage(found), counts(found)]
    if found.total >= FIND_FIRST:
        head.append("找一台：回“台账 编号或名称”，如“台账 0917”。")
    return [_page(talk, place, "\n".join(filter(None, head)), None)]


def page(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """``rest``: ``9999-12-31/17``, where the page before ended."""
    day, _, id_ = rest.partition("/")
    return [_page(talk, place, f"{place.shop.name}（接着看）", (date.fromisoformat(day), int(id_)))]


def _page(talk: Talk, place: Membership, head: str, after: tuple[date, int] | None) -> Reply:
    rows = ledger.page(talk.session, place.shop.id, PAGE + 1, after)
    shown = rows[:PAGE]
    choices = _rows(talk, shown)
    if len(rows) > PAGE:
        day, id_ = ledger.position(shown[-1])
        choices.append(Choice("下一页", f"ledger:page/{day.isoformat()}/{id_}"))
    elif after is not None:
        choices.append(Choice("回第一页", "ledger:list"))
    else:
        choices += [Choice("导出表格", "ledger:export"), Choice("存到日历", "ledger:calendar")]
    return Reply(f"{head}\n看哪一台，回数字：" if shown else f"{head}\n在用的器具没有了。", tuple(choices))


def _rows(talk: Talk, rows: Sequence[LedgerItem]) -> list[Choice]:
    shown = zip(labels(rows, talk.today), rows, strict=True)
    return [Choice(label, f"ledger:item/{item.id}") for label, item in shown]


def find(talk: Talk, place: Membership, words: str) -> list[Reply]:
    rows = ledger.search(talk.session, place.shop.id, words, serial_key(words), PAGE + 1)
    if not rows:
        return [
            Reply(
                f"{place.shop.name}的台账里没有“{words[:20]}”。",
                (Choice("我的台账", "ledger:list"), Choice("记一台", "ledger:add")),
            )
        ]
    if len(rows) == 1:
        return [_card(talk, rows[0])]
    more = "，只列出前几台，请说得再细一点" if len(rows) > PAGE else ""
    return [Reply(f"找到{more}：", (*_rows(talk, rows[:PAGE]), Choice("我的台账", "ledger:list")))]


def retired(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    rows = ledger.page(talk.session, place.shop.id, PAGE, retired=True)
    text = f"{place.shop.name}停用的器具（最多列 {PAGE} 台）：" if rows else f"{place.shop.name}没有停用的器具。"
    return [Reply(text, (*_rows(talk, rows), Choice("我的台账", "ledger:list")))]


# -- one instrument -----------------------------------------------------------------------------------------------


def item(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    row = _own(talk, place, rest)
    return [_card(talk, row)] if row is not None else _gone()


def _own(talk: Talk, place: Membership, rest: str) -> LedgerItem | None:
    return ledger.item(talk.session, place.shop.id, int(rest)) if rest.isdecimal() else None


def _gone() -> list[Reply]:
    return [Reply("台账里没有这台了，可能别的成员改过。", (Choice("我的台账", "ledger:list"),))]


def _card(talk: Talk, row: LedgerItem) -> Reply:
    text = item_card(talk.bench, row, len(ledger.certificates(talk.session, row.id)), talk.today)
    if row.state == ItemState.RETIRED:
        return Reply(text, (Choice("恢复使用", f"ledger:revive/{row.id}"), Choice("我的台账", "ledger:list")))
    choices = [
        Choice("改资料", f"ledger:edit/{row.id}"),
        Choice("停用", f"ledger:retire/{row.id}"),
        Choice("转到另一家店", f"ledger:transfer/{row.id}"),
        Choice("要不要检、怎么检", f"lookup:show/{row.kind}"),
        Choice("我的台账", "ledger:list"),
    ]
    if ledger.certificates(talk.session, row.id):
        choices.insert(-1, Choice("看证书原件", f"ledger:original/{row.id}"))
    if row.state == ItemState.ACTIVE and row.due_on is not None:
        choices.insert(0, Choice("已预约送检", f"ledger:booked/{row.id}"))
    return Reply(text, tuple(choices))


def original(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """The newest certificate of an instrument, by a link."""
    row = _own(talk, place, rest)
    kept = ledger.certificates(talk.session, row.id) if row is not None else []
    if row is None or not kept:
        return _gone()
    about = {"shop": place.shop.id, "item": row.id, "certificate": kept[0].id}
    token = links.new(talk.session, "original", talk.contact_id, about, talk.now)
    return [Reply(f"{title(row)} 的证书原件（24 小时内有效）：{talk.office.pages_url}/files/{token}")]


def booked(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    row = _own(talk, place, rest)
    if row is None or row.state == ItemState.RETIRED:
        return _gone()
    if ledger.move(talk.session, row, ItemState.BOOKED, talk.person_id, talk.now):
        schedule(talk.bench, row, talk.today)
        note_change(talk.session, row, talk.person_id, "booked", talk.now)
    return [
        Reply(
            f"记下了，{title(row)} 已预约。检定完把证书拍给我，我来更新有效期。", (Choice("我的台账", "ledger:list"),)
        )
    ]


def retire(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    row = _own(talk, place, rest.removeprefix("sure/"))
    if row is None:
        return _gone()
    if not rest.startswith("sure/"):
        sure = (Choice("确认停用", f"ledger:retire/sure/{row.id}"), Choice("不停用", f"ledger:item/{row.id}"))
        return [Reply(f"停用 {title(row)}：不再提醒，也不算在受检率里，记录还留着。停用的器具别再拿来用。", sure)]
    if ledger.move(talk.session, row, ItemState.RETIRED, talk.person_id, talk.now):
        schedule(talk.bench, row, talk.today)
        note_change(talk.session, row, talk.person_id, "retired", talk.now)
    back = (Choice("恢复使用", f"ledger:revive/{row.id}"), Choice("我的台账", "ledger:list"))
    return [Reply(f"{title(row)} 已停用。", back)]


def revive(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    row = _own(talk, place, rest)
    if row is None:
        return _gone()
    if row.state == ItemState.RETIRED:
        ledger.move(talk.session, row, ItemState.ACTIVE, talk.person_id, talk.now)
        schedule(talk.bench, row, talk.today)
        note_change(talk.session, row, talk.person_id, "revived", talk.now)
    return [_card(talk, row)]


def transfer(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """To another shop of the same person, in which they may change things as well; ``rest``: item, or item/shop."""
    id_, _, shop_id = rest.partition("/")
    row = _own(talk, place, id_)
    if row is None:
        return _gone()
    others = [
        p
        for p in shops.of_person(talk.session, talk.person_id)
        if p.shop.id != place.shop.id and p.role.covers(shops.Role.CLERK)
    ]
    to = next((p for p in others if str(p.shop.id) == shop_id), None)
    if to is None:
        return [_where_to(row, others)]
    if ledger.by_serial(talk.session, to.shop.id, row.kind, row.serial_key) is not None:
        return [Reply(f"{to.shop.name}的台账里（连停用的在内）已有编号 {row.serial}，请先在那边给它改号。")]
    row.shop_id = to.shop.id
    note_change(talk.session, row, talk.person_id, "transferred", talk.now)
    return [Reply(f"{title(row)} 已转到{to.shop.name}，证书和记录一起过去了。", (Choice("我的台账", "ledger:list"),))]


def _where_to(row: LedgerItem, others: Sequence[Membership]) -> Reply:
    if not others:
        text = "您只有这一家店。对方在用本台账的话，请店主先邀请您，加入后再转；不在用就回“停用”。"
        return Reply(text, (Choice("停用", f"ledger:retire/{row.id}"), Choice("不转了", f"ledger:item/{row.id}")))
    choices = [Choice(p.shop.name, f"ledger:transfer/{row.id}/{p.shop.id}") for p in others[:7]]
    return Reply(f"{title(row)} 转到哪家店？", (*choices, Choice("不转了", f"ledger:item/{row.id}")))


# -- editing ------------------------------------------------------------------------------------------------------


def _read_change(inbound: Inbound) -> str:
    if not inbound.text.strip():
        raise NotUnderstoodError(NOTHING_TO_CHANGE)
    return inbound.text.strip()


EDIT = Form(
    "ledger-edit",
    version=1,
    title="改器具资料",
    fields=(
        *(Field(name, ask="") for name in ("item", "card")),
        Field(
            "change",
            ask=lambda answers: (
                f"{answers.get('card') or ''}\n改什么？直接发，如“编号0918”“2026-05-21检”“放在收银台”。"
            ),
            parse=_read_change,
            free_text=True,
        ),
    ),
    prefill=handed,
    keep=False,
)


def edit(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    row = _own(talk, place, rest)
    if row is None:
        return _gone()
    return talk.open_form(EDIT.name, json.dumps({"item": row.id, "card": title(row)}, ensure_ascii=False))


def changed(talk: Talk, place: Membership, answers: dict[str, Any]) -> list[Reply]:
    row = ledger.item(talk.session, place.shop.id, answers["item"])
    if row is None:
        return _gone()
    problem = _change(talk, row, answers["change"])
    if problem:
        again = json.dumps({"item": row.id, "card": problem}, ensure_ascii=False)
        return talk.open_form(EDIT.name, again)
    note_change(talk.session, row, talk.person_id, "edited", talk.now)
    card = _card(talk, row)
    return [replace(card, text=f"{EDITED}\n{card.text}")]


def _change(talk: Talk, row: LedgerItem, text: str) -> str:
    """Bring the row up to what was said; why not, when it cannot be."""
    found = read_line(text, talk.matcher, talk.library, talk.today)
    record, serial = found.record, found.serials[0] if found.serials else ""
    key = serial_key(serial) or row.serial_key
    other = ledger.by_serial(talk.session, row.shop_id, record.kind or row.kind, key)
    if other is not None and other.id != row.id:
        return f"编号 {serial or row.serial} 已经是另一台（{title(other)}）的了。"
    if len(found.serials) > 1:
        return "一台只能有一个编号，请只发这一台的。"
    named = (record.model, record.maker, record.place, record.certificate_no)
    said = serial or any(named) or record.kind or record.verified_on or record.due_on
    if not said and not (found.counted and not row.serial):
        return "\n".join(found.other_problems) or NOTHING_TO_CHANGE
    if serial:
        row.serial, row.serial_key = serial[:64], serial_key(serial)[:64]
    for name in ("model", "maker", "place", "certificate_no"):
        setattr(row, name, getattr(record, name) or getattr(row, name))
    if record.kind:
        row.kind, row.name = record.kind, record.name or row.name
    if found.counted and not row.serial:
        row.count = record.count
    if record.verified_on or record.due_on or record.kind:
        date_it(talk.bench, row, record.verified_on or row.verified_on, record.due_on, talk.today)
        if row.state in (ItemState.BOOKED, ItemState.SUBMITTED):  # that it was booked is over with the new date
            ledger.move(talk.session, row, ItemState.ACTIVE, talk.person_id, talk.now)
            schedule(talk.bench, row, talk.today)
    return ""
