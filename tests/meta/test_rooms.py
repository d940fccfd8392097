"""What the import linter does not see: imports inside functions, and clocks where the day is a parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("bot", "handlers", "knowledge", "scheduler", "storage")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("package", "room"),
    [
        ("sqlalchemy", "storage"),
        ("alembic", "storage"),
        ("apscheduler", "scheduler"),
        ("uvicorn", "bot"),
        ("telegram", "bot/channels/telegram"),
        ("wechatpy", "bot/channels/wechat"),
    ],
)
def test_a_package_stays_in_its_room(package: str, room: str) -> None:
    strays = [
        str(path.relative_to(ROOT))
        for path in FILES
        if not path.is_relative_to(ROOT / room)
        and any(name.partition(".")[0] == package for name in _imported(_tree(path)))
    ]
    assert strays == []


def test_nobody_imports_the_tests() -> None:
    strays = [path for path in FILES if any(name.partition(".")[0] == "tests" for name in _imported(_tree(path)))]
    assert strays == []


@pytest.mark.parametrize("room", ["handlers", "knowledge", "scheduler"])
def test_the_inner_rooms_know_no_channel_by_name(room: str) -> None:
    """What a platform is like is the business of its channel; the others ask what kind of way a message came."""
    strays = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        if path.relative_to(ROOT).parts[0] == room
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and node.value in ("wechat", "telegram", "web", "terminal")
    ]
    assert strays == []


@pytest.mark.parametrize("room", ["handlers", "knowledge", "storage"])
def test_the_inner_rooms_are_told_the_time(room: str) -> None:
    """The day asked about is a parameter there: what applied on a date can then be asked and tested."""
    strays = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        if path.relative_to(ROOT).parts[0] == room
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in ("now", "today", "utcnow")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    ]
    assert strays == []
