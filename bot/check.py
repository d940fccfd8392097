"""``python -m bot check``: are the facts sound, and what should a person look at again?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date

from knowledge.casebook import Casebook
from knowledge.checkup import check_links, own_trades
from knowledge.deadlines import Deadlines
from knowledge.demonstration import Checklist
from knowledge.files import DATA, load_yaml
from knowledge.grading import Scheme
from knowledge.judging import judge
from knowledge.library import (
    STALE_AFTER_DAYS,
    Confidence,
    DataError,
    Faq,
    Instrument,
    Library,
    Topic,
    load_quiz,
    sources_named,
)
from knowledge.pledges import PledgeBook
from knowledge.quantities import read_sale
from knowledge.reward import Rewards
from knowledge.stages import Plans
from knowledge.workdays import Calendar

PROBES = ("买了2斤排骨 28一斤 称得1斤8两", "净含量500克 实际480克", "加油50升 实测49.8升", "10克金戒指 实际9.9克")
"""One purchase for each table: reading them all is what shows a bad figure."""


def report(today: date) -> tuple[str, bool]:
    """A readable report and whether the data are sound. An error names file, entry and field."""
    try:
        library = Library.load()
        check_links(own_trades(), library.instruments, library.sources)
        Plans.load().check_links(library.instruments.values())
        check_other_files(library)
    except DataError as error:
        return f"数据有错，请改好再用：\n{error}", False
    lines = [
        "知识数据没有错误。",
        *_counts(library),
        *_stale(library, today),
        *_low(library),
        *_collisions(library),
        *_calendar(today),
    ]
    return "\n".join(lines), True


OTHERS = (
    "tolerances.yaml",
    "complaints.yaml",
    "pledges.yaml",
    "pledge_texts.yaml",
    "grading.yaml",
    "demonstration.yaml",
    "training.yaml",
    "deadlines.yaml",
    "cases.yaml",
    "reward.yaml",
    "tip_categories.yaml",
    "tip_scope.yaml",
)
"""Facts of which no card is made."""


def check_other_files(library: Library) -> None:
    """The files that no card is made from: the quiz, the tables, and the rules for services still to come."""
    for question in load_quiz().values():
        _known(library, "quiz.yaml", question.sources)
    for file in OTHERS:
        _known(library, file, sources_named(load_yaml(DATA / file)))
    for load in (Deadlines.load, Casebook.load, Rewards.load, PledgeBook.load, Scheme.load, Checklist.load):
        load()
    try:
        for sentence in PROBES:
            judge(read_sale(sentence), date(2026, 11, 22))
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"tolerances.yaml 或 goods.yaml：有一个数或名称读不了：{error}") from None


def _known(library: Library, file: str, codes: Iterable[str]) -> None:
    for code in codes:
        if code not in library.sources:
            raise DataError(f"{file}：sources 写了不存在的“{code}”。")


def _counts(library: Library) -> list[str]:
    aliases = sum(len(i.aliases) + len(i.dialect) for i in library.instruments.values())
    catalogue = Counter(i.catalogue.value for i in library.instruments.values())
    return [
        f"器具 {len(library.instruments)} 种（在目录 {catalogue['listed']}、不在 {catalogue['unlisted']}、待核实 {catalogue['unsure']}），叫法 {aliases} 个",
        f"事项卡 {len(library.topics)} 张，常见问题 {len(library.faqs)} 条，出处 {len(library.sources)} 个",
        f"问法样例 {sum(map(len, library.phrasings.values()))} 句，分 {len(library.phrasings)} 类；先问用途的词 {len(library.ambiguities)} 个",
    ]


def _stale(library: Library, today: date) -> list[str]:
    entries: list[Instrument | Topic | Faq] = [
        *library.instruments.values(),
        *library.topics.values(),
        *library.faqs.values(),
    ]
    old = [e.id for e in entries if (today - e.reviewed).days > STALE_AFTER_DAYS]
    return _listed("超过一年没有复核", old)


def _low(library: Library) -> list[str]:
    instruments = [i.name for i in library.instruments.values() if i.confidence.overall is Confidence.LOW]
    answers: list[Topic | Faq] = [*library.topics.values(), *library.faqs.values()]
    cards = [a.id for a in answers if a.confidence is Confidence.LOW]
    return [*_listed("把握不大的器具", instruments), *_listed("把握不大的答案", cards)]


def _collisions(library: Library) -> list[str]:
    """Names that stand on several instruments; those asked about by a question of their own are marked."""
    bearers: defaultdict[str, list[str]] = defaultdict(list)
    for instrument in library.instruments.values():
        for alias in {instrument.name, *instrument.aliases, *instrument.dialect}:
            bearers[alias].append(instrument.name)
    asked = {word for a in library.ambiguities for word in (a.term, *a.aliases)}
    shared = {alias: names for alias, names in bearers.items() if len(names) > 1}
    return _listed(
        "同名的叫法（※ 会先问用途，其余按排在前面的答）",
        [f"{alias}{'※' if alias in asked else ''}（{'、'.join(names)}）" for alias, names in sorted(shared.items())],
    )


def _calendar(today: date) -> list[str]:
    missing = [year for year in (today.year, today.year + 1) if year not in Calendar.load().noticed]
    return [f"放假安排还缺 {'、'.join(map(str, missing))} 年：跨年的期限标“暂估”"] if missing else []


def _listed(title: str, items: list[str]) -> list[str]:
    return [f"{title}：{len(items)}" + (f"——{'、'.join(items)}" if items else "")]
