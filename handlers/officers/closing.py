"""办结 0031 2, then the public reason: two messages. Without an outcome, a reason, or the proof it demands there is no end."""

from __future__ import annotations

import json
import re
from typing import Any

from handlers.cases import files as case_files
from handlers.cases import steps
from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.officers import words
from handlers.officers.access import GONE, Duty, find
from handlers.officers.lines import reporter
from handlers.officers.stepping import done
from knowledge.casebook import Outcome
from storage import cases
from storage.cases import Case, CaseState

LEAST = steps.LEAST_REASON
_DOCUMENT = re.compile(
    r"(?:文书号|文书编号|文号|调解书号|决定书号)\s*[:：为是]?\s*(?P<number>[^\s，。；,;]{2,60})[，。；,;]?"
)
NO_COMMAND = "这里要写办结理由。要办别的，先回“取消”。"
ENDED = "ended"
"""The outcome of a mediation that is ended (终止调解)."""
PROOF_ASK = "这个结果要有凭据：请写“文书号 …”，或发一张整改、调解的照片。"


def _read_reason(inbound: Inbound) -> dict[str, Any]:
    """The reason, with the document's number and the photos that came with it."""
    if words.read(inbound.text) is not None:
        raise NotUnderstoodError(NO_COMMAND)
    reason = _reason(inbound.text)
    if len(reason["text"]) < LEAST:
        raise NotUnderstoodError("理由太短了，没有存。照片等写完理由再发。")
    return reason | {"files": _files(inbound)}


def _read_ended(inbound: Inbound) -> dict[str, Any]:
    """A mediation ends on one of the grounds the law has for it: its number comes first."""
    number, _ = words.number_and_rest(inbound.text)
    if number is None and words.read(inbound.text) is None:
        raise NotUnderstoodError("没看到依据编号，例如“3 双方差距大，当面表示不再谈”。")
    return _read_reason(inbound)


def _reason(text: str) -> dict[str, Any]:
    found = _DOCUMENT.search(text)
    words_ = _DOCUMENT.sub("", text) if found else text
    return {"text": words_.strip(" \n，。；"), "document": found["number"] if found else "", "files": []}


def _read_proof(inbound: Inbound) -> dict[str, Any]:
    found = _DOCUMENT.search(inbound.text.strip())
    files = _files(inbound)
    if found is None and not files:
        raise NotUnderstoodError("没看到文书号，也没有照片。")
    return {"document": found["number"] if found else "", "files": files}


def _files(inbound: Inbound) -> list[list[str]]:
    return [[a.name, str(a.kind)] for a in inbound.attachments]


def _lacks_proof(answers: Answers) -> bool:
    reason = answers.get("reason") or answers.get("ended") or {}
    return bool(answers.get("proof")) and not (reason.get("document") or reason.get("files"))


def _asked(answers: Answers) -> str:
    return str(answers.get("said"))


CLOSE = Form(
    "case-close",
    version=1,
    title="办结",
    confidential=True,
    keep=False,
    fields=(
        *(Field(name, ask="") for name in ("case", "outcome", "said", "proof")),
        Field("reason", ask=_asked, parse=_read_reason, free_text=True, when=lambda a: a.get("outcome") != ENDED),
        Field("ended", ask=_asked, parse=_read_ended, free_text=True, when=lambda a: a.get("outcome") == ENDED),
        Field("evidence", ask=PROOF_ASK, parse=_read_proof, free_text=True, when=_lacks_proof),
    ),
    prefill=handed,
)


def close(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """``rest`` may hold the outcome's number, and the reason behind it: then it is done in one message."""
    steps.demand_move(case, CaseState.CLOSED)
    number, reason = words.number_and_rest(rest)
    outcomes = duty.talk.bench.casebook.outcomes(case.kind)
    outcome = next((row for row in outcomes if row.number == number), None)
    if outcome is None:
        options = tuple(Choice(row.label, f"officers:close/{case.id}/{row.number}") for row in outcomes)
        return [Reply(f"{case.number} 怎么办结？选了再写理由。", options)]
    return duty.talk.open_form(CLOSE.name, json.dumps(_handed(duty, case, outcome, reason), ensure_ascii=False))


def _handed(duty: Duty, case: Case, outcome: Outcome, reason: str) -> dict[str, Any]:
    """What the form knows already; a reason that came along is taken when it is one."""
    given, field = _reason(reason), "ended" if outcome.id == ENDED else "reason"
    ready = len(given["text"]) >= LEAST and (field == "reason" or words.number_and_rest(reason)[0] is not None)
    return _asking(duty, case, outcome) | ({field: given} if ready else {})


def _asking(duty: Duty, case: Case, outcome: Outcome) -> dict[str, Any]:
    proof = "，并写“文书号 …”或附照片" if outcome.proof else ""
    if outcome.id == ENDED:
        grounds = duty.talk.bench.casebook.mediation_ends(case.received_on)
        proof = "，前面写依据编号：\n" + "\n".join(f"{row.number} {row.text}" for row in grounds)
    said = f"{case.number} 办结：{outcome.label}。\n请写公开理由（至少 {LEAST} 个字，对方会看到）{proof}{'' if outcome.id == ENDED else '。'}"
    return {"case": case.id, "outcome": outcome.id, "said": said, "proof": outcome.proof}


def closed(duty: Duty, answers: dict[str, Any]) -> list[Reply]:
    """The form is filled in: whether the case is still this officer's is asked once more."""
    talk = duty.talk
    found = find(duty, str(answers["case"]))
    outcome = talk.bench.casebook.outcome_named(answers["outcome"])
    if not found or outcome is None:
        return [Reply(GONE)]
    (case,) = found
    reason, more = answers.get("reason") or answers["ended"], answers.get("evidence") or {}
    text = _public(duty, case, outcome, reason["text"])
    if not text:
        return [Reply("没有这个依据编号，请看着选。"), *close(duty, case, str(outcome.number))]
    document = reason["document"] or more.get("document", "")
    sources = [(name, kind) for name, kind in (*reason["files"], *more.get("files", []))]
    steps.close(duty.desk, case, outcome, text, document, proof=bool(sources))
    case_files.keep(talk.session, case, talk.contact_id, sources, talk.now)
    together = len(cases.merged_into(talk.session, case.id)) + 1
    who = reporter(case)
    whose = f"{together} 个案件的{who}分别看到结果" if together > 1 else f"{who}会看到结果"
    return done(duty, case, f"{case.number} 已办结：{outcome.label}。{whose}，可以评价，15 天内可以要求重办。")


def _public(duty: Duty, case: Case, outcome: Outcome, text: str) -> str:
    """The reason as it is told; of an ended mediation with its legal ground. Empty: there is no such ground."""
    if outcome.id != ENDED:
        return text
    number, words_ = words.number_and_rest(text)
    grounds = duty.talk.bench.casebook.mediation_ends(case.received_on)
    ground = next((row for row in grounds if row.number == number), None)
    return f"{ground.text}（{ground.law}）。{words_}" if ground is not None else ""
