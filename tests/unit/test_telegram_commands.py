"""What the bot publishes of itself, and what an operator is told, against an account on the fake platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.channels.telegram import commands
from bot.channels.telegram.commands import LANGUAGES, Texts
from bot.channels.telegram.inbound import UPDATES
from bot.settings import Settings, SettingsError
from tests.fakes.telegram import BOT_TOKEN, FakeTelegram, Json, Person
from tests.processes import free_port
from tests.telegram import SECRET, account

STAFF = 77
PUBLIC = "https://bot.example.org"
HOOK = f"{PUBLIC}/telegram"
Command = Callable[[Settings], Awaitable[list[str]]]


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as fake:
        fake.person(STAFF, started=True)
        yield fake


def run(command: Command, api: str, **more: Any) -> list[str]:
    async def go() -> list[str]:
        return await command(account(Path(), api, **({"public_url": PUBLIC, "telegram_staff": f"{STAFF}"} | more)))

    lines = asyncio.run(go())
    shown = "\n".join(lines)
    assert BOT_TOKEN not in shown
    assert SECRET not in shown
    return lines


def names(menu: list[Json]) -> set[str]:
    return {command["command"] for command in menu}


def test_setup_registers_the_webhook_and_keeps_what_waits(fake: FakeTelegram) -> None:
    early = fake.person(5).text("你好")
    fake.deliver(early)
    assert run(commands.setup, fake.url)[0] == f"回调已登记：{HOOK}"
    (call,) = fake.called("setWebhook")
    assert call.params["secret_token"] == SECRET
    assert set(call.params["allowed_updates"]) == set(UPDATES)
    assert call.params["max_connections"] == 40
    assert fake.pending == [early]
    assert run(commands.setup, fake.url) == run(commands.setup, fake.url)


def test_setup_for_polling_takes_the_webhook_away(fake: FakeTelegram) -> None:
    run(commands.setup, fake.url)
    assert "轮询" in run(commands.setup, fake.url, telegram_mode="polling", telegram_webhook_secret="")[0]
    assert fake.mailbox.webhook is None


def test_everybody_sees_their_own_commands_in_their_own_language(fake: FakeTelegram) -> None:
    run(commands.setup, fake.url)
    texts = Texts.load()
    by_name = {command["name"]: command for command in texts.commands}
    people = {code: fake.person(100 + n, code) for n, code in enumerate(("zh-hans", "en", "de", None))}
    for code, person in people.items():
        language = "en" if code == "en" else "zh"
        shown = person.commands()
        assert names(shown) == {name for name, command in by_name.items() if "user" in command["for"]}
        assert all(command["description"] == by_name[command["command"]][language] for command in shown)
    member = fake.visible_commands(fake.group(-9).chat, "en")
    assert names(member) == {name for name, command in by_name.items() if "group" in command["for"]}
    assert "bind" not in names(member)
    assert "human" not in names(member)
    staff = fake.person(STAFF).commands()
    assert names(staff) - names(people["zh-hans"].commands()) == {"todo"}
    for name in ("description", "short_description"):
        assert fake.profile[name, ""] == fake.profile[name, "zh"] != fake.profile[name, "en"]


def test_the_commands_and_the_length_of_their_texts() -> None:
    texts = Texts.load()
    assert names([command.to_dict() for command in texts.menu("staff", "")]) == {
        *("start", "ask", "check", "judge", "checkup", "tip", "track", "human", "help", "cancel", "bind", "privacy"),
        "todo",
    }
    for language in LANGUAGES:
        assert all(len(command.description) <= 40 for command in texts.menu("user", "zh"))
        assert len(texts.description[language or "zh"]) <= 512
        assert len(texts.short_description[language or "zh"]) <= 120


def test_staff_the_bot_has_never_met(fake: FakeTelegram) -> None:
    lines = run(commands.setup, fake.url, telegram_staff=f"{STAFF},78")
    assert "78 还没和机器人说过话" in lines[-1]
    assert f"{STAFF} 的命令已发布" in lines[-2]


def test_commands_can_be_changed_without_touching_code(fake: FakeTelegram) -> None:
    texts = replace(Texts.load(), commands=({"name": "start", "for": ["user"], "zh": "开始", "en": "Begin"},))

    async def publish(settings: Settings) -> list[str]:
        client = commands.TelegramClient(settings)
        try:
            return await commands.publish(client.bot, settings.telegram_staff_ids, texts)
        finally:
            await client.close()

    run(publish, fake.url, telegram_staff="")
    assert fake.person(5, "en").commands() == [{"command": "start", "description": "Begin"}]


# -- check --------------------------------------------------------------------------------------------------------


def test_check_says_whether_updates_arrive(fake: FakeTelegram) -> None:
    assert any(line.startswith("✗ 登记的回调不是") for line in run(commands.check, fake.url))
    run(commands.setup, fake.url)
    good = run(commands.check, fake.url)
    assert good[0].startswith("令牌可用：@honest_scale_bot")
    assert good[1] == f"✓ 回调：{HOOK}，最多 40 个连接。"
    assert good[2] == "还没取走的消息：0 条。"
    fake.mailbox.last_error = (1_760_000_000, "Wrong response from the webhook: 403 Forbidden")
    assert run(commands.check, fake.url)[-1].endswith("Wrong response from the webhook: 403 Forbidden")
    fake.mailbox.allowed = ["message"]
    assert run(commands.check, fake.url)[1].startswith("✗ 登记的消息种类不全")
    assert run(commands.check, fake.url, telegram_mode="polling")[1].startswith("✗ 还登记着回调")
    assert run(commands.check, fake.url, public_url="")[1] == "✗ 还没填 HONESTSCALE_PUBLIC_URL。"


def test_check_when_polling(fake: FakeTelegram) -> None:
    assert run(commands.check, fake.url, telegram_mode="polling")[1].startswith("✓")


@pytest.mark.parametrize("command", [commands.setup, commands.check])
def test_what_is_wrong_is_said_in_words(fake: FakeTelegram, command: Command) -> None:
    assert run(command, fake.url, telegram_token=BOT_TOKEN.replace("AAF", "AAG"))[0].startswith("令牌不能用")
    assert run(command, f"http://127.0.0.1:{free_port()}")[0].startswith(
        "连不上 Telegram（NetworkError: ConnectError）"
    )
    fake.fault("*", error_code=400, description="Bad Request: no", times=None)
    assert run(command, fake.url) == ["Telegram 不接受（BadRequest: No）。"]


def test_settings_that_cannot_do(fake: FakeTelegram) -> None:
    with pytest.raises(SettingsError, match="HONESTSCALE_TELEGRAM_MODE"):
        run(commands.check, fake.url, telegram_mode="off")
    with pytest.raises(SettingsError, match="HONESTSCALE_PUBLIC_URL"):
        run(commands.setup, fake.url, public_url="")


def test_a_person_who_wrote_sees_commands_at_once(fake: FakeTelegram) -> None:
    person: Person = fake.person(STAFF)
    run(commands.setup, fake.url)
    assert {"command": "todo", "description": "今日待办"} in person.commands()
