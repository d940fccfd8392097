"""How a tip begins and how it is handed in: every way into the sheet, with the notice of who sees what before the first
question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from handlers.conversation.forms import FormState
from handlers.conversation.messages import AttachmentKind, Choice, Reply
from handlers.talk import Talk
from handlers.tips import filing, words
from handlers.tips.form import ELSEWHERE, TIPOFF
from handlers.tips.parts import Part
from handlers.tips.sheet import is_placeless, sheet
from knowledge.tip_scope import Handover, also_elsewhere, handover_text, out_of_scope
from knowledge.tips import read_tip
from storage import identities, pledges
from storage.cases import Case

REPORT = Choice("举报缺斤短两", "tips:photos")
ENOUGH = (
    "您今天已有 {} 件在办，先不收新的，免得别人排不上。\n"
    "刚才填的给您留着 7 天，回“继续”接着报；是同一件事的，直接补充到那一件里更快。\n急事请打 {}。"
)
NO_PLACE = (
    "还没有交上去：不知道在哪儿，没法去查。\n"
    "需要其中一样：市场和摊位号、店名、哪条路什么旁边、发个位置，或者一张店面、摊位、小票的照片。\n"
    "填过的给您留 7 天，有了就回“继续”接着报。"
)
_STORY_LENGTH = 1_500


# -- ways in ------------------------------------------------------------------------------------------------------


def start(talk: Talk, _rest: str = "") -> list[Reply]:
    return begin(talk, {})


def told(talk: Talk, text: str = "") -> list[Reply]:
    """A story said straight away; one that is no matter of measures is handed over, one that is both goes both ways."""
    said = (text or talk.inbound.text).strip()
    elsewhere = out_of_scope(said)
    if elsewhere is not None:
        return [handed_over(talk, elsewhere, said)]
    report = begin(talk, {"story": [{"text": said}]})
    other = also_elsewhere(said)
    return report if other is None else [replace(handed_over(talk, other, said), choices=()), *report]


def judged(talk: Talk, handed: str) -> list[Reply]:
    """After a verdict: what was said there is not asked again. ``handed``: JSON of ``story`` and ``packing``."""
    given = json.loads(handed)
    return begin(talk, {"story": [{"text": given["story"]}], "packing": given.get("packing") or ""})


def after_verdict(story: str, packing: str = "") -> Choice:
    """The choice that carries a verdict's answers over."""
    handed = json.dumps({"story": story[:_STORY_LENGTH], "packing": packing}, ensure_ascii=False)
    return Choice("马上举报", f"tips:judged/{handed}")


def at_stall(talk: Talk, number: str) -> list[Reply]:
    """A stall's code was scanned: where is known."""
    return begin(talk, {"where": [{"text": f"{number}号摊" if number.isdecimal() else number}]})


def at_pledge(talk: Talk, number: str) -> list[Reply]:
    """From the card of a shop: which one is known."""
    found = pledges.by_number(talk.session, number)
    where = f"{found[1].district}{found[1].name}" if found else f"承诺编号{number}的店"
    return begin(talk, {"where": [{"text": where}]})


def with_photos(talk: Talk, _rest: str = "") -> list[Reply]:
    """The photos that waited for a word are the first evidence; begin asks for them."""
    return begin(talk, {})


def begin(talk: Talk, given: dict[str, Any]) -> list[Reply]:
    """Open the sheet. Photos that lie waiting come along: who has just sent some means them."""
    sealing = identities.can_seal(talk.session)
    sent, talk.state.files = _waiting(talk), []
    hidden = {"day": talk.today.isoformat(), "sealing": sealing, "sent": sent}
    first, *rest = talk.open_form(TIPOFF.name, json.dumps(hidden | given, ensure_ascii=False))
    return [replace(first, text=f"{words.notice(talk, sealing=sealing)}\n\n{first.text}"), *rest]


def _waiting(talk: Talk) -> list[Part]:
    return [{"file": name, "kind": str(AttachmentKind.IMAGE)} for name in talk.state.files]


# -- not ours -----------------------------------------------------------------------------------------------------


def handed_over(talk: Talk, elsewhere: Handover, said: str) -> Reply:
    block = handover_text(elsewhere, read_tip(said, talk.today), said)
    text = f"{elsewhere.advice}\n下面这段可以直接复制：\n{block}"
    return Reply(text, (Choice("也有缺斤短两，要举报", "tips:start"), Choice("找人工", "human:")))


def outside(talk: Talk, _rest: str = "") -> list[Reply]:
    """Said as the story of a tip: the sheet is put away, the words are not lost."""
    said = talk.inbound.text.strip()
    elsewhere = out_of_scope(said)
    return [handed_over(talk, elsewhere, said)] if elsewhere is not None else begin(talk, {})


# -- handing in ---------------------------------------------------------------------------------------------------


def submit(talk: Talk, answers: dict[str, Any]) -> list[Reply]:
    if is_placeless(answers):
        return [_without_place(talk, answers)]
    named = answers["kind"] != "anonymous"
    if named and not identities.can_seal(talk.session):
        return [_to_hotline(talk, answers)]
    today = filing.filed_today(talk)
    if len(today) >= filing.MOST_A_DAY:
        return [_enough(talk, answers, today)]
    return filing.receipt_replies(talk, filing.record(talk, answers))


def _without_place(talk: Talk, answers: dict[str, Any]) -> Reply:
    """Not filed: there would be nowhere to go; where is asked again when it is taken up."""
    _keep_draft(talk, {name: value for name, value in answers.items() if name != "where"})
    return Reply(NO_PLACE, (Choice("现在接着填", "tips:resume"), Choice("看菜单", "menu:")))


def _to_hotline(talk: Talk, answers: dict[str, Any]) -> Reply:
    """No name is taken where it cannot be sealed: the whole as a text for those who may take it."""
    _keep_draft(talk, answers)
    now = sheet(answers, talk.today)
    wish = "投诉，要求退赔" if answers["kind"] in (ELSEWHERE, "complaint") else "举报"
    lines = (
        f"退钱、赔偿要实名，这里现在收不了姓名电话，请打 {talk.office.hotline}，或在全国12315平台、小程序提交。",
        "下面这段可以直接复制：",
        f"【{wish}】地点：{now.where}；事情：{now.matter}；经过：{'。'.join(now.words)}",
        "您填的还留着：也可以在这里不留名举报，查处和退赔互不影响。",
    )
    return Reply("\n".join(lines), (Choice("在这里不留名举报", "tips:resume"), Choice("看菜单", "menu:")))


def _enough(talk: Talk, answers: dict[str, Any], open_ones: Sequence[Case]) -> Reply:
    _keep_draft(talk, answers)
    choices = tuple(
        Choice(f"补充到 {case.number[-4:]}", f"tips:add/{case.id}") for case in open_ones[: filing.MOST_A_DAY]
    )
    return Reply(ENOUGH.format(len(open_ones), talk.office.hotline), choices)


def _keep_draft(talk: Talk, answers: dict[str, Any]) -> None:
    """All but how it is to be filed."""
    asked_last = ("kind", "name", "called", "phone", "demand")
    kept = {k: v for k, v in answers.items() if k not in asked_last}
    talk.state.draft, talk.state.draft_at = FormState(TIPOFF.name, TIPOFF.version, kept), talk.now


def resume(talk: Talk, _rest: str = "") -> list[Reply]:
    """The sheet that was kept, at its last question."""
    draft, talk.state.draft = talk.state.draft, None
    if draft is None or draft.form != TIPOFF.name:
        return begin(talk, {})
    return talk.open_form(TIPOFF.name, json.dumps(draft.answers, ensure_ascii=False))
