"""The merchant's side of a case (D15): what is asked of the shop, explaining it, offering a refund.

Only the owner and managers of the shop that was told; to everybody else it is as good as missing. Nothing here says who
reported, or what they said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from handlers.cases import files as case_files
from handlers.cases import notices as wording
from handlers.cases import telling, terms
from handlers.conversation.forms import Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.conversation.router import Service
from handlers.talk import Talk
from storage import case_clocks, cases, notices, shops
from storage.cases import Case, CaseKind, CaseState, Deed
from storage.shops import Role, Shop

MERCHANT = "merchant"
MISSING = "没有这个通知，或者不归您的店。"
OVER = "这件事已经办完，不用再说明了。"
LEAST = 5
MOST_YUAN = Decimal(50_000)
MOST_TEXT = 1_000
_AMOUNT = re.compile(r"(?:愿意?)?(?:退款|退|赔偿?|补偿?)?\s*[¥￥]?\s*(\d{1,6}(?:\.\d{1,2})?)\s*(?:元|块钱?|块|圆)?")
_NARROW = {0xFF10 + n: str(n) for n in range(10)} | {0xFF0E: "."}
WORDS = dict.fromkeys(("商家通知", "市监通知", "投诉通知"), "list")


@dataclass(frozen=True, slots=True)
class Notice:
    """A case that a shop of this person's was told of."""

    case: Case
    shop: Shop


def _asked(answers: Any) -> str:
    return str(answers.get("said") or "")


def _read_words(inbound: Inbound) -> dict[str, Any]:
    text, files = inbound.text.strip()[:MOST_TEXT], [[a.name, str(a.kind)] for a in inbound.attachments]
    if len(text) < LEAST and not files:
        raise NotUnderstoodError("请写一句话说明，或发照片（检定证书、合格标签、记录）。")
    return {"text": text, "files": files}


def _read_amount(inbound: Inbound) -> str:
    found = _AMOUNT.fullmatch(inbound.text.strip().translate(_NARROW))
    try:
        amount = Decimal(found[1]) if found else Decimal(0)
    except InvalidOperation:
        amount = Decimal(0)
    if not 0 < amount <= MOST_YUAN:
        raise NotUnderstoodError(f"请回金额，如“30”或“30.5 元”，最多 {MOST_YUAN:f} 元。")
    return f"{amount:.2f}".removesuffix(".00")


EXPLAIN = Form(
    "merchant-explain",
    version=1,
    title="商家说明",
    confidential=True,
    keep=False,
    fields=(
        *(Field(name, ask="") for name in ("case", "said")),
        Field("words", ask=_asked, parse=_read_words, free_text=True),
    ),
    prefill=handed,
)
OFFER = Form(
    "merchant-offer",
    version=1,
    title="愿意退款",
    confidential=True,
    keep=False,
    fields=(*(Field(name, ask="") for name in ("case", "said")), Field("amount", ask=_asked, parse=_read_amount)),
    prefill=handed,
)


def act(talk: Talk, action: str) -> list[Reply]:
    talk.confidential = True
    talk.state.options = None
    verb, _, rest = action.partition("/")
    if verb == "list":
        return _list(talk)
    found = _mine(talk, rest)
    if found is None:
        return [Reply(MISSING, (Choice("看菜单", "menu:"),))]
    if found.case.state not in cases.OPEN:
        return [Reply(OVER, (Choice("看菜单", "menu:"),))]
    return ACTIONS[verb](talk, found)


def _mine(talk: Talk, id_: str) -> Notice | None:
    """Whose it is hangs on the shop that was told and on the person's place in it now."""
    if not (id_.isascii() and id_.isdecimal() and len(id_) < 10):
        return None
    shop_id = notices.shop_told(talk.session, int(id_))
    place = shops.membership(talk.session, talk.person_id, shop_id) if shop_id is not None else None
    if place is None or not place.role.covers(Role.MANAGER):
        return None
    case = cases.get(talk.session, int(id_))
    return Notice(case, place.shop) if case is not None else None


def _list(talk: Talk) -> list[Reply]:
    own = [p.shop.id for p in shops.of_person(talk.session, talk.person_id) if p.role.covers(Role.MANAGER)]
    found = notices.told_of(talk.session, own) if own else []
    if not found:
        return [Reply("没有要您的店说明的通知。", (Choice("看菜单", "menu:"),))]
    if len(found) == 1:
        return act(talk, f"open/{found[0].id}")
    options = tuple(Choice(f"通知 {wording.reference(case)}", f"merchants:open/{case.id}") for case in found[:8])
    return [Reply(f"有 {len(found)} 件要说明的，看哪一件？", options)]


