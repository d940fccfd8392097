"""The learnt part of the matcher: made from the facts, kept in a cache by the content it was made from."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.intent import Grams, IntentModel, train
from knowledge.library import Library
from knowledge.normalise import Text
from knowledge.reading import Reader
from knowledge.study import Study

VERSION = 1
"""Raise when features or learning change, so that kept models are learnt anew."""


@dataclass(frozen=True, slots=True)
class Models:
    """``intents`` tells what is asked; ``things`` which instrument a description means."""

    intents: IntentModel
    things: IntentModel


def thing_grams(text: Text) -> Grams:
    found = {text.hanzi[i : i + 2] for i in range(len(text) - 1)}
    found |= {text.hanzi[i : i + 3] for i in range(len(text) - 2)}
    found |= {"~" + text.sounds[i : i + 2] for i in range(len(text) - 1)}
    return tuple(sorted(found))


def load_models(library: Library, reader: Reader, lexicon: dict[str, Any], cache: Path | None) -> Models:
    """From the cache when it was made from the same facts, else learnt now and kept."""
    path = cache / f"models-{_fingerprint(library, lexicon)}.json" if cache else None
    if path is not None and path.exists():
        data = json.loads(path.read_text(encoding="utf-8"))
        return Models(IntentModel.from_json(data["intents"]), IntentModel.from_json(data["things"]))
    models = learn(library, reader)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and renamed: a second process that starts now reads the whole file or none.
        aside = path.with_suffix(f".{random.SystemRandom().getrandbits(32):08x}")
        data = {"intents": models.intents.to_json(), "things": models.things.to_json()}
        aside.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        aside.rename(path)
    return models


def learn(library: Library, reader: Reader) -> Models:
    study = Study(library, reader.normaliser)
    intents = train((reader.read_text(e.text).grams, e.label) for e in study.intents())
    things = train((thing_grams(e.text), e.label) for e in study.things())
    return Models(intents, things)


def _fingerprint(library: Library, lexicon: dict[str, Any]) -> str:
    names = [(i.id, i.name, i.category, i.aliases, i.dialect) for i in library.instruments.values()]
    questions = [(f.id, f.question, f.alternatives) for f in library.faqs.values()]
    topics = [(t.id, t.question, t.faq) for t in library.topics.values()]
    terms = [(a.term, a.aliases) for a in library.ambiguities]
    parts = [
        names,
        questions,
        topics,
        terms,
        library.phrasings,
        library.descriptions,
        library.settings,
        lexicon,
        VERSION,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]
