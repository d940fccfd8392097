"""Names found in a message as written, by sound, and with one wrong character."""

import pytest

from knowledge.normalise import Normaliser
from knowledge.spotter import Likeness, Spotter, mask

NAMES = {
    "truck": ("地磅", "电子汽车衡"),
    "bp": ("电子血压计",),
    "lens": ("焦度计",),
    "pile": ("充电桩",),
    "scale": ("电子秤",),
}


@pytest.fixture(scope="module")
def normaliser() -> Normaliser:
    return Normaliser.load()


@pytest.fixture(scope="module")
def spotter(normaliser: Normaliser) -> Spotter:
    spotter = Spotter()
    for entry, names in NAMES.items():
        for name in names:
            spotter.add(normaliser.term(name), entry)
    return spotter


@pytest.mark.parametrize(
    ("typed", "entry", "likeness"),
    [
        ("60吨地磅要检吗", "truck", Likeness.WRITTEN),
        ("guobang de dibang yao jian ma", "truck", Likeness.SOUND),
        ("冲电桩检定周期", "pile", Likeness.SOUND),
        ("焦度汁需不需要检定", "lens", Likeness.SLIP),
        ("电于血压计", "bp", Likeness.SLIP),
    ],
)
def test_a_name_is_recognised(
    normaliser: Normaliser, spotter: Spotter, typed: str, entry: str, likeness: Likeness
) -> None:
    found = spotter.find(normaliser.message(typed))
    assert [(s.ids, s.likeness) for s in found] == [((entry,), likeness)]


@pytest.mark.parametrize("typed", ["点程序", "低棒球", "第一个", "电视机"])
def test_other_words_are_left_alone(normaliser: Normaliser, spotter: Spotter, typed: str) -> None:
    assert spotter.find(normaliser.message(typed)) == []


def test_the_longer_name_wins(normaliser: Normaliser, spotter: Spotter) -> None:
    found = spotter.find(normaliser.message("电子血压计和电子秤"))
    assert [s.alias for s in found] == ["电子血压计", "电子秤"]


def test_a_shared_name_keeps_all_its_bearers(normaliser: Normaliser) -> None:
    spotter = Spotter()
    for entry in ("a", "b"):
        spotter.add(normaliser.term("磅秤"), entry)
    assert spotter.find(normaliser.term("磅秤"))[0].ids == ("a", "b")


def test_masking_leaves_what_is_said_about_the_thing(normaliser: Normaliser, spotter: Spotter) -> None:
    text = normaliser.message("菜场的电子秤多久检一次")
    masked = mask(text, spotter.find(text), "◇")
    assert masked.hanzi == "菜场的◇多久检一次"
    assert len(masked.sounds) == len(masked.hanzi) == len(masked.typed)
