"""Conversations that read as conversations: ``tests/flows/*.talk`` are parsed and played here.

The format, one thing per line:

    # 标题                      what the conversation shows; further # lines are remarks
    @时间 2026-11-24T10:00      the clock (China) from here on
    用户：菜单                   the person says something
    @文件 台账.xlsx              the person sends a file, of tests/sent_files.py; without a name a picture
    @等                         slow work is done, the clock's work of that hour too, and what was pushed is shown
    @渠道 terminal web           only there: the other channels carry no such files
    @待修 为什么                 the bot does not do this yet: the conversation must fail until it does
    机器人：您好…                 the bubbles that must come, in order; … stands for any text
      1 看菜单                  two blanks in front: the bubble goes on
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

from bot.app import Service
from bot.channels.terminal import render
from bot.task_kinds import run_due
from handlers.conversation.messages import Choice, ContactRef, Inbound, Reply
from scheduler import reminders
from tests.sent_files import BY_NAME
from tests.support import NOW, Browser, StandingClock, local

FLOWS = Path(__file__).parent / "flows"
ALL_CHANNELS = ("terminal", "web", "wechat", "telegram")
OPTIONS_OPEN = timedelta(minutes=30)


class TalkError(ValueError):
    """A .talk file is not written as the format wants it; names the file and the line."""


@dataclass
class Turn:
    """What the person did (None: nothing yet, the bot opens) and the bubbles that must come."""

    line: int
    at: datetime
    said: str | None
    sends_file: str = ""
    waits: bool = False
    bubbles: list[str] = field(default_factory=list)

    @property
    def deed(self) -> str:
        if self.sends_file or self.waits:
            return f"（发来 {self.sends_file}）" if self.sends_file else "（等）"
        return "（打开对话）" if self.said is None else self.said


@dataclass
class Talk:
    path: Path
    title: str
    turns: list[Turn]
    channels: tuple[str, ...] = ALL_CHANNELS
    wrong_today: str = ""
    """Why the bot does not talk like this yet; empty when it should."""


def parse(path: Path) -> Talk:
    talk, at = Talk(path, "", []), NOW
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("#"):
            talk.title = talk.title or line.lstrip("# ")
        elif line.startswith("@时间 "):
            at = local(line.split()[1])
        elif line.startswith("@渠道 "):
            talk.channels = tuple(line.split()[1:])
        elif line.startswith("@待修 "):
            talk.wrong_today = line.split(maxsplit=1)[1]
        elif line.strip() and not _take(talk.turns, line, number, at):
            raise TalkError(f"{path.name}:{number}：看不懂这一行：{line}")
    if not talk.title:
        raise TalkError(f"{path.name}：第一行要有“# 标题”")
    if any(not turn.bubbles for turn in talk.turns):
        raise TalkError(f"{path.name}：有一句话后面没写机器人怎么答")
    return talk


def _take(turns: list[Turn], line: str, number: int, at: datetime) -> bool:
    """Add one spoken line to the turns; False when it is none."""
    who, words = ([*re.split("[：:]", line, maxsplit=1), ""])[:2]
    if line.startswith("@文件"):
        turns.append(Turn(number, at, "", sends_file=line.removeprefix("@文件").strip() or "秤.png"))
    elif line == "@等":
        turns.append(Turn(number, at, "", waits=True))
    elif who == "用户":
        turns.append(Turn(number, at, words.strip()))
    elif who == "机器人":
        if not turns:
            turns.append(Turn(number, at, None))
        turns[-1].bubbles.append(words.strip())
    elif line.startswith("  ") and turns and turns[-1].bubbles:
        turns[-1].bubbles[-1] += "\n" + line[2:]
    else:
        return False
    return True


def all_talks() -> list[Path]:
    return sorted(FLOWS.glob("*.talk"))


# -- matching -----------------------------------------------------------------------------------------------------


def fits(expected: str, actual: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), actual, re.DOTALL) is not None


def difference(talk: Talk, turn: Turn, actual: list[str]) -> str | None:
    """None when every bubble is as written; else the two conversations side by side, for people."""
    pairs = list(zip_longest(turn.bubbles, actual))
    if all(want is not None and got is not None and fits(want, got) for want, got in pairs):
        return None
    lines = [f"{talk.path.name}:{turn.line} 《{talk.title}》", f"用户：{turn.deed}"]
    for number, (want, got) in enumerate(pairs, 1):
        good = want is not None and got is not None and fits(want, got)
        lines.append(f"-- 第 {number} 条{'对得上' if good else '对不上'} --")
        lines += _indented("应是", want) if not good else []
        lines += _indented("实际", got)
    return "\n".join(lines)


def _indented(word: str, text: str | None) -> list[str]:
    return [f"  {word} │ {line}" for line in ("（没有这一条）" if text is None else text or "（空）").split("\n")]


# -- channels -----------------------------------------------------------------------------------------------------


class Channel(Protocol):
    def open(self, at: datetime) -> list[Reply]: ...

    def say(self, text: str, at: datetime) -> list[Reply]: ...

    def send_file(self, name: str, at: datetime) -> list[Reply]: ...

    def wait(self, at: datetime) -> list[Reply]: ...


class Terminal:
    """The service as the terminal uses it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.person = ContactRef("terminal", "wang")
        self.count = 0

    def open(self, at: datetime) -> list[Reply]:
        return [line.reply for line in self.service.greet(Inbound(self.person, "open", at))]

    def say(self, text: str, at: datetime) -> list[Reply]:
        return self._talk(text, at, ())

    def send_file(self, name: str, at: datetime) -> list[Reply]:
        return self._talk("", at, (self.service.keep_file(BY_NAME[name](), name),))

    def wait(self, at: datetime) -> list[Reply]:
        work_off(self.service, at)
        return [line.reply for line in self.service.waiting(self.person, at)]

    def _talk(self, text: str, at: datetime, files: tuple[Any, ...]) -> list[Reply]:
        self.count += 1
        inbound = Inbound(self.person, f"t{self.count}", at, text, attachments=files)
        return [line.reply for line in self.service.talk(inbound)]


