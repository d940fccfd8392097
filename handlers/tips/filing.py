"""A filled-in tip becomes a case: its words without what would name their teller, its terms, its receipt, its likenesses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handlers.cases import files as case_files
from handlers.cases import telling, terms
from handlers.conversation.messages import Choice, Reply, Way
from handlers.talk import SHANGHAI, Talk
from handlers.tips import rights, words
from handlers.tips.form import COMPLAINT, NAMED
from handlers.tips.sheet import Sheet, sheet
from knowledge import receipt_code, stalls
from knowledge.private_words import hide
from knowledge.stalls import SUGGEST, StallTraits
from storage import case_likeness, case_links, cases, identities
from storage.cases import Case, CaseKind
from storage.failpoints import reach

MOST_A_DAY = 3
"""Open cases that one person files in a day."""
NINETY, HALF_YEAR = timedelta(days=90), timedelta(days=180)
MOST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Filed:
    """A case as it was recorded; ``hidden``: words were taken out of its text; ``sealed``: an identity lies with it."""

    case: Case
    digits: str
    hidden: bool
    sealed: bool


def filed_today(talk: Talk) -> list[Case]:
    """The person's open cases of today over all their accounts, the newest first."""
    own = case_links.cases_of(talk.session, rights.tags(talk))
    return [case for case in own if case.received_on == talk.today and case.state in cases.OPEN]


def record(talk: Talk, answers: Mapping[str, Any]) -> Filed:
    """Record the case with all that belongs to it. ``identities.can_seal`` was asked for before a name was."""
    now = sheet(answers, talk.today)
    text = hide("\n".join(now.words)[:MOST_TEXT])
    digits, digest = talk.bench.receipts.take()
    case = _case(talk, now, answers, text.text)
    case.filing_hash = filing_hash(case, now.files)
    cases.open_case(talk.session, case, talk.today, talk.now)
    reach("case.recorded")
    case_links.link(talk.session, case.id, rights.own_tag(talk), talk.today)
    case_links.keep_receipt(talk.session, case.id, digest)
    terms.start(talk.bench, talk.session, case, terms.FIRST[CaseKind(case.kind)], talk.today)
    sealed = _seal(talk, case, answers, text.found)
    case_files.keep(talk.session, case, talk.contact_id, now.files, talk.now)
    _liken(talk, case)
    telling.tell_staff(talk.bench, talk.session, case, _news(case), talk.now, "filed")
    return Filed(case, digits, bool(text.found), sealed)


def _news(case: Case) -> str:
    kind = "投诉" if case.kind == CaseKind.COMPLAINT else "举报"
    return f"新{kind}，待分派{'（同一摊位多次被反映，优先）' if case.urgent else ''}"


# -- the row ------------------------------------------------------------------------------------------------------


def _case(talk: Talk, now: Sheet, answers: Mapping[str, Any], text: str) -> Case:
    told = now.told
    return Case(
        kind=CaseKind.COMPLAINT if answers["kind"] == COMPLAINT else CaseKind.REPORT,
        category=told.category,
        district=_district(talk, now),
        market=told.market[:64],
        stall_no=told.stall[:64],
        shop=hide(told.shop).text[:64],
        place=_place(now),
        latitude=now.point.lat if now.point else None,
        longitude=now.point.lon if now.point else None,
        goods=told.goods[:64],
        matter=hide(now.matter).text[:200],
        told=text,
        happened=_happened(now),
        verdict=now.judgement.to_json() if now.judgement else None,
        evidence_level=now.level.number,
        demand=_demand(talk, answers),
        statutory=talk.office.statutory_intake,
    )


def _place(now: Sheet) -> str:
    label = now.point.label if now.point is not None else ""
    return hide(" ".join(dict.fromkeys(filter(None, (now.told.place, label))))).text[:200]


def _district(talk: Talk, now: Sheet) -> str:
    said = now.where + "".join(now.words)
    return next((name for name in talk.office.districts.values() if name in said), "")[:64]


def _happened(now: Sheet) -> str:
    return f"{now.told.day:%Y-%m-%d}{now.told.hour}"[:64] if now.told.day is not None else now.told.hour[:64]


def _demand(talk: Talk, answers: Mapping[str, Any]) -> str:
    wanted = answers.get("demand")
    return next((row.label for row in talk.bench.casebook.demands if row.id == wanted), "")


