"""Files people send, kept by their content: the SHA-256 of the bytes is the name, so the same file is kept once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from storage.vault import Vault


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


def _write(place: Path, data: bytes) -> None:
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=place.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    Path(temporary).rename(place)


def path_of(root: Path, digest: str) -> Path:
    return root / "sha256" / digest[:2] / digest[2:4] / digest


def sealed(root: Path) -> Iterator[tuple[str, Path]]:
    """Every sealed file, by the SHA-256 of what is in it."""
    return ((path.name, path) for path in (root / "sealed").glob("*/*/*"))


def sealed_path_of(root: Path, digest: str) -> Path:
    return root / "sealed" / digest[:2] / digest[2:4] / digest
