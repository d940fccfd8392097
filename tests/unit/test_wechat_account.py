"""What an operator does with the account, against the platform: menu, codes, and what the account may do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import Knowledge
from bot.channels.wechat.account import check, menu_buttons, publish_menu, qr
from bot.channels.wechat.inbound import SAY
from bot.channels.wechat.render import LIMIT, compose
from bot.settings import Settings, SettingsError
from handlers.conversation.messages import Numbered
from handlers.turn import Reception
from storage.database import Database
from tests.fakes.wechat import ABILITIES, FakeWechat
from tests.support import said
from tests.talks import Corpus
from tests.wechat import APP_ID, SECRET, account, fake

MENU = {
    "查义务": ["我要查询", "开店体检", "找检定机构", "看课程", "人工咨询"],
    "我的店": ["我的台账", "到期提醒", "诚信承诺", "报名答题", "绑定换绑"],
    "短斤少两": ["当场判定", "拍照举报", "查秤两招", "查进度", "扫码验真"],
}


@pytest.fixture
def api() -> Iterator[FakeWechat]:
    with fake() as api:
        yield api


def test_the_menu_is_the_one_that_was_planned_and_fits() -> None:
    buttons = menu_buttons()
    assert {group["name"]: [b["name"] for b in group["sub_button"]] for group in buttons} == MENU
    for group in buttons:
        assert len(group["name"]) <= 4
        for button in group["sub_button"]:
            assert len(button["name"]) <= 8
            assert len(button["key"].encode()) <= 128


def test_the_menu_is_published(tmp_path: Path, api: FakeWechat) -> None:
    lines = asyncio.run(publish_menu(account(tmp_path, api.url)))
    assert lines[0].startswith("菜单已发布")
    assert api.menu is not None
    assert [b["name"] for b in api.menu["button"]] == list(MENU)
    kinds = {b["name"]: b["type"] for group in api.menu["button"] for b in group["sub_button"]}
    assert (kinds["扫码验真"], kinds["拍照举报"], kinds["查进度"]) == (
        "scancode_waitmsg",
        "pic_photo_or_album",
        "click",
    )


@pytest.mark.parametrize("word", [b["key"].removeprefix(SAY) for group in menu_buttons() for b in group["sub_button"]])
def test_every_button_leads_somewhere(database: Database, reception: Reception, word: str) -> None:
    with database.unit() as session:
        reception.turn(session, said("你好", "k0"))
        lines = reception.turn(session, said(word, "k1"))
    text = "\n".join(line.reply.text for line in lines)
    assert text
    assert "没找到" not in text
    assert "没听懂" not in text


def test_a_code_leads_to_its_route(tmp_path: Path, api: FakeWechat) -> None:
    (line,) = asyncio.run(qr(account(tmp_path, api.url), "s_A12"))
    assert "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=" in line
    assert "s_A12" in str(api.calls_to("qrcode/create")[0].body)
    with pytest.raises(SettingsError, match="s_A12"):
        asyncio.run(qr(account(tmp_path, api.url), "城西菜场"))


def test_the_check_says_what_the_account_can_and_cannot_do(tmp_path: Path) -> None:
    with FakeWechat(app_id=APP_ID, secret=SECRET, abilities=ABILITIES - {"template"}) as api:
        text = "\n".join(asyncio.run(check(account(tmp_path, api.url, wechat_abilities="customer,template"))))
    assert "凭据可用" in text
    assert "✓ 客服消息" in text
    assert SECRET not in text


@pytest.mark.parametrize(("code", "hint"), [(40125, "AppSecret 不对"), (40164, "白名单"), (40013, "AppID 不对")])
def test_wrong_credentials_are_told_with_what_to_do(tmp_path: Path, api: FakeWechat, code: int, hint: str) -> None:
    api.fault("stable_token", errcode=code, times=None)
    (line,) = asyncio.run(check(account(tmp_path, api.url)))
    assert hint in line
    assert SECRET not in line


def test_no_network_is_told_as_such(tmp_path: Path) -> None:
    (line,) = asyncio.run(check(account(tmp_path, "http://127.0.0.1:9")))
    assert "连不上" in line
    assert SECRET not in line


def test_without_an_account_there_is_nothing_to_publish(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url="")
    with pytest.raises(SettingsError, match="WECHAT_APP_ID"):
        asyncio.run(publish_menu(settings))


def test_every_reply_of_the_corpus_fits_with_all_its_links(corpus: Corpus, knowledge: Knowledge) -> None:
    assert knowledge
    for place, reply in corpus.replies:
        composed = compose([Numbered(1, reply, "0123456789abcdef")])
        assert len(composed.text.encode()) <= LIMIT, place
        assert composed.text.count("weixin://bizmsgmenu") == len(reply.choices), place
