"""Cards: the answer first, law and date always, and a rule that changes on a date changes the card on that date."""

from datetime import date

import pytest

from handlers.answers import answer_text, entry_text
from handlers.conversation.paging import SCREEN_BYTES, size
from knowledge.checkup import own_trades
from knowledge.library import Catalogue, Confidence, Library
from knowledge.matcher import Aspect

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load()


def test_the_price_scale_changes_by_itself(library: Library) -> None:
    before = entry_text(library, "electronic-price-scale", Aspect.PERIOD, date(2027, 1, 7))
    after = entry_text(library, "electronic-price-scale", Aspect.PERIOD, date(2027, 1, 8))
    assert "JJG 539-2016" in before
    assert "2027-01-08起改按JJG 1204-2025" in before
    assert "JJG 1204-2025" in after
    assert "JJG 539-2016" not in after


@pytest.mark.parametrize("aspect", [Aspect.OVERVIEW, Aspect.OBLIGATION, Aspect.PERIOD, Aspect.TOLERANCE])
def test_every_instrument_answers_every_aspect(library: Library, aspect: Aspect) -> None:
    for thing in library.instruments.values():
        text = entry_text(library, thing.id, aspect, TODAY)
        assert thing.name in text.split("\n")[0], thing.id
        assert "依据：" in text
        assert "资料核对：2026-" in text
        if thing.catalogue is Catalogue.UNSURE:
            assert "待核实" in text
            assert "不用检" not in text
            assert "市场监管所" in text


def test_the_first_line_is_the_answer(library: Library) -> None:
    assert entry_text(library, "electronic-price-scale", Aspect.OBLIGATION, TODAY).startswith("要。")
    assert entry_text(library, "fuel-dispenser", Aspect.PERIOD, TODAY).startswith("燃油加油机一般半年检一次")


def test_every_card_names_law_and_date_and_fits_a_screen(library: Library) -> None:
    for entry in (*library.topics, *library.faqs):
        text = entry_text(library, entry, Aspect.OTHER, TODAY)
        assert "依据：" in text
        assert "资料核对：2026-" in text
        assert size(text) <= SCREEN_BYTES, entry


def test_low_confidence_sends_to_the_local_office(library: Library) -> None:
    for entry in (*library.topics.values(), *library.faqs.values()):
        if entry.confidence is Confidence.LOW:
            assert "待核实，请向辖区市场监管所核实" in entry_text(library, entry.id, Aspect.OTHER, TODAY)


def test_trades_have_cards(library: Library) -> None:
    for trade in own_trades().packs:
        text = entry_text(library, trade.id, Aspect.OBLIGATION, TODAY)
        assert "依据：" in text


def test_a_fee_answer_speaks_of_the_thing_asked_about(library: Library) -> None:
    text = answer_text(library, ("verification-fee", "glucose-meter"), Aspect.FEE, TODAY)
    assert "血糖仪：是否属于强检待核实" in text


def test_old_facts_are_flagged(library: Library) -> None:
    assert "超过一年没有复核" in entry_text(library, "verification-fee", Aspect.FEE, date(2028, 6, 1))
