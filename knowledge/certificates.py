"""What a certificate or label says, from its lines of text: labels found, values beside or below them, dates checked.

Nothing read here is trusted: the fields are shown to the person, with the doubts, and kept when confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from knowledge.certificate_labels import DATE_FIELDS, FIELDS
from knowledge.certificate_layout import Layout, TextLine, plain
from knowledge.dates import add_months, find_days
from knowledge.records import InstrumentRecord

VERIFICATION = "检定证书"
REFUSAL = "检定结果通知书"
CALIBRATION = "校准证书"
LABEL = "合格标签"
PASSED, FAILED = "合格", "不合格"

_KINDS = (
    (REFUSAL, r"(?:检定)?结[果杲]通知书"),
    (CALIBRATION, r"校准证书"),
    (VERIFICATION, r"检定证书"),
    (LABEL, r"检定合格|合格(?:标[识签志]|证)|强[检制检定]*合格"),
    (CALIBRATION, r"校准|calibrationcertificate"),
)
_FAILED = re.compile(r"不合格|不准予|不符合|停用|禁用|未通过|fail", re.IGNORECASE)
_PASSED = re.compile(r"合格|准予|符合|准用|pass", re.IGNORECASE)
_INSTITUTION = re.compile(
    r"[㐀-鿿（）()]{2,30}?(?:计量[㐀-鿿]{0,14}?|检[定测验][㐀-鿿]{0,14}?|质检[㐀-鿿]{0,8}?)(?:研究院|科学院|检测院|检定所|检测所|研究所|中心|总站|[院所站])"
)
_NOT_INSTITUTION = re.compile(r"证书|依据|规程|计量标准|本|经|授权|地址|未经|复制|提供|许可")
_CERTIFICATE_NO = re.compile(
    r"[㐀-鿿]{0,3}字第?\s*[0-9A-Za-z\-]{4,}\s*号?|[A-Z]{1,6}[\-]?(?:19|20)\d{2}[\-]?\d{3,}(?:-\d+)*"
)
_PAGE = re.compile(r"[第共]\s*\d+\s*页")
_MONTH_ONLY = re.compile(r"((?:19|20)\d{2})\s*[年./-]\s*(1[0-2]|0?[1-9])\s*月?")
# What the eye of the machine takes for a digit where only a digit can stand.
_DIGITS = str.maketrans("OoQDlI|iZzSB〇零一二三四五六七八九", "00001111225800123456789")
_CHINESE_TEN = re.compile(r"([一二三四五六七八九]?)十([一二三四五六七八九]?)(?=[月日])")


@dataclass(frozen=True, slots=True)
class CertificateFields:
    """As written on the paper; empty or None what was not found.

    ``conclusion`` is 合格 (also 准予作Ⅲ级使用 and the like), 不合格 or empty. ``doubts`` are Chinese sentences for the
    person who is to confirm.
    """

    certificate_no: str = ""
    instrument: str = ""
    model: str = ""
    serial: str = ""
    maker: str = ""
    verified_on: date | None = None
    due_on: date | None = None
    conclusion: str = ""
    institution: str = ""
    kind_of_document: str = ""
    doubts: tuple[str, ...] = ()


def read_certificate(lines: Sequence[TextLine]) -> CertificateFields:
    """Never fails: what cannot be read stays empty, and a doubt says so."""
    layout = Layout(lines)
    said = layout.values()
    kind = _kind(layout)
    verified_on, due_on = _dates(said, layout)
    return CertificateFields(
        certificate_no=_first(said["certificate_no"], _as_number) or _loose_number(layout),
        instrument=_first(said["instrument"], _as_name),
        model=_first(said["model"], _as_code),
        serial=_first(said["serial"], _as_code),
        maker=_first(said["maker"], _as_name),
        verified_on=verified_on,
        due_on=due_on,
        conclusion=_conclusion(said["conclusion"], kind),
        institution=_institution(said["institution"], layout),
        kind_of_document=kind,
        doubts=tuple(_doubts(kind, verified_on, due_on, said)),
    )


def to_record(fields: CertificateFields) -> InstrumentRecord:
    """``kind`` stays empty: the caller looks the instrument's name up."""
    return InstrumentRecord(
        name=fields.instrument,
        model=fields.model,
        serial=fields.serial,
        maker=fields.maker,
        verified_on=fields.verified_on,
        due_on=fields.due_on,
        certificate_no=fields.certificate_no,
        institution=fields.institution,
        conclusion=fields.conclusion,
    )


def read_written_days(text: str) -> list[date]:
    """Dates where only a date is expected: 2O26年O5月2l日 and 二〇二六年五月二十日 too."""
    tens = _CHINESE_TEN.sub(_ten, text)
    return [found.day for found in find_days(tens.translate(_DIGITS))]


