"""How far a watched copy can be trusted: pure, from what is known of the watch and of the server.

The rule, and why, stands in `bot.cluster.reflector`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.cluster.faults import reason_of
from bot.domain.snapshot import Freshness, PartStatus
from bot.errors import ClusterError

RENEWAL = timedelta(seconds=2)
"""How long a watch may take to be opened, after a list or its own orderly end, before its copy counts as stale."""

NOT_READ_YET = "not read yet"

REPLAY = timedelta(seconds=0.5)
"""How long after its opening a watch is given to deliver what happened before."""


class State(StrEnum):
    """Where a watch stands."""

    STARTING = "starting"
    WATCHING = "watching"
    RENEWING = "renewing"  # it ended in good order and is being opened again
    BROKEN = "broken"
    REFUSED = "refused"  # by rights, or because the API does not exist


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of one watch: its own last sign of life, since when it is open, and its last trouble.

    A list is true as of the moment when it was asked for; that it took long until it was read, `listed_at`, is no
    reason to call it stale.
    """

    state: State
    alive_at: datetime | None = None
    open_since: datetime | None = None
    error: ClusterError | None = None
    listed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """What is known of the server: its newest sign of life of any kind, and why it gave none when asked."""

    heard_at: datetime | None = None
    trouble: ClusterError | None = None


def judge(watched: Watched, server: Server, now: datetime, *, silence: timedelta) -> PartStatus:
    """Return how fresh the copy is, and as of when it is known to be true."""
    if watched.alive_at is None:
        error = watched.error or server.trouble
        reason = reason_of(error) if error is not None else NOT_READ_YET
        return PartStatus(Freshness.MISSING, reason=reason)
    match watched.state:
        case State.WATCHING:
            return _watching(watched, watched.alive_at, server, now, silence)
        case State.STARTING | State.RENEWING:
            return _renewed(watched, watched.alive_at, server, now)
        case State.BROKEN | State.REFUSED:
            # A server that gives no sign of life at all is the reason for every broken watch: it is told once.
            error = server.trouble or watched.error
            reason = reason_of(error) if error is not None else "the watch broke off"
            return PartStatus(Freshness.STALE, watched.alive_at, reason)


def _watching(watched: Watched, alive_at: datetime, server: Server, now: datetime, silence: timedelta) -> PartStatus:
    if server.trouble is not None:
        return PartStatus(Freshness.STALE, alive_at, reason_of(server.trouble))
    silent = now - max(alive_at, watched.open_since or alive_at)
    if silent > silence:
        return PartStatus(Freshness.STALE, alive_at, f"the watch has been silent for {silent.total_seconds():.0f} s")
    if watched.open_since is not None and alive_at < watched.open_since and now - watched.open_since < REPLAY:
        return _renewed(watched, alive_at, server, now)
    return PartStatus(Freshness.LIVE, max(alive_at, server.heard_at or alive_at))


def _renewed(watched: Watched, alive_at: datetime, server: Server, now: datetime) -> PartStatus:
    if server.trouble is not None:
        return PartStatus(Freshness.STALE, alive_at, reason_of(server.trouble))
    if now - max(alive_at, watched.listed_at or alive_at) > RENEWAL:
        return PartStatus(Freshness.STALE, alive_at, "the watch is being opened again")
    return PartStatus(Freshness.LIVE, alive_at)
