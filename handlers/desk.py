"""The front desk put together: which services there are, and what the words known everywhere lead to."""

from __future__ import annotations

from handlers import checkup, consult, judge, lookup
from handlers.conversation.messages import Choice, Reply
from handlers.conversation.router import Desk, Service
from handlers.talk import Talk
from knowledge.checkup import own_trades

GREETING = "您好，我是诚信秤·计量小助手：查检定义务、判缺斤短两，直接打字问。"
PRIVACY = "回“人工”随时找工作人员。聊天只用来答复您，不留名也能问。"
MENU = "可以直接打字问，或选一个："
MENU_MORE = (
    "还可以回这些词：\n"
    "查秤——测秤准不准、核对算钱\n"
    "判定——缺斤短两当场判\n"
    "开店体检——开店要办哪些计量事\n"
    "继续——接着填没填完的\n"
    "再说一遍——重看上一条\n"
    "人工——找工作人员"
)
HELP = (
    "怎么用：\n"
    "· 有问题直接打字，错别字、拼音、方言都行。\n"
    "· 看到选项就回数字。\n"
    "· 上一步回“返回”，不做了回“取消”，接着做回“继续”。\n"
    "· 答得不好请点👎，或回“人工”。"
)


def menu(talk: Talk) -> list[Reply]:
    if not talk.state.greeted:
        talk.state.greeted = True
        return [Reply(f"{GREETING}\n{PRIVACY}", lookup.STARTS)]
    return [Reply(MENU, lookup.STARTS, more=MENU_MORE)]


def help_(_talk: Talk) -> list[Reply]:
    return [Reply(HELP, (Choice("看菜单", "menu:"), Choice("找人工", "human:")))]


def human(talk: Talk) -> list[Reply]:
    reply, number = consult.call_human(talk)
    return [reply, *talk.open_form(consult.CONSULT.name, number)]


def answer(talk: Talk, text: str) -> list[Reply]:
    return lookup.answer(talk, text)


def build_desk() -> Desk[Talk]:
    return Desk(
        services=(
            Service("lookup", lookup.act, commands=dict.fromkeys(("查义务", "我要查询", "查询", "/ask"), "start")),
            Service(
                "judge",
                judge.act,
                forms=(judge.JUDGE, judge.SCALE),
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
            Service("consult", consult.act, forms=(consult.CONSULT,), submit=consult.submit, cancel=consult.cancel),
        ),
        menu=menu,
        help=help_,
        human=human,
        answer=answer,
        side_answer=lookup.side_answer,
        files=consult.files,
    )
