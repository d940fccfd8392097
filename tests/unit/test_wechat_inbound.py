"""What WeChat pushes, in the bot's words: every kind of message and event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.wechat.envelope import read_message
from bot.channels.wechat.inbound import Grant, Received, Report, UnreadableError, receive
from handlers.conversation.messages import AttachmentKind, Other, Place, Way
from tests.fakes.wechat import Message, Platform

AT = datetime(2026, 11, 24, tzinfo=UTC)
NONCE = "0123456789abcdef"


@pytest.fixture(scope="module")
def platform() -> Platform:
    return Platform("http://127.0.0.1:1", "wx0123456789abcdef", "AAAAA", "a" * 43, "plain")


def read(platform: Platform, message: Message) -> Received:
    return receive(read_message(platform.sign(message).body), AT)


def test_text(platform: Platform) -> None:
    got = read(platform, platform.text("o1", "秤要检吗 😀"))
    assert got.inbound is not None
    assert (got.inbound.text, got.inbound.contact.external_id, got.inbound.way) == ("秤要检吗 😀", "o1", Way.PASSIVE)
    assert got.key.startswith("m:")
    assert int(got.key[2:]) > 2**53
    assert got.grant is Grant.MESSAGE


def test_a_tapped_line_is_its_option_and_only_a_tap(platform: Platform) -> None:
    got = read(platform, platform.text("o1", "2", menu_id=f"{NONCE}-2"))
    assert got.inbound is not None
    assert (got.inbound.choice, got.inbound.text, got.grant) == (f"{NONCE}:2", "", Grant.TAP)


def test_a_tap_with_an_id_that_is_not_ours_is_its_words(platform: Platform) -> None:
    got = read(platform, platform.text("o1", "人工", menu_id="101"))
    assert got.inbound is not None
    assert (got.inbound.choice, got.inbound.text) == (None, "人工")


def test_files(platform: Platform) -> None:
    image = read(platform, platform.image("o1", media_id="MEDIA1")).inbound
    voice = read(platform, platform.voice("o1", media_id="MEDIA2")).inbound
    heard = read(platform, platform.voice("o1", media_id="MEDIA3", recognition="秤要检吗")).inbound
    assert image is not None
    assert voice is not None
    assert heard is not None
    assert [(a.kind, a.ref, a.name) for a in image.attachments] == [(AttachmentKind.IMAGE, "MEDIA1", "")]
    assert [a.kind for a in voice.attachments] == [AttachmentKind.VOICE]
    assert (heard.text, heard.heard, [a.kind for a in heard.attachments]) == ("秤要检吗", True, [AttachmentKind.VOICE])
    assert (voice.text, voice.heard) == ("", False)


def test_films_and_places(platform: Platform) -> None:
    for message in (platform.video("o1", "M"), platform.shortvideo("o1", "M")):
        film = read(platform, message).inbound
        assert film is not None
        assert [(a.kind, a.ref) for a in film.attachments] == [(AttachmentKind.VIDEO, "M")]
    somewhere = read(platform, platform.location("o1", 28.0, 120.6, "城西菜场")).inbound
    assert somewhere is not None
    assert somewhere.place == Place(28.0, 120.6, "城西菜场")
    for lat, lon in ((91.0, 0.0), (0.0, 181.0), (float("nan"), 0.0), (0.0, float("inf"))):
        nowhere = read(platform, platform.location("o1", lat, lon)).inbound
        assert nowhere is not None
        assert (nowhere.place, nowhere.other) == (None, Other.LOCATION)


def test_the_other_kinds(platform: Platform) -> None:
    kinds = {
        Other.LOCATION: [platform.location("o1", 28.0, 120.6)],
        Other.LINK: [platform.link("o1", "标题", "说明", "https://x.example")],
        Other.UNSENDABLE_FILE: [platform.file("o1", "台账.xlsx", 900)],
        Other.UNKNOWN: [platform.message("o1", "hologram", Depth="3")],
    }
    for other, messages in kinds.items():
        for message in messages:
            inbound = read(platform, message).inbound
            assert inbound is not None
            assert inbound.other is other


def test_following_and_scanning_carry_their_route(platform: Platform) -> None:
    assert read(platform, platform.subscribe("o1")).inbound.route is None
    for message in (platform.subscribe("o1", scene="s_A12"), platform.scan("o1", "s_A12")):
        got = read(platform, message)
        assert got.inbound is not None
        assert (got.inbound.route, got.grant) == ("s_A12", Grant.TAP)


def test_a_menu_button_says_its_words(platform: Platform) -> None:
    got = read(platform, platform.click("o1", "say:当场判定"))
    assert got.inbound is not None
    assert (got.inbound.text, got.grant) == ("当场判定", Grant.TAP)


def test_a_scanned_code_of_ours_leads_on() -> None:
    info = {"ScanType": "qrcode", "ScanResult": "https://jl.example.gov.cn/?route=p_000123"}
    fields = {
        "FromUserName": "o1",
        "ToUserName": "gh",
        "CreateTime": "1",
        "MsgType": "event",
        "Event": "scancode_waitmsg",
        "EventKey": "say:扫码验真",
        "ScanCodeInfo": info,
    }
    got = receive(fields, AT)
    assert got.inbound is not None
    assert (got.inbound.route, got.inbound.text) == ("p_000123", "扫码验真")
    foreign: dict[str, Any] = fields | {"ScanCodeInfo": {"ScanResult": "https://bad.example/x"}}
    other = receive(foreign, AT).inbound
    assert other is not None
    assert other.route is None


def test_two_events_of_one_second_are_two(platform: Platform) -> None:
    click, other = platform.click("o1", "say:甲"), platform.click("o1", "say:乙")
    fields = [read_message(platform.sign(m).body) | {"CreateTime": "5"} for m in (click, other, click)]
    keys = [receive(f, AT).key for f in fields]
    assert keys[0] == keys[2] != keys[1]


def test_silent_events(platform: Platform) -> None:
    for message in (
        platform.view("o1", "https://x.example"),
        platform.position("o1", 28.0, 120.6),
        platform.event("o1", "nonsense"),
    ):
        got = read(platform, message)
        assert (got.inbound, got.unfollowed, got.consents, got.reports) == (None, False, (), ())
    assert read(platform, platform.unsubscribe("o1")).unfollowed


@pytest.mark.parametrize("count", [1, 2])
def test_agreements_come_one_or_several(platform: Platform, count: int) -> None:
    answers = {f"TEMPLATE{n}": "accept" if n else "reject" for n in range(count)}
    got = read(platform, platform.popup("o1", answers))
    assert [(c.template_id, c.accepted) for c in got.consents] == [(t, a == "accept") for t, a in answers.items()]
    off = read(platform, platform.change("o1", *answers))
    assert [(c.template_id, c.accepted) for c in off.consents] == [(t, False) for t in answers]


def test_reports(platform: Platform) -> None:
    done = read(platform, platform.template_finished("o1", 77, "success"))
    failed = read(platform, platform.template_finished("o1", 78, "failed:user block"))
    assert done.reports == (Report("77", ok=True, status="success"),)
    assert failed.reports == (Report("78", ok=False, status="failed:user block"),)


@pytest.mark.parametrize("missing", ["FromUserName", "ToUserName", "CreateTime", "MsgType"])
def test_what_lacks_a_part_is_unreadable(missing: str) -> None:
    fields = {"FromUserName": "o1", "ToUserName": "gh", "CreateTime": "1", "MsgType": "text"}
    for bad in ({**fields, missing: ["a", "b"]}, {k: v for k, v in fields.items() if k != missing}):
        with pytest.raises(UnreadableError):
            receive(bad, AT)
