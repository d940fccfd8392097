"""Every mapped class, in one import: migrations and tests see the whole schema."""

from storage.consults import Consult, Counter, Feedback, Miss
from storage.contacts import Contact, Handover, HandoverMiss, Person, WebSession
from storage.dialogues import Dialogue, InboxMessage
from storage.gates import Gate
from storage.media import MediaFile
from storage.outbox import OutboxRow
from storage.platform import AlbumPart, Lease, Parked, PlatformToken
from storage.slots import JobSlot
from storage.windows import Consent, CustomerWindow

__all__ = [
    "AlbumPart",
    "Consent",
    "Consult",
    "Contact",
    "Counter",
    "CustomerWindow",
    "Dialogue",
    "Feedback",
    "Gate",
    "Handover",
    "HandoverMiss",
    "InboxMessage",
    "JobSlot",
    "Lease",
    "MediaFile",
    "Miss",
    "OutboxRow",
    "Parked",
    "Person",
    "PlatformToken",
    "WebSession",
]
