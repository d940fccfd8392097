"""开店计量体检 as a dialogue: the form made from the trade packs, and its result as one reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.conversation.paging import CHOICE_BYTES, MORE_HINT, SCREEN_BYTES, size
from handlers.talk import Talk
from knowledge.checkup import (
    Finding,
    Kind,
    Level,
    Question,
    Trade,
    Trades,
    applies,
    count_in,
    duties,
    ledger_skeleton,
    own_trades,
    questions_left,
    read_count,
)

NEXT = (
    Choice("帮我建台账", "ledger:add"),
    Choice("约检定怎么弄", "lookup:show/apply-verification"),
    Choice("签诚信承诺", "pledge:start"),
)
HEADINGS = {Level.MUST: "【必须】", Level.SHOULD: "【建议】", Level.NO_NEED: "【不用】"}
CLOSING = "按您说的情况列的，拿不准的以辖区市场监管所答复为准。"
ASK_TRADE = "您开的是什么店？各行各业要检的不一样。回数字，或直接说卖什么，如“卖鱼的”。"


def checkup_form(trades: Trades) -> Form:
    """The trade, then its own questions; what the first message says (trade, "2台秤") is not asked again."""
    return Form(
        "checkup",
        version=1,
        title="开店体检",
        fields=(_trade_field(trades), *(_field(trades, name) for name in trades.question_names)),
        prefill=lambda text: _prefill(trades, text),
    )


def report(trades: Trades, answers: Answers, on: date) -> Reply:
    """The duties in words, cut between items so that the first part fits one screen; the rest is for 更多."""
    trade = trades.by_id[answers["trade"]]
    blocks = [*_blocks(trade, duties(trade, answers, on)), CLOSING]
    text, more = _screens(blocks)
    rows = ";".join(f"{row.entry}:{row.count}" for row in ledger_skeleton(trade, answers))
    first = Choice(NEXT[0].label, f"ledger:skeleton/{rows}") if rows else NEXT[0]
    return Reply(text, (first, *NEXT[1:]), more=more)


SHOPS = ("摊", "店", "档", "馆", "超市", "铺")
OPENING = re.compile(
    r"^(?:我|俺|咱|我家|我们|咱们)?(?:想|要|准备|打算|刚|新)*(?:开了?|盘下|接手)(?:一?[家个间]|了)?.{1,12}$"
)
ASKING = re.compile(r"[吗呢么？?]|什么|哪些|哪里|怎么|多少|多久|罚|检")


def recognise(_talk: Talk, text: str) -> str | None:
    """我开海鲜摊 opens the check-up; a question about a trade is for the knowledge base."""
    said = text.strip()
    if said in {name for trade in own_trades().packs for name in (trade.shop, *trade.aliases) if name.endswith(SHOPS)}:
        return "told"
    if OPENING.match(said) and not ASKING.search(said) and own_trades().spot(said):
        return "told"
    return None


def act(talk: Talk, action: str) -> list[Reply]:
    return talk.open_form("checkup", talk.inbound.text if action == "told" else "")


def submit(talk: Talk, _form: str, answers: dict[str, Any]) -> list[Reply]:
    return [report(own_trades(), answers, talk.today)]


# -- the form -----------------------------------------------------------------------------------------------------


def _trade_field(trades: Trades) -> Field:
    def parse(inbound: Inbound) -> str:
        trade = trades.spot(inbound.text)
        if trade is None:
            raise NotUnderstoodError(
                f"没认出是哪一行。请回 1 到 {len(trades.packs)} 的数字，或说说卖什么，如“卖鱼的”。"
            )
        return trade.id

    choices = tuple((trade.name, trade.id) for trade in trades.packs)
    return Field("trade", ask=ASK_TRADE, parse=parse, choices=choices)


def _field(trades: Trades, name: str) -> Field:
    """One field per question name: packs share the options of a name, while each words its own question."""
    asked = {trade.id: question for trade in trades.packs if (question := trade.question(name)) is not None}
    sample = next(iter(asked.values()))

    def when(answers: Answers) -> bool:
        question = asked.get(answers.get("trade") or "")
        return question is not None and applies(question.when, answers)

    return Field(
        name,
        ask=_asker(trades, asked),
        parse=_read_count if sample.kind is Kind.NUMBER else None,
        choices=tuple((option.label, option.value) for option in sample.choices),
        multi=sample.kind is Kind.MULTI,
        when=when,
    )


def _asker(trades: Trades, asked: dict[str, Question]) -> Callable[[Answers], str]:
    def ask(answers: Answers) -> str:
        trade = trades.by_id[answers["trade"]]
        question = asked[trade.id]
        left = questions_left(trade, answers)
        step = left.index(question) + 1
        opening = f"{trade.shop}：{len(left)} 步给您列清楚要做什么。\n" if step == 1 else ""
        return f"{opening}第{step}步 {question.ask}"

    return ask


def _read_count(inbound: Inbound) -> int:
    count = read_count(inbound.text)
    if count is None:
        raise NotUnderstoodError("请发一个数字，比如 2；没有就回“没有”。")
    return count


def _prefill(trades: Trades, text: str) -> dict[str, Any]:
    trade = trades.spot(text)
    if trade is None:
        return {}
    counts = {q.name: count_in(q, text) for q in trade.questions if q.kind is Kind.NUMBER}
    return {"trade": trade.id} | {name: count for name, count in counts.items() if count is not None}


# -- the result ---------------------------------------------------------------------------------------------------


def _blocks(trade: Trade, findings: list[Finding]) -> Iterator[str]:
    """The conclusion, then one block per item; a heading stands with the first item of its level."""
    by_level = {level: [f for f in findings if f.level is level] for level in Level}
    must, should, no_need = (len(by_level[level]) for level in Level)
    yield f"您的{trade.shop}要做 {must} 件必须的事，另有 {should} 件建议、{no_need} 件不用办。"
    for level, found in by_level.items():
        for position, finding in enumerate(found):
            heading = f"{HEADINGS[level]}\n" if position == 0 else ""
            yield f"{heading}{_circled(position)}{finding.text}\n　{finding.due_text} · {finding.cost} · {finding.law}"


def _circled(position: int) -> str:
    return chr(0x2460 + position)


def _screens(blocks: list[str]) -> tuple[str, str]:
    budget = SCREEN_BYTES - sum(size(choice.label) + CHOICE_BYTES for choice in NEXT)
    whole = "\n".join(blocks)
    if size(whole) <= budget:
        return whole, ""
    kept = len(blocks)
    while size("\n".join(blocks[:kept])) > budget - size(MORE_HINT):
        kept -= 1
    return "\n".join(blocks[:kept]), "\n".join(blocks[kept:])
