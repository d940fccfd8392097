"""Cards in words: the answer in the first line, then period, who, fee, penalty, next step, law and date.

Composed from structured facts for the day asked about, so that a rule that changes on a date changes the answer on
that date. A fact we are not sure of is worded so and sends the reader to the local office.
"""

from __future__ import annotations

from datetime import date

from knowledge.checkup import Level, Trade, own_trades
from knowledge.library import (
    STALE_AFTER_DAYS,
    Catalogue,
    Confidence,
    Control,
    Faq,
    Instrument,
    Library,
    Note,
    Topic,
    Verification,
    variant,
)
from knowledge.matcher import Aspect

ASK_LOCALLY = "请向辖区市场监管所核实"
PENALTY = "不检的后果：责令停止使用，可并处1000元以下罚款（计量法第二十五条、实施细则第四十三条）。"
FEE_FREE = "检定费：不收（财税〔2017〕20号，2017年4月1日起停征）；修理、调试可能收费。"
FEE_PAID = "费用：自愿检定或校准是市场收费，先问价。"
FEE_UNSURE = "费用：属于强检的免检定费；这一种是否强检待核实。"
WHO_VERIFIES = "谁来检：市场监管局指定的法定检定机构，先登记备案再约检。"
CATALOGUE_LAW = "计量法第九条；强制管理目录（总局公告2020年第42号）"


def entry_text(library: Library, entry_id: str, aspect: Aspect, on: date) -> str:
    entry = library.entry(entry_id)
    if isinstance(entry, Instrument):
        return instrument_text(entry, aspect, on)
    if isinstance(entry, Topic):
        return topic_text(entry, on)
    if isinstance(entry, Faq):
        return faq_text(entry, on)
    return trade_text(own_trades().by_id[entry_id], on)


def answer_text(library: Library, ids: tuple[str, ...], aspect: Aspect, on: date) -> str:
    """The card of the first id; where the second is an instrument that the first speaks about, a line on it."""
    text = entry_text(library, ids[0], aspect, on)
    thing = next((library.instruments[i] for i in ids[1:] if i in library.instruments), None)
    if thing is None or ids[0] in library.instruments or aspect is Aspect.OTHER:
        return text
    head, _, tail = text.partition("\n")
    return f"{head}\n{about_thing(thing, aspect, on)}\n{tail}"


def about_thing(thing: Instrument, aspect: Aspect, on: date) -> str:
    """One line on what an answer means for one kind of instrument."""
    if aspect is Aspect.PERIOD:
        return period_line(thing, on)
    fee = f"。{_fee(thing)}" if aspect is Aspect.FEE else "。"
    return f"您问的{thing.name}：{standing(thing)}{fee}"


def standing(thing: Instrument) -> str:
    """Where a kind stands, in a few words that never say more than we know."""
    if thing.catalogue is Catalogue.UNSURE:
        return f"是否属于强检待核实，{ASK_LOCALLY}"
    if thing.catalogue is Catalogue.UNLISTED:
        return "按现有资料不在强检目录里" + _doubt(thing.confidence.catalogue)
    return "属于强制检定" if thing.must_verify else "使用中不单独强检"


# -- instruments ----------------------------------------------------------------------------------------------


def instrument_text(thing: Instrument, aspect: Aspect, on: date) -> str:
    first = {
        Aspect.PERIOD: lambda: period_line(thing, on),
        Aspect.TOLERANCE: lambda: tolerance_line(thing, on),
    }.get(aspect, lambda: obligation_line(thing))()
    lines = [first]
    if aspect is Aspect.TOLERANCE:
        lines += [f"· {t.text}{_doubt(t.confidence)}" for t in thing.tolerance[1:]]
    if aspect is Aspect.PERIOD:
        lines.append(f"要不要检：{obligation_line(thing)}")
    else:
        lines.append(f"周期：{_doubted(_period(thing), thing.confidence.period)}")
    if thing.must_verify:
        lines.append(WHO_VERIFIES)
    lines.append(_fee(thing))
    if thing.must_verify:
        lines.append(PENALTY)
    lines += [f"· {note.text}" for note in _now(thing.notes, on) if not note.text.startswith("是否属于强检待核实")]
    lines.append(f"下一步：{_next_step(thing)}")
    lines.append(basis(f"{CATALOGUE_LAW}{_regulations(thing, on)}", thing.reviewed, on))
    return "\n".join(lines)


def obligation_line(thing: Instrument) -> str:
    """Whether it must be verified, in one sentence that never says more than we know."""
    uses = "、".join(thing.uses) or "贸易结算"
    if thing.catalogue is Catalogue.UNSURE:
        return f"{thing.name}是否属于强检待核实，{ASK_LOCALLY}；没问清前先按要检准备。"
    if thing.catalogue is Catalogue.UNLISTED:
        if thing.confidence.catalogue is Confidence.HIGH:
            return f"{thing.name}不在强检目录里，不强制检定，但要自己定期检定或校准、保证准。"
        if thing.confidence.catalogue is Confidence.MEDIUM:
            return f"{thing.name}按现有资料不在强检目录里，但要自己定期检定或校准；要准信请问辖区市场监管所。"
        return f"{thing.name}目前没查到列入强检目录（待核实，{ASK_LOCALLY}）；要自己定期检定或校准。"
    if thing.control is Control.TYPE_APPROVAL:
        return f"{thing.name}使用中不单独强检，制造、进口要办型式批准；{ASK_LOCALLY}整机怎么检。"
    if thing.verification is Verification.FIRST_THEN_ROTATION:
        return f"要。{thing.name}用于{uses}的，装用前要首次强制检定，用到期限就换新表。"
    if thing.verification is Verification.FIRST_THEN_SCRAP:
        return f"要。{thing.name}用于{uses}的，用前要首次强制检定，失准就报废。"
    doubt = "（待核实）" if thing.confidence.catalogue is Confidence.LOW else ""
    return f"要。{thing.name}用于{uses}的属于强制检定{doubt}。"


