"""隐私: what is kept, for how long and who sees it; and 删除我的数据, which ends it."""

from __future__ import annotations

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.state import DialogueState
from handlers.talk import Talk
from handlers.tips import rights
from storage import case_links, erasure

COMMANDS = {
    **dict.fromkeys(("隐私", "隐私政策", "个人信息", "/privacy"), "show"),
    **dict.fromkeys(("删除我的数据", "删除数据", "清除我的数据", "确认删除"), "ask"),
}
KEPT = (
    "我们留什么、留多久：\n"
    "· 您发的话留 1 天，我的答复留 7 天，聊到哪儿 7 天没动就清空。\n"
    "· 账号只有平台给的编号；不问姓名、身份证号。\n"
    "· 交给人工的问题和照片，本局工作人员能看，办完留档。\n"
    "· 举报、投诉里没有您的账号；要通知才加密存一份，留的姓名电话另外封存。\n"
    "· 台账留到您删为止；证书原件加密存，电话只给工作人员催检用。\n"
    "· 没答上来的问题、点的👍👎会记下原话，用来改进。\n"
    "· 聊天要经过您用的平台，平台自己也看得到。\n"
    "回“删除我的数据”可以删掉。"
)
WARNING = (
    "删除以后：\n"
    "① 聊天、没填完的内容、绑定都没了，找不回来；\n"
    "② 店里只有您一个人的台账一起删掉；还有别人的，交给他们；\n"
    "③ 没答复的人工咨询会关掉，不再答复您；\n"
    "④ 咨询编号和时间留作统计，不含内容；\n"
    "⑤ 举报、投诉照办，但和您的账号断开，不再通知您；要再看只能凭回执码。\n"
    "确定就回“确认删除”。"
)
GONE = (
    "删好了：聊天、咨询内容、绑定和您一个人的台账都已删除。只剩收发消息要用的账号编号。\n"
    "报过的案件照办，已和您断开；有回执码的话，凭码还能查。"
)


def act(talk: Talk, action: str) -> list[Reply]:
    if action == "ask":
        return [Reply(WARNING, (Choice("确认删除", "privacy:erase"), Choice("不删", "privacy:leave")))]
    if action == "erase":
        case_links.forget_tags(talk.session, rights.tags(talk))
        erasure.forget(talk.session, talk.contact_id, talk.now)
        talk.state = DialogueState(greeted=True)
        return [Reply(GONE)]
    if action == "leave":
        talk.state.options = None
        return [Reply("好的，什么都没有删。")]
    return [Reply(KEPT, (Choice("删除我的数据", "privacy:ask"), Choice("看菜单", "menu:")))]
