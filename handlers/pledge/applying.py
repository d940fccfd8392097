"""What a shop asks of the bureau: an appeal against a pause, a revocation or points, and to become a demonstration unit.
Staff decide; nothing here grants anything."""

from __future__ import annotations

import json
from typing import Any

from handlers.conversation.forms import Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.pledge.credit import grade_of
from handlers.pledge.standing import LIVE, YEAR, shown
from handlers.talk import Talk
from knowledge.demonstration import Check, Condition, Facts, check, questions
from storage import case_likeness, pledges
from storage.pledges import Application
from storage.shops import Membership

APPEALS = {"appeal-pledge": "承诺", "appeal-score": "信用分"}
LEAST = 10


def _read_reason(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if len(text) < LEAST:
        raise NotUnderstoodError(f"请把理由写清楚（至少 {LEAST} 个字），例如“3 台秤 11-20 已检定，证书已上传”。")
    return text[:1000]


def _given(text: str) -> dict[str, Any]:
    return {"shop": 0, "kind": "", "about": ""} | handed(text)


APPEAL = Form(
    "appeal",
    version=1,
    title="申诉",
    fields=(
        Field("shop", ask=""),
        Field("kind", ask=""),
        Field("about", ask=""),
        Field("reason", ask="哪里不对？写明理由，工作人员 5 个工作日内答复。", parse=_read_reason, free_text=True),
    ),
    prefill=_given,
)


def _asked(row: Condition) -> Field:
    return Field(row.id, ask=row.ask, choices=(("是", True), ("不是，或还没做到", False)))


APPLY = Form(
    "demonstration",
    version=1,
    title="申报诚信计量示范单位",
    fields=(Field("shop", ask=""), *(_asked(row) for row in questions())),
    prefill=lambda text: {"shop": 0} | handed(text),
)


# -- appeals ------------------------------------------------------------------------------------------------------


def appeal(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    kind = rest.partition("/")[0]
    name = "appeal-score" if kind == "score" else "appeal-pledge"
    about = "" if kind == "score" else kind
    if name == "appeal-pledge" and not _is_own(talk, place, about):
        return [Reply("没有找到这份承诺。回“我的承诺”看现在的。", (Choice("我的承诺", "pledge:mine"),))]
    waiting = pledges.open_of(talk.session, place.shop.id, (name,))
    if waiting is not None:
        return [Reply(f"您的{APPEALS[name]}申诉（{waiting.id} 号）还在办，有结果会告诉您。")]
    given = {"shop": place.shop.id, "kind": name, "about": about}
    return talk.open_form(APPEAL.name, json.dumps(given))


def _is_own(talk: Talk, place: Membership, number: str) -> bool:
    return number.isdecimal() and pledges.shop_of(talk.session, int(number)) == place.shop.id


def appealed(talk: Talk, place: Membership, answers: dict[str, Any]) -> list[Reply]:
    if answers["kind"] not in APPEALS:  # begun again from the first question
        return [Reply("申诉哪一项？", (Choice("承诺", "pledge:mine"), Choice("信用分", "pledge:appeal/score")))]
    row = Application(
        shop_id=place.shop.id,
        kind=answers["kind"],
        about=int(answers["about"]) if answers["about"] else None,
        text=answers["reason"],
        answers={},
        contact_id=talk.contact_id,
    )
    row = pledges.apply_for(talk.session, row, talk.now)
    return [Reply(f"申诉收到，{row.id} 号。工作人员 5 个工作日内答复，结果在这里告诉您。")]


# -- demonstration unit -------------------------------------------------------------------------------------------


def demonstration(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    """Which conditions are met and what is missing, before anything is asked."""
    waiting = pledges.open_of(talk.session, place.shop.id, ("demonstration",))
    if waiting is not None:
        return [Reply(f"您店的申报（{waiting.id} 号）还在审，有结果会告诉您。")]
    found = check(facts_of(talk, place), {})
    return [Reply(found.text, (Choice("逐项填报", "pledge:apply"), Choice("我的台账", "ledger:list")))]


def apply(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    return talk.open_form(APPLY.name, json.dumps({"shop": place.shop.id}))


def applied(talk: Talk, place: Membership, answers: dict[str, Any]) -> list[Reply]:
    """Handed in only when nothing is missing; else what is missing."""
    said = {row.id: bool(answers.get(row.id)) for row in questions()}
    found = check(facts_of(talk, place), said)
    if not found.met:
        return [_missing(found)]
    row = Application(
        shop_id=place.shop.id, kind="demonstration", text="", answers=dict(said), contact_id=talk.contact_id
    )
    row = pledges.apply_for(talk.session, row, talk.now)
    return [Reply(f"申报收到，{row.id} 号。工作人员会看材料、到现场，结果在这里告诉您。\n{found.text}")]


def _missing(found: Check) -> Reply:
    return Reply(
        f"还差这些，先不提交：\n{found.text}", (Choice("我的台账", "ledger:list"), Choice("我的承诺", "pledge:mine"))
    )


def facts_of(talk: Talk, place: Membership) -> Facts:
    shop, today = place.shop, talk.today
    standing = pledges.standing(talk.session, shop.id, today)
    return Facts(
        pledged_months=_months(talk, place),
        mandatory=standing.must,
        overdue=standing.must - standing.valid,
        violations=case_likeness.confirmed_at_shop(talk.session, shop.id, today - YEAR),
        letter=grade_of(talk.session, shop.id, today).letter,
    )


def _months(talk: Talk, place: Membership) -> int:
    """Whole months since the shop's pledge stands, through its renewals; 0 when it does not today."""
    row = pledges.latest(talk.session, place.shop.id)
    if row is None or shown(talk.session, row, place.shop, talk.today).status not in LIVE:
        return 0
    since, today = pledges.pledged_since(talk.session, row), talk.today
    return (today.year - since.year) * 12 + today.month - since.month - (today.day < since.day)
