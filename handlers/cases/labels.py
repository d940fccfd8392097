"""What the kinds of matter are called."""

from __future__ import annotations

from knowledge.tips import categories

UNNAMED = "计量方面的问题"


def category_label(id_: str) -> str:
    return next((row.label for row in categories() if row.id == id_), UNNAMED)
