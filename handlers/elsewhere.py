"""What is said in place of personal matters where others read along, or where the law lets none be kept."""

from __future__ import annotations

from handlers.conversation.messages import Choice, Reply
from handlers.talk import Talk


def elsewhere(talk: Talk) -> list[Reply]:
    """Where to go instead. The words of this message are not kept; its files never were."""
    page = f"或网页 {talk.office.public_url} " if talk.office.public_url else ""
    what = "您发的文件没有存。"
    if not talk.inbound.attachments:
        talk.withheld, what = True, "您刚才发的没有存。"
    text = f"这里只回答问题和当场判定。\n涉及个人信息的事，请用微信公众号{page}，急事打 {talk.office.hotline}。\n{what}"
    return [Reply(text, (Choice("看菜单", "menu:"),))]
