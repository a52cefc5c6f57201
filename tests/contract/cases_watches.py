"""Watches: what comes, in which order, and how they end."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from sandbox.cluster.store import Json
from tests.contract import rules
from tests.contract.case import APPS, NS, PAGES, TABLE, Case, NotYet, question, without_ages
from tests.contract.compare import Rules
from tests.contract.rules import EXACT
from tests.contract.sides import NARROW, Side
from tests.contract.workloads import config_map


async def _life_of_an_object(side: Side) -> Json:
    """Watch a ConfigMap come, change and go."""
    name = f"watched-{secrets.token_hex(3)}"
    path = f"{NS}/configmaps"
    selector = {"fieldSelector": f"metadata.name={name}", "timeoutSeconds": "20"}
    version = await side.version(path)
    await side.hands.create("configmaps", config_map(name))
    await side.hands.replace("configmaps", config_map(name, value="2"))
    await side.hands.delete("configmaps", name)
    events = await side.events(path, {**selector, "resourceVersion": version}, count=3)
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    text = json.dumps(events).replace(name, "WATCHED")
    return {"events": json.loads(text), "rising": versions == sorted(set(versions))}


async def _in_and_out_of_view(side: Side) -> Any:
    """Watch behind a label selector: an object that loses the label is gone."""
    name = f"moving-{secrets.token_hex(3)}"
    path = f"{NS}/configmaps"
    version = await side.version(path)
    await side.hands.create("configmaps", config_map(name, seen="no"))
    await side.hands.replace("configmaps", config_map(name, seen="yes"))
    await side.hands.replace("configmaps", config_map(name, seen="no", value="3"))
    query = {"labelSelector": "seen=yes", "timeoutSeconds": "20", "resourceVersion": version}
    events = await side.events(path, query, count=2)
    await side.hands.delete("configmaps", name)
    return json.loads(json.dumps(events).replace(name, "MOVING"))


async def _from_the_beginning(side: Side) -> Any:
    """Watch without a version: what is there comes first."""
    query = {**PAGES, "timeoutSeconds": "20", "resourceVersion": "0"}
    events = await side.events(f"{NS}/configmaps", query, count=5)
    return sorted(events, key=lambda event: str(event["object"]["metadata"]["name"]))


async def _bookmarks(side: Side) -> Json:
    """Watch in silence for three seconds: the end is in good order, and nothing but bookmarks came before."""
    path = f"{APPS}/statefulsets"
    version = await side.version(path)
    query = {"timeoutSeconds": "3", "allowWatchBookmarks": "true", "resourceVersion": version}
    events = await side.events(path, query, count=99)
    if not events:
        raise NotYet("the server sent no bookmark within three seconds")
    # A real one carries the fields that its Go type cannot leave out, all empty; nobody reads them.
    empty = ("spec", "status")
    return {**events[0], "object": {key: value for key, value in events[0]["object"].items() if key not in empty}}


async def _too_old(side: Side) -> Any:
    """Watch from a version that was forgotten long ago."""
    events = await side.events(f"{NS}/configmaps", {"resourceVersion": "1", "timeoutSeconds": "5"}, count=9)
    if [event["type"] for event in events[:1]] != ["ERROR"]:
        raise NotYet("the server is so young that it still knows its first version")
    return json.loads(
        re.sub(r"too old resource version: 1 \(\d+\)", "too old resource version: 1 (N)", json.dumps(events))
    )


async def _rows(side: Side) -> Json:
    """Watch tables: only the first event carries the columns."""
    query = {"fieldSelector": "metadata.name=page-1", "resourceVersion": "0", "timeoutSeconds": "20"}
    found: list[Json] = []
    async with side.stream(f"{NS}/configmaps", {"watch": "1", **query}, accept=TABLE) as lines:
        async for line in lines:
            found.append(json.loads(line))
            break
    return {"type": found[0]["type"], **without_ages({"body": found[0]["object"]})}


_WATCHED = (
    Rules(equal=("[].type",))
    + Rules(equal=("[].object.kind", "[].object.apiVersion"))
    + rules.CONFIG_MAP.under("[].object")
)
_WATCHES = (
    Case("watch-life", _life_of_an_object, Rules(equal=("rising",)) + _WATCHED.under("events")),
    Case("watch-in-and-out-of-view", _in_and_out_of_view, _WATCHED),
    Case("watch-from-the-beginning", _from_the_beginning, _WATCHED),
    Case("watch-bookmarks", _bookmarks, EXACT + Rules(alike=("object.metadata.resourceVersion",))),
    Case("watch-too-old", _too_old, EXACT),
    Case(
        "watch-table",
        _rows,
        EXACT
        + Rules(
            alike=("body.metadata.resourceVersion",),
            free=("body.columnDefinitions[].description", "body.rows[].object.metadata.managedFields"),
        )
        + Rules(
            alike=tuple(
                f"body.rows[].object.metadata.{name}" for name in ("uid", "resourceVersion", "creationTimestamp")
            )
        ),
    ),
    question("watch-forbidden", f"{NS}/pods", EXACT, user=NARROW, watch="1"),
    question("watch-bad-version", f"{NS}/pods", EXACT, watch="1", resourceVersion="abc"),
    question("watch-bad-selector", f"{NS}/pods", EXACT, watch="1", fieldSelector="spec.color=red"),
    question("watch-initial-events-unmatched", f"{NS}/pods", EXACT, watch="1", sendInitialEvents="true"),
)

WATCH_CASES: tuple[Case, ...] = _WATCHES
