"""Facts are validated; a bad one is named by file, entry and field."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from bot.check import report
from knowledge.files import DATA, load_yaml
from knowledge.library import Catalogue, Confidence, DataError, Library


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def change(path: Path, entry: str, field: str, value: object) -> None:
    data = load_yaml(path)
    next(e for e in data if e["id"] == entry)[field] = value
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def test_everything_of_the_sources_is_there(library: Library) -> None:
    assert len(library.instruments) >= 139
    assert len(library.faqs) == 167
    assert len(library.topics) == 73
    assert {f"F{n:03d}" for n in range(1, 168)} == set(library.faqs)


def test_every_question_belongs_to_one_topic(library: Library) -> None:
    listed = [faq for topic in library.topics.values() for faq in topic.faq]
    assert sorted(listed) == sorted(library.faqs)


@pytest.mark.parametrize(
    ("file", "entry", "field", "value"),
    [
        ("instruments.yaml", "fuel-dispenser", "control", "sometimes"),
        ("instruments.yaml", "fuel-dispenser", "period_months", "half a year"),
        ("faq.yaml", "F010", "confidence", "sure"),
        ("topics.yaml", "verification-fee", "reviewed", "yesterday"),
    ],
)
def test_a_wrong_value_is_named(copy: Path, file: str, entry: str, field: str, value: str) -> None:
    change(copy / file, entry, field, value)
    with pytest.raises(DataError) as error:
        Library.load(copy)
    assert all(word in str(error.value) for word in (file, entry, field))


def test_a_missing_link_is_named(copy: Path) -> None:
    change(copy / "instruments.yaml", "fuel-dispenser", "sources", ["NOWHERE"])
    with pytest.raises(DataError, match=r"instruments.yaml：fuel-dispenser 的 sources .*NOWHERE"):
        Library.load(copy)


def test_unsure_is_never_worded_as_free_of_duty(library: Library) -> None:
    for thing in library.instruments.values():
        if thing.catalogue is Catalogue.UNSURE:
            said = " ".join([thing.period_note, *(n.text for n in thing.notes)])
            assert "不用检" not in said, thing.id
            assert "无需检定" not in said, thing.id


def test_a_doubtful_row_never_says_that_no_duty_exists(library: Library) -> None:
    doubtful = [i for i in library.instruments.values() if i.confidence.catalogue is Confidence.LOW]
    assert doubtful
    for instrument in doubtful:
        assert not any("不强检" in note.text or "不用检" in note.text for note in instrument.notes), instrument.id


def test_low_confidence_says_so_somewhere(library: Library) -> None:
    """A card that is not sure of its catalogue row must not be sure overall."""
    for thing in library.instruments.values():
        if Confidence.LOW in (thing.confidence.catalogue, thing.confidence.period, thing.confidence.regulation):
            assert thing.confidence.overall is not Confidence.HIGH, thing.id


def test_the_report_is_readable() -> None:
    text, sound = report(date(2026, 11, 24))
    assert sound
    assert "器具" in text
    assert "2027" in text  # the holiday notice that is still missing


def test_a_stale_entry_is_reported() -> None:
    text, _ = report(date(2028, 1, 1))
    assert "超过一年没有复核：0" not in text
