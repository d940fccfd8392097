"""Dialogues are paper forms: fields in order, some asked only when others say so. ``step`` fills one in.

Pure: no clock, no storage. The state is one small row: answers by field *name*, so that a new version of a form
keeps every answer whose field still exists and asks only what is new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.conversation.words import is_back, is_bare_number, is_done, is_skip, read_digits

Answers = Mapping[str, Any]
"""Answers by field name; values are plain JSON (text, numbers, lists, null for skipped)."""

Ask = str | Callable[[Answers], str]
Options = tuple[tuple[str, Any], ...]
"""What a field offers: each option's label and the value it stands for."""
MAX_TRIES = 3


class NotUnderstoodError(ValueError):
    """The message does not answer the field; the text says, in Chinese, what would."""


@dataclass(frozen=True, slots=True)
class Field:
    """One question.

    ``parse`` turns the message into a JSON value or raises ``NotUnderstoodError``. ``choices`` are offered as
    numbered options and their values stored; they may depend on the answers so far, as does ``when``, which decides
    whether the question applies.
    """

    name: str
    ask: Ask
    parse: Callable[[Inbound], Any] | None = None
    choices: Options | Callable[[Answers], Options] = ()
    multi: bool = False
    optional: bool = False
    free_text: bool = False
    when: Callable[[Answers], bool] = lambda _answers: True
    fallback: Any = None
    """Taken as the answer when a second message does not answer either: a question nobody must be stuck on."""
    collect: bool = False
    """Several messages together are the answer, a list: ``parse`` gives the part or the parts (a list) of each; 完成
    ends it, and so does any of the ``choices``."""
    place: bool = False
    """Whether a point on the map is an answer."""
    most: int = 30
    """How many parts are taken at most."""
    noted: Callable[[Sequence[Any]], str] = lambda parts: f"已收 {len(parts)} 份，发完回“完成”。"
    """What is said after each message that is not the last; it is told all parts so far."""

    @property
    def takes_words(self) -> bool:
        """Whether any words at all are an answer."""
        return self.free_text or self.collect

    def options(self, answers: Answers) -> Options:
        return self.choices(answers) if callable(self.choices) else self.choices


