"""Query time at the shipped size and with the base blown up by made-up entries, beside ``WRatio`` at the same size."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

from rapidfuzz import fuzz, process

from knowledge.files import DATA, load_yaml
from knowledge.library import Library
from knowledge.matcher import Matcher, make_reader
from tests.benchmarks import quality

HERE = Path(__file__).parent
HEADS = ("仪", "表", "计", "秤", "机", "器", "尺", "枪", "台", "箱")
PHRASES = ("{}要检定吗", "{}多久检一次", "{}检定收费吗")
SLOW_QUERIES = 30
"""WRatio over a hundred thousand names takes seconds a query: a few dozen give its median."""


def rows(library: Library, matcher: Matcher) -> list[tuple[str, str, str, str]]:
    queries = [q["q"] for q in quality.load_queries(HERE / "queries-open.jsonl")]
    found = []
    for size in (len(library.instruments) + len(library.topics) + len(library.faqs), 10_000, 100_000):
        bigger, names, seconds = grown(library, matcher, size)
        p50, p99 = percentiles([timed(bigger.match, q) for _ in range(5) for q in queries])
        base50, base99 = percentiles([timed(wratio, q[:64], names) for q in queries[:SLOW_QUERIES]])
        found.append((f"query at {size} entries, p50 ms", f"{p50:.2f}", f"{base50:.1f}", "WRatio over all names"))
        found.append((f"query at {size} entries, p99 ms", f"{p99:.2f}", f"{base99:.1f}", "WRatio over all names"))
        if seconds:
            found.append((f"index of {size} entries, s", f"{seconds:.1f}", "", ""))
    found.append(long_message_row(matcher, queries))
    found.append(
        (
            "peak memory of this run so far, MB",
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
            "",
            "",
        )
    )
    return found


def long_message_row(matcher: Matcher, queries: list[str]) -> tuple[str, str, str, str]:
    """The same words once in 64 characters and once in 2,048."""
    text = "".join(queries)
    short, long = text[:64], text[:2048]
    ours = percentiles([timed(matcher.match, long) for _ in range(300)])[0]
    base = percentiles([timed(matcher.match, short) for _ in range(300)])[0]
    return "2,048-character message, p50 ms", f"{ours:.2f}", f"{base:.2f}", "64-character message"


def grown(library: Library, matcher: Matcher, size: int) -> tuple[Matcher, list[str], float]:
    """The matcher with made-up instruments and questions added up to ``size`` entries; its names; seconds to index."""
    names = [alias for i in library.instruments.values() for alias in (i.name, *i.aliases)]
    names += [phrase for f in library.faqs.values() for phrase in (f.question, *f.alternatives)]
    known = len(library.instruments) + len(library.topics) + len(library.faqs)
    if size <= known:
        return matcher, names, 0.0
    begun = time.perf_counter()
    reader = make_reader(library, load_yaml(DATA / "lexicon.yaml"))
    bigger = Matcher(library, reader, matcher.models, matcher.words)
    chance = random.Random(7)  # noqa: S311 - made-up names
    for n in range(size - known):
        entry, made = f"made-{n}", made_up(chance)
        reader.teach(entry, made)
        bigger.phrases.add(entry, reader.normaliser.message(chance.choice(PHRASES).format(made[0])))
        names += made
    bigger.phrases.freeze()
    return bigger, names, time.perf_counter() - begun


def made_up(chance: random.Random) -> list[str]:
    """Five names of three to six characters, as instruments are named."""
    return [
        "".join(chr(chance.randint(0x4E00, 0x8FFF)) for _ in range(chance.randint(2, 5))) + chance.choice(HEADS)
        for _ in range(5)
    ]


def wratio(query: str, names: list[str]) -> None:
    process.extractOne(query, names, scorer=fuzz.WRatio)


def timed(work: Callable[..., object], *arguments: object) -> float:
    begun = time.perf_counter()
    work(*arguments)
    return (time.perf_counter() - begun) * 1000


def percentiles(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
