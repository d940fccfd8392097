"""入职 ABCD-EFGH-JKLM: an account becomes a member of staff by a code that is good once, for half an hour.

The code is made on the command line only. Nothing else that is said in a chat, whatever it claims, gives a role.
"""

from __future__ import annotations

import re
import unicodedata

from handlers.conversation.messages import Choice, Reply
from handlers.elsewhere import elsewhere
from handlers.officers.lines import called
from handlers.talk import Talk
from storage import audit, staff
from storage.audit import Entry
from storage.staff import CODE_LENGTH, StaffRole

ROLES = {StaffRole.OFFICER: "办案人员", StaffRole.LEADER: "组长"}
WRONG = "这个入职码不对、用过了，或者过了 30 分钟。请管理员再给一个。"
WELCOME = (
    "您好，{}，这个账号现在是{}。\n"
    "每天回“今日”看案件；看一件回“看 0031”；办理回“受理 0031”“办结 0031”等。\n"
    "对话里只办案：看不到举报人身份，也不能导出、批准。手机丢了请马上让管理员停用。"
)
_SAID = re.compile(rf"入职(?:码)?[\s:]*((?:[0-9A-Z][\s-]*){{{CODE_LENGTH}}})")


def claims(text: str) -> str | None:
    """入职 and twelve letters mean the same wherever they are said."""
    found = _SAID.fullmatch(unicodedata.normalize("NFKC", text).strip().upper())
    return f"enrol/{re.sub(r'[^0-9A-Z]', '', found[1])}" if found else None


def enrol(talk: Talk, code: str) -> list[Reply]:
    """Bind this very account; who was bound to it before is not any more."""
    if talk.public_only:
        return elsewhere(talk)
    talk.withheld = True  # a code is used up by this, or worth nothing: either way it need not be kept
    member = staff.bind(talk.session, code, talk.contact_id, talk.now)
    if member is None:
        return [Reply(WRONG)]
    entry = Entry(f"staff:{member.id}", member.role, "staff.bound", f"staff:{member.id}")
    audit.append(talk.session, entry, talk.now)
    text = WELCOME.format(called(member), ROLES[StaffRole(member.role)])
    return [Reply(text, (Choice("今日", "officers:today"),))]


def by_link(talk: Talk, code: str) -> list[Reply]:
    """A deep link ``e_ABCDEFGHJKLM``; a wrong one is answered as a wrong code."""
    return enrol(talk, code.upper())


def shown(code: str) -> str:
    """ABCD-EFGH-JKLM, as it is printed for people."""
    return "-".join(code[at : at + 4] for at in range(0, CODE_LENGTH, 4))
