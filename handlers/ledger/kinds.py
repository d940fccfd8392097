"""Which kind of instrument a name on paper means, when nobody can be asked on the spot."""

from __future__ import annotations

from handlers.talk import Bench
from knowledge.instrument_line import instrument_named


def kind_of(bench: Bench, name: str) -> tuple[str, str]:
    """The kind's id, empty when the name is not known; and a sentence when the name leaves it open.

    Of several it may be, one that must be verified is taken: a reminder too many is better than one too few.
    """
    kind, candidates = instrument_named(bench.matcher, bench.library, name) if name else ("", ())
    if kind or not candidates:
        return kind, ""
    things = [bench.library.instruments[id_] for id_ in candidates]
    taken = next((thing for thing in things if thing.must_verify), things[0])
    return taken.id, f"“{name[:20]}”先按“{taken.name}”记，不是的话再改。"
