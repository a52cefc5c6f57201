"""What the outside must offer, as small protocols. Adapters implement them; the rest sees nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.actions import Action, Change, Decision, DecisionParams
from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.forms import Form
from bot.domain.live import Json, Live, Reads, Target
from bot.domain.objects import NodeLoad
from bot.domain.operations import Operation, State
from bot.domain.people import Actor, Membership
from bot.domain.policy import Asked, Authorization
from bot.domain.requests import Place, Post, Request
from bot.domain.snapshot import LogExcerpt, LogKey, LogQuery, LogRead, Part, Snapshot
from bot.domain.steps import Write
from bot.domain.targets import ClusterName, ObjectRef, Scope, Where
from bot.domain.view import View


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


# --- the cluster ------------------------------------------------------------------------------------------------------


class ClusterReader(Protocol):
    """Reads of configured clusters. It cannot write."""

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        """Return what is known of `parts` now.

        A part that may not be read or that the cluster lacks is MISSING with the reason; an old picture is STALE with
        its age. Raises `ClusterError` only when nothing at all can be said (unreachable, unauthorized).
        """
        ...

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        """Return what the unfinished pods of each node ask for, over all namespaces; at most 30 s old.

        Raises `ClusterError` when it cannot be had, `ClusterForbidden` without the right to list all pods.
        """
        ...


class LogStream(Protocol):
    """Logs of containers, bounded and redacted."""

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        """Return the last `lines` lines of each; a log that cannot be had is an excerpt with a `problem`."""
        ...

    async def read(self, scope: Scope, queries: Sequence[LogQuery]) -> Mapping[LogKey, LogRead]:
        """Return lines with their times, bounded in number and size; each log's own trouble is its `problem`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What bounds changes in a namespace, as the API server says it. `unread` names what could not be read, and why."""

    quotas: tuple[Json, ...] = ()
    limit_ranges: tuple[Json, ...] = ()
    budgets: tuple[Json, ...] = ()
    unread: tuple[str, ...] = ()


class LiveReader(Protocol):
    """Reads single objects from the API server itself, never from a copy."""

    async def live(self, scope: Scope, kind: str, name: str, *, reads: frozenset[Reads] = frozenset()) -> Live:
        """Return the object now, and what else is asked for; `Live.object` is None when there is none of that name.

        Raises `ClusterError` when it cannot be read: that is never taken for "unchanged".
        """
        ...

    async def surroundings(self, scope: Scope) -> Surroundings:
        """Return quotas, limit ranges and disruption budgets of a namespace; what cannot be read is named in it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the API server answered to a write that it took: the object's state after it. An eviction has none."""

    generation: int = 0
    resource_version: str = ""


class ClusterWriter(LiveReader, Protocol):
    """Writes, one request each, tried once. Only the engine is handed one."""

    async def write(self, scope: Scope, write: Write, *, dry_run: bool, timeout_s: float) -> Written:
        """Send a write. Raises the four kinds of `WriteError`; after `WriteUnknown` it may have happened.

        Another `ClusterError` says that nothing was sent, or that a dry run has no answer: nothing happened either.
        """
        ...


# --- people -----------------------------------------------------------------------------------------------------------


class Directory(Protocol):
    """People and their groups."""

    async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
        """Return what is known of a person. `fresh` asks for a copy at most 5 s old. Raises `DirectoryUnavailable`."""
        ...

    async def changed(self) -> None:
        """Forget what is known of groups, here and in the other replicas: the platform said that they changed."""
        ...


# --- the store --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request taken from the inbox to be worked on. `fence` proves at the end that it was still ours."""

    request: Request
    fence: int


class Inbox(Protocol):
    """Requests that must not be lost, each once."""

    async def accept(self, request: Request) -> bool:
        """Keep a request; False when the same delivery was kept before. Raises `StoreUnavailable`."""
        ...

    async def claim(self, *, lease_s: float, key: str | None = None) -> Claimed | None:
        """Take the oldest request that nobody works on (or that of `key`) for `lease_s` seconds."""
        ...

    async def waiting(self, actor: Actor) -> Sequence[Request]:
        """Return what this person asked for and is not done yet, the oldest first. Raises `StoreUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of the outbox that was claimed for delivery. `unsure` when an earlier try may have delivered it."""

    id: int
    post: Post
    fence: int
    attempts: int
    unsure: bool
    created_at: datetime


