"""``pledges``: appeals and applications to decide, pledges to revoke or take up again, points to add or undo."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.settings import Settings
from handlers.conversation.messages import Reply
from handlers.outreach import person_of, push
from handlers.pledge import standing
from handlers.talk import SHANGHAI
from knowledge.grading import Scheme
from storage import pledges, shops
from storage.database import Database, Session
from storage.pledges import Application, Pledge, PledgeState, ScoreEvent, Status
from storage.shops import Shop

KINDS = {"demonstration": "申报示范单位", "appeal-pledge": "承诺申诉", "appeal-score": "信用分申诉"}
STATUS_OF = {
    PledgeState.ACTIVE: Status.VALID,
    PledgeState.PAUSED: Status.PAUSED,
    PledgeState.REVOKED: Status.REVOKED,
    PledgeState.ENDED: Status.ENDED,
}
LEAST_REASON = 10


class RefusedError(ValueError):
    """It cannot be done; the text says in Chinese why."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    work: dict[str, Callable[[Session, argparse.Namespace, datetime], str]] = {
        "list": _list,
        "decide": _decide,
        "revoke": _revoke,
        "restore": _restore,
        "score": _score,
        "undo": _undo,
    }
    database = Database(settings.database)
    try:
        database.migrate()
        with database.unit() as session:
            said = work[arguments.action](session, arguments, datetime.now(UTC))
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        database.close()
    print(said)
    return 0


def _list(session: Session, _arguments: argparse.Namespace, _now: datetime) -> str:
    rows = pledges.applications(session)
    return "\n".join(_lines(session, row) for row in rows) or "没有待审的申诉和申报。"


def _lines(session: Session, row: Application) -> str:
    """An application, and what is to be decided on: the pledge as it stands, or the entries of the account."""
    shop, day = session.get_one(Shop, row.shop_id), row.created_at.astimezone(SHANGHAI)
    lines = [f"{row.id}  {KINDS[row.kind]}  {shop.name}  {day:%Y-%m-%d}  {row.text}"]
    about = pledges.get(session, row.about) if row.about else None
    if about is not None:
        lines.append(f"    {about.number}  {_state(about)}  {about.reason}")
    if row.kind == "appeal-score":
        lines += [
            f"    第 {entry.id} 条  {entry.happened_on}  {Scheme.load().rule(entry.rule).text}  {entry.note}"
            for entry in pledges.scores(session, shop.id)
        ]
    return "\n".join(lines)


def _decide(session: Session, arguments: argparse.Namespace, now: datetime) -> str:
    row = pledges.application(session, arguments.number)
    if row is None or row.state != "open":
        raise RefusedError(f"没有 {arguments.number} 号待审的申请。")
    reason, granted = _reason(arguments), arguments.verdict == "grant"
    pledges.decide(session, row, granted, reason, f"staff:{arguments.by}", now)
    if granted:
        _granted(session, row, f"staff:{arguments.by}", reason, now)
    _tell(session, row, f"您的{KINDS[row.kind]}（{row.id} 号）{'通过了' if granted else '没有通过'}：{reason}", now)
    more = "哪一条不该记，请用 pledges undo 撤掉。" if granted and row.kind == "appeal-score" else ""
    return f"{row.id} 号已记为{'通过' if granted else '不通过'}，已告诉店里。{more}"


def _granted(session: Session, row: Application, actor: str, reason: str, now: datetime) -> None:
    """What a granted application brings: the pledge back, the points undone, or the points of a demonstration unit."""
    today = now.astimezone(SHANGHAI).date()
    if row.kind == "demonstration":
        pledges.score(
            session, ScoreEvent(shop_id=row.shop_id, rule="demonstration", happened_on=today, actor=actor), now
        )
        return
    about = pledges.get(session, row.about or 0) if row.kind == "appeal-pledge" else None
    if about is not None and about.state in (PledgeState.PAUSED, PledgeState.REVOKED):
        standing.resume(session, about, reason, now, actor)


