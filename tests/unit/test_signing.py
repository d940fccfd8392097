from __future__ import annotations

import random
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.pledge_number import numbered
from storage.signing import SEED_BYTES, About, Signer, checks, payload_of, signer_in, verify

BASE = "https://jiliang.example.gov.cn"
SIGNER = Signer(bytes(range(SEED_BYTES)))
NUMBER = numbered(2026, 123)
ABOUT = About("鲜达超市（城西店）", date(2026, 3, 12))
LINK = SIGNER.make_link(BASE, NUMBER, ABOUT)
ABOUTS = st.builds(About, st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.dates())


def _pledges(count: int) -> list[tuple[str, About]]:
    chance = random.Random(27)  # noqa: S311 - trials, not secrets
    names = ("老王水产", "鲜达超市（城西店）", "𠮷野家", "A|B 2026-03-12|", "")
    return [
        (
            numbered(2026, chance.randint(1, 999_999)),
            About(chance.choice(names), date(2026, 1, 1) + timedelta(days=day)),
        )
        for day in range(count)
    ]


def test_a_link_says_number_and_signature_and_is_short() -> None:
    assert LINK.startswith(f"{BASE}/v/{NUMBER}?s=")
    assert len(LINK.partition("?s=")[2]) == 86
    assert SIGNER.make_link(f"{BASE}/", NUMBER, ABOUT) == LINK


def test_the_signature_is_one_that_anybody_with_the_public_key_can_check() -> None:
    payload = payload_of(NUMBER, ABOUT)
    assert payload.decode() == f"honest-scale pledge v1|{NUMBER}|鲜达超市（城西店）|2026-03-12"
    public = Ed25519PublicKey.from_public_bytes(SIGNER.public)
    public.verify(SIGNER.sign(payload), payload)
    with pytest.raises(InvalidSignature):
        public.verify(SIGNER.sign(payload), payload + b"0")


@given(ABOUTS)
@settings(max_examples=100)
def test_what_is_signed_checks_as_a_link_and_as_its_signature_alone(about: About) -> None:
    link = SIGNER.make_link(BASE, NUMBER, about)
    assert checks(SIGNER.public, link, NUMBER, about, BASE)
    assert checks(SIGNER.public, link.partition("?s=")[2], NUMBER, about)


@given(ABOUTS, ABOUTS)
@settings(max_examples=100)
def test_a_signature_serves_no_other_pledge(one: About, other: About) -> None:
    link = SIGNER.make_link(BASE, NUMBER, one)
    assert checks(SIGNER.public, link, NUMBER, other, BASE) == (one == other)
    assert not checks(SIGNER.public, link.partition("?s=")[2], numbered(2026, 124), one)
    assert not checks(Signer(bytes(SEED_BYTES)).public, link, NUMBER, one, BASE)


def test_T27_no_bit_of_200_links_can_be_flipped() -> None:
    chance = random.Random(5)  # noqa: S311 - trials, not secrets
    tried = 0
    for number, about in _pledges(200):
        link = SIGNER.make_link(BASE, number, about)
        for at in range(len(link)):
            flipped = link[:at] + chr(ord(link[at]) ^ 1 << chance.randrange(8)) + link[at + 1 :]
            assert not checks(SIGNER.public, flipped, number, about, BASE), (link, at)
            tried += 1
    assert tried > 20_000


def test_T27_every_single_bit_of_links_and_of_signatures() -> None:
    for number, about in _pledges(4):
        link = SIGNER.make_link(BASE, number, about)
        for at in range(len(link) * 8):
            flipped = link[: at // 8] + chr(ord(link[at // 8]) ^ 1 << at % 8) + link[at // 8 + 1 :]
            assert not checks(SIGNER.public, flipped, number, about, BASE)
            assert (
                not checks(SIGNER.public, flipped.partition("?s=")[2], number, about) or "?s=" + link[-86:] in flipped
            )


def test_T27_every_single_bit_of_what_was_signed() -> None:
    payload = payload_of(NUMBER, ABOUT)
    signature = SIGNER.sign(payload)
    assert verify(SIGNER.public, payload, signature)
    for at in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[at // 8] ^= 1 << at % 8
        assert not verify(SIGNER.public, bytes(flipped), signature)


def test_the_bits_left_over_in_the_last_letter_are_not_free() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = [c for c in letters if checks(SIGNER.public, LINK[:-1] + c, NUMBER, ABOUT, BASE)]
    assert accepted == [LINK[-1]]


@pytest.mark.parametrize(
    "said",
    ["", "=", LINK.partition("?s=")[2] + "==", LINK.partition("?s=")[2] + "\n", " " + LINK.partition("?s=")[2], LINK[-85:], "A" * 86, "签" * 86],
)  # fmt: skip
def test_a_signature_has_one_way_to_be_written(said: str) -> None:
    assert not checks(SIGNER.public, said, NUMBER, ABOUT)


@pytest.mark.parametrize(
    "said",
    [LINK.replace("https", "http"), LINK.replace("jiliang", "ji1iang"), LINK.replace("/v/", "/v//"), LINK.replace("CXJL", "cxjl"), LINK + "&a=1", LINK + "#"],
)  # fmt: skip
def test_an_address_is_ours_to_the_letter(said: str) -> None:
    assert checks(SIGNER.public, LINK, NUMBER, ABOUT, BASE)
    assert not checks(SIGNER.public, said, NUMBER, ABOUT, BASE)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    signer = signer_in(folder)
    assert signer_in(folder).public == signer.public != signer_in(tmp_path / "other").public
    assert [path.name for path in folder.iterdir()] == ["pledge.key"]
    assert stat.S_IMODE((folder / "pledge.key").stat().st_mode) == 0o400
    assert (folder / "pledge.key").stat().st_size == SEED_BYTES


def test_a_key_file_that_is_cut_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "pledge.key").write_bytes(bytes(31))
    with pytest.raises(ValueError, match="32"):
        signer_in(tmp_path)
