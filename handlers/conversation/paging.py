"""Cutting a long text into screens. The budget is WeChat's, the narrowest channel: every channel then shows the same."""

from __future__ import annotations

from dataclasses import replace

from handlers.conversation.messages import Reply

SCREEN_BYTES = 2040
"""A passive WeChat text may hold 2,048 bytes of UTF-8."""
CHOICE_BYTES = 86
"""What an option costs beside its label once it is a link that can be tapped."""
LEAST_TEXT = 600
"""Room the text has beside however many options: with so many, they go out as plain numbered lines."""
MORE_HINT = "\n（还有内容，回“更多”接着看）"


def fit(reply: Reply) -> Reply:
    """The reply with its text cut to one screen at a line or sentence end; the rest goes to ``more``."""
    budget = max(SCREEN_BYTES - sum(size(c.label) + CHOICE_BYTES for c in reply.choices), LEAST_TEXT)
    if size(reply.text) <= budget - (size(MORE_HINT) if reply.more else 0):
        return replace(reply, text=reply.text + MORE_HINT) if reply.more else reply
    head, tail = cut(reply.text, budget - size(MORE_HINT))
    rest = "\n".join(part for part in (tail, reply.more) if part)
    return replace(reply, text=head + MORE_HINT, more=rest)


def cut(text: str, budget: int) -> tuple[str, str]:
    """Split so that the head is at most ``budget`` bytes, after the last line or sentence that still fits."""
    head = text.encode()[: max(budget, 1)].decode(errors="ignore")
    if head == text:
        return text, ""
    at = max((head.rfind(mark) for mark in ("\n", "。", "；", "，")), default=-1)
    # A break in the first half would waste the screen on a text without sentences.
    at = at + 1 if at >= len(head) // 2 else len(head)
    return text[:at].rstrip("\n"), text[at:].lstrip("\n")


def size(text: str) -> int:
    return len(text.encode())
