"""Every mapped class, in one import: migrations and tests see the whole schema."""

from storage.consults import Consult, Counter, Feedback, Miss
from storage.contacts import Contact, Handover, HandoverMiss, WebSession
from storage.dialogues import Dialogue, InboxMessage
from storage.outbox import OutboxRow
from storage.slots import JobSlot

__all__ = [
    "Consult",
    "Contact",
    "Counter",
    "Dialogue",
    "Feedback",
    "Handover",
    "HandoverMiss",
    "InboxMessage",
    "JobSlot",
    "Miss",
    "OutboxRow",
    "WebSession",
]
