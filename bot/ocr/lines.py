"""What passes between the bot and the child that reads: the file with its type in, lines of text or a reason out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


class UnreadableError(ValueError):
    """The file cannot be read; the text is a Chinese sentence: what is wrong with it, and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text and where it stands, in pixels of the upright page; ``score`` 0..1; ``page`` from 0."""

    text: str
    x: float
    y: float
    width: float
    height: float
    score: float
    page: int


def pack_file(data: bytes, media_type: str) -> bytes:
    return media_type.encode() + b"\n" + data


def unpack_file(request: bytes) -> tuple[bytes, str]:
    media_type, _, data = request.partition(b"\n")
    return data, media_type.decode()


def pack_lines(lines: list[Line]) -> bytes:
    return json.dumps({"lines": [asdict(line) for line in lines]}).encode()


def pack_refusal(sentence: str) -> bytes:
    return json.dumps({"unreadable": sentence}).encode()


def unpack_lines(answer: bytes) -> list[Line]:
    """``UnreadableError`` when the child gave a reason instead."""
    said = json.loads(answer)
    if "unreadable" in said:
        raise UnreadableError(said["unreadable"])
    return [Line(**line) for line in said["lines"]]
