"""Bodies that a platform would never send: real ones, damaged. The damage follows the given random numbers only."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

STRANGE: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53,
    2**63,
    10**30,
    -(2**64),
    0.5,
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e",
    "a" * 5000,
    "秤" * 3000,
    "/start " + "x" * 300,
    "/" * 70,
    "v1:0:1",
    "' OR 1=1 --",
    "{{7*7}}",
    "💥" * 50,
    [],
    {},
    [[]],
    [None],
    {"id": {}},
    [{}] * 3,
)
PIECES = (b"\x00", b"\xff\xfe", b'"', b"{", b"}", b"[", b"]", b"\\", b"\\ud800", b"1e999", b"NaN", b"9" * 4400, b",,")


def mutated_json(seed_body: bytes, rng: random.Random) -> bytes:
    """A JSON body with one to four values, names or bytes damaged; not always JSON any more."""
    if rng.random() < 0.25:
        return _damaged_bytes(seed_body, rng, PIECES)
    body = json.loads(seed_body)
    for _ in range(rng.randint(1, 4)):
        body = _damaged_value(body, rng)
    return json.dumps(body, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _damaged_value(body: Any, rng: random.Random) -> Any:
    places = list(_places(body))
    if not places or rng.random() < 0.02:
        return rng.choice(STRANGE)
    holder, key = rng.choice(places)
    damage: Callable[[Any, Any, random.Random], None] = rng.choice(
        (_replace, _replace, _replace, _drop, _rename, _nest, _repeat)
    )
    damage(holder, key, rng)
    return body


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in a JSON body, as what holds it and under which name or number."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


def _replace(holder: Any, key: Any, rng: random.Random) -> None:
    holder[key] = copy.deepcopy(rng.choice(STRANGE))


def _drop(holder: Any, key: Any, _rng: random.Random) -> None:
    del holder[key]


def _rename(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(("id", "date", "text", "chat", "from", "message", "photo", "document", "x"))] = holder.pop(
            key
        )


def _nest(holder: Any, key: Any, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 3, 60))):
        holder[key] = rng.choice(([holder[key]], {"message": holder[key]}))


def _repeat(holder: Any, key: Any, rng: random.Random) -> None:
    holder[key] = [copy.deepcopy(holder[key]) for _ in range(rng.choice((2, 40)))]


# -- XML ----------------------------------------------------------------------------------------------------------


XML_PIECES = (
    b"\x00",
    b"\xff\xfe",
    b"<",
    b">",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"&#0;",
    b"&#x1F4A9;",
    b"&xxe;",
    b"<!--",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b'<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>',
)
XML_VALUES = (
    b"",
    b" ",
    b"0",
    b"-1",
    b"99999999999999999999999999",
    b"text",
    b"event",
    b"subscribe",
    b"CLICK",
    b"a" * 5000,
    "秤".encode() * 2000,
    b"' OR 1=1 --",
    b"{{7*7}}",
    b"\xed\xa0\x80",
)
_ELEMENT = re.compile(rb"<(\w+)>(.*?)</\1>", re.DOTALL)


def mutated_xml(seed_body: bytes, rng: random.Random) -> bytes:
    """An XML body with one to four elements or bytes damaged; not always XML any more."""
    if rng.random() < 0.25:
        return _damaged_bytes(seed_body, rng, XML_PIECES)
    body = seed_body
    for _ in range(rng.randint(1, 4)):
        body = _damaged_element(body, rng)
    return body


def _damaged_element(body: bytes, rng: random.Random) -> bytes:
    outer = _ELEMENT.search(body)
    start = outer.start(2) if outer else 0  # inside of the root, where the fields are
    found = list(_ELEMENT.finditer(body, start))
    if not found:
        return _damaged_bytes(body, rng, XML_PIECES)
    element = rng.choice(found)
    name, value = element[1], rng.choice(XML_VALUES)
    new = rng.choice(
        (
            b"",
            b"<%s>%s</%s>" % (name, value, name),
            b"<%s><![CDATA[%s]]></%s>" % (name, value, name),
            b"<x>%s</x>" % element[2],
            element[0] * rng.choice((2, 40)),
            b"<%s>%s</%s>" % (name, element[0], name),
            b"<x>" * 60 + element[0] + b"</x>" * 60,
        )
    )
    return body[: element.start()] + new + body[element.end() :]


# -- bytes --------------------------------------------------------------------------------------------------------


def _damaged_bytes(body: bytes, rng: random.Random, pieces: tuple[bytes, ...]) -> bytes:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body) + 1)
        way = rng.randrange(4)
        if way == 0:
            body = body[:at]
        elif way == 1:
            body = body[:at] + rng.choice(pieces) + body[at:]
        elif way == 2:
            body = body[:at] + body[at + rng.randint(1, 30) :]
        else:
            body = body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]
    return body
