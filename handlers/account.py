"""绑定 and 解绑: one person on several channels. A code given on one of them and said on the other joins the two."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.state import DialogueState
from handlers.conversation.words import fold
from handlers.sealing import seal_state, state_of
from handlers.talk import SHANGHAI, Talk
from storage import binding, contacts, outbox
from storage.binding import CODE_LENGTH, Refusal
from storage.contacts import Contact
from storage.dialogues import Dialogue
from storage.outbox import Envelope

MOST_FILES = 9
MOST_CHOICES = 8
COMMANDS = {
    **dict.fromkeys(("绑定", "绑定换绑", "换绑", "绑定账号", "/bind"), "give"),
    **dict.fromkeys(("解绑", "解除绑定", "取消绑定", "/unbind"), "list"),
}
AGAIN = "请在另一边回“绑定”，看新的码。"
REFUSALS = {
    Refusal.WRONG: f"这个码不对，或者用过了。{AGAIN}",
    Refusal.EXPIRED: f"这个码过期了，只能用 10 分钟。{AGAIN}",
    Refusal.TOO_MANY: "输错的次数太多了，请过 10 分钟再试。",
}
OWN = "这是您这边的码，请到另一边去发。"
SAME = "两边已经是同一个人了，不用再绑。要分开回“解绑”。"
BUSY = "另一边正在说话，还没绑上。请再点一次“绑定”。"
_SAID = re.compile(r"(?:绑定码?|/bind)[\s:“\"]*([0-9][0-9 ]*)[”\"]?")
_BARE = re.compile(f"[0-9]{{{CODE_LENGTH}}}")


def claims(text: str) -> str | None:
    """绑定 123456 is meant for here wherever it is said."""
    found = _SAID.fullmatch(fold(text))
    return f"code/{found[1].replace(' ', '')}" if found else None


def recognise(talk: Talk, text: str) -> str | None:
    """Six digits alone are a code, too, while this side has just asked for one: both sides often show theirs."""
    said = fold(text)
    return f"code/{said}" if _BARE.fullmatch(said) and _has_code(talk) else None


def act(talk: Talk, action: str) -> list[Reply]:
    verb, _, rest = action.partition("/")
    if verb == "code":
        return [_ask(talk, rest) if len(rest) == CODE_LENGTH else Reply(f"绑定码是 6 位数字。{AGAIN}")]
    if verb in ("join", "part", "leave"):
        talk.state.options = None  # a second 1 must not do it once more, to the next account
    if verb == "join":
        return _join(talk, rest)
    if verb == "list":
        return [_list(talk)]
    if verb == "part":
        return [_part(talk, int(rest))]
    if verb == "leave":
        return [Reply("好的，什么都没有改。")]
    return [_give(talk)]


def by_link(talk: Talk, token: str) -> list[Reply]:
    return [_ask(talk, token)]


# -- binding ------------------------------------------------------------------------------------------------------


def _give(talk: Talk) -> Reply:
    code = contacts.new_handover(talk.session, talk.contact_id, talk.now)
    lines = [f"绑定码 {code}，10 分钟内用一次，别告诉别人。", f"在另一边发“绑定 {code}”。"]
    if talk.office.telegram_name:
        token = binding.new_link(talk.session, talk.contact_id, talk.now)
        lines.append(f"另一边是 Telegram，点这里：https://t.me/{talk.office.telegram_name}?start=b_{token}")
    others = _others(talk)
    if others:
        lines.append(f"已经绑在一起的：{'、'.join(_labels(talk, others))}。")
    return Reply("\n".join(lines), (Choice("解绑", "account:list"),) if others else ())


def _ask(talk: Talk, secret: str) -> Reply:
    found = binding.look(talk.session, secret, talk.now)
    if isinstance(found, Refusal):
        return Reply(REFUSALS[found])
    refused = _needless(talk, found.giver)
    return Reply(refused) if refused else _question(talk, found.giver, found.key)


def _needless(talk: Talk, giver: Contact) -> str:
    if giver.id == talk.contact_id:
        return OWN
    return SAME if giver.person_id == talk.person_id else ""


def _question(talk: Talk, giver: Contact, key: str) -> Reply:
    text = (
        f"另一边是{talk.office.called(giver.channel)}。绑定后两边是同一个人：对话、咨询都合在一起。\n"
        "码是别人给您的，就不要绑。"
    )
    return Reply(text, (Choice("绑定", f"account:join/{talk.contact_id}/{key}"), Choice("不绑", "account:leave")))


def _join(talk: Talk, rest: str) -> list[Reply]:
    asked, _, key = rest.partition("/")
    giver = binding.look_again(talk.session, key, talk.now)
    if giver is None:
        return [Reply(REFUSALS[Refusal.EXPIRED])]
    refused = _needless(talk, giver)
    if refused:
        return [Reply(refused)]
    if int(asked) != talk.contact_id:  # asked on one account, answered on another of the same person
        return [_question(talk, giver, key)]
    dialogue = binding.lock_also(talk.session, giver, talk.person_id, talk.now)
    if dialogue is None:
        return [Reply(BUSY, _question(talk, giver, key).choices)]
    if contacts.use_handover(talk.session, key, talk.now) is None:
        return [Reply(REFUSALS[Refusal.WRONG])]
    _come_over(talk, dialogue)
    _tell(talk, giver, key)
    name = talk.office.called(giver.channel)
    done = Reply(f"绑好了：这里和{name}那边现在是同一个人，对话、咨询都接上了。要分开回“解绑”。{_draft_line(talk)}")
    return [done, *talk.question(talk)]


def _come_over(talk: Talk, dialogue: Dialogue) -> None:
    """From here on the turn is one of the giver's person."""
    kept = state_of(talk.bench.vault, dialogue.state, dialogue.person_id)
    if _others(talk):
        # The old dialogue goes on without this account: what was asked here is no longer its question.
        left = replace(talk.state, options=None)
        talk.dialogue.state = seal_state(talk.bench.vault, left, talk.person_id)
        talk.state = kept
    else:
        talk.state = merged(kept, talk.state)
    binding.come_over(talk.session, talk.session.get_one(Contact, talk.contact_id), dialogue.person_id)
    talk.dialogue, talk.person_id = dialogue, dialogue.person_id


