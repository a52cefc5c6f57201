"""Readiness: whether this replica can do its work now, asked of what it works with.

A replica is not ready

- while it starts, and from the moment on that it stops;
- while it is deaf: Slack cannot reach it;
- while it is cut off from PostgreSQL: what must be kept would be refused;
- while **every** configured cluster is blind. One blind cluster of several is reported, but people still get answers
  about the others, so it does not take the replica out.

Redis is not asked: losing it costs speed only. All checks are asked at once, each for two seconds at most, and what
they said counts for a second: however often somebody probes, nothing behind it is asked more often than that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.diagnosis import DECISIVE_PARTS
from bot.domain.snapshot import Freshness, Snapshot
from bot.domain.targets import ClusterName, Scope
from bot.domain.text import first_line
from bot.errors import BotError
from bot.ports import Clock, ClusterReader, Store
from bot.redaction import redact

log = logging.getLogger(__name__)

LIMIT_S = 2.0
COUNTS_FOR_S = 1.0
SLACK, DATABASE, CLUSTERS = "slack", "database", "clusters"


@dataclass(frozen=True, slots=True)
class Check:
    """Something to be asked: empty means well, else why not; a `BotError` is such a reason, too.

    Of the checks of one `group` it is enough that one is well; a check without a group must be well by itself.
    """

    name: str
    ask: Callable[[], Awaitable[str]]
    group: str = ""


class Phase(StrEnum):
    """Where the program stands; it can be ready only while it works."""

    STARTING = "starting"
    WORKING = "working"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Told:
    """What a check said: empty `words` for well, and since when it is otherwise."""

    name: str
    words: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What all checks said, and what follows from it."""

    ready: bool
    phase: Phase
    checks: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look saw: every check, and whether that is enough."""

    checks: tuple[Told, ...]
    enough: bool


class Readiness:
    """Asks all checks and remembers for a moment what they said."""

    def __init__(self, clock: Clock, checks: Iterable[Check] = (), *, limit_s: float = LIMIT_S) -> None:
        self._clock = clock
        self._checks = list(checks)
        self._limit_s = limit_s
        self._phase = Phase.STARTING
        self._failing: dict[str, datetime] = {}
        self._broken: set[str] = set()
        self._looking: asyncio.Task[_Look] | None = None
        self._looked_at: datetime | None = None

    def add(self, *checks: Check) -> None:
        """Ask these too, from the next look on."""
        self._checks += checks
        self._looked_at = None

    def started(self) -> None:
        """Say that the start is done."""
        if self._phase is Phase.STARTING:
            self._phase = Phase.WORKING

    def stopping(self) -> None:
        """Say that the end has begun; from here on it is not ready any more."""
        self._phase = Phase.STOPPING

    async def look(self) -> State:
        """Return what is known, at most a second old. Who asks at the same time gets the same answer; never raises."""
        if self._looking is None or (self._looking.done() and not self._counts_still()):
            self._looking = asyncio.create_task(self._ask_all())
        seen = await asyncio.shield(self._looking)
        return State(self._phase is Phase.WORKING and seen.enough, self._phase, seen.checks)

    async def close(self) -> None:
        """End a look that is still under way."""
        if self._looking is not None and not self._looking.done():
            self._looking.cancel()
            await asyncio.wait({self._looking})

    def _counts_still(self) -> bool:
        if self._looked_at is None:
            return False
        return 0 <= (self._clock.now() - self._looked_at).total_seconds() < COUNTS_FOR_S

    async def _ask_all(self) -> _Look:
        checks = tuple(self._checks)
        said = await asyncio.gather(*(self._ask(check) for check in checks))
        now = self._clock.now()
        # A check that was added meanwhile was not asked: then the next look is due at once.
        self._looked_at = now if len(self._checks) == len(checks) else None
        for check, words in zip(checks, said, strict=True):
            if words:
                self._failing.setdefault(check.name, now)
            else:
                self._failing.pop(check.name, None)
        told = (
            Told(check.name, words, self._failing.get(check.name)) for check, words in zip(checks, said, strict=True)
        )
        return _Look(tuple(told), _enough(checks, said))

    async def _ask(self, check: Check) -> str:
        """Ask one check. A bug in it must neither pass for health nor end the program: it is a reason, and logged."""
        try:
            async with asyncio.timeout(self._limit_s):
                words = await check.ask()
        except TimeoutError:
            words = f"no answer within {self._limit_s:g} s"
        except BotError as error:
            words = error.message
        except Exception:
            if check.name not in self._broken:
                log.exception("a check of readiness failed", extra={"event": "check_broken", "check": check.name})
                self._broken.add(check.name)
            return "the check itself fails; see the log"
        self._broken.discard(check.name)
        return (first_line(redact(words)) or "no reason given") if words else ""


def _enough(checks: Sequence[Check], said: Sequence[str]) -> bool:
    """Tell whether every check without a group is well, and one of each group."""
    groups: dict[tuple[str, str], list[bool]] = {}
    for check, words in zip(checks, said, strict=True):
        groups.setdefault((check.group, "" if check.group else check.name), []).append(not words)
    return all(any(each) for each in groups.values())


# --- the checks there are ---------------------------------------------------------------------------------------------


def slack_check(deaf: Callable[[], Awaitable[str]]) -> Check:
    """Make the check whether Slack can reach us. `deaf` says why not; empty means that it can."""
    return Check(SLACK, deaf)


def database_check(store: Store) -> Check:
    """Make the check whether the database answers."""

    async def ask() -> str:
        await store.ping()
        return ""

    return Check(DATABASE, ask)


def cluster_checks(reader: ClusterReader, scopes: Sequence[Scope]) -> tuple[Check, ...]:
    """Make one check for each cluster of `scopes`; it is enough that one of them is well."""
    by_cluster: dict[ClusterName, list[Scope]] = {}
    for scope in scopes:
        by_cluster.setdefault(scope.cluster, []).append(scope)
    return tuple(cluster_check(reader, of_cluster) for of_cluster in by_cluster.values())


def cluster_check(reader: ClusterReader, scopes: Sequence[Scope]) -> Check:
    """Make the check of one cluster: it is blind when all of its namespaces are."""

    async def look(scope: Scope) -> str:
        try:
            return blindness(await reader.snapshot(scope, frozenset(DECISIVE_PARTS)))
        except BotError as error:
            return error.message

    async def ask() -> str:
        said = await asyncio.gather(*(look(scope) for scope in scopes))
        return said[0] if all(said) else ""

    return Check(f"cluster:{scopes[0].cluster}", ask, group=CLUSTERS)


def blindness(snapshot: Snapshot) -> str:
    """Say why nothing can be said about a namespace: no part that a verdict needs is live. Empty when one is."""
    states = [snapshot.status(part) for part in DECISIVE_PARTS]
    if any(state.freshness is Freshness.LIVE for state in states):
        return ""
    reason = next((state.reason for state in states if state.reason), "no reason known")
    return f"{snapshot.scope} cannot be seen: {reason}"
