"""Look-up: a question in people's own words, answered from the knowledge base, or asked back, or handed on."""

from __future__ import annotations

from datetime import date, timedelta
from time import perf_counter
from typing import Any

from handlers.answers import answer_text
from handlers.conversation.messages import Choice, Reply
from handlers.talk import Talk
from knowledge.matcher import Aspect, Decision, Match, Matcher
from storage import consults

THANKS = ("谢", "多谢", "好的", "辛苦", "唔该")
ASPECT_WORDS = {
    Aspect.OBLIGATION: "要检吗",
    Aspect.PERIOD: "多久检一次",
    Aspect.TOLERANCE: "允许误差多少",
    Aspect.FEE: "检定收费吗",
    Aspect.WHERE: "怎么申请检定",
    Aspect.PENALTY: "没检罚多少",
}
CONTEXT_LIFE = timedelta(minutes=10)
MISSES_BEFORE_HUMAN = 2
REPORTING = frozenset(("complaint-report", "complaint-handling"))
"""Topics after which the next step can be taken here."""
STARTS = (
    Choice("我的器具要不要检", "lookup:start"),
    Choice("称得少了，当场判定", "judge:start"),
    Choice("开店要办哪些计量事", "checkup:start"),
)


def answer(talk: Talk, text: str) -> list[Reply]:
    match = talk.matcher.match(text, _context(talk))
    if match.decision is Decision.ABSTAIN:
        return [_no_card(talk, text, match)]
    talk.state.query, talk.state.query_at, talk.state.misses = text[:200], talk.now, 0
    if match.decision is Decision.CHOOSE:
        talk.state.ground = ""  # what was unclear is nothing for the next question to stand on
        return [ask_back(match)]
    talk.state.ground = spelled_out(talk, match) or text[:200]
    return [card(talk, match.ids, match.aspect)]


def spelled_out(talk: Talk, match: Match) -> str:
    """电能表多久检一次, whatever few words asked it: a chain of follow-ups keeps its thing and its aspect."""
    thing = next((talk.library.instruments[i] for i in match.ids if i in talk.library.instruments), None)
    return f"{thing.name}{ASPECT_WORDS[match.aspect]}" if thing and match.aspect in ASPECT_WORDS else ""


def side_answer(talk: Talk, text: str) -> Reply | None:
    """In the middle of a form only a sure answer may break in, and it brings no choices of its own."""
    match = talk.matcher.match(text)
    if match.smalltalk and text.strip().startswith(THANKS):
        return Reply("不客气。")
    if match.decision is not Decision.ANSWER or match.aspect is Aspect.OVERVIEW:
        return None
    return Reply(answer_text(talk.library, match.ids, match.aspect, talk.today), about=match.ids[:1])


def card(talk: Talk, ids: tuple[str, ...], aspect: Aspect) -> Reply:
    entry = ids[0]
    return Reply(
        answer_text(talk.library, ids, aspect, talk.today),
        (
            Choice("👍 有用", f"lookup:up/{entry}"),
            Choice("👎 没说到点上", f"lookup:down/{entry}"),
            _follow_up(talk, entry),
            *_report(talk, entry),
        ),
        about=(entry,),
    )


def ask_back(match: Match) -> Reply:
    choices = [Choice(o.label, f"lookup:show/{o.entry}@{match.aspect}") for o in match.options]
    return Reply(match.question, (*choices, Choice("都不是", "lookup:none")), about=match.ids)


def act(talk: Talk, action: str) -> list[Reply]:
    verb, _, rest = action.partition("/")
    if verb == "show":
        entry, _, aspect = rest.partition("@")
        return [card(talk, (entry,), Aspect(aspect or Aspect.OVERVIEW))]
    if verb in ("up", "down"):
        return [_opinion(talk, rest, helpful=verb == "up")]
    if verb == "none":
        consults.record_miss(talk.session, talk.contact_id, talk.state.query, "choose", talk.now)
        return [_none_of_these()]
    if verb == "start":
        return [Reply("请直接打字：什么器具、在哪里用、想知道什么。\n比如“菜场电子秤多久检一次”“加油机没检会罚多少”。")]
    return [Reply("好的，还有问题随时问我。")]