def filing_hash(case: Case, files: list[tuple[str, str]]) -> str:
    """SHA-256 over what was filed as canonical JSON: proof later that nothing was altered."""
    filed = {
        "kind": str(case.kind),
        "category": case.category,
        "where": [case.district, case.market, case.stall_no, case.shop, case.place, case.latitude, case.longitude],
        "what": [case.goods, case.matter, case.happened, case.demand],
        "told": case.told,
        "files": [list(file) for file in files],
    }
    text = json.dumps(filed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# -- what belongs to it -------------------------------------------------------------------------------------------


def _seal(talk: Talk, case: Case, answers: Mapping[str, Any], found: tuple[tuple[str, str], ...]) -> bool:
    """Seal what the person gave of themselves; words taken out of the story go with it only when they left a contact."""
    if answers["kind"] not in (COMPLAINT, NAMED):
        return False
    identity = {"name": answers.get("name") or answers.get("called") or "", "phone": answers["phone"]}
    if found:
        identity["told"] = "；".join(f"{kind}：{value}" for kind, value in found)
    identities.seal(talk.session, case.id, identity, talk.now)
    case.identified = True
    return True


def _liken(talk: Talk, case: Case) -> None:
    """Suggest to staff which earlier cases may be about the same stall; more than one weighs more (F6)."""
    traits = traits_of(case)
    keys = stalls.block_keys(traits)
    case_likeness.keep_keys(talk.session, case.id, keys)
    alike = list(_alike(traits, case_likeness.candidates(talk.session, case.id, keys) if keys else []))
    for other, found in alike:
        case_likeness.suggest(talk.session, case.id, other.id, found.score, found.reasons)
    since = [other for other, _ in alike if other.received_on >= talk.today - HALF_YEAR]
    recent = sum(other.received_on >= talk.today - NINETY for other in since)
    confirmed = sum(other.confirmed for other in since)
    case.urgent = stalls.priority(recent + 1, len(since) + 1, confirmed).urgent


def _alike(traits: StallTraits, candidates: list[Case]) -> Iterator[tuple[Case, stalls.Likeness]]:
    for other in candidates:
        found = stalls.likeness(traits, traits_of(other))
        if found.score >= SUGGEST:
            yield other, found


def traits_of(case: Case) -> StallTraits:
    return StallTraits(
        licence=case.licence,
        market=case.market,
        stall=case.stall_no,
        name=case.shop,
        place=case.place,
        goods=case.goods,
        lat=case.latitude,
        lon=case.longitude,
    )


# -- what is said -------------------------------------------------------------------------------------------------


def receipt_replies(talk: Talk, filed: Filed) -> list[Reply]:
    """The card, the receipt alone (a card that is passed on must not open the case), and whether news are wanted."""
    return [
        Reply("\n".join(_card_lines(talk, filed))),
        Reply(
            "".join((f"回执码 {receipt_code.with_check(filed.digits)}，请截图保存。{KEEP}", _clear(talk))), once=True
        ),
        Reply(NEWS, _news_choices(talk, filed.case)),
    ]


KEEP = "换手机、换账号或用网页，都能凭它查进展、补证据。别发给别人。"
CLEAR = "存好后可以把这条消息删掉。"
NEWS = "有进展要不要在这里通知您？要的话，账号会加密存在案件旁边，只用来通知，随时可以停。"


def _clear(talk: Talk) -> str:
    """On a platform the chat stays on the phone; here it is shown this once only."""
    return "" if talk.inbound.way is Way.PULL else CLEAR


def _card_lines(talk: Talk, filed: Filed) -> Iterator[str]:
    case = filed.case
    at = talk.now.astimezone(SHANGHAI)
    yield f"已收到 ✔ 编号 {case.number}（{at:%Y-%m-%d %H:%M}，存证码 {case.filing_hash[:8]}）"
    clock = terms.next_term(talk.session, case)
    assert clock is not None
    rule = terms.rule_of(talk.bench, case, clock)
    guess = "（暂估，次年放假安排未发布）" if clock.provisional else ""
    yield f"下一步：{rule.event}，{rule.length}，最迟 {clock.due_on:%Y-%m-%d}{guess}。办理中不会告诉对方是谁反映的。"
    if case.kind == CaseKind.COMPLAINT:
        yield "调解要让商家知道是哪笔交易；其中的违法线索本局另外核查，和调解分开。"
    if filed.hidden:
        kept = "，另外封存" if filed.sealed else ""
        yield f"您写的电话、姓名等，我找到的已隐去{kept}；请再看看有没有别的能认出您的话，有就回“人工”。"
    if not case.statutory:
        yield words.NOT_STATUTORY.format(talk.office.hotline)


def _news_choices(talk: Talk, case: Case) -> tuple[Choice, ...]:
    wanted = (Choice("要（消息不写店名）", f"tips:news/{case.id}"), Choice("不要，我自己来查", f"tips:quiet/{case.id}"))
    return wanted if talk.office.statutory_intake else (*wanted, Choice("给 12315 的文字", f"tips:copy/{case.id}"))
