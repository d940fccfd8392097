"""The command line: ``python -m bot COMMAND``. What each command does stands in ``bot/commands.py``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot import commands, logs
from bot.commands import SHANGHAI
from bot.running import StartError
from bot.settings import Settings, SettingsError, load_settings
from bot.trouble import why_no_database
from knowledge.library import DataError

if TYPE_CHECKING:
    Parsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it

UNUSABLE, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What the operator can mend is one Chinese sentence, never a traceback."""
    os.umask(0o077)  # what lies in the data folder is nobody else's on this machine
    arguments = parser().parse_args(argv)
    settings = None
    try:
        settings = load_settings()
        logs.hide_for_good(settings.secrets())
        result: int = arguments.run(arguments, settings)
    except (SettingsError, StartError, DataError) as error:
        return _unusable(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        sentence = _mendable(error, settings)
        if sentence is None:
            raise
        return _unusable(sentence)
    return result


def _unusable(sentence: str) -> int:
    print(logs.scrub(sentence), file=sys.stderr)
    return UNUSABLE


def _mendable(error: Exception, settings: Settings | None) -> str | None:
    """What to look at, when this is an error of the surroundings."""
    sentence = why_no_database(error, settings.database) if settings else None
    if sentence is None and isinstance(error, OSError):
        return f"打不开 {error.filename or '数据文件夹'}：{error.strerror}。请检查 HONESTSCALE_DATA_DIR 和权限。"
    return sentence


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("端口要在 0 到 65535 之间；0 是随便一个空着的")
    return int(text)


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


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="诚信秤 · Honest Scale")
    found = parser.add_subparsers(required=True, metavar="命令")
    _add_processes(found)
    _add_platforms(found)
    _add_conversation(found)
    _add_audit(found)
    _add_custodians(found)
    _add_staff(found)
    _add_cases(found)
    _add_pledges(found)
    found.add_parser("check", help="检查知识数据").set_defaults(run=commands.check)
    found.add_parser("migrate", help="把数据库升到最新").set_defaults(run=commands.migrate)
    found.add_parser("prepare", help="建库并备好检索模型，让第一次启动也快").set_defaults(run=commands.prepare)
    return parser


def _add_processes(found: Parsers) -> None:
    serve = found.add_parser("serve", help="网页聊天、接口和平台回调，连同送达和定时任务")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_port, default=8000)
    serve.add_argument("--no-worker", action="store_true", help="本进程不送消息、不取文件")
    serve.add_argument("--no-clock", action="store_true", help="本进程不跑定时任务")
    serve.set_defaults(run=commands.serve)
    found.add_parser("worker", help="只送消息、取文件，不开网页").set_defaults(run=commands.worker)
    found.add_parser("clock", help="只跑定时任务").set_defaults(run=commands.clock)
    tick = found.add_parser("tick", help="把到点的定时任务和等着的活做一遍就退出，给 cron 用")
    tick.add_argument("--at", type=_instant, help="当作这一刻（仅供开发），如 2026-12-01T09:00")
    tick.set_defaults(run=commands.tick)


def _add_platforms(found: Parsers) -> None:
    wechat = found.add_parser("wechat", help="公众号：发布菜单、检查凭据、生成二维码")
    actions = wechat.add_subparsers(required=True, metavar="action", dest="action")
    actions.add_parser("menu", help="发布自定义菜单")
    actions.add_parser("check", help="检查凭据，列出账号能做什么、不能做什么")
    actions.add_parser("qr", help="生成带参数的二维码").add_argument("route", help="扫码后去哪里，如 s_A12")
    wechat.set_defaults(run=commands.wechat)

    telegram = found.add_parser("telegram", help="Telegram：登记回调和命令、检查令牌")
    actions = telegram.add_subparsers(required=True, metavar="action", dest="action")
    actions.add_parser("setup", help="登记回调地址、命令和说明")
    actions.add_parser("check", help="检查令牌和回调")
    telegram.set_defaults(run=commands.telegram)


