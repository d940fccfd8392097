"""Files people send, kept by their content: the SHA-256 of the bytes is the name, so the same file is kept once.

Originals that are evidence lie sealed, each in the folder of its case.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from storage.vault import Vault

UNFINISHED = ".unfinished-"


def keep(root: Path, data: bytes) -> str:
    """Write to a temporary file, sync, rename: a crash leaves the whole file or none. Returns the SHA-256 in hex."""
    digest = hashlib.sha256(data).hexdigest()
    _write(path_of(root, digest), data)
    return digest


def seal(root: Path, data: bytes, vault: Vault) -> str:
    """Keep a file so that only the vault's key opens it. Returns the SHA-256 of what was sealed."""
    digest = hashlib.sha256(data).hexdigest()
    _write(sealed_path_of(root, digest), vault.seal(data, digest))
    return digest


def unseal(root: Path, digest: str, vault: Vault) -> bytes:
    """``SealedError`` when it was altered, ``OSError`` when it is not there."""
    return vault.open(sealed_path_of(root, digest).read_bytes(), digest)


def drop(root: Path, digest: str) -> None:
    path_of(root, digest).unlink(missing_ok=True)


def forget_unfinished(root: Path, before: float) -> int:
    """Delete what a crash left half written; ``before`` in seconds since 1970. How many files that were."""
    old = [path for path in root.rglob(f"{UNFINISHED}*") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _write(place: Path, data: bytes) -> None:
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
    except OSError:  # the disk is full: what could be written would only keep it so
        Path(temporary).unlink(missing_ok=True)
        raise
    Path(temporary).rename(place)
    _sync_name(place.parent)


def _sync_name(folder: Path) -> None:
    """A row that names the file is committed next: after a power cut the name must be there as well."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def path_of(root: Path, digest: str) -> Path:
    return root / "sha256" / digest[:2] / digest[2:4] / digest


def sealed(root: Path) -> Iterator[tuple[str, Path]]:
    """Every sealed file, by the SHA-256 of what is in it."""
    return ((path.name, path) for path in (root / "sealed").glob("*/*/*"))


def sealed_path_of(root: Path, digest: str) -> Path:
    return root / "sealed" / digest[:2] / digest[2:4] / digest


# -- evidence of cases ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Digests:
    """What a file is known by: both hashes in hex, and its bytes."""

    sha256: str
    sm3: str
    size: int


def digests_of(data: bytes) -> Digests:
    """SHA-256, and SM3 (GB/T 32905) for those who must use the national hash."""
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(data)
    return Digests(hashlib.sha256(data).hexdigest(), sm3.finalize().hex(), len(data))


def seal_in_case(root: Path, data: bytes, case_id: int, vault: Vault) -> Digests:
    """Keep an original sealed, bound to its case. The same file in two cases is kept twice: that both sent the same is
    nobody's to see."""
    found = digests_of(data)
    _write(case_path_of(root, case_id, found.sha256), vault.seal(data, _about(case_id, found.sha256)))
    return found


def unseal_in_case(root: Path, case_id: int, sha256: str, vault: Vault) -> bytes:
    """``SealedError`` when it was altered or is another case's, ``OSError`` when it is not there."""
    return vault.open(case_path_of(root, case_id, sha256).read_bytes(), _about(case_id, sha256))


def case_path_of(root: Path, case_id: int, sha256: str) -> Path:
    return root / "cases" / str(case_id) / sha256


def _about(case_id: int, sha256: str) -> str:
    return f"case:{case_id}|{sha256}|original"
