from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import evidence
from storage.vault import KEY_BYTES, SealedError, Vault, key_in

VAULT = Vault(bytes(range(KEY_BYTES)))


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_is_sealed_opens_as_it_was(data: bytes, about: str) -> None:
    sealed = VAULT.seal(data, about)
    assert VAULT.open(sealed, about) == data
    assert VAULT.seal(data, about) != sealed


@given(st.integers(min_value=0), st.integers(1, 255))
def test_T23_any_changed_byte_is_found(place: int, flip: int) -> None:
    sealed = bytearray(VAULT.seal("检定证书".encode(), "a"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(SealedError):
        VAULT.open(bytes(sealed), "a")


def test_another_thing_another_key_or_a_cut_end_do_not_open() -> None:
    sealed = VAULT.seal(b"x", "shop-phone:1")
    for vault, data, about in (
        (VAULT, sealed, "shop-phone:2"),
        (Vault(bytes(KEY_BYTES)), sealed, "shop-phone:1"),
        (VAULT, sealed[:-1], "shop-phone:1"),
        (VAULT, b"", "shop-phone:1"),
    ):
        with pytest.raises(SealedError):
            vault.open(data, about)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    key = key_in(tmp_path / "keys")
    assert key_in(tmp_path / "keys") == key
    assert len(key) == KEY_BYTES
    assert stat.S_IMODE((tmp_path / "keys" / "vault.key").stat().st_mode) == 0o400
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["vault.key"]


def test_tokens_can_be_made_again_and_not_guessed_from_each_other() -> None:
    assert VAULT.token("shop-feed:1:0") == VAULT.token("shop-feed:1:0")
    assert (
        len({VAULT.token(f"shop-feed:{n}:0") for n in range(100)} | {Vault(bytes(KEY_BYTES)).token("shop-feed:1:0")})
        == 101
    )


def test_a_sealed_original_shows_nothing_of_itself(tmp_path: Path) -> None:
    data = "检定证书 力字第2026-0917号".encode() * 20
    digest = evidence.keep(tmp_path, data)
    assert evidence.seal(tmp_path, data, VAULT) == digest
    evidence.drop(tmp_path, digest)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [digest]
    assert b"0917" not in kept[0].read_bytes()
    assert evidence.unseal(tmp_path, digest, VAULT) == data
