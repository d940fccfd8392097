"""T1: no process that serves the public has the part that opens identities, not even in a function of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPENING = {"bot.backoffice.custodians", "bot.backoffice.key_files"}
PRIVATE = {"ask_reveal", "open_reveal", "rewrap"}


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imports(module: str, file: Path) -> Iterator[str]:
    """What a module of ours imports, anywhere in it; names that are modules too."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _reached(start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        file = _file(module)
        if module in found or file is None:
            continue
        found.add(module)
        parents = module.split(".")
        waiting += [".".join(parents[:n]) for n in range(1, len(parents))]
        waiting += _imports(module, file)
    return found


def test_the_command_line_reaches_it() -> None:
    """The walk finds what there is to be found."""
    assert _reached("bot.commands") >= OPENING | {"storage.identities", "bot.server", "bot.worker"}


@pytest.mark.parametrize("process", ["bot.server", "bot.worker", "bot.ticking", "bot.app", "bot.channels.terminal"])
def test_T1_no_process_reaches_what_opens_identities(process: str) -> None:
    reached = _reached(process)
    assert "storage.identities" in reached
    assert reached & OPENING == set()
    callers = [
        f"{module}: {node.attr}"
        for module in sorted(reached - {"storage.identities"})
        for node in ast.walk(ast.parse((_file(module) or ROOT).read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in PRIVATE
    ]
    assert callers == []
