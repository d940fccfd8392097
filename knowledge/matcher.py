"""From what a person typed to a card: an answer, at most three choices, or no card at all, and why.

Three questions are put to a message, each to its own tool: which *things* it names (spotter), what is asked *about*
them (intent model over the message with the things masked), and whether it is about metrology at all (the model's
out-of-scope labels, and positive evidence). Likeness of whole strings serves only to find the nearest written
phrasing; no threshold on it can tell a question from one that merely shares its words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from knowledge.checkup import own_trades
from knowledge.files import DATA, load_yaml
from knowledge.intent import Guess
from knowledge.library import Ambiguity, Library, Unclear
from knowledge.models import Models, load_models, thing_grams
from knowledge.normalise import MAX_CHARS, Normaliser
from knowledge.phrases import Near, PhraseIndex
from knowledge.reading import ASK_USE, CUE, DECOY, Reader, Reading, best_thing
from knowledge.spotter import Likeness, Span
from knowledge.study import NOTHING


class Decision(StrEnum):
    ANSWER = "answer"
    CHOOSE = "choose"
    ABSTAIN = "abstain"


class Aspect(StrEnum):
    """What is asked about a thing."""

    OVERVIEW = "overview"
    OBLIGATION = "obligation"
    PERIOD = "period"
    TOLERANCE = "tolerance"
    FEE = "fee"
    WHERE = "where"
    PENALTY = "penalty"
    OTHER = "other"


ASPECT_LABELS = {"obligation": Aspect.OBLIGATION, "period": Aspect.PERIOD, "tolerance": Aspect.TOLERANCE}
TOPIC_ASPECTS = {
    "catalogue-scope": Aspect.OBLIGATION,
    "period-general": Aspect.PERIOD,
    "verification-fee": Aspect.FEE,
    "apply-verification": Aspect.WHERE,
    "institution-address": Aspect.WHERE,
    "on-site-booking": Aspect.WHERE,
    "verification-time-limit": Aspect.WHERE,
    "penalty-unverified": Aspect.PENALTY,
    "penalty-cheating": Aspect.PENALTY,
    "penalty-forged-certificate": Aspect.PENALTY,
    "retail-weighing-tolerance": Aspect.TOLERANCE,
}
GENERAL_TOPIC = {
    Aspect.OBLIGATION: "catalogue-scope",
    Aspect.PERIOD: "period-general",
    Aspect.TOLERANCE: "retail-weighing-tolerance",
}
"""The card that answers an aspect when no thing is named."""
NO_CARD = ("out-of-scope", "smalltalk")
TRADE_TOPICS = {"trade-optician": "optician-duty", "trade-fuel": "fuel-station-duty", "trade-clinic": "medical-duty"}
"""Trades with a card of their own in the topics; the others are answered by their pack."""
PRIVATE_USE = ("internal-use", "home-use")
YIELD = 0.7
DUTY_SHARE = 0.5
ECHO_FROM, ECHO_SHARE = 0.3, 0.5
EITHER_OR = "还是"
FOLLOW_UP = 12
TRAILING = "呢啊呀吧嘛哦噢"
GENERAL_LABEL = {topic: aspect.value for aspect, topic in GENERAL_TOPIC.items()}
"""The aspect behind a general card: with a thing known, 多久 asks its period, not all periods."""
COMMONEST = ("electronic-price-scale", "water-meter-small", "electronic-bp-monitor")
FRAGMENT_LENGTHS = (2, 3)
TRADE_DUTIES = ("optician-duty", "fuel-station-duty", "medical-duty", "market-organiser-duty")
"""Cards on a whole trade; where one instrument is named, its own card answers better."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where an answer becomes a choice and a choice an abstention. Shares are of the intent model's belief."""

    sure: float = 0.18
    lead: float = 1.4
    no_card: float = 0.60
    no_card_unsupported: float = 0.35
    no_card_brief: float = 0.3
    phrase: float = 0.80
    thing: float = 0.05
    thing_lead: float = 1.6
    brief: int = 6
    sure_brief: float = 0.5
    vague: float = 0.5
    vague_rest: int = 3
    described: float = 0.7
    short_name: int = 3


