"""Errors a person can act on: every failure of the chat is JSON ``{"error": one Chinese sentence}``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from bot.web.ports import BusyError

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

SENTENCES = {
    400: "这条没看懂，请改一改再发。",
    401: "这次对话已经过期，请刷新页面重新开始。",
    404: "没有这个页面，请回到首页重新开始。",
    405: "没有这个操作，请回到首页重新开始。",
    413: "内容太大了，请分成几次发。",
    415: "这种格式收不了，请刷新页面再试一次。",
    429: "您发得太快了，请等几秒再发。",
    500: "这边没处理好，您的内容还在，请过一分钟再发一次。",
    503: "现在人多，请过半分钟再发一次。",
}


class SpokenError(HTTPException):
    """An error whose ``detail`` is written for the person who reads it."""

    def __init__(self, status: int, sentence: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, sentence or SENTENCES[status], headers)


def answer_for(error: Exception) -> Response:
    """The JSON answer to any exception; what is not ours to explain is logged and becomes a 500."""
    if isinstance(error, SpokenError):
        return _say(error.status_code, error.detail, error.headers)
    if isinstance(error, HTTPException):
        return _say(error.status_code, SENTENCES.get(error.status_code, SENTENCES[400]), error.headers)
    if isinstance(error, RequestValidationError):
        return _say(400, SENTENCES[400])
    if isinstance(error, BusyError):
        return _say(503, SENTENCES[503], {"Retry-After": "30"})
    log.error("web request failed", exc_info=error)
    return _say(500, SENTENCES[500])


def _say(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status, headers)
