"""What people type, in one form: simplified, folded, without filler; each character beside the sound it makes.

A message becomes two strings of the same length: ``hanzi`` (the characters; for typed pinyin, the sound itself) and
``sounds`` (one private-use character per fuzzy toneless syllable, so that n/l, zh/z and -ng/-n fall together). Equal
sounds with other characters are a homophone slip of the input method; the same string search serves both.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from knowledge.files import DATA, load_yaml

MAX_CHARS = 64
"""What is matched. Longer messages are cut to the clauses that carry the question."""
_HEAD, _TAIL = 48, 112
_SOUND_BASE = 0xE000
_SYLLABLE = re.compile(r"[a-z]+")
_CJK = re.compile(r"[㐀-鿿]")
_KEEP = re.compile(r"[^0-9a-z㐀-鿿◇]+")
_CLAUSE = re.compile(r"[，。！？；,.!?;\n]+")
_QUESTION = re.compile(r"吗|呢|怎么|多久|多少|几|哪|什么|要不要|能不能|可以|是不是|咋|想|罚|投诉|举报|检|秤|不准|误差")
# Most frequent reading where the dictionary's first is another.
_READINGS = {
    "校": "jiao",
    "称": "cheng",
    "调": "tiao",
    "行": "hang",
    "重": "zhong",
    "长": "chang",
    "乐": "le",
    "度": "du",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A normalised message or alias. ``len(hanzi) == len(sounds)``; ``typed[i]`` marks sounds typed in letters."""

    hanzi: str
    sounds: str
    typed: tuple[bool, ...] = ()

    def __len__(self) -> int:
        return len(self.hanzi)


class Normaliser:
    """Built once from the reading and script tables of pypinyin and zhconv and from ``lexicon.yaml``."""

    def __init__(self, lexicon: dict[str, Any]) -> None:
        self._to_simplified = simplified_table()
        self._sound_of: dict[int, str] = {}
        self._syllables: dict[str, str] = {}
        self._read_table()
        self._latin = frozenset(lexicon["latin_words"])
        self._rewrites = {self._fold(k): self._fold(v) for k, v in lexicon["rewrites"].items()}
        self._rewrite = _longest_first(self._rewrites)
        self._filler = _longest_first(map(self._fold, lexicon["fillers"]))
        self._longest = max(map(len, self._syllables))

    @classmethod
    def load(cls, path: Path = DATA / "lexicon.yaml") -> Normaliser:
        return cls(load_yaml(path))

    def message(self, raw: str) -> Text:
        """A whole message: cut, folded, fillers off, dialect words rewritten, typed pinyin read."""
        if len(raw) > _HEAD + _TAIL:
            raw = f"{raw[:_HEAD]}，{raw[-_TAIL:]}"
        text = self._fold(raw)
        text = self._rewrite.sub(lambda m: self._rewrites[m.group()], text)
        bare = self._filler.sub("", text)
        text = bare if _CJK.search(bare) or _SYLLABLE.search(bare) else text
        if len(text) > MAX_CHARS:
            text = _cut_to_question(text)
        return self._read(text)

    def term(self, raw: str) -> Text:
        """A name or alias: folded the same way, nothing taken off."""
        return self._read(self._fold(raw))

    def plain(self, raw: str) -> str:
        """Half width and simplified characters, nothing else changed."""
        return unicodedata.normalize("NFKC", raw).translate(self._to_simplified)

    def _fold(self, raw: str) -> str:
        return self.plain(raw).lower()

    def _read(self, text: str) -> Text:
        hanzi: list[str] = []
        sounds: list[str] = []
        typed: list[bool] = []
        has_hanzi = bool(_CJK.search(text))
        for word in _KEEP.sub(" ", text).split():
            for part in re.findall(r"[a-z]+|[^a-z]", word):
                if part[0].isascii() and part[0].isalpha():
                    self._read_latin(part, has_hanzi, hanzi, sounds, typed)
                else:
                    hanzi.append(part)
                    sounds.append(self._sound_of.get(ord(part), part))
                    typed.append(False)
        return Text("".join(hanzi), "".join(sounds), tuple(typed))

    def _read_latin(self, part: str, has_hanzi: bool, hanzi: list[str], sounds: list[str], typed: list[bool]) -> None:  # noqa: FBT001 - whether the rest of the message is Chinese
        syllables = None if part in self._latin or (has_hanzi and len(part) < 3) else self._segment(part)
        for unit in syllables or part:
            sound = self._syllables[unit] if syllables else unit
            hanzi.append(sound)
            sounds.append(sound)
            typed.append(bool(syllables))

    def _segment(self, letters: str) -> list[str] | None:
        """Split letters into pinyin syllables, fewest first; None when they are no pinyin."""
        best: list[list[str] | None] = [[]] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - self._longest), end):
                before, piece = best[start], letters[start:end]
                if before is None or piece not in self._syllables:
                    continue
                found = best[end]
                if found is None or len(before) + 1 < len(found):
                    best[end] = [*before, piece]
        return best[len(letters)]

    def _read_table(self) -> None:
        from pypinyin.pinyin_dict import pinyin_dict  # noqa: PLC0415 - a large table, wanted only here

        codes: dict[str, str] = {}
        for point, readings in pinyin_dict.items():
            if not 0x3400 <= point <= 0x9FFF:
                continue
            plain = _READINGS.get(chr(point)) or _toneless(readings.split(",", 1)[0])
            fuzzy = _fuzzy(plain)
            if fuzzy not in codes:
                codes[fuzzy] = chr(_SOUND_BASE + len(codes))
            self._sound_of[point] = codes[fuzzy]
            self._syllables[plain] = codes[fuzzy]


def _cut_to_question(text: str) -> str:
    """Keep whole clauses, those with question words first, up to ``MAX_CHARS``; their order stays."""
    clauses = [c for c in _CLAUSE.split(text) if c]
    ranked = sorted(range(len(clauses)), key=lambda i: (not _QUESTION.search(clauses[i]), -i))
    kept: list[int] = []
    room = MAX_CHARS
    for i in ranked:
        if len(clauses[i]) <= room:
            kept.append(i)
            room -= len(clauses[i])
    return "，".join(clauses[i] for i in sorted(kept)) if kept else text[-MAX_CHARS:]


def _longest_first(words: Any) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(w) for w in sorted(words, key=len, reverse=True)))


def _toneless(reading: str) -> str:
    plain = unicodedata.normalize(
        "NFD", reading.replace("ü", "v").replace("ǚ", "v").replace("ǜ", "v").replace("ǘ", "v").replace("ǖ", "v")
    )
    return "".join(c for c in plain if c.isascii())


def _fuzzy(syllable: str) -> str:
    """Sounds that phone keyboards and accents confuse become one: zh/z, ch/c, sh/s, n/l, -ng/-n."""
    syllable = re.sub(r"^([zcs])h", r"\1", syllable)
    syllable = re.sub(r"^n(?=[aeiouv])", "l", syllable)
    return re.sub(r"(?<=[aei])ng$", "n", syllable)


def simplified_table() -> dict[int, str]:
    """Character by character: phrase rules would change lengths and are not worth their cost on short messages."""
    source = json.loads(resources.files("zhconv").joinpath("zhcdict.json").read_text(encoding="utf-8"))
    table = {ord(k): v for k, v in source["zh2Hans"].items() if len(k) == 1 and len(v) == 1}
    return table | {ord(k): v for k, v in source["zh2CN"].items() if len(k) == 1 and len(v) == 1}
