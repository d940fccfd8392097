"""What an operator does with the bot's account: register the webhook, publish the commands, see whether all is well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    WebhookInfo,
)
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, TelegramError

from bot.channels.telegram.client import TelegramClient, described
from bot.channels.telegram.inbound import UPDATES
from bot.settings import Settings, SettingsError, TelegramMode

FILE = Path(__file__).parent / "commands.yaml"
LANGUAGES = ("", "zh", "en")
"""The empty one is for everybody whose language is none of the others: they are told in Chinese."""
CONNECTIONS = 40
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Texts:
    """What the bot says of itself, as ``commands.yaml`` has it."""

    commands: tuple[dict[str, Any], ...]
    description: dict[str, str]
    short_description: dict[str, str]

    @classmethod
    def load(cls, path: Path = FILE) -> Texts:
        data = yaml.safe_load(path.read_text("utf-8"))
        return cls(tuple(data["commands"]), data["description"], data["short_description"])

    def menu(self, role: str, language: str) -> list[BotCommand]:
        """``role``: user, group or staff."""
        mine = (command for command in self.commands if role in command["for"])
        return [BotCommand(command["name"], command[language or "zh"]) for command in mine]


async def publish(bot: Bot, staff: Iterable[str], texts: Texts | None = None) -> list[str]:
    """Set commands and descriptions in every language; the lines to show."""
    texts = texts or Texts.load()
    scopes: tuple[tuple[str, BotCommandScope], ...] = (
        ("user", BotCommandScopeAllPrivateChats()),
        ("group", BotCommandScopeAllGroupChats()),
    )
    for language in LANGUAGES:
        for role, scope in scopes:
            await bot.set_my_commands(texts.menu(role, language), scope=scope, language_code=language)
        await bot.set_my_description(texts.description[language or "zh"], language_code=language)
        await bot.set_my_short_description(texts.short_description[language or "zh"], language_code=language)
    told = [await _publish_for_staff(bot, texts, person) for person in sorted(staff)]
    counts = "，".join(f"{name} {len(texts.menu(role, ''))} 条" for role, name in (("user", "私聊"), ("group", "群里")))
    return [f"命令和说明已发布（中文、英文）：{counts}。", *told]


async def _publish_for_staff(bot: Bot, texts: Texts, person: str) -> str:
    try:
        for language in LANGUAGES:
            scope = BotCommandScopeChat(int(person))
            await bot.set_my_commands(texts.menu("staff", language), scope=scope, language_code=language)
    except (BadRequest, Forbidden):
        return f"工作人员 {person} 还没和机器人说过话：请先给机器人发 /start，再运行一次。"
    return f"工作人员 {person} 的命令已发布：{len(texts.menu('staff', ''))} 条。"


# -- what the command line calls ----------------------------------------------------------------------------------


async def setup(settings: Settings) -> list[str]:
    """Register the webhook, or free the way for polling, and publish the commands; the lines to show."""
    if settings.telegram_mode is TelegramMode.WEBHOOK and not settings.public_url:
        raise SettingsError("回调方式要先填 HONESTSCALE_PUBLIC_URL，形如 https://jl.example.gov.cn")
    return await _with_bot(settings, lambda bot: _set_up(bot, settings))


async def _set_up(bot: Bot, settings: Settings) -> list[str]:
    if settings.telegram_mode is TelegramMode.WEBHOOK:
        await bot.set_webhook(
            _address(settings),
            secret_token=settings.telegram_webhook_secret.get_secret_value(),
            allowed_updates=UPDATES,
            max_connections=CONNECTIONS,
            drop_pending_updates=False,
        )
        done = f"回调已登记：{_address(settings)}"
    else:
        await bot.delete_webhook(drop_pending_updates=False)
        done = "回调已撤掉，改由本程序轮询。"
    return [done, *await publish(bot, settings.telegram_staff_ids)]


async def check(settings: Settings) -> list[str]:
    """Whether the token works and updates arrive; the lines to show."""
    return await _with_bot(settings, lambda bot: _check(bot, settings))


async def _check(bot: Bot, settings: Settings) -> list[str]:
    me, hook = await bot.get_me(), await bot.get_webhook_info()
    groups = "可以加进群" if me.can_join_groups else "不能加进群"
    return [
        f"令牌可用：@{me.username}（{me.first_name}），{groups}。",
        _arrival(hook, settings),
        f"还没取走的消息：{hook.pending_update_count} 条。",
        *_last_error(hook),
    ]


def _arrival(hook: WebhookInfo, settings: Settings) -> str:
    if settings.telegram_mode is TelegramMode.POLLING:
        return "✗ 还登记着回调，轮询收不到：请运行 telegram setup。" if hook.url else "✓ 没有登记回调，由本程序轮询。"
    if not settings.public_url:
        return "✗ 还没填 HONESTSCALE_PUBLIC_URL。"
    if hook.url != _address(settings):
        return f"✗ 登记的回调不是 {_address(settings)}：请运行 telegram setup。"
    if set(hook.allowed_updates or ()) != set(UPDATES):
        return "✗ 登记的消息种类不全：请运行 telegram setup。"
    return f"✓ 回调：{hook.url}，最多 {hook.max_connections} 个连接。"


def _last_error(hook: WebhookInfo) -> Sequence[str]:
    if hook.last_error_date is None:
        return ()
    at: datetime = hook.last_error_date.astimezone(SHANGHAI)
    return (f"最近一次回调失败：{at:%m-%d %H:%M} {hook.last_error_message}",)


def _address(settings: Settings) -> str:
    return f"{settings.public_url}/telegram"


async def _with_bot(settings: Settings, work: Callable[[Bot], Awaitable[list[str]]]) -> list[str]:
    try:
        async with _account(settings) as bot:
            return await work(bot)
    except TelegramError as error:
        return [_why(error)]


def _why(error: TelegramError) -> str:
    if isinstance(error, InvalidToken):
        return "令牌不能用：请向 @BotFather 核对，更新 HONESTSCALE_TELEGRAM_TOKEN。"
    if isinstance(error, NetworkError) and not isinstance(error, BadRequest):
        return (
            f"连不上 Telegram（{described(error)}）：请检查网络、代理（HTTPS_PROXY）和 HONESTSCALE_TELEGRAM_API_BASE。"
        )
    return f"Telegram 不接受（{described(error)}）。"


@asynccontextmanager
async def _account(settings: Settings) -> AsyncIterator[Bot]:
    if settings.telegram_mode is TelegramMode.OFF:
        raise SettingsError("请先把 HONESTSCALE_TELEGRAM_MODE 设成 webhook 或 polling")
    client = TelegramClient(settings)
    try:
        yield client.bot
    finally:
        await client.close()
