"""Where only public matters have a place nothing personal is asked for, taken or shown, whatever is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import yaml
from sqlalchemy import func, select

from bot.channels.wechat.account import MENU as WECHAT_MENU
from handlers import account, guide, merchants, privacy, staff
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound, Numbered, Other, Place, Way
from handlers.conversation.words import _GLOBAL_WORDS as GLOBAL_WORDS
from handlers.desk import build_desk
from handlers.ledger import service as ledger_service
from handlers.officers import service as officers_service
from handlers.pledge import service as pledge_service
from handlers.talk import Office
from handlers.tips import service as tips_service
from handlers.turn import Reception
from storage import consults, contacts
from storage.consults import Consult
from storage.contacts import Contact, Handover
from storage.database import Database
from storage.dialogues import Dialogue, InboxMessage
from storage.media import MediaFile
from storage.outbox import OutboxRow
from tests.support import NOW

ELSEWHERE = (
    "这里只回答问题和当场判定。\n涉及个人信息的事，请用微信公众号或网页 https://jl.example.gov.cn ，急事打 12315。\n"
)
COUNTERS = (ledger_service, tips_service, officers_service, merchants, pledge_service)
MENU_WORDS = [b["say"] for group in yaml.safe_load(WECHAT_MENU.read_text("utf-8")) for b in group["buttons"]]
WORDS = sorted(
    {
        *GLOBAL_WORDS,
        *MENU_WORDS,
        *(word for service in build_desk().services for word in service.commands or ()),
        *("绑定 123456", "/bind 123456", "123456", "1", "2", "返回", "我要投诉", "电话13800138000"),
    }
)
FILES = [Attachment(kind, ref=f"ref-{kind}", label="x") for kind in AttachmentKind]
Say = Callable[..., list[Numbered]]


@pytest.fixture
def public(reception: Reception) -> Reception:
    office = Office(public_url="https://jl.example.gov.cn")
    return replace(reception, bench=replace(reception.bench, office=office), public_only=frozenset(("telegram",)))


@pytest.fixture
def say(database: Database, public: Reception) -> Iterator[Say]:
    count = iter(range(10_000))

    def spoken(text: str = "", channel: str = "telegram", who: str = "7", **more: object) -> list[Numbered]:
        inbound = replace(Inbound(ContactRef(channel, who), f"k{next(count)}", NOW, text, way=Way.PUSH), **more)
        with database.unit() as session:
            return public.turn(session, inbound)

    yield spoken
    with database.reading() as session:
        if session.scalar(select(func.count(Contact.id)).where(Contact.channel == "wechat")):
            return
        for table in (Consult, MediaFile, Handover):
            assert session.scalar(select(func.count()).select_from(table)) == 0, table


def test_no_word_leads_to_anything_personal(say: Say) -> None:
    refused = set()
    for word in WORDS:
        lines = say(word, who=word[:20])
        assert lines, word
        if lines[0].reply.text.startswith(ELSEWHERE):
            refused.add(word)
        for number in range(1, len(lines[-1].reply.choices) + 1):
            say(choice=f"{lines[-1].nonce}:{number}", who=word[:20])
    personal = {
        *account.COMMANDS,
        *(word for counter in COUNTERS for word in counter.SERVICE.commands or {}),
        "绑定 123456",
        "/bind 123456",
        *(w for w, g in GLOBAL_WORDS.items() if g == "human"),
    }
    assert refused == personal


def test_one_person_who_says_everything_in_a_row(say: Say) -> None:
    for word in WORDS:
        assert say(word)


def test_a_group_is_as_public_on_any_channel(say: Say) -> None:
    text = say("人工", channel="web", shared=True)[0].reply.text
    assert text.startswith("这里只回答问题和当场判定。")


@pytest.mark.parametrize("state", ["", "查秤", "当场判定", "开店体检"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.kind)
def test_files_are_not_taken_and_the_open_question_is_asked_again(
    say: Say, database: Database, file: Attachment, state: str
) -> None:
    asked = say(state)[-1].reply if state else None
    lines = say(attachments=(file,))
    assert lines[0].reply.text == ELSEWHERE + "您发的文件没有存。"
    assert [line.reply.text for line in lines[1:]] == ([asked.text] if asked else [])
    with database.reading() as session:
        assert all(not message.body["files"] for message in session.scalars(select(InboxMessage)))


def test_no_place_is_taken_and_of_a_voice_only_its_words(say: Say) -> None:
    somewhere = say(other=Other.LOCATION, place=Place(28.0, 120.6))
    assert [line.reply.text for line in somewhere] == ["位置我看不了，请打字说在哪个市场、哪个摊位。"]
    voice = (Attachment(AttachmentKind.VOICE, ref="v", label="语音"),)
    (answer,) = say("强检收费吗", attachments=voice, heard=True)
    assert answer.reply.text.startswith("强制检定不收费")


def test_the_words_beside_a_file_are_answered(say: Say) -> None:
    lines = say("强检收费吗", attachments=tuple(FILES[:1]))
    assert lines[0].reply.text.endswith("您发的文件没有存。")
    assert lines[1].reply.text.startswith("强制检定不收费")


@pytest.mark.parametrize("kind", [Other.LARGE_FILE, Other.UNSENDABLE_FILE])
def test_nobody_is_asked_for_a_file_that_would_not_be_taken(say: Say, kind: Other) -> None:
    assert say(other=kind)[0].reply.text.startswith(ELSEWHERE)


def test_what_should_not_have_been_said_is_not_kept(say: Say, database: Database) -> None:
    assert say("绑定 123456")[0].reply.text.endswith("您刚才发的没有存。")
    with database.reading() as session:
        kept = [m.body for m in session.scalars(select(InboxMessage))] + [
            d.state for d in session.scalars(select(Dialogue))
        ]
        assert "123456" not in str(kept)


def test_a_personal_form_of_another_account_is_closed_here_and_its_replies_are_not_repeated(
    say: Say, database: Database
) -> None:
    say("菜单")
    number = say("人工", channel="wechat")[0].reply.text
    with database.unit() as session:
        one, two = session.scalars(select(Contact).order_by(Contact.id)).all()
        one.person_id = two.person_id
    assert say("再说一遍")[0].reply.text == "前面还没有说过什么。有问题直接问我。"
    assert say("强检收费吗")[0].reply.text.startswith("强制检定不收费")
    assert "RG-" not in say("查进度")[0].reply.text
    assert "RG-261124-0001" in number
    with database.reading() as session:
        assert session.scalars(select(Consult.question)).all() == [""]


def test_the_same_words_work_on_a_channel_that_may(say: Say) -> None:
    assert say("人工", channel="wechat")[0].reply.text.startswith("已登记人工咨询")
    assert say("绑定", channel="wechat")[0].reply.text.startswith("绑定码")


# -- staff --------------------------------------------------------------------------------------------------------


def ask_consults(database: Database) -> None:
    with database.unit() as session:
        asker = contacts.get_or_create(session, "wechat", "asker", NOW)
        consults.open_consult(session, asker.id, "地磅能上门检吗", NOW.date(), NOW, NOW)


@pytest.mark.parametrize("word", [word for word, action in staff.COMMANDS.items() if action == "todo"])
def test_staff_see_what_waits_and_on_a_public_channel_only_numbers(
    database: Database, public: Reception, word: str
) -> None:
    ask_consults(database)
    with_staff = replace(public, staff=frozenset((("telegram", "7"), ("wechat", "w"))))

    def told(channel: str, who: str) -> str:
        with database.unit() as session:
            inbound = Inbound(ContactRef(channel, who), word, NOW, word, way=Way.PUSH)
            return with_staff.turn(session, inbound)[0].reply.text

    assert told("telegram", "7") == "待答复 1 件：\nRG-261124-0001  11月24日（周二）10:00前"
    assert told("wechat", "w") == "待答复 1 件：\nRG-261124-0001  11月24日（周二）10:00前  地磅能上门检吗"
    for channel, who in (("telegram", "8"), ("wechat", "7"), ("wechat", "asker"), ("telegram", "-100:7")):
        assert "RG-" not in told(channel, who)


def test_staff_with_nothing_to_do(database: Database, public: Reception) -> None:
    with database.unit() as session:
        inbound = Inbound(ContactRef("telegram", "7"), "k", NOW, "待办", way=Way.PUSH)
        lines = replace(public, staff=frozenset((("telegram", "7"),))).turn(session, inbound)
    assert lines[0].reply.text == "没有待答复的咨询。"


# -- the menu's words and privacy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("word", MENU_WORDS)
def test_every_word_of_the_menu_leads_somewhere(say: Say, word: str) -> None:
    text = say(word, channel="wechat")[0].reply.text
    assert "我不太懂" not in text
    assert "您好，我在" not in text


def test_every_signpost_has_its_card(public: Reception) -> None:
    assert all(public.bench.library.entry(sign.entry) for sign in guide.SIGNPOSTS.values())


@pytest.mark.parametrize(
    ("office", "shown"),
    [
        (Office(public_url="https://jl.example.gov.cn", notices=True), True),
        (Office(public_url="https://jl.example.gov.cn"), False),
        (Office(notices=True), False),
    ],
)
def test_reminders_can_be_switched_on_only_where_there_is_a_page(
    database: Database,
    public: Reception,
    office: Office,
    shown: bool,  # noqa: FBT001
) -> None:
    with database.unit() as session:
        informed = replace(public, bench=replace(public.bench, office=office))
        for key, words in enumerate(("绑定 鲜达超市", "91330302MA2ABCDE0X", "到期提醒")):
            text = informed.turn(session, Inbound(ContactRef("wechat", "a"), f"k{key}", NOW, words))[0].reply.text
    assert ("点这里开启微信提醒：https://jl.example.gov.cn/wechat/notices" in text) is shown


def test_who_wants_to_be_forgotten_is(say: Say, database: Database) -> None:
    for text in ("人工", "地磅能上门检吗", "隐私", "1"):
        say(text, channel="wechat")
    assert say("确认删除", channel="wechat")[0].reply.text == privacy.GONE
    with database.reading() as session:
        assert session.scalars(select(Consult.question)).all() == [""]
        assert session.scalar(select(func.count(OutboxRow.id))) == 1
        assert "地磅" not in str([m.body for m in session.scalars(select(InboxMessage))])
    assert "RG-" not in say("查进度", channel="wechat")[0].reply.text
