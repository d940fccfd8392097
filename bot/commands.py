"""What each command does. A command imports only what it needs, so that all start fast."""
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import logs
from bot.settings import Settings

SHANGHAI = ZoneInfo("Asia/Shanghai")


# -- processes ----------------------------------------------------------------------------------------------------


def serve(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.server import serve

    no_clock, no_worker = arguments.no_clock, arguments.no_worker
    return serve(settings, arguments.host, arguments.port, clock=not no_clock, worker=not no_worker)


def worker(_arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.worker import work

    return work(settings)


def clock(_arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.worker import keep_hours

    return keep_hours(settings)


def tick(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.ticking import TickError, tick

    try:
        lines, sound = tick(settings, arguments.at)
    except TickError as error:
        print(error, file=sys.stderr)
        return 2
    for line in lines:
        print(line)
    return 0 if sound else 1


# -- platforms ----------------------------------------------------------------------------------------------------


def wechat(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.channels.wechat import account

    if arguments.action == "qr":
        return _say(asyncio.run(account.qr(settings, arguments.route)))
    return _say(asyncio.run({"menu": account.publish_menu, "check": account.check}[arguments.action](settings)))


def telegram(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.channels.telegram import commands

    return _say(asyncio.run({"setup": commands.setup, "check": commands.check}[arguments.action](settings)))


def _say(lines: list[str]) -> int:
    for line in lines:
        print(logs.scrub(line))
    return 0


# -- conversation and facts ---------------------------------------------------------------------------------------


def chat(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.app import Service
    from bot.channels.terminal import chat, fixed_clock, system_clock

    service = Service(settings)
    try:
        chat(
            service, arguments.user, sys.stdin, sys.stdout, fixed_clock(arguments.at) if arguments.at else system_clock
        )
    except KeyboardInterrupt:
        print()
    finally:
        service.close()
    return 0


def ask(arguments: argparse.Namespace, settings: Settings) -> int:
    from handlers.lookup import ask
    from knowledge.library import Library
    from knowledge.matcher import Matcher

    matcher = Matcher.build(Library.load(), cache=settings.cache_dir)
    for query, context in _queries(arguments):
        found = ask(matcher, query, context, arguments.on)
        print(json.dumps(found, ensure_ascii=False) if arguments.json or arguments.stdin else found["text"], flush=True)
    return 0


def _queries(arguments: argparse.Namespace) -> Iterator[tuple[str, str | None]]:
    if not arguments.stdin:
        yield arguments.query, arguments.ctx
        return
    for line in sys.stdin:
        text = line.strip("\r\n")
        if text.startswith("{"):
            try:
                data: dict[str, Any] = json.loads(text)
            except ValueError:
                data = {}  # a message that merely begins with a brace is a message
            if isinstance(data.get("q"), str):
                yield data["q"], data["ctx"] if isinstance(data.get("ctx"), str) else None
                continue
        yield text, None


def judge(arguments: argparse.Namespace, _settings: Settings) -> int:
    from knowledge.judging import judge
    from knowledge.quantities import read_sale

    verdict = judge(read_sale(arguments.text), arguments.on)
    print(json.dumps(verdict.to_json(), ensure_ascii=False) if arguments.json else verdict.text)
    return 0


def check(_arguments: argparse.Namespace, _settings: Settings) -> int:
    from bot.check import report

    text, sound = report(datetime.now(SHANGHAI).date())
    print(text)
    return 0 if sound else 1


def consults(arguments: argparse.Namespace, settings: Settings) -> int:
    from handlers.consult import answer, waiting_list
    from storage.consults import open_consults
    from storage.database import Database

    database = Database(settings.database)
    database.migrate()
    with database.unit() as session:
        if arguments.number and not arguments.text.strip():
            print("请在编号后面写上答复内容。")
        elif arguments.number:
            print(answer(session, arguments.number, arguments.text, datetime.now(UTC)))
        else:
            print(waiting_list(open_consults(session)))
    database.close()
    return 0


def unreached(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.app import Service
    from handlers.staff import line_of
    from storage import reminders

    service = Service(settings)
    try:
        with service.database.unit() as session:
            if arguments.called:
                done = reminders.mark_called(session, arguments.called, datetime.now(UTC))
                print(f"{arguments.called} 号记为已打过电话。" if done else f"名单里没有 {arguments.called} 号。")
            rows = reminders.unreached(session, limit=1000)
            print("\n".join(line_of(service.reception.bench, *row) for row in rows) or "没有要打电话催检的店。")
    finally:
        service.close()
    return 0


def invite(arguments: argparse.Namespace, settings: Settings) -> int:
    from knowledge.credit_code import CreditCodeError, read_credit_code
    from storage import shops
    from storage.database import Database

    database = Database(settings.database)
    database.migrate()
    try:
        with database.unit() as session:
            shop = shops.by_credit_code(session, read_credit_code(arguments.code))
            if shop is None:
                print("没有用这个统一社会信用代码登记的店。", file=sys.stderr)
                return 1
            role = shops.Role.MANAGER if shops.count_members(session, shop.id) else shops.Role.OWNER
            code = shops.invite(session, shop.id, role, datetime.now(UTC))
            print(f"{shop.name}：请对方在对话里回“加入 {code[:4]}-{code[4:]}”，24 小时内用一次。")
    except CreditCodeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        database.close()
    return 0


# -- database -----------------------------------------------------------------------------------------------------


def migrate(_arguments: argparse.Namespace, settings: Settings) -> int:
    from storage.database import Database

    database = Database(settings.database)
    database.migrate()
    print(f"数据库已是最新：{database.revision()}")
    database.close()
    return 0


def prepare(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.app import Knowledge

    print("正在准备检索模型：第一次约半分钟，以后很快……", flush=True)
    Knowledge.load(settings.cache_dir)
    return migrate(arguments, settings)


def audit(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.backoffice.auditing import run

    return run(arguments, settings)


def staff(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.backoffice.staff import staff_command

    return staff_command(arguments, settings)


def pledges(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.backoffice.pledges import run

    return run(arguments, settings)


def cases(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.backoffice.cases import cases_command

    return cases_command(arguments, settings)


def custodian(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.backoffice.custodians import custodian

    return custodian(arguments, settings)


def identity(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.backoffice.custodians import identity

    return identity(arguments, settings)
