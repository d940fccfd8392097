"""Working copies of pictures: made anew from the pixels, so that nothing else of the file comes along.

Recordings and films get none: the base install has no decoder for them, and what cannot be made anew is not shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bot import limited
from bot.files import MAX_FILE
from bot.limited import LimitedError, Limits

LIMITS = Limits(memory=256, cpu=20, seconds=40.0)
"""The largest picture that is taken needs 240 MB while it is opened."""
BROKEN = "这张照片打不开，可能没传完或已损坏。请重新拍一张再发。"
TOO_LARGE = f"这张照片超过 {MAX_FILE // 1024 // 1024} MB，收不下。请压缩后再发，或截取要紧的部分发来。"
TOO_MANY_PIXELS = "这张照片像素太多，收不下。请用手机普通模式重拍，或截图发来。"
WRONG_KIND = "这个图片格式收不了。请发 JPG 或 PNG，或者截图发来。"
HEIC = "这张照片是 HEIC 格式，收不了。请在手机上另存为 JPG 再发，或者截图发来。"
SENTENCES = {"pixels": TOO_MANY_PIXELS, "kind": WRONG_KIND, "broken": BROKEN}
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))


class BadPictureError(ValueError):
    """No working copy can be made; the text says in Chinese why and what to do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture made anew: JPEG, at most 2048 pixels on a side, and its difference hash: 64 bits as 16 hex digits, or
    empty when the picture has no shapes to go by."""

    data: bytes
    width: int
    height: int
    dhash: str


def working_copy(data: bytes) -> Copy:
    """Decode and encode in a child process with limits; a second at most for a photo of a phone.

    ``BadPictureError``: too large, no JPEG, PNG, WebP or GIF, broken, too much for the limits.
    """
    if len(data) > MAX_FILE:
        raise BadPictureError(TOO_LARGE)
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        raise BadPictureError(HEIC)
    try:
        answer = limited.run("bot.pictures.child", data, LIMITS)
    except LimitedError:
        raise BadPictureError(BROKEN) from None
    return unpack(answer)


def unpack(answer: bytes) -> Copy:
    """What the child said."""
    head, _, jpeg = answer.partition(b"\n")
    said = json.loads(head)
    if "refused" in said:
        raise BadPictureError(SENTENCES[said["refused"]])
    return Copy(jpeg, said["width"], said["height"], said["dhash"])


def distance(one: str, other: str) -> int:
    """In how many of 64 bits two difference hashes differ: 0 to about 5 means the same photo; 64 when one is empty."""
    return (int(one, 16) ^ int(other, 16)).bit_count() if one and other else 64
