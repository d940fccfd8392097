"""What keeps a pledge true: paused when a mandatory instrument is long overdue or a violation is confirmed, taken up
again when that is mended, and what anybody may see of it today.

What the public sees is worked out when it is looked at, so that a change shows at once; the daily check records it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from handlers.conversation.messages import Choice, Reply
from handlers.outreach import push
from storage import case_likeness, pledges, shops
from storage.database import Session
from storage.ledger import lock_shop
from storage.pledges import OVERDUE, Deed, Pledge, PledgeState, ScoreEvent, Standing, Status
from storage.shops import Shop

YEAR = timedelta(days=365)
VIOLATION, WITHDRAWN = "violation", "withdrawn"
KIND, LIFE = "pledge", timedelta(days=7)
STATUSES = {
    Status.VALID: "有效",
    Status.EXPIRING: "有效（即将到期）",
    Status.PAUSED: "暂停",
    Status.REVOKED: "已撤销",
    Status.EXPIRED: "已到期",
    Status.ENDED: "已结束",
}
LIVE = (Status.VALID, Status.EXPIRING)
RULE_OF = {"punished": "fined", "corrected": "short-weight", "minor": "minor-corrected"}
"""Which rule of the points table an outcome of a case falls under."""
REASONS = {
    OVERDUE: "有强检器具超期 30 天以上没有检定",
    VIOLATION: "近期查实有计量违法",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What anybody may see of a pledge on a day: nothing of reporters, nothing of persons."""

    number: str
    shop: str
    district: str
    sector: str
    status: Status
    signed_on: date
    valid_until: date
    must: int
    valid: int
    confirmed: int
    template: str
    text: str

    @property
    def label(self) -> str:
        return STATUSES[self.status]

    @property
    def share(self) -> str:
        """检定有效的比例, as it is said."""
        if not self.must:
            return "台账里没有在用的强检器具"
        return f"在用强检器具 {self.must} 台，检定有效 {self.valid} 台（{self.valid * 100 // self.must}%）"


def shown(session: Session, pledge: Pledge, shop: Shop, today: date) -> Shown:
    """As it stands this minute: what the daily check has not recorded yet counts already."""
    standing = pledges.standing(session, shop.id, today)
    status = _status(pledge, standing, today)
    confirmed = case_likeness.confirmed_at_shop(session, shop.id, today - YEAR)
    return Shown(
        pledge.number,
        pledge.shop_name,
        shop.district,
        shop.sector,
        status,
        pledge.signed_on,
        pledge.valid_until,
        standing.must,
        standing.valid,
        confirmed,
        pledge.template,
        pledge.text,
    )


def _status(pledge: Pledge, standing: Standing, today: date) -> Status:
    status = pledges.status_on(pledge, today)
    if status in LIVE and standing.long_overdue:
        return Status.PAUSED
    if status is Status.PAUSED and pledge.cause == OVERDUE and not standing.long_overdue:
        return pledges.status_in_force(pledge, today)
    return status


def held_by(pledge: Pledge | None) -> str:
    """The cause for which it is (or was, when it ended) paused and that only staff can lift; "" when there is none."""
    if pledge is None or pledge.state not in (PledgeState.PAUSED, PledgeState.ENDED):
        return ""
    return "" if pledge.cause in ("", OVERDUE, WITHDRAWN) else pledge.cause


def carry(session: Session, pledge: Pledge, cause: str, now: datetime) -> None:
    """What was just signed takes over the pause of the one before: no new signature shakes it off."""
    reason = REASONS.get(cause, "原来的承诺暂停后还没有核实恢复")
    pledges.move(session, pledge, PledgeState.PAUSED, Deed("system", "pledge.paused", reason, cause), now)


def check(session: Session, pledge: Pledge, today: date, now: datetime) -> bool:
    """Pause or take up again, as its shop's ledger asks for, a pledge that has not run out; whether anything changed."""
    standing = pledges.standing(session, pledge.shop_id, today)
    if pledge.state == PledgeState.ACTIVE and standing.long_overdue:
        pause(session, pledge, OVERDUE, _overdue_words(standing), now)
        return True
    if pledge.state == PledgeState.PAUSED and pledge.cause == OVERDUE and not standing.long_overdue:
        resume(session, pledge, "超期器具已检定或停用", now)
        return True
    return False


