from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import evidence


def test_a_file_is_named_by_its_content_and_kept_once(tmp_path: Path) -> None:
    digest = evidence.keep(tmp_path, b"abc")
    place = evidence.path_of(tmp_path, digest)
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert place == tmp_path / "sha256" / digest[:2] / digest[2:4] / digest
    before = place.stat()
    assert evidence.keep(tmp_path, b"abc") == digest
    assert place.stat() == before
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place]


@given(st.binary(max_size=2000))
def test_what_is_kept_is_what_came(tmp_path: Path, data: bytes) -> None:
    assert evidence.path_of(tmp_path, evidence.keep(tmp_path, data)).read_bytes() == data


def test_a_write_that_fails_leaves_no_file_under_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("storage.evidence.os.fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        evidence.keep(tmp_path, b"abc")
    assert not evidence.path_of(tmp_path, hashlib.sha256(b"abc").hexdigest()).exists()
