"""``custodian`` and ``identity``: who may open identities, and the opening of one by two of them."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.backoffice import key_files
from bot.backoffice.key_files import KeyFileError
from bot.settings import Settings
from storage import cases, identities
from storage.database import Database, Session
from storage.identities import Holder, RevealError

LABELS = {"name": "姓名", "phone": "电话", "address": "地址", "contact": "联系方式", "hidden": "自述中隐去的内容"}


def custodian(arguments: argparse.Namespace, settings: Settings) -> int:
    work: dict[str, Callable[[Session, argparse.Namespace, Settings], str]] = {
        "new": _new,
        "list": _list,
        "retire": _retire,
        "rewrap": _rewrap,
    }
    return _done(arguments, settings, work[arguments.action])


def identity(arguments: argparse.Namespace, settings: Settings) -> int:
    return _done(arguments, settings, {"ask": _ask, "open": _open}[arguments.action])


def _done(
    arguments: argparse.Namespace, settings: Settings, work: Callable[[Session, argparse.Namespace, Settings], str]
) -> int:
    database = Database(settings.database)
    try:
        database.migrate()
        with database.unit() as session:
            said = work(session, arguments, settings)
    except (KeyFileError, RevealError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        database.close()
    print(said)
    return 0


def _new(session: Session, arguments: argparse.Namespace, settings: Settings) -> str:
    if identities.named(session, arguments.name) is not None:
        raise KeyFileError(f"已经有叫 {arguments.name} 的保管人。")
    phrase = _passphrase(arguments, twice=True)
    public = key_files.make(arguments.key_file, phrase, settings.data_dir)
    identities.appoint(session, arguments.name, public, datetime.now(UTC))
    count = len(identities.custodians(session))
    missing = "" if count >= identities.LEAST_CUSTODIANS else "还要再登记一名，机器人才收实名投诉。"
    return f"{arguments.name} 已登记为密钥保管人（现有 {count} 名）。私钥在 {arguments.key_file}，请本人保管好，丢了不能补。{missing}"


def _list(session: Session, _arguments: argparse.Namespace, _settings: Settings) -> str:
    rows = identities.custodians(session)
    return "\n".join(f"{row.id}  {row.name}  {row.created_at:%Y-%m-%d} 起" for row in rows) or "还没有密钥保管人。"


def _retire(session: Session, arguments: argparse.Namespace, _settings: Settings) -> str:
    row = identities.named(session, arguments.name)
    if row is None or row.retired_at is not None:
        raise RevealError(f"没有叫 {arguments.name} 的在任保管人。")
    identities.retire(session, row, datetime.now(UTC))
    return f"{arguments.name} 已卸任。请两名在任保管人运行 custodian rewrap，把已封存的身份换成新的密钥。"


def _rewrap(session: Session, arguments: argparse.Namespace, _settings: Settings) -> str:
    first = _holder(session, arguments.key_file, arguments)
    second = _holder(session, arguments.second_key_file, arguments)
    return f"重新封存了 {identities.rewrap(session, first, second, datetime.now(UTC))} 份身份。"


def _ask(session: Session, arguments: argparse.Namespace, _settings: Settings) -> str:
    case = cases.by_number(session, arguments.number.upper())
    if case is None:
        raise RevealError(f"没有编号为 {arguments.number} 的案件。")
    holder = _holder(session, arguments.key_file, arguments)
    reveal = identities.ask_reveal(session, case.id, holder, arguments.reason, datetime.now(UTC))
    return f"开启申请 {reveal.id}：请另一名保管人 15 分钟内运行 identity open {reveal.id}。"


def _open(session: Session, arguments: argparse.Namespace, _settings: Settings) -> str:
    holder = _holder(session, arguments.key_file, arguments)
    found = identities.open_reveal(session, arguments.reveal, holder, datetime.now(UTC))
    lines = [f"{LABELS.get(name, name)}：{value}" for one in found for name, value in one.items() if value]
    return "\n".join([*lines, "只显示这一次，已记入审计日志。"])


def _holder(session: Session, path: Path, arguments: argparse.Namespace) -> Holder:
    key = key_files.read(path, _passphrase(arguments, for_file=path))
    row = identities.by_key(session, bytes(key.public_key))
    if row is None:
        raise KeyFileError("这把私钥不是登记过的保管人的。")
    return Holder(row, key)


def _passphrase(arguments: argparse.Namespace, *, twice: bool = False, for_file: Path | None = None) -> str:
    if arguments.passphrase_file is not None:
        return str(arguments.passphrase_file.read_text("utf-8").strip())
    phrase = getpass.getpass(f"{for_file or '新私钥'} 的口令：")
    if twice and getpass.getpass("再输一遍：") != phrase:
        raise KeyFileError("两遍口令不一样。")
    return phrase