@dataclass(frozen=True, slots=True)
class Form:
    """A form. A field whose ``ask`` is empty is never asked: it is given when the form is opened."""

    name: str
    version: int
    title: str
    fields: tuple[Field, ...]
    prefill: Callable[[str], dict[str, Any]] = lambda _text: {}
    keep: bool = True
    """Whether a half-filled form is kept as a draft when it is left."""
    confidential: bool = False
    """What is said while it is open lies sealed in the database."""

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True, slots=True)
class FormState:
    form: str
    version: int
    answers: dict[str, Any] = field(default_factory=dict)
    asking: str | None = None
    tries: int = 0
    partial: dict[str, list[Any]] = field(default_factory=dict)
    """What collecting fields that are not answered yet have got so far, by field name."""

    def to_json(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "version": self.version,
            "answers": self.answers,
            "asking": self.asking,
            "tries": self.tries,
            "partial": self.partial,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FormState:
        partial = {name: list(parts) for name, parts in data.get("partial", {}).items()}
        return cls(data["form"], data["version"], dict(data["answers"]), data["asking"], data["tries"], partial)


@dataclass(frozen=True, slots=True)
class Step:
    """What one message did to the form: the new state, what to say, and the answers once complete."""

    state: FormState
    says: tuple[Reply, ...] = ()
    submit: dict[str, Any] | None = None
    understood: bool = True


def handed(text: str) -> dict[str, Any]:
    """Answers that a service hands to a form it opens, as JSON; a person's own words are none."""
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def begin(form: Form, text: str = "") -> Step:
    """Open the form; what the first message already says is not asked again."""
    given = {k: v for k, v in form.prefill(text).items() if form.field(k)}
    return _proceed(form, FormState(form.name, form.version, given))


def resume(form: Form, state: FormState) -> Step:
    """Take up an old state under today's form: answers to fields that are gone fall away."""
    kept = {k: v for k, v in state.answers.items() if form.field(k)}
    begun = {k: v for k, v in state.partial.items() if form.field(k)}
    return _proceed(form, FormState(form.name, form.version, kept, partial=begun))


def step(form: Form, state: FormState, inbound: Inbound) -> Step:
    if state.version != form.version or form.field(state.asking or "") is None:
        state = resume(form, state).state
    asked = form.field(state.asking or "")
    if asked is None:
        return _proceed(form, state)
    if is_back(inbound.text):
        return _back(form, state)
    if asked.collect:
        return _collect(form, state, asked, inbound)
    if asked.optional and is_skip(inbound.text):
        return _proceed(form, _answered(state, asked, None))
    try:
        value = _read(asked, inbound, state.answers)
    except NotUnderstoodError as why:
        if asked.fallback is not None and state.tries:
            return _proceed(form, _answered(state, asked, asked.fallback))
        return _retry(asked, state, str(why))
    return _proceed(form, _answered(state, asked, value))


def _collect(form: Form, state: FormState, asked: Field, inbound: Inbound) -> Step:
    """One more message for a collecting field; 完成 or 没有 ends it, also when something came with the word."""
    ends = is_done(inbound.text) or is_skip(inbound.text) or _is_choice(asked, state, inbound)
    carries = bool(inbound.attachments) or inbound.place is not None
    try:
        new = _parts(asked, replace(inbound, text="") if ends else inbound) if carries or not ends else []
    except NotUnderstoodError as why:
        return _unread_part(asked, state, inbound, str(why))
    parts = [*state.partial.get(asked.name, ()), *new]
    if ends or len(parts) >= asked.most:
        return _ended(form, state, asked, parts)
    state = replace(state, partial={**state.partial, asked.name: parts}, tries=0)
    return Step(state, (Reply(asked.noted(parts), _choices(asked, state.answers)),))


def _is_choice(asked: Field, state: FormState, inbound: Inbound) -> bool:
    labels = [label for label, _ in asked.options(state.answers)]
    return inbound.text.strip() in labels or bool(read_digits(inbound.text, len(labels)))


def _parts(asked: Field, inbound: Inbound) -> list[Any]:
    assert asked.parse is not None, asked.name
    found = asked.parse(inbound)
    return found if isinstance(found, list) else [found]


def _unread_part(asked: Field, state: FormState, inbound: Inbound, why: str) -> Step:
    """A number that is no part is told where things stand; anything else why it was not taken."""
    if not (is_bare_number(inbound.text) and state.partial.get(asked.name)):
        return _retry(asked, state, why)
    state = replace(state, tries=state.tries + 1)
    noted = Reply(asked.noted(state.partial[asked.name]), _choices(asked, state.answers))
    return Step(state, (noted,), understood=False)


def _ended(form: Form, state: FormState, asked: Field, parts: list[Any]) -> Step:
    """The parts are the answer; whoever sent more than are taken learns of it with the next question."""
    over = len(parts) - asked.most
    step = _proceed(form, _answered(state, asked, parts[: asked.most]))
    if over <= 0 or not step.says:
        return step
    told = replace(step.says[0], text=f"最多收 {asked.most} 份，后面 {over} 份没有收。\n{step.says[0].text}")
    return replace(step, says=(told, *step.says[1:]))


def ask_again(form: Form, state: FormState) -> Reply:
    """The open question once more, e.g. after a side question was answered."""
    asked = form.field(state.asking or "")
    return _question(asked, state) if asked else Reply("")


def _proceed(form: Form, state: FormState) -> Step:
    missing = _next_field(form, state.answers)
    if missing is None:
        return Step(replace(state, asking=None), submit=_applying(form, state.answers))
    state = replace(state, asking=missing.name, tries=0)
    return Step(state, (_question(missing, state),))


def _applying(form: Form, answers: Answers) -> dict[str, Any]:
    """The answers whose questions apply, each judged by the answers before it, as they were asked."""
    kept: dict[str, Any] = {}
    for field_ in form.fields:
        if field_.name in answers and field_.when(kept):
            kept[field_.name] = answers[field_.name]
    return kept


def _next_field(form: Form, answers: Answers) -> Field | None:
    return next((f for f in form.fields if f.name not in answers and f.when(answers)), None)


def _answered(state: FormState, asked: Field, value: Any) -> FormState:
    answers = {k: v for k, v in state.answers.items() if k != asked.name} | {asked.name: value}
    return replace(state, answers=answers, partial={k: v for k, v in state.partial.items() if k != asked.name})


def _back(form: Form, state: FormState) -> Step:
    last = next((name for name in reversed(state.answers) if (asked := form.field(name)) and asked.ask), None)
    if last is None:
        return Step(state, (_question_for(form, state, "这是第一题，前面没有了。\n"),))
    answers = {k: v for k, v in state.answers.items() if k != last}
    taken_back = form.field(last)
    # What was collected is added to, not sent once more.
    parts = state.answers[last] if taken_back is not None and taken_back.collect else None
    begun = state.partial | {last: list(parts)} if parts else state.partial
    return _proceed(form, replace(state, answers=answers, partial=begun))


def _retry(asked: Field, state: FormState, why: str) -> Step:
    state = replace(state, tries=state.tries + 1)
    if state.tries >= MAX_TRIES:
        why += "\n回“人工”找工作人员，回“取消”先不做了。"
    question = _question(asked, state)
    return Step(state, (replace(question, text=f"{why}\n{question.text}"),), understood=False)


def _read(asked: Field, inbound: Inbound, answers: Answers) -> Any:
    options = asked.options(answers)
    if options:
        value = _read_choice(options, inbound, multi=asked.multi)
        if value is not None:
            return value
    if asked.parse is not None:
        return asked.parse(inbound)
    raise NotUnderstoodError(f"请回 1 到 {len(options)} 的数字。")


def _read_choice(options: Options, inbound: Inbound, *, multi: bool) -> Any:
    labels = [label for label, _ in options]
    picked = read_digits(inbound.text, len(labels), multi=multi)
    if picked:
        values = [options[n - 1][1] for n in picked]
        return values if multi else values[0]
    said = inbound.text.strip()
    if said in labels:
        value = options[labels.index(said)][1]
        return [value] if multi else value
    return None


def _question_for(form: Form, state: FormState, before: str) -> Reply:
    asked = form.field(state.asking or "")
    question = _question(asked, state) if asked else Reply("")
    return replace(question, text=before + question.text)


def _question(asked: Field, state: FormState) -> Reply:
    text = asked.ask(state.answers) if callable(asked.ask) else asked.ask
    if asked.optional:
        text += "（没有就回“跳过”）"
    begun = state.partial.get(asked.name)
    if begun:
        text = f"{text}\n{asked.noted(begun)}"
    return Reply(text, _choices(asked, state.answers), multi=asked.multi)


def _choices(asked: Field, answers: Answers) -> tuple[Choice, ...]:
    return tuple(Choice(label, f"say:{label}") for label, _ in asked.options(answers))
