"""Every kind of update, as the fake platform makes it, in the bot's own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from bot.channels.telegram.inbound import IGNORED, Me, Received, UnreadableError, receive
from bot.files import MAX_FILE
from handlers.conversation.messages import AttachmentKind, ContactRef, Inbound, Other, Place, Way
from tests.fakes.telegram import BOT_ID, BOT_USERNAME, FakeTelegram, Group, Json, Person
from tests.support import NOW

ME = Me(BOT_ID, BOT_USERNAME)
numbers = count(101)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as fake:
        yield fake


@pytest.fixture
def wang(fake: FakeTelegram) -> Person:
    return fake.person(next(numbers), started=True)


@pytest.fixture
def market(fake: FakeTelegram) -> Group:
    return fake.group(-next(numbers))


def understood(update: Json, me: Me = ME) -> Received:
    return receive(json.loads(json.dumps(update)), NOW, me)


def heard(update: Json, me: Me = ME) -> Inbound:
    inbound = understood(update, me).inbound
    assert inbound is not None
    return inbound


def test_a_text(wang: Person) -> None:
    update = wang.text("电子秤要检吗")
    inbound = heard(update)
    assert inbound == Inbound(
        ContactRef("telegram", str(wang.user_id)), f"u:{update['update_id']}", NOW, "电子秤要检吗", way=Way.PUSH
    )


@pytest.mark.parametrize(
    ("words", "text", "route"),
    [
        ("/start", "/start", None),
        ("/start s_A12", "/start", "s_A12"),
        ("/start@honest_scale_bot s_A12", "/start", "s_A12"),
        ("/start 不是暗号", "/start", None),
        (f"/start {'x' * 65}", "/start", None),
        ("/HELP", "/help", None),
        ("/help@honest_scale_bot", "/help", None),
        ("/ask 电子秤 要检吗", "电子秤 要检吗", None),
        ("/ask", "/ask", None),
        ("/judge@honest_scale_bot 2斤排骨称得1斤8两", "2斤排骨称得1斤8两", None),
        ("/bind 123456", "/bind 123456", None),
        ("  /check  ", "/check", None),
        ("1/2斤", "1/2斤", None),
    ],
)
def test_commands(wang: Person, words: str, text: str, route: str | None) -> None:
    inbound = heard(wang.text(words))
    assert (inbound.text, inbound.route) == (text, route)


def test_an_edited_text_is_another_message(wang: Person) -> None:
    wang.text("电子秤")
    update = wang.edited("电子秤要检吗")
    received = understood(update)
    assert received.kind == "edited"
    assert received.inbound is not None
    assert (received.inbound.key, received.inbound.edited) == (f"edit:{update['update_id']}", True)
    assert received.inbound.text == "电子秤要检吗"


def test_an_edit_that_nobody_wrote_is_nothing(fake: FakeTelegram, wang: Person) -> None:
    place = wang.location(30.6, 104.1)["message"]
    assert understood(fake.update("edited_message", place | {"edit_date": place["date"] + 9})) == IGNORED


# -- files --------------------------------------------------------------------------------------------------------


def test_of_a_photo_the_largest_size_is_taken(wang: Person) -> None:
    update = wang.photo(b"picture", "这台秤")
    inbound = heard(update)
    (file,) = inbound.attachments
    assert (file.kind, file.ref, file.label) == (
        AttachmentKind.IMAGE,
        update["message"]["photo"][-1]["file_id"],
        "照片",
    )
    assert inbound.text == "这台秤"
    update["message"]["photo"].reverse()
    assert heard(update).attachments == (file,)


def test_an_album_is_one_name_for_several_updates(wang: Person) -> None:
    first, second = (understood(update) for update in wang.album([b"1", b"2"], "两张"))
    (other,) = (understood(update) for update in wang.album([b"3"]))
    assert first.kind == second.kind == "album"
    assert first.album == second.album != other.album
    assert len(first.album) == 64
    assert first.inbound is not None
    assert second.inbound is not None
    assert [first.inbound.text, second.inbound.text] == ["两张", ""]
    assert first.inbound.key != second.inbound.key


@pytest.mark.parametrize(
    ("name", "mime", "kind"),
    [
        ("证书.pdf", "application/pdf", AttachmentKind.FILE),
        ("台账.XLSX", "application/octet-stream", AttachmentKind.FILE),
        ("台账.xls", "", AttachmentKind.FILE),
        ("台账.csv", "text/plain", AttachmentKind.FILE),
        ("原图.JPG", "image/jpeg", AttachmentKind.IMAGE),
        ("照片.heic", "image/heic", AttachmentKind.IMAGE),
        ("没有后缀", "image/png", AttachmentKind.IMAGE),
        ("没有后缀", "application/pdf", AttachmentKind.FILE),
    ],
)
def test_documents_that_are_taken(wang: Person, name: str, mime: str, kind: AttachmentKind) -> None:
    update = wang.document(b"x", name, mime)
    (file,) = heard(update).attachments
    assert (file.kind, file.label, file.ref) == (kind, name, update["message"]["document"]["file_id"])


@pytest.mark.parametrize(("name", "mime"), [("合同.docx", "application/pdf"), ("a.exe", ""), ("没有后缀", "")])
def test_documents_that_are_not(wang: Person, name: str, mime: str) -> None:
    inbound = heard(wang.document(b"x", name, mime))
    assert (inbound.other, inbound.attachments) == (Other.UNSENDABLE_FILE, ())


def test_a_file_above_ten_megabytes_is_not_fetched(wang: Person) -> None:
    assert heard(wang.document(b"x", size=MAX_FILE + 1)).other is Other.LARGE_FILE
    assert heard(wang.document(b"x", size=MAX_FILE)).other is None


def test_what_a_file_is_called_can_be_stored(wang: Person) -> None:
    (file,) = heard(wang.document(b"x", "秤" * 200 + "\x00\ud800.pdf")).attachments
    assert len(file.label) <= 80
    assert "\x00" not in file.label
    assert file.label.encode()


def test_a_recording(wang: Person) -> None:
    (file,) = heard(wang.voice(b"OggS")).attachments
    assert (file.kind, file.label) == (AttachmentKind.VOICE, "语音")
    (song,) = heard(wang.message(audio={"file_id": "f", "file_unique_id": "u", "duration": 3})).attachments
    assert song.kind is AttachmentKind.VOICE


FILE = {"file_id": "f", "file_unique_id": "u"}
SHAPE = {"width": 1, "height": 1, "duration": 1}


@pytest.mark.parametrize(
    ("content", "other"),
    [
        ({"animation": FILE | SHAPE, "document": FILE | {"file_name": "a.gif"}}, Other.STICKER),
        ({"dice": {"emoji": "🎲", "value": 3}}, Other.STICKER),
        ({"location": {"latitude": 1.0, "longitude": 2.0}}, Other.LOCATION),
        (
            {
                "venue": {"location": {"latitude": 1.0, "longitude": 2.0}, "title": "城西菜场", "address": "1"},
                "location": {"latitude": 1.0, "longitude": 2.0},
            },
            Other.LOCATION,
        ),
        ({"game": {"title": "t", "description": "d", "photo": []}}, Other.UNKNOWN),
    ],
)
def test_what_is_neither_words_nor_a_file(wang: Person, content: dict[str, Any], other: Other) -> None:
    received = understood(wang.message(**content))
    assert received.inbound is not None
    assert (received.inbound.other, received.kind) == (other, other.value)


@pytest.mark.parametrize(
    "content", [{"video": FILE | SHAPE}, {"video_note": FILE | {"length": 1, "duration": 1}}], ids=["video", "note"]
)
def test_films(wang: Person, content: dict[str, Any]) -> None:
    received = understood(wang.message(**content))
    assert received.inbound is not None
    assert [(a.kind, a.ref) for a in received.inbound.attachments] == [(AttachmentKind.VIDEO, "f")]
    large = {name: shape | {"file_size": MAX_FILE + 1} for name, shape in content.items()}
    assert heard(wang.message(**large)).other is Other.LARGE_FILE


def test_a_place(wang: Person) -> None:
    assert heard(wang.location(30.6, 104.1)).place == Place(30.6, 104.1)
    venue = {"location": {"latitude": 1.0, "longitude": 2.0}, "title": "城西菜场", "address": "城西路1号"}
    there = heard(wang.message(venue=venue, location=venue["location"]))
    assert (there.place, there.other) == (Place(1.0, 2.0, "城西菜场 城西路1号"), Other.LOCATION)
    assert heard(wang.contact("13800138000")).place is None


def test_stickers_and_cards(wang: Person) -> None:
    assert heard(wang.sticker()).other is Other.STICKER
    assert heard(wang.contact("13800138000")).other is Other.CONTACT


# -- buttons ------------------------------------------------------------------------------------------------------


def tapped(fake: FakeTelegram, who: Json, chat: Json, data: Any, **message: Any) -> Json:
    shown = {"message_id": 7, "date": 1, "chat": chat, "text": "?"} | message
    return fake.update("callback_query", {"id": "9", "from": who, "chat_instance": "1", "message": shown, "data": data})


@pytest.mark.parametrize(
    ("data", "choice"),
    [
        ("v1:0123456789abcdef:2", "0123456789abcdef:2"),
        ("v1:0123456789abcdef:b", "0123456789abcdef:b"),
        ("v1:0123456789abcdef:q", "0123456789abcdef:q"),
        ("v0:0123456789abcdef:2", "0:0"),
        ("v1:秤:2", "0:0"),
        ("", "0:0"),
    ],
)
def test_a_tap(fake: FakeTelegram, wang: Person, data: str, choice: str) -> None:
    update = tapped(fake, wang.user, wang.chat.card(), data)
    received = understood(update)
    assert (received.kind, received.tap) == ("callback", "9")
    assert received.inbound is not None
    assert (received.inbound.choice, received.inbound.tapped_on) == (choice, "7")
    assert received.inbound.key == f"u:{update['update_id']}"


def test_a_tap_on_a_message_that_is_gone_and_on_none(fake: FakeTelegram, wang: Person) -> None:
    gone = tapped(fake, wang.user, wang.chat.card(), "v1:ab:1", date=0)
    assert heard(gone).choice == "ab:1"
    del gone["callback_query"]["message"]
    assert understood(gone) == Received("ignored", tap="9")


# -- groups -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("/ask 电子秤要检吗", "电子秤要检吗"),
        ("/ask@honest_scale_bot 电子秤要检吗", "电子秤要检吗"),
        ("/help@Honest_Scale_Bot", "/help"),
        ("@honest_scale_bot 电子秤要检吗", "电子秤要检吗"),
        ("电子秤要检吗 @HONEST_SCALE_BOT", "电子秤要检吗"),
    ],
)
def test_spoken_to_in_a_group(wang: Person, market: Group, words: str, text: str) -> None:
    inbound = heard(market.member(wang).text(words))
    assert inbound.text == text
    assert inbound.contact.external_id == f"{market.chat_id}:{wang.user_id}"
    assert (inbound.address, inbound.shared) == (str(market.chat_id), True)


@pytest.mark.parametrize(
    "words", ["电子秤要检吗", "/help@other_bot", "@honest_scale_botany", "a@honest_scale_bot", "1", "人工"]
)
def test_talk_of_others_in_a_group_is_none_of_our_business(wang: Person, market: Group, words: str) -> None:
    assert understood(market.member(wang).text(words)) == IGNORED


def test_a_reply_to_the_bot_in_a_group(fake: FakeTelegram, wang: Person, market: Group) -> None:
    here = market.member(wang)
    ours = fake.received(market.chat, {"from": fake.bot}, {"text": "电子秤要检。"})
    assert heard(here.text("多久一次", reply_to=ours["message_id"])).text == "多久一次"
    theirs = here.text("好的")["message"]
    assert understood(here.text("多久一次", reply_to=theirs["message_id"])) == IGNORED


def test_in_a_group_before_the_name_is_known(wang: Person, market: Group) -> None:
    nameless = Me(BOT_ID)
    assert heard(market.member(wang).text("/help@honest_scale_bot"), nameless).text == "/help"
    assert understood(market.member(wang).text("@honest_scale_bot 电子秤"), nameless) == IGNORED


def test_a_tap_in_a_group_is_the_tapping_persons(fake: FakeTelegram, wang: Person, market: Group) -> None:
    inbound = heard(tapped(fake, wang.user, market.chat.card(), "v1:ab:1"))
    assert inbound.contact.external_id == f"{market.chat_id}:{wang.user_id}"
    assert (inbound.address, inbound.shared) == (str(market.chat_id), True)


def test_a_group_that_moves(wang: Person, fake: FakeTelegram) -> None:
    old = fake.group(-next(numbers))
    new = -(10**12) - next(numbers)
    _, notices = old.migrate(new, wang)
    assert [understood(n).moved for n in notices] == [(str(old.chat_id), str(new))] * 2


def test_bots_and_channels_are_not_answered(fake: FakeTelegram, wang: Person) -> None:
    assert understood(fake.channel(-next(numbers)).post("通知")) == IGNORED
    update = wang.text("你好")
    update["message"]["from"] = wang.user | {"is_bot": True}
    assert understood(update) == IGNORED


# -- the rest -----------------------------------------------------------------------------------------------------


def test_blocked_and_back(wang: Person, market: Group, fake: FakeTelegram) -> None:
    account = ContactRef("telegram", str(wang.user_id))
    assert understood(wang.member_update("member", "kicked")) == Received("member", account=account, blocked=True)
    assert understood(wang.member_update("kicked", "member")) == Received("member", account=account)
    assert understood(fake.membership(market.chat, wang.user, "member", "kicked")) == Received("member")


def test_kinds_nobody_has_heard_of(fake: FakeTelegram, wang: Person) -> None:
    assert understood(fake.poll_update()) == IGNORED
    assert understood(fake.update("telepathy", {"thought": "秤"})) == IGNORED
    assert understood(wang.message(new_chat_title="新群名")) == IGNORED
    assert understood(wang.message(hologram={"size": 3})) == IGNORED


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "text",
        {"update_id": "1"},
        {"update_id": True, "message": {}},
        {"update_id": 2**60},
        {"update_id": 1, "message": {}},
        {"update_id": 1, "message": "text"},
    ],
)
def test_what_is_no_update(data: Any) -> None:
    with pytest.raises(UnreadableError, match=r"^\w+$"):
        receive(data, NOW, ME)


@pytest.mark.parametrize(
    "change",
    [{"text": ["a"]}, {"text": 5}, {"from": {"id": "x", "is_bot": False, "first_name": "x"}}, {"date": 10**30}],
)
def test_values_of_the_wrong_kind(wang: Person, change: dict[str, Any]) -> None:
    update = wang.text("你好")
    update["message"] |= change
    with pytest.raises(UnreadableError):
        receive(update, NOW, replace(ME))
