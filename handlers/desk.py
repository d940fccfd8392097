"""The front desk put together: which services there are, and what the words known everywhere lead to."""

from __future__ import annotations

from handlers import account, checkup, consult, guide, judge, lookup, merchants, privacy, scale_check, staff
from handlers.conversation.messages import Reply
from handlers.conversation.router import Desk, Service
from handlers.elsewhere import elsewhere
from handlers.greeting import GREETING, HELP, MENU, MENU_MORE, PRIVACY, help_, menu
from handlers.ledger import files as ledger_files
from handlers.ledger import service as ledger_service
from handlers.officers import service as officers_service
from handlers.pledge import checking
from handlers.pledge import service as pledge_service
from handlers.routes import ROUTES
from handlers.talk import Talk
from handlers.tips import service as tips_service
from handlers.unreadable import unreadable
from knowledge.checkup import own_trades

__all__ = ["GREETING", "HELP", "MENU", "MENU_MORE", "PRIVACY", "build_desk"]


def human(talk: Talk) -> list[Reply]:
    reply, number = consult.call_human(talk)
    return [reply, *talk.open_form(consult.CONSULT.name, number)]


def answer(talk: Talk, text: str) -> list[Reply]:
    return lookup.answer(talk, text)


def _services() -> tuple[Service[Talk], ...]:
    return (
        Service("lookup", lookup.act, commands=dict.fromkeys(("查义务", "我要查询", "查询", "/ask"), "start")),
        officers_service.SERVICE,  # first of those that recognise: to staff a number is a case, to others it is nothing
        ledger_service.SERVICE,  # before the verdicts: a line of the ledger is full of numbers, too
        tips_service.SERVICE,  # before the verdicts as well: a story with a place is a tip, whatever figures are in it
        checking.SERVICE,  # before the verdicts: a number typed with blanks looks like a bill
        Service(
            "judge",
            judge.act,
            forms=(judge.JUDGE, scale_check.SCALE),
            submit=judge.submit,
            recognise=judge.recognise,
            commands={
                **dict.fromkeys(("判定", "当场判定", "判一判", "/judge"), "start"),
                **dict.fromkeys(("查秤", "查秤两招", "测秤", "验秤", "/check"), "scale"),
            },
        ),
        Service(
            "checkup",
            checkup.act,
            forms=(checkup.checkup_form(own_trades()),),
            submit=checkup.submit,
            recognise=checkup.recognise,
            commands=dict.fromkeys(("开店体检", "开店计量体检", "计量体检", "/checkup"), "start"),
        ),
        Service(
            "consult",
            consult.act,
            forms=(consult.CONSULT,),
            submit=consult.submit,
            cancel=consult.cancel,
            personal=True,
        ),
        Service(
            "account",
            account.act,
            recognise=account.recognise,
            commands=account.COMMANDS,
            claims=account.claims,
            personal=True,
        ),
        merchants.SERVICE,
        pledge_service.SERVICE,
        Service("guide", guide.act, commands=guide.COMMANDS),
        Service("privacy", privacy.act, commands=privacy.COMMANDS),
        Service("staff", staff.act, commands=staff.COMMANDS, claims=staff.claims),
    )


def build_desk() -> Desk[Talk]:
    return Desk(
        services=_services(),
        menu=menu,
        help=help_,
        human=human,
        answer=answer,
        side_answer=lookup.side_answer,
        files=ledger_files.files,
        elsewhere=elsewhere,
        unreadable=unreadable,
        routes=ROUTES,
    )
