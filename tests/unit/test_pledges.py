"""The texts that shops sign: by sector and day, law apart from wishes, one version one text."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.checkup import own_trades
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Library, sources_named
from knowledge.pledges import FILE, MOST_TEXT, PledgeBook, PledgeText, TemplateId, full_text, text_hash

BOOK = PledgeBook.load()
OLD, NEW = date(2027, 1, 7), date(2027, 1, 8)
SECTORS = [sector.id for sector in BOOK.sectors()]
TEXTS = [*BOOK.texts()]
REAL_BOASTS = re.compile("保证|第一|最|绝对|百分之百|100%|终身|权威|认证")


def honest(sector: str, on: date = OLD) -> PledgeText:
    return BOOK.text_for("honest", sector, on)


def said(text: PledgeText) -> list[str]:
    return [point.text for point in text.points]


def edited(tmp_path: Path, change: Any) -> Path:
    """A copy of the data after a change."""
    data = load_yaml(DATA / FILE)
    change(data)
    path = tmp_path / FILE
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    return path


def row(rows: list[dict[str, Any]], id_: str) -> dict[str, Any]:
    return next(r for r in rows if r["id"] == id_)


# -- who signs what -----------------------------------------------------------------------------------------------


def test_every_trade_a_shop_may_have_has_a_text_of_its_own() -> None:
    for trade in own_trades().packs:
        assert trade.id in BOOK.sector(trade.id).trades


def test_sectors_name_only_trades_there_are() -> None:
    known = {trade.id for trade in own_trades().packs}
    assert {name for sector in BOOK.sectors() for name in sector.trades} == known


@pytest.mark.parametrize("sector", ["", "other", "trade-unheard-of", "鲜达超市"])
def test_any_other_shop_signs_the_common_text(sector: str) -> None:
    assert honest(sector) == honest("common")
    assert honest(sector).sector_title == "各行业通用"


def test_who_is_no_trade_signs_by_the_sectors_own_name() -> None:
    assert honest("market-organiser").sector_title == "集贸市场主办者"
    assert any("公平秤" in text for text in said(honest("market-organiser")))
    assert any("净含量" in text for text in said(honest("prepackaged")))


@pytest.mark.parametrize(
    ("sector", "word"),
    [
        ("trade-seafood", "沥水"),
        ("trade-produce", "不连盒算"),
        ("trade-meat", "活禽"),
        ("trade-fuel", "加油机"),
        ("trade-restaurant", "菜单"),
        ("trade-supermarket", "服务台"),
        ("trade-clinic", "患者"),
        ("trade-optician", "焦度计"),
        ("trade-charging", "桩"),
        ("trade-gold", "天平"),
        ("trade-purchase", "磅单"),
        ("trade-express", "运费"),
    ],
)
def test_a_text_speaks_of_its_trade(sector: str, word: str) -> None:
    assert any(word in text for text in said(honest(sector)))


def test_an_unknown_template_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        BOOK.text_for("praise", "", OLD)  # type: ignore[arg-type]  # what comes from a stored row may be anything


def test_the_two_templates() -> None:
    assert [template.id for template in BOOK.templates()] == ["honest", "capability"]
    assert not honest("common").fields


# -- how it is written --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.reference)
def test_a_text_is_short_plain_and_modest(text: PledgeText) -> None:
    whole = full_text(text)
    assert 6 <= len(text.points) <= 10
    assert all(4 <= len(point.text) <= 40 for point in text.points)
    assert len(whole) <= MOST_TEXT == 1200
    assert not REAL_BOASTS.search(whole)
    assert "{" not in whole
    assert text.valid_months == 12


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.reference)
def test_law_and_wishes_are_shown_apart(text: PledgeText) -> None:
    lawful, _, wishes = full_text(text).partition("【倡议】")
    assert "【法定要求】" in lawful
    assert all(point.text in lawful and point.text not in wishes for point in text.lawful)
    assert all(point.text in wishes and point.text not in lawful for point in text.proposed)
    assert text.points == (*text.lawful, *text.proposed)
    assert text.lawful
    assert text.proposed


def test_what_is_called_law_names_it_and_is_sure_enough() -> None:
    for point in BOOK.points:
        assert (point.kind == "sourced") == bool(point.law), point.id
        assert point.kind == "proposed" or point.confidence is not Confidence.LOW, point.id


def test_every_law_of_a_text_stands_in_its_basis() -> None:
    for text in TEXTS:
        basis = next(line for line in full_text(text).split("\n") if line.startswith("依据："))
        assert all(part in basis for point in text.lawful for part in point.law.split("、"))


def test_every_source_exists() -> None:
    known = Library.load().sources
    assert [code for code in sources_named(load_yaml(DATA / FILE)) if code not in known] == []


def test_that_there_is_no_national_rule_is_said() -> None:
    assert "全国没有统一的文本和有效期" in honest("trade-fuel").closing
    capability = BOOK.text_for("capability", "prepackaged", OLD)
    assert "待核实" in capability.closing
    assert "这不是资质" in capability.closing


# -- the scale rules of 2027-01-08 --------------------------------------------------------------------------------


@pytest.mark.parametrize("sector", ["trade-seafood", "trade-produce", "trade-meat", "trade-supermarket", "stall"])
def test_the_wording_on_scales_turns_on_the_day(sector: str) -> None:
    before, after = honest(sector, OLD), honest(sector, NEW)
    assert not any("JJG 1204-2025" in text for text in said(before))
    assert any("JJG 1204-2025" in text for text in said(after))
    assert any("三码一封" in text for text in said(after))
    assert len(before.points) == len(after.points)
    assert (before.version, after.version) == (1, 2)
    assert text_hash(before) != text_hash(after)


def test_a_text_without_scales_says_the_same_on_both_days() -> None:
    assert said(honest("trade-charging", OLD)) == said(honest("trade-charging", NEW))


@settings(max_examples=100)
@given(st.sampled_from(SECTORS), st.sampled_from(["honest", "capability"]), st.dates())
def test_on_any_day_there_is_one_whole_text(sector: str, template: TemplateId, on: date) -> None:
    text = BOOK.text_for(template, sector, on)
    assert 6 <= len(text.points) <= 10
    assert text.reference in {known.reference for known in TEXTS}
    same = next(known for known in TEXTS if known.reference == text.reference)
    assert text_hash(same) == text_hash(text)


# -- versions and hashes ------------------------------------------------------------------------------------------


def test_no_two_texts_share_a_reference_or_a_hash() -> None:
    assert len({text.reference for text in TEXTS}) == len(TEXTS)
    assert len({text_hash(text) for text in TEXTS}) == len(TEXTS)


def test_a_hash_is_of_the_words_and_not_of_how_the_file_is_laid_out(tmp_path: Path) -> None:
    again = PledgeBook.load(edited(tmp_path, lambda data: data["points"].reverse()))
    assert [text_hash(text) for text in again.texts()] == [text_hash(text) for text in TEXTS]
    assert re.fullmatch("[0-9a-f]{64}", text_hash(TEXTS[0]))


def test_what_was_signed_and_is_worded_anew_under_the_same_version_is_found(tmp_path: Path) -> None:
    signed = [(text.reference, text_hash(text)) for text in TEXTS]
    assert BOOK.changed_silently(signed) == []
    assert BOOK.changed_silently([("honest-gone/1", "00")]) == []

    def reword(data: dict[str, Any]) -> None:
        row(data["points"], "dispenser")["text"] = "加油机检定合格再用"

    after = PledgeBook.load(edited(tmp_path, reword))
    assert after.changed_silently(signed) == ["honest-fuel/1", "honest-fuel/2"]


def test_with_a_new_version_nothing_changed_silently(tmp_path: Path) -> None:
    signed = [(text.reference, text_hash(text)) for text in TEXTS if text.id.startswith("honest")]

    def revise(data: dict[str, Any]) -> None:
        row(data["points"], "dispenser")["text"] = "加油机检定合格再用"
        row(data["templates"], "honest")["versions"] = [
            {"version": 3, "until": OLD},
            {"version": 4, "since": NEW},
        ]

    assert PledgeBook.load(edited(tmp_path, revise)).changed_silently(signed) == []


# -- how long it holds, why it stops ------------------------------------------------------------------------------


def test_a_pledge_holds_a_year() -> None:
    assert BOOK.validity.last_day(date(2026, 3, 12)) == date(2027, 3, 11)
    assert BOOK.validity.last_day(date(2028, 2, 29)) == date(2029, 2, 27)
    assert BOOK.validity.reminders.stages == (30, 7, 0)


def test_causes_are_the_bureaus_own_and_people_revoke() -> None:
    assert [row.id for row in BOOK.causes("revoke")] == ["RV1", "RV2", "RV3", "RV4", "RV5"]
    assert [row.id for row in BOOK.causes("withdraw")] == ["RV6"]
    assert all(row.by == "officer" for row in BOOK.causes("revoke"))
    assert all(row.shown.endswith("（本局办法）") and row.support for row in BOOK.causes())
    assert {row.effect for row in BOOK.causes()} == {"pause", "revoke", "withdraw"}


def test_only_two_causes_pause_by_themselves() -> None:
    assert {row.id for row in BOOK.causes() if row.by == "rule"} == {"overdue", "violation"}
    assert BOOK.cause("overdue").days == 30
    with pytest.raises(LookupError):
        BOOK.cause("bad-mood")


def test_who_is_to_lose_a_pledge_is_heard_first() -> None:
    assert "5个工作日陈述、申辩" in BOOK.process.shown
    assert "工作人员决定" in BOOK.process.shown


# -- the capability statement -------------------------------------------------------------------------------------


def test_the_capability_statement_asks_what_is_declared() -> None:
    text = BOOK.text_for("capability", "trade-fuel", OLD)
    assert [field.id for field in text.fields] == [
        "staff",
        "rules",
        "instruments",
        "mandatory",
        "cycle",
        "tracing",
        "training",
        "checks",
    ]
    assert all((field.kind == "choice") == bool(field.choices) for field in text.fields)
    assert all(field.label in full_text(text) for field in text.fields)


# -- a file that is not sound is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda d: row(d["points"], "tare").update(text="保证足斤足两，少一罚十"), "保证"),
        (lambda d: row(d["points"], "tare").update(text="足" * 41), "40"),
        (lambda d: row(d["points"], "tare").update(law=""), "law"),
        (lambda d: row(d["points"], "phone").update(law="某法第九条"), "law"),
        (lambda d: row(d["points"], "tare").update(confidence="low"), "法定要求"),
        (lambda d: row(d["points"], "scale").pop("until"), "同一天有效"),
        (lambda d: row(d["templates"], "honest").update(versions=[{"version": 1}]), "versions 也要加一行"),
        (lambda d: row(d["templates"], "honest")["versions"].pop(), "空缺或重叠"),
        (lambda d: row(d["templates"], "honest").update(closing="说到做到。" * 230), "太长"),
        (lambda d: row(d["templates"], "capability")["fields"].append("blood-type"), "blood-type"),
        (lambda d: row(d["sectors"], "fuel")["points"].append("no-such"), "no-such"),
        (lambda d: row(d["sectors"], "fuel").update(fallback=True), "fallback"),
        (lambda d: row(d["sectors"], "fuel")["trades"].append("trade-gold"), "trade-gold"),
        (lambda d: row(d["causes"], "RV2").update(number=11), "11"),
        (lambda d: row(d["causes"], "RV1").update(by="rule"), "工作人员"),
        (lambda d: d.pop("process"), "process"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, change: Any, word: str) -> None:
    with pytest.raises(DataError, match=word):
        PledgeBook.load(edited(tmp_path, change))
