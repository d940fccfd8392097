"""What came in and is neither words nor a file we can read: one sentence each, with what to do instead."""

from __future__ import annotations

from handlers.conversation.messages import Choice, Other, Reply
from handlers.elsewhere import elsewhere
from handlers.talk import Talk

FILES = frozenset((Other.LARGE_FILE, Other.UNSENDABLE_FILE))
"""What to do instead of these is to send a file: not something to ask for where none is taken."""
SENTENCES = {
    Other.LOCATION: "位置我看不了，请打字说在哪个市场、哪个摊位。",
    Other.LINK: "网页链接我打不开，请把要问的话打出来。",
    Other.CONTACT: "名片我没有存，也用不上。要问什么请直接打字。",
    Other.STICKER: "收到您的表情啦，有计量的事直接打字问我。",
    Other.LARGE_FILE: "文件超过 10 MB，收不了。请压缩后再发，或只拍要紧的部分。",
    Other.UNSENDABLE_FILE: "这种文件这里收不到，请拍照片发来。",
    Other.UNKNOWN: "这种内容我看不了，请打字问，或拍照片发来。",
}
VOICE = "语音我听不懂，请打字回。"


def unreadable(talk: Talk) -> list[Reply]:
    kind = talk.inbound.other
    if kind in FILES and talk.public_only:
        return elsewhere(talk)
    if kind is None:
        return [Reply(VOICE)]
    text = SENTENCES[kind]
    if kind is Other.UNSENDABLE_FILE and talk.office.public_url:
        text = f"这种文件这里收不到，请拍照片，或打开网页版传：{talk.office.public_url}"
    menu = kind is Other.STICKER and talk.state.form is None
    return [Reply(text, (Choice("看菜单", "menu:"),) if menu else ())]