class Outbox(Protocol):
    """Messages that others are to see, delivered at least once and in order within a channel."""

    async def claim(self, *, lease_s: float) -> Outgoing | None:
        """Take the next due message of a channel that nobody delivers to."""
        ...

    async def delivered(self, outgoing: Outgoing, *, message_id: str) -> bool:
        """Record the delivery; False when the lease was lost meanwhile."""
        ...

    async def sending(self, outgoing: Outgoing) -> bool:
        """Record that the message is about to be handed over, so that a crash is known to leave doubt."""
        ...

    async def postpone(self, outgoing: Outgoing, *, delay_s: float, reason: str, unsure: bool) -> None:
        """Try again later; the channel's other messages wait behind it."""
        ...

    async def give_up(self, outgoing: Outgoing, *, reason: str, instead: Post | None = None) -> None:
        """Never deliver it; the reason stays in the store and in the audit, and `instead` is delivered in its place."""
        ...

    async def shown(self, outgoing: Outgoing) -> tuple[str, int]:
        """Return the message and the version in which an outgoing post's subject is shown in its channel."""
        ...

    async def thread(self, outgoing: Outgoing) -> str | None:
        """Return the thread that a post belongs under; None while the message it hangs on was not posted."""
        ...

    async def depth(self) -> int:
        """Return how many messages wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that happened: who, what, to what, with which result. Ids and short words; never secrets."""

    actor: str
    action: str
    subject: str
    result: str
    detail: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord(AuditEntry):
    """One row of the audit as it is read: what was said, its place in the chain, and when."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What to look for. Empty means any; `operation` is a verb or a request's id, `actor` a person's id."""

    operation: str = ""
    actor: str = ""
    since: datetime | None = None
    limit: int = 20


class AuditTrail(Protocol):
    """The audit, to be read."""

    async def search(self, query: AuditQuery) -> Sequence[AuditRecord]:
        """Return the newest rows that fit, the newest first. Raises `StoreUnavailable`."""
        ...

    async def head(self) -> str:
        """Return the chain's last row as it is published: `SEQUENCE:HASH`. Raises `StoreUnavailable`."""
        ...


