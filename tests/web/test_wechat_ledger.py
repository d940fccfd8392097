"""S6 on WeChat as it is: a photo fetched from the platform, read in the child process, the result sent, and one digit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import Knowledge
from storage.ledger import Certificate, LedgerItem
from tests.certificates import photo
from tests.fakes.wechat import FakeWechat
from tests.web.test_wechat import Stage
from tests.wechat import OPENID, fake

READING_SECONDS = 60.0


@pytest.fixture
def api() -> Iterator[FakeWechat]:
    with fake() as api:
        yield api


@pytest.fixture
def stage(tmp_path: Path, knowledge: Knowledge, api: FakeWechat) -> Iterator[Stage]:
    made = Stage(tmp_path, knowledge, api)
    yield made
    made.close()


def test_a_photo_of_a_certificate_is_read_and_filed(stage: Stage) -> None:
    sample = photo("检定证书", "plain", (), random.Random(3))  # noqa: S311 - a sample, no secret
    for said in ("绑定 鲜达超市", "91330302MA2ABCDE0X", "存证书"):
        stage.platform.say(OPENID, said)
    got = stage.platform.send(stage.platform.image(OPENID, stage.api.add_media(sample.data, "image/jpeg")))
    assert got.tries == 1
    assert "正在看" in (got.text or "")
    stage.until(lambda: len(stage.api.sent_to(OPENID)) == 1, READING_SECONDS)
    told = stage.api.sent_to(OPENID)[0].content
    assert f"证书号 {sample.truth.certificate_no}" in told
    assert f"有效期至 {sample.truth.due_on}" in told
    assert "存好了" in (stage.platform.say(OPENID, "1").text or "")
    (item,), (kept,) = stage.rows(LedgerItem), stage.rows(Certificate)
    assert (item.serial, item.due_on, kept.item_id) == (sample.truth.serial, sample.truth.due_on, item.id)
    sealed = stage.service.settings.evidence_dir / "sealed"
    stage.until(lambda: [path.name for path in sealed.glob("*/*/*")] == [kept.sha256])


def test_a_table_is_handed_in_on_a_page(stage: Stage) -> None:
    for said in ("绑定 鲜达超市", "91330302MA2ABCDE0X"):
        stage.platform.say(OPENID, said)
    assert "/upload/" in (stage.platform.say(OPENID, "导入").text or "")
