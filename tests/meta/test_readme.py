"""The front papers say what the code does: settings, commands, targets, links, and nothing of the place it was made in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.routing import BaseRoute

from bot.__main__ import main
from bot.app import Knowledge, Service
from bot.server import create_app
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
EVERY_CHANNEL = {
    "wechat_app_id": "wx0123456789abcdef",
    "wechat_token": "token",
    "wechat_aes_key": "k" * 43,
    "telegram_mode": "webhook",
    "telegram_token": f"123456:{'A' * 35}",
    "telegram_webhook_secret": "s" * 32,
}
UNCHECKED = (Path(__file__), ROOT / "LICENSE")
"""The patterns themselves, and a standard text that is nobody's to change."""
READMES = ("README.md", "README.zh-CN.md")
PAPERS = (*READMES, "CHANGELOG.md", *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md"))))
KEPT_DOT_FILES = {".ci", ".dockerignore", ".gitignore"}
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.:])/(?:work|root|home|Users)/\w",
    "a package index": r"(?i)https?://\S+/simple\b|files\.python\w+\.org|--\S*index\S*|--find\S*",
    "how the project is made": r"(?i)co-authored-by|generated (?:by|with)\b|\b(?:issue|pull request) ?#\d|\bsystem prompt\b",
}


def paper(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name: str, first: str) -> dict[str, list[str]]:
    """The table rows whose first cell is a code word matching ``first``: that word -> the other cells."""
    found: dict[str, list[str]] = {}
    for line in paper(name).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| `") else [""]
        if re.fullmatch(f"`(?:{first})`", cells[0]):
            assert cells[0] not in found, f"{name}: {cells[0]} stands there twice"
            found[cells[0].strip("`")] = cells[1:]
    return found


def code_words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# -- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READMES)
def test_the_settings_table_is_the_settings(name: str) -> None:
    prefix = Settings.model_config["env_prefix"]
    expected = {f"{prefix}{field}".upper(): shown(info.default) for field, info in Settings.model_fields.items()}
    table = rows(name, f"{prefix}[A-Z_]+")
    assert {setting: code_words(cells[0])[0] for setting, cells in table.items()} == expected
    assert all(cells[1] for cells in table.values())


def shown(default: object) -> str:
    if isinstance(default, time):
        return f"{default:%H:%M}"
    if isinstance(default, SecretStr):
        return default.get_secret_value() or '""'
    if isinstance(default, bool):
        return str(default).lower()
    return '""' if default is None else str(default) or '""'


# -- commands -----------------------------------------------------------------------------------------------------


def help_text(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    return capsys.readouterr().out


def command_names(shown: str) -> list[str]:
    return re.findall(r"^    ([a-z]+)", shown, re.MULTILINE)


def all_arguments(capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    """The arguments of a command; of one that has commands of its own their names and theirs."""
    found = arguments(shown := help_text(capsys, *words))
    if "..." not in found:
        return found
    inner = command_names(shown)
    return set(inner).union(*(all_arguments(capsys, *words, name) for name in inner))


def arguments(usage: str) -> set[str]:
    """Options and positional names in the usage line of one command."""
    line = " ".join(usage.partition("\n\n")[0].split()).partition("[-h]")[2]
    options = set(re.findall(r"--[a-z-]+", line))
    positional = set(re.sub(r"\[-[^]]*\]", "", line).replace("[", "").replace("]", "").split())
    return options | positional


@pytest.mark.parametrize("name", READMES)
def test_the_command_table_is_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands = command_names(help_text(capsys))
    assert {"serve", "worker", "clock", "wechat", "telegram"} <= set(commands)
    expected = {command: all_arguments(capsys, command) for command in commands}
    table = rows(name, "|".join(commands))
    assert {command: set(code_words(cells[0])) for command, cells in table.items()} == expected


def test_arguments_are_read_from_the_usage_line() -> None:
    usage = "usage: python -m bot ask [-h] [--ctx CTX]\n                         [--json] [query]\n\npositional: …"
    assert arguments(usage) == {"--ctx", "--json", "query"}


# -- addresses ----------------------------------------------------------------------------------------------------


def paths(routes: list[BaseRoute]) -> Iterator[str]:
    """The addresses of routes, of included routers as well."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from paths(inner.routes) if inner is not None else [getattr(route, "path", "")]


@pytest.mark.parametrize("name", READMES)
def test_every_address_is_described(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    service = Service(Settings(data_dir=tmp_path, _env_file=None, **EVERY_CHANNEL), knowledge)
    found = set(paths(create_app(service, clock=False).routes)) - {"/static"}
    service.close()
    assert {"/", "/healthz", "/metrics", "/chat/messages", "/wechat", "/telegram"} <= found
    assert found - set(re.findall(r"(?<=[` ])(/[a-z./{}]*)", paper(name))) == set()


# -- make, sections, links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAPERS)
def test_every_make_target_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", paper("Makefile"), re.MULTILINE))
    assert "run" in targets
    assert set(re.findall(r"`make ([a-z-]+)`", paper(name))) <= targets


@pytest.mark.parametrize("name", READMES)
def test_the_main_targets_are_named(name: str) -> None:
    named = set(re.findall(r"`make ([a-z-]+)`", paper(name)))
    assert {"run", "test", "setup", "check", "bench", "format"} <= named


def test_both_readmes_have_the_same_shape() -> None:
    english, chinese = (shape(paper(name)) for name in READMES)
    assert english == chinese
    assert english.count("##") >= 10


def shape(text: str) -> list[str]:
    """What a text consists of, line kind by line kind: headings, table rows, list items, pictures, fences."""
    marks = re.findall(r"^(#+(?= )|\|(?=[- ])|[-](?= )|\d+\.(?= )|<img|```)", text, re.MULTILINE)
    return [str(mark) for mark in marks]


@pytest.mark.parametrize("name", PAPERS)
def test_links_and_pictures_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    addresses = re.findall(r"\]\(([^)#\s]+)\)|src=\"([^\"]+)\"", paper(name))
    near = [a or b for a, b in addresses if "://" not in a + b]
    assert [a for a in near if not (folder / a).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_links_to_sections_name_a_section(name: str) -> None:
    headings = re.findall(r"^#+ (.+)$", paper(name), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", paper(name))) <= anchors


# -- nothing of the place it was made in --------------------------------------------------------------------------


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the project, as the repository holds it: no environment, no caches, no data of a running bot."""
    for top in sorted(ROOT.iterdir()):
        if top.name in ("var", "dist") or (top.name.startswith(".") and top.name not in KEPT_DOT_FILES):
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path not in UNCHECKED:
                data = path.read_bytes()
                if b"\0" not in data[:4096]:
                    yield str(path.relative_to(ROOT)), data.decode("utf-8")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_tells(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name}:{number}: {line[:120]}"
        for name, text in texts()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of one machine", "see /" + "root/notes.txt"),
        ("a package index", "pip install x from https://example.org/" + "simple"),
        ("how the project is made", "closes issue #12"),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, line: str) -> None:
    assert re.search(FORBIDDEN[what], line)
