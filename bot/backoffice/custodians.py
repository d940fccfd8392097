"""``custodian`` and ``identity``: who may open identities, and the opening of one by two of them."""

from __future__ import annotations

import argparse
import getpass
import hashlib
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from nacl.public import PrivateKey

from bot.backoffice import key_files
from bot.backoffice.key_files import KeyFileError
from bot.settings import Settings
from storage import cases, identities
from storage.database import Database, Session
from storage.identities import Holder, RevealError

LABELS = {"name": "姓名", "phone": "电话", "told": "自述中隐去的内容"}
KINDS = {
    "name": "姓名",
    "mobile": "手机",
    "landline": "座机",
    "id-card": "身份证",
    "bank-card": "银行卡",
    "e-mail": "电子邮箱",
    "account": "微信、QQ 等账号",
}
"""Of what was taken out of a story (``knowledge.private_words``), in which it stands as ``mobile：138…；name：…``."""
_KIND = re.compile(rf"(^|；)({'|'.join(KINDS)})：")


def custodian(arguments: argparse.Namespace, settings: Settings) -> int:
    work = {"new": _new, "list": _list, "retire": _retire, "rewrap": _rewrap}
    return _done(arguments, settings, work[arguments.action])


def identity(arguments: argparse.Namespace, settings: Settings) -> int:
    return _done(arguments, settings, {"ask": _ask, "open": _open}[arguments.action])


def _done(
    arguments: argparse.Namespace, settings: Settings, work: Callable[[Database, argparse.Namespace, Settings], str]
) -> int:
    database = Database(settings.database)
    try:
        database.migrate()
        said = work(database, arguments, settings)
    except (KeyFileError, RevealError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        database.close()
    print(said)
    return 0


# Passphrases are asked for outside every transaction: while somebody types, nobody else could write.


def _new(database: Database, arguments: argparse.Namespace, settings: Settings) -> str:
    with database.reading() as session:
        if identities.named(session, arguments.name) is not None:
            raise KeyFileError(f"已经有叫 {arguments.name} 的保管人。")
    phrase = _passphrase(arguments.passphrase_file, "新私钥", twice=True)
    public = key_files.make(arguments.key_file, phrase, settings.data_dir)
    with database.unit() as session:
        identities.appoint(session, arguments.name, public, datetime.now(UTC))
        count = len(identities.custodians(session))
    missing = "" if count >= identities.LEAST_CUSTODIANS else "还要再登记一名，机器人才收实名投诉。"
    return f"{arguments.name} 已登记为密钥保管人（现有 {count} 名）。私钥在 {arguments.key_file}，请本人保管好，丢了不能补。公钥指纹 {_fingerprint(public)}。{missing}"


def _list(database: Database, _arguments: argparse.Namespace, _settings: Settings) -> str:
    with database.reading() as session:
        rows = identities.custodians(session)
    lines = [
        f"{row.id}  {row.name}  {row.created_at:%Y-%m-%d} 起  公钥指纹 {_fingerprint(row.public_key)}" for row in rows
    ]
    return "\n".join(lines) or "还没有密钥保管人。"


def _retire(database: Database, arguments: argparse.Namespace, _settings: Settings) -> str:
    with database.unit() as session:
        row = identities.named(session, arguments.name)
        if row is None or row.retired_at is not None:
            raise RevealError(f"没有叫 {arguments.name} 的在任保管人。")
        identities.retire(session, row, datetime.now(UTC), anyway=arguments.anyway)
    return f"{arguments.name} 已卸任。请两名在任保管人运行 custodian rewrap，把已封存的身份换成新的密钥。"


def _rewrap(database: Database, arguments: argparse.Namespace, _settings: Settings) -> str:
    keys = (
        _key(arguments.key_file, arguments.passphrase_file),
        _key(arguments.second_key_file, arguments.second_passphrase_file),
    )
    with database.unit() as session:
        first, second = (_holder(session, key) for key in keys)
        done = identities.rewrap(session, first, second, datetime.now(UTC))
        lost = identities.stranded(session)
    left = f"还有 {lost} 份没有哪两名在任保管人打得开。" if lost else ""
    return f"重新封存了 {done} 份身份。{left}"


def _ask(database: Database, arguments: argparse.Namespace, _settings: Settings) -> str:
    key = _key(arguments.key_file, arguments.passphrase_file)
    with database.unit() as session:
        case = cases.by_number(session, arguments.number.upper())
        if case is None:
            raise RevealError(f"没有编号为 {arguments.number} 的案件。")
        reveal = identities.ask_reveal(session, case.id, _holder(session, key), arguments.reason, datetime.now(UTC))
    return f"开启申请 {reveal.id}：请另一名保管人 15 分钟内运行 identity open {reveal.id}。"


def _open(database: Database, arguments: argparse.Namespace, _settings: Settings) -> str:
    key = _key(arguments.key_file, arguments.passphrase_file)
    with database.unit() as session:
        found = identities.open_reveal(session, arguments.reveal, _holder(session, key), datetime.now(UTC))
        left = identities.kept(session, session.get_one(identities.Reveal, arguments.reveal).case_id) - len(found)
    lines = [_identity_line(name, value) for one in found for name, value in one.items() if value]
    more = [f"另有 {left} 份不是为这两名保管人封存的，没有显示。"] if left else []
    return "\n".join([*lines, *more, "只显示这一次，已记入审计日志。"])


def _identity_line(name: str, value: str) -> str:
    shown = _KIND.sub(lambda found: f"{found[1]}{KINDS[found[2]]}：", value) if name == "told" else value
    return f"{LABELS.get(name, name)}：{_plain(shown)}"


def _key(path: Path, passphrase_file: Path | None) -> PrivateKey:
    return key_files.read(path, _passphrase(passphrase_file, str(path)))


def _holder(session: Session, key: PrivateKey) -> Holder:
    row = identities.by_key(session, bytes(key.public_key))
    if row is None:
        raise KeyFileError("这把私钥不是登记过的保管人的。")
    return Holder(row, key)


def _passphrase(file: Path | None, whose: str, *, twice: bool = False) -> str:
    if file is not None:
        try:
            return file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise KeyFileError(f"读不了口令文件 {file}。") from None
    phrase = getpass.getpass(f"{whose} 的口令：")
    if twice and getpass.getpass("再输一遍：") != phrase:
        raise KeyFileError("两遍口令不一样。")
    return phrase


def _fingerprint(public_key: bytes) -> str:
    """By which a custodian sees that the key in the database is still theirs."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def _plain(text: str) -> str:
    """What a stranger typed must not steer the terminal."""
    return "".join(" " if c.isspace() else c for c in text if c.isspace() or c.isprintable())
