"""What an operator does with the account: publish the menu, make QR codes, see what the account may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from bot.channels.wechat.channel import new_client
from bot.channels.wechat.client import WechatClient
from bot.channels.wechat.errors import UnreachableError, WechatError
from bot.channels.wechat.inbound import SAY
from bot.channels.wechat.transport import new_http
from bot.settings import Settings, SettingsError
from bot.turns import turns_for
from handlers.routes import is_route
from storage.database import Database

MENU = Path(__file__).parent / "menu.yaml"
QR_SECONDS = 30 * 24 * 3600
PROBES = (
    ("customer", "客服消息（48 小时内主动答复）", "/cgi-bin/message/custom/send"),
    ("subscribe-standing", "订阅通知", "/cgi-bin/message/subscribe/bizsend"),
    ("template", "模板消息", "/cgi-bin/message/template/send"),
    ("", "自定义菜单", "/cgi-bin/menu/create"),
    ("", "带参数二维码", "/cgi-bin/qrcode/create"),
)
HINTS = {
    40013: "AppID 不对，请核对 HONESTSCALE_WECHAT_APP_ID",
    40125: "AppSecret 不对，请在公众平台重置后更新",
    40164: "本机出口 IP 不在白名单里，请在公众平台“基本配置”里加上",
    48001: "账号没有这个权限，可能没认证或类型不对",
}


def menu_buttons(path: Path = MENU) -> list[dict[str, Any]]:
    """The menu as the platform's ``menu/create`` takes it."""
    return [
        {"name": group["name"], "sub_button": [_button(b) for b in group["buttons"]]}
        for group in yaml.safe_load(path.read_text("utf-8"))
    ]


def _button(button: dict[str, str]) -> dict[str, str]:
    return {"type": button.get("with", "click"), "name": button["name"], "key": SAY + button["say"]}


async def publish_menu(settings: Settings) -> list[str]:
    """Put the menu of ``menu.yaml`` into place; the lines to show."""
    async with _account(settings) as client:
        try:
            await client.post("/cgi-bin/menu/create", {"button": menu_buttons()})
        except (WechatError, UnreachableError) as error:
            return [f"菜单没有发布：{_why(error)}"]
    names = [f"{g['name']}：{'、'.join(b['name'] for b in g['sub_button'])}" for g in menu_buttons()]
    return ["菜单已发布，手机上最迟 5 分钟后看到（取消关注再关注可立即看到）：", *names]


async def qr(settings: Settings, route: str) -> list[str]:
    """A QR code that leads into the bot at a route such as ``s_A12``; the address of its picture."""
    if not is_route(route):
        raise SettingsError("路线要写成 s_A12、p_000123 这样：一个字母、下划线、字母数字")
    body = {
        "action_name": "QR_STR_SCENE",
        "expire_seconds": QR_SECONDS,
        "action_info": {"scene": {"scene_str": route}},
    }
    async with _account(settings) as client:
        try:
            answer = await client.post("/cgi-bin/qrcode/create", body)
        except (WechatError, UnreachableError) as error:
            return [f"二维码没有生成：{_why(error)}"]
    picture = f"https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket={quote(answer['ticket'], safe='')}"
    return [f"二维码（30 天内有效）：{picture}"]


async def check(settings: Settings) -> list[str]:
    """Whether the credentials work, and what the account can and cannot do."""
    async with _account(settings) as client:
        try:
            await client.get("/cgi-bin/getcallbackip")
        except (WechatError, UnreachableError) as error:
            return [f"凭据不能用：{_why(error)}"]
        lines = ["凭据可用：拿到了接口调用凭据。"]
        for ability, name, path in PROBES:
            lines.append(await _probe(client, settings, ability, name, path))
    mode = "安全模式" if settings.wechat_mode == "safe" else "明文模式（只可用于本机开发）"
    return [*lines, f"消息加解密：{mode}。回调地址：{settings.public_url or '（未设 HONESTSCALE_PUBLIC_URL）'}/wechat"]


async def _probe(client: WechatClient, settings: Settings, ability: str, name: str, path: str) -> str:
    """Asks for the quota of an interface: an account without the right to it gets an error."""
    switched = "" if not ability else "，设置里已打开" if ability in settings.abilities else "，设置里没打开"
    try:
        quota = (await client.post("/cgi-bin/openapi/quota/get", {"cgi_path": path})).get("quota", {})
    except (WechatError, UnreachableError) as error:
        return f"✗ {name}：{_why(error)}{switched}"
    return f"✓ {name}：每日 {quota.get('daily_limit', '？')} 次，今天已用 {quota.get('used', '？')}{switched}"


def _why(error: WechatError | UnreachableError) -> str:
    if isinstance(error, WechatError):
        return f"{HINTS.get(error.code, '平台不接受')}（errcode {error.code}）"
    return f"连不上 {error}，请检查网络和 HONESTSCALE_WECHAT_API_BASE"


@asynccontextmanager
async def _account(settings: Settings) -> AsyncIterator[WechatClient]:
    if not settings.wechat_app_id:
        raise SettingsError("还没有设 HONESTSCALE_WECHAT_APP_ID，见 docs/wechat.md")
    database = Database(settings.database, 1)
    database.migrate()
    turns = turns_for(database, 1)
    try:
        async with new_http(settings.wechat_api_base) as http:
            yield new_client(settings, turns, http)
    finally:
        turns.close()
        database.close()
