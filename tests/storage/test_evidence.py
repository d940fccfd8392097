from __future__ import annotations

import errno
import hashlib
import os
import resource
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import evidence
from storage.vault import KEY_BYTES, SealedError, Vault

VAULT = Vault(bytes(range(KEY_BYTES)))


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


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_R6_where_there_is_no_room_nothing_is_left_behind(tmp_path: Path) -> None:
    """In a process of its own, as the limit on the size of files cannot be taken back."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            evidence.seal_in_case(tmp_path, bytes(5000), 1, VAULT)
        except OSError as error:
            os._exit(error.errno or 0)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == errno.EFBIG
    assert files_under(tmp_path) == []
    found = evidence.seal_in_case(tmp_path, bytes(5000), 1, VAULT)
    assert evidence.unseal_in_case(tmp_path, 1, found.sha256, VAULT) == bytes(5000)


def test_what_a_crash_left_half_written_is_swept_once_it_is_old(tmp_path: Path) -> None:
    kept = evidence.path_of(tmp_path, evidence.keep(tmp_path, b"abc"))
    half = kept.parent / f"{evidence.UNFINISHED}x7"
    half.write_bytes(b"ab")
    assert evidence.forget_unfinished(tmp_path, time.time() - 60) == 0
    assert evidence.forget_unfinished(tmp_path, time.time() + 60) == 1
    assert files_under(tmp_path) == [kept]


# -- evidence of cases --------------------------------------------------------------------------------------------


def test_a_file_is_known_by_both_hashes() -> None:
    found = evidence.digests_of(b"abc")
    assert found.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    # GB/T 32905-2016, appendix A.1.
    assert found.sm3 == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert found.size == 3


@given(st.binary(max_size=2000))
def test_an_original_opens_as_it_came_and_shows_nothing(tmp_path: Path, data: bytes) -> None:
    found = evidence.seal_in_case(tmp_path, data, 17, VAULT)
    assert found == evidence.digests_of(data)
    assert evidence.unseal_in_case(tmp_path, 17, found.sha256, VAULT) == data
    on_disk = evidence.case_path_of(tmp_path, 17, found.sha256).read_bytes()
    assert len(data) < 8 or data not in on_disk


def test_the_same_file_is_kept_once_for_each_case(tmp_path: Path) -> None:
    digests = {evidence.seal_in_case(tmp_path, b"photo", case, VAULT).sha256 for case in (1, 2, 2)}
    assert len(digests) == 1
    (sha256,) = digests
    one, other = (evidence.case_path_of(tmp_path, case, sha256) for case in (1, 2))
    assert sorted(files_under(tmp_path)) == sorted((one, other))
    assert one.read_bytes() != other.read_bytes()


def test_T23_an_original_put_in_another_place_does_not_open(tmp_path: Path) -> None:
    mine, theirs = (evidence.seal_in_case(tmp_path, data, 1, VAULT).sha256 for data in (b"mine", b"theirs"))
    sealed = evidence.case_path_of(tmp_path, 1, theirs).read_bytes()
    for case, name in ((1, mine), (2, theirs)):
        place = evidence.case_path_of(tmp_path, case, name)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(sealed)
        with pytest.raises(SealedError):
            evidence.unseal_in_case(tmp_path, case, name, VAULT)
    with pytest.raises(FileNotFoundError):
        evidence.unseal_in_case(tmp_path, 3, mine, VAULT)


def test_the_sealed_certificates_are_listed_without_the_evidence_of_cases(tmp_path: Path) -> None:
    """What no ledger knows of any more is swept from that list."""
    certificate = evidence.seal(tmp_path, b"certificate", VAULT)
    evidence.seal_in_case(tmp_path, b"photo", 1, VAULT)
    assert [name for name, _ in evidence.sealed(tmp_path)] == [certificate]