def merged(kept: DialogueState, left: DialogueState) -> DialogueState:
    """The dialogue that goes on: the giver's, unless only the taker has something begun."""
    begun = kept.form or kept.draft
    state = left if begun is None and (left.form or left.draft) else kept
    if state.draft is None and left.draft is not None:
        state.draft, state.draft_at = left.draft, left.draft_at
    state.files = [*kept.files, *left.files][-MOST_FILES:]
    state.greeted, state.private = True, kept.private or left.private
    return state


def _draft_line(talk: Talk) -> str:
    waiting = talk.state.form is None and talk.state.draft is not None
    return "\n没填完的内容还在，回“继续”接着填。" if waiting else ""


def _tell(talk: Talk, giver: Contact, key: str) -> None:
    """The other side sees that it happened: whoever gave a code away unknowingly must learn of it."""
    name = talk.office.called(talk.inbound.contact.channel)
    reply = Reply(f"{name}那边用绑定码和这里绑在一起了。不是您本人绑的，请马上回“解绑”。")
    outbox.push(talk.session, giver, reply.to_json(), talk.now, Envelope(dedup_key=f"bound:{key}"))


# -- parting ------------------------------------------------------------------------------------------------------


def _list(talk: Talk) -> Reply:
    others = _others(talk)
    if not others:
        return Reply("您没有绑定别的账号。要绑定回“绑定”。")
    choices = [
        Choice(f"解绑{label}", f"account:part/{other.id}")
        for label, other in zip(_labels(talk, others), others, strict=True)
    ]
    text = "解绑后，记录都留在这边，那边从头开始。解绑哪一个？"
    return Reply(text, (*choices[:MOST_CHOICES], Choice("不解绑", "account:leave")))


def _part(talk: Talk, other_id: int) -> Reply:
    other = next((account for account in _others(talk) if account.id == other_id), None)
    if other is None:
        return Reply("那个账号已经不和这里绑在一起了。")
    binding.part(talk.session, talk.session.get_one(Contact, talk.contact_id), other, talk.now)
    return Reply(f"{talk.office.called(other.channel)}已解绑。对话和咨询都留在这边，那边从头开始，绑定记录也删了。")


def _others(talk: Talk) -> list[Contact]:
    return [c for c in contacts.of_person(talk.session, talk.person_id) if c.id != talk.contact_id]


def _has_code(talk: Talk) -> bool:
    return binding.has_code(talk.session, talk.contact_id, talk.now)


def _labels(talk: Talk, accounts: list[Contact]) -> list[str]:
    """What people call their accounts; several on one channel are numbered and told apart by their first day."""
    names = [talk.office.called(account.channel) for account in accounts]
    return [
        name if names.count(name) == 1 else _numbered(name, names[: n + 1].count(name), account)
        for n, (name, account) in enumerate(zip(names, accounts, strict=True))
    ]


def _numbered(name: str, number: int, account: Contact) -> str:
    since = account.created_at.astimezone(SHANGHAI)
    return f"{name}{number}（{since.month}月{since.day}日起）"
