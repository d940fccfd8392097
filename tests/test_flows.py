"""Every conversation in ``flows/`` on every channel: terminal, web chat, WeChat and Telegram, typed and tapped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Knowledge, Service
from bot.channels.terminal import render
from bot.channels.wechat import shown
from bot.server import create_app
from handlers.conversation.messages import Reply
from tests.channel_talks import TelegramStage, WechatStage, wechat_difference
from tests.fakes.telegram import FakeTelegram
from tests.fakes.wechat import FakeWechat
from tests.support import NOW, Browser, StandingClock, service_at
from tests.talks import Corpus, Talk, TalkError, Web, all_talks, check, difference, done, fits, parse, play
from tests.wechat import fake as fake_wechat


def _on(channel: str, paths: Iterable[Path]) -> list[object]:
    return [_listed(path) for path in paths if channel in parse(path).channels]


def _listed(path: Path) -> object:
    wrong = parse(path).wrong_today
    marks = [pytest.mark.xfail(strict=True, reason=wrong)] if wrong else []
    return pytest.param(path, id=path.stem, marks=marks)


TALKS = all_talks()
DIGITS = re.compile(r"^用户：[\d１-９]$", re.MULTILINE)
TAPS = [path for path in TALKS if DIGITS.search(path.read_text("utf-8"))]


@pytest.fixture
def clock() -> Iterator[StandingClock]:
    with StandingClock() as clock:
        yield clock


@pytest.fixture
def web(tmp_path: Path, empty_file: Path, knowledge: Knowledge, clock: StandingClock) -> Iterator[Web]:
    service = service_at(tmp_path / "web", empty_file, knowledge)
    browser = Browser(create_app(service, clock=False))
    yield Web(service, browser, clock, taps=False)
    browser.close()
    service.close()


def test_there_are_enough_conversations() -> None:
    assert len(TALKS) >= 32


@pytest.mark.parametrize("path", _on("terminal", TALKS))
def test_in_the_terminal(path: Path, corpus: Corpus) -> None:
    check(parse(path), corpus.played(path))


@pytest.mark.parametrize("path", _on("web", TALKS))
def test_typed_in_the_web_chat(path: Path, web: Web) -> None:
    talk = parse(path)
    check(talk, play(talk, web))


@pytest.mark.parametrize("path", _on("web", TAPS))
def test_tapped_in_the_web_chat(path: Path, web: Web) -> None:
    talk = parse(path)
    web.taps = True
    check(talk, play(talk, web))


# -- on the platforms ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wechat_api() -> Iterator[FakeWechat]:
    with fake_wechat() as api:
        yield api


@pytest.fixture(scope="module")
def telegram_api() -> Iterator[FakeTelegram]:
    with FakeTelegram(enforce_flood=False) as api:
        yield api


@pytest.fixture
def on_wechat(
    tmp_path: Path,
    empty_file: Path,
    knowledge: Knowledge,
    wechat_api: FakeWechat,
    clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[WechatStage]:
    monkeypatch.setattr(shown, "EVERY_SECONDS", 0.003)
    stage = WechatStage(tmp_path / "wechat", empty_file, knowledge, wechat_api, clock)
    yield stage
    stage.close()


@pytest.fixture
def on_telegram(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, telegram_api: FakeTelegram, clock: StandingClock
) -> Iterator[TelegramStage]:
    stage = TelegramStage(tmp_path / "telegram", empty_file, knowledge, telegram_api, clock)
    yield stage
    stage.close()


def check_on_wechat(talk: Talk, stage: WechatStage) -> None:
    opened = stage.open(talk.turns[0].at)
    for number, turn in enumerate(talk.turns):
        actual = opened if turn.said is None else done(turn, stage)
        wrong = wechat_difference(talk, number, actual)
        assert wrong is None, "\n" + str(wrong)


def check_on_telegram(talk: Talk, stage: TelegramStage) -> None:
    opened = stage.open(talk.turns[0].at)
    for turn in talk.turns:
        actual = opened if turn.said is None else done(turn, stage)
        wrong = difference(talk, turn, actual)
        assert wrong is None, "\n" + str(wrong)


@pytest.mark.parametrize("path", _on("wechat", TALKS))
def test_on_wechat(path: Path, on_wechat: WechatStage) -> None:
    check_on_wechat(parse(path), on_wechat)


@pytest.mark.parametrize("path", _on("wechat", TAPS))
def test_tapped_on_wechat(path: Path, on_wechat: WechatStage) -> None:
    on_wechat.taps = True
    check_on_wechat(parse(path), on_wechat)


@pytest.mark.parametrize("path", _on("telegram", TALKS))
def test_on_telegram(path: Path, on_telegram: TelegramStage) -> None:
    check_on_telegram(parse(path), on_telegram)


@pytest.mark.parametrize("path", _on("telegram", TAPS))
def test_tapped_on_telegram(path: Path, on_telegram: TelegramStage) -> None:
    on_telegram.taps = True
    check_on_telegram(parse(path), on_telegram)


# -- what only buttons can do -------------------------------------------------------------------------------------


def test_a_stale_button_never_does_its_old_deed(web: Web) -> None:
    web.open(NOW)
    web.say("2斤排骨28一斤称得1斤8两", NOW)
    old = web.buttons["1"]
    web.say("取消", NOW)
    web.say("查秤", NOW)
    bubbles = [render(reply) for reply in web.send(NOW, {"choice": old})]
    assert bubbles[0] == "这个按钮已过期，请看下面现在的内容。"
    assert bubbles[1].startswith("查秤两招，选一个：\n1 ")
    assert len(bubbles) == 2


@pytest.mark.parametrize("token", ["deadbeef:1", "deadbeef:99"])
def test_a_button_nobody_offered(web: Web, token: str) -> None:
    web.open(NOW)
    bubbles = [render(reply) for reply in web.send(NOW, {"choice": token})]
    assert bubbles[0] == "这个按钮已过期，请看下面现在的内容。"
    assert "1 我的器具要不要检" in bubbles[1]


def test_the_same_button_twice_with_one_key_is_one_deed(web: Web) -> None:
    web.open(NOW)
    web.say("强检收费吗", NOW)
    token = web.buttons["1"]
    body = {"key": "samekey-0001", "choice": token, "after": web.after}
    first = web.client.post("/chat/messages", json=body).json()
    assert web.client.post("/chat/messages", json=body).json() == first
    assert [line["reply"]["text"] for line in first["lines"] if "reply" in line] == ["谢谢，有问题再来。"]


def test_a_button_works_after_the_options_no_longer_answer_to_a_number(web: Web) -> None:
    web.open(NOW)
    web.say("强检收费吗", NOW)
    token = web.buttons["1"]
    later = NOW + timedelta(minutes=31)
    assert web.send(later, {"choice": token})[0].text == "谢谢，有问题再来。"


def test_a_turn_that_goes_wrong_says_what_to_do_and_can_be_sent_again(web: Web) -> None:
    def broken(_talk: object, _text: str) -> list[Reply]:
        raise RuntimeError("no luck")

    web.open(NOW)
    sound = web.service.reception
    web.service.reception = replace(sound, desk=replace(sound.desk, answer=broken))
    body = {"key": "samekey-0001", "text": "强检收费吗"}
    failed = web.client.post("/chat/messages", json=body)
    assert failed.status_code >= 500
    assert re.search("[再重]", failed.text)
    assert "no luck" not in failed.text
    assert "系统错误" not in failed.text
    web.service.reception = sound
    again = web.client.post("/chat/messages", json=body).json()
    assert [line["reply"]["text"][:7] for line in again["lines"] if "reply" in line] == ["强制检定不收费"]


# -- the runner itself --------------------------------------------------------------------------------------------


def test_dots_stand_for_any_text_also_across_lines() -> None:
    assert fits("收到…您少 100 克…", "收到：排骨\n允许少：5 克；您少 100 克。\n依据")
    assert not fits("收到", "收到：排骨")


def test_a_mismatch_reads_as_a_conversation(tmp_path: Path) -> None:
    path = tmp_path / "x.talk"
    path.write_text("# 试\n用户：一\n机器人：甲\n  乙\n机器人：丙\n", "utf-8")
    talk = parse(path)
    told = difference(talk, talk.turns[0], ["甲\n丁"])
    assert told is not None
    assert "x.talk:2 《试》" in told
    assert "  应是 │ 乙" in told
    assert "  实际 │ 丁" in told
    assert "（没有这一条）" in told


@pytest.mark.parametrize("text", ["用户：一\n机器人：甲\n", "# 试\n用户：一\n", "# 试\n王五：一\n"])
def test_a_badly_written_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.talk"
    path.write_text(text, "utf-8")
    with pytest.raises(TalkError, match=r"bad\.talk"):
        parse(path)


def test_no_service_is_left_open(service: Service) -> None:
    assert service.database.revision() is not None