class Seen(Protocol):
    """Keys that were met before, over all replicas: the truth behind the hot state's quick answer."""

    async def first(self, key: str, *, keep_s: int) -> bool:
        """Note a key; False when it was noted before and is still kept. Raises `StoreUnavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The address on a button: which request, which plan, what it says, and in which channel it is valid.

    The table keeps the SHA-256 (`hash`, hexadecimal) of what the button carries.
    """

    hash: str
    operation_id: str
    digest: str
    purpose: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One write that was about to be sent: under which fence, on which version of the target, and how it ended.

    `number` counts the writes of one step; `outcome` is empty while nobody knows.
    """

    operation_id: str
    fence: int
    number: int
    resource_version: str
    generation: int
    prior_marker: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationQuery:
    """What to look for. Empty means any; `within_s` bounds how long ago the finished ones ended."""

    states: frozenset[State] = frozenset()
    target: ObjectRef | None = None
    scope: Scope | None = None
    within_s: int | None = None
    limit: int = 20


class Operations(Protocol):
    """Requests for changes. Everything that decides happens in a `Transaction`, under the row's lock."""

    async def find(self, operation_id: str) -> Operation | None:
        """Return one as it is now; a longer id's beginning is enough when only one begins so (at least six letters)."""
        ...

    async def blocking(self, target: Target) -> Operation | None:
        """Return the one that no other change of the target may overtake."""
        ...

    async def search(self, query: OperationQuery) -> Sequence[Operation]:
        """Return those that fit, the newest first."""
        ...

    async def token(self, token_hash: str) -> Token | None:
        """Return what a button's address stands for; None when it is not ours or its time is over."""
        ...

    async def message(self, subject: str, channel: str) -> str:
        """Return the id of the message that shows a subject in a channel; empty while there is none."""
        ...

    async def take(self, *, lease_s: float, worker: str) -> Operation | None:
        """Take the oldest APPROVED or EXECUTING one that nobody works on, for `lease_s` seconds.

        Of an EXECUTING one the fence is raised in the same statement: whoever had it before can write nothing to the
        store any more.
        """
        ...

    async def renew(self, operation: Operation, *, lease_s: float) -> bool:
        """Hold it for longer; False when the fence is no longer ours."""
        ...

    async def release(self, operation: Operation) -> None:
        """Let it go, so that anybody may take it at once."""
        ...

    async def begin_attempt(self, attempt: Attempt) -> bool:
        """Note a write before it is sent, under the fence; False when the fence is no longer ours."""
        ...

    async def end_attempt(self, attempt: Attempt, outcome: str) -> None:
        """Note how it ended: `applied`, `conflict`, `refused`, `throttled`, `unknown`."""
        ...

    async def attempts(self, operation_id: str) -> Sequence[Attempt]:
        """Return the attempts, the oldest first."""
        ...

    async def due(self, *, limit: int) -> Sequence[str]:
        """Return ids of those with something due now: a reminder, the end of their time, a verdict."""
        ...

    async def left_marks(self, scope: Scope) -> Sequence[str]:
        """Return the ids of operations that were applied in a scope, to compare with the marks in the cluster."""
        ...

    async def blocking_counts(self) -> Mapping[State, int]:
        """Return how many there are in each state that blocks its target: all open ones, and doubts unresolved."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSeen:
    """One revision of a workload that was seen to work: all its pods were new and ready, and no finding about them.

    `revision_uid` is the ReplicaSet's uid, or the ControllerRevision's name. `version` is the tag for people.
    """

    ref: ObjectRef
    workload_uid: str
    revision_uid: str
    number: int
    version: str
    pods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedRevision:
    """What is known of a revision that worked: from when to when it was seen, and for how many minutes in all."""

    revision_uid: str
    number: int
    version: str
    first_at: datetime
    last_at: datetime
    minutes: int


class ChangeRecord(Protocol):
    """What was seen to work, and how long changes took. Raises `StoreUnavailable`."""

    async def worked(self, scope: Scope, ref: ObjectRef) -> Sequence[WorkedRevision]:
        """Return the revisions of a workload that were seen to work, the latest first."""
        ...

    async def note(self, scope: Scope, seen: Sequence[RevisionSeen]) -> None:
        """Add a minute to each, for this replica alone or for all: the caller has claimed the minute."""
        ...

    async def lasted(self, scope: Scope, ref: ObjectRef) -> Sequence[float]:
        """Return how many seconds the last roll-outs took that ragops made of a workload, the latest first; up to 5."""
        ...


class Transaction(Protocol):
    """Writes that happen together or not at all."""

    async def now(self) -> datetime:
        """Return the database's time, which decides all deadlines. Call it after a lock was waited for."""
        ...

    async def add_operation(self, operation: Operation, tokens: Sequence[Token]) -> bool:
        """Keep a new one with the addresses of its buttons; False when another blocks its target."""
        ...

    async def operation(self, operation_id: str) -> Operation | None:
        """Return one and lock it until the commit."""
        ...

    async def save(self, operation: Operation, *, fence: int | None = None) -> bool:
        """Write what changed, votes included. With a `fence`, False (and then roll back) when it is no longer that."""
        ...

    async def claim_slot(self, name: str, due_at: datetime) -> bool:
        """Take a due moment of a schedule for this transaction; False when somebody has it."""
        ...

    async def finish(self, claimed: Claimed) -> bool:
        """Mark a request done and wipe its reply address; False (and then roll back) when the lease was lost."""
        ...

    async def put(self, post: Post) -> int:
        """Add a message to the outbox."""
        ...

    async def audit(self, entry: AuditEntry) -> None:
        """Append to the audit chain. Call it last: it takes the chain's lock until the commit."""
        ...


class Store(Protocol):
    """The one place that keeps state."""

    @property
    def operations(self) -> Operations: ...

    @property
    def record(self) -> ChangeRecord: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def audit_trail(self) -> AuditTrail: ...

    @property
    def seen(self) -> Seen: ...

    async def ping(self) -> None:
        """Ask for a sign of life. Raises `StoreUnavailable`."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction: commit on exit, roll back on an exception. Raises `StoreUnavailable`."""
        ...


