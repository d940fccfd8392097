"""What Telegram sends, put into the bot's own words.

The parser checks no types, and what it makes of a strange update may be strange: whatever goes wrong in here makes the
update unreadable, and nothing else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

from telegram import CallbackQuery, Chat, ChatMemberUpdated, Document, Message, PhotoSize, Update, User

from bot.files import MAX_FILE
from bot.intake import storable
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound, Other, Place, Way

CHANNEL = "telegram"
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of update we ask the platform for."""
GROUPS = ("group", "supergroup")
LABEL_LENGTH = 80
IMAGES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".heif"))
SHEETS = frozenset((".pdf", ".xlsx", ".xls", ".csv"))
OTHERS = (
    (Other.STICKER, ("animation", "sticker", "dice")),
    (Other.LOCATION, ("location", "venue")),
    (Other.CONTACT, ("contact",)),
    (Other.UNKNOWN, ("poll", "story", "game", "paid_media", "checklist")),
)
SAID = frozenset(("ask", "judge"))
"""Commands that only say what the words after them are: ``/ask 电子秤`` is ``电子秤``."""
STALE = "0:0"
"""The token of a button that is none of ours: no options have this nonce."""

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w{3,32}))?(?:\s+(.*))?", re.DOTALL)
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TAPPED = re.compile(r"v1:([0-9a-f]{1,16}):(\d{1,2}|[bq])")
_LARGEST_ID = 2**53


@dataclass
class Me:
    """The bot's own account. The number stands in the token; the name is learned from the platform."""

    id: int
    username: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """One update. At most one of the parts says what is to be done; none: acknowledge and forget."""

    kind: str
    inbound: Inbound | None = None
    album: str = ""
    """The pictures that arrive under this name are one message."""
    tap: str = ""
    """The platform waits to hear, under this id, that the tap was noticed."""
    account: ContactRef | None = None
    blocked: bool = False
    """``account`` has shut the bot out, or let it in again."""
    moved: tuple[str, str] | None = field(default=None)
    """A group's address, old and new."""


IGNORED = Received("ignored")


class UnreadableError(ValueError):
    """Not an update; the text says by which error, and quotes nothing."""


def receive(data: Any, now: datetime, me: Me) -> Received:
    """Understand one update, as parsed from JSON."""
    try:
        return _understand(data, now, me)
    except Exception as error:
        raise UnreadableError(type(error).__name__) from None


def _understand(data: Any, now: datetime, me: Me) -> Received:
    update = Update.de_json(data, None)
    number = _number(update.update_id)
    if update.callback_query is not None:
        return _tap(update.callback_query, number, now)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member)
    if update.message is not None:
        return _message(update.message, Inbound(_NOBODY, f"u:{number}", now, way=Way.PUSH), me)
    if update.edited_message is not None:
        return _message(update.edited_message, Inbound(_NOBODY, f"edit:{number}", now, way=Way.PUSH, edited=True), me)
    return IGNORED


_NOBODY = ContactRef(CHANNEL, "")


# -- who and where ------------------------------------------------------------------------------------------------


def _from(inbound: Inbound, sender: User, chat: Chat) -> Inbound:
    """In a group everybody has a conversation of their own, which takes place there."""
    user, place = _number(sender.id), _number(chat.id)
    if chat.type in GROUPS:
        contact = ContactRef(CHANNEL, f"{place}:{user}")
        return replace(inbound, contact=contact, address=str(place), shared=True)
    return replace(inbound, contact=ContactRef(CHANNEL, str(user)))


def _membership(change: ChatMemberUpdated) -> Received:
    if change.chat.type != "private":
        return Received("member")
    account = ContactRef(CHANNEL, str(_number(change.chat.id)))
    return Received("member", account=account, blocked=change.new_chat_member.status == "kicked")


def _moved(message: Message) -> Received:
    here = _number(message.chat.id)
    if message.migrate_to_chat_id is not None:
        return Received("moved", moved=(str(here), str(_number(message.migrate_to_chat_id))))
    return Received("moved", moved=(str(_number(message.migrate_from_chat_id)), str(here)))


# -- messages -----------------------------------------------------------------------------------------------------


def _message(message: Message, inbound: Inbound, me: Me) -> Received:
    if message.migrate_to_chat_id is not None or message.migrate_from_chat_id is not None:
        return _moved(message)
    sender, chat = message.from_user, message.chat
    if sender is None or sender.is_bot or chat.type not in ("private", *GROUPS):
        return IGNORED
    inbound = _from(inbound, sender, chat)
    words = _text(message.text) or _text(message.caption)
    if inbound.shared and not _is_for_us(message, words, me):
        return IGNORED
    kind, content = _content(message)
    # Edits are also told when nothing changed that anybody wrote, such as a live location, again and again.
    if not words and (content is None or inbound.edited):
        return IGNORED
    inbound = _spoken(inbound, _without_mention(words, me) if inbound.shared else words)
    if isinstance(content, Other):
        inbound = replace(inbound, other=content, place=_place(message))
    elif content is not None:
        inbound = replace(inbound, attachments=(content,))
    if message.media_group_id is not None and content is not None and not inbound.edited:
        return Received("album", inbound, album=_album(inbound.contact, message.media_group_id))
    return Received("edited" if inbound.edited else kind, inbound)


