"""Logs that hold no secrets: one handler for everything, whose finished text is scrubbed, tracebacks included.

Values are hidden by name: every secret of the settings, and what ``hide`` was told since (access tokens). What looks
like a credential is hidden by its shape, so that one nobody told of is not shown either.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

log = logging.getLogger(__name__)

HIDDEN = "〈隐去〉"
SHORTEST = 3
"""A shorter value stands in half of all words; hiding it would hide the log."""
RECENT = 256
TALKATIVE = ("httpx", "httpcore", "urllib3", "telegram")
"""Libraries that log whole addresses, the token among them."""

_CREDENTIALS = (
    (
        re.compile(
            r"""(?ix) \b ((?:access_|component_access_|refresh_)?token | (?:app|corp)?secret | password | openid)
            (["']? \s* [=:] \s* ["']?) [^&\s"'<>,;)}\]]+"""
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?<![A-Za-z0-9])(bot)?\d{5,}(?::|%3[Aa])[A-Za-z0-9_-]{20,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(://[^\s:/@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
)

_lasting: set[str] = set()
_recent: deque[str] = deque(maxlen=RECENT)


def hide(value: str) -> None:
    """Do not show this in any spelling that an address or a repr gives it; the last ``RECENT`` spellings are kept,
    since access tokens change every two hours."""
    _recent.extend(_spellings(value).difference(_recent))


def hide_for_good(values: Iterable[str]) -> None:
    _lasting.update(*map(_spellings, values))


def _spellings(value: str) -> set[str]:
    if len(value) < SHORTEST:
        return set()
    return {value, quote(value, safe=""), quote_plus(value), repr(value)[1:-1]}


def scrub(text: str) -> str:
    """The text without anything that must not be shown."""
    for value in sorted(_lasting.union(_recent), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    for pattern, kept in _CREDENTIALS:
        text = pattern.sub(kept, text)
    return text


class ScrubbingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class Stderr(logging.Handler):
    """Writes to whatever ``sys.stderr`` is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # a record whose arguments do not fit its words; logging itself would print them as they are
            line = scrub(f"{record.levelname} {record.name} a log record could not be written: {record.msg}")
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def configure() -> None:
    """For a process of its own: the one handler, and everything nobody caught goes through it as well."""
    handler = Stderr()
    handler.setFormatter(ScrubbingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("stopped by an error nobody caught", exc_info=(kind, error, trace))


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    log.error("an error that could not be raised", exc_info=args.exc_value)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        log.error("a thread was stopped by an error nobody caught", exc_info=args.exc_value)