# --- the chat platform ------------------------------------------------------------------------------------------------


class Notifier(Protocol):
    """The way to people."""

    async def post(self, post: Post, *, tag: str) -> str:
        """Post a message for everybody in the place and return its id.

        `tag` goes into the message's metadata. Raises `DeliveryThrottled`, `DeliveryRefused`, `DeliveryUnknown`.
        """
        ...

    async def edit(self, post: Post, *, message_id: str, tag: str) -> bool:
        """Show a post in a message of ours in place of what it shows; False when that message is gone.

        Raises as `post` does; to repeat an edit does no harm.
        """
        ...

    async def find(self, place: Place, *, tag: str) -> str | None:
        """Look for a message with `tag` in the place; None when it is not there."""
        ...

    async def reply(self, request: Request, view: View, *, replace: bool = False) -> None:
        """Answer the person who asked, seen by nobody else; `replace` edits the message whose button was pressed."""
        ...


class Changes(Protocol):
    """The engine, as the service hands it what was written down. Both end the claimed request in their transaction."""

    async def request(self, claimed: Claimed, asked: ChangeAsked) -> View:
        """Plan a change, check it, and store it or refuse it; return what the requester alone sees.

        Raises `StoreUnavailable`, `ClusterError`, `UsageError`, and `Lost` when somebody else has the request.
        """
        ...

    async def decide(self, claimed: Claimed, decision: Decision, params: DecisionParams) -> View:
        """Carry out what a person says to a request; return what this person alone sees. Raises as `request` does."""
        ...


class Previews(Protocol):
    """Shows a change as it would be asked for, where nothing is kept."""

    async def preview(self, asked: ChangeAsked) -> View:
        """Plan a change and have the server try it, as far as it lets us; return the plan, or why there is none.

        Raises `ClusterError` and `UsageError`.
        """
        ...


class Surfaces(Protocol):
    """What a person sees outside of messages: the bot's own page, and dialogs. Raises `DeliveryError`."""

    async def publish_home(self, user_id: str, view: View, *, version: str = "") -> str:
        """Show `view` to a person as the bot's own page, and return its version.

        With a `version` it replaces that one alone: when a newer is there, that one stays and the answer is empty.
        """
        ...

    async def open_form(self, trigger: str, form: Form) -> tuple[str, str]:
        """Open a dialog, and return its id and version. `trigger` is good for one dialog within three seconds."""
        ...

    async def update_form(self, form_id: str, version: str, form: Form) -> bool:
        """Show another form in an open dialog; False when it was changed since `version`, or is closed."""
        ...


# --- what verbs are handed --------------------------------------------------------------------------------------------


class Actions(Protocol):
    """The verbs there are."""

    def all(self) -> Sequence[Action]:
        """Return every verb, by name."""
        ...

    def find(self, name: str) -> Action:
        """Return a verb. Raises `UsageError` with suggestions."""
        ...

    def usage(self, action: Action) -> str:
        """Return its usage line."""
        ...


class Asker(Protocol):
    """Runs a query as the person who asks, with that person's rights."""

    async def view(self, text: str) -> View:
        """Return the query's answer as others will see it. Raises `UsageError` when `text` is no query."""
        ...


class Rights(Protocol):
    """Decides what a person may do, from fresh enough knowledge."""

    async def of(self, actor: Actor, asked: Asked) -> Authorization:
        """Decide. A failed look-up is a refusal with its reason, never an exception."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a verb was handed. A port that it did not name in `needs` is None here."""

    scope: Scope
    request: Request
    now: datetime
    cluster: ClusterReader | None = None
    logs: LogStream | None = None
    registry: Actions | None = None
    rights: Rights | None = None
    ask: Asker | None = None
    catalogue: Catalogue | None = None
    where: Where | None = None
    audit: AuditTrail | None = None
    inbox: Inbox | None = None
    places: Sequence[Scope] | None = None
    live: LiveReader | None = None
    record: ChangeRecord | None = None
    operations: Operations | None = None
    changes: ChangePolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAsked:
    """A change as it was asked for: the verb with its parameters, why, and whether one that waits gives way to it.

    `place` is the words (`-n NAMESPACE`) that lead other commands to the same scope; empty for the default.
    """

    action: Change[Any, Any]
    params: Any
    command: str
    sources: Sources
    reason: str = ""
    replace: bool = False
    place: str = ""