def _ten(match: re.Match[str]) -> str:
    return (match[1] or "1") + (match[2] or "0")


def _kind(layout: Layout) -> str:
    """The heading decides, not a word in the small print: the highest line, then the tallest."""
    head = sorted(layout.lines, key=lambda line: -line.height)[:8]
    for part in (head, layout.lines):
        text = "\n".join(plain(line.text) for line in part)
        found = next((kind for kind, pattern in _KINDS if re.search(pattern, text, re.IGNORECASE)), "")
        if found:
            return found
    return ""


def _first(values: Iterable[str], accept: Callable[[str], str]) -> str:
    return next((found for value in values if (found := accept(value))), "")


def _as_number(value: str) -> str:
    """A certificate number: at least four characters with a digit among them."""
    joined = re.sub(r"\s+", "", _PAGE.split(value)[0])
    return joined if len(joined) >= 4 and re.search(r"\d", joined) else ""


def _as_code(value: str) -> str:
    """A model or serial number: what stands before a wide gap, with a letter or digit in it."""
    code = re.split(r"\s{2,}|[;；]", value)[0].strip(" ,，。")
    return code if re.search(r"[0-9A-Za-z]", code) else ""


def _as_name(value: str) -> str:
    name = re.split(r"\s{2,}|[;；]", value)[0].strip(" ,，。")
    return name if re.search(r"[㐀-鿿A-Za-z]{2}", name) else ""


def _loose_number(layout: Layout) -> str:
    """A certificate number by its form, where its label was not read."""
    found = (_CERTIFICATE_NO.search(plain(line.text)) for line in layout.lines)
    return next((match[0] for match in found if match), "")


def _dates(said: dict[str, list[str]], layout: Layout) -> tuple[date | None, date | None]:
    days = {field: [day for value in said[field] for day in read_written_days(value)] for field in DATE_FIELDS}
    verified = next(iter(days["verified_on"] + days["issued_on"]), None)
    due = next(iter(days["due_on"]), None)
    if due is None and verified is not None:
        due = _range_end(layout, verified)
    return verified, due


def _range_end(layout: Layout, verified: date) -> date | None:
    """有效期 2026-05-20 至 2027-05-19: the second day of a line that begins with the day of verification."""
    for line in layout.lines:
        days = [found.day for found in find_days(line.text)]
        if len(days) == 2 and days[0] == verified and days[1] > verified:
            return days[1]
    return None


def _conclusion(values: list[str], kind: str) -> str:
    if kind == REFUSAL:
        return FAILED
    for value in values:
        for pattern, word in ((_FAILED, FAILED), (_PASSED, PASSED)):
            if pattern.search(plain(value)):
                return word
    return PASSED if kind == LABEL else ""


def _institution(values: list[str], layout: Layout) -> str:
    labelled = _first(values, _as_name)
    if labelled:
        return labelled
    texts = (plain(line.text) for line in layout.lines)
    found = (match[0] for text in texts if not _NOT_INSTITUTION.search(text) and (match := _INSTITUTION.search(text)))
    return max(found, key=len, default="")


def _doubts(kind: str, verified: date | None, due: date | None, said: dict[str, list[str]]) -> Iterable[str]:
    if kind == CALIBRATION:
        yield "这是校准证书，不能代替检定证书：强制检定的器具要凭检定证书使用。"
    if kind == REFUSAL:
        yield "这是检定结果通知书，检定不合格：修好并重新检定合格前不要使用。"
    if verified is None:
        yield "没读到检定日期，请把日期打给我，例如 2026-05-20。"
    if due is None and kind not in {REFUSAL, CALIBRATION}:
        yield _no_due(said["due_on"])
    if verified and due and due < verified:
        yield "有效期至早于检定日期，可能读错了，请对照原件改一下。"
    elif verified and due and not _whole_months(verified, due):
        yield "检定日期到有效期至不是整月，可能读错了一个数字，请对照原件看一下。"


def _whole_months(verified: date, due: date) -> bool:
    """Periods are in months; bureaus write the last valid day, some the same day of the month."""
    months = (due.year - verified.year) * 12 + due.month - verified.month
    anniversaries = [add_months(verified, n) for n in (months, months + 1)]
    return any(due in (day, day - timedelta(days=1)) for day in anniversaries)


def _no_due(values: list[str]) -> str:
    month = next((match for value in values if (match := _MONTH_ONLY.search(value.translate(_DIGITS)))), None)
    if month:
        return f"有效期只写到 {month[1]} 年 {int(month[2])} 月，没有写哪一天，请把有效期至打给我。"
    return "没读到有效期至，请把日期打给我，例如 2027-05-19。"


assert set(DATE_FIELDS) <= set(FIELDS)
