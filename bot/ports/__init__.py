"""What the outside must offer, as small protocols. Adapters implement them; the rest sees nothing else."""

from bot.ports.audit import AuditEntry, AuditQuery, AuditRecord, AuditTrail
from bot.ports.chat import DirectMessages, Notifier, Surfaces
from bot.ports.cluster import ClusterReader, ClusterWriter, LiveReader, LogStream, Surroundings, Written
from bot.ports.measures import Meter, Unmetered
from bot.ports.messages import Claimed, Inbox, Outbox, Outgoing
from bot.ports.operations import Attempt, ChangeRecord, OperationQuery, Operations, RevisionSeen, Token, WorkedRevision
from bot.ports.people import Directory, Rights
from bot.ports.shared import HotState
from bot.ports.store import Seen, Store, Transaction
from bot.ports.time import Clock
from bot.ports.verbs import Actions, Asker, ChangeAsked, Changes, Previews, Sources
from bot.ports.watch import Calendar, Digests, Episodes, Extras, History, Probes, SlotClaim, Slots

__all__ = [
    "Actions",
    "Asker",
    "Attempt",
    "AuditEntry",
    "AuditQuery",
    "AuditRecord",
    "AuditTrail",
    "Calendar",
    "ChangeAsked",
    "ChangeRecord",
    "Changes",
    "Claimed",
    "Clock",
    "ClusterReader",
    "ClusterWriter",
    "Digests",
    "DirectMessages",
    "Directory",
    "Episodes",
    "Extras",
    "History",
    "HotState",
    "Inbox",
    "LiveReader",
    "LogStream",
    "Meter",
    "Notifier",
    "OperationQuery",
    "Operations",
    "Outbox",
    "Outgoing",
    "Previews",
    "Probes",
    "RevisionSeen",
    "Rights",
    "Seen",
    "SlotClaim",
    "Slots",
    "Sources",
    "Store",
    "Surfaces",
    "Surroundings",
    "Token",
    "Transaction",
    "Unmetered",
    "WorkedRevision",
    "Written",
]