def period_line(thing: Instrument, _on: date) -> str:
    months = thing.period_months
    if thing.catalogue is Catalogue.LISTED and months and thing.verification is Verification.CYCLIC:
        return f"{thing.name}一般{_span(months)}检一次{_doubt(thing.confidence.period)}，以检定证书上的有效期为准。"
    if months and thing.verification is Verification.FIRST_THEN_ROTATION:
        return f"{thing.name}不用年年检：首检合格后一般用{_span(months)}，到期换新{_doubt(thing.confidence.period)}。"
    return f"{thing.name}：{_doubted(thing.period_note, thing.confidence.period)}"


def tolerance_line(thing: Instrument, on: date) -> str:
    if thing.tolerance:
        best = thing.tolerance[0]
        return f"{thing.name}的允许误差：{best.text}{_doubt(best.confidence)}"
    regulation = next(iter(_now(thing.regulations, on)), None)
    where = f"《{regulation.text}》" if regulation else "相应的检定规程"
    return f"{thing.name}的允许误差看{where}和铭牌上的准确度等级，具体数值{ASK_LOCALLY}或问检定机构。"


def _period(thing: Instrument) -> str:
    return thing.period_note or "看检定证书上的有效期。"


def _fee(thing: Instrument) -> str:
    if thing.must_verify:
        return FEE_FREE
    return FEE_UNSURE if thing.catalogue is Catalogue.UNSURE else FEE_PAID


def _next_step(thing: Instrument) -> str:
    if thing.must_verify and thing.verification is Verification.FIRST_THEN_ROTATION:
        return "看表上的检定标志和年份，到期请供水、供电、燃气公司或表的产权单位来换。"
    if thing.must_verify:
        return "到期前一个月左右约检，回“怎么申请检定”看步骤。"
    if thing.catalogue is Catalogue.UNSURE:
        return f"{ASK_LOCALLY}，或回“人工”由我们替您问。"
    return "自己定个周期（一般一年）检定或校准，留好证书。"


def _regulations(thing: Instrument, on: date) -> str:
    """The regulation in force that day, and the next one with its date."""
    doubt = "（编号待核实）" if thing.confidence.regulation is Confidence.LOW else ""
    now = [f"{r.text}{doubt}" for r in _now(thing.regulations, on)]
    later = [f"{r.since:%Y-%m-%d}起改按{r.text}" for r in thing.regulations if r.since and r.since > on]
    return "".join(f"；{text}" for text in now + later)


# -- topics and questions -------------------------------------------------------------------------------------


def topic_text(topic: Topic, on: date) -> str:
    dated = variant(topic, on)
    answer = dated.answer if dated else topic.answer
    details = dated.details if dated and dated.details else topic.details
    law = dated.law if dated and dated.law else topic.law
    lines = [answer, *(f"· {d}" for d in details), f"下一步：{topic.next_step}"]
    return "\n".join([*lines, *_low(topic.confidence), basis(law, topic.reviewed, on)])


def trade_text(trade: Trade, on: date) -> str:
    laws = dict.fromkeys(d.law for d in trade.duties if d.entry and d.level is Level.MUST and d.holds(on))
    law = next(iter(laws), CATALOGUE_LAW)
    return f"{trade.summary}\n下一步：回“开店体检”，几步给您列出要做的事。\n依据：{law}。"


def faq_text(faq: Faq, on: date) -> str:
    dated = variant(faq, on)
    answer = dated.answer if dated else faq.answer
    law = dated.law if dated and dated.law else faq.law
    return "\n".join([answer, *_low(faq.confidence), basis(law, faq.reviewed, on)])


def basis(law: str, reviewed: date, on: date) -> str:
    stale = "；已超过一年没有复核，请以当地答复为准" if (on - reviewed).days > STALE_AFTER_DAYS else ""
    return f"依据：{law}。资料核对：{reviewed:%Y-%m-%d}{stale}"


def _low(confidence: Confidence) -> list[str]:
    return [f"※ 这一条待核实，{ASK_LOCALLY}。"] if confidence is Confidence.LOW else []


def _doubt(confidence: Confidence) -> str:
    return "（待核实）" if confidence is Confidence.LOW else ""


def _doubted(text: str, confidence: Confidence) -> str:
    return text if "待核实" in text else text + _doubt(confidence)


def _now(notes: list[Note], on: date) -> list[Note]:
    return [n for n in notes if n.holds(on)]


def _span(months: int) -> str:
    if months == 6:
        return "半年"
    return f"{months // 12}年" if months % 12 == 0 else f"{months}个月"
