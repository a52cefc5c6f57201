"""What PostgreSQL and Redis say of themselves, judged. Pure: the facts are read elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.setup.results import Result, fault, ok, warning

OLDEST_REDIS = (6, 2)
LARGEST_SKEW_S = 5.0
_DATABASE, _REDIS = "DATABASE_URL", "REDIS_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What a database says. `ahead_s` is how far its clock is before ours.

    `pending` are migrations still to be applied; `refusal` says why the tables that are there cannot be used, and
    `advice` what to do.
    """

    label: str
    version: str
    encoding: str
    role: str
    may_create: bool
    read_only: bool
    ahead_s: float
    pending: Sequence[str] = ()
    refusal: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFacts:
    """What a Redis says; empty where it does not."""

    label: str
    version: str
    policy: str
    bounded: bool
    replica: bool


def judge_database(facts: DatabaseFacts) -> list[Result]:
    """Return what is wrong with a database, or that nothing is."""
    tried = f"PostgreSQL at {facts.label}"
    results = [*_server(facts, tried), *_tables(facts, tried)]
    if abs(facts.ahead_s) > LARGEST_SKEW_S:
        how = "before" if facts.ahead_s > 0 else "behind"
        found = f"its clock is {abs(facts.ahead_s):.0f} s {how} this machine's"
        results.append(warning(tried, found, "Synchronise both clocks (NTP).", where=_DATABASE))
    if results:
        return results
    found = f"version {facts.version}, {facts.encoding}, tables up to date, role {facts.role}"
    return [ok(tried, found, where=_DATABASE)]


def _server(facts: DatabaseFacts, tried: str) -> list[Result]:
    results = []
    if facts.encoding != "UTF8":
        found = f"the database's encoding is {facts.encoding}, which cannot keep every text"
        results.append(fault(tried, found, "Make a database with ENCODING 'UTF8'.", where=_DATABASE))
    if facts.read_only:
        todo = "Name the primary server, and a role that may write."
        results.append(fault(tried, "it can only be read", todo, where=_DATABASE))
    return results


def _tables(facts: DatabaseFacts, tried: str) -> list[Result]:
    if facts.refusal:
        return [fault(tried, facts.refusal, facts.advice, where=_DATABASE)]
    if facts.pending and not facts.may_create:
        found = f"{_waiting(facts.pending)}, and {facts.role} may not create tables"
        return [fault(tried, found, "Run `ragops migrate` with the role that owns the tables.", where=_DATABASE)]
    if facts.pending:
        found = _waiting(facts.pending)
        return [warning(tried, found, "Run `ragops migrate`; `ragops run` does the same.", where=_DATABASE)]
    return []


def judge_redis(facts: RedisFacts) -> list[Result]:
    """Return what is wrong with a Redis, or that nothing is."""
    tried = f"Redis at {facts.label}, PING and INFO"
    results = []
    found = re.match(r"(\d+)\.(\d+)", facts.version)
    if found is not None and (int(found[1]), int(found[2])) < OLDEST_REDIS:
        told = f"it is version {facts.version}; 6.2 is the oldest that works"
        results.append(fault(tried, told, "Update it.", where=_REDIS))
    if facts.replica:
        results.append(fault(tried, "it is a replica, which takes no writes", "Name the primary.", where=_REDIS))
    if facts.bounded and facts.policy == "noeviction":
        told = (
            "its memory is bounded and it evicts nothing (noeviction): once full, each replica of ragops counts alone"
        )
        todo = "Set maxmemory-policy volatile-ttl; everything kept there has an end."
        results.append(warning(tried, told, todo, where=_REDIS))
    if results:
        return results
    policy = f", {facts.policy}" if facts.policy else ""
    return [ok(tried, f"version {facts.version or 'unknown'}{policy}", where=_REDIS)]


def _waiting(names: Sequence[str]) -> str:
    told = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    are = "1 migration is" if len(names) == 1 else f"{len(names)} migrations are"
    return f"{are} to be applied ({told})"