# --- what replicas share ----------------------------------------------------------------------------------------------


class HotState(Protocol):
    """What the replicas share for speed. Losing it costs speed, never correctness: no method raises.

    `shared` is False for the in-process twin, whose word holds for one replica.
    """

    shared: bool

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:
        """Count one use of `key` in the present window; False when it is over `limit`. Away: this process counts."""
        ...

    async def first(self, key: str, *, keep_s: int) -> bool | None:
        """Note a key; False when it was noted before, None when that cannot be told now."""
        ...

    async def read(self, key: str) -> bytes | None:
        """Return what was written; None when there is nothing, or when it cannot be told now."""
        ...

    async def write(self, key: str, value: bytes, *, keep_s: int) -> None:
        """Keep a value for some time, as far as that is possible now."""
        ...

    async def forget(self, key: str) -> None:
        """Remove a value, as far as that is possible now; what cannot be removed ends by its time."""
        ...

    async def wake(self, name: str) -> None:
        """Tell whoever waits for `name`, in this and other replicas, that there is work. A hint that may be lost."""
        ...

    def wakes(self, name: str) -> AsyncIterator[None]:
        """Yield once for each time that `name` is woken, for ever."""
        ...


# --- what is measured -------------------------------------------------------------------------------------------------


class Meter(Protocol):
    """What operators watch. Every method only counts: it neither waits nor fails."""

    def commanded(self, verb: str, result: str, seconds: float) -> None:
        """Count a command that was answered: `ok`, `refused`, `misunderstood`, `failed`, `broken`."""
        ...

    def refused(self, permission: str, why: str) -> None:
        """Count a right that was denied: `no_role`, `standing`, `look_up`."""
        ...

    def acknowledged(self, surface: str, result: str, seconds: float) -> None:
        """Count a delivery that the platform was told of: `new`, `repeat`, `not_accepted`, `unhandled`, `invalid`."""
        ...

    def delivered(self, result: str) -> None:
        """Count a try to deliver a message: `delivered`, `throttled`, `refused`, `unknown`, `failed`, `expired`."""
        ...

    def throttled(self, method: str) -> None:
        """Count a 429 of the platform, by method."""
        ...

    def degraded(self, what: str, *, yes: bool) -> None:
        """Note that something which only costs speed went away or came back (`redis`)."""
        ...

    def change_approved(self, seconds: float) -> None:
        """Count a request for a change that its people approved, so long after it was made."""
        ...

    def change_ended(self, verb: str, result: str, seconds: float | None) -> None:
        """Count a request for a change that ended; of one that was begun, how long after its approval.

        `refused` before it was kept, `denied`, `cancelled`, `superseded`, `expired` without an approval,
        `expired_approved`, `succeeded`, `failed_none` without and `failed_applied` with an effect, `unknown`.
        """
        ...

    def change_decided(self, decision: str, result: str) -> None:
        """Count what a person said to a request: `recorded`, `refused`, or `superseded` by what was seen then."""
        ...

    def change_taken_over(self) -> None:
        """Count a change that another worker had begun."""
        ...

    def unknown_effect(self) -> None:
        """Count an object that was changed by a request which is not known to have been carried out."""
        ...


class Unmetered:
    """Counts nothing: for a terminal and for tests that do not look."""

    def commanded(self, verb: str, result: str, seconds: float) -> None: ...

    def refused(self, permission: str, why: str) -> None: ...

    def acknowledged(self, surface: str, result: str, seconds: float) -> None: ...

    def delivered(self, result: str) -> None: ...

    def throttled(self, method: str) -> None: ...

    def degraded(self, what: str, *, yes: bool) -> None: ...

    def change_approved(self, seconds: float) -> None: ...

    def change_ended(self, verb: str, result: str, seconds: float | None) -> None: ...

    def change_decided(self, decision: str, result: str) -> None: ...

    def change_taken_over(self) -> None: ...

    def unknown_effect(self) -> None: ...
