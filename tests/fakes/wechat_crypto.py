"""The platform's side of message encryption, over `cryptography` alone, so that the product's library meets another hand."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
"""PKCS#7 pads to 32 bytes here, not to the 16 of AES."""
KEY_CHARACTERS = 43
RANDOM_BYTES = 16
LENGTH_BYTES = 4


class CryptoError(Exception):
    """The text was not sealed with this key, for this account, or not signed with this token."""


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts: token, timestamp, nonce, and for `msg_signature` the encrypted text as well."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def pad(data: bytes) -> bytes:
    """Always adds something: a whole block when the length already fits."""
    count = BLOCK - len(data) % BLOCK
    return data + bytes([count]) * count


def unpad(data: bytes) -> bytes:
    count = data[-1] if data else 0
    if not 1 <= count <= BLOCK or data[-count:] != bytes([count]) * count:
        raise CryptoError("bad padding")
    return data[:-count]


@dataclass(frozen=True)
class Sealed:
    """An encrypted text with the three values that it is signed with."""

    encrypted: str
    signature: str
    timestamp: str
    nonce: str


class Crypto:
    """Seals and opens texts with one EncodingAESKey: AES-256-CBC whose IV is the key's first half."""

    def __init__(self, token: str, aes_key: str, app_id: str) -> None:
        if len(aes_key) != KEY_CHARACTERS:
            raise ValueError("an EncodingAESKey has 43 characters")
        self.token = token
        self.app_id = app_id
        self._key = base64.b64decode(aes_key + "=")

    def encrypt(self, text: str, random: bytes | None = None) -> str:
        """random(16) + length of the text in bytes, big endian + text + app id; in base64."""
        random = secrets.token_bytes(RANDOM_BYTES) if random is None else random
        body = text.encode()
        plain = pad(random + struct.pack(">I", len(body)) + body + self.app_id.encode())
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> str:
        plain = unpad(self._decrypt_blocks(encrypted))[RANDOM_BYTES:]
        if len(plain) < LENGTH_BYTES:
            raise CryptoError("too short")
        end = LENGTH_BYTES + struct.unpack(">I", plain[:LENGTH_BYTES])[0]
        if plain[end:] != self.app_id.encode():
            raise CryptoError("sealed for another account")
        try:
            return plain[LENGTH_BYTES:end].decode()
        except UnicodeDecodeError as error:
            raise CryptoError("not UTF-8") from error

    def seal(self, text: str, timestamp: str, nonce: str) -> Sealed:
        encrypted = self.encrypt(text)
        return Sealed(encrypted, signature(self.token, timestamp, nonce, encrypted), timestamp, nonce)

    def open(self, sealed: Sealed) -> str:
        expected = signature(self.token, sealed.timestamp, sealed.nonce, sealed.encrypted)
        if not hmac.compare_digest(expected.encode(), sealed.signature.encode()):
            raise CryptoError("signature does not match")
        return self.decrypt(sealed.encrypted)

    def _decrypt_blocks(self, encrypted: str) -> bytes:
        try:
            data = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as error:
            raise CryptoError("not base64") from error
        if not data or len(data) % (algorithms.AES.block_size // 8):
            raise CryptoError("not whole blocks")
        decryptor = self._cipher().decryptor()
        return decryptor.update(data) + decryptor.finalize()

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))
