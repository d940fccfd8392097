"""Notice templates: which subscription or template message tells of which kind of message, and its fields.

The file (``HONESTSCALE_WECHAT_NOTICES``) is a list; the first entry that fits a kind and may be sent is used::

    - kind: consult-answer
      how: subscribe-standing          # or subscribe-once, template
      template_id: AbC…
      fields: {thing1: title, thing2: text, time3: time}

A field's value is ``title``, ``text``, ``time`` or ``=fixed words``. The platform's rules for each type of field are
kept here, so that a value never breaks them (error 47003).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from bot.settings import SettingsError
from storage.outbox import KINDS

SHANGHAI = ZoneInfo("Asia/Shanghai")
TITLES = {
    "reply": "您的问题有答复了",
    "reminder": "检定到期提醒",
    "ledger": "台账有结果了",
    "consult-answer": "人工咨询有答复了",
    "media": "文件没有收到",
}
SOURCES = ("title", "text", "time")


class How(StrEnum):
    STANDING = "subscribe-standing"
    ONCE = "subscribe-once"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Notice:
    kind: str
    how: How
    template_id: str
    fields: dict[str, str]

    def values(self, text: str, at: datetime) -> dict[str, str]:
        """The fields filled in for one message, each within its type's rule."""
        line = re.sub(r"\s+", " ", text).strip()
        given = {"title": TITLES[self.kind], "text": line, "time": at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")}
        return {
            name: _fitting(name, source[1:] if source.startswith("=") else given[source])
            for name, source in self.fields.items()
        }


RULES: dict[str, Callable[[str], str]] = {
    "thing": lambda text: text[:19] + "…" if len(text) > 20 else text,
    "short_thing": lambda text: text[:5],
    "phrase": lambda text: "".join(re.findall(r"[\u4e00-\u9fff]", text))[:5] or "有消息",
    "character_string": lambda text: "".join(c for c in text if " " <= c <= "~")[:32] or "-",
    "time": lambda text: text,
    "date": lambda text: text,
    "const": lambda text: text[:20],
}
"""By type of field, the longest value the platform takes (小程序/公众号订阅消息参数值内容限制说明)."""


def load(path: str) -> tuple[Notice, ...]:
    """The notices of a file; ``SettingsError`` names the entry that is wrong and what would do."""
    if not path:
        return ()
    try:
        entries = yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, yaml.YAMLError):
        raise SettingsError(f"HONESTSCALE_WECHAT_NOTICES 不对：读不了 {path}，请检查路径和 YAML 格式") from None
    if not isinstance(entries, list):
        raise SettingsError(f"HONESTSCALE_WECHAT_NOTICES 不对：{path} 里要是一个列表")
    return tuple(_notice(number, entry) for number, entry in enumerate(entries, 1))


def _notice(number: int, entry: Any) -> Notice:
    where = f"通知模板第 {number} 条"
    if not isinstance(entry, dict) or entry.get("kind") not in KINDS:
        raise SettingsError(f"{where}：kind 要是 {'、'.join(KINDS)} 之一")
    if entry.get("how") not in tuple(How) or not re.fullmatch(r"[A-Za-z0-9_-]{10,64}", str(entry.get("template_id"))):
        raise SettingsError(f"{where}：how 要是 {'、'.join(How)} 之一，template_id 从公众平台复制")
    fields = entry.get("fields")
    if not isinstance(fields, dict) or not fields:
        raise SettingsError(f"{where}：fields 要写明每个字段，如 {{thing1: title, time2: time}}")
    for name, source in fields.items():
        if _type(str(name)) not in RULES or not (source in SOURCES or str(source).startswith("=")):
            raise SettingsError(f"{where}：字段 {name}: {source} 不认识，值可写 {'、'.join(SOURCES)} 或 =固定的话")
    return Notice(entry["kind"], How(entry["how"]), entry["template_id"], {str(k): str(v) for k, v in fields.items()})


def _fitting(name: str, text: str) -> str:
    return RULES[_type(name)](text)


def _type(name: str) -> str:
    return name.rstrip("0123456789")
