"""The cryptography of sealed identities, without any table: AES-256-GCM under a key of its own for each identity, and
that key in two libsodium sealed boxes, one within the other.

Closing needs public keys only. The outer box opens for the first of two people, the inner one for the second.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

KEY_BYTES, NONCE_BYTES = 32, 12


class BoxError(ValueError):
    """It does not open: another key, another case, or altered. Which of these is not told apart."""


def close(identity: Mapping[str, str], case_id: int) -> tuple[bytes, bytes]:
    """A new key, and the identity sealed under it for one case."""
    key, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
    text = json.dumps(dict(identity), ensure_ascii=False).encode()
    return key, nonce + AESGCM(key).encrypt(nonce, text, _about(case_id))


def read(sealed: bytes, key: bytes, case_id: int) -> dict[str, str]:
    """``BoxError`` when it was not sealed under this key for this case."""
    try:
        text = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _about(case_id))
    except (InvalidTag, ValueError):
        raise BoxError from None
    identity: dict[str, str] = json.loads(text)
    return identity


def box(key: bytes, first: bytes, second: bytes) -> bytes:
    """A key for two people, by their public keys."""
    return SealedBox(PublicKey(first)).encrypt(SealedBox(PublicKey(second)).encrypt(key))


def unbox(boxed: bytes, key: PrivateKey) -> bytes:
    """Open one box, the outer or the inner one."""
    try:
        return SealedBox(key).decrypt(boxed)
    except (CryptoError, ValueError, TypeError):
        raise BoxError from None


def _about(case_id: int) -> bytes:
    return f"identity|case:{case_id}".encode()
