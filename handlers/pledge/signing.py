"""承诺: the shop's own check first, the whole text, and the word itself typed. Renewing what has not changed is one tap."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.conversation.words import fold
from handlers.ledger.words import title
from handlers.pledge.cards import offer_card
from handlers.talk import Talk
from knowledge.due_dates import last_day
from knowledge.pledge_number import numbered
from knowledge.pledges import PledgeBook, PledgeText, TemplateId, full_text, text_hash
from storage import pledges
from storage.pledges import EXPIRING, Pledge
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


def _declared_fields() -> tuple[Field, ...]:
    """What the capability statement has filled in, a question each."""
    return tuple(
        Field(row.id, ask=row.ask, choices=tuple((choice, choice) for choice in row.choices))
        if row.choices
        else Field(row.id, ask=row.ask, free_text=True, optional=True, parse=_read_line)
        for row in PledgeBook.load().fields
    )


def _read_line(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if not text:
        raise NotUnderstoodError("请写一句话，例如“2 名专职计量员”。")
    return text[:200]


def _asked(answers: Answers) -> str:
    return f"以上就是全文（{answers['reference']}）。读过、同意，请打“承诺”两个字，就算签了。"


_GIVEN = (Field("shop", ask=""), Field("reference", ask=""))
PLEDGE = Form(
    "pledge",
    version=1,
    title="诚信计量承诺",
    fields=(*_GIVEN, Field("word", ask=_asked, parse=_read_word)),
    prefill=handed,
    keep=False,
)
DECLARE = Form(
    "declare",
    version=1,
    title="企业计量能力自我声明",
    fields=(*_GIVEN, *_declared_fields(), Field("word", ask=_asked, parse=_read_word)),
    prefill=handed,
)


# -- before signing -----------------------------------------------------------------------------------------------


def start(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    """What the shop's own ledger says, before anything is promised."""
    row = pledges.live(talk.session, place.shop.id, HONEST)
    if row is not None and row.valid_until - talk.today > EXPIRING:
        return [offer_card(talk, row, "您店已经签过承诺，在有效期内。")]
    if pledges.standing(talk.session, place.shop.id, talk.today).long_overdue:
        return [_not_yet(talk, place)]
    lines = [
        f"先对照台账自查（{place.shop.name}）：",
        *_ledger_lines(talk, place),
        "自查没问题就看全文，看完打“承诺”两个字。",
    ]
    choices = [Choice("看全文并签", "pledge:text/honest"), Choice("先看台账", "ledger:list")]
    return [Reply("\n".join(lines), tuple(choices))]


def declare(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    return show_text(talk, place, CAPABILITY)


def _not_yet(talk: Talk, place: Membership) -> Reply:
    lines = ["这些强检器具超期 30 天以上，现在签了也会马上显示“暂停”。请先送检或停用，再来签：", *_overdue(talk, place)]
    return Reply(
        "\n".join(lines), (Choice("我的台账", "ledger:list"), Choice("怎么预约检定", "lookup:show/book-verification"))
    )


def _ledger_lines(talk: Talk, place: Membership) -> list[str]:
    standing = pledges.standing(talk.session, place.shop.id, talk.today)
    if not standing.must:
        return ["· 台账里还没有强检器具。公示页会写“没有登记”，建议先把秤记进台账。"]
    if standing.valid == standing.must:
        return [f"· 强检器具 {standing.must} 台，都在检定有效期内。"]
    return [f"· 强检器具 {standing.must} 台，有效 {standing.valid} 台。下面这些请尽快送检：", *_overdue(talk, place)]


def _overdue(talk: Talk, place: Membership) -> list[str]:
    rows = pledges.overdue_items(talk.session, place.shop.id, talk.today, NAMED + 1)
    lines = [
        f"  {title(row)}：{f'{row.due_on:%Y-%m-%d} 到期' if row.due_on else '没有检定日期'}" for row in rows[:NAMED]
    ]
    return [*lines, *(["  ……"] if len(rows) > NAMED else [])]


def show_text(talk: Talk, place: Membership, template: str) -> list[Reply]:
    """The whole text, in parts that a screen holds, and the question whether it is promised."""
    text = _text(talk, place.shop, template)
    form = PLEDGE if template == HONEST else DECLARE
    given = json.dumps({"shop": place.shop.id, "reference": text.reference})
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
    text = _text(talk, place.shop, template)
    if text.reference != answers["reference"]:
        return [Reply("文本刚刚更新了，请再看一遍。"), *show_text(talk, place, template)]
    declared = {row.id: answers[row.id] for row in text.fields if answers.get(row.id)}
    row = _sign(talk, place.shop, template, text, declared, talk.today)
    done = "签好了" if template == HONEST else "声明已登记"
    return [offer_card(talk, row, f"{done} ✔ {place.shop.name}")]


def renew(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """续签: one tap, if the text is still the same and nothing is long overdue."""
    before = pledges.get(talk.session, int(rest)) if rest.isdecimal() else None
    if before is None or before.shop_id != place.shop.id or before.renewed:
        return start(talk, place)
    if pledges.standing(talk.session, place.shop.id, talk.today).long_overdue:
        return [_not_yet(talk, place)]
    text = _text(talk, place.shop, before.template)
    if text_hash(text) != before.text_hash:
        return [Reply("承诺的文本有更新，请看一遍再签。"), *show_text(talk, place, before.template)]
    begin = max(talk.today, before.valid_until) if before.state in pledges.LIVE else talk.today
    row = _sign(talk, place.shop, before.template, text, dict(before.declared), begin)
    return [offer_card(talk, row, f"续签好了 ✔ {place.shop.name}")]


def _sign(talk: Talk, shop: Shop, template: str, text: PledgeText, declared: dict[str, Any], begin: date) -> Pledge:
    year = talk.today.year
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
        valid_until=last_day(begin, text.valid_months),
    )
    return pledges.sign(talk.session, row, talk.now)