def _add_conversation(found: Parsers) -> None:
    today = datetime.now(SHANGHAI).date()

    chat = found.add_parser("chat", help="在终端里聊；标准输入不是终端时一行一条，@路径 发文件")
    chat.add_argument("--user", default="terminal", help="聊天的人，不同名字是不同的人")
    chat.add_argument("--at", type=_instant, help="把时钟定在某一刻（仅供开发），如 2026-12-01T09:00")
    chat.set_defaults(run=commands.chat)

    ask = found.add_parser("ask", help="问一句，得一张卡片")
    ask.add_argument("query", nargs="?", default="")
    ask.add_argument("--ctx", help="同一个人的上一句")
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--stdin", action="store_true", help='一行一问，或一行一个 {"q": …, "ctx": …}')
    ask.add_argument("--on", type=_day, default=today, help="按哪一天的规定回答")
    ask.set_defaults(run=commands.ask)

    judge = found.add_parser("judge", help="当场判定")
    judge.add_argument("text")
    judge.add_argument("--json", action="store_true")
    judge.add_argument("--on", type=_day, default=today)
    judge.set_defaults(run=commands.judge)

    consults = found.add_parser("consults", help="看待答复的人工咨询；给出编号和答复就发给提问的人")
    consults.add_argument("number", nargs="?", default="")
    consults.add_argument("text", nargs="?", default="")
    consults.set_defaults(run=commands.consults)

    unreached = found.add_parser("unreached", help="逾期没动静、要打电话催检的店")
    unreached.add_argument("called", nargs="?", type=int, default=0, metavar="编号", help="这一家打过电话了")
    unreached.set_defaults(run=commands.unreached)

    invite = found.add_parser("invite", help="核实后给一家没有人管的店发店主加入码")
    invite.add_argument("code", metavar="统一社会信用代码")
    invite.set_defaults(run=commands.invite)


def _add_audit(found: Parsers) -> None:
    audit = found.add_parser("audit", help="审计日志：验有没有被动过，做每日锚点")
    actions = audit.add_subparsers(required=True, metavar="action", dest="action")
    verify = actions.add_parser("verify", help="验日志、锚点、时间戳和证据，只读；不对就退出 1")
    verify.add_argument("--anchors", type=Path, metavar="DIR", help="用抄到别处的锚点来验，留空用 DATA_DIR/anchors")
    anchor = actions.add_parser("anchor", help="做一天的锚点；已有的不动")
    anchor.add_argument("--on", type=_day, default=datetime.now(SHANGHAI).date(), help="记在哪一天")
    audit.set_defaults(run=commands.audit)


def _add_custodians(found: Parsers) -> None:
    custodian = found.add_parser("custodian", help="密钥保管人：登记、名单、卸任、重新封存身份")
    actions = custodian.add_subparsers(required=True, metavar="action", dest="action")
    new = actions.add_parser("new", help="登记一名保管人，把他的私钥写进一个文件")
    new.add_argument("name", metavar="姓名")
    _add_key(new, "新私钥写到哪里，不能在数据文件夹里")
    actions.add_parser("list", help="在任的保管人")
    retire = actions.add_parser("retire", help="卸任")
    retire.add_argument("name", metavar="姓名")
    retire.add_argument("--anyway", action="store_true", help="私钥被盗时：即使有身份从此没有人打得开")
    rewrap = actions.add_parser("rewrap", help="两名保管人在场，按现在的名单重新封存")
    _add_key(rewrap, "第一名保管人的私钥文件")
    rewrap.add_argument("--second-key-file", type=Path, required=True, help="第二名保管人的私钥文件")
    rewrap.add_argument("--second-passphrase-file", type=Path, help="第二名保管人的口令文件")
    custodian.set_defaults(run=commands.custodian)

    identity = found.add_parser("identity", help="两名保管人一起打开一个案件里封存的身份")
    actions = identity.add_subparsers(required=True, metavar="action", dest="action")
    ask = actions.add_parser("ask", help="第一名保管人申请，写明理由")
    ask.add_argument("number", metavar="案件编号")
    ask.add_argument("--reason", required=True, help="为什么要打开，至少 10 个字")
    _add_key(ask, "申请人的私钥文件")
    reveal = actions.add_parser("open", help="另一名保管人 15 分钟内打开，只显示一次")
    reveal.add_argument("reveal", type=int, metavar="申请号")
    _add_key(reveal, "另一名保管人的私钥文件")
    identity.set_defaults(run=commands.identity)


