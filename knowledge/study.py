"""What the intent model learns from: the written phrasings with names filled in, and the slips people make.

Slips are made by machine, deterministically: pinyin instead of characters, one character wrong or missing, words of
politeness around the question, a place before the name. They teach the model not to lean on any single character.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.library import Library
from knowledge.normalise import Normaliser, Text

MARK = "◇"
NOTHING = "nothing"
"""The label of sentences that describe no instrument."""
POPULAR = (
    "electronic-price-scale",
    "electronic-truck-scale",
    "fuel-dispenser",
    "water-meter-small",
    "electricity-meter-single",
    "gas-meter-domestic",
    "electronic-bp-monitor",
    "pressure-gauge-safety",
    "ev-charger-ac",
    "focimeter",
    "taxi-meter",
)
"""The things people ask about most: study sentences name them as often as all others together."""


ASPECTS = ("obligation", "period", "tolerance")
POPULAR_FILLS = 4
SLIPS = 0.5
"""How many sentences are also studied with a slip; more teaches little and takes longer."""
VAGUE = ("", "东西", "设备", "机器", "仪器", "器具", "手机", "我店里的", "这个", "我们用的")


@dataclass(frozen=True, slots=True)
class Example:
    text: Text
    label: str


class Study:
    """Examples for one library. The same library gives the same examples in the same order."""

    def __init__(self, library: Library, normaliser: Normaliser, seed: int = 20) -> None:
        self._library = library
        self._normaliser = normaliser
        self._chance = random.Random(seed)  # noqa: S311 - which name fills which sentence is no secret
        self._names = {i.id: [i.name, *i.aliases] for i in library.instruments.values()}
        for entry, described in library.descriptions.items():
            self._names[entry].extend(described)
        self._every = sorted(self._names)

    def intents(self) -> Iterator[Example]:
        for sentence, label in self._sentences():
            text = self._normaliser.message(sentence)
            yield Example(text, label)
            if self._chance.random() < SLIPS:
                yield Example(self._slip(text), label)

    def things(self) -> Iterator[Example]:
        """Which instrument a name or description means, alone and inside a question."""
        frames = [s for label in ASPECTS for s in self._library.phrasings[label] if s.count(MARK) == 1]
        for entry in self._every:
            for name in self._names[entry]:
                yield Example(self._normaliser.message(name), entry)
                asked = self._chance.choice(frames).replace(MARK, name)
                yield Example(self._slip(self._normaliser.message(asked)), entry)
        for sentences in self._library.phrasings.values():
            for sentence in sentences[::4]:
                if MARK not in sentence:
                    yield Example(self._normaliser.message(sentence), NOTHING)
        for frame in frames[::3]:
            for word in VAGUE:
                yield Example(self._normaliser.message(frame.replace(MARK, word)), NOTHING)

    def _sentences(self) -> Iterator[tuple[str, str]]:
        for label, sentences in self._library.phrasings.items():
            for sentence in sentences:
                if MARK in sentence:
                    yield from ((filled, label) for filled in self._filled(sentence, label))
                else:
                    yield sentence, label
        for topic in self._library.topics.values():
            yield topic.question, topic.id
            for faq in (self._library.faqs[f] for f in topic.faq):
                yield from ((phrase, topic.id) for phrase in (faq.question, *faq.alternatives))

    def _filled(self, sentence: str, label: str) -> Iterator[str]:
        fitting = self._library.phrasing_things.get(label)
        # Some popular things have complaint cards of their own: their duties must be heard of at least as often.
        popular = self._chance.sample(POPULAR, POPULAR_FILLS if label in ASPECTS else 1)
        things = fitting or [*popular, self._chance.choice(self._every), self._chance.choice(self._every)]
        for entry in self._chance.sample(things, min(len(things), POPULAR_FILLS + 2)):
            yield sentence.replace(MARK, self._chance.choice(self._names[entry]))
        place, entry = self._chance.choice(self._library.settings), self._chance.choice(fitting or POPULAR)
        yield sentence.replace(MARK, place + self._chance.choice(self._names[entry]))

    def _slip(self, text: Text) -> Text:
        """The text as another hand would have typed it."""
        kind = self._chance.random()
        size = len(text)
        if kind < 0.25 or size < 4:
            return Text(text.sounds, text.sounds, (True,) * size)
        at = self._chance.randrange(size)
        if kind < 0.55:  # the right sound, another character
            return Text(text.hanzi[:at] + text.sounds[at] + text.hanzi[at + 1 :], text.sounds, text.typed)
        if kind < 0.75:  # a character left out
            return _without(text, at)
        if kind < 0.9:  # another character altogether
            return Text(
                f"{text.hanzi[:at]}々{text.hanzi[at + 1 :]}", f"{text.sounds[:at]}々{text.sounds[at + 1 :]}", text.typed
            )
        return _without(_without(text, at), 0)


def _without(text: Text, at: int) -> Text:
    return Text(
        text.hanzi[:at] + text.hanzi[at + 1 :],
        text.sounds[:at] + text.sounds[at + 1 :],
        text.typed[:at] + text.typed[at + 1 :],
    )
