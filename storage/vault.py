"""Sealing: what is kept so that the disk alone does not show it. Envelope encryption, AES-256-GCM.

Each thing sealed has a key of its own, which is sealed under the vault's key; ``about`` (whose it is, what it is) is
bound into both, so that one sealed thing cannot be put in the place of another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.secret_files import secret_in

MARK = b"HS1"
KEY_BYTES, NONCE_BYTES, TAG_BYTES, ID_BYTES = 32, 12, 16, 4
_WRAPPED = NONCE_BYTES + KEY_BYTES + TAG_BYTES


class SealedError(ValueError):
    """It cannot be opened: another key, another thing, or altered. Which of these is not told apart."""


class Vault:
    """Seals under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("the vault's key has 32 bytes")
        self._key = key
        self._id = hashlib.sha256(b"vault key id" + key).digest()[:ID_BYTES]

    def seal(self, data: bytes, about: str) -> bytes:
        own = secrets.token_bytes(KEY_BYTES)
        return MARK + self._id + _encrypt(self._key, own, about) + _encrypt(own, data, about)

    def open(self, sealed: bytes, about: str) -> bytes:
        """``SealedError`` when it is not what was sealed about this."""
        head = len(MARK) + ID_BYTES
        if sealed[:head] != MARK + self._id:
            raise SealedError
        own = _decrypt(self._key, sealed[head : head + _WRAPPED], about)
        return _decrypt(own, sealed[head + _WRAPPED :], about)

    def token(self, purpose: str) -> str:
        """A secret that can be made again from its purpose, but by nobody without the key; 43 characters for links."""
        digest = hmac.new(self._key, f"token:{purpose}".encode(), hashlib.sha256).digest()
        return _for_links(digest)


def key_in(folder: Path) -> bytes:
    """The key kept in a folder, made when there is none yet; only its owner can read the file."""
    return secret_in(folder, "vault.key", KEY_BYTES)


def _encrypt(key: bytes, data: bytes, about: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def _decrypt(key: bytes, sealed: bytes, about: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError):
        raise SealedError from None


def _for_links(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
