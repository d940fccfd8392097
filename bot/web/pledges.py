"""Public pages of pledges: ``/v/…`` is what a card's code opens, ``/v`` takes a number typed off a card, ``/pledges`` is
the list, as a page, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from bot.times import utc_now
from bot.web.limits import Buckets
from bot.web.routes import route_with_limit
from bot.web.templating import render
from handlers.talk import SHANGHAI
from knowledge import pledge_number
from knowledge.checkup import own_trades

if TYPE_CHECKING:
    from bot.web.ports import ListedPledge, PledgeList, PledgePort, SeenPledge

BODY_LIMIT = 1024
MOST_WORDS, MOST_SIGNATURE = 40, 200
MOST_ID = 2**63 - 1
COLUMNS = ("编号", "单位", "辖区", "行业", "承诺日期", "有效期至")
RISKY = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""A cell that begins so is a formula to a spreadsheet program; the Chinese ones take the wide signs as well."""


class PledgePages:
    def __init__(self, port: PledgePort) -> None:
        self._port = port
        # A market hall shares one address, and everybody in it may scan the cards.
        self._looking = Buckets(120, 60.0)
        self._copying = Buckets(6, 60.0)

    async def ask(self, request: Request, number: str = "") -> HTMLResponse:
        """The form for a number, or, once it is typed, its pledge."""
        return await self.see(request, number) if number.strip() else _asked(200)

    async def see(self, request: Request, number: str, s: str = "") -> HTMLResponse:
        """The pledge of a number, as it stands this minute."""
        if seconds := self._looking.take(_client(request)):
            return _slower(seconds)
        read = pledge_number.read(number)
        if read is None or read.mistyped:
            return _asked(404, number[:MOST_WORDS], mistyped=read is not None)
        found = await to_thread.run_sync(self._port.see, read.number, s[:MOST_SIGNATURE])
        return _asked(404, read.number, unknown=True) if found is None else _shown(found)

    async def page(self, request: Request, district: str = "", sector: str = "", after: int = 0) -> HTMLResponse:
        if seconds := self._looking.take(_client(request)):
            return _slower(seconds)
        found = await self._list(district, sector, after)
        chosen = {"district": _word(district), "sector": _sector(sector)}
        trades = tuple((pack.id, pack.name) for pack in own_trades().packs)
        return _page("pledges.html", 200, found=found, trades=trades, query=urlencode(chosen), **chosen)

    async def json(self, request: Request, district: str = "", sector: str = "", after: int = 0) -> JSONResponse:
        self._looking.demand(_client(request))
        found = await self._list(district, sector, after)
        rows = [dict(zip(COLUMNS, _cells(row), strict=True)) for row in found.rows]
        return JSONResponse({"total": found.total, "target": found.target, "after": found.after, "rows": rows})

    async def csv(self, request: Request, district: str = "", sector: str = "") -> Response:
        """The whole list of a district and trade."""
        self._copying.demand(_client(request))
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        async for found in self._pages(district, sector):
            writer.writerows([_harmless(cell) for cell in _cells(row)] for row in found.rows)
        headers = {"Content-Disposition": "attachment; filename=pledges.csv"}
        # The mark at the beginning tells spreadsheet programs that it is UTF-8.
        return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    async def _pages(self, district: str, sector: str) -> AsyncIterator[PledgeList]:
        """The pages of a list, one after the other."""
        found = await self._list(district, sector, 0)
        yield found
        while found.after:
            found = await self._list(district, sector, found.after)
            yield found

    async def _list(self, district: str, sector: str, after: int) -> PledgeList:
        begin = min(max(0, after), MOST_ID)
        return await to_thread.run_sync(partial(self._port.list, _word(district), _sector(sector), begin))


def create_pledges_router(port: PledgePort) -> APIRouter:
    pages = PledgePages(port)
    router = APIRouter(route_class=route_with_limit(BODY_LIMIT), include_in_schema=False)
    router.get("/v")(pages.ask)
    router.get("/v/{number}")(pages.see)
    router.get("/pledges")(pages.page)
    router.get("/pledges.json")(pages.json)
    router.get("/pledges.csv")(pages.csv)
    return router


def _cells(row: ListedPledge) -> tuple[str, ...]:
    return (row.number, row.shop, row.district, row.sector, row.signed_on.isoformat(), row.valid_until.isoformat())


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(RISKY) else cell


def _word(said: str) -> str:
    """A word to look for: a database takes no NUL."""
    return said.replace("\0", "").strip()[:MOST_WORDS]


def _sector(said: str) -> str:
    """A trade's id; by its name as well, which is what the list shows."""
    word = _word(said)
    return next((pack.id for pack in own_trades().packs if pack.name == word), word)


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _shown(found: SeenPledge) -> HTMLResponse:
    state, _, soon = found.label.partition("（")
    seen_at = f"{utc_now().astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    return _page("pledge.html", 200, pledge=found, state=state, soon=soon.rstrip("）"), seen_at=seen_at)


def _asked(status: int, number: str = "", *, mistyped: bool = False, unknown: bool = False) -> HTMLResponse:
    return _page("pledge_ask.html", status, number=number, mistyped=mistyped, unknown=unknown)


def _slower(seconds: float) -> HTMLResponse:
    answer = _page("gone.html", 429, title="请等一分钟再打开", then="这个网络上刚才查得太频繁了。")
    answer.headers["Retry-After"] = str(int(seconds) + 1)
    return answer


def _page(template: str, status: int, **values: Any) -> HTMLResponse:
    return HTMLResponse(render(template, **values), status)
