"""人工: a question for a person at the bureau, with a number and a time by which it will be answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers.conversation.forms import Field, Form, NotUnderstoodError
from handlers.conversation.messages import AttachmentKind, Choice, Inbound, Reply
from handlers.outreach import push
from handlers.talk import SHANGHAI, Office, Talk
from knowledge.workdays import Calendar
from storage import consults
from storage.database import Session

REUSE_WITHIN = timedelta(hours=24)
ENOUGH_OF_THE_DAY = timedelta(hours=2)
WEEKDAYS = "一二三四五六日"


def _read_question(inbound: Inbound) -> dict[str, Any]:
    text = inbound.text.strip()
    files = [a.name for a in inbound.attachments]
    if not text and not files:
        raise NotUnderstoodError("请写一句话，或发一张照片。")
    return {"text": text, "files": files}


CONSULT = Form(
    "consult",
    version=1,
    title="人工咨询",
    fields=(
        Field("number", ask=""),
        Field("question", ask="想问什么？直接发给我，一句话或一张照片都行。", parse=_read_question, free_text=True),
    ),
    prefill=lambda number: {"number": number},
    keep=False,  # the consult itself is already recorded
)


def promise(calendar: Calendar, office: Office, now: datetime) -> tuple[datetime, bool]:
    """By when an answer is promised, and whether the day rests on a holiday notice that is not out yet.

    In office hours with two hours left: by closing time today. Otherwise by ten o'clock of the next working day.
    """
    local = now.astimezone(SHANGHAI)
    closing = datetime.combine(local.date(), office.closes, SHANGHAI)
    opening = datetime.combine(local.date(), office.opens, SHANGHAI)
    if calendar.is_workday(local.date()) and opening <= local and closing - local >= ENOUGH_OF_THE_DAY:
        return closing, local.year not in calendar.noticed
    if calendar.is_workday(local.date()) and local < opening:
        return datetime.combine(local.date(), office.answer_by, SHANGHAI), local.year not in calendar.noticed
    due = calendar.add_workdays(local.date(), 1)
    return datetime.combine(due.day, office.answer_by, SHANGHAI), due.provisional


def say_time(at: datetime, *, provisional: bool = False) -> str:
    local = at.astimezone(SHANGHAI)
    text = f"{local.month}月{local.day}日（周{WEEKDAYS[local.weekday()]}）{local:%H:%M}"
    return text + "（暂估，次年放假安排未发布）" if provisional else text


def call_human(talk: Talk) -> tuple[Reply, str]:
    """Record the wish for a person at once; what the question is can follow. Returns the answer and the number."""
    open_one = consults.latest_open(talk.session, talk.person_id)
    if open_one is not None and talk.now - open_one.created_at < REUSE_WITHIN:
        until = say_time(open_one.promised_at)
        return Reply(f"您的人工咨询已登记，编号 {open_one.number}，{until}前答复您。"), open_one.number
    promised, provisional = promise(talk.calendar, talk.office, talk.now)
    row = consults.open_consult(talk.session, talk.contact_id, talk.state.query, talk.today, talk.now, promised)
    text = (
        f"已登记人工咨询，编号 {row.number}。\n"
        f"{talk.office.name}工作人员会在 {say_time(promised, provisional=provisional)} 前在这里答复您。\n"
        f"急事请打 {talk.office.hotline}。"
    )
    return Reply(text), row.number


def submit(talk: Talk, _form: str, answers: dict[str, Any]) -> list[Reply]:
    question = answers["question"]
    row = consults.find_consult(talk.session, talk.person_id, answers["number"])
    if row is None:
        return [Reply("这条咨询已结束，回“人工”可以重新登记。")]
    row.question = "\n".join(part for part in (row.question, question["text"]) if part)
    row.files = [*row.files, *question["files"]]
    return [
        Reply(
            f"记下了，{row.number} 已交给工作人员，{say_time(row.promised_at)}前答复。要补充就接着发照片。",
            (Choice("回菜单", "menu:"),),
        )
    ]


def cancel(talk: Talk, answers: dict[str, Any]) -> list[Reply]:
    """A consult called for and taken back before anything was asked is closed; one with a question stays."""
    row = consults.find_consult(talk.session, talk.person_id, answers["number"])
    if row is None or row.question or row.files:
        return [Reply("好的。已经登记的问题工作人员仍会答复。", (Choice("看菜单", "menu:"),))]
    row.state = consults.ConsultState.CLOSED
    return [Reply(f"好的，{row.number} 已取消。", (Choice("看菜单", "menu:"),))]


def files(talk: Talk, first: tuple[Choice, ...] = ()) -> list[Reply]:
    """Pictures and files that came without a flow: they go to the open consult, or wait for a word what they are.

    ``first`` are further uses, offered before ours.
    """
    new = [a.name for a in talk.inbound.attachments]
    row = consults.latest_open(talk.session, talk.person_id)
    if row is not None and talk.now - row.created_at < REUSE_WITHIN:
        row.files = [*row.files, *new]
        return [Reply(f"收到 {len(new)} 个文件，已加到您的咨询 {row.number}。")]
    talk.state.files = [*talk.state.files, *new][-9:]
    if all(a.kind is AttachmentKind.VOICE for a in talk.inbound.attachments):
        return [Reply("语音我听不懂，先替您存着。要怎么办？", _uses("交给工作人员听", "我打字"))]
    return [
        Reply(
            f"收到 {len(talk.state.files)} 个文件，先替您存着。要怎么用？",
            (*first, *_uses("交给工作人员看", "我用文字问")),
        )
    ]


def _uses(hand_over: str, ask: str) -> tuple[Choice, ...]:
    return (Choice(hand_over, "consult:files"), Choice(ask, "consult:ask"), Choice("不用了", "consult:drop"))


def act(talk: Talk, action: str) -> list[Reply]:
    if action == "files":
        reply, number = call_human(talk)
        row = consults.find_consult(talk.session, talk.person_id, number)
        if row is not None:
            row.files = [*row.files, *talk.state.files]
        talk.state.files = []
        return [Reply(reply.text + "\n文件已附上，可以再写一句要问什么。")]
    if action == "drop":
        talk.state.files = []
        return [Reply("好的，没有交给任何人。")]
    return [Reply("好的，请直接打字，比如“这种秤要检吗”。")]


# -- the bureau's side -------------------------------------------------------------------------------------------


def answer(session: Session, number: str, text: str, now: datetime) -> str:
    """Answer a consult: the asker is told on their own channel. Returns a sentence for the person who answered."""
    row = consults.by_number(session, number)
    if row is None:
        return f"没有编号为 {number} 的咨询，请核对。"
    if row.state != consults.ConsultState.OPEN:
        return f"{number} 已经答复过了，没有再发一次。"
    reply = Reply(
        f"您的咨询 {number} 有答复了：\n{text}",
        (Choice("还有疑问，转人工", "human:"), Choice("没问题了", "lookup:thanks")),
    )
    push(session, row.contact_id, reply, now, kind="consult-answer", dedup_key=f"consult:{number}")
    row.state = consults.ConsultState.ANSWERED
    return f"已答复 {number}，对方下次打开就会看到。"


def waiting_list(rows: list[consults.Consult]) -> str:
    """The open consults in words, the earliest promise first."""
    if not rows:
        return "没有待答复的咨询。"
    lines = [
        f"{r.number}  {say_time(r.promised_at)}前  {(r.question or '（还没写问题）')[:60]}"
        + (f"  附件{len(r.files)}个" if r.files else "")
        for r in rows
    ]
    return "\n".join([f"待答复 {len(rows)} 件：", *lines])


def deadlines(rows: list[consults.Consult]) -> str:
    """Only numbers and times, for where nothing of the questions may be shown."""
    lines = [f"{r.number}  {say_time(r.promised_at)}前" for r in rows]
    return "\n".join([f"待答复 {len(rows)} 件：", *lines]) if rows else "没有待答复的咨询。"
