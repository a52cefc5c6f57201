"""Compare the marks that changes left in the cluster with what the store knows of them.

A database that fell back to an older copy of itself may have forgotten a change that it had carried out: the object
still says so. Such an effect is put on record and told, once; nothing is done about it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.domain.live import MARKER
from bot.domain.operations import State
from bot.domain.requests import Place, Post
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ObjectRef, Scope
from bot.domain.view import Headline, Mark, Paragraph, View, code, line
from bot.engine.keeping import SYSTEM
from bot.engine.workshop import Workshop
from bot.errors import ClusterError
from bot.ports import AuditEntry, AuditQuery

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
# The slot of an effect that was told is kept under no real moment.
_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
_PARTS = frozenset({Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.AUTOSCALERS})
_ENTRIES = 100


def marks_of(snapshot: Snapshot) -> Mapping[ObjectRef, str]:
    """Return the request that changed each marked object last, by the object."""
    workloads = [(each.kind, each.meta) for each in snapshot.workloads]
    scalers = [("HorizontalPodAutoscaler", each.meta) for each in snapshot.autoscalers]
    return {
        ObjectRef(kind, meta.namespace, meta.name): meta.annotations[MARKER]
        for kind, meta in (*workloads, *scalers)
        if meta.annotations.get(MARKER)
    }


class Marks:
    """Looks at every configured namespace when it begins, and each hour."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._looked: dict[Scope, datetime] = {}

    async def step(self) -> bool:
        """Look at one namespace that is due; False when none is. Raises `StoreUnavailable`."""
        now = self._workshop.clock.now()
        for scope in self._workshop.scopes.all():
            looked = self._looked.get(scope)
            if looked is None or now - looked >= EVERY:
                self._looked[scope] = now
                await self._compare(scope)
                return True
        return False

    async def _compare(self, scope: Scope) -> None:
        store = self._workshop.store
        try:
            # First the cluster, then the store: what is written meanwhile has a row, but no mark yet.
            marks = marks_of(await self._workshop.cluster.snapshot(scope, _PARTS))
        except ClusterError as error:
            log.info("marks were not compared: %s", error.message, extra={"event": "marks_unread"})
            return
        known = frozenset(await store.operations.left_marks(scope))
        for ref, operation_id in marks.items():
            if operation_id not in known and not await self._remembered(operation_id):
                await self._tell(scope, ref, operation_id)

    async def _remembered(self, operation_id: str) -> bool:
        """Tell whether the audit knows of the effect: rows of requests end some day, the audit does not."""
        found = await self._workshop.store.audit_trail.search(AuditQuery(operation=operation_id, limit=_ENTRIES))
        return any(each.action == "patched" or each.result == State.UNKNOWN for each in found)

    async def _tell(self, scope: Scope, ref: ObjectRef, operation_id: str) -> None:
        channel = self._workshop.policy.channel
        async with self._workshop.store.transaction() as transaction:
            name = f"unknown_effect:{scope.cluster}:{scope.namespace}:{ref}:{operation_id}"
            if not await transaction.claim_slot(name, _ONCE):
                return
            if channel:
                await transaction.put(Post(Place(channel), _view(scope, ref, operation_id), kind="notice"))
            await transaction.audit(
                AuditEntry(
                    actor=SYSTEM,
                    action="unknown_effect",
                    subject=operation_id,
                    result="found",
                    detail={"target": f"{ref} in {scope}"},
                )
            )
        self._workshop.meter.unknown_effect()
        log.error(
            "an object carries the mark of a request that is not known to have been carried out",
            extra={"event": "unknown_effect", "operation": operation_id},
        )


def _view(scope: Scope, ref: ObjectRef, operation_id: str) -> View:
    summary = f"{ref} in {scope} was changed by a request that I do not know to have been carried out."
    return View(
        summary,
        (
            Headline(summary, Mark.WARNING),
            Paragraph(
                (
                    line("It carries the mark of request ", code(operation_id), "."),
                    line("The database may have lost its last entries. Look at the object; nothing was done about it."),
                )
            ),
        ),
    )
