"""/v/<number>: what a card's code opens says today's truth, knows a forgery, and shows nothing of persons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import Knowledge
from bot.pledge_pages import PledgeDesk
from bot.web.headers import SECURITY_HEADERS
from storage import pledges
from storage.pledges import GRACE, PledgeState
from storage.shops import Shop
from tests.support import NOW
from tests.web.pledged import LAST, OTHER, SIGNED, Traits, Wall, confirm_violation, hung, state_of

CANARIES = (
    "canary-wang",
    "canary-address",
    "canary-phone",
    "canary-told",
    "canary-matter",
    "canary-reason",
    "canary-who",
)


@pytest.fixture
def wall(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Wall]:
    with hung(tmp_path / "data", empty_file, knowledge) as wall:
        yield wall


def test_a_pledge_in_force_shows_its_facts(wall: Wall) -> None:
    page = wall.look()
    assert page.status_code == 200
    assert state_of(page) == "有效"
    for shown in ("鲜达超市", "鹿城区", "超市便利店", "2026-11-24", "2027-11-23", "查询时间", "2026-11-24 10:00"):
        assert shown in page.text
    for shown in ("100%", "在用强检器具 2 台，检定有效 2 台", "0 件", "称前清零去皮", "文本编号：honest-shop/1"):
        assert shown in page.text
    assert f'href="/?p={wall.number}"' in page.text


@pytest.mark.parametrize(
    ("to", "word"), [(PledgeState.PAUSED, "暂停"), (PledgeState.REVOKED, "已撤销"), (PledgeState.ENDED, "已结束")]
)
def test_a_change_of_state_shows_at_once(wall: Wall, to: PledgeState, word: str) -> None:
    assert state_of(wall.look()) == "有效"
    wall.become(to, "violation" if to == PledgeState.PAUSED else "false")
    page = wall.look()
    assert state_of(page) == word
    assert 'class="state bad"' in page.text
    assert page.status_code == 200


def test_the_last_month_and_the_end_come_by_the_date(wall: Wall) -> None:
    wall.verify_again(600)
    seen = []
    for day in (LAST - timedelta(days=31), LAST - timedelta(days=30), LAST, LAST + timedelta(days=1)):
        wall.on(day)
        seen.append(state_of(wall.look()))
    assert seen == ["有效", "有效 即将到期", "有效 即将到期", "已到期"]


def test_an_instrument_31_days_overdue_pauses_at_the_next_request_and_a_new_date_resumes(wall: Wall) -> None:
    due = SIGNED + timedelta(days=200)
    wall.on(due + GRACE)
    late = wall.look()
    assert (state_of(late), "检定有效 0 台（0%）" in late.text) == ("有效", True)
    wall.on(due + GRACE + timedelta(days=1))
    assert state_of(wall.look()) == "暂停"
    with wall.service.database.reading() as session:
        assert pledges.by_number(session, wall.number)[0].state == PledgeState.ACTIVE  # no job has run
    wall.verify_again(365)
    page = wall.look()
    assert (state_of(page), "100%" in page.text) == ("有效", True)


@settings(max_examples=60)
@given(due=st.integers(0, 400), day=st.integers(0, 420))
def test_the_state_follows_from_the_two_dates_alone(wall: Wall, due: int, day: int) -> None:
    wall.clock.now = NOW
    wall.verify_again(due)
    wall.on(SIGNED + timedelta(days=day))
    left = (LAST - SIGNED).days - day
    by_date = "已到期" if left < 0 else "暂停" if day - due > 30 else "有效（即将到期）" if left <= 30 else "有效"
    seen = PledgeDesk(wall.service).see(wall.number, "")
    assert seen is not None
    assert (seen.label, seen.good) == (by_date, by_date.startswith("有效"))
    assert seen.percent == (100 if due >= day else 0)


def test_a_confirmed_violation_is_counted_for_twelve_months_and_pauses(wall: Wall) -> None:
    with wall.service.database.unit() as session:
        confirm_violation(wall.bench, session, wall.shop_id, NOW)
    page = wall.look()
    assert (state_of(page), "1 件" in page.text) == ("暂停", True)
    wall.on(SIGNED + timedelta(days=365))
    assert "1 件" in wall.look().text
    wall.on(SIGNED + timedelta(days=366))
    assert "0 件" in wall.look().text


def test_part_of_the_instruments_and_none_at_all(wall: Wall) -> None:
    some, _ = wall.pledge(Traits(name="老王水产", who="li", due_days=(100, -3, -3), sector="trade-seafood"))
    assert "33%" in wall.look(some).text
    none, _ = wall.pledge(Traits(name="新店", who="zhao", due_days=(), sector="", district=""))
    page = wall.look(none)
    assert "台账里没有在用的强检器具" in page.text
    assert "检定有效的比例" not in page.text


# -- numbers ------------------------------------------------------------------------------------------------------


def test_an_unknown_number_is_suspected_to_be_forged(wall: Wall) -> None:
    page = wall.look(OTHER)
    assert page.status_code == 404
    assert "疑似伪造" in page.text
    assert OTHER in page.text
    assert f'href="/?p={OTHER}"' in page.text
    assert "鲜达超市" not in page.text


def test_every_slip_of_the_finger_is_told_as_one(wall: Wall) -> None:
    digits = [at for at, char in enumerate(wall.number) if char.isdecimal()]
    for at in digits:
        wrong = wall.number[:at] + str((int(wall.number[at]) + 3) % 10) + wall.number[at + 1 :]
        page = wall.look(wrong)
        assert (page.status_code, "编号输错了一位" in page.text) == (404, True)
        assert "疑似伪造" not in page.text


@pytest.mark.parametrize("said", ["cxjl 2026 000001 5", "ＣＸＪＬ－２０２６－０００００１－５", "CXJL20260000015"])
def test_a_number_may_be_typed_in_many_ways(wall: Wall, said: str) -> None:
    assert wall.number == "CXJL-2026-000001-5"
    assert state_of(wall.look(quote(said))) == "有效"
    assert state_of(wall.browser.get(f"/v?number={quote(said)}")) == "有效"


@pytest.mark.parametrize("said", ["hello", "<script>alert(1)</script>", "%00", "😀" * 300, "CXJL-%s%n", "' OR 1=1 --"])
def test_what_is_no_number_is_answered_by_a_page(wall: Wall, said: str) -> None:
    page = wall.browser.get(f"/v?number={quote(said)}")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>" not in page.text


def test_the_form_asks_for_a_number(wall: Wall) -> None:
    for address in ("/v", "/v?number=", "/v?number=%20"):
        page = wall.browser.get(address)
        assert (page.status_code, 'name="number"' in page.text) == (200, True)


# -- nothing of persons -------------------------------------------------------------------------------------------


def test_nothing_of_persons_or_cases_is_on_any_page(wall: Wall) -> None:
    wang, address, phone, told, matter, reason, who = CANARIES
    sealed = wall.bench.vault.seal(phone.encode(), "shop-phone:0")
    more = {"address": address, "phone": sealed}
    number, shop_id = wall.pledge(Traits(name="城西干货", who=wang, more=more))
    pages = [wall.look(number).text]
    with wall.service.database.unit() as session:
        case = confirm_violation(wall.bench, session, shop_id, NOW, who=who, told=told, matter=matter)
        assert case.confirmed
        row = pledges.get(session, pledges.by_number(session, number)[0].id)
        row.reason = reason
        secrets = [case.number, case.filing_hash, session.get_one(Shop, shop_id).phone.hex(), f"pledge:{row.id}"]
    pages += [wall.look(number).text, wall.look(number, "?s=x").text]
    pages += [wall.browser.get(f"/pledges{ending}").text for ending in ("", ".json", ".csv")]
    for page in pages:
        for secret in (*CANARIES, *secrets, "terminal"):
            assert secret not in page


# -- as every page ------------------------------------------------------------------------------------------------


def test_every_answer_carries_the_headers(wall: Wall) -> None:
    for path in (
        f"/v/{wall.number}",
        f"/v/{OTHER}",
        "/v",
        "/pledges",
        "/pledges.json",
        "/pledges.csv",
        "/pledges?after=x",
    ):
        headers = wall.browser.get(path).headers
        assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_more_than_a_client_may_look_up(wall: Wall) -> None:
    pages = [wall.look(OTHER) for _ in range(125)]
    assert [page.status_code for page in pages[:120]] == [404] * 120
    over = pages[-1]
    assert (over.status_code, int(over.headers["retry-after"]) > 0, "请等一分钟" in over.text) == (429, True, True)
    assert wall.browser.get("/pledges").status_code == 429
    assert wall.browser.get("/pledges.json").status_code == 429
