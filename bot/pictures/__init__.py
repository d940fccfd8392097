"""Working copies of pictures: made anew from the pixels, so that nothing else of the file comes along.

Recordings and films get none: the base install has no decoder for them, and what cannot be made anew is not shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bot import limited
from bot.limited import LimitedError, Limits

LIMITS = Limits(memory=1024, cpu=20, seconds=30.0)
NOT_READABLE = "这张照片打不开，可能传坏了，请重新拍一张再发。"
TOO_MANY_PIXELS = "这张照片太大（超过 4000 万像素），请用普通模式重拍，或截一部分再发。"
WRONG_KIND = "这种图片格式收不了，请发 JPG 或 PNG，或者截个图再发。"
SENTENCES = {"pixels": TOO_MANY_PIXELS, "kind": WRONG_KIND, "broken": NOT_READABLE}


class BadPictureError(ValueError):
    """No working copy can be made; the text says in Chinese why and what to do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture made anew: JPEG, at most 2048 pixels on a side, and its difference hash of 64 bits as 16 hex digits."""

    data: bytes
    width: int
    height: int
    dhash: str


def working_copy(data: bytes) -> Copy:
    """Decode and encode in a child process with limits. ``BadPictureError`` says why not; there is no way round it."""
    try:
        answer = limited.run("bot.pictures.child", data, LIMITS)
    except LimitedError:
        raise BadPictureError(NOT_READABLE) from None
    head, _, jpeg = answer.partition(b"\n")
    said = json.loads(head)
    if "refused" in said:
        raise BadPictureError(SENTENCES[said["refused"]])
    return Copy(jpeg, said["width"], said["height"], said["dhash"])


def distance(one: str, other: str) -> int:
    """In how many of 64 bits two difference hashes differ: 0 to about 5 means the same photo."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
