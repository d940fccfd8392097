"""What a shop asks of the bureau: an appeal against a pause, a revocation or points, and to become a demonstration unit.
Staff decide; nothing here grants anything."""

from __future__ import annotations

import json
from typing import Any

from handlers.conversation.forms import Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.pledge.credit import grade_of
from handlers.pledge.standing import YEAR
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
    prefill=handed,
)


def _asked(row: Condition) -> Field:
    return Field(row.id, ask=row.ask, choices=(("是", True), ("不是，或还没做到", False)))


APPLY = Form(
    "demonstration",
    version=1,
    title="申报诚信计量示范单位",
    fields=(Field("shop", ask=""), *(_asked(row) for row in questions())),
    prefill=handed,
)


# -- appeals ------------------------------------------------------------------------------------------------------


def appeal(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    kind, _, number = rest.partition("/")
    about = number if kind == "score" else kind
    name = "appeal-score" if kind == "score" else "appeal-pledge"
    waiting = pledges.open_of(talk.session, place.shop.id, (name,))
    if waiting is not None:
        return [Reply(f"您的{APPEALS[name]}申诉（{waiting.id} 号）还在办，有结果会告诉您。")]
    given = {"shop": place.shop.id, "kind": name, "about": about}
    return talk.open_form(APPEAL.name, json.dumps(given))


def appealed(talk: Talk, place: Membership, answers: dict[str, Any]) -> list[Reply]:
    about = str(answers["about"] or "")
    row = Application(
        shop_id=place.shop.id,
        kind=answers["kind"],
        about=int(about) if about.isdecimal() else None,
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
    row, standing = pledges.latest(talk.session, shop.id), pledges.standing(talk.session, shop.id, today)
    months = (today - row.signed_on).days // 30 if row is not None and row.state in pledges.LIVE else 0
    return Facts(
        pledged_months=months,
        mandatory=standing.must,
        overdue=standing.must - standing.valid,
        violations=case_likeness.confirmed_at_shop(talk.session, shop.id, today - YEAR),
        letter=grade_of(talk.session, shop.id, today).letter,
    )
