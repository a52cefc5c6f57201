"""Watches: what comes, in which order, and how they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.cluster.store import Json, ObjectStore

_PODS = "/api/v1/namespaces/rag-engine/pods"


def _kinds(events: list[Json]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


async def _events(response: Any) -> AsyncIterator[Json]:
    async for line in response.content:
        yield json.loads(line)


async def test_changes_come_as_they_happen(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """ADDED, MODIFIED and DELETED with the last state, each within a moment of the write."""
    version = str(store.resource_version)
    async with client.request("GET", _PODS, params={"watch": "1", "resourceVersion": version}) as response:
        events = _events(response)
        pod = make_pod("p")
        added = await anext(events)
        store.update("pods", {**pod, "status": {"phase": "Failed"}})
        modified = await anext(events)
        make_pod("q", namespace="elsewhere")
        store.delete("pods", "rag-engine", "p")
        deleted = await anext(events)

    assert [event["type"] for event in (added, modified, deleted)] == ["ADDED", "MODIFIED", "DELETED"]
    assert added["object"]["kind"] == "Pod"
    assert deleted["object"]["status"] == {"phase": "Failed"}
    assert int(deleted["object"]["metadata"]["resourceVersion"]) == store.resource_version


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}], ids=["no version", "version 0"])
async def test_without_version_what_is_there_comes_first(client: Any, make_pod: Any, query: dict[str, str]) -> None:
    """First an ADDED for each object, then changes."""
    make_pod("a")
    make_pod("b")
    assert _kinds(await client.watch(_PODS, count=2, **query)) == [("ADDED", "a"), ("ADDED", "b")]


async def test_from_a_version_only_what_is_newer(client: Any, make_pod: Any) -> None:
    """A list and a watch from its version miss nothing and repeat nothing."""
    make_pod("a")
    version = (await client.get(_PODS)).body["metadata"]["resourceVersion"]
    make_pod("b")
    assert _kinds(await client.watch(_PODS, count=1, resourceVersion=version)) == [("ADDED", "b")]


async def test_too_old_version_is_an_event(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """The stream opens with 200, tells 410 in an ERROR event and closes."""
    make_pod("a")
    store.expire()

    (event,) = await client.watch(_PODS, resourceVersion="1", timeoutSeconds="60")

    assert event["type"] == "ERROR"
    assert event["object"] == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"too old resource version: 1 ({store.resource_version})",
        "reason": "Expired",
        "code": 410,
    }


async def test_compaction_does_not_reach_a_watch_that_is_up_to_date(
    client: Any, store: ObjectStore, make_pod: Any
) -> None:
    """An open watch goes on after the history is forgotten."""
    version = str(store.resource_version)
    async with client.request("GET", _PODS, params={"watch": "1", "resourceVersion": version}) as response:
        events = _events(response)
        make_pod("a")
        await anext(events)
        store.expire()
        make_pod("b")
        assert (await anext(events))["object"]["metadata"]["name"] == "b"


async def test_version_from_the_future_waits_in_silence(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """Nothing comes, no bookmark either, until the time is over."""
    make_pod("a")
    future = str(store.resource_version + 1000)
    assert await client.watch(_PODS, resourceVersion=future, allowWatchBookmarks="true") == []


async def test_bookmarks_come_when_asked_for(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """They carry the newest version, whatever changed, and nothing of an object."""
    version = str(store.resource_version)
    make_pod("a", namespace="elsewhere")

    events = await client.watch(_PODS, count=2, resourceVersion=version, allowWatchBookmarks="true")

    assert events[0] == events[1]
    assert events[0] == {
        "type": "BOOKMARK",
        "object": {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": str(store.resource_version)},
            "spec": {"containers": None},
            "status": {},
        },
    }


async def test_selectors_hold_on_watches(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """An object that starts to match is ADDED, one that stops to is DELETED with the state that matched."""
    version = str(store.resource_version)
    pod = make_pod("a", labels={"app": "other"})
    in_view = store.update("pods", {**pod, "metadata": {**pod["metadata"], "labels": {"app": "api"}}})
    store.update("pods", {**in_view, "status": {"phase": "Failed"}})
    store.update("pods", {**pod, "metadata": {**pod["metadata"], "labels": {"app": "gone"}}})
    make_pod("b", labels={"app": "other"})

    events = await client.watch(_PODS, count=3, resourceVersion=version, labelSelector="app=api")

    assert _kinds(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert events[2]["object"]["metadata"]["labels"] == {"app": "api"}


async def test_field_selector_follows_one_object(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """A watch of one name sees no other."""
    version = str(store.resource_version)
    make_pod("a")
    make_pod("b")
    events = await client.watch(_PODS, count=1, resourceVersion=version, fieldSelector="metadata.name=b")
    assert _kinds(events) == [("ADDED", "b")]


async def test_initial_events_end_with_a_marked_bookmark(client: Any, make_pod: Any) -> None:
    """A streaming list: everything there, then a bookmark that says so."""
    make_pod("a")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

    events = await client.watch(_PODS, count=2, **query)

    assert _kinds(events)[0] == ("ADDED", "a")
    assert events[1]["type"] == "BOOKMARK"
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize(
    "query", [{"sendInitialEvents": "true"}, {"resourceVersionMatch": "NotOlderThan"}], ids=["alone", "without"]
)
async def test_bad_options_are_an_http_status(client: Any, query: dict[str, str]) -> None:
    """A streaming list needs its version match, and the other way round."""
    answer = await client.get(_PODS, watch="1", **query)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")


async def test_table_rows_are_watched(client: Any, make_pod: Any) -> None:
    """Only the first event of a table carries the columns."""
    make_pod("a")
    make_pod("b")
    answer = await client.get(
        _PODS, accept="application/json;as=Table;v=v1;g=meta.k8s.io", watch="true", timeoutSeconds="1"
    )
    first, second = (json.loads(line)["object"] for line in answer.data.splitlines())
    assert first["columnDefinitions"]
    assert second["columnDefinitions"] is None
    assert [table["rows"][0]["cells"][0] for table in (first, second)] == ["a", "b"]


async def test_end_is_clean_and_on_time(client: Any) -> None:
    """At timeoutSeconds the body ends as it should."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert await client.watch(_PODS, timeoutSeconds="1") == []
    assert 0.9 < loop.time() - start < 60