def _revoke(session: Session, arguments: argparse.Namespace, now: datetime) -> str:
    row = _named(session, arguments.number)
    if row.state not in pledges.LIVE:
        raise RefusedError(f"{row.number} 现在是“{_state(row)}”，不能撤销。")
    standing.revoke(session, row, arguments.cause, _reason(arguments), f"staff:{arguments.by}", now)
    return f"{row.number} 已撤销，公示页马上显示，店里已收到理由和申诉办法。"


def _restore(session: Session, arguments: argparse.Namespace, now: datetime) -> str:
    row = _named(session, arguments.number)
    if row.state not in (PledgeState.PAUSED, PledgeState.REVOKED):
        raise RefusedError(f"{row.number} 现在是“{_state(row)}”，不用恢复，也不能恢复。")
    standing.resume(session, row, _reason(arguments), now, f"staff:{arguments.by}")
    seen = standing.shown(session, row, session.get_one(Shop, row.shop_id), now.astimezone(SHANGHAI).date())
    return f"{row.number} 已恢复，公示页现在显示“{seen.label}”。"


def _score(session: Session, arguments: argparse.Namespace, now: datetime) -> str:
    shop = _shop(session, arguments.shop)
    try:
        rule = Scheme.load().rule(arguments.rule)
    except LookupError:
        known = "、".join(f"{row.id}（{row.text}）" for row in Scheme.load().rules if row.by == "officer")
        raise RefusedError(f"没有 {arguments.rule} 这一条。可以用：{known}") from None
    if rule.by != "officer":
        raise RefusedError(f"{rule.id} 由台账和承诺自动得出，不用手工记。")
    day = arguments.on or now.astimezone(SHANGHAI).date()
    event = ScoreEvent(
        shop_id=shop.id, rule=rule.id, happened_on=day, note=_reason(arguments), actor=f"staff:{arguments.by}"
    )
    pledges.score(session, event, now)
    return f"记在 {shop.name} 名下，第 {event.id} 条：{rule.text}（{rule.points:+d} 分）。"


def _undo(session: Session, arguments: argparse.Namespace, now: datetime) -> str:
    row = session.get(ScoreEvent, arguments.number)
    if row is None or row.undoes is not None:
        raise RefusedError(f"没有第 {arguments.number} 条。")
    if row.id not in {entry.id for entry in pledges.scores(session, row.shop_id)}:
        raise RefusedError(f"第 {row.id} 条已经撤掉了，不再计分。")
    event = ScoreEvent(
        shop_id=row.shop_id,
        rule=row.rule,
        happened_on=row.happened_on,
        note=_reason(arguments),
        undoes=row.id,
        actor=f"staff:{arguments.by}",
    )
    pledges.score(session, event, now)
    return f"第 {row.id} 条不再计分，理由已记下。"


def _named(session: Session, number: str) -> Pledge:
    found = pledges.by_number(session, number.upper())
    if found is None:
        raise RefusedError(f"没有编号为 {number} 的承诺。")
    return found[0]


def _state(row: Pledge) -> str:
    return standing.STATUSES[STATUS_OF[PledgeState(row.state)]]


def _shop(session: Session, code: str) -> Shop:
    shop = shops.by_credit_code(session, code.upper()) or (session.get(Shop, int(code)) if code.isdecimal() else None)
    if shop is None:
        raise RefusedError("没有这家店：请写统一社会信用代码，或店铺编号。")
    return shop


def _reason(arguments: argparse.Namespace) -> str:
    text = arguments.reason.strip()
    if len(text) < LEAST_REASON:
        raise RefusedError(f"请写明理由（至少 {LEAST_REASON} 个字），店里会看到。")
    return str(text)


def _tell(session: Session, row: Application, text: str, now: datetime) -> None:
    told = shops.to_remind(session, [row.shop_id]).get(row.shop_id, [])
    for contact_id in [*told, *_who_asked(session, row, told)]:
        push(session, contact_id, Reply(text), now, standing.KIND, f"application:{row.id}:{contact_id}")


def _who_asked(session: Session, row: Application, told: Sequence[int]) -> list[int]:
    """Whoever asked hears of it also when they want no reminders, as long as they belong to the shop."""
    if row.contact_id is None:
        return []
    person = person_of(session, row.contact_id)
    known = any(person_of(session, contact_id) == person for contact_id in told)
    return [] if known or shops.membership(session, person, row.shop_id) is None else [row.contact_id]
