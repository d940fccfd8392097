"""The code on a card: what the page makes of its signature, and the card itself as it is fetched and scanned."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import cv2
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image

from bot.app import Knowledge
from bot.pledge_pages import PledgeDesk
from bot.times import utc_now
from bot.web.pledges import create_pledges_router
from handlers.pledge.cards import SIZES
from storage.pledges import PledgeState
from tests.support import Browser, service_at
from tests.web.pledged import Served, Traits, Wall, become, card_token, hung, pledged, state_of

PER_CLIENT = 100
"""As many pages as a client may open at once, and some left over."""
SECONDS = 6.0
"""Twice what a card may take, for a machine that does other things as well."""
MOST = {"pdf": 1_500_000}
MOST_PICTURE = 1_000_000


@pytest.fixture
def wall(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Wall]:
    with hung(tmp_path / "data", empty_file, knowledge) as wall:
        yield wall


# -- signatures ---------------------------------------------------------------------------------------------------


def test_the_code_of_the_card_is_accepted(wall: Wall) -> None:
    page = wall.look(query=f"?s={wall.signature}")
    assert (state_of(page), "本局签发，核对无误" in page.text) == ("有效", True)
    assert "核对无误" not in wall.look().text  # a typed number proves nothing, and is no forgery


def test_a_genuine_code_does_not_outlive_its_pledge(wall: Wall) -> None:
    wall.become(PledgeState.REVOKED, "false")
    assert state_of(wall.look(query=f"?s={wall.signature}")) == "已撤销"


def test_the_code_of_one_pledge_is_a_forgery_on_another(wall: Wall) -> None:
    number, _ = wall.pledge(Traits(name="老王水产", who="li"))
    page = wall.look(number, f"?s={wall.signature}")
    assert state_of(page).startswith("疑似伪造")
    assert "有效" not in state_of(page)
    assert "<title>疑似伪造" in page.text


def flipped(signature: str) -> list[str]:
    """One bit wrong: every one of the signature, and every one of the letters it is written in."""
    raw = base64.urlsafe_b64decode(f"{signature}==")
    in_bytes = [_with_bit(raw, at) for at in range(8 * len(raw))]
    in_letters = [_with_bit(signature.encode(), at).decode("latin-1") for at in range(8 * len(signature))]
    return [base64.urlsafe_b64encode(one).decode().rstrip("=") for one in in_bytes] + in_letters


def _with_bit(data: bytes, at: int) -> bytes:
    wrong = bytearray(data)
    wrong[at // 8] ^= 1 << at % 8
    return bytes(wrong)


def test_of_more_than_a_thousand_flipped_bits_none_is_accepted(wall: Wall) -> None:
    wrong = flipped(wall.signature)
    assert (len(wrong), wall.signature in wrong) == (1200, False)
    for begin in range(0, len(wrong), PER_CLIENT):
        app = FastAPI()
        app.include_router(create_pledges_router(PledgeDesk(wall.service)))
        browser = Browser(app)
        for signature in wrong[begin : begin + PER_CLIENT]:
            page = browser.get(f"/v/{wall.number}?s={quote(signature, safe='')}")
            assert page.status_code == 200
            assert state_of(page) == "疑似伪造 这个码不是本局签发的", signature
            assert 'class="state bad"' in page.text
        browser.close()


@pytest.mark.parametrize("said", ["x", "=" * 86, "A" * 86, "A" * 5000, "%E6%89%BF", "%00", "..%2F.."])
def test_what_is_no_signature_is_a_forgery(wall: Wall, said: str) -> None:
    assert state_of(wall.look(query=f"?s={said}")).startswith("疑似伪造")


# -- the card itself ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, empty_file: Path, knowledge: Knowledge) -> Iterator[Served]:
    service = service_at(tmp_path_factory.mktemp("cards"), empty_file, knowledge)
    running = Served(service)
    yield running
    running.stop()
    service.close()


@pytest.fixture(scope="module")
def number(served: Served) -> str:
    with served.service.database.unit() as session:
        return pledged(served.bench, session, utc_now(), Traits("城西菜场北门老王水产鲜活批发部（二店）")).number


def fetched(served: Served, number: str, size: str, who: str = "wang") -> httpx.Response:
    with served.service.database.unit() as session:
        token = card_token(session, number, size, who, utc_now())
    return httpx.get(f"{served.url}/files/{token}", timeout=30)


def scanned(card: bytes, size: str) -> str:
    """What a reader makes of the code; the first one overlooks three codes in a hundred, on bare white paper as well."""
    picture = card[card.index(b"\xff\xd8\xff") : card.rindex(b"\xff\xd9") + 2] if size == "pdf" else card
    grey = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
    return cv2.QRCodeDetector().detectAndDecode(grey)[0] or cv2.QRCodeDetectorAruco().detectAndDecode(grey)[0]


@pytest.mark.parametrize("size", SIZES)
def test_a_card_is_fetched_scanned_and_found_genuine(served: Served, number: str, size: str) -> None:
    begun = time.monotonic()
    card = fetched(served, number, size)
    assert time.monotonic() - begun < SECONDS
    assert card.status_code == 200
    assert card.headers["content-type"] == ("application/pdf" if size == "pdf" else "image/png")
    assert card.content.startswith(b"%PDF-" if size == "pdf" else b"\x89PNG")
    assert len(card.content) <= MOST.get(size, MOST_PICTURE)
    assert unquote(card.headers["content-disposition"]).endswith("pdf" if size == "pdf" else "png")
    link = scanned(card.content, size)
    assert link.startswith(f"{served.bench.office.pages_url}/v/{number}?s=")
    address = urlsplit(link)
    page = httpx.get(f"{served.url}{address.path}?{address.query}")
    assert (state_of(page), "本局签发，核对无误" in page.text) == ("有效", True)


def test_a_card_is_for_the_people_of_its_shop(served: Served, number: str) -> None:
    assert fetched(served, number, "a6", who="somebody-else").status_code == 404


def test_a_card_on_the_wall_tells_of_a_pause(served: Served) -> None:
    with served.service.database.unit() as session:
        number = pledged(served.bench, session, utc_now(), Traits("停了的店", who="qian")).number
    link = urlsplit(scanned(fetched(served, number, "phone", "qian").content, "phone"))
    with served.service.database.unit() as session:
        become(session, number, PledgeState.PAUSED, utc_now(), "violation")
    assert state_of(httpx.get(f"{served.url}{link.path}?{link.query}")) == "暂停"
