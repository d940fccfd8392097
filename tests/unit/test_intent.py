"""The linear model learns, explains itself and comes back from its bytes unchanged."""

import pytest

from knowledge.intent import IntentModel, train

EXAMPLES = [
    (("费", "钱", "◇"), "fee"),
    (("多", "久", "◇"), "period"),
    (("交", "钱"), "fee"),
    (("几", "年", "◇"), "period"),
] * 3


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return train(EXAMPLES)


def test_it_learns_what_it_was_shown(model: IntentModel) -> None:
    for grams, label in EXAMPLES:
        assert model.guesses(grams)[0].label == label


def test_shares_are_a_belief(model: IntentModel) -> None:
    guesses = model.guesses(("钱",))
    assert sum(g.share for g in guesses) == pytest.approx(1.0)
    assert guesses == sorted(guesses, key=lambda g: -g.share)


def test_the_same_examples_give_the_same_bytes(model: IntentModel) -> None:
    assert train(EXAMPLES).to_bytes() == model.to_bytes()


def test_bytes_round_trip(model: IntentModel) -> None:
    again = IntentModel.from_bytes(model.to_bytes())
    assert again.labels == model.labels
    assert again.guesses(("钱", "◇")) == model.guesses(("钱", "◇"))


@pytest.mark.parametrize("keep", [0, 1, 40, -1])
def test_cut_bytes_are_refused(model: IntentModel, keep: int) -> None:
    with pytest.raises((ValueError, KeyError)):
        IntentModel.from_bytes(model.to_bytes()[:keep])


def test_a_decision_can_be_read_back(model: IntentModel) -> None:
    assert model.explain(("钱", "交"), "fee")[0][0] in {"钱", "交"}


def test_nothing_known_is_nobody_s_vote(model: IntentModel) -> None:
    shares = [g.share for g in model.guesses(("没见过",))]
    assert shares == pytest.approx([1 / len(shares)] * len(shares))
