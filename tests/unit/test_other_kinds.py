"""What is neither words nor a picture: voices, videos, edited messages, the buttons beside a form's question."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.app import Service
from bot.files import MAX_FILE
from bot.web.ports import BadFileError
from handlers.conversation.messages import Attachment, AttachmentKind, Other
from handlers.unreadable import SENTENCES, VOICE
from storage.consults import Consult
from tests.support import said

QUESTION = "查秤两招，选一个："


def voice(key: str, text: str = "") -> object:
    return replace(said(text, key), attachments=(Attachment(AttachmentKind.VOICE, "media:1", label="语音"),))


def texts(service: Service, inbound: object) -> list[str]:
    return [line.reply.text for line in service.talk(inbound)]


@pytest.mark.parametrize("kind", Other)
def test_each_kind_gets_a_sentence_and_a_form_its_question_again(service: Service, kind: Other) -> None:
    assert texts(service, replace(said("", "1"), other=kind)) == [SENTENCES[kind]]
    service.talk(said("查秤", "2"))
    lines = service.talk(replace(said("", "3"), other=kind))
    assert [line.reply.text for line in lines] == [SENTENCES[kind], QUESTION]
    assert [line.reply.in_form for line in lines] == [False, True]
    assert texts(service, said("2", "4")) != [SENTENCES[kind]]


def test_a_sticker_brings_the_menu_a_caption_is_answered(service: Service) -> None:
    assert [c.label for c in service.talk(replace(said("", "1"), other=Other.STICKER))[0].reply.choices] == ["看菜单"]
    assert texts(service, replace(said("强检收费吗", "2"), other=Other.LINK))[0].startswith("强制检定不收费")


def test_a_file_by_name_only_can_be_sent_on_the_page(service: Service) -> None:
    office = replace(service.reception.bench.office, public_url="https://jl.example.gov.cn")
    service.reception = replace(service.reception, bench=replace(service.reception.bench, office=office))
    assert texts(service, replace(said("", "1"), other=Other.UNSENDABLE_FILE)) == [
        "这种文件这里收不到，请拍照片，或打开网页版传：https://jl.example.gov.cn"
    ]


def test_a_voice_is_handed_to_staff_or_typed_instead(service: Service) -> None:
    line = service.talk(voice("1"))[0]
    assert line.reply.text == "语音我听不懂，先替您存着。要怎么办？"
    assert [c.label for c in line.reply.choices] == ["交给工作人员听", "我打字", "不用了"]
    assert "已登记人工咨询" in texts(service, said("1", "2"))[0]
    with service.database.reading() as session:
        assert session.scalars(select(Consult.files)).one() == ["media:1"]


def test_a_voice_in_a_form_is_no_answer_in_a_consult_it_is(service: Service) -> None:
    service.talk(said("查秤", "1"))
    assert texts(service, voice("2")) == [VOICE, QUESTION]
    service.talk(said("人工", "3"))
    assert texts(service, voice("4"))[0].startswith("记下了")


def test_a_film_from_the_page_is_kept_like_a_picture(service: Service) -> None:
    film = service.keep_file(bytes(3) + b"\x18ftypqt  " + bytes(40), "IMG_1.MOV")
    assert (film.kind, film.media_type, film.label) == (AttachmentKind.VIDEO, "video/quicktime", "IMG_1.MOV")
    line = service.talk(replace(said("", "1"), attachments=(film,)))[0]
    assert line.reply.text == "收到 1 个文件，先替您存着。要怎么用？"
    with pytest.raises(BadFileError, match="超过 10 MB"):
        service.keep_file(bytes(3) + b"\x18ftypisom" + bytes(MAX_FILE), "a.mp4")
    with pytest.raises(BadFileError, match="不是照片、视频"):
        service.keep_file(bytes(3) + b"\x18ftypM4A " + bytes(40), "a.mp4")


def test_an_edit_changes_no_answer_of_a_form(service: Service) -> None:
    service.talk(said("查秤", "1"))
    for text in ("1", "取消", "查秤"):
        told = texts(service, replace(said(text, f"e{text}"), edited=True))
        assert told == ["看到您改了上面那条。要改答案，请回“返回”再答一次。", QUESTION]
    service.talk(said("取消", "2"))
    assert texts(service, replace(said("强检收费吗", "3"), edited=True))[0].startswith("强制检定不收费")


def test_the_buttons_beside_a_question_go_back_and_leave(service: Service) -> None:
    first = service.talk(said("查秤", "1"))[0]
    second = service.talk(replace(said("", "2"), choice=f"{first.nonce}:1"))[0]
    assert second.reply.in_form
    stale = texts(service, replace(said("", "3"), choice=f"{first.nonce}:b"))
    assert stale[0] == "这个按钮已过期，请看下面现在的内容。"
    now = service.talk(said("再说一遍", "4"))[-1]
    back = service.talk(replace(said("", "5"), choice=f"{now.nonce}:b"))[0]
    assert back.reply.text == QUESTION
    assert texts(service, replace(said("", "6"), choice=f"{back.nonce}:q"))[0].startswith("好的，已退出")
    assert texts(service, replace(said("", "7"), choice=f"{back.nonce}:q"))[0] == "这个按钮已过期，请看下面现在的内容。"
