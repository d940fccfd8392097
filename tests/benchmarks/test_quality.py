"""The quality the matcher must keep, on sets of questions it was not made from, and against the obvious baseline."""

from pathlib import Path

import pytest

from knowledge.checkup import own_trades
from knowledge.matcher import Matcher
from tests.benchmarks import quality
from tests.benchmarks.__main__ import ask, wratio

HERE = Path(__file__).parent
MUST = {"hit@1": 86, "strict@1": 78, "hit@3": 93}
MOST = {"wrong": 7, "FA": 8, "FA hard": 14, "FA smalltalk": 2}


@pytest.fixture(scope="module", params=["queries-open.jsonl", "queries-own.jsonl", "queries-final.jsonl"])
def reports(request: pytest.FixtureRequest, matcher: Matcher) -> tuple[quality.Report, quality.Report]:
    queries = quality.load_queries(HERE / request.param)
    targets = quality.load_targets()
    return quality.judge(queries, ask(matcher), targets), quality.judge(queries, wratio(matcher.library), targets)


def test_figures(reports: tuple[quality.Report, quality.Report]) -> None:
    ours, _ = reports
    short = {k: ours.figures[k] for k, least in MUST.items() if ours.figures[k] < least}
    over = {k: ours.figures[k] for k, most in MOST.items() if ours.figures[k] > most}
    assert not short, ours.failures[:20]
    assert not over, ours.failures[:20]


def test_better_than_string_likeness(reports: tuple[quality.Report, quality.Report]) -> None:
    ours, baseline = reports
    assert ours.figures["hit@1"] > baseline.figures["hit@1"] + 15
    assert ours.figures["FA"] < baseline.figures["FA"] / 2


def test_targets_name_real_cards(matcher: Matcher) -> None:
    library = matcher.library
    known = {*library.instruments, *library.topics, *library.faqs, *own_trades().by_id}
    targets = quality.load_targets()
    assert len(targets) == 96 + 61
    assert {i for ids in targets.values() for i in ids} <= known
