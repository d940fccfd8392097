"""``make bench``: quality, speed and size in one table, each beside a named baseline measured in the same run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from rapidfuzz import fuzz, process

from knowledge.library import Library
from knowledge.matcher import Matcher
from tests.benchmarks import cases, certificates, quality, reminders, scale, sheets, turns, wechat

HERE = Path(__file__).parent
CACHE = Path("var/cache")
SETS = {"open": "queries-open.jsonl", "own": "queries-own.jsonl", "final": "queries-final.jsonl"}
FIGURES = ("hit@1", "strict@1", "hit@3", "wrong", "FA", "FA hard", "FA smalltalk", "ambiguous asked")


def main() -> int:
    rows: list[tuple[str, str, str, str]] = []
    library = Library.load()
    matcher = Matcher.build(library, cache=CACHE)
    rows += quality_rows(library, matcher)
    rows += scale.rows(library, matcher)
    rows += turns.rows()
    rows += wechat.rows()
    rows += sheets.rows()
    rows += reminders.rows()
    rows += certificates.rows()
    rows += cases.rows()
    rows += [start_row(), size_row()]
    print_table(rows)
    return 0


def quality_rows(library: Library, matcher: Matcher) -> list[tuple[str, str, str, str]]:
    targets = quality.load_targets()
    baseline = wratio(library)
    rows = []
    for name, file in SETS.items():
        queries = quality.load_queries(HERE / file)
        ours = quality.judge(queries, ask(matcher), targets)
        plain = quality.judge(queries, baseline, targets)
        rows += [
            (
                f"{name} set ({len(queries)}): {figure} %",
                f"{ours.figures[figure]:.1f}",
                f"{plain.figures[figure]:.1f}",
                "WRatio",
            )
            for figure in FIGURES
        ]
        worst = min(((rate, kind) for kind, (rate, n) in ours.noise.items() if n >= 8), default=(0.0, "-"))
        rows.append((f"{name} set: worst noise kind (n>=8) hit@1 %", f"{worst[0]:.0f} {worst[1]}", "", ""))
    return rows


def ask(matcher: Matcher) -> Callable[[str, str | None], tuple[str, list[str]]]:
    def answer(query: str, context: str | None) -> tuple[str, list[str]]:
        match = matcher.match(query, context)
        return match.decision.value, list(match.ids)

    return answer


def wratio(library: Library) -> Callable[[str, str | None], tuple[str, list[str]]]:
    """What most people would write: the best ``WRatio`` over every alias and question; below 60 it abstains."""
    names = [(alias, i.id) for i in library.instruments.values() for alias in (i.name, *i.aliases, *i.dialect)]
    names += [(t.question, t.id) for t in library.topics.values()]
    names += [(phrase, f.id) for f in library.faqs.values() for phrase in (f.question, *f.alternatives)]
    texts = [text for text, _ in names]

    def answer(query: str, _context: str | None) -> tuple[str, list[str]]:
        found = process.extractOne(query[:64], texts, scorer=fuzz.WRatio, score_cutoff=60)
        return ("answer", [names[found[2]][1]]) if found else ("abstain", [])

    return answer


def start_row() -> tuple[str, str, str, str]:
    """From nothing to the first answer, as a whole process, against an empty interpreter."""
    ours = seconds([sys.executable, "-m", "bot", "ask", "电子秤多久检一次"])
    bare = seconds([sys.executable, "-c", "pass"])
    return "start to first answer, s", f"{ours:.2f}", f"{bare:.2f}", "empty interpreter"


def seconds(command: list[str]) -> float:
    runs = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
        runs.append(time.perf_counter() - begun)
    return sorted(runs)[len(runs) // 2]


def size_row() -> tuple[str, str, str, str]:
    pinned = [
        line.split("==")[0]
        for line in Path("requirements.lock").read_text(encoding="utf-8").splitlines()
        if "==" in line
    ]
    total = sum(_size(name) for name in pinned)
    return "base install, MB of packages", f"{total / 1e6:.0f}", "150", "limit"


def _size(name: str) -> int:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return 0  # pinned for another platform or Python
    paths = (Path(str(f.locate())) for f in files)
    return sum(p.stat().st_size for p in paths if p.is_file())


def print_table(rows: list[tuple[str, str, str, str]]) -> None:
    widths = [max(len(row[n]) for row in (*rows, ("figure", "ours", "baseline", "baseline is"))) for n in range(4)]
    for row in (("figure", "ours", "baseline", "baseline is"), *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
