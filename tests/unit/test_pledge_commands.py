"""``pledges`` on the command line: staff decide appeals and applications, revoke, restore, add and undo points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import logs
from bot.__main__ import main
from bot.app import Knowledge
from bot.settings import Settings
from bot.times import utc_now
from handlers.pledge.credit import grade_of
from handlers.talk import SHANGHAI
from handlers.turn import Reception
from storage import contacts, pledges, shops
from storage.audit import AuditEntry
from storage.database import Database, Session
from storage.pledges import Application, PledgeState, ScoreEvent, Status
from storage.shops import Member
from tests.pledging import Counter, counter
from tests.support import migrated_file

Run = Callable[..., str]
BY = ("--by", "王五", "--reason")
WHY = "现场核查合格，已整改到位"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, knowledge: Knowledge) -> Path:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("HONESTSCALE_DATA_DIR", str(data))
    monkeypatch.setattr(logs, "_lasting", set())
    # The facts are the same ones; that a command loads them takes two seconds each time.
    monkeypatch.setattr(Knowledge, "load", classmethod(lambda *_: knowledge))
    monkeypatch.chdir(tmp_path)
    migrated_file(data / "honestscale.db")
    return data


@pytest.fixture
def here(folder: Path, reception: Reception) -> Iterator[Counter]:
    """A shop with a pledge of today: the commands look at the real clock."""
    database = Database(f"sqlite:///{folder / 'honestscale.db'}")
    found = counter(database, reception)
    found.prepare(900, 900)
    found.due(*[today() + timedelta(days=400)] * 2)
    found.sign(at=utc_now())
    yield found
    database.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], folder: Path) -> Run:  # noqa: ARG001 - the commands look there
    def ran(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["pledges", *words]) == code
        out, err = capsys.readouterr()
        assert (err if code == 0 else out) == ""
        return (out + err).strip()

    return ran


def today() -> date:
    return utc_now().astimezone(SHANGHAI).date()


def status(here: Counter) -> Status:
    return here.seen(utc_now()).status


def appeal(here: Counter, kind: str = "appeal-pledge", text: str = "秤已经重新检定，证书刚拿到") -> None:
    """What the owner has filed in chat."""
    about = 1 if kind == "appeal-pledge" else None
    with here.database.unit() as session:
        row = Application(shop_id=1, kind=kind, about=about, text=text, answers={}, contact_id=_owner(session))
        pledges.apply_for(session, row, utc_now())


def _owner(session: Session) -> int:
    account = contacts.find(session, "terminal", "owner")
    assert account is not None
    return account.id


# -- revoking and restoring ---------------------------------------------------------------------------------------


def test_revoked_with_a_reason_shows_at_once_and_is_told(run: Run, here: Counter) -> None:
    number = here.latest().number
    said = run("revoke", number.lower(), "--cause", "RV1", *BY, "查实使用作弊秤，已作处罚")
    assert said.startswith(f"{number} 已撤销")
    assert status(here) is Status.REVOKED
    row = here.latest()
    assert (row.cause, row.reason) == ("RV1", "查实使用作弊秤，已作处罚")
    for who in ("owner", "manager"):
        (told,) = here.told(who)
        assert "已撤销：查实使用作弊秤，已作处罚" in told.text
        assert [choice.label for choice in told.choices] == ["申诉"]
    log = [line for line in here.audited() if "pledge.revoked" in line]
    assert len(log) == 1
    assert "staff:王五" in log[0]
    assert "作弊秤" not in log[0]


def test_restored_by_staff(run: Run, here: Counter) -> None:
    number = here.latest().number
    run("revoke", number, *BY, "查实使用作弊秤，已作处罚")
    assert run("restore", number, *BY, WHY) == f"{number} 已恢复，公示页现在显示“有效”。"
    assert status(here) is Status.VALID
    assert here.told("owner")[-1].text.endswith(f"已恢复有效：{WHY}。")


def test_what_the_ledger_still_says_is_not_hidden_from_staff(run: Run, here: Counter) -> None:
    number = here.latest().number
    run("revoke", number, *BY, "查实使用作弊秤，已作处罚")
    here.due(today() - timedelta(days=40), today())
    assert run("restore", number, *BY, WHY).endswith("公示页现在显示“暂停”。")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("revoke", "CXJL-2026-000999-0", *BY, WHY), "没有编号为"),
        (("revoke", "{}", *BY, "太短"), "请写明理由"),
        (("restore", "{}", *BY, WHY), "现在是“有效”，不用恢复"),
        (("decide", "99", "grant", *BY, WHY), "没有 99 号待审的申请"),
        (("score", "1", "no-such-rule", *BY, WHY), "没有 no-such-rule 这一条。可以用：demonstration（"),
        (("score", "1", "verified", *BY, WHY), "由台账和承诺自动得出"),
        (("score", "99", "cheating", *BY, WHY), "没有这家店"),
        (("undo", "99", *BY, WHY), "没有第 99 条"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    run: Run, here: Counter, words: tuple[str, ...], said: str
) -> None:
    number, before = here.latest().number, len(here.audited())
    assert said in run(*(word.format(number) for word in words), code=1)
    assert (len(here.audited()), status(here)) == (before, Status.VALID)


def test_what_has_ended_is_neither_revoked_nor_restored(run: Run, here: Counter) -> None:
    number = here.latest().number
    here.act("owner", "pledge:end/1/sure", utc_now())
    assert run("revoke", number, *BY, WHY, code=1) == f"{number} 现在是“已结束”，不能撤销。"
    assert "现在是“已结束”" in run("restore", number, *BY, WHY, code=1)


# -- appeals ------------------------------------------------------------------------------------------------------


def test_an_appeal_is_listed_with_its_pledge_and_granting_it_brings_it_back(run: Run, here: Counter) -> None:
    assert run("list") == "没有待审的申诉和申报。"
    here.confirm(utc_now())
    assert status(here) is Status.PAUSED
    appeal(here)
    listed = run("list")
    assert listed.startswith("1  承诺申诉  鲜达超市")
    assert f"{here.latest().number}  暂停  近期查实有计量违法" in listed
    assert run("decide", "1", "grant", *BY, WHY) == "1 号已记为通过，已告诉店里。"
    assert status(here) is Status.VALID
    assert [t.text for t in here.told("owner")][-1] == f"您的承诺申诉（1 号）通过了：{WHY}"
    assert run("list") == "没有待审的申诉和申报。"
    assert "没有 1 号待审的申请" in run("decide", "1", "decline", *BY, WHY, code=1)


def test_a_declined_appeal_changes_nothing_and_is_told(run: Run, here: Counter) -> None:
    here.confirm(utc_now())
    appeal(here)
    assert run("decide", "1", "decline", *BY, "复核后原结论不变，不予恢复").startswith("1 号已记为不通过")
    assert status(here) is Status.PAUSED
    assert "没有通过：复核后原结论不变" in here.told("owner")[-1].text
    assert len(here.told("manager")) == 2


def test_who_appealed_is_told_also_without_reminders_once(run: Run, here: Counter) -> None:
    with here.database.unit() as session:
        session.scalars(select(Member).where(Member.shop_id == 1).order_by(Member.id)).first().notified = False
    appeal(here)
    run("decide", "1", "decline", *BY, WHY)
    assert [len(here.told(who)) for who in ("owner", "manager", "clerk")] == [1, 1, 0]


def test_who_has_left_the_shop_hears_no_more_of_it(run: Run, here: Counter) -> None:
    appeal(here)
    with here.database.unit() as session:
        session.delete(session.scalars(select(Member).where(Member.shop_id == 1).order_by(Member.id)).first())
    run("decide", "1", "decline", *BY, WHY)
    assert [len(here.told(who)) for who in ("owner", "manager")] == [0, 1]


def test_an_appeal_about_a_pledge_that_ended_since_ends_quietly(run: Run, here: Counter) -> None:
    appeal(here)
    here.act("owner", "pledge:end/1/sure", utc_now())
    run("decide", "1", "grant", *BY, WHY)
    assert here.latest().state == PledgeState.ENDED


# -- points -------------------------------------------------------------------------------------------------------


def test_points_are_added_by_rule_and_undone_once_each_in_the_log(run: Run, here: Counter) -> None:
    said = run("score", "1", "refund-refused", "--on", str(today()), *BY, "查实短少后当场拒绝退款")
    assert said == "记在 鲜达超市 名下，第 1 条：查实短少后拒不补足、退款（-25 分）。"
    assert grade(here) == "C"
    assert run("undo", "1", *BY, "复核后不属实，撤掉这一条") == "第 1 条不再计分，理由已记下。"
    assert grade(here) == "A"
    assert "已经撤掉了" in run("undo", "1", *BY, "复核后不属实，撤掉这一条", code=1)
    assert "没有第 2 条" in run("undo", "2", *BY, "撤掉撤销的那一条记录", code=1)
    with here.database.reading() as session:
        rows = session.scalars(select(ScoreEvent).order_by(ScoreEvent.id)).all()
        log = [line for line in session.scalars(select(AuditEntry.record)) if "score.added" in line]
    assert [(row.actor, row.undoes) for row in rows] == [("staff:王五", None), ("staff:王五", 1)]
    assert len(log) == 2


def grade(here: Counter) -> str:
    with here.database.reading() as session:
        return grade_of(session, 1, today()).letter


def test_an_appeal_about_points_shows_staff_the_entries_by_number(run: Run, here: Counter) -> None:
    here.confirm(utc_now())
    appeal(here, "appeal-score", "当天的秤是隔壁摊位的")
    listed = run("list")
    assert f"第 1 条  {today()}  短秤投诉或举报查实" in listed
    assert run("decide", "1", "grant", *BY, WHY).endswith("请用 pledges undo 撤掉。")
    assert grade(here) == "C"
    run("undo", "1", *BY, WHY)
    assert "第 1 条" not in run("list")


def test_a_demonstration_unit_is_made_by_staff_and_told(run: Run, here: Counter) -> None:
    with here.database.unit() as session:
        row = Application(shop_id=1, kind="demonstration", text="", answers={}, contact_id=_owner(session))
        pledges.apply_for(session, row, utc_now())
    assert "申报示范单位  鲜达超市" in run("list")
    run("decide", "1", "grant", *BY, WHY)
    with here.database.reading() as session:
        assert [(row.rule, row.actor) for row in pledges.scores(session, 1)] == [("demonstration", "staff:王五")]
    assert here.told("owner")[-1].text == f"您的申报示范单位（1 号）通过了：{WHY}"


def test_a_shop_by_its_credit_code(run: Run, here: Counter) -> None:
    with here.database.unit() as session:
        shops.membership(session, 1, 1).shop.credit_code = "91330302MA2ABCDE0X"
    assert "第 1 条" in run("score", "91330302ma2abcde0x", "trained", *BY, "参加了十一月的计量培训")
