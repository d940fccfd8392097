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
from knowledge.study import NOTHING, Study

VERSION = 6
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
    kept = cache / _fingerprint(library, lexicon) if cache else None
    if kept is not None and (found := _read(kept)) is not None:
        return found
    models = learn(library, reader)
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        _write(kept / "intents.model", models.intents)
        _write(kept / "things.model", models.things)
    return models


def _read(kept: Path) -> Models | None:
    """None when there is nothing kept or it is not whole: then it is simply learnt again."""
    try:
        intents, things = ((kept / f"{name}.model").read_bytes() for name in ("intents", "things"))
        return Models(IntentModel.from_bytes(intents), IntentModel.from_bytes(things))
    except (OSError, ValueError, KeyError):
        return None


def _write(path: Path, model: IntentModel) -> None:
    # Written aside and renamed: a second process that starts now reads the whole file or none.
    aside = path.with_suffix(f".{random.SystemRandom().getrandbits(32):08x}")
    aside.write_bytes(model.to_bytes())
    aside.rename(path)


def learn(library: Library, reader: Reader) -> Models:
    study = Study(library, reader.normaliser)
    intents = train((reader.read_text(e.text).grams, e.label) for e in study.intents())
    things = train(
        (thing_grams(e.text), e.label)
        for e in study.things()
        if e.label != NOTHING or not reader.read_text(e.text).things
    )
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
