"""The whole bot as a process that can be killed and started again many times a minute.

Run as ``python -m tests.crash_server``. Each line of standard input, a JSON object with ``settings``, ``port``,
``failpoint`` (or none) and ``log``, forks one server that runs until it is killed; its process number and, when it is
gone, ``gone`` are said on standard output. The facts are loaded once, before the first fork; leases are short, so that
a test need not wait for them.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn

import bot.channels.telegram.channel
import bot.channels.wechat.channel
import bot.channels.wechat.tokens
import bot.delivery
import handlers.turn
import storage.media
import storage.sending
from bot import logs
from bot.app import Knowledge, Service
from bot.server import create_app
from bot.settings import Settings
from storage import failpoints

CACHE = Path("var/cache")
CALL_SECONDS, LEASE, SWEEP_SECONDS = 0.7, timedelta(seconds=1), 0.3
FIRST_PAUSE = timedelta(milliseconds=100)
CHANNELS = (bot.channels.telegram.channel, bot.channels.wechat.channel)


def serve(order: dict[str, Any], knowledge: Knowledge) -> None:
    log = os.open(order["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    storage.sending.LEASE = storage.media.LEASE = bot.delivery.LEASE = LEASE
    bot.delivery.CALL_SECONDS, bot.delivery.SWEEP_SECONDS = CALL_SECONDS, SWEEP_SECONDS
    storage.sending.FIRST_PAUSE = FIRST_PAUSE
    handlers.turn.PASSIVE_GRACE = bot.channels.wechat.tokens.NOT_AGAIN_FOR = LEASE
    if order["failpoint"]:
        failpoints.arm(order["failpoint"])
    settings = Settings(_env_file=None, **order["settings"])
    logs.configure()
    app = create_app(Service(settings, knowledge), clock=False, worker=True)
    uvicorn.run(app, host="127.0.0.1", port=order["port"], log_config=None, access_log=False)


def main() -> None:
    assert CHANNELS
    knowledge = Knowledge.load(CACHE)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                serve(json.loads(line), knowledge)
            except BaseException:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()
