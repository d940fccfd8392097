"""承诺: the shop's own check first, the whole text, and the word itself typed. Renewing what has not changed is one tap."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.conversation.words import fold
from handlers.ledger.words import title
from handlers.pledge import standing
from handlers.pledge.cards import offer_card
from handlers.talk import Talk
from knowledge.due_dates import last_day
from knowledge.pledge_number import numbered
from knowledge.pledges import PledgeBook, PledgeText, TemplateId, full_text, text_hash
from storage import pledges
from storage.ledger import lock_shop
from storage.pledges import EXPIRING, LIVE, Pledge, PledgeState
from storage.shops import Membership, Shop

HONEST, CAPABILITY = "honest", "capability"
WORD = "承诺"
PART = 500
"""Characters of one message of the text: what a screen holds, and WeChat passes on whole."""
NAMED = 5


def _read_word(inbound: Inbound) -> str:
    if fold(inbound.text).strip("“”\"' ") != WORD:
        raise NotUnderstoodError("同意全文就打“承诺”两个字；还没想好回“取消”。")
    return WORD


def _read_line(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if not text:
        raise NotUnderstoodError("请写一句话，没有就回“跳过”。")
    return text[:200]


def _read_number(inbound: Inbound) -> str:
    found = _NUMBER.fullmatch(inbound.text.strip())
    if found is None:
        raise NotUnderstoodError("请发数字，如 36；没有就发 0。")
    return str(int(found[1]))


_NUMBER = re.compile(r"(\d{1,6})\s*[台件人名个]?")
_READERS: Mapping[str, Callable[[Inbound], str]] = {"text": _read_line, "number": _read_number}


def _declared_fields() -> tuple[Field, ...]:
    """What the capability statement has filled in, a question each."""
    return tuple(
        Field(row.id, ask=row.ask, choices=tuple((choice, choice) for choice in row.choices))
        if row.choices
        else Field(row.id, ask=row.ask, free_text=True, optional=True, parse=_READERS[row.kind])
        for row in PledgeBook.load().fields
    )


def _asked(answers: Answers) -> str:
    if not answers["reference"]:
        return "要看全文再签，请打“承诺”两个字。"
    return f"以上就是全文（{answers['reference']}）。读过、同意，请打“承诺”两个字，就算签了。"


def _given(text: str) -> dict[str, Any]:
    """Whoever begins again from the first question has nothing given: the text is shown once more in the end."""
    return {"shop": 0, "reference": "", "hash": ""} | handed(text)


_GIVEN = (Field("shop", ask=""), Field("reference", ask=""), Field("hash", ask=""))
"""The shop, and the text that was shown: its name for people, its SHA-256 for comparing."""
PLEDGE = Form(
    "pledge",
    version=1,
    title="诚信计量承诺",
    fields=(*_GIVEN, Field("word", ask=_asked, parse=_read_word)),
    prefill=_given,
    keep=False,
)
DECLARE = Form(
    "declare",
    version=1,
    title="企业计量能力自我声明",
    fields=(*_GIVEN, *_declared_fields(), Field("word", ask=_asked, parse=_read_word)),
    prefill=_given,
)


# -- before signing -----------------------------------------------------------------------------------------------


def start(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    """What the shop's own ledger says, before anything is promised."""
    refusal = _refusal(talk, place, HONEST)
    if refusal is not None:
        return [refusal]
    lines = [
        f"先对照台账自查（{place.shop.name}）：",
        *_ledger_lines(talk, place),
        "自查没问题就看全文，看完打“承诺”两个字。",
    ]
    choices = [Choice("看全文并签", "pledge:text/honest"), Choice("先看台账", "ledger:list")]
    return [Reply("\n".join(lines), tuple(choices))]


def _refusal(talk: Talk, place: Membership, template: str) -> Reply | None:
    """Why nothing is signed now; None when it may be."""
    row = pledges.latest(talk.session, place.shop.id, template)
    if row is not None and row.state == PledgeState.REVOKED:
        return _revoked(row)
    if pledges.standing(talk.session, place.shop.id, talk.today).long_overdue:
        return _not_yet(talk, place)
    if template == HONEST and row is not None and row.state in LIVE and row.valid_until - talk.today > EXPIRING:
        return _there_already(talk, place, row)
    return None


def _revoked(row: Pledge) -> Reply:
    text = f"原来的承诺 {row.number} 已撤销（{row.reason}），现在不能再签。整改好以后可以申诉，由工作人员核实后恢复。"
    return Reply(text, (Choice("申诉", f"pledge:appeal/{row.id}"), Choice("找人工", "human:")))


def _there_already(talk: Talk, place: Membership, row: Pledge) -> Reply:
    seen = standing.shown(talk.session, row, place.shop, talk.today)
    if seen.status in standing.LIVE:
        return offer_card(talk, row, "您店已经签过承诺，在有效期内。")
    text = f"您店已经签过承诺 {row.number}，现在是“{seen.label}”，不用重签。怎么恢复，看“我的承诺”。"
    return Reply(text, (Choice("我的承诺", "pledge:mine"), Choice("申诉", f"pledge:appeal/{row.id}")))


