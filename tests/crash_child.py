"""Takes turns on a SQLite file until it is killed; every line of the acknowledgement file is one answered message.

Run by ``tests/unit/test_turn.py`` as ``python -m tests.crash_child``. Each line of standard input, a JSON object with
``database``, ``name``, ``again`` (keys to deliver once more) and ``file``, forks one process that works until it is
killed; its number and then ``gone`` are said on standard output. The matcher is left out, so that the start is quick.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from bot.turns import turns_for
from handlers.conversation.messages import ContactRef, Inbound, Reply
from handlers.desk import build_desk
from handlers.talk import Office
from handlers.turn import Reception
from knowledge.workdays import Calendar
from storage.database import Database
from tests.support import NOW

WORDS = ("菜单", "查秤", "2", "取消", "人工", "取消", "继续", "帮助")
BENCH: Any = SimpleNamespace(
    library=None, matcher=None, calendar=Calendar.load(), plans=None, office=Office(), vault=None
)
DESK = replace(
    build_desk(), side_answer=lambda _talk, _text: None, answer=lambda _talk, text: [Reply(f"没有卡片：{text}")]
)


def work(order: dict[str, Any]) -> None:
    database = Database(f"sqlite:///{order['database']}")
    reception = Reception(DESK, BENCH)
    turns = turns_for(database, 1)
    out = os.open(order["file"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def send(key: str, text: str) -> Any:
        inbound = Inbound(ContactRef("terminal", f"p{int(key.partition('-')[2]) % 3}"), key, NOW, text)
        return turns.submit(lambda session: [line.id for line in reception.turn(session, inbound)])

    keys = itertools.chain(order["again"], (f"{order['name']}-{n}" for n in itertools.count()))
    words = itertools.cycle(WORDS)
    while True:
        group = [(key, send(key, next(words))) for key in itertools.islice(keys, 5)]
        for key, future in group:
            os.write(out, (json.dumps([key, future.result()]) + "\n").encode())


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(json.loads(line))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()