@dataclass(frozen=True, slots=True)
class Words:
    """Word lists of ``lexicon.yaml`` that the decision itself looks at."""

    private_use: tuple[str, ...]
    duty: tuple[str, ...]
    other_questions: tuple[str, ...]
    pointing: tuple[str, ...]
    of_all: tuple[str, ...]
    ordinary: frozenset[str]
    """Words of their own that also stand inside names (标准 in 标准砝码): alone they mean no instrument."""

    @classmethod
    def of(cls, lexicon: dict[str, Any]) -> Words:
        return cls(
            private_use=tuple(lexicon["private_use"]),
            duty=tuple(lexicon["duty_words"]),
            other_questions=tuple(lexicon["other_questions"]),
            pointing=tuple(lexicon["pointing_words"]),
            of_all=tuple(lexicon["of_all_words"]),
            ordinary=frozenset(lexicon["decoys"] + lexicon["evidence"]),
        )


@dataclass(frozen=True, slots=True)
class Option:
    """One of at most three choices; ``entry`` is the card it leads to."""

    label: str
    entry: str


@dataclass(frozen=True, slots=True)
class Named:
    """What a name may mean. ``alias`` is the known name found in it, empty when the kind was guessed by description;
    ``sure``: one instrument and no other; ``whole``: the name is the known one from end to end."""

    ids: tuple[str, ...]
    alias: str = ""
    sure: bool = False
    whole: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Match:
    """``ids`` are entries best first; ``question`` is what to ask when a choice is offered; ``why`` is for people."""

    decision: Decision
    aspect: Aspect
    ids: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    question: str = ""
    why: str = ""
    smalltalk: bool = False
    followed: bool = False
    """Answered about the thing of the message before: that message stays the ground for the next one."""


