"""Signing: what the code on a pledge card carries, so that nobody else can print one. Ed25519 (RFC 8032).

The signature binds number, shop and day of signing together. It says that the bureau's bot made this card; whether the
pledge still stands is looked up when it is scanned.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from storage.secret_files import secret_in

KEY_NAME = "pledge.key"
SEED_BYTES, SIGNATURE_BYTES = 32, 64


@dataclass(frozen=True, slots=True)
class About:
    """What a card says of its pledge and the signature vouches for, as it was on the day of signing."""

    shop_name: str
    signed_on: date


class Signer:
    """Signs under one private key, made from a seed of 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        """32 bytes that anybody may have."""

    def sign(self, payload: bytes) -> bytes:
        """64 bytes, the same each time for the same payload."""
        return self._private.sign(payload)

    def make_link(self, base: str, number: str, about: About) -> str:
        """The address in the code of a card: ``https://host/v/CXJL-2026-000123-7?s=…``, 86 characters behind s=."""
        return _before(base, number) + _for_links(self.sign(payload_of(number, about)))


def signer_in(folder: Path) -> Signer:
    """A signer with the key kept in a folder, made when there is none yet; only its owner can read the file.

    ``ValueError`` when the file does not hold 32 bytes."""
    return Signer(secret_in(folder, KEY_NAME, SEED_BYTES))


def payload_of(number: str, about: About) -> bytes:
    # The name may hold a bar, its neighbours cannot: no two pledges give the same payload.
    return f"honest-scale pledge v1|{number}|{about.shop_name}|{about.signed_on.isoformat()}".encode()


def verify(public: bytes, payload: bytes, signature: bytes) -> bool:
    """Whether the signature of the payload was made with the private key that belongs to this public one."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, payload)
    except InvalidSignature:
        return False
    return True


def checks(public: bytes, said: str, number: str, about: About, base: str = "") -> bool:
    """Whether a scanned address, or only what stands in it behind ``s=``, belongs to this pledge.

    An address must be, letter by letter, one that ``make_link`` makes for ``base``.
    """
    signature = _from_links(said.removeprefix(_before(base, number)) if base else said)
    return signature is not None and verify(public, payload_of(number, about), signature)


def _before(base: str, number: str) -> str:
    return f"{base.rstrip('/')}/v/{number}?s="


def _for_links(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _from_links(text: str) -> bytes | None:
    """None for anything but the one way to write a signature: decoders pass over odd characters and left-over bits."""
    try:
        data = base64.urlsafe_b64decode(f"{text}==")
    except (ValueError, binascii.Error):
        return None
    return data if len(data) == SIGNATURE_BYTES and _for_links(data) == text else None
