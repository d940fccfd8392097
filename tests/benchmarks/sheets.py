"""Reading a ledger of 5,000 rows, child process and understanding included, beside what most people would write."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import date

import pandas

from bot.sheets.reader import read_sheet
from bot.sheets.writer import write_ledger
from knowledge.ledger_sheet import read_table
from knowledge.records import InstrumentRecord

ROWS = 5_000
RUNS = 3
LIMIT = 10.0
"""Seconds that an import of so many rows may take."""


def rows() -> list[tuple[str, str, str, str]]:
    data = ledger()
    ours, read = _median(lambda: _read(data)), _median(lambda: read_sheet(data, ""))
    plain = _median(lambda: pandas.read_excel(io.BytesIO(data), dtype=str))
    return [
        (f"sheet of {ROWS} rows, read and understood, s", f"{ours:.2f}", f"{LIMIT:.0f}", "limit"),
        (f"sheet of {ROWS} rows, rows/s", f"{ROWS / ours:.0f}", f"{ROWS / plain:.0f}", "pandas.read_excel"),
        (f"sheet of {ROWS} rows, cells only, s", f"{read:.2f}", f"{plain:.2f}", "pandas.read_excel"),
        ("  its time to pandas' time (with the child's start)", f"{ours / plain:.2f}", "1.00", "pandas.read_excel"),
    ]


def ledger() -> bytes:
    return write_ledger(
        InstrumentRecord(
            name="电子秤",
            model=f"ACS-{n % 40}",
            serial=f"{n:06d}",
            maker="永康市某衡器有限公司",
            place=f"A{n % 300} 摊位",
            verified_on=date(2026, 5, 20),
            due_on=date(2027, 5, 19),
            certificate_no=f"（浙）质检字第{n}号",
            institution="某市计量院",
            conclusion="合格",
        )
        for n in range(ROWS)
    )


def _read(data: bytes) -> None:
    table = read_table(read_sheet(data, "").rows, {"电子秤": "electronic-price-scale"}.get, date(2026, 11, 22))
    if len(table.good) != ROWS:
        raise AssertionError(f"only {len(table.good)} rows were read")


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return sorted(times)[RUNS // 2]
