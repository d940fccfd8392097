"""The processes without web pages: one that sends and fetches, one that only keeps the hours."""

from __future__ import annotations

import asyncio
from contextlib import closing

from bot.app import Service
from bot.processes import Channels, Ticking, Worker
from bot.running import StartError, run
from bot.settings import Settings


def work(settings: Settings) -> int:
    """Deliver, fetch files, and poll where a platform is polled, until stopped. Any number may run on PostgreSQL."""
    with closing(Service(settings)) as service:
        channels = Channels.of(service)
        if not channels.names:
            raise StartError(
                "没有要送的渠道：请先设好微信（HONESTSCALE_WECHAT_APP_ID）或 Telegram（HONESTSCALE_TELEGRAM_MODE）。"
            )

        async def until(stop: asyncio.Event) -> None:
            async with channels, Worker(service, channels):
                print(f"送达进程已启动：{'、'.join(channels.names)}（按 Ctrl+C 停止）", flush=True)
                await stop.wait()

        run(until)
    return 0


def keep_hours(settings: Settings) -> int:
    """Run the daily jobs until stopped. Several clocks on one database do each day's work once."""
    with closing(Service(settings)) as service:

        async def until(stop: asyncio.Event) -> None:
            async with Ticking(service):
                print("定时任务进程已启动（按 Ctrl+C 停止）", flush=True)
                await stop.wait()

        run(until)
    return 0
