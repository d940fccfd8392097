"""Every mapped class, in one import: migrations and tests see the whole schema."""

from storage.audit import AuditEntry, AuditHead
from storage.case_clocks import CaseClock, CasePause
from storage.case_likeness import CaseKey, CaseLikeness
from storage.case_links import CaseLink, Receipt, ReceiptGuess
from storage.cases import Case, CaseEvent, CaseFile, Stall
from storage.consults import Consult, Counter, Feedback, Miss
from storage.contacts import Contact, Handover, HandoverMiss, Person, WebSession
from storage.dialogues import Dialogue, InboxMessage
from storage.gates import Gate
from storage.identities import Custodian, IdentityKey, Reveal, RevealHalf, SealedIdentity
from storage.ledger import Certificate, LedgerEvent, LedgerItem
from storage.links import FileLink
from storage.media import MediaFile
from storage.outbox import OutboxRow
from storage.platform import AlbumPart, Lease, Parked, PlatformToken
from storage.pledges import Application, Pledge, PledgeEvent, ScoreEvent
from storage.reminders import Reminder, ReminderBatch, Unreached
from storage.shops import Invite, Member, Shop
from storage.slots import JobSlot
from storage.staff import StaffEnrolment, StaffMember
from storage.tasks import Task
from storage.windows import Consent, CustomerWindow

__all__ = [
    "AlbumPart",
    "Application",
    "AuditEntry",
    "AuditHead",
    "Case",
    "CaseClock",
    "CaseEvent",
    "CaseFile",
    "CaseKey",
    "CaseLikeness",
    "CaseLink",
    "CasePause",
    "Certificate",
    "Consent",
    "Consult",
    "Contact",
    "Counter",
    "Custodian",
    "CustomerWindow",
    "Dialogue",
    "Feedback",
    "FileLink",
    "Gate",
    "Handover",
    "HandoverMiss",
    "IdentityKey",
    "InboxMessage",
    "Invite",
    "JobSlot",
    "Lease",
    "LedgerEvent",
    "LedgerItem",
    "MediaFile",
    "Member",
    "Miss",
    "OutboxRow",
    "Parked",
    "Person",
    "PlatformToken",
    "Pledge",
    "PledgeEvent",
    "Receipt",
    "ReceiptGuess",
    "Reminder",
    "ReminderBatch",
    "Reveal",
    "RevealHalf",
    "ScoreEvent",
    "SealedIdentity",
    "Shop",
    "StaffEnrolment",
    "StaffMember",
    "Stall",
    "Task",
    "Unreached",
    "WebSession",
]
