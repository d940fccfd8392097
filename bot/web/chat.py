"""The web chat's own requests: sessions, messages, files, moving to another device."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import UploadFile

from bot.web.limits import Buckets, ChatSettings, too_often
from bot.web.ports import BadFileError, ChatPort
from bot.web.routes import route_with_limit
from bot.web.shapes import CodeIn, HandoverOut, LinesOut, MessageIn, SessionOut
from bot.web.spoken import SpokenError
from handlers.conversation.messages import Attachment, ContactRef, Inbound

Credentials = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="会话令牌"))
]
After = Annotated[int, Query(ge=0)]

_JSON_LIMIT = 32 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
_NAME_LENGTH = 80
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["key", "files"],
                    "properties": {
                        "key": {"type": "string"},
                        "after": {"type": "integer"},
                        "files": {"type": "array", "maxItems": 9, "items": {"type": "string", "format": "binary"}},
                    },
                }
            }
        },
    }
}


class Chat:
    """The endpoints over one port. Synchronous port calls run in the thread pool."""

    def __init__(self, port: ChatPort, settings: ChatSettings) -> None:
        self.port = port
        self.settings = settings
        self.sending = Buckets(settings.burst, settings.per_seconds)
        self.reading = Buckets(settings.burst * 3, settings.per_seconds)
        self.opening = Buckets(300, 30.0, keep=1)
        # Six digits live ten minutes: wrong guesses share one bucket, or a guesser would just open more sessions.
        self.guessing = Buckets(30, 150.0, keep=1)

    async def open_session(self) -> SessionOut:
        """开始一次新的匿名对话。"""
        self.opening.demand("all")
        return SessionOut(token=await to_thread.run_sync(self.port.open_session))

    async def redeem(self, body: CodeIn) -> SessionOut:
        """用 6 位码接着另一台设备上的对话。"""
        if (seconds := self.guessing.wait("all")) > 0:
            raise too_often(seconds)
        code = re.sub(r"\s", "", unicodedata.normalize("NFKC", body.code))
        token = await to_thread.run_sync(self.port.redeem_handover, code) if re.fullmatch(r"\d{6}", code) else None
        if token is None:
            self.guessing.take("all")
            raise SpokenError(400, "这个码不对或者已经过期，请在原来的设备上重新取一个。")
        return SessionOut(token=token)

    async def handover(self, credentials: Credentials) -> HandoverOut:
        """取一个 6 位码，在另一台设备上接着聊；十分钟内用一次。"""
        contact = await self._contact(credentials)
        self.sending.demand(contact.external_id)
        code = await to_thread.run_sync(self.port.handover_code, _token(credentials))
        if code is None:
            raise SpokenError(503, "现在取不到码，请过一分钟再试。")
        return HandoverOut(code=code)

    async def send(self, body: MessageIn, credentials: Credentials) -> LinesOut:
        """发一句话，或者选一个选项；答复里是 after 之后的全部新内容。"""
        contact = await self._contact(credentials)
        self.sending.demand(contact.external_id)
        text = _clean(body.text or "")
        if not text and body.choice is None:
            raise SpokenError(400, "请先写点内容再发。")
        if len(text) > self.settings.max_text:
            raise SpokenError(413, f"这条太长了，请分成几条发，每条不超过 {self.settings.max_text} 个字。")
        now = datetime.now(UTC)
        return await self._turn(Inbound(contact, f"web:{body.key}", now, text=text, choice=body.choice), body.after)

    async def messages(self, credentials: Credentials, after: After = 0) -> LinesOut:
        """读 after 之后的内容：刷新后接着看，也用来收推送。"""
        contact = await self._contact(credentials)
        self.reading.demand(contact.external_id)
        return await self._since(contact, after)

    async def files(self, request: Request, credentials: Credentials) -> LinesOut:
        """发照片、视频、PDF 或表格，一次最多 9 个，每个不超过 10 MB。"""
        contact = await self._contact(credentials)
        self.sending.demand(contact.external_id)
        async with request.form(max_files=64, max_fields=8, max_part_size=4096) as form:
            key, after = str(form.get("key", "")), str(form.get("after", "0"))
            uploads = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
            if not _KEY.fullmatch(key) or not re.fullmatch(r"[0-9]{1,18}", after):
                raise SpokenError(400)
            self._check_uploads(uploads)
            kept = tuple([await self._keep(upload) for upload in uploads])
        return await self._turn(Inbound(contact, f"web:{key}", datetime.now(UTC), attachments=kept), int(after))

    def _check_uploads(self, uploads: list[UploadFile]) -> None:
        if not uploads:
            raise SpokenError(400, "请先选一张照片或一个文件。")
        if len(uploads) > self.settings.max_files:
            raise SpokenError(413, f"一次最多发 {self.settings.max_files} 个，请分几次发。")
        megabytes = self.settings.max_file_bytes // (1024 * 1024)
        for upload in uploads:
            if (upload.size or 0) > self.settings.max_file_bytes:
                raise SpokenError(413, f"“{file_name(upload)}”超过了 {megabytes} MB，请换小一点的再发。")

    async def _keep(self, upload: UploadFile) -> Attachment:
        try:
            return await to_thread.run_sync(self.port.keep_file, await upload.read(), file_name(upload))
        except BadFileError as error:
            raise SpokenError(400, str(error)) from error

    async def _contact(self, credentials: Credentials) -> ContactRef:
        contact = await to_thread.run_sync(self.port.contact_of, _token(credentials))
        if contact is None:
            raise SpokenError(401)
        return contact

    async def _turn(self, inbound: Inbound, after: int) -> LinesOut:
        await self.port.send(inbound)
        return await self._since(inbound.contact, after)

    async def _since(self, contact: ContactRef, after: int) -> LinesOut:
        return LinesOut.of(await to_thread.run_sync(self.port.history, contact, after), after)


def create_chat_router(port: ChatPort, settings: ChatSettings) -> APIRouter:
    """``POST /chat/session``, ``/chat/messages``, ``/chat/files``, ``/chat/handover`` and their answers."""
    chat = Chat(port, settings)
    router = APIRouter(prefix="/chat", tags=["网页对话"], route_class=route_with_limit(_JSON_LIMIT))
    router.post("/session")(chat.open_session)
    router.post("/session/redeem")(chat.redeem)
    router.post("/handover")(chat.handover)
    router.post("/messages", response_model_exclude_none=True)(chat.send)
    router.get("/messages", response_model_exclude_none=True)(chat.messages)
    upload = route_with_limit(settings.max_upload_bytes)
    router.add_api_route(
        "/files",
        chat.files,
        methods=["POST"],
        response_model_exclude_none=True,
        openapi_extra=_UPLOAD,
        route_class_override=upload,
    )
    return router


def _token(credentials: HTTPAuthorizationCredentials | None) -> str:
    return credentials.credentials if credentials else ""


def _clean(text: str) -> str:
    """Without what no database stores: NUL, and half an emoji as a phone's length limit may leave it."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "").strip()


def file_name(upload: UploadFile) -> str:
    """The file's own name without folders or control characters, short enough for one line of a bubble."""
    base = PurePosixPath((upload.filename or "").replace("\\", "/")).name
    return "".join(c for c in base if c.isprintable())[-_NAME_LENGTH:] or "文件"