class Web:
    """The service through the web chat's own requests; ``taps``: a number is tapped on its button, not typed."""

    def __init__(self, service: Service, client: Browser, clock: StandingClock, *, taps: bool) -> None:
        self.service = service
        self.client = client
        self.clock = clock
        self.taps = taps
        self.after = 0
        self.count = 0
        self.buttons: dict[str, str] = {}
        self.shown_at = NOW

    def open(self, at: datetime) -> list[Reply]:
        self.clock.now = at
        token = self.client.post("/chat/session").json()["token"]
        self.client.headers["Authorization"] = f"Bearer {token}"
        text, starts = self.service.greeting()
        assert text.split("\n")[0] in self.client.get("/").text
        return [Reply(text, tuple(Choice(label, "") for label in starts))]

    def say(self, text: str, at: datetime) -> list[Reply]:
        number = unicodedata.normalize("NFKC", text)
        token = self.buttons.get(number) if self.taps and at - self.shown_at <= OPTIONS_OPEN else None
        return self.send(at, {"choice": token} if token else {"text": text})

    def send(self, at: datetime, what: dict[str, str]) -> list[Reply]:
        self.clock.now = at
        body = {"key": self._key(), "after": self.after, **what}
        return self._read(self.client.post("/chat/messages", json=body), at)

    def send_file(self, name: str, at: datetime) -> list[Reply]:
        self.clock.now = at
        data = {"key": self._key(), "after": str(self.after)}
        return self._read(self.client.post("/chat/files", data=data, files={"files": (name, BY_NAME[name]())}), at)

    def wait(self, at: datetime) -> list[Reply]:
        self.clock.now = at
        work_off(self.service, at)
        return self._read(self.client.get(f"/chat/messages?after={self.after}"), at)

    def _key(self) -> str:
        self.count += 1
        return f"key-{self.count:08d}"

    def _read(self, response: Any, at: datetime) -> list[Reply]:
        assert response.status_code == 200, response.text
        body = response.json()
        self.after = body["last"]
        answers = [line["reply"] for line in body["lines"] if "reply" in line]
        self.buttons = {str(c["n"]): c["token"] for c in (answers[-1]["choices"] if answers else [])}
        self.shown_at = at
        return [Reply(a["text"], tuple(Choice(c["label"], "") for c in a["choices"])) for a in answers]


def work_off(service: Service, at: datetime) -> None:
    """What slow workers and the clock would have done by then."""
    run_due(service, lambda: at)
    if reminders.may_tell(service.reception.bench, at):
        reminders.run(service.database, at, service.reception.bench)
        reminders.list_unreached(service.database, at, service.reception.bench)


# -- playing ------------------------------------------------------------------------------------------------------


@dataclass
class Played:
    """One turn as it went."""

    turn: Turn
    replies: list[Reply]


def play(talk: Talk, channel: Channel) -> Iterator[Played]:
    turns = talk.turns
    opened = channel.open(turns[0].at)
    if turns[0].said is None:
        yield Played(turns[0], opened)
        turns = turns[1:]
    for turn in turns:
        yield Played(turn, done(turn, channel))


def done(turn: Turn, channel: Any) -> Any:
    """What comes back for a turn: a platform's stage gives texts, the others replies."""
    if turn.waits:
        return channel.wait(turn.at)
    return channel.send_file(turn.sends_file, turn.at) if turn.sends_file else channel.say(turn.said or "", turn.at)


def check(talk: Talk, played: Iterator[Played] | list[Played]) -> None:
    for one in played:
        wrong = difference(talk, one.turn, [render(reply) for reply in one.replies])
        assert wrong is None, "\n" + str(wrong)


class Corpus:
    """Every conversation through the terminal, played when first asked for. A crash is kept, and raised to each asker."""

    def __init__(self, start: Callable[[str], Service]) -> None:
        self._start = start
        self._played: dict[Path, list[Played] | Exception] = {}

    def played(self, path: Path) -> list[Played]:
        if path not in self._played:
            self._played[path] = self._play(path)
        kept = self._played[path]
        if isinstance(kept, Exception):
            raise kept
        return kept

    def _play(self, path: Path) -> list[Played] | Exception:
        service = self._start(path.stem)
        try:
            return list(play(parse(path), Terminal(service)))
        except Exception as error:
            return error
        finally:
            service.close()

    @cached_property
    def replies(self) -> list[tuple[str, Reply]]:
        """Every bubble of every conversation that could be played, with the file and line it answered."""
        found: list[tuple[str, Reply]] = []
        for path in all_talks():
            try:
                turns = self.played(path)
            except Exception:  # noqa: S112 - its own test fails and says so
                continue
            found += [(f"{path.name}:{one.turn.line}", reply) for one in turns for reply in one.replies]
        return found