def pause(session: Session, pledge: Pledge, cause: str, reason: str, now: datetime) -> None:
    """Pause a pledge and tell those in charge why, what to do and how to appeal."""
    pledges.move(session, pledge, PledgeState.PAUSED, Deed("system", "pledge.paused", reason, cause), now)
    how = "检定或停用后自动恢复" if cause == OVERDUE else "改好以后由工作人员核实恢复"
    text = (
        f"您店的诚信计量承诺 {pledge.number} 已暂停展示：{reason}。\n"
        f"扫码会显示“暂停”。{how}；认为不对，可以申诉，工作人员 5 个工作日内答复。"
    )
    choices = (Choice("怎么恢复", "pledge:mine"), Choice("申诉", f"pledge:appeal/{pledge.id}"))
    _tell(session, pledge, Reply(text, choices), now, f"paused:{pledge.id}:{now.isoformat()}")


def resume(session: Session, pledge: Pledge, reason: str, now: datetime, actor: str = "system") -> None:
    pledges.move(session, pledge, PledgeState.ACTIVE, Deed(actor, "pledge.resumed", reason), now)
    pledge.reason = ""
    reply = Reply(f"您店的诚信计量承诺 {pledge.number} 已恢复有效：{reason}。", (Choice("看我的承诺", "pledge:mine"),))
    _tell(session, pledge, reply, now, f"resumed:{pledge.id}:{now.isoformat()}")


def revoke(session: Session, pledge: Pledge, cause: str, reason: str, actor: str, now: datetime) -> None:
    """撤销, by staff and with a reason; an appeal may bring it back."""
    pledges.move(session, pledge, PledgeState.REVOKED, Deed(actor, "pledge.revoked", reason, cause), now)
    text = f"您店的诚信计量承诺 {pledge.number} 已撤销：{reason}。认为不对，可以申诉，工作人员 5 个工作日内答复。"
    reply = Reply(text, (Choice("申诉", f"pledge:appeal/{pledge.id}"),))
    _tell(session, pledge, reply, now, f"revoked:{pledge.id}:{now.isoformat()}")


def violation(session: Session, shop_id: int, case_id: int, outcome: str, day: date, now: datetime) -> None:
    """A violation was confirmed at a shop: its pledge is paused, its credit account gets the points of the rule."""
    rule = RULE_OF.get(outcome)
    if rule is not None:
        entry = ScoreEvent(shop_id=shop_id, rule=rule, happened_on=day, case_id=case_id, actor="system")
        pledges.score(session, entry, now)
    lock_shop(session, shop_id)  # one that is being renewed this minute is paused as well
    pledge = pledges.live(session, shop_id)
    if pledge is not None and day <= pledge.valid_until and not held_by(pledge):
        pause(session, pledge, VIOLATION, REASONS[VIOLATION], now)


def taken_up_again(session: Session, shop_id: int, case_id: int, day: date, now: datetime) -> None:
    """The case of a violation is open once more: what it counted for counts no longer; the pledge stays paused until
    staff have decided."""
    for row in pledges.scores(session, shop_id):
        if row.case_id == case_id:
            undo = ScoreEvent(
                shop_id=shop_id, rule=row.rule, happened_on=day, case_id=case_id, undoes=row.id, actor="system"
            )
            pledges.score(session, undo, now)


def _overdue_words(standing: Standing) -> str:
    return f"{standing.long_overdue} 台强检器具超期 30 天以上没有检定"


def _tell(session: Session, pledge: Pledge, reply: Reply, now: datetime, key: str) -> None:
    for contact_id in shops.to_remind(session, [pledge.shop_id]).get(pledge.shop_id, []):
        push(session, contact_id, reply, now, KIND, f"pledge:{key}:{contact_id}"[:128], life=LIFE)