class Matcher:
    def __init__(
        self,
        library: Library,
        reader: Reader,
        models: Models,
        words: Words,
        limits: Limits | None = None,
    ) -> None:
        self.library = library
        self.reader = reader
        self.models = models
        self._limits = limits or Limits()
        self.words = words
        self.trades = own_trades()
        self._ambiguous = {a.term: a for a in library.ambiguities}
        self._unclear = _unclear_table(library, reader)
        self._fragments = _fragments(library, reader, words.ordinary)
        self.phrases = _phrase_index(library, reader)
        self._phrasings = _phrasing_index(library, reader)

    @classmethod
    def build(cls, library: Library, root: Path = DATA, cache: Path | None = None) -> Matcher:
        """Ready to match. The models are learnt in seconds; ``cache`` keeps them for the next start."""
        lexicon = load_yaml(root / "lexicon.yaml")
        reader = make_reader(library, lexicon)
        return cls(library, reader, load_models(library, reader, lexicon, cache), Words.of(lexicon))

    def match(self, query: str, context: str | None = None) -> Match:
        """``context`` is the same person's message before this one, for follow-ups such as 那水表呢."""
        reading = self.reader.read(query)
        guesses = self._guesses(reading)
        if context:
            followed = self._follow(reading, guesses, context)
            if followed is not None:
                return followed
        return self._decide(reading, guesses)

    def named(self, name: str, *, guess: bool = True) -> Named:
        """The instruments that something called so may be, the likeliest first; ``guess``: also by description."""
        reading = self.reader.read_text(self.reader.normaliser.term(name[:MAX_CHARS]))
        thing = best_thing([t for t in reading.things if not self._other_word(t)])
        if thing is None:
            return Named(self._surely_described(reading) if guess else ())
        asked = [self._ambiguous[id_[1:]] for id_ in thing.ids if id_[0] == ASK_USE]
        ids = [choice.entry for ambiguity in asked for choice in ambiguity.choices] or _entries(thing)
        whole = len(thing) == len(reading.text) and thing.likeness is not Likeness.SLIP
        return Named(tuple(ids), thing.alias, sure=len(ids) == 1, whole=whole)

    def _other_word(self, thing: Span) -> bool:
        """One wrong character in a name of three is rather another word: 打印机 is no 打价机."""
        return thing.likeness is Likeness.SLIP and len(thing) <= self._limits.short_name

    def _surely_described(self, reading: Reading) -> tuple[str, ...]:
        """A name is short: without the sentence around it only a strong belief counts."""
        (best,) = self.models.things.guesses(thing_grams(reading.text), 1)
        return (best.label,) if best.share >= self._limits.described and best.label != NOTHING else ()

    # -- deciding ---------------------------------------------------------------------------------------------

    def _decide(self, reading: Reading, guesses: Sequence[Guess]) -> Match:
        unclear = self._unclear_of(reading)
        if unclear is not None:
            return self._ask(unclear, Aspect.OTHER, reading, guesses)
        open_choice = self._either_or(reading) or self._fragment(reading, guesses)
        if open_choice:
            return open_choice
        thing = best_thing(reading.things)
        if thing is not None and len(reading.rest) <= 1 and thing.likeness is Likeness.WRITTEN:
            return self._about(thing, Aspect.OVERVIEW, reading, guesses)
        if self._no_card(reading, guesses):
            small = guesses[0].label == "smalltalk" or not reading.text.hanzi
            return Match(Decision.ABSTAIN, Aspect.OTHER, why=_why(reading, guesses), smalltalk=small)
        inside = self._weighed([g for g in guesses if g.label not in NO_CARD], thing, reading)
        if thing is not None and self._vague(thing, reading, inside):
            return self._about(thing, Aspect.OVERVIEW, reading, inside)
        aspect = ASPECT_LABELS.get(inside[0].label)
        if aspect is not None:
            return self._aspect(reading, thing, aspect, inside)
        return self._topic(reading, thing, inside)

    def _unclear_of(self, reading: Reading) -> Unclear | None:
        said = reading.text.hanzi.rstrip(TRAILING)
        return self._unclear.get(said) or self._unclear.get(reading.text.sounds)

    def _either_or(self, reading: Reading) -> Match | None:
        """体温枪还是体温表: two things named, which one is meant is asked."""
        named = list(dict.fromkeys(_entries(thing)[0] for thing in reading.things if _entries(thing)))
        if len(named) < 2 or not (EITHER_OR in reading.text.hanzi or len(reading.rest) <= 1):
            return None
        options = tuple(Option(self._label(entry), entry) for entry in named[:3])
        return Match(Decision.CHOOSE, Aspect.OTHER, tuple(named[:3]), options, "您问的是哪一种？")

    def _fragment(self, reading: Reading, guesses: Sequence[Guess]) -> Match | None:
        """噪音, 粉尘, 分析仪: a piece of names and nothing else. One bearer is the answer, several are a choice."""
        bearers = self._fragments.get(reading.text.hanzi, ()) if not reading.things else ()
        if not bearers:
            return None
        if len(bearers) == 1:
            return self._answer(reading, Aspect.OVERVIEW, bearers, guesses)
        options = tuple(Option(self._label(entry), entry) for entry in bearers[:3])
        return Match(Decision.CHOOSE, Aspect.OVERVIEW, bearers[:3], options, "您问的是哪一种？", _why(reading, guesses))

    def _which_thing(self, reading: Reading, aspect: Aspect, guesses: Sequence[Guess]) -> Match | None:
        """这个机器要检吗: a duty asked of a thing that was pointed at, not named."""
        said = reading.text.hanzi
        pointed = any(word in said for word in self.words.pointing)
        if not pointed or any(word in said for word in self.words.of_all):
            return None
        options = tuple(Option(self._label(entry), entry) for entry in COMMONEST)
        return Match(
            Decision.CHOOSE, aspect, COMMONEST, options, "是什么器具？打名字，或选一个：", _why(reading, guesses)
        )

    def _vague(self, thing: Span, reading: Reading, guesses: Sequence[Guess]) -> bool:
        """A bare 秤 or 表 with a word or two beside it and no card that stands out: what it is must be asked."""
        if _entries(thing) or len(reading.rest) > self._limits.vague_rest:
            return False
        default = self._ambiguous[thing.ids[0][1:]].default
        return guesses[0].label not in ASPECT_LABELS and guesses[0].share < self._limits.vague if default else True

    def _no_card(self, reading: Reading, guesses: Sequence[Guess]) -> bool:
        if not reading.text.hanzi or _gibberish(reading):
            return True
        outside = sum(g.share for g in guesses if g.label in NO_CARD)
        supported = bool(reading.cues) or any(t.likeness is not Likeness.SLIP for t in reading.things)
        # A card in answer to a greeting is sillier than a greeting in answer to a question.
        if not supported and len(reading.text) <= self._limits.brief:
            return outside >= self._limits.no_card_brief
        plain = not supported or guesses[0].label == "smalltalk"
        return outside >= (self._limits.no_card_unsupported if plain else self._limits.no_card)

    def _aspect(self, reading: Reading, thing: Span | None, aspect: Aspect, guesses: Sequence[Guess]) -> Match:
        described = self._described(reading, thing)
        if described:
            return self._answer(reading, aspect, (*described, *_general(aspect)), guesses)
        if thing is not None:
            return self._about(thing, aspect, reading, guesses)
        trade = self._trade_card(reading, aspect)
        asked = None if trade else self._which_thing(reading, aspect, guesses)
        return asked or self._answer(reading, aspect, (*trade, GENERAL_TOPIC[aspect]), guesses)

    def _trade_card(self, reading: Reading, aspect: Aspect) -> list[str]:
        """What a whole trade must have verified (开眼镜店要检什么), when no single instrument is meant."""
        trade = self.trades.spot(reading.text.hanzi) if aspect is Aspect.OBLIGATION else None
        return [TRADE_TOPICS.get(trade.id, trade.id)] if trade else []

    def _described(self, reading: Reading, thing: Span | None) -> list[str]:
        """The instrument that is described rather than named, when nothing surer was spotted."""
        asked = thing is not None and not _entries(thing)
        if thing is not None and not asked and thing.likeness is Likeness.WRITTEN:
            return []
        # A bare 秤 or 表 is part of the description; a longer word with several meanings would only vote for itself.
        text = reading.masked if asked and thing is not None and len(thing) > 1 else reading.text
        first, second = self.models.things.guesses(thing_grams(text), 2)
        sure = first.share >= self._limits.thing and first.share >= self._limits.thing_lead * second.share
        return [first.label] if sure and first.label != NOTHING else []

    def _about(self, thing: Span, aspect: Aspect, reading: Reading, guesses: Sequence[Guess]) -> Match:
        """An aspect of one thing: a card, or the question what the thing is used for."""
        asked = next((i for i in thing.ids if i[0] == ASK_USE), None)
        if asked is not None:
            ambiguity = self._ambiguous[asked[1:]]
            use_is_said = aspect not in (Aspect.OVERVIEW, Aspect.OBLIGATION) or self._said_for_sale(reading)
            if ambiguity.default and use_is_said:
                return self._answer(reading, aspect, (ambiguity.default, *_general(aspect)), guesses)
            return self._ask(ambiguity, aspect, reading, guesses)
        return self._answer(reading, aspect, (*_entries(thing)[:3], *_general(aspect)), guesses)

    def _said_for_sale(self, reading: Reading) -> bool:
        """Whether a trade was named and no word of private use: then the scale is one to sell with."""
        private = any(word in reading.text.hanzi for word in self.words.private_use)
        return not private and self.trades.spot(reading.text.hanzi) is not None

    def _topic(self, reading: Reading, thing: Span | None, guesses: Sequence[Guess]) -> Match:
        first, second = guesses[0], guesses[1]
        aspect = TOPIC_ASPECTS.get(first.label, Aspect.OTHER)
        whole_trade = thing is None and (aspect is Aspect.OBLIGATION or first.label in TRADE_TOPICS.values())
        if first.label in TRADE_TOPICS.values() and thing is None and self.trades.spot(reading.text.hanzi) is None:
            asked = self._which_thing(reading, Aspect.OBLIGATION, guesses)
            if asked is not None:
                return asked
        if whole_trade and (card := self._trade_card(reading, Aspect.OBLIGATION)):
            return self._answer(reading, Aspect.OBLIGATION, (*card, "catalogue-scope"), guesses)
        ids = [first.label]
        faq = self._nearest_faq(reading)
        if faq is not None and self.library.topic_of_faq.get(faq.owner) == first.label:
            ids.insert(0, faq.owner)
        if thing is not None:
            ids += _entries(thing)[:2]
        if self._sure(first, second, brief=thing is None and len(reading.text) <= self._limits.brief):
            return self._answer(reading, aspect, ids, guesses)
        return self._choose(reading, thing, guesses)

    def _sure(self, first: Guess, second: Guess, *, brief: bool) -> bool:
        """A few characters carry little: they must speak clearly. Longer messages need only a lead."""
        if brief:
            return first.share >= self._limits.sure_brief
        return first.share >= self._limits.sure or first.share >= self._limits.lead * second.share

    def _choose(self, reading: Reading, thing: Span | None, guesses: Sequence[Guess]) -> Match:
        ids: list[str] = []
        for guess in guesses:
            if guess.label in ASPECT_LABELS:
                aspect = ASPECT_LABELS[guess.label]
                entry = next(iter(_entries(thing)), None) if thing else None
                ids.append(entry or GENERAL_TOPIC[aspect])
            else:
                ids.append(guess.label)
        named = _entries(thing)[:1] if thing else []
        # The thing that was named is always among the choices: its card leads to the rest.
        ids = list(dict.fromkeys([*ids[:2], *named, *ids[2:]]))[:3]
        options = tuple(Option(self._label(i), i) for i in ids)
        return Match(Decision.CHOOSE, Aspect.OTHER, tuple(ids), options, "您想问的是哪一个？", _why(reading, guesses))

    def _ask(self, ambiguity: Ambiguity | Unclear, aspect: Aspect, reading: Reading, guesses: Sequence[Guess]) -> Match:
        options = tuple(Option(c.label, c.entry) for c in ambiguity.choices)
        ids = tuple(o.entry for o in options)
        return Match(Decision.CHOOSE, aspect, ids, options, ambiguity.ask, _why(reading, guesses))

    def _answer(self, reading: Reading, aspect: Aspect, ids: Iterable[str], guesses: Sequence[Guess]) -> Match:
        return Match(Decision.ANSWER, aspect, tuple(dict.fromkeys(ids)), why=_why(reading, guesses))

    def _weighed(self, guesses: Sequence[Guess], thing: Span | None, reading: Reading) -> list[Guess]:
        """Where one instrument is named, what speaks for a card on a whole trade or on private use speaks mostly for
        the instrument's own duty; private use counts only when a word of it was said."""
        if thing is None:
            return list(guesses)
        shares = {g.label: g.share for g in guesses}
        yielding = TRADE_DUTIES if _entries(thing) else ()
        if not any(word in reading.text.hanzi for word in self.words.private_use):
            yielding = (*yielding, *PRIVATE_USE)
        for label in yielding:
            if label in shares:
                shares["obligation"] = shares.get("obligation", 0.0) + YIELD * shares[label]
                shares[label] *= 1 - YIELD
        if self._asks_duty(reading):
            shares["obligation"] = shares.get("obligation", 0.0) + DUTY_SHARE
        return [Guess(label, share) for label, share in sorted(shares.items(), key=lambda s: (-s[1], s[0]))]

    def _asks_duty(self, reading: Reading) -> bool:
        """要不要检 about a named thing, and no other question in the same message."""
        said = reading.masked.hanzi
        words = self.words
        return any(w in said for w in words.duty) and not any(w in said for w in words.other_questions)

    def _guesses(self, reading: Reading) -> list[Guess]:
        """What is asked: the model's belief, and the written phrasings that are nearly the same words.

        The model weighs every gram and can be led astray in a plain question; a phrasing that matches sets it right.
        """
        guesses = self.models.intents.guesses(reading.grams, 8)
        if len(reading.text) <= self._limits.brief:
            return guesses  # a few characters are near to many phrasings and prove nothing
        shares = {g.label: g.share for g in guesses}
        for near in self._phrasings.nearest(reading.masked, 4):
            if near.likeness > ECHO_FROM:
                shares[near.owner] = shares.get(near.owner, 0.0) + ECHO_SHARE * (near.likeness - ECHO_FROM)
        total = sum(shares.values())
        ranked = sorted(shares.items(), key=lambda s: (-s[1], s[0]))
        return [Guess(label, share / total) for label, share in ranked]

    # -- helpers ----------------------------------------------------------------------------------------------

    def _follow(self, reading: Reading, guesses: Sequence[Guess], context: str) -> Match | None:
        """A follow-up that leaves out the thing or the aspect takes it from the message before."""
        before = self.reader.read(context)
        thing, old = best_thing(reading.things), best_thing(before.things)
        if thing is not None and len(reading.rest) <= 2 and not self._asks(reading):
            return self._transfer(thing, reading, before)
        if thing is None and old is not None and _entries(old) and len(reading.text) <= FOLLOW_UP:
            return self._same_thing(old, reading, guesses)
        return None

    def _asks(self, reading: Reading) -> bool:
        """Whether the message has a question of its own, however short."""
        said = reading.masked.hanzi
        return any(word in said for word in (*self.words.duty, *self.words.other_questions))

    def _same_thing(self, old: Span, reading: Reading, guesses: Sequence[Guess]) -> Match | None:
        """多久? 要钱吗? after a card: another aspect of the thing that was spoken of."""
        label = self._aspect_of_few_words(reading, guesses)
        if label in ASPECT_LABELS:
            return replace(self._about(old, ASPECT_LABELS[label], reading, guesses), followed=True)
        if label in TOPIC_ASPECTS:
            ids = (label, *_entries(old)[:2])
            return replace(self._answer(reading, TOPIC_ASPECTS[label], ids, guesses), followed=True)
        return None

    def _aspect_of_few_words(self, reading: Reading, guesses: Sequence[Guess]) -> str:
        """The aspect asked by words too few to stand alone; empty when they ask something else."""
        unclear = self._unclear_of(reading)
        meant = [c.entry for c in unclear.choices] if unclear else []
        # 多久 after a card asks the interval; of the rest the first that is an aspect.
        for entry in sorted(meant, key=lambda e: e not in GENERAL_LABEL):
            if entry in TOPIC_ASPECTS:
                return GENERAL_LABEL.get(entry, entry)
        if self._no_card(reading, guesses):
            return ""
        known = [g for g in guesses if g.label in ASPECT_LABELS or g.label in TOPIC_ASPECTS]
        best = known[0] if known else None
        lead = best is not None and (best is guesses[0] or best.share >= self._limits.sure / 2)
        return GENERAL_LABEL.get(best.label, best.label) if best is not None and lead else ""

    def _transfer(self, thing: Span, reading: Reading, before: Reading) -> Match:
        """那水表呢: what was asked about the old thing, asked about the new one."""
        heard = self._guesses(before)
        guesses = self._weighed([g for g in heard if g.label not in NO_CARD], best_thing(before.things), before)
        clear = guesses and guesses[0].share >= self._limits.sure and _entries(thing)
        label = guesses[0].label if clear else ""
        if label in ASPECT_LABELS or label not in TOPIC_ASPECTS:
            return self._about(thing, ASPECT_LABELS.get(label, Aspect.OVERVIEW), reading, guesses)
        ids = [label, *_entries(thing)]
        return self._answer(reading, TOPIC_ASPECTS[label], ids, guesses)

    def _nearest_faq(self, reading: Reading) -> Near | None:
        near = self.phrases.nearest(reading.text, 1)
        return near[0] if near and near[0].likeness >= self._limits.phrase else None

    def _label(self, entry: str) -> str:
        found = self.library.entry(entry) or self.trades.by_id.get(entry)
        return found.name if found else entry