def ask(matcher: Matcher, query: str, context: str | None, on: date) -> dict[str, Any]:
    """One question without a conversation, as JSON: for the command line and the web API. ``ms`` is the matching time."""
    begun = perf_counter()
    match = matcher.match(query, context)
    spent = (perf_counter() - begun) * 1000
    return {
        "decision": match.decision.value,
        "aspect": match.aspect.value,
        "ids": list(match.ids),
        "choices": [o.label for o in match.options],
        "text": _plain(matcher, match, on),
        "ms": round(spent, 3),
    }


def _plain(matcher: Matcher, match: Match, on: date) -> str:
    if match.decision is Decision.ANSWER:
        return answer_text(matcher.library, match.ids, match.aspect, on)
    if match.decision is Decision.CHOOSE:
        return "\n".join(
            [
                match.question,
                *(f"{n} {o.label}" for n, o in enumerate(match.options, 1)),
                "都不是就换个说法，或转人工。",
            ]
        )
    return _kind_line(match)


def _no_card(talk: Talk, text: str, match: Match) -> Reply:
    if not match.smalltalk and text:
        talk.state.misses += 1
        consults.record_miss(talk.session, talk.contact_id, text, "abstain", talk.now)
        if talk.state.misses >= MISSES_BEFORE_HUMAN:
            return Reply("我没能帮上，要不要交给工作人员？", (Choice("转人工", "human:"), Choice("看菜单", "menu:")))
    return Reply(_kind_line(match), STARTS)


def _kind_line(match: Match) -> str:
    if match.smalltalk:
        return "您好，我在。器具要不要检、秤准不准、缺斤短两怎么办，都可以问我。"
    return "这个我不太懂，我只熟悉计量的事（秤、表、加油机、缺斤短两）。别的事可以打 12345 问问。"


def _none_of_these() -> Reply:
    return Reply(
        "没猜中，抱歉。您换个说法再问一次，或交给工作人员。", (Choice("转人工", "human:"), Choice("看菜单", "menu:"))
    )


def _opinion(talk: Talk, entry: str, *, helpful: bool) -> Reply:
    # One opinion per answer: the nonce of the options that were shown with it.
    shown = talk.state.options.nonce if talk.state.options else entry
    consults.record_feedback(talk.session, talk.contact_id, shown, entry, talk.state.query, talk.now, helpful=helpful)
    if helpful:
        return Reply("谢谢，有问题再来。")
    return Reply(
        "记下了，我们会改进。要不要让工作人员答复您？", (Choice("转人工", "human:"), Choice("不用了", "lookup:thanks"))
    )


def _follow_up(talk: Talk, entry: str) -> Choice:
    topic = talk.library.topics.get(entry) or talk.library.topics.get(talk.library.topic_of_faq.get(entry, ""))
    if entry == "human-service":
        return Choice("现在转人工", "human:")
    if topic is not None and topic.ask:
        return Choice(topic.ask[0], f"say:{topic.ask[0]}")
    return (
        Choice("怎么申请检定", "lookup:show/apply-verification")
        if entry != "apply-verification"
        else Choice("检定收费吗", "lookup:show/verification-fee")
    )


def _report(talk: Talk, entry: str) -> tuple[Choice, ...]:
    topic = talk.library.topic_of_faq.get(entry, entry)
    return (Choice("在这里举报", "tips:start"),) if topic in REPORTING else ()


def _context(talk: Talk) -> str | None:
    recent = talk.state.query_at is not None and talk.now - talk.state.query_at <= CONTEXT_LIFE
    return talk.state.ground if recent and talk.state.ground else None
