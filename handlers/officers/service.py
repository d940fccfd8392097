"""The officers' service at the desk: what each word does and who may do it.

To everybody who is not staff its words mean nothing: they get the ordinary answer to what they said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers import lookup
from handlers.cases.steps import StepError
from handlers.conversation.messages import Choice, Reply
from handlers.conversation.router import Service
from handlers.officers import (
    card,
    closing,
    enrolling,
    handing,
    likeness,
    notifying,
    queue,
    stepping,
    templates,
    thread,
    words,
)
from handlers.officers.access import GONE, STAND_BACK, Duty, filed_by, find, on_duty
from handlers.officers.lines import KINDS, short, where
from handlers.talk import Talk
from storage import cases
from storage.cases import Case, CaseKind

OnCase = Callable[[Duty, Case, str], list[Reply]]
OnDay = Callable[[Duty], list[Reply]]

LOOKING: Mapping[str, OnCase] = {
    "show": lambda duty, case, _rest: card.show(duty, case),
    "thread": lambda duty, case, _rest: thread.thread(duty, case),
    "photos": lambda duty, case, _rest: thread.photos(duty, case),
    "template": templates.template,
    "extend": stepping.extend,
    "why": lambda duty, case, _rest: stepping.why(duty, case),
}
"""What changes nothing."""
WORKING: Mapping[str, OnCase] = {
    "accept": stepping.accept,
    "refuse": stepping.refuse,
    "transfer": stepping.transfer,
    "ask": stepping.ask,
    "visit": stepping.visit,
    "note": stepping.note,
    "file": stepping.file_case,
    "close": closing.close,
    "pause": stepping.pause,
    "resume": stepping.resume,
    "merge": likeness.merge,
    "link": likeness.link,
    "apart": likeness.apart,
    "split": likeness.split,
    "notify": notifying.notify,
    "served": notifying.served,
    "urgent": handing.urgent,
    "malicious": handing.malicious,
}
"""What is done to a case that the officer may see; who was the first to do something has the case from then on."""
HANDING: Mapping[str, OnCase] = {"take": handing.take, "recuse": handing.recuse}
LEADING: Mapping[str, OnCase] = {"assign": handing.assign}
"""For leaders alone."""
DAILY: Mapping[str, OnDay] = {
    "today": queue.today,
    "template": templates.listed,
    "away": handing.away,
    "back": handing.back,
}
LEADERS_DAILY: Mapping[str, OnDay] = {"dispatch": queue.dispatch, "plan": queue.plan}
LEADERS_ONLY = "这件事由组长来办。"
IN_PRIVATE = "这里别人也看得到，只列编号和日期。办案请到和我的单独对话里。刚才发的没有存。"
MOST_SAME = 8


def recognise(talk: Talk, text: str) -> str | None:
    """Our words, from a member of staff: from anybody else they are no words of ours."""
    action = words.read(text)
    return action if action is not None and on_duty(talk) is not None else None


def act(talk: Talk, action: str) -> list[Reply]:
    verb, _, rest = action.partition("/")
    if verb == "enrol":
        return enrolling.enrol(talk, rest)
    duty = on_duty(talk)
    if duty is None:
        return lookup.answer(talk, talk.inbound.text)
    talk.confidential = True
    talk.state.options = None  # a second 1 must not do the same thing once more
    if talk.public_only and verb != "today":
        talk.withheld = True
        return [Reply(IN_PRIVATE)]
    try:
        return _do(duty, verb, rest)
    except StepError as why:
        return [Reply(str(why), (Choice("今日", "officers:today"),))]


def _do(duty: Duty, verb: str, rest: str) -> list[Reply]:
    if verb in LEADERS_DAILY:
        return LEADERS_DAILY[verb](duty) if duty.leads else [Reply(LEADERS_ONLY)]
    if verb in DAILY and not rest:
        return DAILY[verb](duty)
    ref, _, more = rest.partition("/")
    found = find(duty, ref)
    if not found:
        return _not_theirs(duty, verb, ref, more)
    if len(found) > 1:
        return [_which(found, verb, more)]
    (case,) = found
    if verb in LEADING and not duty.leads:
        return [Reply(LEADERS_ONLY)]
    stepping.demand_turn(case, verb)
    before = _last_event(duty, case)
    said = _ON_CASE[verb](duty, case, more)
    if verb in WORKING and _last_event(duty, case) != before:
        handing.take_up(duty, case)
    return said


def _last_event(duty: Duty, case: Case) -> int:
    return max((e.id for e in cases.events(duty.talk.session, case.id, limit=1)), default=0)


def _not_theirs(duty: Duty, verb: str, ref: str, more: str) -> list[Reply]:
    """One's own tip may only be given back; of all else nobody learns more than that it is not there."""
    own = filed_by(duty, ref)
    if not own:
        return [Reply(GONE, (Choice("今日", "officers:today"),))]
    given = [case for case in own if case.officer_id == duty.member.id]
    if verb == "recuse" and len(given) == 1:
        return handing.recuse(duty, given[0], more)
    back = tuple(Choice(f"回避 {short(case)}", f"officers:recuse/{case.id}") for case in given[:1])
    return [Reply(STAND_BACK, (*back, Choice("今日", "officers:today")))]


_ON_CASE: Mapping[str, OnCase] = {**LOOKING, **WORKING, **HANDING, **LEADING}
VERBS = frozenset((*_ON_CASE, *DAILY, *LEADERS_DAILY))


def _which(found: list[Case], verb: str, more: str) -> Reply:
    """The same last four digits: newer and older cases to choose from."""
    options = tuple(Choice(case.number, f"officers:{verb}/{case.id}/{more}") for case in found[:MOST_SAME])
    rows = [f"{case.number} {KINDS[CaseKind(case.kind)]} {where(case)}" for case in found[:MOST_SAME]]
    return Reply("\n".join([f"尾号 {short(found[0])} 有 {len(found)} 个案件，是哪一个？", *rows]), options)


def submit(talk: Talk, _form: str, answers: dict[str, Any]) -> list[Reply]:
    talk.confidential = True
    duty = on_duty(talk)
    if duty is None:
        return [Reply(GONE)]
    try:
        return closing.closed(duty, answers)
    except StepError as why:
        return [Reply(str(why), (Choice("今日", "officers:today"),))]


SERVICE: Service[Talk] = Service(
    "officers", act, forms=(closing.CLOSE,), submit=submit, recognise=recognise, claims=enrolling.claims
)
