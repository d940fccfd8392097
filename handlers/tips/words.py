"""What a person is told before they tell anything: who can see what, which channel this is by law, and who else takes it."""

from __future__ import annotations

from handlers.conversation.messages import Way
from handlers.talk import Talk
from storage import contacts

NOT_STATUTORY = "本机器人不是法定接收渠道：您说的会登记并由本局按同样期限办理；要走法定渠道，打 {}。"
STATUTORY = "本机器人是本局公布的投诉举报接收渠道。"


def notice(talk: Talk, *, sealing: bool) -> str:
    """At most four lines. The word is 不留名, never 匿名: the platform knows the account."""
    ways = (
        "可以不留名举报；也可以留联系方式保密举报：封存起来，两名保管人一起才能打开。"
        if sealing
        else f"这里收不留名举报；要留名、留电话的保密举报或投诉，请打 {talk.office.hotline}。"
    )
    return "\n".join(
        (f"先说清楚谁看得到：{_channel(talk)}", "承办人只看到您说的事，看不到您是谁。", ways, standing(talk))
    )


def _channel(talk: Talk) -> str:
    """What this channel, and the others of the person, know of them."""
    office, here = talk.office, talk.inbound.contact.channel
    platforms = [] if talk.inbound.way is Way.PULL else [here]
    platforms += [c.channel for c in contacts.of_person(talk.session, talk.person_id) if c.channel != here]
    names = "、".join(dict.fromkeys(office.called(channel) for channel in platforms))
    if talk.inbound.way is not Way.PULL:
        page = f"，不想让平台知道就用网页 {office.public_url}" if office.public_url else ""
        return f"{names}平台知道您的账号，聊天要经过它{page}；本局存的案件里没有账号。"
    bound = f"；您绑定过的{names}知道您在那边的账号" if names else ""
    return f"这里不用登录，本局只认一个随机编号，网络运营商知道您上过这个网站{bound}。"


def standing(talk: Talk) -> str:
    return STATUTORY if talk.office.statutory_intake else NOT_STATUTORY.format(talk.office.hotline)
