"""What WeChat pushes, put into the bot's own words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound, Other, Place, Way

CHANNEL = "wechat"
LATEST = 2**33
"""Seconds since 1970 that every part of the system can still hold (the year 2242)."""
SAY = "say:"
"""A menu button's key: the words it stands for come after this."""

OTHERS = {
    "location": Other.LOCATION,
    "link": Other.LINK,
    "file": Other.UNSENDABLE_FILE,
}
_MENU_ID = re.compile(r"([0-9a-f]{16})-(\d{1,2})")
_ROUTE = re.compile(r"(?:^|[?&](?:start|route)=)([a-z]_[A-Za-z0-9_-]{1,62})$")


class Grant(StrEnum):
    """What a user's deed allows us to send afterwards (see storage/windows.py)."""

    NONE = ""
    MESSAGE = "message"
    TAP = "tap"


@dataclass(frozen=True, slots=True)
class Consent:
    template_id: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The platform's later word on a template or subscription message."""

    platform_id: str
    ok: bool
    status: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """One push. At most one of the parts says what is to be done; none: acknowledge and forget."""

    openid: str
    account: str
    created: int
    key: str
    kind: str
    inbound: Inbound | None = None
    grant: Grant = Grant.NONE
    unfollowed: bool = False
    consents: tuple[Consent, ...] = field(default=())
    reports: tuple[Report, ...] = field(default=())


class UnreadableError(ValueError):
    """A push without sender, recipient, time or kind."""


def receive(fields: Mapping[str, Any], now: datetime) -> Received:
    """Understand one push; ``UnreadableError`` when it lacks what every push has."""
    openid, account = text_of(fields, "FromUserName"), text_of(fields, "ToUserName")
    kind, created = text_of(fields, "MsgType").lower(), text_of(fields, "CreateTime")
    if not (openid and account and kind and created.isascii() and created.isdecimal()) or len(openid) > 64:
        raise UnreadableError
    key = _key(fields, created)
    base = Received(openid, account, min(int(created), LATEST), key, kind)
    inbound = Inbound(ContactRef(CHANNEL, openid), key, now, way=Way.PASSIVE)
    if kind == "event":
        return _event(base, inbound, fields)
    return _message(base, inbound, fields)


def sent_at(received: Received) -> datetime:
    """When the user did it, by the platform's clock (seconds)."""
    return datetime.fromtimestamp(received.created, UTC)


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """A field as text; a repeated or nested element is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _key(fields: Mapping[str, Any], created: str) -> str:
    """The message's identity: MsgId; an event has none, and two of one second differ only in what they are."""
    number = text_of(fields, "MsgId")
    if number and text_of(fields, "MsgType").lower() != "event":
        return f"m:{number}"[:128]
    parts = (created, text_of(fields, "Event"), text_of(fields, "EventKey"), text_of(fields, "MsgID"))
    return "e:" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


# -- messages -----------------------------------------------------------------------------------------------------


def _message(base: Received, inbound: Inbound, fields: Mapping[str, Any]) -> Received:
    said, grant = _said(base.kind, inbound, fields)
    return replace(base, inbound=said, grant=grant)


def _said(kind: str, inbound: Inbound, fields: Mapping[str, Any]) -> tuple[Inbound, Grant]:
    if kind == "text":
        return _text(inbound, fields)
    if kind == "image":
        return _file(inbound, AttachmentKind.IMAGE, text_of(fields, "MediaId"), "照片"), Grant.MESSAGE
    if kind == "voice":
        return _voice(inbound, fields), Grant.MESSAGE
    if kind in ("video", "shortvideo"):
        return _file(inbound, AttachmentKind.VIDEO, text_of(fields, "MediaId"), "视频"), Grant.MESSAGE
    place = _place(fields) if kind == "location" else None
    return replace(inbound, other=OTHERS.get(kind, Other.UNKNOWN), place=place), Grant.MESSAGE


