"""What officers get of a case's pictures: working copies by links that are theirs only while the case is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Knowledge, Service
from bot.downloads import makers
from bot.file_links import FileLinks
from bot.task_kinds import run_due
from handlers.cases import files as case_files
from storage import cases, contacts, evidence, staff
from storage.cases import CaseFile
from tests.officers import WANG, ZHANG, Room, team
from tests.support import NOW, picture, service_at


@pytest.fixture
def service(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Service]:
    service = service_at(tmp_path / "data", empty_file, knowledge)
    yield service
    service.close()


@pytest.fixture
def room(service: Service) -> Room:
    """A case with one picture, sealed, of 张三's."""
    found = Room(service.database, service.reception)
    found.do(team)
    short = found.new_case()
    sent = service.keep_file(picture(), "秤.png")

    def file(session) -> None:
        citizen = contacts.get_or_create(session, "terminal", "citizen", NOW)
        row = cases.by_short(session, short)[0]
        row.officer_id = staff.named(session, "张三")[0].id
        case_files.keep(session, row, citizen.id, [(sent.name, "image")], NOW)

    found.do(file)
    return found


def token(room: Room, who: str = ZHANG) -> str:
    found = re.search(r"/files/(\S+)", room.text(who, "照片 0001"))
    assert found is not None
    return found[1]


def links(service: Service, at=NOW) -> FileLinks:
    return FileLinks(service, makers(service), lambda: at)


def test_T3_an_officer_gets_the_copy_and_never_the_original(room: Room, service: Service) -> None:
    assert "还在封存处理" in room.text(ZHANG, "照片 0001")
    run_due(service, lambda: NOW)
    assert "看照片" in [c.label for c in room.say(ZHANG, "看 0001")[0].choices]
    made = links(service).download(token(room))
    assert made.media_type == "image/jpeg"
    assert made.data[:2] == b"\xff\xd8"
    assert made.data != picture()
    with room.database.reading() as session:
        (row,) = cases.files(session, room.case("0001").id)
    assert evidence.digests_of(made.data).sha256 == row.copy_sha256 != row.sha256


def test_T5_the_link_dies_with_the_right_to_the_case(room: Room, service: Service) -> None:
    run_due(service, lambda: NOW)
    own, leaders = token(room), token(room, WANG)
    room.text(WANG, "派给 0001 李四")
    with pytest.raises(LookupError):
        links(service).download(own)
    assert links(service).download(leaders).data
    room.do(lambda s: staff.dismiss(s, staff.named(s, "王五")[0]))
    with pytest.raises(LookupError):
        links(service).download(leaders)


def test_T5_a_link_is_good_for_a_day_and_for_its_own_case(room: Room, service: Service) -> None:
    run_due(service, lambda: NOW)
    own = token(room)
    with pytest.raises(LookupError):
        links(service, NOW + timedelta(hours=24, seconds=1)).download(own)
    other = room.new_case()

    def move(session) -> None:
        session.get_one(CaseFile, 1).case_id = room.case(other).id

    room.do(move)
    with pytest.raises(LookupError):
        links(service).download(own)


def test_other_offices_get_no_link(room: Room, service: Service) -> None:
    run_due(service, lambda: NOW)
    assert "/files/" not in room.text("li", "照片 0001")
    assert "/files/" not in room.text("stranger", "照片 0001")
