"""What the bot says of itself: the greeting, the menu, the help."""

from __future__ import annotations

from handlers import lookup
from handlers.conversation.messages import Choice, Reply
from handlers.talk import Talk

GREETING = "您好，我是诚信秤·计量小助手：查检定义务、判缺斤短两，直接打字问。"
PRIVACY = "回“人工”随时找工作人员。聊天只用来答复您，不留名也能问。"
MENU = "可以直接打字问，或选一个："
MENU_MORE = (
    "还可以回这些词：\n"
    "举报——缺斤短两、作弊秤，可以不留名\n"
    "查进度——报过的办到哪儿了\n"
    "查秤——测秤准不准、核对算钱\n"
    "判定——缺斤短两当场判\n"
    "我的台账——器具到期提醒；承诺——签诚信承诺\n"
    "开店体检——开店要办哪些计量事\n"
    "继续——接着填没填完的\n"
    "再说一遍——重看上一条\n"
    "绑定——和微信、网页上的对话接起来\n"
    "隐私——留什么、留多久\n"
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


def greeted(talk: Talk, reply: Reply) -> Reply:
    """The reply, with the greeting before it when it is the first one the person gets."""
    if talk.state.greeted:
        return reply
    talk.state.greeted = True
    return Reply(f"{GREETING}\n{reply.text}", reply.choices, more=reply.more, about=reply.about)
