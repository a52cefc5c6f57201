"""Qdrant: is it alive and ready, and how are its collections."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from bot.domain.findings import Severity
from bot.domain.text import count, listed
from bot.probes.asking import Asking, Stopped
from bot.probes.fetching import Answer, Site, parse, site
from bot.probes.words import percent

T = TypeVar("T")

MOST_COLLECTIONS = 20
_MOST_BYTES = 256 * 1024
_MANY_POINTS = 50_000
_FEW_INDEXED_PERCENT = 50.0
_ADVICE: Final = "Read its log: a disk that is full and a corrupt segment are the usual reasons."


class _Name(msgspec.Struct):
    name: str


class _Names(msgspec.Struct):
    collections: list[_Name]


class _NamesAnswer(msgspec.Struct):
    result: _Names


class _OptimizerFault(msgspec.Struct):
    error: str = ""


class Collection(msgspec.Struct, frozen=True):
    """The state of one collection, as Qdrant says it."""

    status: str
    optimizer_status: str | _OptimizerFault = "ok"
    points_count: int | None = None
    indexed_vectors_count: int | None = None


class _CollectionAnswer(msgspec.Struct):
    result: Collection


async def ask(asking: Asking) -> None:
    """Ask for its health, then for the state of each collection."""
    url = parse(asking.target.address)
    headers = {"api-key": asking.secret} if asking.secret else {}
    async with site(asking, url, headers) as found:
        if found is None:
            return
        with asking.stage("HTTP") as step:
            alive = await found.get("/healthz")
            step.words = str(alive.status)
            _tell_health(alive)
        _tell_readiness(asking, await found.get("/readyz"))
        with asking.stage("query"):
            names = await _names(asking, found)
            collections = await _collections(asking, found, names[:MOST_COLLECTIONS])
    if len(names) > MOST_COLLECTIONS:
        asking.fact("Collections", f"{MOST_COLLECTIONS} of {len(names)} were looked at")
    asking.figure("collections", len(names))
    for name, collection in zip(names, collections, strict=False):
        if collection is not None:
            tell_collection(asking, name, collection)


def tell_collection(asking: Asking, name: str, collection: Collection) -> None:
    """Write down how a collection is, and what is wrong with it."""
    points, indexed = collection.points_count, collection.indexed_vectors_count
    share = None if points is None or indexed is None or not points else min(100.0, percent(indexed, points))
    told = [collection.status]
    if points is not None:
        told.append(count(points, "point"))
        asking.figure(f"points:{asking.words(name, 60)}", points)
    if share is not None:
        told.append(f"{share:.0f} % indexed")
        asking.figure(f"indexed_percent:{asking.words(name, 60)}", share)
    asking.fact(f"Collection {asking.words(name, 60)}", ", ".join(told))
    match collection.status:
        case "red":
            asking.trouble("QDRANT_RED", Severity.CRITICAL, f"Collection {name} is red: it failed.", advice=_ADVICE)
        case "grey":
            asking.trouble(
                "QDRANT_GREY",
                Severity.WARNING,
                f"Collection {name} is grey: its optimisation waits since a restart.",
                advice="Any write to it sets the optimisation going again.",
            )
    if isinstance(collection.optimizer_status, _OptimizerFault) or collection.optimizer_status != "ok":
        fault = collection.optimizer_status
        said = fault.error if isinstance(fault, _OptimizerFault) else fault
        asking.trouble(
            "QDRANT_OPTIMIZER_FAILED",
            Severity.CRITICAL,
            f"The optimizer of collection {name} failed: {said}",
            advice=_ADVICE,
        )
    if share is not None and share < _FEW_INDEXED_PERCENT and (points or 0) >= _MANY_POINTS:
        asking.trouble(
            "QDRANT_UNINDEXED",
            Severity.INFO,
            f"Only {share:.0f} % of the {points} points of {name} are indexed: the rest is searched one by one.",
            advice="After many writes that passes; where it stays, look at indexing_threshold.",
        )


def _tell_health(alive: Answer) -> None:
    if alive.status == 404:
        return  # versions before 1.5 have no such page
    if alive.status != 200:
        raise Stopped("QDRANT_NOT_HEALTHY", f"It says of itself that it is not well ({alive.status}).", advice=_ADVICE)
    if alive.is_html:
        raise Stopped("NOT_QDRANT", "This is no Qdrant: it answers with a page for people.", advice="Check the port.")


def _tell_readiness(asking: Asking, ready: Answer) -> None:
    if ready.status not in (200, 404):
        asking.trouble(
            "QDRANT_NOT_READY",
            Severity.WARNING,
            f"It is alive, but not ready ({ready.status}): {asking.words(ready.text, 200)}",
            advice="After a start it loads its shards first; where it lasts, read its log.",
        )


async def _names(asking: Asking, found: Site) -> list[str]:
    answer = await found.get("/collections", most=_MOST_BYTES)
    if answer.status in (401, 403):
        wants = "does not take our key" if asking.secret else "wants a key"
        asking.trouble(
            "QDRANT_KEY_REFUSED" if asking.secret else "QDRANT_NEEDS_KEY",
            Severity.WARNING,
            f"It is alive, but {wants}: its collections are not seen.",
            advice="Name a variable with a key that may read (secret_env).",
        )
        return []
    if answer.status != 200:
        raise Stopped("PROBE_HTTP_STATUS", f"Asked for its collections it answers {answer.status}.", advice=_ADVICE)
    listing = _decoded(answer, _NamesAnswer)
    if listing is None:
        raise Stopped("NOT_QDRANT", "This is no Qdrant: it lists no collections.", advice="Check the port.")
    return sorted(each.name for each in listing.result.collections)


async def _collections(asking: Asking, found: Site, names: Sequence[str]) -> list[Collection | None]:
    """Return the state of each; None, and a word about it, for one that does not say. A few are asked at a time."""
    turns = asyncio.Semaphore(4)

    async def one(name: str) -> Answer | Stopped:
        async with turns:
            try:
                return await found.get(f"/collections/{quote(name, safe='')}", most=_MOST_BYTES)
            except Stopped as error:
                return error

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(one(name)) for name in names]
    answers = [each.result() for each in asked]
    states = [
        _decoded(it, _CollectionAnswer) if isinstance(it, Answer) and it.status == 200 else None for it in answers
    ]
    silent = [name for name, state in zip(names, states, strict=True) if state is None]
    if silent:
        asking.trouble(
            "QDRANT_COLLECTION_NOT_SEEN", Severity.WARNING, f"{listed(silent)} cannot be read.", advice=_ADVICE
        )
    return [state.result if state else None for state in states]


def _decoded(answer: Answer, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, RecursionError):
        return None
