"""What a shop is told of its due dates, and what it may answer: booked, submitted, replaced, later, how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from handlers import lookup
from handlers.conversation.messages import Choice, Reply
from handlers.ledger.keeping import note_change
from handlers.ledger.planning import plan_of, put_off, schedule
from handlers.ledger.words import PROVISIONAL, SOON_DAYS, labels, line, short_day
from handlers.talk import Bench, Talk
from knowledge.due_dates import Basis
from knowledge.matcher import Aspect
from knowledge.stages import latest_booking_day
from storage import ledger, reminders
from storage.ledger import ItemState, LedgerItem
from storage.reminders import ReminderBatch
from storage.shops import Membership, Shop

LIFE = timedelta(days=7)
"""How long a bare digit answers a reminder."""
MOST_GROUPS = 8
MOST_SHOWN = 6
MOST_LISTED = 40
HOW = "apply-verification"
AFTER = "检定完把证书拍给我，我来更新有效期。"
STALE = "这条提醒已经过时：器具都更新过了，或者后来又提醒过。"
PENALTY = "过期还用的，责令停止使用，可以处 1000 元以下罚款（计量法实施细则第四十三条）。"
LIST = Choice("我的台账", "ledger:list")
DONE = {ItemState.BOOKED: "已预约", ItemState.SUBMITTED: "已送检"}


# -- the message --------------------------------------------------------------------------------------------------


def message(bench: Bench, shop: Shop, items: Sequence[LedgerItem], batch_id: int, today: date) -> Reply:
    """One message for all that is to be told of a shop on a day, the most urgent first."""
    groups = [list(group) for _, group in groupby(sorted(items, key=_order), key=_order)]
    lines = [text for group in groups[:MOST_GROUPS] for text in _told(bench, group, today)]
    left = sum(item.count for group in groups[MOST_GROUPS:] for item in group)
    if left:
        lines.append(f"另有 {left} 台，回“到期提醒”看全部。")
    if any(_overdue(item, today) and item.mandatory for item in items):
        lines.append(PENALTY)
    return Reply(f"【到期提醒】{shop.name}：" + "\n".join(lines), _choices(batch_id))


def _choices(batch_id: int) -> tuple[Choice, ...]:
    return (
        Choice("已预约", f"ledger:remind/booked/{batch_id}"),
        Choice("已送检", f"ledger:remind/submitted/{batch_id}"),
        Choice("停用/换新", f"ledger:remind/replaced/{batch_id}"),
        Choice("三天后再提醒", f"ledger:remind/later/{batch_id}"),
        Choice("怎么预约", f"ledger:remind/how/{batch_id}"),
    )


def _order(item: LedgerItem) -> tuple[date, str, str, str]:
    assert item.due_on is not None
    return item.due_on, item.kind, item.state, item.basis


def _overdue(item: LedgerItem, today: date) -> bool:
    return item.due_on is not None and item.due_on < today


def _told(bench: Bench, group: Sequence[LedgerItem], today: date) -> Iterator[str]:
    """What is to be said of instruments alike in kind, date and state."""
    first = group[0]
    assert first.due_on is not None
    what = f"{sum(i.count for i in group)} 台{first.name}"
    day, left = short_day(first.due_on, today), (first.due_on - today).days
    far = f"已过期 {-left} 天" if left < 0 else f"还有 {left} 天" if left else "就是今天"
    if first.basis == Basis.REPLACEMENT:
        yield f"{day} {what}用满年限（{far}），到期要换新，不用送检。"
    elif first.state in DONE:
        stop = "，检完前先停用" if left < 0 else ""
        yield f"{DONE[ItemState(first.state)]}的 {what}，{day} 到期，{far}{stop}。{AFTER}"
    elif not first.mandatory:
        yield f"{what} {day} 到期，{far}（不是必须强检的，自愿检定或校准）。"
    elif left < 0:
        yield f"{what} {day} 已经过期 {-left} 天，请马上停用、预约检定。"
    else:
        yield _before(bench, first, what, day, left, today)


def _before(bench: Bench, first: LedgerItem, what: str, day: str, left: int, today: date) -> str:
    assert first.due_on is not None
    when = "今天到期" if left == 0 else f"{day} 到期"
    plan = plan_of(bench, first)
    latest = latest_booking_day(first.due_on, plan, bench.calendar)
    hint = PROVISIONAL if latest.provisional else ""
    if latest.day < today:
        return f"{what} {when}，已过最晚预约日 {short_day(latest.day, today)}{hint}，请马上预约；到期前没检完就先停用。"
    days = bench.calendar.workdays_between(today, latest.day)
    still = f"还有 {days} 个工作日" if days else "就是今天"
    return (
        f"{what} {when}。送检要提前 {plan.lead} 个工作日，最晚 {short_day(latest.day, today)} 预约（{still}）{hint}。"
    )


# -- what the shop answers ----------------------------------------------------------------------------------------


def act(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """``rest``: ``booked/7``, … and for one instrument of the batch ``one/7/12``."""
    verb, _, about = rest.partition("/")
    id_, _, which = about.partition("/")
    found = reminders.batch_items(talk.session, place.shop.id, int(id_)) if id_.isdecimal() else None
    if found is None or not found[1]:
        return [Reply(STALE, (LIST,))]
    batch, items = found
    if verb == "how":
        return [_how(talk, batch)]
    batch.answered = verb
    reminders.clear_unreached(talk.session, place.shop.id)
    if verb in ("booked", "submitted"):
        return _moved(talk, items, ItemState(verb))
    if verb == "later":
        return _later(talk, items)
    if verb == "retire":
        return _retire(talk, items)
    if verb == "one":
        one = [item for item in items if str(item.id) == which]
        return _retire(talk, one) if one else [_which(batch, items, talk.today)]
    if verb == "renewed":
        return [
            Reply(
                "换新的先检定合格再用。把新的证书或标签拍给我，或发一行：电子秤 ACS-30 编号0918 2026-12-01检。", (LIST,)
            )
        ]
    return [_replaced(batch, items)]


def _how(talk: Talk, batch: ReminderBatch) -> Reply:
    """The card, and the same answers again: who has read it can say what they did."""
    card = lookup.card(talk, (HOW,), Aspect.OVERVIEW)
    return Reply(card.text, _choices(batch.id)[:4], more=card.more, about=card.about)


def _moved(talk: Talk, items: Sequence[LedgerItem], to: ItemState) -> list[Reply]:
    behind = [i for i in items if not (to is ItemState.BOOKED and i.state == ItemState.SUBMITTED)]
    changed = [item for item in behind if ledger.move(talk.session, item, to, talk.person_id, talk.now)]
    for item in changed:
        schedule(talk.bench, item, talk.today)
        note_change(talk.session, item, talk.person_id, to, talk.now)
    if not changed:
        return [Reply(f"这 {_pieces(items)} 台已经记过“{DONE[to]}”了。{AFTER}", (LIST,))]
    return [Reply(f"记下了，{_pieces(changed)} 台{DONE[to]}。{AFTER}", (LIST,))]


def _later(talk: Talk, items: Sequence[LedgerItem]) -> list[Reply]:
    again = [put_off(talk.bench, item, talk.today) for item in items]
    return [Reply(f"好，{short_day(again[0], talk.today)} 再提醒。", (LIST,))]


def _replaced(batch: ReminderBatch, items: Sequence[LedgerItem]) -> Reply:
    choices = [Choice(f"这 {_pieces(items)} 台都停用", f"ledger:remind/retire/{batch.id}")]
    if len(items) > 1:
        choices.append(Choice("只停用其中的", f"ledger:remind/one/{batch.id}"))
    return Reply(
        "停用还是换新？停用的别再拿来用。", (*choices, Choice("换了新的", f"ledger:remind/renewed/{batch.id}"), LIST)
    )


def _which(batch: ReminderBatch, items: Sequence[LedgerItem], today: date) -> Reply:
    shown = zip(labels(items[:MOST_SHOWN], today), items, strict=False)
    choices = [Choice(label, f"ledger:remind/one/{batch.id}/{i.id}") for label, i in shown]
    more = "更多的在“我的台账”里逐台停用。" if len(items) > MOST_SHOWN else ""
    return Reply(f"停用哪一台？{more}", (*choices, LIST))


def _retire(talk: Talk, items: Sequence[LedgerItem]) -> list[Reply]:
    for item in items:
        if ledger.move(talk.session, item, ItemState.RETIRED, talk.person_id, talk.now):
            schedule(talk.bench, item, talk.today)
            note_change(talk.session, item, talk.person_id, "retired", talk.now)
    return [Reply(f"{_pieces(items)} 台已停用，不再提醒。换了新的就发一行或拍证书。", (LIST,))]


def _pieces(items: Sequence[LedgerItem]) -> int:
    return sum(item.count for item in items)


# -- looking ahead ------------------------------------------------------------------------------------------------


def upcoming(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    """到期提醒: what falls due within the next weeks, and how reminders reach the person."""
    until = talk.today + timedelta(days=SOON_DAYS)
    rows = [i for i in ledger.page(talk.session, place.shop.id, MOST_LISTED) if i.due_on and i.due_on <= until]
    lines = [line(item, talk.today) for item in rows]
    if len(rows) == MOST_LISTED:
        lines.append("后面还有，看“我的台账”。")
    head = (
        f"{place.shop.name}{SOON_DAYS}天内到期和已过期的：" if rows else f"{place.shop.name}{SOON_DAYS}天内没有到期的。"
    )
    told = "到期前 60、30、15、7、1 天和当天会在这里提醒（工作日上午 9 点）。"
    if not place.member.notified:
        told = "现在不提醒您；要提醒，选“也提醒我”。"
    notes = [f"点这里开启微信提醒：{talk.office.public_url}/wechat/notices"] if _agrees(talk) else []
    choices = [LIST, Choice("存到日历", "ledger:calendar")]
    if not place.member.notified:
        choices.insert(0, Choice("也提醒我", "ledger:notify/1"))
    return [Reply("\n".join([head, *lines, told, *notes]), tuple(choices))]


def _agrees(talk: Talk) -> bool:
    return talk.office.notices and bool(talk.office.public_url)
