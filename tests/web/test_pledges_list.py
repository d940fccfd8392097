"""/pledges: who has pledged, by district and trade, as a page, a table for spreadsheets and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from bot.app import Knowledge, Service
from bot.pledge_pages import PAGE, TARGET, PledgeDesk
from bot.web.pledges import COLUMNS, RISKY, create_pledges_router
from storage.pledges import PledgeState
from storage.shops import Shop
from tests.support import NOW, Browser, StandingClock, service_at
from tests.web.pledged import Traits, become, pledged

MANY = 2 * PAGE + 5
DISTRICTS = ("鹿城区", "龙湾区", "瓯海区")
FORMULA = '=HYPERLINK("https://evil.example","点我")'


class List:
    """The pages of the list, with the pledges a test puts on it."""

    def __init__(self, service: Service, clock: StandingClock) -> None:
        self.service, self.clock = service, clock
        app = FastAPI()
        app.include_router(create_pledges_router(PledgeDesk(service)))
        self.browser = Browser(app)

    def put(self, name: str, district: str = "鹿城区", sector: str = "", template: str = "honest") -> str:
        with self.service.database.unit() as session:
            traits = Traits(name, district, sector, due_days=(), template=template, who=name)
            return pledged(self.service.reception.bench, session, self.clock.now, traits).number

    def page(self, query: str = "") -> str:
        answer = self.browser.get(f"/pledges{query}")
        assert answer.status_code == 200
        return answer.text

    def json(self, query: str = "") -> dict:
        answer = self.browser.get(f"/pledges.json{query}")
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    def csv(self, query: str = "") -> list[dict[str, str]]:
        answer = self.browser.get(f"/pledges.csv{query}")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    def names(self, query: str) -> list[str]:
        return [row["单位"] for row in self.json(query)["rows"]]


@pytest.fixture
def wall(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[List]:
    service = service_at(tmp_path / "data", empty_file, knowledge)
    with StandingClock() as clock:
        made = List(service, clock)
        yield made
        made.browser.close()
    service.close()


def test_an_empty_list_is_a_page(wall: List) -> None:
    page = wall.page()
    assert "没有符合的单位" in page
    assert f"目标 {TARGET} 家" in page
    assert (wall.json()["rows"], wall.csv()) == ([], [])


def test_only_what_is_in_force_is_listed_and_counted(wall: List) -> None:
    kept, paused, revoked, ended = (wall.put(name) for name in ("在的", "停的", "撤的", "退的"))
    statement = wall.put("声明的", template="capability")
    with wall.service.database.unit() as session:
        become(session, paused, PledgeState.PAUSED, NOW)
        become(session, revoked, PledgeState.REVOKED, NOW)
        become(session, ended, PledgeState.ENDED, NOW)
    page = wall.page()
    assert f'href="/v/{kept}"' in page
    assert not any(number in page for number in (paused, revoked, ended, statement))
    assert (wall.json()["total"], wall.json()["target"]) == (1, 1000)
    assert 'aria-label="完成 0.1%"' in page
    wall.clock.now = NOW + timedelta(days=365)
    assert wall.json()["total"] == 0
    assert "没有符合的单位" in wall.page()


def test_who_is_long_overdue_leaves_the_list_at_the_next_request(wall: List) -> None:
    with wall.service.database.unit() as session:
        pledged(wall.service.reception.bench, session, NOW, Traits("鲜达超市", due_days=(100,)))
    listed = []
    for days in (100, 130, 131):
        wall.clock.now = NOW + timedelta(days=days)
        listed.append((wall.json()["total"], len(wall.json()["rows"]), len(wall.csv())))
    assert listed == [(1, 1, 1), (1, 1, 1), (0, 0, 0)]


def test_by_district_and_by_trade(wall: List) -> None:
    wall.put("甲", "鹿城区", "trade-supermarket")
    wall.put("乙", "鹿城区", "trade-seafood")
    wall.put("丙", "龙湾区", "trade-seafood")
    assert wall.names("?district=" + quote("鹿城区")) == ["甲", "乙"]
    assert wall.names("?sector=trade-seafood") == ["乙", "丙"]
    assert wall.names("?sector=" + quote("水产海鲜")) == ["乙", "丙"]
    assert wall.names(f"?district={quote(' 鹿城区 ')}&sector=trade-seafood") == ["乙"]
    assert wall.names("?district=" + quote("瓯海区")) == []
    page = wall.page(f"?district={quote('鹿城区')}&sector=trade-seafood")
    assert ("乙</a>" in page, "甲</a>" in page, "丙</a>" in page) == (True, False, False)
    assert '<option value="trade-seafood" selected>水产海鲜</option>' in page
    assert 'value="鹿城区"' in page
    chosen = f"district={quote('鹿城区')}&amp;sector=trade-seafood"
    assert f"/pledges.csv?{chosen}" in page
    assert f"/pledges.json?{chosen}" in page
    assert [row["单位"] for row in wall.csv(f"?district={quote('鹿城区')}&sector=trade-seafood")] == ["乙"]


@pytest.fixture
def many(wall: List) -> List:
    with wall.service.database.unit() as session:
        bench = wall.service.reception.bench
        for n in range(MANY):
            pledged(bench, session, NOW, Traits(f"第{n:03}家", DISTRICTS[n % 3], due_days=(), who=f"w{n}"))
    return wall


def test_pages_of_a_hundred_follow_one_another_without_gap_or_double(many: List) -> None:
    expected = [f"第{n:03}家" for n in range(MANY)]
    seen: list[str] = []
    after, sizes = 0, []
    while True:
        answer = many.json(f"?after={after}")
        seen += [row["单位"] for row in answer["rows"]]
        sizes.append(len(answer["rows"]))
        after = answer["after"]
        if not after:
            break
    assert (seen, sizes) == (expected, [PAGE, PAGE, 5])
    assert [row["单位"] for row in many.csv()] == expected
    assert len(many.csv("?district=" + quote("鹿城区"))) == 69
    first = many.page("?district=" + quote("鹿城区"))
    assert (first.count('class="shop"'), "下一页" in first) == (69, False)


def test_the_next_page_is_behind_its_link(many: List) -> None:
    page, shops = many.page(), 0
    while "下一页" in page:
        shops += page.count('class="shop"')
        address = page.split('class="button" href="/pledges')[1].split('"')[0].replace("&amp;", "&")
        page = many.page(address)
    assert shops + page.count('class="shop"') == MANY
    assert f'<strong class="figure">{MANY}</strong>' in page


@pytest.mark.parametrize("after", ["-1", "0", str(10**30), str(2**63)])
def test_a_place_in_the_list_that_there_is_not(wall: List, after: str) -> None:
    wall.put("甲")
    assert wall.browser.get(f"/pledges?after={after}").status_code == 200
    assert wall.json(f"?after={after}")["total"] == 1


@pytest.mark.parametrize(
    "word", ["\0", "<script>alert(1)</script>", "'; DROP TABLE pledges;--", "区" * 5000, '"onx="1']
)
def test_odd_words_find_nothing_and_break_nothing(wall: List, word: str) -> None:
    wall.put("甲")
    for field in ("district", "sector"):
        page = wall.page(f"?{field}={quote(word)}")
        assert "<script>" not in page
        assert 'onx="1' not in page
        assert wall.json(f"?{field}={quote(word)}")["total"] == 1


@pytest.mark.parametrize("sign", RISKY)
def test_a_name_is_no_formula_in_the_table(wall: List, sign: str) -> None:
    name = FORMULA.replace("=", sign, 1)
    wall.put(name, district=f"{sign}1+1")
    (row,) = wall.csv()
    assert not any(cell.startswith(RISKY) for cell in row.values())
    assert row["单位"] == f"'{name}"
    assert wall.json()["rows"][0]["单位"] == name
    assert "<script" not in wall.page()


def test_the_table_opens_as_utf_8_in_a_spreadsheet_program(wall: List) -> None:
    number = wall.put('"甲",乙\n丙', "鹿城区", "trade-seafood")
    answer = wall.browser.get("/pledges.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-disposition"] == "attachment; filename=pledges.csv"
    (row,) = wall.csv()
    assert tuple(row) == COLUMNS
    assert tuple(row.values()) == (number, '"甲",乙\n丙', "鹿城区", "水产海鲜", "2026-11-24", "2027-11-23")


def test_the_list_keeps_the_name_that_was_signed(wall: List) -> None:
    number = wall.put("鲜达超市")
    with wall.service.database.unit() as session:
        session.query(Shop).one().name = "改名超市"
    for shown in (wall.page(), json.dumps(wall.json(), ensure_ascii=False), wall.browser.get(f"/v/{number}").text):
        assert ("鲜达超市" in shown, "改名超市" in shown) == (True, False)


def test_the_whole_table_is_given_a_few_times_a_minute(wall: List) -> None:
    codes = [wall.browser.get("/pledges.csv").status_code for _ in range(8)]
    assert codes == [200] * 6 + [429] * 2
    over = wall.browser.get("/pledges.csv")
    assert "请等" in over.json()["error"]
    assert int(over.headers["retry-after"]) > 0
    assert wall.browser.get("/pledges").status_code == 200
