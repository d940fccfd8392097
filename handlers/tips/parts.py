"""What a message adds to a tip, as the parts a form keeps: words, files, a point on the map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handlers.conversation.forms import NotUnderstoodError
from handlers.conversation.messages import AttachmentKind, Inbound, Place
from handlers.conversation.words import is_bare_number

Part = Mapping[str, Any]
"""``{"text": …}``, ``{"file": name, "kind": image|voice|video|file}`` or ``{"place": [lat, lon, label]}``."""

NOTHING = "没看到内容。请发照片、视频、语音、位置，或写一句话。"
_MEASURES = {
    AttachmentKind.IMAGE: "张照片",
    AttachmentKind.VIDEO: "段视频",
    AttachmentKind.VOICE: "段语音",
    AttachmentKind.FILE: "个文件",
}


def parts_of(inbound: Inbound) -> list[Part]:
    """All parts of one message; a bare number says nothing and is none."""
    parts: list[Part] = [{"file": a.name, "kind": str(a.kind)} for a in inbound.attachments if a.name]
    if inbound.place is not None:
        parts.append({"place": [inbound.place.lat, inbound.place.lon, inbound.place.label]})
    text = inbound.text.strip()
    if text and not (is_bare_number(text) and not parts):
        parts.append({"text": text})
    return parts


def some_parts(inbound: Inbound) -> list[Part]:
    parts = parts_of(inbound)
    if not parts and not inbound.text.strip():
        raise NotUnderstoodError(NOTHING)
    return parts


def texts(parts: Iterable[Part]) -> list[str]:
    return [str(part["text"]) for part in parts if part.get("text")]


def files(parts: Iterable[Part]) -> list[tuple[str, str]]:
    """Name and kind of each file, each once."""
    return list({str(part["file"]): str(part["kind"]) for part in parts if part.get("file")}.items())


def point(parts: Iterable[Part]) -> Place | None:
    """The last place that was sent."""
    places = [part["place"] for part in parts if part.get("place")]
    return Place(*places[-1]) if places else None


def counted(parts: Sequence[Part]) -> str:
    """2 张照片、1 段话."""
    kinds = Counter(kind for _, kind in files(parts))
    said = [f"{kinds[kind]} {measure}" for kind, measure in _MEASURES.items() if kinds[kind]]
    said += ["1 个位置"] if point(parts) is not None else []
    said += [f"{len(texts(parts))} 段话"] if texts(parts) else []
    return "、".join(said) or "0 份"