def make_reader(library: Library, lexicon: dict[str, Any]) -> Reader:
    reader = Reader(Normaliser(lexicon))
    for ambiguity in library.ambiguities:
        reader.teach(ASK_USE + ambiguity.term, (ambiguity.term, *ambiguity.aliases))
    for instrument in library.instruments.values():
        reader.teach(instrument.id, (instrument.name, *instrument.aliases, *instrument.dialect), instrument.category)
    reader.teach(DECOY, lexicon["decoys"])
    reader.teach(CUE, (*lexicon["evidence"], *lexicon["phrases"]))
    return reader


def _phrase_index(library: Library, reader: Reader) -> PhraseIndex:
    index = PhraseIndex()
    for faq in library.faqs.values():
        for phrase in (faq.question, *faq.alternatives):
            index.add(faq.id, reader.normaliser.message(phrase))
    index.freeze()
    return index


def _unclear_table(library: Library, reader: Reader) -> dict[str, Unclear]:
    """By what is written and by how it sounds: 正书 is 证书."""
    table: dict[str, Unclear] = {}
    for unclear in library.unclear:
        for say in (unclear.say, *unclear.also):
            text = reader.normaliser.message(say)
            table[text.hanzi] = table[text.sounds] = unclear
    return table


def _phrasing_index(library: Library, reader: Reader) -> PhraseIndex:
    index = PhraseIndex()
    for label, sentences in library.phrasings.items():
        for sentence in sentences:
            index.add(label, reader.normaliser.message(sentence))
    for topic in library.topics.values():
        questions = [(f.question, *f.alternatives) for f in map(library.faqs.__getitem__, topic.faq)]
        for phrase in (topic.question, *(p for group in questions for p in group)):
            index.add(topic.id, reader.normaliser.message(phrase))
    index.freeze()
    return index


