"""Public pages on cases: ``/t`` shows progress for a receipt, ``/t/verify`` whether a receipt is real.

A receipt is only ever in the body of a request, never in an address. The pages work without scripts.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from bot.web.limits import Buckets
from bot.web.ports import NoGuessLeftError, Progress
from bot.web.routes import route_with_limit
from bot.web.templating import render
from knowledge import receipt_code

if TYPE_CHECKING:
    from bot.web.ports import ProgressPort

AT_ONCE = 2
"""Receipts are hashed slowly on purpose: two at a time, so that nobody can keep the machine busy with them."""
A_MINUTE = 30
BODY_LIMIT, MOST_TEXT = 16 * 1024, 1000
NO_RECEIPT = "请输入 17 位回执码，形如 4839-2011-7745-0926-5。"
MISTYPED = "回执码有一位输错了，或两位颠倒了，请对照截图再输一次。"
NOT_FOUND = "没有查到：回执码不对，或者已经过期。请核对后再试；也可以用当时的账号在对话里回“我的举报”。"
NO_GUESS = "今天查错的次数太多，凭回执码的查询暂停到明天。急的话用当时的账号在对话里回“我的举报”，或打 12315。"
TOO_FAST = "查得太频繁了，请等一分钟再试。"
LAPSED = "这个页面开得太久，为安全起见请重新输入回执码。"
EMPTY = "请先写几个字再提交。"
NO_PROOF = "查不到这张回执：编号或存证码不对。"
_NUMBER = re.compile(r"TS-\d{6}-\d{4}")
_CODE = re.compile(r"[0-9a-fA-F]{8}")


class ProgressPages:
    def __init__(self, port: ProgressPort, a_minute: int) -> None:
        self._port = port
        self._slots = CapacityLimiter(AT_ONCE)
        self._looking = Buckets(a_minute, 60.0)

    async def form(self) -> HTMLResponse:
        return _asked()

    async def look(self, request: Request) -> HTMLResponse:
        """The case of a receipt."""
        read = receipt_code.read(await _field(request, "code"))
        if read is None or read.mistyped:
            return _asked(400, MISTYPED if read else NO_RECEIPT)
        if self._looking.take(_client(request)):
            return _asked(429, TOO_FAST)
        try:
            found = await to_thread.run_sync(self._port.look, read.digits, limiter=self._slots)
        except NoGuessLeftError:
            return _asked(429, NO_GUESS)
        return _shown(found) if found is not None else _asked(404, NOT_FOUND)

    async def answer(self, request: Request) -> HTMLResponse:
        """A word to the officer."""
        ticket, text = await _field(request, "ticket"), (await _field(request, "text")).strip()[:MOST_TEXT]
        if not text:
            return _asked(400, EMPTY)
        found = await to_thread.run_sync(self._port.answer, ticket, text)
        return _shown(found) if found is not None else _asked(403, LAPSED)

    async def judge(self, request: Request) -> HTMLResponse:
        """Satisfied, or not and why."""
        ticket, reason = await _field(request, "ticket"), (await _field(request, "reason"))[:MOST_TEXT]
        satisfied = await _field(request, "satisfied") == "yes"
        found = await to_thread.run_sync(partial(self._port.judge, ticket, reason, satisfied=satisfied))
        return _shown(found) if found is not None else _asked(403, LAPSED)

    async def verify(self, number: str = "", code: str = "") -> HTMLResponse:
        """Whether a receipt is real: its number and the first eight signs of its hash."""
        if not number and not code:
            return _page("verify.html", 200, proof=None, problem="")
        said = number.strip().upper(), code.strip()
        fits = _NUMBER.fullmatch(said[0]) and _CODE.fullmatch(said[1])
        proof = await to_thread.run_sync(self._port.prove, *said) if fits else None
        return _page("verify.html", 200 if proof else 404, proof=proof, problem="" if proof else NO_PROOF)


def create_progress_router(port: ProgressPort, a_minute: int = A_MINUTE) -> APIRouter:
    """``a_minute``: how many receipts one client may look up in that time."""
    pages = ProgressPages(port, a_minute)
    router = APIRouter(route_class=route_with_limit(BODY_LIMIT), include_in_schema=False)
    router.get("/t")(pages.form)
    router.post("/t")(pages.look)
    router.post("/t/answer")(pages.answer)
    router.post("/t/judge")(pages.judge)
    router.get("/t/verify")(pages.verify)
    return router


async def _field(request: Request, name: str) -> str:
    async with request.form(max_files=0, max_fields=6) as form:
        value = form.get(name)
    return value if isinstance(value, str) else ""


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _asked(status: int = 200, problem: str = "") -> HTMLResponse:
    return _page("progress_ask.html", status, problem=problem)


def _shown(found: Progress) -> HTMLResponse:
    return _page("progress.html", 200, case=found)


def _page(template: str, status: int, **values: Any) -> HTMLResponse:
    return HTMLResponse(render(template, **values), status)
