"""What a reporter does with a case that is under way or has ended: add evidence, answer, judge the result, take it back."""

from __future__ import annotations

import json
from typing import Any

from handlers.cases import files as case_files
from handlers.cases import steps, telling
from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.conversation.words import is_done, is_skip
from handlers.talk import Talk
from handlers.tips import cards, following, parts, view
from handlers.tips.parts import Part
from handlers.tips.rights import MISSING, Mine, mine
from knowledge.private_words import hide
from storage import cases
from storage.cases import CaseKind, Deed

REPORTER = "reporter"
HIDDEN = "里面的电话、姓名等，我找到的已隐去；请再看看有没有别的能认出您的话。"
IS_ANSWER = "办案人员问：{}\n这是回答办案人员吗？"
OVER = "{} 现在是“{}”，不能再补充了。不满意可以在 15 天内要求重办，或重新举报。"
FULL = "这一个小时收满 30 份了，没收下。请过一小时再发“补充”。"
LEAST_REASON = 2
_WORD_ACTION = "tips:word/"
_THANKS = ("谢", "多谢", "辛苦")


def _read_part(inbound: Inbound) -> list[Part]:
    found = [] if is_done(inbound.text) else parts.some_parts(inbound)
    if not found:
        raise NotUnderstoodError(parts.NOTHING)
    return found


def _read_files(inbound: Inbound) -> list[Part]:
    """While files come in a row, words are no evidence: they may be a question, or the next thing."""
    if is_done(inbound.text) or is_skip(inbound.text):
        return []
    found = parts.parts_of(inbound)
    if not parts.files(found) and parts.point(found) is None:
        raise NotUnderstoodError("还有照片就接着发，发完回“完成”；要写话，先回“完成”再回“留言”。")
    return found


