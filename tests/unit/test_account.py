"""One person on several channels: joined by a code or a link, parted again, and nothing of anybody else's mixed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select, update

from bot.turns import turns_for
from handlers.account import BUSY, OWN, REFUSALS, SAME, merged
from handlers.conversation.forms import FormState
from handlers.conversation.messages import ContactRef, Inbound, Numbered, Reply, Way
from handlers.conversation.state import DialogueState
from handlers.outreach import push
from handlers.talk import Office
from handlers.turn import Reception
from storage import binding, contacts, outbox
from storage.binding import Refusal
from storage.consults import Consult
from storage.contacts import HANDOVER_LIFE, HANDOVER_TRIES, Contact, Handover, Person
from storage.database import Database
from storage.dialogues import Dialogue
from storage.outbox import OutboxRow
from tests.support import NOW

NAMES = {"wechat": "微信", "telegram": "Telegram", "web": "网页"}


@dataclass
class Phone:
    """Somebody with one account."""

    database: Database
    reception: Reception
    channel: str
    name: str = "a"
    sent: int = 0
    said: list[Numbered] = field(default_factory=list)

    def say(self, text: str = "", at: datetime = NOW, **more: object) -> str:
        self.sent += 1
        ref = ContactRef(self.channel, self.name)
        inbound = replace(Inbound(ref, f"k{self.sent}", at, text, way=Way.PUSH), **more)
        with self.database.unit() as session:
            self.said = self.reception.turn(session, inbound)
        return "\n".join(line.reply.text for line in self.said)

    def scan(self, route: str, at: datetime = NOW) -> str:
        return self.say("/start", at, route=route)

    def code(self, at: datetime = NOW) -> str:
        found = re.search(r"绑定码 (\d{6})", self.say("绑定", at))
        assert found
        return found[1]

    @property
    def person(self) -> int:
        with self.database.reading() as session:
            contact = contacts.find(session, self.channel, self.name)
            assert contact is not None
            return contact.person_id


Bring = Callable[..., Phone]


@pytest.fixture
def bring(database: Database, reception: Reception) -> Bring:
    office = Office(telegram_name="chengxincheng_bot", channel_names=NAMES)
    informed = replace(reception, bench=replace(reception.bench, office=office))
    return lambda channel, name="a": Phone(database, informed, channel, name)


def join(giver: Phone, taker: Phone) -> str:
    taker.say(f"绑定 {giver.code()}")
    return taker.say("1")


def test_a_dialogue_begun_on_one_channel_goes_on_on_the_other(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    wechat.say("人工")
    wechat.say("地磅能上门吗")
    wechat.say("查秤")
    code = wechat.code()
    asked = telegram.say(f"绑定 {code}")
    assert asked.startswith("另一边是微信。绑定后两边是同一个人：对话、咨询都合在一起。")
    assert [c.label for c in telegram.said[0].reply.choices] == ["绑定", "不绑"]
    assert telegram.say("绑定").startswith("绑好了：这里和微信那边现在是同一个人")
    assert wechat.person == telegram.person
    assert "RG-261124-0001" in telegram.say("查进度")
    assert telegram.say("2斤排骨28一斤称得1斤8两").startswith("收到")
    with telegram.database.reading() as session:
        assert session.scalar(select(func.count(Person.id))) == 1
        assert session.scalar(select(func.count(Dialogue.person_id))) == 1


def test_an_open_form_of_the_giver_is_the_open_question_afterwards(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    code = wechat.code()
    wechat.say("查秤")
    telegram.say(f"绑定 {code}")
    text = telegram.say("1")
    assert text.startswith("绑好了")
    assert [line.reply.in_form for line in telegram.said] == [False, True]
    assert telegram.say("2") == wechat.say("再说一遍")


def test_a_draft_of_the_taker_is_not_lost_to_an_idle_giver(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    telegram.say("查秤")
    telegram.say("1")
    assert "回“继续”接着填" in join(wechat, telegram)
    assert wechat.say("继续") != "没有没填完的内容。要做什么？"


def test_the_state_that_goes_on() -> None:
    form, other = FormState("scale", 1, {"x": 1}, "y"), FormState("checkup", 1, {"z": 1}, "w")
    begun, parked = DialogueState(form=form, files=["a"]), DialogueState(draft=other, draft_at=NOW, files=["b"])
    assert merged(DialogueState(query="秤"), DialogueState()).query == "秤"
    assert merged(DialogueState(), parked).draft == other
    assert merged(DialogueState(), DialogueState(form=form)).form == form
    both = merged(begun, parked)
    assert (both.form, both.draft, both.draft_at, both.files) == (form, other, NOW, ["a", "b"])
    assert merged(DialogueState(draft=form), parked).draft == form
    assert merged(DialogueState(), DialogueState()).greeted


def test_the_giver_learns_of_it_once(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    join(wechat, telegram)
    with wechat.database.reading() as session:
        giver = contacts.find(session, "wechat", "a")
        assert giver is not None
        told = [row.payload["text"] for row in outbox.waiting(session, giver.id)]
    assert [text for text in told if "绑在一起" in text] == [
        "Telegram那边用绑定码和这里绑在一起了。不是您本人绑的，请马上回“解绑”。"
    ]


def test_by_link_and_the_link_is_used_up(bring: Bring) -> None:
    wechat, telegram, third = bring("wechat"), bring("telegram"), bring("telegram", "third")
    found = re.search(
        r"https://t\.me/chengxincheng_bot\?start=(b_[A-Za-z0-9_-]{22})$", wechat.say("/bind"), re.MULTILINE
    )
    assert found
    first = telegram.scan(found[1])
    assert first.startswith("您好，我是诚信秤")
    assert len(first.split("\n")) + len(telegram.said[0].reply.choices) <= 5
    assert telegram.say("1").startswith("绑好了")
    assert third.scan(found[1]).endswith(REFUSALS[Refusal.WRONG])


def test_no_link_where_there_is_nowhere_to_lead(database: Database, reception: Reception) -> None:
    assert "https" not in Phone(database, reception, "wechat").say("绑定")


def test_a_code_that_is_of_no_use_says_why(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    code = wechat.code()
    wrong = "000000" if code != "000000" else "000001"
    assert wechat.say(f"绑定 {code}") == OWN
    assert telegram.say("绑定 123").startswith("绑定码是 6 位数字。")
    assert telegram.say(f"绑定 {wrong}") == REFUSALS[Refusal.WRONG]
    assert telegram.say(f"绑定{code}", NOW + HANDOVER_LIFE) == REFUSALS[Refusal.EXPIRED]
    code = wechat.code()
    telegram.say(f"/bind {code}")
    assert telegram.say("1", NOW + HANDOVER_LIFE) == REFUSALS[Refusal.EXPIRED]
    join(wechat, telegram)
    assert telegram.say(f"绑定 {wechat.code()}") == SAME
    for _ in range(HANDOVER_TRIES):
        telegram.say(f"绑定 {wrong}")
    assert telegram.say(f"绑定 {wechat.code()}") == REFUSALS[Refusal.TOO_MANY]


def test_saying_no_binds_nothing_and_the_code_stays_good(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    code = wechat.code()
    telegram.say(f"绑定 {code}")
    assert telegram.say("2") == "好的，什么都没有改。"
    assert wechat.person != telegram.person
    telegram.say(f"绑定 {code}")
    assert telegram.say("1").startswith("绑好了")


def test_six_digits_alone_are_a_code_where_a_code_was_just_shown(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    code = wechat.code()
    assert "绑定后两边" not in telegram.say(code)
    telegram.code()
    assert "绑定后两边" in telegram.say(code)


def test_a_code_in_a_form_is_no_answer(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    code = wechat.code()
    telegram.say("人工")
    assert "绑定后两边" in telegram.say(f"绑定 {code}")
    with telegram.database.reading() as session:
        assert session.scalars(select(Consult.question)).all() == [""]


def test_somebody_at_the_other_side_right_now(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    code = wechat.code()
    telegram.say(f"绑定 {code}")
    with monkeypatch.context() as patch:
        patch.setattr(binding, "lock_also", lambda *_: None)
        assert telegram.say("1") == BUSY
    assert telegram.say("1").startswith("绑好了")


@pytest.mark.postgres
def test_two_who_join_each_other_at_the_same_time_do_not_wait_in_a_circle(
    postgres: Database, reception: Reception
) -> None:
    turns = turns_for(postgres, 4)
    for n in range(8):
        pair = [Phone(postgres, reception, channel, f"both-{n}") for channel in ("wechat", "telegram")]
        codes = [phone.code() for phone in pair]
        for phone, code in zip(pair, reversed(codes), strict=True):
            assert "绑定后两边" in phone.say(f"绑定 {code}")
        taps = [Inbound(ContactRef(phone.channel, phone.name), "tap", NOW, "1", way=Way.PUSH) for phone in pair]
        futures = [turns.submit(lambda session, tap=tap: reception.turn(session, tap)) for tap in taps]
        told = [future.result(timeout=10)[0].reply.text for future in futures]
        assert sum(text.startswith("绑好了") for text in told) == 1, told
        assert pair[0].person == pair[1].person
    turns.close()


# -- parting ------------------------------------------------------------------------------------------------------


def test_unbinding_keeps_the_records_here_and_lets_the_other_begin_anew(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    telegram.say("人工")
    telegram.say("地磅能上门吗")
    join(wechat, telegram)
    telegram.say("查秤")
    assert wechat.say("解绑") == "解绑后，记录都留在这边，那边从头开始。解绑哪一个？"
    assert [c.label for c in wechat.said[0].reply.choices] == ["解绑Telegram", "不解绑"]
    assert wechat.say("1").startswith("Telegram已解绑。")
    assert wechat.person != telegram.person
    assert "RG-261124-0001" in wechat.say("查进度")
    assert "RG-" not in telegram.say("查进度")
    assert telegram.say("菜单").startswith("您好，我是诚信秤")
    assert wechat.say("解绑") == "您没有绑定别的账号。要绑定回“绑定”。"


def test_several_accounts_of_one_channel_are_told_apart(bring: Bring) -> None:
    wechat, one, two = bring("wechat"), bring("web", "x"), bring("web", "y")
    join(wechat, one)
    join(wechat, two)
    wechat.say("解绑")
    labels = [c.label for c in wechat.said[0].reply.choices]
    assert labels == ["解绑网页1（11月24日起）", "解绑网页2（11月24日起）", "不解绑"]
    token = f"{wechat.said[0].nonce}:2"
    assert wechat.say(choice=token) == "网页已解绑。对话和咨询都留在这边，那边从头开始，绑定记录也删了。"
    assert wechat.say(choice=token) != wechat.say("解绑")
    assert (wechat.person == one.person, wechat.person == two.person) == (True, False)


def test_who_leaves_a_person_for_another_takes_only_the_account(bring: Bring) -> None:
    wechat, telegram, web = bring("wechat"), bring("telegram"), bring("web")
    join(telegram, web)
    telegram.say("查秤")
    telegram.say("1")
    assert join(wechat, telegram).startswith("绑好了")
    assert (wechat.person == telegram.person, wechat.person == web.person) == (True, False)
    assert web.say("继续") != wechat.say("继续") == "没有没填完的内容。要做什么？"
    assert web.code()


def test_asked_on_one_account_and_answered_on_another_asks_there_first(bring: Bring) -> None:
    wechat, telegram, web = bring("wechat"), bring("telegram"), bring("web")
    join(telegram, web)
    telegram.say(f"绑定 {wechat.code()}")
    assert "绑定后两边" in web.say("1")
    assert web.say("1").startswith("绑好了")
    assert (wechat.person == web.person, wechat.person == telegram.person) == (True, False)


def test_an_account_that_is_gone_already_cannot_be_parted_again(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    join(wechat, telegram)
    wechat.say("解绑")
    nonce = wechat.said[0].nonce
    with wechat.database.unit() as session:
        contacts.set_apart(session, session.scalars(select(Contact).where(Contact.channel == "telegram")).one(), NOW)
    assert wechat.say(choice=f"{nonce}:1") == "那个账号已经不和这里绑在一起了。"


def test_a_turn_that_waited_while_its_account_changed_hands_is_one_of_the_new_person(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    wechat.say("查秤")
    telegram.say("强检收费吗")
    before, whose = telegram.person, wechat.person
    heard = binding.heard

    def meanwhile(session, contact_id, key):
        monkeypatch.setattr(binding, "heard", heard)
        moving = update(Contact).where(Contact.id == contact_id).values(person_id=whose)
        session.execute(moving, execution_options={"synchronize_session": False})
        return heard(session, contact_id, key)

    monkeypatch.setattr(binding, "heard", meanwhile)
    telegram.say("帮助")
    assert [line.reply.text.split("，")[0] for line in telegram.said][1:] == ["查秤两招"]
    with telegram.database.reading() as session:
        assert session.get_one(Dialogue, before).turns == 1


# -- reaching -----------------------------------------------------------------------------------------------------


def test_an_answer_goes_where_the_person_can_be_reached(bring: Bring) -> None:
    wechat, telegram = bring("wechat"), bring("telegram")
    telegram.say("人工")
    join(wechat, telegram)
    with wechat.database.unit() as session:
        asked = contacts.find(session, "telegram", "a")
        assert asked is not None
        asked.unreachable = "blocked"
        push(session, asked.id, Reply("有答复了"), NOW, "consult-answer", "consult:1")
        row = session.scalars(select(OutboxRow).where(OutboxRow.dedup_key == "consult:1")).one()
        assert row.channel == "wechat"


# -- against a model ----------------------------------------------------------------------------------------------


class Accounts(RuleBasedStateMachine):
    """Three accounts that bind, part, ask and talk at random; a dict of groups says what must be true of them."""

    def __init__(self, fresh: Callable[[], Callable[[str], Phone]]) -> None:
        super().__init__()
        bring = fresh()
        self.phones = [bring(channel) for channel in NAMES]
        self.group = {n: n for n in range(3)}
        self.owner: dict[str, int] = {}
        self.next_group = 3

    @initialize()
    def everybody_has_spoken(self) -> None:
        for phone in self.phones:
            phone.say("菜单")

    @rule(giver=st.integers(0, 2), taker=st.integers(0, 2))
    def bind(self, giver: int, taker: int) -> None:
        self.phones[taker].say(f"绑定 {self.phones[giver].code()}")
        if self.group[giver] == self.group[taker]:
            assert self.phones[taker].said[0].reply.text in (OWN, SAME)
            return
        assert self.phones[taker].say("1").startswith("绑好了")
        self.group[taker] = self.group[giver]

    @rule(stays=st.integers(0, 2), which=st.integers(0, 1))
    def part(self, stays: int, which: int) -> None:
        others = [n for n in range(3) if n != stays and self.group[n] == self.group[stays]]
        self.phones[stays].say("解绑")
        if not others:
            return
        labels = [c.label for c in self.phones[stays].said[0].reply.choices]
        leaves = others[which % len(others)]
        self.phones[stays].say(str(labels.index(f"解绑{NAMES[self.phones[leaves].channel]}") + 1))
        self.group[leaves], self.next_group = self.next_group, self.next_group + 1
        self.owner = {number: stays if who == leaves else who for number, who in self.owner.items()}

    @rule(who=st.integers(0, 2))
    def ask_staff(self, who: int) -> None:
        found = re.search(r"RG-\d{6}-\d{4}", self.phones[who].say("人工"))
        assert found
        known = {number for number, owner in self.owner.items() if self.group[owner] == self.group[who]}
        assert found[0] in known if known else found[0] not in self.owner
        self.owner.setdefault(found[0], who)
        self.phones[who].say("地磅能上门检吗")

    @rule(who=st.integers(0, 2), text=st.sampled_from(["查秤", "1", "返回", "取消", "继续", "强检收费吗", "再说一遍"]))
    def talk(self, who: int, text: str) -> None:
        assert self.phones[who].say(text)

    @invariant()
    def persons_are_the_groups(self) -> None:
        persons = [phone.person for phone in self.phones] if self.phones[0].sent else []
        for one in range(len(persons)):
            for two in range(len(persons)):
                assert (persons[one] == persons[two]) == (self.group[one] == self.group[two])

    @invariant()
    def nobody_and_nothing_is_left_over(self) -> None:
        with self.phones[0].database.reading() as session:
            persons = set(session.scalars(select(Person.id)))
            assert persons == set(session.scalars(select(Contact.person_id)))
            assert set(session.scalars(select(Dialogue.person_id))) <= persons
            open_codes = session.scalars(select(Handover.contact_id)).all()
            assert len(open_codes) <= 6

    @invariant()
    def every_case_is_its_owner_s(self) -> None:
        with self.phones[0].database.reading() as session:
            for consult in session.scalars(select(Consult)):
                if consult.number in self.owner:
                    asker = session.get_one(Contact, consult.contact_id)
                    assert asker.channel == self.phones[self.owner[consult.number]].channel


def test_any_order_of_binding_and_parting(database: Database, bring: Bring) -> None:
    runs = iter(range(10_000))

    def fresh() -> Callable[[str], Phone]:
        run = next(runs)
        with database.unit() as session:
            for table in reversed(Person.metadata.sorted_tables):
                if not table.name.startswith("audit"):  # it refuses, and nothing here adds to it
                    session.execute(table.delete())
        return lambda channel: bring(channel, f"run{run}")

    phases = (Phase.explicit, Phase.reuse, Phase.generate)  # to make a failure smaller takes minutes on a database
    run_state_machine_as_test(
        lambda: Accounts(fresh),
        settings=settings(max_examples=10, stateful_step_count=12, deadline=None, phases=phases),
    )
