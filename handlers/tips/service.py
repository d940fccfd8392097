"""Tip-offs as one service of the desk: its words, its forms, and what each of its actions does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.conversation.messages import Reply
from handlers.conversation.router import Service
from handlers.talk import Talk
from handlers.tips import fair_scale, following, opening, replying, rewards
from handlers.tips.form import TIPOFF
from handlers.tips.rights import MISSING, Mine, mine
from knowledge.tip_scope import out_of_scope
from knowledge.tips import looks_like_tip
from storage.cases import CaseKind, CaseState

Act = Callable[[Talk, str], list[Reply]]
OnCase = Callable[[Talk, Mine], list[Reply]]

ACTIONS: Mapping[str, Act] = {
    "start": opening.start,
    "told": opening.told,
    "photos": opening.with_photos,
    "judged": opening.judged,
    "stall": opening.at_stall,
    "pledge": opening.at_pledge,
    "outside": opening.outside,
    "resume": opening.resume,
    "mine": following.show_own,
    "open": following.show,
    "number": following.by_number,
    "receipt": following.receipt,
    "perhaps": replying.perhaps,
    "said": replying.said,
    "quiet-all": following.quiet_all,
    "reward": rewards.explain,
    "reward-check": rewards.check,
    "fair": fair_scale.start,
    "fair-leave": fair_scale.leave,
}
"""What needs no case at hand."""

ON_CASE: Mapping[str, OnCase] = {
    "add": replying.add,
    "word": replying.word,
    "why": following.why,
    "copy": following.copy_text,
    "news": following.news,
    "quiet": following.quiet,
    "tie": following.tie,
    "satisfied": replying.satisfied,
    "again": replying.again,
    "understood": replying.understood,
    "withdraw": replying.withdraw,
    "withdrawn": replying.withdrawn,
    "accept": lambda talk, opened: replying.decide(talk, opened, accept=True),
    "decline": lambda talk, opened: replying.decide(talk, opened, accept=False),
}
"""What is done with one case: only after it was found to be the person's own."""

_ENDED = (CaseState.CLOSED, CaseState.REFUSED)
WITHOUT_NUMBER: Mapping[str, tuple[following.Pick, str]] = {
    "add": (following.is_open, "没有在办的案件可以补充。"),
    "word": (following.is_open, "没有在办的案件。"),
    "news": (following.is_open, "没有在办的案件。"),
    "again": (lambda case: case.state in _ENDED, "没有办结的案件可以评价。"),
    "withdraw": (
        lambda case: case.kind == CaseKind.COMPLAINT and following.is_open(case),
        "没有可以撤回的投诉（举报线索登记后本局仍会核查）。",
    ),
}
"""Words that name no case, and which cases they can mean."""

WORDS = {
    "start": ("举报", "我要举报", "拍照举报", "投诉", "我要投诉", "投诉举报", "缺斤短两举报", "举报缺斤短两", "/tip"),
    "mine": ("查", "查进度", "进度", "我的举报", "我的投诉", "查举报", "举报进度", "/track"),
    "add": ("补充", "补充证据", "补证据"),
    "word": ("留言", "给办案人留言"),
    "news": ("通知我",),
    "quiet-all": ("不再通知", "不再通知我"),
    "again": ("不满意", "评价", "要求重办"),
    "withdraw": ("撤回投诉", "撤回"),
    "reward": ("奖励", "举报奖励", "有奖举报"),
    "fair": ("公平秤复称", "去公平秤", "去公平秤复称", "公平秤向导", "复称"),
    "fair-leave": ("我先走了", "先走了"),
}
FORMS = (TIPOFF, *replying.FORMS, fair_scale.FAIR_SCALE, rewards.REWARD)


def act(talk: Talk, action: str) -> list[Reply]:
    """``verb/rest``; what is said in these turns lies sealed."""
    talk.confidential = True
    verb, _, rest = action.partition("/")
    if verb in ACTIONS:
        return ACTIONS[verb](talk, rest)
    if verb not in ON_CASE:
        return [MISSING]
    return _on_case(talk, verb, rest) if rest else _without_number(talk, verb)


def _on_case(talk: Talk, verb: str, key: str) -> list[Reply]:
    opened = mine(talk, key)
    return ON_CASE[verb](talk, opened) if opened is not None else [MISSING]


def _without_number(talk: Talk, verb: str) -> list[Reply]:
    if verb not in WITHOUT_NUMBER:
        return [MISSING]
    pick, none = WITHOUT_NUMBER[verb]
    return following.for_one(talk, verb, pick, none, lambda key: _on_case(talk, verb, key))


def submit(talk: Talk, form: str, answers: dict[str, Any]) -> list[Reply]:
    talk.confidential = True
    if form == TIPOFF.name:
        return opening.submit(talk, answers)
    if form == fair_scale.FAIR_SCALE.name:
        return fair_scale.submit(talk, answers)
    if form == rewards.REWARD.name:
        return rewards.submit(talk, answers)
    return replying.submit(talk, form, answers)


def recognise(talk: Talk, text: str) -> str | None:
    """Somebody telling of a violation somewhere; within the sheet, of something that is no matter of measures."""
    if talk.state.form is not None and talk.state.form.form == TIPOFF.name:
        elsewhere = out_of_scope(text)
        return "outside" if elsewhere is not None else None
    if talk.state.form is None:
        answer = following.digits(text) or following.names(text) or replying.maybe_answer(talk, text)
        if answer is not None:
            return answer
    return following.names(text) or ("told" if looks_like_tip(text) else None)


SERVICE: Service[Talk] = Service(
    "tips",
    act,
    forms=FORMS,
    submit=submit,
    recognise=recognise,
    commands={word: verb for verb, words in WORDS.items() for word in words},
    claims=following.claims,
    personal=True,
)
