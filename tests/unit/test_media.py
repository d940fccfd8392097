"""Files on a platform's server: fetched, checked, kept; and people are told when that cannot be."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from bot import media as worker
from bot.files import MAX_FILE, voice_type_of
from bot.media import Fetched, MediaGoneError, MediaRefusedError, MediaWorker, checked, pause, sorry
from bot.turns import turns_for
from handlers.conversation.messages import Reply
from storage import contacts, evidence, media
from storage.database import Database
from storage.media import LIFE, MediaFile, MediaState
from storage.outbox import OutboxRow, SendState
from tests.support import NOW, picture

AMR = b"#!AMR\n" + bytes(40)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< >>\nendobj\n%%EOF\n"


class Server:
    """A platform's files by their ids; an error in a file's place is raised."""

    channel = "wechat"

    def __init__(self, **files: bytes | Exception | list[bytes | Exception]) -> None:
        self.files = files
        self.asked: list[str] = []

    async def fetch(self, ref: str, kind: str) -> Fetched:
        assert kind in ("image", "voice", "video", "file")
        self.asked.append(ref)
        found = self.files[ref]
        if isinstance(found, list):
            found = found.pop(0)
        if isinstance(found, Exception):
            raise found
        return Fetched(found, "", "text/plain")


def _want(database: Database, ref: str, kind: str = "image") -> str:
    with database.unit() as session:
        who = contacts.get_or_create(session, "wechat", "a", NOW)
        return media.want(session, who, ref, kind, "", NOW)


def _rows(database: Database) -> list[MediaFile]:
    with database.reading() as session:
        return list(session.scalars(select(MediaFile).order_by(MediaFile.id)))


def _told(database: Database) -> list[str]:
    with database.reading() as session:
        rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id)).all()
        assert all((row.kind, row.state) == ("media", SendState.TODO) for row in rows)
        return [Reply.from_json(row.payload).text for row in rows]


def _work(
    database: Database, server: Server, folder: Path, until: Callable[[], bool], ahead: timedelta = timedelta(0)
) -> int:
    """Let a worker run until something holds; how often it said that somebody is to be told."""
    turns = turns_for(database, 2)
    told = 0

    def note() -> None:
        nonlocal told
        told += 1

    async def run() -> None:
        files = MediaWorker(turns, [server], folder, lambda: NOW + ahead, note)
        await files.start()
        limit = time.monotonic() + 8
        while not until():
            assert time.monotonic() < limit, "it did not come about"
            await asyncio.sleep(0.01)
        await files.stop()

    asyncio.run(run())
    turns.close()
    return told


def _settled(database: Database) -> bool:
    return all(row.state != MediaState.TODO for row in _rows(database))


def test_a_file_is_fetched_and_kept_by_its_content(database: Database, tmp_path: Path) -> None:
    names = [_want(database, "photo"), _want(database, "voice", "voice"), _want(database, "file", "file")]
    server = Server(photo=picture(), voice=AMR, file=PDF)
    assert _work(database, server, tmp_path, lambda: _settled(database)) == 0
    rows = _rows(database)
    assert [row.media_type for row in rows] == ["image/png", "audio/amr", "application/pdf"]
    assert [evidence.path_of(tmp_path, row.sha256).read_bytes() for row in rows] == [picture(), AMR, PDF]
    with database.reading() as session:
        assert media.resolve(session, names) == [row.sha256 for row in rows]
    assert sorted(server.asked) == ["file", "photo", "voice"]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (MediaGoneError(), "刚才那张照片没收到：平台上已经过期。请再发一次，每张不超过 10 MB。"),
        (MediaRefusedError("文件超过 10 MB"), "刚才那张照片没收到：文件超过 10 MB。请换一张再发，每张不超过 10 MB。"),
        (b"<html>login</html>", "刚才那张照片没收到：不是照片。请换一张再发，每张不超过 10 MB。"),
        (b"", "刚才那张照片没收到：是空的。请换一张再发，每张不超过 10 MB。"),
    ],
)
def test_who_sent_a_file_that_cannot_be_had_is_told_once(
    database: Database, tmp_path: Path, found: bytes | Exception, told: str
) -> None:
    _want(database, "photo")
    assert _work(database, Server(photo=found), tmp_path, lambda: _settled(database)) == 1
    assert _told(database) == [told]
    assert not (tmp_path / "sha256").exists()


def test_a_server_that_is_away_is_asked_again(database: Database, tmp_path: Path) -> None:
    _want(database, "photo")
    server = Server(photo=[ConnectionError(), picture()])
    _work(database, server, tmp_path, lambda: _rows(database)[0].reason != "")
    (row,) = _rows(database)
    assert (row.state, row.reason, row.due_at) == (MediaState.TODO, "ConnectionError", NOW + pause(1))
    _work(database, server, tmp_path, lambda: _settled(database), ahead=pause(1))
    assert _rows(database)[0].state == MediaState.KEPT
    assert _told(database) == []


def test_it_is_asked_again_until_the_platform_has_deleted_it(database: Database, tmp_path: Path) -> None:
    _want(database, "photo")
    server = Server(photo=ConnectionError())
    _work(database, server, tmp_path, lambda: _settled(database), ahead=LIFE - timedelta(seconds=1))
    assert _told(database) == ["刚才那张照片没收到：平台一直没有给。请再发一次，每张不超过 10 MB。"]


def test_a_slow_server_is_not_waited_for(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FETCH_SECONDS", 0.05)

    class Slow(Server):
        async def fetch(self, ref: str, kind: str) -> Fetched:
            await asyncio.sleep(60)
            return await super().fetch(ref, kind)

    _want(database, "photo")
    _work(database, Slow(), tmp_path, lambda: _rows(database)[0].reason == "TimeoutError")


def test_a_full_disk_loses_nothing(database: Database, tmp_path: Path) -> None:
    _want(database, "photo")
    occupied = tmp_path / "sha256"
    occupied.write_text("no folder can be made here")
    server = Server(photo=picture())
    _work(
        database,
        server,
        tmp_path,
        lambda: _rows(database)[0].reason in ("FileExistsError", "NotADirectoryError"),
    )
    occupied.unlink()
    _work(database, server, tmp_path, lambda: _settled(database), ahead=pause(1))
    assert _rows(database)[0].state == MediaState.KEPT


def test_one_bad_file_does_not_hold_up_the_others(database: Database, tmp_path: Path) -> None:
    for n in range(9):
        _want(database, f"photo{n}")
    files: dict[str, bytes | Exception] = {f"photo{n}": picture() for n in range(9)}
    server = Server(**files | {"photo2": MediaGoneError(), "photo5": ConnectionError()})
    _work(database, server, tmp_path, lambda: sum(r.state == MediaState.KEPT for r in _rows(database)) == 7)
    assert len(_told(database)) == 1


def test_the_next_try_is_ever_later() -> None:
    assert [pause(n).total_seconds() for n in (1, 2, 3, 20, 500)] == [5, 10, 20, 600, 600]


def test_each_kind_is_asked_for_by_its_name() -> None:
    assert [sorry(kind, "过期", other=False).text[:10] for kind in ("image", "voice", "video", "file")] == [
        "刚才那张照片没收到：",
        "刚才那段语音没收到：",
        "刚才那段视频没收到：",
        "刚才那个文件没收到：",
    ]


def test_a_film_is_known_by_its_first_bytes() -> None:
    for brand, media_type in ((b"isom", "video/mp4"), (b"mp42", "video/mp4"), (b"qt  ", "video/quicktime")):
        film = bytes(3) + b"\x18ftyp" + brand + bytes(40)
        assert checked(Fetched(film), "video", "视频") == media_type
    for other in (picture(), PDF, AMR, bytes(3) + b"\x18ftypheic" + bytes(40)):
        with pytest.raises(MediaRefusedError, match="不是 MP4 视频"):
            checked(Fetched(other), "video", "视频")
    with pytest.raises(MediaRefusedError, match="不是照片"):
        checked(Fetched(bytes(3) + b"\x18ftypisom" + bytes(40)), "image", "照片")


def _jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind", "label", "found"),
    [
        (_jpeg(), "image", "", "image/jpeg"),
        (_jpeg(), "file", "证书.pdf", "image/jpeg"),
        ("器具,数量\n电子秤,3\n".encode(), "file", "清单.csv", "text/csv"),
        (b"OggS" + bytes(60), "voice", "", "audio/ogg"),
        (b"ID3\x03" + bytes(60), "voice", "", "audio/mpeg"),
        (b"\xff\xf3\x40" + bytes(60), "voice", "", "audio/mpeg"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(60), "voice", "", "audio/mp4"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20), "voice", "", "audio/wav"),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, kind: str, label: str, found: str) -> None:
    assert checked(Fetched(data, "", "application/octet-stream"), kind, label) == found


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, "image"),
        (picture(), "voice"),
        (b"MZ" + bytes(100), "file"),
        (AMR, "file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(MAX_FILE), "image"),
        (b"", "file"),
    ],
)
def test_what_is_not_taken_is_refused(data: bytes, kind: str) -> None:
    with pytest.raises(MediaRefusedError):
        checked(Fetched(data, "秤.png", "image/png"), kind, "秤.png")


def test_a_recording_of_no_known_kind_has_no_type() -> None:
    assert voice_type_of(b"\x02#!SILK_V3") == voice_type_of(b"") == ""
