"""What people send to the bot on Telegram besides words: pictures, documents, albums."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import Knowledge
from bot.channels.telegram import albums
from handlers.conversation.messages import Reply
from storage.consults import Consult
from storage.dialogues import Dialogue, InboxMessage
from storage.media import MediaFile, MediaState
from storage.platform import AlbumPart, Parked
from tests.fakes.telegram import FakeTelegram, Person
from tests.support import picture
from tests.telegram import ASSESSED, Stage, numbers, running


def test_files_are_fetched_and_a_consult_can_show_them(stage: Stage, wang: Person) -> None:
    wang.say("人工")
    assert wang.send(wang.photo(picture(), "这台秤")) == 200
    assert wang.send(wang.document(b"%PDF-1.7\n" + b"x" * 99, "证书.pdf")) == 200
    stage.until(lambda: [row.state for row in stage.rows(MediaFile)] == [MediaState.KEPT] * 2)
    kept = stage.rows(MediaFile)
    assert [row.media_type for row in kept] == ["image/png", "application/pdf"]
    for row in kept:
        at = stage.service.settings.evidence_dir / "sha256" / row.sha256[:2] / row.sha256[2:4] / row.sha256
        assert at.is_file()
    assert f"media:{kept[0].id}" in stage.rows(Consult)[0].files


def test_a_file_that_is_not_what_it_says_is_refused(stage: Stage, wang: Person) -> None:
    wang.say("人工")
    wang.send(wang.document(b"MZ\x90\x00" * 99, "证书.pdf"))
    stage.until(lambda: [row.state for row in stage.rows(MediaFile)] == [MediaState.FAILED])
    stage.until(lambda: any("没收到" in message.text for message in wang.chat.sent))


def test_an_album_is_one_message(stage: Stage, wang: Person) -> None:
    wang.say("人工")
    wang.replies()
    turns = stage.rows(Dialogue)[0].turns
    parts = wang.album([picture(), picture(), picture()], "三张")
    assert [wang.send(part) for part in parts] == [200] * 3
    assert len(stage.rows(AlbumPart)) == 3
    assert stage.rows(Dialogue)[0].turns == turns
    stage.until(lambda: stage.rows(Dialogue)[0].turns == turns + 1)
    assert stage.rows(AlbumPart) == []
    assert len(stage.rows(MediaFile)) == 3
    said = [row.body for row in stage.rows(InboxMessage) if row.body["files"]]
    assert [(body["text"], len(body["files"])) for body in said] == [("三张", 3)]
    assert [wang.send(part) for part in parts] == [200] * 3  # once more, after all is done
    assert stage.rows(AlbumPart) == []
    assert stage.rows(Dialogue)[0].turns == turns + 1


def test_an_album_left_behind_by_a_crash_is_taken_up(
    fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang = fake.person(next(numbers))
    monkeypatch.setattr(albums.Albums, "_look", lambda _albums: asyncio.sleep(0))
    with running(tmp_path / "bot", empty_file, knowledge, fake, **ASSESSED) as bot:
        for part in wang.album([picture(), picture()]):
            assert wang.send(part) == 200
        assert len(Stage(bot, fake).rows(AlbumPart)) == 2
    monkeypatch.undo()
    monkeypatch.setattr(albums, "IDLE_SECONDS", 0.2)
    settings = {"database_url": f"sqlite:///{tmp_path / 'bot' / 'honestscale.db'}"}
    with running(tmp_path / "bot", empty_file, knowledge, fake, **ASSESSED, **settings) as bot:
        assert len(wang.replies()) >= 1
        assert len(Stage(bot, fake).rows(MediaFile)) == 2


def test_an_album_that_breaks_the_bot_is_parked(stage: Stage, wang: Person) -> None:
    def broken(_talk: object) -> list[Reply]:
        raise RuntimeError("no luck")

    sound = stage.service.reception
    stage.service.reception = replace(sound, desk=replace(sound.desk, files=broken))
    for part in wang.album([picture(), picture()]):
        assert wang.send(part) == 200
    assert "没处理好" in wang.replies()[0].text
    stage.service.reception = sound
    assert len(stage.rows(Parked)) == 1
    assert stage.rows(AlbumPart) == []
