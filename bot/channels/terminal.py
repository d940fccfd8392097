"""The bot in a terminal: the same conversation in plain text, typed or read line by line from a file or pipe."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from bot.app import Service
from bot.task_kinds import run_due
from bot.web.ports import BadFileError
from handlers.conversation.messages import Attachment, ContactRef, Inbound, Numbered, Reply

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def render(reply: Reply) -> str:
    """A reply as text: its options as numbered lines."""
    options = [f"{n} {choice.label}" for n, choice in enumerate(reply.choices, 1)]
    return "\n".join([reply.text, *options])


def chat(service: Service, user: str, source: TextIO, out: TextIO, clock: Clock) -> None:
    """Talk until the input ends. A line ``@path`` sends that file; a contact's waiting messages come first."""
    contact = ContactRef("terminal", user)
    interactive = source.isatty()
    _say(out, service.greet(Inbound(contact, "open", clock())))
    _say(out, service.waiting(contact, clock()))
    for line in _lines(source, out, interactive=interactive):
        if not interactive:
            out.write(f"用户：{line}\n")
        try:
            inbound = _inbound(service, contact, line, clock())
        except (BadFileError, OSError) as error:
            out.write(f"机器人：{_why(error, line)}\n\n")
            continue
        try:
            _say(out, service.talk(inbound))
        except Exception:
            log.exception("a turn failed")
            out.write("机器人：这条消息没处理好，什么都没有改动，请原样再发一次。\n\n")
        _work_off(service, clock)
        _say(out, service.waiting(contact, clock()))


def _work_off(service: Service, clock: Clock) -> None:
    try:
        run_due(service, clock)
    except Exception:
        log.exception("slow work failed")  # it stays to be done; the conversation goes on


def _inbound(service: Service, contact: ContactRef, line: str, now: datetime) -> Inbound:
    key = secrets.token_hex(8)
    if not line.startswith("@") or len(line) == 1:
        return Inbound(contact, key, now, line)
    path = Path(line[1:]).expanduser()
    return Inbound(contact, key, now, "", attachments=(_file(service, path),))


def _file(service: Service, path: Path) -> Attachment:
    return service.keep_file(path.read_bytes(), path.name)


def _lines(source: TextIO, out: TextIO, *, interactive: bool) -> Iterable[str]:
    while True:
        if interactive:
            out.write("您：")
            out.flush()
        line = source.readline()
        if not line:
            return
        if line.strip():
            yield line.strip("\r\n")


def _say(out: TextIO, lines: list[Numbered]) -> None:
    out.writelines(f"机器人：{render(line.reply)}\n\n" for line in lines)
    out.flush()


def _why(error: Exception, line: str) -> str:
    return str(error) if isinstance(error, BadFileError) else f"打不开文件“{line[1:]}”，请检查路径。"


def system_clock() -> datetime:
    return datetime.now(UTC)


def fixed_clock(at: datetime) -> Clock:
    return lambda: at