def _fragments(library: Library, reader: Reader, ordinary: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Pieces of instruments' names, with the instruments that bear them, those with most such names first."""
    counts: dict[str, Counter[str]] = {}
    for instrument in library.instruments.values():
        for name in (instrument.name, *instrument.aliases):
            text = reader.normaliser.term(name).hanzi
            pieces = {text[i : i + n] for n in FRAGMENT_LENGTHS for i in range(len(text) - n + 1)}
            for piece in pieces - ordinary:
                counts.setdefault(piece, Counter())[instrument.id] += 1
    return {piece: tuple(entry for entry, _ in bearers.most_common(3)) for piece, bearers in counts.items()}


def _gibberish(reading: Reading) -> bool:
    """Letters that are neither pinyin nor a known name, and nothing else: password, <script>."""
    return reading.text.hanzi.isascii() and not reading.things


def _general(aspect: Aspect) -> tuple[str, ...]:
    return (GENERAL_TOPIC[aspect],) if aspect in GENERAL_TOPIC and aspect is not Aspect.TOLERANCE else ()


def _why(reading: Reading, guesses: Sequence[Guess]) -> str:
    things = "、".join(s.alias for s in reading.things) or "无"
    asked = "、".join(f"{g.label} {g.share:.2f}" for g in guesses[:3])
    return f"器具：{things}；所问：{asked}"


def _entries(thing: Span) -> list[str]:
    return [i for i in thing.ids if i[0] not in (ASK_USE, CUE, DECOY)]