def _voice(inbound: Inbound, fields: Mapping[str, Any]) -> Inbound:
    voice = _file(inbound, AttachmentKind.VOICE, text_of(fields, "MediaId"), "语音")
    heard = text_of(fields, "Recognition")
    return replace(voice, text=heard, heard=True, other=None) if heard else voice


def _place(fields: Mapping[str, Any]) -> Place | None:
    """``Location_X`` is the latitude, ``Location_Y`` the longitude."""
    try:
        lat, lon = float(text_of(fields, "Location_X")), float(text_of(fields, "Location_Y"))
    except ValueError:
        return None
    return Place(lat, lon, text_of(fields, "Label")[:100]) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _text(inbound: Inbound, fields: Mapping[str, Any]) -> tuple[Inbound, Grant]:
    words = text_of(fields, "Content")
    tapped = text_of(fields, "bizmsgmenuid")
    if not tapped:
        return replace(inbound, text=words), Grant.MESSAGE
    # A tap on an offered line opens only the one-minute window, not the two days of a message.
    found = _MENU_ID.fullmatch(tapped)
    choice = f"{found[1]}:{found[2]}" if found else None
    return replace(inbound, text="" if choice else words, choice=choice), Grant.TAP


def _file(inbound: Inbound, kind: AttachmentKind, media_id: str, label: str) -> Inbound:
    if not media_id or len(media_id) > 512:
        return replace(inbound, other=Other.UNKNOWN)
    return replace(inbound, attachments=(Attachment(kind, label=label, ref=media_id),))


# -- events -------------------------------------------------------------------------------------------------------


def _event(base: Received, inbound: Inbound, fields: Mapping[str, Any]) -> Received:
    name, key = text_of(fields, "Event").lower(), text_of(fields, "EventKey")
    if name == "unsubscribe":
        return replace(base, unfollowed=True)
    if name in ("subscribe", "subscribe_scan"):
        # With a scene the library has renamed the event and taken the prefix off.
        scene = key if name == "subscribe_scan" else ""
        return replace(base, inbound=replace(inbound, text="菜单", route=scene or None), grant=Grant.TAP)
    if name == "scan":
        return replace(base, inbound=replace(inbound, text="菜单", route=key or None), grant=Grant.TAP)
    if name == "click" and key.startswith(SAY):
        return replace(base, inbound=replace(inbound, text=key.removeprefix(SAY)), grant=Grant.TAP)
    if name in ("scancode_waitmsg", "scancode_push") and key.startswith(SAY):
        return replace(base, inbound=_scanned(inbound, key.removeprefix(SAY), fields), grant=Grant.TAP)
    if name.startswith("subscribe_msg_"):
        return _subscription(base, name, fields)
    if name == "templatesendjobfinish":
        status = text_of(fields, "Status")
        return replace(base, reports=(Report(text_of(fields, "MsgID"), status == "success", status),))
    return base


def _scanned(inbound: Inbound, words: str, fields: Mapping[str, Any]) -> Inbound:
    info = fields.get("ScanCodeInfo")
    result = text_of(info, "ScanResult") if isinstance(info, dict) else ""
    found = _ROUTE.search(result)
    return replace(inbound, text=words, route=found[1] if found else None)


def _subscription(base: Received, name: str, fields: Mapping[str, Any]) -> Received:
    """Agreement, refusal or result of subscription notices; ``List`` is one element or several."""
    items = [entry for outer in _elements(fields) for entry in _list(outer.get("List"))]
    if name == "subscribe_msg_sent_event":
        reports = tuple(
            Report(text_of(i, "MsgID"), text_of(i, "ErrorCode") in ("", "0"), text_of(i, "ErrorStatus")) for i in items
        )
        return replace(base, reports=reports)
    accepts = name == "subscribe_msg_popup_event"
    consents = tuple(
        Consent(text_of(i, "TemplateId"), accepts and text_of(i, "SubscribeStatusString") == "accept")
        for i in items
        if 0 < len(text_of(i, "TemplateId")) <= 64
    )
    return replace(base, consents=consents)


def _elements(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = ("SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent")
    return [entry for name in names for entry in _list(fields.get(name))]


def _list(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [entry for entry in found if isinstance(entry, dict)]
