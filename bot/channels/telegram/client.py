"""The Bot API through python-telegram-bot's client, with time limits, no redirects, and errors that name no secret."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from typing import Any

import httpx
from telegram import Bot
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.channels.telegram.inbound import CHANNEL
from bot.files import MAX_FILE
from bot.logs import TALKATIVE, scrub
from bot.media import TOO_LARGE, Fetched, MediaGoneError, MediaRefusedError
from bot.settings import Settings

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 6.0
"""Together less than a delivery worker allows for a call, so that it is we who know what became of it."""
POLL_SECONDS = 25
CONNECTIONS = 32
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_STATUS = re.compile(r"\((\d{3})\)")
_QUOTED = re.compile(r"""(["'`]).*?\1""", re.DOTALL)


class Request(HTTPXRequest):
    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The library would log what it cannot read, and with it what people wrote."""
        try:
            answer = json.loads(payload)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or (answer.get("ok") and "result" not in answer):
            raise TelegramError("Invalid server response")
        return answer


class TelegramClient:
    """``bot`` for the platform's methods; what the library does not do well stands here."""

    channel = CHANNEL

    def __init__(self, settings: Settings) -> None:
        quieten()
        self.token = settings.telegram_token.get_secret_value()
        base = settings.telegram_api_base
        secure = httpx.create_ssl_context()  # made once: loading the certificates takes longer than anything else here
        self._files = f"{base}/file/bot{self.token}/"
        self._requests = [_request(secure), _request(secure)]
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS), follow_redirects=False, verify=secure
        )
        self.bot = Bot(
            self.token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )

    @property
    def own_id(self) -> int:
        return int(self.token.partition(":")[0])

    async def close(self) -> None:
        await asyncio.gather(*(request.shutdown() for request in self._requests), self._http.aclose())

    async def updates(self, offset: int | None, allowed: Sequence[str]) -> list[Any]:
        """What came in since, as it came; waits for ``POLL_SECONDS`` when there is nothing.

        Asking confirms everything before ``offset``. Written small, the method is the same to the platform and unknown
        to the library, which otherwise parses all updates at once and so drops all for the sake of one.
        """
        wanted = {"timeout": POLL_SECONDS, "allowed_updates": list(allowed)}
        if offset is not None:
            wanted["offset"] = offset
        found = await self.bot.do_api_request(
            "getupdates", api_kwargs=wanted, read_timeout=POLL_SECONDS + ANSWER_SECONDS
        )
        return list(found)

    # -- files ------------------------------------------------------------------------------------------------

    async def fetch(self, ref: str, kind: str) -> Fetched:  # noqa: ARG002 - other platforms fetch by kind
        """A file by the platform's id of it, from the platform's own file server."""
        try:
            file = await self.bot.get_file(ref)
        except BadRequest as error:
            raise _no_file(error) from None
        address = file.file_path or ""
        if not address.startswith(self._files):
            raise MediaGoneError
        if file.file_size is not None and file.file_size > MAX_FILE:
            raise MediaRefusedError(TOO_LARGE)
        return Fetched(await self._download(address))

    async def _download(self, address: str) -> bytes:
        data, why = bytearray(), ""
        try:
            async with self._http.stream("GET", address) as response:
                if response.status_code == httpx.codes.NOT_FOUND:
                    raise MediaGoneError
                if response.status_code != httpx.codes.OK:
                    raise UnreachableError(f"HTTP {response.status_code}")
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_FILE:
                        raise MediaRefusedError(TOO_LARGE)
        except httpx.HTTPError as error:
            why = type(error).__name__
        if why:  # not chained: the error holds the address, and that the token
            raise UnreachableError(why)
        return bytes(data)


class UnreachableError(Exception):
    """The file server gave no file; the text is the kind of error or the HTTP status."""


def quieten() -> None:
    """These log whole addresses, the token among them, and what people wrote."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


def _request(secure: Any) -> Request:
    return Request(
        connection_pool_size=CONNECTIONS,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        write_timeout=ANSWER_SECONDS,
        httpx_kwargs={"follow_redirects": False, "verify": secure},
    )


def _no_file(error: BadRequest) -> Exception:
    said = error.message.lower()
    if "too big" in said:
        return MediaRefusedError(TOO_LARGE)
    if "temporarily" in said:
        return UnreachableError("temporarily unavailable")
    return MediaGoneError()


# -- errors -------------------------------------------------------------------------------------------------------


def described(error: TelegramError) -> str:
    """An error in a few words for logs and records: its kind, and what the platform said of it without quotations.

    The library's texts hold addresses and whole answers.
    """
    name, cause = type(error).__name__, error.__cause__
    if isinstance(cause, httpx.HTTPError):
        return f"{name}: {type(cause).__name__}"
    if isinstance(error, BadRequest | Forbidden | Conflict):
        said = _QUOTED.sub("…", scrub(error.message)).partition("\n")[0]
        return f"{name}: {said[:100]}"
    if isinstance(error, RetryAfter):
        return f"{name}: {seconds(error):.0f} s"
    status = _STATUS.search(error.message)
    return f"{name}: HTTP {status[1]}" if status and not isinstance(error, InvalidToken) else name


def never_sent(error: TelegramError) -> bool:
    """Whether the platform surely did not do it: the connection was never made, or it answered that it failed.

    A gateway that waited in vain does not know either.
    """
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPError):
        return isinstance(cause, NOTHING_SENT)
    answered = cause is None or isinstance(cause, TelegramError)
    return answered and isinstance(error, NetworkError) and "timeout" not in error.message.lower()


def seconds(error: RetryAfter) -> float:
    """How long the platform wants to be left alone."""
    pause: Any = error.retry_after
    return float(pause.total_seconds() if hasattr(pause, "total_seconds") else pause)
