"""模板: set phrases, filled in from a case as far as it is known; what is missing stands in brackets to be written."""

from __future__ import annotations

from handlers.cases import terms
from handlers.conversation.messages import Choice, Reply
from handlers.officers.access import Duty
from handlers.officers.lines import short
from knowledge.casebook import Template
from storage.cases import Case

BLANKS = {
    "what": "要补充什么",
    "when": "时间",
    "where": "地点",
    "ground": "依据",
    "outcome": "结果",
    "reason": "理由",
    "body": "单位",
    "due": "日期",
}


def listed(duty: Duty) -> list[Reply]:
    titles = "、".join(row.title for row in duty.talk.bench.casebook.templates)
    return [Reply(f"有这些常用文字：{titles}。\n回“模板 编号”，照案件填好给您复制。")]


def template(duty: Duty, case: Case, rest: str) -> list[Reply]:
    rows = [row for row in duty.talk.bench.casebook.templates if row.kind in (case.kind, "any")]
    said = rest.strip()
    found = next((row for row in rows if said and said in (row.id, row.title)), None)
    if found is None and said.isdecimal() and 0 < int(said) <= len(rows):
        found = rows[int(said) - 1]
    if found is None:
        options = tuple(Choice(row.title, f"officers:template/{case.id}/{row.id}") for row in rows)
        return [Reply(f"{case.number} 要哪一段？", options)]
    return [Reply(filled(duty, case, found), (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))]


def filled(duty: Duty, case: Case, row: Template) -> str:
    known = _known(duty, case)
    values = {name: known.get(name) or f"〔请填：{BLANKS.get(name, name)}〕" for name in row.blanks}
    return row.fill(**values)


def _known(duty: Duty, case: Case) -> dict[str, str]:
    book, talk = duty.talk.bench.casebook, duty.talk
    outcome = book.outcome_named(case.outcome) if case.outcome else None
    clock = terms.next_term(talk.session, case)
    return {
        "number": case.number,
        "ground": case.ground,
        "body": case.ground,
        "outcome": outcome.label if outcome else "",
        "reason": case.reason,
        "remedies": book.remedies(outcome.remedies if outcome else case.kind),
        "due": f"{clock.due_on:%Y-%m-%d}" if clock is not None else "",
    }
