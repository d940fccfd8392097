"""Secrets that lie in files of their own, made at the first start, readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def secret_in(folder: Path, name: str, size: int) -> bytes:
    """The ``size`` random bytes kept under a name in a folder, made when there are none yet."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        aside = folder / f".{secrets.token_hex(8)}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_bytes(size))
            out.flush()
            os.fsync(out.fileno())
        # Linked, not renamed: of two processes that start at once the second finds the first one's secret.
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_bytes()
