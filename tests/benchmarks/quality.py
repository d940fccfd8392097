"""How well the matcher answers a labelled query set: the figures a reader of the set would want.

hit@1: the answered card is acceptable. strict@1: it is the best one. hit@3: an acceptable card is answered or among
the choices. wrong: another card is answered. FA: a message outside the field got a card (or a choice of cards).
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
OUTSIDE = ("smalltalk", "out-of-scope")


@dataclass
class Report:
    """Percentages by figure; ``noise`` is hit@1 by noise kind with the number of queries; ``failures`` for people."""

    figures: dict[str, float]
    noise: dict[str, tuple[float, int]]
    failures: list[str] = field(default_factory=list)


def load_queries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def load_targets() -> dict[str, list[str]]:
    return yaml.safe_load((HERE / "targets.yaml").read_text(encoding="utf-8"))


def judge(queries: list[dict[str, Any]], answer: Any, targets: dict[str, list[str]]) -> Report:
    """``answer(query, context)`` gives (decision, ids)."""
    counts: defaultdict[str, list[int]] = defaultdict(list)
    noise: defaultdict[str, list[int]] = defaultdict(list)
    failures = []
    for query in queries:
        decision, ids = answer(query["q"], query.get("ctx"))
        good = {i for name in query["target"] for i in targets[name]}
        best = {i for name in query["best"] for i in targets[name]}
        ok = _count(counts, noise, query, decision, ids, good, best)
        if not ok:
            failures.append(
                f"{query['id']} {query['kind']}/{query['noise']} {query['q']!r} -> {decision} {ids[:3]} want {query['best']}"
            )
    figures = {name: 100 * sum(hits) / len(hits) for name, hits in counts.items()}
    return Report(figures, {k: (100 * sum(v) / len(v), len(v)) for k, v in sorted(noise.items())}, failures)


def _count(
    counts: Any, noise: Any, query: dict[str, Any], decision: str, ids: Any, good: set[str], best: set[str]
) -> bool:
    if query["kind"] in OUTSIDE:
        alarm = decision != "abstain"
        counts["FA"].append(alarm)
        counts[
            "FA smalltalk" if query["kind"] == "smalltalk" else "FA hard" if query.get("hard") else "FA plain"
        ].append(alarm)
        return not alarm
    if query["kind"] == "ambiguous":
        asked = decision == "choose"
        counts["ambiguous asked"].append(asked)
        return asked
    answered = decision == "answer"
    hit = answered and ids[0] in good
    counts["hit@1"].append(hit)
    counts["strict@1"].append(answered and ids[0] in best)
    counts["hit@3"].append(hit or (decision == "choose" and bool(good & set(ids[:3]))))
    counts["wrong"].append(answered and not hit)
    counts["ctx hit@1" if "ctx" in query else "no-ctx hit@1"].append(hit)
    counts["kind " + query["kind"]].append(hit)
    noise[query["noise"]].append(hit)
    return hit
