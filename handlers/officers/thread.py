"""What has happened in a case, as its officer may read it, and links to the working copies of its pictures."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.conversation.messages import Choice, Reply
from handlers.officers.access import Duty
from handlers.officers.lines import short
from handlers.talk import SHANGHAI
from storage import cases, links
from storage.cases import Case, CaseEvent, CaseFile
from storage.database import Session
from storage.staff import StaffMember

COPY = "case-copy"
"""The kind of link that gives a working copy; never a sealed original."""
MOST_EVENTS = 30
MOST_LINKS = 9
ACTIONS = {
    "case.filed": "提交",
    "case.accepted": "受理",
    "case.refused": "不予受理",
    "case.transferred": "移送",
    "case.filed-for-penalty": "立案",
    "case.closed": "办结",
    "case.withdrawn": "撤回投诉",
    "case.reopened": "不满意，退回重办",
    "case.asked": "提问",
    "case.answered": "留言",
    "case.added": "补充证据",
    "case.rated": "评价",
    "case.visited": "现场记录",
    "case.checked-on-the-spot": "现场检查",
    "case.noted": "备注",
    "case.assigned": "派单",
    "case.recused": "回避",
    "case.paused": "期限暂停",
    "case.resumed": "期限恢复",
    "case.extended": "期限延长",
    "case.merged": "并案",
    "case.linked": "关联同一摊位",
    "case.split": "拆开并案",
    "case.told-apart": "确认不是同一家",
    "case.urgent": "列为重大",
    "case.malicious-asked": "提请认定恶意",
    "case.malicious": "认定恶意",
    "case.offer-accepted": "接受商家方案",
    "case.offer-declined": "不接受商家方案",
    "merchant.notified": "通知商家",
    "merchant.printed": "打印商家通知",
    "merchant.served": "通知送达商家",
    "merchant.answered": "商家已答复",
    "merchant.explained": "说明",
    "merchant.offered": "提出退款",
    "evidence.sealed": "证据封存",
}
ACTORS = {"reporter": "举报人", "merchant": "商家", "system": "系统", "command": "后台"}


def thread(duty: Duty, case: Case) -> list[Reply]:
    """By days only: an hour could tell who was where."""
    session = duty.talk.session
    events = [e for e in cases.events(session, case.id) if e.action != "evidence.sealed"]
    shown = events[-MOST_EVENTS:]
    more = f"（只列最近 {MOST_EVENTS} 条）" if len(events) > MOST_EVENTS else ""
    text = "\n".join([f"{case.number} 经过{more}：", *(event_line(session, e) for e in shown)])
    return [Reply(text, (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))]


def event_line(session: Session, event: CaseEvent) -> str:
    words = f"：{event.text}" if event.text else ""
    day = event.at.astimezone(SHANGHAI)
    return f"{day:%m-%d} {actor(session, event.actor)} {ACTIONS.get(event.action, '其他')}{words}"


def actor(session: Session, name: str) -> str:
    kind, _, number = name.partition(":")
    member = session.get(StaffMember, int(number)) if kind == "staff" and number.isdecimal() else None
    return member.name if member is not None else ACTORS.get(kind, "工作人员")


# -- files --------------------------------------------------------------------------------------------------------

KINDS: Mapping[str, str] = {"image": "照片", "voice": "录音", "video": "视频", "file": "文件"}


def files_line(found: list[CaseFile]) -> str:
    """照片 2、录音 1（1 个还在封存）."""
    kept = [f for f in found if f.state != "refused"]
    counts = [(word, sum(f.kind == kind for f in kept)) for kind, word in KINDS.items()]
    waiting = sum(f.state == "waiting" for f in kept)
    told = "、".join(f"{word} {number}" for word, number in counts if number)
    return f"{told}{f'（{waiting} 个还在封存）' if waiting else ''}"


def photos(duty: Duty, case: Case) -> list[Reply]:
    """A link for each working copy, good for a day and only while the case is still this officer's to see."""
    talk = duty.talk
    found = cases.files(talk.session, case.id)
    copies = [f for f in found if f.copy_sha256][:MOST_LINKS]
    if not copies:
        waiting = any(f.state == "waiting" for f in found)
        text = (
            "照片还在封存处理，过几分钟再看。"
            if waiting
            else "这个案件没有照片。录音、视频只有封存的原件，按调取程序办。"
        )
        return [Reply(text, (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))]
    rows = [f"照片{n}：{talk.office.pages_url}/files/{_link(duty, case, f)}" for n, f in enumerate(copies, 1)]
    text = "\n".join([f"{case.number} 的照片（工作副本，24 小时内有效，别外发）：", *rows])
    return [Reply(text, (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))]


def _link(duty: Duty, case: Case, file: CaseFile) -> str:
    talk = duty.talk
    return links.new(talk.session, COPY, talk.contact_id, {"case": case.id, "file": file.id}, talk.now)
