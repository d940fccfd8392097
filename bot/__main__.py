"""The commands: serve, chat, ask, judge, consults, check, migrate, prepare."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from bot.settings import Settings, SettingsError, load_settings
from knowledge.library import DataError

SHANGHAI = ZoneInfo("Asia/Shanghai")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = load_settings()
        result: int = arguments.run(arguments, settings)
    except (SettingsError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"打不开 {error.filename or '数据文件夹'}：{error.strerror}。请检查 HONESTSCALE_DATA_DIR 和权限。",
            file=sys.stderr,
        )
        return 2
    return result


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.server import serve  # noqa: PLC0415 - each command loads only what it needs, so that all start fast

    return serve(settings, arguments.host, arguments.port, clock=not arguments.no_clock)


def _chat(arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.app import Service  # noqa: PLC0415
    from bot.channels.terminal import chat, fixed_clock, system_clock  # noqa: PLC0415

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


def _ask(arguments: argparse.Namespace, settings: Settings) -> int:
    from handlers.lookup import ask  # noqa: PLC0415
    from knowledge.library import Library  # noqa: PLC0415
    from knowledge.matcher import Matcher  # noqa: PLC0415

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
                data = json.loads(text)
            except ValueError:
                data = {}  # a message that merely begins with a brace is a message
            if isinstance(data.get("q"), str):
                yield data["q"], data["ctx"] if isinstance(data.get("ctx"), str) else None
                continue
        yield text, None


def _judge(arguments: argparse.Namespace, _settings: Settings) -> int:
    from knowledge.judging import judge  # noqa: PLC0415
    from knowledge.quantities import read_sale  # noqa: PLC0415

    verdict = judge(read_sale(arguments.text), arguments.on)
    print(json.dumps(verdict.to_json(), ensure_ascii=False) if arguments.json else verdict.text)
    return 0


def _check(_arguments: argparse.Namespace, _settings: Settings) -> int:
    from bot.check import report  # noqa: PLC0415

    text, sound = report(datetime.now(SHANGHAI).date())
    print(text)
    return 0 if sound else 1


def _migrate(_arguments: argparse.Namespace, settings: Settings) -> int:
    from storage.database import Database  # noqa: PLC0415

    database = Database(settings.database)
    database.migrate()
    print(f"数据库已是最新：{database.revision()}")
    database.close()
    return 0


def _prepare(_arguments: argparse.Namespace, settings: Settings) -> int:
    from bot.app import Knowledge  # noqa: PLC0415

    print("正在准备检索模型：第一次约半分钟，以后很快……", flush=True)
    Knowledge.load(settings.cache_dir)
    return _migrate(_arguments, settings)


def _consults(arguments: argparse.Namespace, settings: Settings) -> int:
    from handlers.consult import answer, waiting_list  # noqa: PLC0415
    from storage.consults import open_consults  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

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


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("日期请写成 2027-01-08 这样") from None


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("时刻请写成 2026-12-01T09:00 这样") from None
    return (at if at.tzinfo else at.replace(tzinfo=SHANGHAI)).astimezone(UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="诚信秤 · Honest Scale")
    commands = parser.add_subparsers(required=True, metavar="命令")
    today = datetime.now(SHANGHAI).date()

    serve = commands.add_parser("serve", help="网页聊天与接口")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--no-clock", action="store_true", help="本进程不跑定时任务")
    serve.set_defaults(run=_serve)

    chat = commands.add_parser("chat", help="在终端里聊；标准输入不是终端时一行一条，@路径 发文件")
    chat.add_argument("--user", default="terminal", help="聊天的人，不同名字是不同的人")
    chat.add_argument("--at", type=_instant, help="把时钟定在某一刻（仅供开发），如 2026-12-01T09:00")
    chat.set_defaults(run=_chat)

    ask = commands.add_parser("ask", help="问一句，得一张卡片")
    ask.add_argument("query", nargs="?", default="")
    ask.add_argument("--ctx", help="同一个人的上一句")
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--stdin", action="store_true", help='一行一问，或一行一个 {"q": …, "ctx": …}')
    ask.add_argument("--on", type=_day, default=today, help="按哪一天的规定回答")
    ask.set_defaults(run=_ask)

    judge = commands.add_parser("judge", help="当场判定")
    judge.add_argument("text")
    judge.add_argument("--json", action="store_true")
    judge.add_argument("--on", type=_day, default=today)
    judge.set_defaults(run=_judge)

    consults = commands.add_parser("consults", help="看待答复的人工咨询；给出编号和答复就发给提问的人")
    consults.add_argument("number", nargs="?", default="")
    consults.add_argument("text", nargs="?", default="")
    consults.set_defaults(run=_consults)

    commands.add_parser("check", help="检查知识数据").set_defaults(run=_check)
    commands.add_parser("migrate", help="把数据库升到最新").set_defaults(run=_migrate)
    commands.add_parser("prepare", help="建库并备好检索模型，让第一次启动也快").set_defaults(run=_prepare)
    return parser


if __name__ == "__main__":
    sys.exit(main())
