"""Time stamps (RFC 3161) on anchors: an outside authority signs that a file was there at a time. Extra ``stamp``.

The extra reads DER strictly: an authority that sends several certificates out of order is told to be unreadable.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from cryptography.x509 import Certificate, load_pem_x509_certificates

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest, TimeStampResponse

SECONDS = 20.0
TRIES = 3
MOST_BYTES = 64 * 1024
ENDING = ".tsr"
GRANTED = 0
TYPE = "application/timestamp-query"
NOT_INSTALLED = "盖时间戳要先安装：pip install 'honest-scale[stamp]'。"


class StampError(Exception):
    """No stamp could be had, or it does not fit; the text says in Chinese why."""


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("rfc3161_client") is not None


def stamp(path: Path, url: str) -> Path:
    """Have a file stamped; the answer lies beside it. Blocks for up to a minute."""
    if not available():
        raise StampError(NOT_INSTALLED)
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415 - an extra

    data = path.read_bytes()
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    answer = _ask(url, request.as_bytes())
    _demand_answer_to(request, answer, hashlib.sha256(data).digest())
    place = path.with_suffix(ENDING)
    aside = path.parent / f".{secrets.token_hex(8)}"
    aside.write_bytes(answer)
    aside.rename(place)
    return place


def stamped_at(path: Path, certificates: bytes) -> datetime:
    """When the authority saw the file. ``StampError``: the stamp is not of this file, or not of this authority.

    ``certificates``: PEM, its root first, then what lies between, as the authority publishes them.
    """
    if not available():
        raise StampError(NOT_INSTALLED)
    from rfc3161_client import VerificationError, VerifierBuilder  # noqa: PLC0415 - an extra

    place = path.with_suffix(ENDING)
    root, *between = _certificates(certificates)
    try:
        answer = _decoded(place.read_bytes())
        VerifierBuilder(roots=[root], intermediates=between).build().verify_message(answer, path.read_bytes())
    except (OSError, ValueError, VerificationError):
        raise StampError(f"时间戳 {place.name} 对不上：不是这个锚点的，或者不是这家机构盖的。") from None
    return answer.tst_info.gen_time


def _ask(url: str, request: bytes) -> bytes:
    failed = ""
    for _ in range(TRIES):
        try:
            # A redirect could lead anywhere: the address that is set is the authority's.
            answer = httpx.post(
                url, content=request, headers={"Content-Type": TYPE}, timeout=SECONDS, follow_redirects=False
            )
        except httpx.HTTPError as error:
            failed = type(error).__name__
            continue
        if answer.status_code == httpx.codes.OK and len(answer.content) <= MOST_BYTES:
            return answer.content
        failed = f"HTTP {answer.status_code}"
    raise StampError(f"时间戳没盖上：{failed}。锚点已经留好；下一个锚点的时间戳会把它一起盖住。")


def _demand_answer_to(request: TimeStampRequest, data: bytes, digest: bytes) -> None:
    """An answer that is no stamp, or somebody else's, is not kept."""
    try:
        answer = _decoded(data)
        if answer.status != GRANTED:
            raise StampError(f"时间戳机构没有盖：{'；'.join(answer.status_string) or answer.status}。")
        told = answer.tst_info
        same = told.message_imprint.message == digest and told.nonce == request.nonce
    except ValueError:
        same = False
    if not same:
        raise StampError("时间戳机构的回答读不懂，或者不是给这个锚点的。请核对 HONESTSCALE_TSA_URL。")


def _decoded(data: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 - an extra

    return decode_timestamp_response(data)


def _certificates(pem: bytes) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(pem)
    except ValueError:
        raise StampError("HONESTSCALE_TSA_CERTIFICATE 里没有读得懂的证书（PEM）。") from None
