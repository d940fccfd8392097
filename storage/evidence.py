"""Files people send, kept by their content: the SHA-256 of the bytes is the name, so the same file is kept once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def keep(root: Path, data: bytes) -> str:
    """Write to a temporary file, sync, rename: a crash leaves the whole file or none. Returns the SHA-256 in hex."""
    digest = hashlib.sha256(data).hexdigest()
    place = path_of(root, digest)
    if place.exists():
        return digest
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=place.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    Path(temporary).rename(place)
    return digest


def path_of(root: Path, digest: str) -> Path:
    return root / "sha256" / digest[:2] / digest[2:4] / digest