def _add_staff(found: Parsers) -> None:
    staff = found.add_parser("staff", help="办案人员：登记、入职码、名单、休假、停用")
    actions = staff.add_subparsers(required=True, metavar="action", dest="action")
    add = actions.add_parser("add", help="登记一人，给出入职码")
    add.add_argument("name", metavar="姓名")
    add.add_argument("--office", default="", help="哪个所或科室，如 城西所；派单按它认片区")
    add.add_argument("--role", choices=("officer", "leader"), default="officer", help="officer 办案，leader 组长")
    actions.add_parser("list", help="在岗名单")
    for action, what in (("link", "重新给入职码"), ("dismiss", "停用"), ("away", "休假"), ("back", "销假")):
        actions.add_parser(action, help=what).add_argument("name", metavar="姓名")
    staff.set_defaults(run=commands.staff)


def _add_cases(found: Parsers) -> None:
    cases = found.add_parser("cases", help="投诉举报案件：看、延长、认定恶意、导出")
    actions = cases.add_subparsers(required=True, metavar="action", dest="action")
    actions.add_parser("list", help="在办的案件")
    actions.add_parser("show", help="看一件").add_argument("number", metavar="案件编号")
    extend = actions.add_parser("extend", help="经批准延长核查期限，只能一次")
    extend.add_argument("number", metavar="案件编号")
    extend.add_argument("--approved-by", required=True, metavar="姓名", help="批准的负责人")
    malicious = actions.add_parser("malicious", help="认定恶意，要两个人")
    malicious.add_argument("number", metavar="案件编号")
    malicious.add_argument("--by", required=True, metavar="姓名", help="提出的人")
    malicious.add_argument("--approved-by", required=True, metavar="姓名", help="批准的人")
    export = actions.add_parser("export", help="导出案件，不含任何身份")
    export.add_argument("--since", type=_day, help="从哪天收到的，留空是全部")
    export.add_argument("--until", type=_day, help="到哪天，留空是今天")
    to = export.add_mutually_exclusive_group()
    to.add_argument("--csv", type=Path, metavar="FILE", help="写成 CSV")
    to.add_argument("--xlsx", type=Path, metavar="FILE", help="写成 Excel，默认")
    cases.set_defaults(run=commands.cases)


def _add_pledges(found: Parsers) -> None:
    pledges = found.add_parser("pledges", help="承诺：审申诉和申报、撤销、恢复、记信用分")
    actions = pledges.add_subparsers(required=True, metavar="action", dest="action")
    actions.add_parser("list", help="待审的申诉和申报")
    decide = actions.add_parser("decide", help="审一件")
    decide.add_argument("number", type=int, metavar="申请号")
    decide.add_argument("verdict", choices=("grant", "decline"), metavar="结论", help="grant 通过，decline 不通过")
    revoke = actions.add_parser("revoke", help="撤销一份承诺")
    revoke.add_argument("number", metavar="承诺编号")
    revoke.add_argument("--cause", default="", help="依据本局办法的哪一条")
    restore = actions.add_parser("restore", help="恢复一份暂停或撤销的承诺")
    restore.add_argument("number", metavar="承诺编号")
    score = actions.add_parser("score", help="给一家店记一条信用分")
    score.add_argument("shop", metavar="店铺")
    score.add_argument("rule", metavar="规则")
    score.add_argument("--on", type=_day, help="发生在哪天，留空是今天")
    undo = actions.add_parser("undo", help="记错的一条不再计分")
    undo.add_argument("number", type=int, metavar="条号")
    for action in (decide, revoke, restore, score, undo):
        action.add_argument("--by", required=True, metavar="姓名", help="谁定的")
        action.add_argument("--reason", required=True, metavar="理由", help="至少 10 个字，店里会看到")
    pledges.set_defaults(run=commands.pledges)


def _add_key(action: argparse.ArgumentParser, what: str) -> None:
    action.add_argument("--key-file", type=Path, required=True, help=what)
    action.add_argument("--passphrase-file", type=Path, help="从文件读口令，不在终端里问")


if __name__ == "__main__":
    logs.configure()
    sys.exit(main())
