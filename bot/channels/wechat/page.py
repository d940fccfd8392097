"""``GET /wechat/notices``: the page 开启到期提醒, where a follower agrees to be sent notices.

Agreement can only be given on a page like this one, through the platform's own tag ``wx-open-subscribe``
(developers.weixin.qq.com 微信开放标签, 服务号订阅通知); what was agreed to comes back as an event on ``/wechat``.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from bot.channels.wechat.errors import UnreachableError, WechatError
from bot.channels.wechat.notices import TITLES, How, Notice
from bot.channels.wechat.tokens import Shared
from bot.settings import Settings
from bot.web.templating import render

log = logging.getLogger(__name__)
PATH = "/wechat/notices"
SDK = "https://res.wx.qq.com"
# The platform's script draws its tag with styles of its own and talks to the app through a frame.
POLICY = (
    f"default-src 'none'; script-src 'self' {SDK}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    f"connect-src 'self' {SDK}; frame-src weixin: wx:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class Page:
    def __init__(
        self, settings: Settings, ticket: Shared, notices: tuple[Notice, ...], clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._ticket = ticket
        self._clock = clock
        self._notices = [n for n in notices if n.how is not How.TEMPLATE and n.how in settings.abilities]

    async def show(self, request: Request) -> HTMLResponse:
        templates = self._templates()
        proof = await self._proof(request) if templates else None
        body = render(
            "wechat_notices.html",
            bureau=self._settings.bureau_name,
            hotline=self._settings.hotline,
            app_id=self._settings.wechat_app_id,
            templates=templates,
            titles=[TITLES[n.kind] for n in self._notices if n.template_id in templates],
            proof=proof,
            sdk=f"{SDK}/open/js/jweixin-1.6.0.js",
        )
        return HTMLResponse(body, headers={"Content-Security-Policy": POLICY})

    def _templates(self) -> list[str]:
        """Templates to ask for: those agreed to for good and for once must not stand in one question (max 5)."""
        standing = [n.template_id for n in self._notices if n.how is How.STANDING]
        once = [n.template_id for n in self._notices if n.how is How.ONCE]
        return list(dict.fromkeys(standing or once))[:5]

    async def _proof(self, request: Request) -> dict[str, str] | None:
        """The signature by which the WeChat browser knows this page; None when none is to be had now."""
        try:
            ticket = await self._ticket.get()
        except (WechatError, UnreachableError) as error:
            log.warning("no ticket for the notice page: %s", error)
            return None
        query = f"?{request.url.query}" if request.url.query else ""
        address = f"{self._settings.public_url}{PATH}{query}"
        given = {"timestamp": str(int(self._clock().timestamp())), "noncestr": secrets.token_hex(8)}
        signed = f"jsapi_ticket={ticket}&noncestr={given['noncestr']}&timestamp={given['timestamp']}&url={address}"
        return given | {"signature": hashlib.sha1(signed.encode()).hexdigest()}  # noqa: S324 - the platform's choice


def create_router(page: Page) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    router.get(PATH)(page.show)
    return router