def declare(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    return show_text(talk, place, CAPABILITY)


def _not_yet(talk: Talk, place: Membership) -> Reply:
    lines = ["这些强检器具超期 30 天以上，现在签了也会马上显示“暂停”。请先送检或停用，再来签：", *_overdue(talk, place)]
    return Reply(
        "\n".join(lines), (Choice("我的台账", "ledger:list"), Choice("怎么预约检定", "lookup:show/apply-verification"))
    )


def _ledger_lines(talk: Talk, place: Membership) -> list[str]:
    found = pledges.standing(talk.session, place.shop.id, talk.today)
    if not found.must:
        return ["· 台账里还没有强检器具。公示页会写“台账里没有在用的强检器具”，建议先把秤记进台账。"]
    if found.valid == found.must:
        return [f"· 强检器具 {found.must} 台，都在检定有效期内。"]
    return [f"· 强检器具 {found.must} 台，有效 {found.valid} 台。下面这些请尽快送检：", *_overdue(talk, place)]


def _overdue(talk: Talk, place: Membership) -> list[str]:
    rows = pledges.overdue_items(talk.session, place.shop.id, talk.today, NAMED + 1)
    lines = [
        f"  {title(row)}：{f'{row.due_on:%Y-%m-%d} 到期' if row.due_on else '没有检定日期'}" for row in rows[:NAMED]
    ]
    return [*lines, *(["  ……"] if len(rows) > NAMED else [])]


def show_text(talk: Talk, place: Membership, template: str) -> list[Reply]:
    """The whole text, in parts that a screen holds, and the question whether it is promised."""
    refusal = _refusal(talk, place, template)
    if refusal is not None:
        return [refusal]
    text = _text(talk, place.shop, template)
    form = DECLARE if template == CAPABILITY else PLEDGE
    given = json.dumps({"shop": place.shop.id, "reference": text.reference, "hash": text_hash(text)})
    return [*(Reply(part) for part in _parts(full_text(text))), *talk.open_form(form.name, given)]


def _text(talk: Talk, shop: Shop, template: str) -> PledgeText:
    kind: TemplateId = "capability" if template == CAPABILITY else "honest"
    return talk.bench.pledge_book.text_for(kind, shop.sector, talk.today)


def _parts(text: str) -> list[str]:
    """Whole lines together, up to ``PART`` characters each."""
    parts: list[str] = []
    for line in text.split("\n"):
        if parts and len(parts[-1]) + len(line) < PART:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return parts


# -- signing ------------------------------------------------------------------------------------------------------


def signed(talk: Talk, place: Membership, form: str, answers: dict[str, Any]) -> list[Reply]:
    template = CAPABILITY if form == DECLARE.name else HONEST
    lock_shop(talk.session, place.shop.id)
    refusal = _refusal(talk, place, template)
    if refusal is not None:
        return [refusal]
    text = _text(talk, place.shop, template)
    if text_hash(text) != answers["hash"]:
        first = [Reply("文本刚刚更新了，请再看一遍。")] if answers["hash"] else []
        return [*first, *show_text(talk, place, template)]
    declared = {row.id: answers[row.id] for row in text.fields if answers.get(row.id)}
    row = _sign(talk, place.shop, text, declared)
    return [_done(talk, row, "签好了" if template == HONEST else "声明已登记", place)]


def _done(talk: Talk, row: Pledge, done: str, place: Membership) -> Reply:
    if row.state == PledgeState.PAUSED:
        text = f"{done}：{row.number}，有效至 {row.valid_until:%Y-%m-%d}；原来的暂停还在（{row.reason}），核实恢复后才显示“有效”。"
        return Reply(text, (Choice("我的承诺", "pledge:mine"), Choice("申诉", f"pledge:appeal/{row.id}")))
    return offer_card(talk, row, f"{done} ✔ {place.shop.name}")


def renew(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """续签: one tap, if the text is still the same and nothing is long overdue."""
    lock_shop(talk.session, place.shop.id)
    before = pledges.get(talk.session, int(rest)) if rest.isdecimal() else None
    if before is None or before.shop_id != place.shop.id or before.state not in LIVE:
        return start(talk, place)
    refusal = _refusal(talk, place, before.template)
    if refusal is not None:
        return [refusal]
    text = _text(talk, place.shop, before.template)
    if text_hash(text) != before.text_hash:
        return [Reply("承诺的文本有更新，请看一遍再签。"), *show_text(talk, place, before.template)]
    row = _sign(talk, place.shop, text, dict(before.declared))
    return [_done(talk, row, "续签好了", place)]


def _sign(talk: Talk, shop: Shop, text: PledgeText, declared: dict[str, Any]) -> Pledge:
    template, year = text.id.partition("-")[0], talk.today.year
    before = pledges.latest(talk.session, shop.id, template)
    held = standing.held_by(before)
    row = Pledge(
        number=numbered(year, pledges.next_serial(talk.session, year)),
        shop_id=shop.id,
        shop_name=shop.name,
        template=template,
        text_version=text.reference,
        text_hash=text_hash(text),
        text=full_text(text),
        declared=declared,
        contact_id=talk.contact_id,
        signed_on=talk.today,
        valid_until=last_day(_begins(before, talk.today), text.valid_months),
    )
    pledges.sign(talk.session, row, talk.now)
    if held:
        standing.carry(talk.session, row, held, talk.now)
    return row


def _begins(before: Pledge | None, today: date) -> date:
    """What is renewed in its last weeks goes on where it ends: nobody loses days by being early."""
    if before is None or before.state not in LIVE or not timedelta() <= before.valid_until - today <= EXPIRING:
        return today
    return before.valid_until + timedelta(days=1)
