"""The order in which a message is understood: button, scanned code, global word, open form, number, pattern, command,
knowledge.

A service is what stands behind a prefix of actions: ``lookup:…``, ``judge:…``. The router knows no service by name
except through the table it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from handlers.conversation import forms
from handlers.conversation.forms import Field, Form, Step
from handlers.conversation.messages import AttachmentKind, Choice, Inbound, Reply
from handlers.conversation.state import DRAFT_LIFE, DialogueState
from handlers.conversation.words import (
    Global,
    fold,
    global_word,
    is_back,
    is_bare_number,
    is_done,
    is_skip,
    read_digits,
)

TalkT = TypeVar("TalkT", bound="TalkLike")
Replies = list[Reply]
ROUTE = re.compile(r"([a-z])_([A-Za-z0-9_-]{1,62})")
"""What a scanned code or a deep link carries, e.g. ``s_A12``: the kind, then what it is about; 64 characters in all."""
AS_SAID = {"b": "返回", "q": "取消"}
"""Buttons that every question of a form may have beside its options, and the words they stand for."""


class TalkLike(Protocol):
    """What the router needs of a turn's surroundings."""

    inbound: Inbound
    state: DialogueState
    now: datetime
    public_only: bool

    def repeat(self) -> Replies:
        """What was said last, once more."""


@dataclass(frozen=True, slots=True)
class Service(Generic[TalkT]):
    """One thing the bot does.

    ``act`` answers an action (without the service's own prefix); ``submit`` takes a completed form; ``recognise``
    turns free text into an action when its shape alone says what it is (weights and a price, a case number);
    ``commands`` are exact words.
    """

    name: str
    act: Callable[[TalkT, str], Replies]
    forms: tuple[Form, ...] = ()
    submit: Callable[[TalkT, str, dict[str, Any]], Replies] | None = None
    recognise: Callable[[TalkT, str], str | None] = lambda _talk, _text: None
    commands: Mapping[str, str] | None = None
    claims: Callable[[str], str | None] = lambda _text: None
    """A command with something behind it, such as a code; like commands it means the same wherever it is said."""
    cancel: Callable[[TalkT, dict[str, Any]], Replies] | None = None
    """What leaving a form of this service undoes; without it the answers are kept as a draft."""
    personal: bool = False
    """It deals with personal matters, which are not for every channel."""


@dataclass(frozen=True, slots=True)
class Route(Generic[TalkT]):
    """Where one kind of scanned code leads; ``answer`` is told what the code is about."""

    answer: Callable[[TalkT, str], Replies]
    personal: bool = False


def _elsewhere(_talk: object) -> Replies:
    return [Reply("涉及个人信息的事这里办不了。")]


def _unreadable(_talk: object) -> Replies:
    return [Reply("这种内容我看不了，请打字问。")]


