"""A scripted bot in memory behind the web chat, for tests of the page alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from bot.web.ports import BadFileError, BusyError, Line
from handlers.conversation.messages import (
    Attachment,
    AttachmentKind,
    Choice,
    ContactRef,
    Inbound,
    Numbered,
    Reply,
)

MENU = Reply(
    "您想问哪种秤？\n选一个就行。",
    (
        Choice("电子计价秤(菜场、水果店用的)", "ask:scale"),
        Choice("汽车衡、地磅", "ask:truck"),
        Choice("家用体重秤", "ask:home"),
    ),
)
LONG = Reply(
    "菜场用的电子计价秤要检定，每年一次，不收费。\n"
    "找辖区的计量检定机构约时间，人家来市场集中检的也算。检完贴合格标志，证书留好。\n"
    "办法和电话见 https://example.gov.cn/jl?id=1，打不开就打 12315。\n"
    "依据：《计量法》第九条；实施强制管理的计量器具目录(2026-05-20 查)",
    (Choice("怎么约检定", "ask:book"), Choice("没检会怎么罚", "ask:fine"), Choice("加进我的台账", "say:add")),
)
MULTI = Reply(
    "店里有哪些？可以选几个。",
    (Choice("电子秤", "say:a"), Choice("压力表", "say:b"), Choice("血压计", "say:c")),
    multi=True,
)


@dataclass
class FakePort:
    """Answers from a script, keeps lines per session, and gives the stored reply to a key seen before."""

    busy: bool = False
    crash: bool = False
    sessions: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    seen: dict[str, list[Numbered]] = field(default_factory=dict)
    inbounds: list[Inbound] = field(default_factory=list)
    next_id: int = 0
    opened: int = 0

    def greeting(self) -> tuple[str, tuple[str, ...]]:
        return "您好，我是计量小助手。", ("查义务", "当场判定")

    async def send(self, inbound: Inbound) -> list[Numbered]:
        if self.busy:
            raise BusyError
        if self.crash:
            raise RuntimeError("the database is gone")
        self.inbounds.append(inbound)
        known = f"{inbound.contact.external_id}/{inbound.key}"
        if known in self.seen:
            return self.seen[known]
        names = tuple(a.label for a in inbound.attachments)
        mine = inbound.text or (f"选 {inbound.choice.split(':')[1]}" if inbound.choice else "")
        self._add(inbound.contact, mine=mine, files=names)
        self.seen[known] = [self.say(inbound.contact, self._script(inbound))]
        return self.seen[known]

    def _script(self, inbound: Inbound) -> Reply:
        if inbound.attachments:
            return Reply(f"收到 {len(inbound.attachments)} 个文件，发完回“完成”。")
        if inbound.choice:
            return Reply(f"您选了第 {inbound.choice.split(':')[1]} 个。")
        if "1 3" in inbound.text:
            return Reply("记下了：电子秤、血压计。")
        scripted = {
            "查义务": MENU,
            "秤": LONG,
            "几个": MULTI,
            "人工": Reply("已经帮您转给工作人员，上班时间两小时内回。"),
        }
        return scripted.get(inbound.text, Reply(f"您说的是：{inbound.text}"))

    def say(self, contact: ContactRef, reply: Reply) -> Numbered:
        line = self._add(contact, reply=reply, nonce=secrets.token_hex(4) if reply.choices else "")
        return Numbered(line.id, reply, line.nonce)

    def _add(self, contact: ContactRef, **what: Any) -> Line:
        self.next_id += 1
        line = Line(self.next_id, datetime.now(UTC), **what)
        self.lines.setdefault(contact.external_id, []).append(line)
        return line

    def open_session(self) -> str:
        token = secrets.token_urlsafe(32)
        self.sessions[token] = f"s{self.opened}"
        self.opened += 1
        return token

    def contact_of(self, token: str) -> ContactRef | None:
        return ContactRef("web", self.sessions[token]) if token in self.sessions else None

    def handover_code(self, token: str) -> str | None:
        code = f"{len(self.codes) + 123456:06d}"
        self.codes[code] = self.sessions[token]
        return code

    def redeem_handover(self, code: str) -> str | None:
        session = self.codes.pop(code, None)
        if session is None:
            return None
        token = secrets.token_urlsafe(32)
        self.sessions[token] = session
        return token

    def history(self, contact: ContactRef, after: int, limit: int = 60) -> list[Line]:
        newer = [line for line in self.lines.get(contact.external_id, []) if line.id > after]
        return newer[-limit:] if after == 0 else newer[:limit]

    def keep_file(self, data: bytes, name: str) -> Attachment:
        if not data.startswith(b"\x89PNG"):
            raise BadFileError(f"“{name}”不是照片、PDF 或表格，请换一个。")
        return Attachment(AttachmentKind.IMAGE, "0" * 64, "image/png", len(data), name)

    def ask(self, query: str, context: str | None, on: date | None) -> dict[str, Any]:
        text = f"{query}|{context}|{on}"
        return {"decision": "answer", "aspect": "period", "ids": ["scale"], "choices": [], "text": text, "ms": 0.4}