def _spoken(inbound: Inbound, words: str) -> Inbound:
    """Words, or a command as the front desk knows it: in small letters, without the bot's name."""
    found = _COMMAND.fullmatch(words.strip())
    if found is None:
        return replace(inbound, text=words)
    name, rest = found[1].lower(), (found[3] or "").strip()
    if name == "start":
        return replace(inbound, text="/start", route=rest if _PAYLOAD.fullmatch(rest) else None)
    if name in SAID and rest:
        return replace(inbound, text=rest)
    return replace(inbound, text=f"/{name} {rest}".rstrip())


def _album(contact: ContactRef, group: str) -> str:
    return hashlib.sha256(f"{contact.external_id}/{storable(_text(group))}".encode()).hexdigest()


# -- groups -------------------------------------------------------------------------------------------------------


def _is_for_us(message: Message, words: str, me: Me) -> bool:
    """In a group the bot is spoken to by a command, by its name, or by replying to it."""
    replied = message.reply_to_message
    if replied is not None and replied.from_user is not None and replied.from_user.id == me.id:
        return True
    command = _COMMAND.fullmatch(words.strip())
    if command is not None:
        # Until the name is known the platform's own rule holds: it passes on no commands that name another bot.
        return not (command[2] and me.username) or command[2].lower() == me.username.lower()
    return _mention(me).search(words) is not None


def _without_mention(words: str, me: Me) -> str:
    return _mention(me).sub(" ", words).strip() if _COMMAND.fullmatch(words.strip()) is None else words


def _mention(me: Me) -> re.Pattern[str]:
    name = re.escape(me.username) if me.username else "(?!)"
    return re.compile(rf"(?<![\w/])@{name}\b", re.IGNORECASE)


# -- files and the rest -------------------------------------------------------------------------------------------


def _content(message: Message) -> tuple[str, Attachment | Other | None]:
    for other, names in OTHERS:
        name = next((name for name in names if getattr(message, name, None) is not None), None)
        if name is not None:  # before documents: an animation comes as one as well
            return other.value, other
    if message.photo:
        return "photo", _photo(message.photo)
    if message.document is not None:
        return "document", _document(message.document)
    film = message.video or message.video_note
    if film is not None:
        return "video", _file(AttachmentKind.VIDEO, film.file_id, film.file_size, "视频")
    sound = message.voice or message.audio
    if sound is not None:
        return "voice", _file(AttachmentKind.VOICE, sound.file_id, sound.file_size, "语音")
    return "text", None


def _place(message: Message) -> Place | None:
    point = message.location
    if point is None:
        return None
    label = " ".join(filter(None, (message.venue.title, message.venue.address))) if message.venue is not None else ""
    return Place(float(point.latitude), float(point.longitude), storable(label)[:100])


def _photo(sizes: Sequence[PhotoSize]) -> Attachment | Other:
    largest = max(sizes, key=lambda size: size.width * size.height)
    return _file(AttachmentKind.IMAGE, largest.file_id, largest.file_size, "照片")


def _document(document: Document) -> Attachment | Other:
    """A file by the name and the type that it claims; by its content only when it is fetched."""
    name = storable(_text(document.file_name))[-LABEL_LENGTH:]
    claimed, ending = _text(document.mime_type), PurePath(name).suffix.lower()
    if ending in IMAGES or (not ending and claimed.startswith("image/")):
        return _file(AttachmentKind.IMAGE, document.file_id, document.file_size, name or "照片")
    if ending in SHEETS or (not ending and claimed == "application/pdf"):
        return _file(AttachmentKind.FILE, document.file_id, document.file_size, name or "文件")
    return Other.UNSENDABLE_FILE


def _file(kind: AttachmentKind, file_id: str, size: int | None, label: str) -> Attachment | Other:
    ref = storable(file_id)
    if not 0 < len(ref) <= 512:
        raise UnreadableError
    if size is not None and _number(size) > MAX_FILE:
        return Other.LARGE_FILE
    return Attachment(kind, size=size or 0, label=label, ref=ref)


# -- buttons ------------------------------------------------------------------------------------------------------


def _tap(query: CallbackQuery, number: int, now: datetime) -> Received:
    tap = storable(query.id)
    if query.message is None:  # a button of a message sent in our name elsewhere: there are none
        return Received("ignored", tap=tap)
    inbound = _from(Inbound(_NOBODY, f"u:{number}", now, way=Way.PUSH), query.from_user, query.message.chat)
    found = _TAPPED.fullmatch(_text(query.data))
    choice = f"{found[1]}:{found[2]}" if found else STALE
    on = str(_number(query.message.message_id))
    return Received("callback", replace(inbound, choice=choice, tapped_on=on), tap=tap)


# -- values -------------------------------------------------------------------------------------------------------


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_LARGEST_ID < value < _LARGEST_ID:
        raise UnreadableError
    return value


def _text(value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise UnreadableError
    return value or ""
