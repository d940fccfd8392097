"""Files by links: ``/files/…`` gives one, ``/c/…/ledger.ics`` is a calendar to subscribe to, ``/upload/…`` takes one.

The token in the address is the key; these pages know no session, and every failure is a page that says what to do.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from bot.times import utc_now
from bot.web.chat import file_name
from bot.web.limits import MEGABYTE, Buckets, capped
from bot.web.ports import BadFileError, BusyError, Uploader
from bot.web.templating import render
from handlers.conversation.messages import Attachment, Inbound

if TYPE_CHECKING:
    from bot.web.ports import FilesPort, Made

log = logging.getLogger(__name__)
BODY_LIMIT = 32 * MEGABYTE
"""More than a file may have, so that who sends one that is too large is told so instead of being cut off."""
FEED_SECONDS = 3600
TOO_LARGE_STATUS = 413
NONE = "请先选一个文件，再点上传。"
TOO_LARGE = "文件太大了，每个不超过 10 MB，请换小一点的再传。"
BUSY = "现在人多，请过半分钟再传一次；传了两次也只算一次。"
GONE = "链接不对，或者已经过期。请回到和诚信秤的对话里再要一次，会给您新的链接。"
FAILED = "这边没处理好，请再传一次。"
GIVEN = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class FilePages:
    def __init__(self, port: FilesPort) -> None:
        self._port = port
        self._giving = Buckets(10, 60.0)
        self._feeding = Buckets(30, 300.0)
        self._taking = Buckets(6, 30.0)

    async def give(self, token: str) -> Response:
        """The file a link is about."""
        if self._giving.take(token):
            return _page("gone.html", 429, title="请等一分钟再打开", then="这个链接刚才打开得太频繁了。")
        try:
            made = await to_thread.run_sync(self._port.download, token)
        except LookupError:
            return _gone()
        return Response(made.data, media_type=made.media_type, headers=GIVEN | _named(made))

    async def feed(self, request: Request, token: str) -> Response:
        """A shop's calendar, for programs that ask again and again."""
        if seconds := self._feeding.take(token):
            return Response(status_code=429, headers={"Retry-After": str(int(seconds) + 1)})
        try:
            made = await to_thread.run_sync(self._port.feed, token)
        except LookupError:
            return _gone()
        etag = f'"{hashlib.sha256(made.data).hexdigest()[:32]}"'
        headers = GIVEN | {"Cache-Control": f"private, max-age={FEED_SECONDS}", "ETag": etag}
        if _knows(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(made.data, media_type=made.media_type, headers=headers)

    async def ask(self, token: str) -> Response:
        """The page on which a file is handed in."""
        try:
            await to_thread.run_sync(self._port.uploader, token)
        except LookupError:
            return _gone()
        return _form()

    async def take(self, request: Request, token: str) -> Response:
        """A file handed in: a message of whoever was given the link."""
        if seconds := self._taking.take(token):
            return _form(429, f"您传得太快了，请等 {int(seconds) + 1} 秒再传。")
        try:
            uploader = await to_thread.run_sync(self._port.uploader, token)
        except LookupError:
            return _gone()
        try:
            await self._send(uploader, await self._read(request))
        except BadFileError as error:
            return _form(400, str(error))
        except HTTPException as error:
            return _form(413, TOO_LARGE) if error.status_code == TOO_LARGE_STATUS else _form(400, NONE)
        except BusyError:
            return _form(503, BUSY)
        except Exception:
            log.exception("a file that was handed in came to nothing")
            return _form(500, FAILED)
        return _page("upload.html", 200, place=uploader.place, problem="")

    async def _read(self, request: Request) -> Attachment:
        body = Request(request.scope, capped(request.receive, BODY_LIMIT))
        async with body.form(max_files=2, max_fields=4, max_part_size=4096) as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile) or not (upload.filename or upload.size):
                raise BadFileError(NONE)
            return await to_thread.run_sync(self._port.keep_file, await upload.read(), file_name(upload))

    async def _send(self, uploader: Uploader, attachment: Attachment) -> None:
        # Sent twice by an impatient finger it is the same message.
        key = f"upload:{uploader.link}:{attachment.name[:32]}"
        await self._port.send(
            Inbound(
                uploader.contact,
                key,
                utc_now(),
                attachments=(attachment,),
                way=uploader.way,
                address=uploader.address,
            )
        )


def create_files_router(port: FilesPort) -> APIRouter:
    pages = FilePages(port)
    router = APIRouter(include_in_schema=False)
    router.get("/files/{token}")(pages.give)
    router.api_route("/c/{token}/ledger.ics", methods=["GET", "HEAD"])(pages.feed)
    router.get("/upload/{token}")(pages.ask)
    router.post("/upload/{token}")(pages.take)
    return router


def _named(made: Made) -> dict[str, str]:
    """The name in both forms: browsers that do not know the second one take the plain one."""
    ending = made.name.rpartition(".")[2]
    plain = f"file.{ending}" if ending.isascii() and ending.isalnum() else "file"
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(made.name, safe='')}"}


def _knows(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]


def _form(status: int = 200, problem: str = "") -> Response:
    return _page("upload.html", status, place="", problem=problem)


def _gone() -> Response:
    return _page("gone.html", 404, title="这个链接打不开了", then=GONE)


def _page(template: str, status: int, **values: str) -> Response:
    return HTMLResponse(render(template, **values), status)
