"""Which part of a list is asked for: pages, versions, selectors."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from sandbox.cluster.store import Json
from tests.contract import rules
from tests.contract.case import APPS, NS, PAGES, Case, NotYet, names_of, question
from tests.contract.rules import EXACT, many
from tests.contract.sides import Side


async def _two_pages(side: Side) -> Json:
    """Read three of five, then the rest."""
    first = (await side.ask(f"{NS}/configmaps", {**PAGES, "limit": "3"})).as_json()
    more = first["body"]["metadata"].pop("continue")
    second = (await side.ask(f"{NS}/configmaps", {**PAGES, "limit": "3", "continue": more})).as_json()
    same = first["body"]["metadata"]["resourceVersion"] == second["body"]["metadata"]["resourceVersion"]
    return {"first": first, "second": second, "has_continue": bool(more), "same_version": same}


async def _remaining(side: Side) -> Json:
    """Read one Deployment of several, without selectors: then the rest is counted."""
    answer = (await side.ask(f"{APPS}/deployments", {"limit": "1"})).as_json()
    return {"status": answer["status"], "rest": answer["body"]["metadata"]["remainingItemCount"]}


async def _from_cache(side: Side) -> Json:
    """Ask for any version: the limit does not count."""
    answer = (await side.ask(f"{NS}/configmaps", {**PAGES, "limit": "2", "resourceVersion": "0"})).as_json()
    return {**names_of(answer), "has_continue": "continue" in answer["body"]["metadata"]}


async def _from_the_future(side: Side) -> Json:
    """Ask for a version that does not exist yet: refused after three seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = (await side.ask(f"{NS}/configmaps", {"resourceVersion": "999999999"})).as_json()
    message = answer["body"]["message"]
    answer["body"]["message"] = re.sub(r"current: \d+", "current: N", message)
    return {**answer, "waited_s": 3 if 2.5 <= loop.time() - began <= 6 else loop.time() - began}


async def _from_the_past(side: Side) -> Json:
    """Ask for exactly the first version: refused, once the server's store has forgotten it (every few minutes)."""
    answer = (await side.ask(f"{NS}/pods", {"resourceVersion": "1", "resourceVersionMatch": "Exact"})).as_json()
    if answer["status"] == 200 and answer["body"]["metadata"]["resourceVersion"] == "1":
        raise NotYet("the server is so young that it still knows its first version")
    return answer


_GARBAGE: dict[str, Any] = {"continue": "garbage", "limit": "1"}
_VERSIONS = (
    Case(
        "two-pages", _two_pages, EXACT + many(rules.CONFIG_MAP).under("first") + many(rules.CONFIG_MAP).under("second")
    ),
    Case("rest-is-counted", _remaining, EXACT),
    question("bad-continue", f"{NS}/pods", EXACT, **_GARBAGE),
    Case("version-zero-ignores-the-limit", _from_cache, EXACT),
    Case("version-from-the-future", _from_the_future, EXACT),
    question("version-no-number", f"{NS}/pods", EXACT, resourceVersion="abc"),
    Case("exact-version-too-old", _from_the_past, EXACT),
    question("match-without-version", f"{NS}/pods", EXACT, resourceVersionMatch="Exact"),
)


_LABELS = {
    "equal": "app=quiet",
    "not-equal": "app,app!=quiet,app!=crash",
    "in": "app in (quiet, pair)",
    "not-in": "app,app notin (quiet,pair)",
    "exists": "batch.kubernetes.io/job-name",
    "not-exists": "!pod-template-hash",
    "nothing": "app=nobody",
}
_FIELDS = {
    "name": "metadata.name={pod[quiet]}",
    "phase": "status.phase=Succeeded",
    "not-phase": "status.phase!=Running,status.phase!=Pending",
    "node": "spec.nodeName={node}",
}


def _subjects(answer: Json) -> Json:
    """Leave of events whom they are about."""
    return {"status": answer["status"], "about": sorted({e["involvedObject"]["name"] for e in answer["body"]["items"]})}


_SELECTORS = (
    *(
        question(f"label-{name}", f"{NS}/pods", EXACT, cut=names_of, labelSelector=selector)
        for name, selector in _LABELS.items()
    ),
    *(
        question(f"field-{name}", f"{NS}/pods", EXACT, cut=names_of, fieldSelector=selector)
        for name, selector in _FIELDS.items()
    ),
    question(
        "field-involved-object",
        f"{NS}/events",
        EXACT,
        cut=_subjects,
        fieldSelector="involvedObject.kind=Pod,involvedObject.name={pod[quiet]}",
    ),
    question("field-unknown", f"{NS}/pods", EXACT, fieldSelector="spec.color=red"),
    question("field-unreadable", f"{NS}/pods", EXACT, fieldSelector="metadata.name"),
    question("label-unreadable", f"{NS}/pods", EXACT, labelSelector="app in quiet"),
)

CHOICE_CASES: tuple[Case, ...] = (*_VERSIONS, *_SELECTORS)