def open_(talk: Talk, found: Notice) -> list[Reply]:
    case = found.case
    clock = next(iter(case_clocks.live(talk.session, case.id, terms.ANSWER)), None)
    text = (
        wording.notice(talk.bench, case, clock)
        if clock is not None
        else f"通知 {wording.reference(case)}：您已经答复过，可以再补充。"
    )
    return [Reply(text, choices(case))]


def choices(case: Case) -> tuple[Choice, ...]:
    """Money is for the dispute of a complaint, not for making a report go away."""
    explain = Choice("说明情况", f"merchants:explain/{case.id}")
    offer = Choice("愿意退款", f"merchants:offer/{case.id}")
    return (explain, offer) if _may_offer(case) else (explain,)


def _may_offer(case: Case) -> bool:
    return case.kind == CaseKind.COMPLAINT and case.state == CaseState.ACCEPTED


def explain(talk: Talk, found: Notice) -> list[Reply]:
    said = f"通知 {wording.reference(found.case)}：请写一段话说明情况，或发照片（检定证书、合格标签、记录）。只给办案人员看。"
    return _open_form(talk, EXPLAIN, found, said)


def offer(talk: Talk, found: Notice) -> list[Reply]:
    if not _may_offer(found.case):
        return [Reply("这件事不是消费纠纷，不收退款。请选“说明情况”。", choices(found.case))]
    said = f"通知 {wording.reference(found.case)}：愿意退多少元？对方会看到金额，由对方决定接不接受。"
    return _open_form(talk, OFFER, found, said)


def _open_form(talk: Talk, form: Form, found: Notice, said: str) -> list[Reply]:
    return talk.open_form(form.name, json.dumps({"case": str(found.case.id), "said": said}, ensure_ascii=False))


ACTIONS: dict[str, Callable[[Talk, Notice], list[Reply]]] = {"open": open_, "explain": explain, "offer": offer}


# -- what was answered --------------------------------------------------------------------------------------------


def submit(talk: Talk, form: str, answers: dict[str, Any]) -> list[Reply]:
    """Whether it is still this person's to answer is asked once more."""
    talk.confidential = True
    found = _mine(talk, answers["case"])
    if found is None:
        return [Reply(MISSING)]
    if found.case.state not in cases.OPEN:
        return [Reply(OVER)]
    if form == OFFER.name:
        return _offered(talk, found, answers["amount"])
    return _explained(talk, found, answers["words"])


def _explained(talk: Talk, found: Notice, words: dict[str, Any]) -> list[Reply]:
    case, session, now = found.case, talk.session, talk.now
    sources = [(name, kind) for name, kind in words["files"]]
    kept = case_files.keep(session, case, talk.contact_id, sources, now)
    detail = {"shop": found.shop.id, "files": len(kept)}
    cases.happen(session, case, Deed(MERCHANT, "merchant.explained", words["text"], public=False, detail=detail), now)
    event = cases.happen(session, case, Deed(MERCHANT, "merchant.answered", detail={"shop": found.shop.id}), now)
    terms.meet(session, case, terms.ANSWER, talk.today)
    telling.tell_staff(talk.bench, session, case, "商家已说明情况", now, f"explained:{event.id}")
    telling.tell_one(talk.bench, session, case, "商家已答复", now, f"merchant:{event.id}")
    lost = "（这一小时收满了，有的照片没收下，请过一小时再发）" if len(kept) < len(set(sources)) else ""
    text = f"已交给办案人员（通知 {wording.reference(case)}）。{lost}还有要说的，再选一次“说明情况”。"
    return [Reply(text, choices(case))]


def _offered(talk: Talk, found: Notice, amount: str) -> list[Reply]:
    case, session, now = found.case, talk.session, talk.now
    if not _may_offer(case):
        return [Reply("现在不能再提退款了。请选“说明情况”。", choices(case))]
    detail = {"shop": found.shop.id, "amount": amount}
    event = cases.happen(session, case, Deed(MERCHANT, "merchant.offered", f"愿意退款 {amount} 元", detail=detail), now)
    terms.meet(session, case, terms.ANSWER, talk.today)
    telling.tell_staff(talk.bench, session, case, "商家愿意退款，已转给投诉人决定", now, f"offered:{event.id}")
    telling.tell_one(talk.bench, session, case, "商家提出退款，请您决定", now, f"merchant:{event.id}")
    text = f"已把“愿意退款 {amount} 元”转给对方，由对方决定。有结果会由办案人员告诉您。"
    return [Reply(text, (Choice("说明情况", f"merchants:explain/{case.id}"),))]


SERVICE: Service[Talk] = Service("merchants", act, forms=(EXPLAIN, OFFER), submit=submit, commands=WORDS, personal=True)
