"""``staff``: who works cases in chat. An account is bound by the words printed here, once, within half an hour."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime

from bot.settings import Settings
from bot.times import utc_now
from handlers.officers.enrolling import ROLES, shown
from handlers.officers.lines import called
from storage import audit, casework, staff
from storage.audit import Entry
from storage.database import Database, Session
from storage.staff import StaffMember, StaffRole

ACTOR = "command"


class StaffError(ValueError):
    """It cannot be done; the text says in Chinese why."""


def staff_command(arguments: argparse.Namespace, settings: Settings) -> int:
    database = Database(settings.database)
    try:
        database.migrate()
        with database.unit() as session:
            said = ACTIONS[arguments.action](session, arguments, settings, utc_now())
    except StaffError as why:
        print(why, file=sys.stderr)
        return 1
    finally:
        database.close()
    print(said)
    return 0


def _add(session: Session, arguments: argparse.Namespace, settings: Settings, now: datetime) -> str:
    name = arguments.name.strip()
    if not name or staff.named(session, name):
        raise StaffError(f"名单里已经有{name}；同名的请加区别，如“{name}2”。" if name else "请写姓名。")
    member = staff.add(session, name, arguments.office.strip(), StaffRole(arguments.role), now)
    _note(session, member, "staff.added", now)
    return _link(session, member, settings, now)


def _new_link(session: Session, arguments: argparse.Namespace, settings: Settings, now: datetime) -> str:
    return _link(session, _named(session, arguments.name), settings, now)


def _link(session: Session, member: StaffMember, settings: Settings, now: datetime) -> str:
    code = staff.enrol(session, member.id, now)
    _note(session, member, "staff.link", now)
    lines = [
        f"{called(member)}，{ROLES[StaffRole(member.role)]}。请本人 30 分钟内在和机器人的单独对话里发（只能用一次）：",
        f"入职 {shown(code)}",
    ]
    if settings.telegram_name:
        lines.append(f"或在 Telegram 点：https://t.me/{settings.telegram_name}?start=e_{code}")
    return "\n".join(lines)


def _list(session: Session, _arguments: argparse.Namespace, _settings: Settings, _now: datetime) -> str:
    rows = [
        f"{m.id}  {called(m)}  {ROLES[StaffRole(m.role)]}  {'已绑定' if m.contact_id else '没绑定'}{'  休假' if m.away else ''}"
        for m in staff.everybody(session)
    ]
    return "\n".join(rows) or "还没有工作人员。先运行：python -m bot staff add 姓名 --office 所名"


def _dismiss(session: Session, arguments: argparse.Namespace, _settings: Settings, now: datetime) -> str:
    """The account is nobody's of staff from now on; open cases go back to the leaders."""
    member = _named(session, arguments.name)
    freed = casework.hand_back(session, member.id)
    staff.dismiss(session, member)
    _note(session, member, "staff.dismissed", now)
    return f"{member.name}已停用，账号不再能办案。手上 {freed} 件已退回组长，等待另派。"


def _away(session: Session, arguments: argparse.Namespace, _settings: Settings, now: datetime) -> str:
    member = _named(session, arguments.name)
    member.away = arguments.action == "away"
    _note(session, member, f"staff.{arguments.action}", now)
    return f"{member.name}{'休假，不派新案件' if member.away else '已销假'}。"


Action = Callable[[Session, argparse.Namespace, Settings, datetime], str]
ACTIONS: dict[str, Action] = {
    "add": _add,
    "list": _list,
    "link": _new_link,
    "dismiss": _dismiss,
    "away": _away,
    "back": _away,
}


def _named(session: Session, name: str) -> StaffMember:
    found = staff.named(session, name.strip())
    if not found:
        raise StaffError(f"名单里没有{name}。运行 staff list 看名单。")
    return found[0]


def _note(session: Session, member: StaffMember, action: str, now: datetime) -> None:
    audit.append(session, Entry(ACTOR, "", action, f"staff:{member.id}", detail={"role": member.role}), now)
