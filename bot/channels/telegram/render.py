"""Replies as Telegram shows them: plain text and buttons under it.

No markup is used, so nothing has to be escaped. A button carries numbers and the nonce of its options, never names:
``v1:0123456789abcdef:2`` is the second of them, ``…:b`` goes back a step, ``…:q`` leaves the form.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.paging import cut

LIMIT = 4096
"""Characters of a text; counted here in bytes, which are never fewer."""
BUTTONS = 90
"""The platform takes 100 of them."""
SHORT = 16
"""Columns that fit into half the width of a narrow phone; a Chinese character takes two."""
LISTED = 8
"""More options than this stand in the text too: in buttons alone nobody finds their way through them."""
BACK, QUIT = "« 返回", "✖ 退出"
NO_WORDS = "请选："


@dataclass(frozen=True, slots=True)
class Rendered:
    text: str
    keyboard: InlineKeyboardMarkup | None


def render(reply: Reply, nonce: str) -> Rendered:
    """``nonce`` is empty when the options are not open: then there is nothing to tap."""
    choices = reply.choices[:BUTTONS] if nonce else ()
    labels = [f"{n} {choice.label}" for n, choice in enumerate(choices, 1)]
    text = "\n".join([reply.text, *(labels if len(choices) > LISTED else ())])
    return Rendered(cut(text, LIMIT)[0].strip() or NO_WORDS, _keyboard(choices, nonce, in_form=reply.in_form))


def _keyboard(choices: Sequence[Choice], nonce: str, *, in_form: bool) -> InlineKeyboardMarkup | None:
    buttons = [_button(f"{n} {choice.label}", nonce, str(n)) for n, choice in enumerate(choices, 1)]
    rows = list(_rows(buttons))
    if in_form and nonce:
        rows.append([_button(BACK, nonce, "b"), _button(QUIT, nonce, "q")])
    return InlineKeyboardMarkup(rows) if rows else None


def _button(label: str, nonce: str, what: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=f"v1:{nonce}:{what}")


def _rows(buttons: Sequence[InlineKeyboardButton]) -> Iterator[list[InlineKeyboardButton]]:
    """Two short ones side by side, a long one on its own."""
    row: list[InlineKeyboardButton] = []
    for button in buttons:
        short = width(button.text) <= SHORT
        if row and (not short or len(row) == 2):
            yield row
            row = []
        row.append(button)
        if not short:
            yield row
            row = []
    if row:
        yield row


def width(text: str) -> int:
    """Columns of a text on a screen."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