def _read_words(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if len(text) < LEAST_REASON:
        raise NotUnderstoodError("请写一句话。")
    return text


def _prefill(text: str) -> dict[str, Any]:
    return {"case": "", "said": ""} | handed(text)


def _said(answers: Answers) -> str:
    return str(answers.get("said") or "请发照片、视频、语音、位置，或写一句话。")


ADD = Form(
    "tip-add",
    version=1,
    title="补充证据",
    confidential=True,
    keep=False,
    fields=(
        Field("case", ask=""),
        Field("said", ask=""),
        Field("parts", ask=_said, parse=_read_part, free_text=True, place=True),
    ),
    prefill=_prefill,
)
ADD_MORE = Form(
    "tip-add-more",
    version=1,
    title="接着补充",
    confidential=True,
    keep=False,
    fields=(
        Field("case", ask=""),
        Field("said", ask=""),
        Field("parts", ask=_said, parse=_read_files, free_text=True, place=True),
    ),
    prefill=_prefill,
)
WORD = Form(
    "tip-word",
    version=1,
    title="给办案人留言",
    confidential=True,
    keep=False,
    fields=(
        Field("case", ask=""),
        Field("said", ask=""),
        Field("text", ask=_said, parse=_read_words, free_text=True),
    ),
    prefill=_prefill,
)
AGAIN = Form(
    "tip-again",
    version=1,
    title="要求重办",
    confidential=True,
    keep=False,
    fields=(
        Field("case", ask=""),
        Field("said", ask=""),
        Field("text", ask="哪里不满意？写一句理由，会退回原承办组的组长。", parse=_read_words, free_text=True),
    ),
    prefill=_prefill,
)
FORMS = (ADD, ADD_MORE, WORD, AGAIN)


def _open(talk: Talk, form: Form, opened: Mine, said: str = "") -> list[Reply]:
    return talk.open_form(form.name, json.dumps({"case": opened.key, "said": said}, ensure_ascii=False))


def _desk(talk: Talk) -> steps.Desk:
    return steps.Desk(talk.bench, talk.session, REPORTER, talk.now)


def _show(opened: Mine) -> Choice:
    return Choice("看进展", f"tips:open/{opened.key}")


# -- adding -------------------------------------------------------------------------------------------------------


def add(talk: Talk, opened: Mine) -> list[Reply]:
    if not following.is_open(opened.case):
        return [_over(opened)]
    return _open(talk, ADD, opened, f"补充到 {opened.case.number}：请发照片、视频、语音、位置，或写一句话。")


def added(talk: Talk, opened: Mine, given: list[Part]) -> list[Reply]:
    """Keep what came; the form stays open for more files, since each photo is a message of its own."""
    if not following.is_open(opened.case):
        return [_over(opened)]
    if not given:
        return [Reply(f"好，都已放进 {opened.case.number}。", (_show(opened),))]
    sources = parts.files(given)
    room = case_files.room(talk.session, opened.case, talk.now)
    if sources and not room:
        return [Reply(FULL, (_show(opened),))]
    case_files.keep(talk.session, opened.case, talk.contact_id, sources, talk.now)
    hidden = hide("\n".join(_in_words(given)))
    event = cases.happen(talk.session, opened.case, _added(hidden.text, len(sources[:room])), talk.now)
    telling.tell_staff(talk.bench, talk.session, opened.case, "举报人补充了证据", talk.now, f"added:{event.id}")
    lost = f"（满 30 份了，有 {len(sources) - room} 份没收下，请过一小时再发）" if len(sources) > room else ""
    note = f"\n{HIDDEN}" if hidden.found else ""
    said = f"收到 {parts.counted(given)}，已放进 {opened.case.number}。{lost}还有照片就接着发，发完回“完成”。{note}"
    return _open(talk, ADD_MORE, opened, said)


def _added(text: str, files: int) -> Deed:
    return Deed(REPORTER, "case.added", text, detail={"files": files})


def _in_words(given: list[Part]) -> list[str]:
    """What was said, and a place as words: the thread has no map."""
    place = parts.point(given)
    where = [f"位置：{place.label or '地图'}（{place.lat:.5f}, {place.lon:.5f}）"] if place is not None else []
    return parts.texts(given) + where


def word(talk: Talk, opened: Mine) -> list[Reply]:
    if not following.is_open(opened.case):
        return [_over(opened)]
    asked = view.questions(view.events_of(talk.session, opened.case))
    said = (
        f"办案人员问：{asked[-1].text}\n请直接回答，不用说您是谁。" if asked else "要对办案人员说什么？不用说您是谁。"
    )
    return _open(talk, WORD, opened, said)


def answered(talk: Talk, opened: Mine, text: str) -> list[Reply]:
    if not following.is_open(opened.case):
        return [_over(opened)]
    hidden = hide(text)
    steps.answer(_desk(talk), opened.case, hidden.text)
    note = f"\n{HIDDEN}" if hidden.found else ""
    return [Reply(f"已转给办案人员（{opened.case.number}）。\n转过去的话是：{hidden.text}{note}", (_show(opened),))]


def maybe_answer(talk: Talk, text: str) -> str | None:
    """Words typed under a card with an officer's question: the action that asks whether they answer it."""
    options = talk.state.options
    if options is None or options.expired(talk.now) or len(text) < LEAST_REASON or text.startswith(_THANKS):
        return None
    key = next((a.removeprefix(_WORD_ACTION) for label, a in options.choices if label == cards.ANSWER), None)
    return f"perhaps/{json.dumps({'case': key, 'text': text}, ensure_ascii=False)}" if key else None


def perhaps(talk: Talk, rest: str) -> list[Reply]:
    """Nothing is passed on unasked: the words may be a question to the bot, or another tip."""
    given = json.loads(rest)
    opened = mine(talk, given["case"])
    if opened is None:
        return [MISSING]
    asked = view.questions(view.events_of(talk.session, opened.case))
    if not asked:
        return following.show(talk, opened.key)
    choices = (Choice("是", f"tips:said/{rest}"), Choice("不是", f"say:{given['text']}"))
    return [Reply(IS_ANSWER.format(asked[-1].text), choices)]


def said(talk: Talk, rest: str) -> list[Reply]:
    given = json.loads(rest)
    opened = mine(talk, given["case"])
    return answered(talk, opened, given["text"]) if opened is not None else [MISSING]


def _over(opened: Mine) -> Reply:
    name = view.state_of(opened.case)
    return Reply(OVER.format(opened.case.number, name), (_show(opened), Choice("重新举报", "tips:start")))


# -- the result ---------------------------------------------------------------------------------------------------


def satisfied(talk: Talk, opened: Mine) -> list[Reply]:
    case = opened.case
    if following.is_open(case):
        return following.show(talk, opened.key)
    if case.satisfied is None:
        steps.rate(_desk(talk), case, satisfied=True)
    return [Reply("谢谢您的评价，也谢谢您帮着守住公平秤。", (Choice("看菜单", "menu:"),))]


def again(talk: Talk, opened: Mine) -> list[Reply]:
    if not steps.may_reopen(opened.case, talk.today):
        text = "现在不能要求重办：案件还在办，或者办结已超过 15 天。有新情况可以重新举报。"
        return [Reply(text, (_show(opened), Choice("重新举报", "tips:start")))]
    return _open(talk, AGAIN, opened)


def reopened(talk: Talk, opened: Mine, reason: str) -> list[Reply]:
    case, hidden = opened.case, hide(reason)
    if not steps.may_reopen(case, talk.today):
        return again(talk, opened)
    steps.rate(_desk(talk), case, satisfied=False)
    steps.reopen(_desk(talk), case, hidden.text)
    next_line = view.next_line(talk.bench, talk.session, case, talk.today)
    note = f"\n{HIDDEN}" if hidden.found else ""
    return [Reply(f"已退回重办，理由已转给承办组长。\n{next_line}{note}", (_show(opened),))]


def understood(_talk: Talk, opened: Mine) -> list[Reply]:
    return [Reply("好的。要再看说明，回“查”。", (_show(opened),))]


# -- taking back, and the merchant's offer ------------------------------------------------------------------------


def withdraw(_talk: Talk, opened: Mine) -> list[Reply]:
    if opened.case.kind != CaseKind.COMPLAINT:
        return [Reply("举报线索已经登记，本局仍会核查，撤不回来；不想再收到通知就回“不再通知”。", (_show(opened),))]
    text = f"撤回以后，{opened.case.number} 的调解就结束了；其中的违法线索本局仍会核查。确定撤回吗？"
    return [
        Reply(text, (Choice("确定撤回", f"tips:withdrawn/{opened.key}"), Choice("不撤", f"tips:open/{opened.key}")))
    ]


def withdrawn(talk: Talk, opened: Mine) -> list[Reply]:
    try:
        steps.withdraw(_desk(talk), opened.case)
    except steps.StepError as why:
        return [Reply(str(why), (_show(opened),))]
    return [Reply(f"{opened.case.number} 已撤回。", (_show(opened),))]


def decide(talk: Talk, opened: Mine, *, accept: bool) -> list[Reply]:
    """The reporter alone decides on an offer; the officer then ends the mediation."""
    offer = view.open_offer(view.events_of(talk.session, opened.case))
    if offer is None or not following.is_open(opened.case):
        return [Reply("现在没有等您决定的方案。", (_show(opened),))]
    action = "case.offer-accepted" if accept else "case.offer-declined"
    event = cases.happen(talk.session, opened.case, Deed(REPORTER, action, detail={"offer": offer.id}), talk.now)
    what = "投诉人接受了商家的方案" if accept else "投诉人没有接受商家的方案"
    telling.tell_staff(talk.bench, talk.session, opened.case, what, talk.now, f"offer:{event.id}")
    text = "已记下您接受，承办人核实退赔到位后办结。" if accept else "已记下您不接受，调解接着进行。"
    return [Reply(text, (_show(opened),))]


# -- forms --------------------------------------------------------------------------------------------------------


def submit(talk: Talk, form: str, answers: dict[str, Any]) -> list[Reply]:
    """The case is looked up again: while the form was open it may have ended, or the tie have gone."""
    opened = mine(talk, str(answers["case"]))
    if opened is None:
        return [MISSING]
    if form in (ADD.name, ADD_MORE.name):
        return added(talk, opened, answers["parts"])
    return answered(talk, opened, answers["text"]) if form == WORD.name else reopened(talk, opened, answers["text"])