@dataclass(frozen=True, slots=True)
class Desk(Generic[TalkT]):
    """The bot's front desk: the services by name, and what stands behind the words known everywhere."""

    services: Sequence[Service[TalkT]]
    menu: Callable[[TalkT], Replies]
    help: Callable[[TalkT], Replies]
    human: Callable[[TalkT], Replies]
    answer: Callable[[TalkT, str], Replies]
    """The knowledge base, last of all: it always says something."""
    side_answer: Callable[[TalkT, str], Reply | None]
    """An answer to a question put in the middle of a form, or None when the text is no question it knows."""
    files: Callable[[TalkT], Replies]
    elsewhere: Callable[[TalkT], Replies] = _elsewhere
    """Said in place of anything personal where only public matters are dealt with."""
    unreadable: Callable[[TalkT], Replies] = _unreadable
    """What to do instead of a video, a place, a voice."""
    routes: Mapping[str, Route[TalkT]] = field(default_factory=dict)

    def service(self, name: str) -> Service[TalkT] | None:
        return next((s for s in self.services if s.name == name), None)

    def form(self, name: str) -> tuple[Service[TalkT], Form] | None:
        return next(((s, f) for s in self.services for f in s.forms if f.name == name), None)

    @property
    def confidential(self) -> frozenset[str]:
        """The forms whose answers lie sealed."""
        return frozenset(form.name for service in self.services for form in service.forms if form.confidential)

    # -- one message ------------------------------------------------------------------------------------------

    def route(self, talk: TalkT) -> Replies:
        inbound = talk.inbound
        if self._elsewhere_open(talk):
            self._park(talk)
        if inbound.choice:
            return self._tapped(talk, inbound.choice)
        led = self._led(talk, inbound.route or "")
        if led is not None:
            return led
        if inbound.attachments and talk.public_only:
            return self._without_files(talk)
        if inbound.edited and talk.state.form is not None:
            return [Reply("看到您改了上面那条。要改答案，请回“返回”再答一次。"), *self.question(talk)]
        word = global_word(inbound.text)
        if word is not None and not inbound.attachments:
            return self._global(talk, word)
        if inbound.other is not None and not inbound.text.strip() and not self._takes_place(talk):
            return self.unreadable(talk) + self.question(talk)
        return self._in_form(talk, inbound) if talk.state.form is not None else self._free(talk)

    def act(self, talk: TalkT, action: str) -> Replies:
        """Do what an action says, e.g. ``lookup:topic/verification-fee``."""
        name, _, rest = action.partition(":")
        if name == "say":
            # The label is said as if typed; were its option still open, it would say itself again.
            talk.state.options = None
            return self.route_text(talk, rest)
        if name == "menu":
            self._park(talk)
            return self.menu(talk)
        if name == "human":
            return self._call_human(talk)
        service = self.service(name)
        if service is None:
            return self.menu(talk)
        return self.elsewhere(talk) if self._is_elsewhere(talk, service) else service.act(talk, rest)

    def route_text(self, talk: TalkT, text: str) -> Replies:
        talk.inbound = replace(talk.inbound, text=text, choice=None, route=None)
        return self.route(talk)

    def open_form(self, talk: TalkT, name: str, text: str = "") -> Replies:
        found = self.form(name)
        assert found is not None, name
        service, form = found
        if self._is_elsewhere(talk, service):
            return self.elsewhere(talk)
        self._park(talk)
        return self._take(talk, service, forms.begin(form, text))

    def question(self, talk: TalkT) -> Replies:
        """The open question of a form once more; nothing when no form is open."""
        found = self.form(talk.state.form.form) if talk.state.form is not None else None
        return [forms.ask_again(found[1], talk.state.form)] if found and talk.state.form else []

    def _led(self, talk: TalkT, code: str) -> Replies | None:
        """What a scanned code leads to; None when it leads nowhere."""
        found = ROUTE.fullmatch(code)
        route = self.routes.get(found[1]) if found else None
        if found is None or route is None:
            return None
        self._park(talk)
        return self.elsewhere(talk) if route.personal and talk.public_only else route.answer(talk, found[2])

    # -- what is not for every channel ------------------------------------------------------------------------

    def _is_elsewhere(self, talk: TalkT, service: Service[TalkT]) -> bool:
        return service.personal and talk.public_only

    def _elsewhere_open(self, talk: TalkT) -> bool:
        """Whether the open form is one that another account of the person opened, and that has no place here."""
        found = self.form(talk.state.form.form) if talk.state.form is not None else None
        return found is not None and self._is_elsewhere(talk, found[0])

    def _without_files(self, talk: TalkT) -> Replies:
        """No file is taken here; the words that came with it are."""
        refused = self.elsewhere(talk)
        talk.inbound = replace(talk.inbound, attachments=())
        return refused + (self.route(talk) if talk.inbound.text.strip() else self.question(talk))

    def _takes_place(self, talk: TalkT) -> bool:
        """Whether the open question can be answered by a point on the map, and one came."""
        asked = self._asked(talk.state)
        return asked is not None and asked.place and talk.inbound.place is not None

    def _asked(self, state: DialogueState) -> Field | None:
        """The open question of a form."""
        found = self.form(state.form.form) if state.form is not None else None
        return found[1].field(state.form.asking or "") if found is not None and state.form is not None else None

    def without_needless_voice(self, inbound: Inbound, state: DialogueState) -> Inbound:
        """A voice that the platform put into words is those words; it is kept only where it is part of an answer."""
        asked = self._asked(state)
        told = _is_word(inbound.text) or self._command(inbound.text) is not None
        keeps = asked is not None and asked.takes_words and not told
        return inbound if keeps or not inbound.heard else replace(inbound, attachments=())

    def _call_human(self, talk: TalkT) -> Replies:
        return self.elsewhere(talk) if talk.public_only else self.human(talk)

    # -- buttons and numbers ----------------------------------------------------------------------------------

    def _tapped(self, talk: TalkT, token: str) -> Replies:
        options = talk.state.options
        nonce, _, number = token.partition(":")
        if options is not None and nonce == options.nonce and number in AS_SAID:
            return self.route_text(talk, AS_SAID[number])
        if (
            options is None
            or nonce != options.nonce
            or not number.isdecimal()
            or not 1 <= int(number) <= len(options.choices)
        ):
            return [Reply("这个按钮已过期，请看下面现在的内容。"), *self._present(talk)]
        return self.act(talk, options.choice(int(number)).action)

    def _number(self, talk: TalkT, text: str) -> Replies | None:
        options = talk.state.options
        if options is not None and not options.expired(talk.now):
            picked = read_digits(text, len(options.choices))
            if picked:
                return self.act(talk, options.choice(picked[0]).action)
            said = fold(text)
            # A label may be typed whole, or by its sign or its words alone: 👍, 有用.
            label = next((c for c in options.choices if said == fold(c[0]) or said in fold(c[0]).split()), None)
            if label:
                return self.act(talk, label[1])
            if is_bare_number(text):
                line = "  ".join(f"{n} {label}" for n, (label, _) in enumerate(options.choices, 1))
                return [_with(options.choices, f"没有这个选项。请回数字：{line}")]
        if is_bare_number(text):
            return [
                Reply("您没有进行中的选择，要不要看菜单？", (Choice("看菜单", "menu:"), Choice("找人工", "human:")))
            ]
        return None

    def _present(self, talk: TalkT) -> Replies:
        """Where the conversation stands now: the open question, the open options, or the menu."""
        question = self.question(talk)
        if question:
            return question
        options = talk.state.options
        return [_with(options.choices, "请选：")] if options else self.menu(talk)

    # -- words known everywhere -------------------------------------------------------------------------------

    def _global(self, talk: TalkT, word: Global) -> Replies:
        if word is Global.CANCEL:
            return self._cancel(talk)
        if word is Global.HUMAN:
            self._park(talk)
            return self._call_human(talk)
        if word is Global.RESUME:
            return self._resume(talk)
        if word is Global.RESTART:
            return self._restart(talk)
        if word is Global.MORE:
            return self._more(talk)
        if word is Global.HELP:
            return self.help(talk) + (self._present(talk) if talk.state.form else [])
        if word is Global.REPEAT:
            return talk.repeat()
        self._park(talk)
        return self.menu(talk)

    def _cancel(self, talk: TalkT) -> Replies:
        if talk.state.form is None:
            talk.state.options = None
            return [Reply("好的，没有进行中的事。需要时回“菜单”。")]
        found = self.form(talk.state.form.form)
        if found and found[0].cancel and not found[1].keep:
            answers, talk.state.form, talk.state.options = talk.state.form.answers, None, None
            return found[0].cancel(talk, answers)
        if not self._park(talk):
            return [Reply("好的，已退出。", (Choice("看菜单", "menu:"),))]
        kept = "已退出，填过的内容给您留 7 天，回“继续”接着填。"
        return [Reply(kept, (Choice("看菜单", "menu:"), Choice("继续填", "say:继续")))]

    def _resume(self, talk: TalkT) -> Replies:
        state = talk.state
        if state.form is not None:
            return self._present(talk)
        fresh = state.draft_at is not None and talk.now - state.draft_at <= DRAFT_LIFE
        found = self.form(state.draft.form) if state.draft is not None and fresh else None
        if found is None or state.draft is None:
            state.draft = None
            return [Reply("没有没填完的内容。要做什么？", (Choice("看菜单", "menu:"),))]
        if self._is_elsewhere(talk, found[0]):
            return self.elsewhere(talk)
        draft, state.draft = state.draft, None
        return self._take(talk, found[0], forms.resume(found[1], draft))

    def _restart(self, talk: TalkT) -> Replies:
        current = talk.state.form or talk.state.draft
        found = self.form(current.form) if current else None
        if found and self._is_elsewhere(talk, found[0]):
            return self.elsewhere(talk)
        talk.state.form = talk.state.draft = None
        return self._take(talk, found[0], forms.begin(found[1])) if found else self.menu(talk)

    def _more(self, talk: TalkT) -> Replies:
        if not talk.state.more:
            return [Reply("后面没有更多内容了。")] + (self._present(talk) if talk.state.form else [])
        return [
            Reply(talk.state.more, tuple(Choice(*c) for c in talk.state.options.choices) if talk.state.options else ())
        ]

    def _park(self, talk: TalkT) -> bool:
        """Leave the form that is open, keeping what was filled in; whether anything was kept."""
        left, talk.state.form, talk.state.options = talk.state.form, None, None
        found = self.form(left.form) if left else None
        if left and found and found[1].keep and (left.answers or left.partial):
            talk.state.draft, talk.state.draft_at = left, talk.now
            return True
        return False

    # -- forms ------------------------------------------------------------------------------------------------

    def _in_form(self, talk: TalkT, inbound: Inbound) -> Replies:
        assert talk.state.form is not None
        found = self.form(talk.state.form.form)
        if found is None:  # a form of an older version that no longer exists
            talk.state.form = None
            return self._free(talk)
        service, form = found
        asked = form.field(talk.state.form.asking or "")
        command = self._command(inbound.text) if not inbound.attachments else None
        if command is not None and asked is not None and asked.takes_words:  # a tap on the menu is no answer
            self._park(talk)
            return self.act(talk, command)
        step = forms.step(form, talk.state.form, inbound)
        if not step.understood:
            if _is_voice(inbound):
                return self.unreadable(talk) + self.question(talk)
            other = command or self._recognise(talk, inbound.text)
            if other is not None:
                self._park(talk)
                return self.act(talk, other)
            # Numbers are an attempt at the answer, and so are one's own words where they are asked for.
            tried = any(map(str.isdecimal, inbound.text)) or (asked is not None and asked.free_text)
            side = None if tried else self.side_answer(talk, inbound.text)
            if side is not None:
                return [side, forms.ask_again(form, talk.state.form)]
        return self._take(talk, service, step)

    def _take(self, talk: TalkT, service: Service[TalkT], step: Step) -> Replies:
        if step.submit is None:
            talk.state.form = step.state
            return list(step.says)
        talk.state.form = None
        talk.state.options = None
        assert service.submit is not None, service.name
        return service.submit(talk, step.state.form, step.submit)

    # -- free text --------------------------------------------------------------------------------------------

    def _free(self, talk: TalkT) -> Replies:
        text = talk.inbound.text.strip()
        if talk.inbound.attachments:
            return self.files(talk)
        if is_back(text):
            return self.menu(talk)
        numbered = self._number(talk, text)
        if numbered is not None:
            return numbered
        action = self._command(text) or self._recognise(talk, text)
        return self.act(talk, action) if action else self.answer(talk, text)

    def _command(self, text: str) -> str | None:
        said = fold(text)
        for service in self.services:
            action = (service.commands or {}).get(said) or service.claims(text)
            if action is not None:
                return f"{service.name}:{action}"
        return None

    def _recognise(self, talk: TalkT, text: str) -> str | None:
        for service in self.services:
            action = service.recognise(talk, text)
            if action is not None:
                return f"{service.name}:{action}"
        return None


def _with(choices: Sequence[tuple[str, str]], text: str) -> Reply:
    return Reply(text, tuple(Choice(*c) for c in choices))


def _is_word(text: str) -> bool:
    """Whether it steers the conversation instead of telling something."""
    return global_word(text) is not None or is_back(text) or is_done(text) or is_skip(text)


def _is_voice(inbound: Inbound) -> bool:
    kinds = {attachment.kind for attachment in inbound.attachments}
    return kinds == {AttachmentKind.VOICE} and not inbound.text.strip()
