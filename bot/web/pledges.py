"""Public pages of pledges: ``/v/…`` is what a card's code opens, ``/pledges`` the list, as a page, CSV and JSON."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import APIRouter
from starlette.responses import HTMLResponse, JSONResponse, Response

from bot.web.routes import route_with_limit
from bot.web.templating import render
from knowledge import pledge_number

if TYPE_CHECKING:
    from bot.web.ports import ListedPledge, PledgePort

BODY_LIMIT = 1024
MOST_WORDS = 40
COLUMNS = ("编号", "单位", "辖区", "行业", "承诺日期", "有效期至")
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet program."""


class PledgePages:
    def __init__(self, port: PledgePort) -> None:
        self._port = port

    async def see(self, number: str, s: str = "") -> HTMLResponse:
        """The pledge of a number, as it stands this minute."""
        read = pledge_number.read(number)
        found = None
        if read is not None and not read.mistyped:
            found = await to_thread.run_sync(self._port.see, read.number, s[:200])
        mistyped = read is not None and read.mistyped
        status = 200 if found is not None else 404
        shown = read.number if read is not None and not read.mistyped else number[:MOST_WORDS]
        return _page("pledge.html", status, pledge=found, number=shown, mistyped=mistyped)

    async def page(self, district: str = "", sector: str = "", after: int = 0) -> HTMLResponse:
        found = await self._list(district, sector, after)
        return _page("pledges.html", 200, found=found, district=district[:MOST_WORDS], sector=sector[:MOST_WORDS])

    async def json(self, district: str = "", sector: str = "", after: int = 0) -> JSONResponse:
        found = await self._list(district, sector, after)
        rows = [dict(zip(COLUMNS, _cells(row), strict=True)) for row in found.rows]
        return JSONResponse({"total": found.total, "target": found.target, "after": found.after, "rows": rows})

    async def csv(self, district: str = "", sector: str = "") -> Response:
        """The whole list of a district and trade: pages of the list, one after the other."""
        out, after = io.StringIO(), 0
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        while True:
            found = await self._list(district, sector, after)
            writer.writerows([_harmless(cell) for cell in _cells(row)] for row in found.rows)
            after = found.after
            if not after:
                break
        headers = {"Content-Disposition": "attachment; filename=pledges.csv"}
        # The mark at the beginning tells spreadsheet programs that it is UTF-8.
        return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    async def _list(self, district: str, sector: str, after: int) -> Any:
        words = district[:MOST_WORDS], sector[:MOST_WORDS]
        return await to_thread.run_sync(partial(self._port.list, *words, max(0, after)))


def create_pledges_router(port: PledgePort) -> APIRouter:
    pages = PledgePages(port)
    router = APIRouter(route_class=route_with_limit(BODY_LIMIT), include_in_schema=False)
    router.get("/v/{number}")(pages.see)
    router.get("/pledges")(pages.page)
    router.get("/pledges.json")(pages.json)
    router.get("/pledges.csv")(pages.csv)
    return router


def _cells(row: ListedPledge) -> tuple[str, ...]:
    return (row.number, row.shop, row.district, row.sector, row.signed_on.isoformat(), row.valid_until.isoformat())


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(RISKY) else cell


def _page(template: str, status: int, **values: Any) -> HTMLResponse:
    return HTMLResponse(render(template, **values), status)
