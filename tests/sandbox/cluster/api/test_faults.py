"""Faults spoil what they name, as often as they say."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from sandbox.cluster.faults import Fault, FaultError, FaultKind, parse_fault
from sandbox.cluster.server import ClusterServer

_PODS = "/api/v1/namespaces/rag-engine/pods"
_CONTROL = "/_control/faults"


@pytest.mark.parametrize(
    ("status", "reason", "retry_after"),
    [(403, "Forbidden", None), (429, "TooManyRequests", 7), (500, "InternalError", None), (502, None, None)],
)
async def test_status(
    client: Any, server: ClusterServer, status: int, reason: str | None, retry_after: int | None
) -> None:
    """A refusal with a Status body, then all is well again."""
    server.faults.add(Fault(FaultKind.STATUS, status=status, retry_after=retry_after, count=1))

    answer = await client.get(_PODS)

    assert (answer.status, answer.body["code"], answer.body.get("reason")) == (status, status, reason)
    assert answer.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    assert (await client.get(_PODS)).status == 200


async def test_only_what_is_named_is_spoiled(client: Any, server: ClusterServer) -> None:
    """Verb, resource and namespace must all fit."""
    server.faults.add(Fault(FaultKind.STATUS, verb="list", resource="pods", namespace="rag-engine"))
    assert (await client.get(_PODS)).status == 503
    assert (await client.get(f"{_PODS}/p")).status == 404
    assert (await client.get("/api/v1/pods")).status == 200
    assert (await client.get("/version")).status == 200


async def test_latency(client: Any, server: ClusterServer) -> None:
    """The answer is right, and late."""
    server.faults.add(Fault(FaultKind.LATENCY, seconds=0.2, count=1))
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert (await client.get(_PODS)).status == 200
    assert loop.time() - start >= 0.2


async def test_connection_breaks_before_headers(client: Any, server: ClusterServer) -> None:
    """No answer at all."""
    server.faults.add(Fault(FaultKind.DROP_BEFORE, count=1))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.call("POST", _PODS)
    assert (await client.get(_PODS)).status == 200


async def test_connection_breaks_within_the_body(client: Any, server: ClusterServer, make_pod: Any) -> None:
    """A good status and half a body, of a list and of a log."""
    make_pod("p")
    server.faults.add(Fault(FaultKind.DROP_WITHIN, count=1))
    async with client.request("GET", _PODS) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(FaultKind.STATUS, after=True, status=504, count=1), 504),
        (Fault(FaultKind.LATENCY, after=True, seconds=0.1, count=1), 200),
        (Fault(FaultKind.DROP_BEFORE, after=True, count=1), None),
    ],
    ids=["another status", "late", "broken off"],
)
async def test_what_is_spoiled_afterwards_has_happened(
    client: Any, server: ClusterServer, make_pod: Any, fault: Fault, status: int | None
) -> None:
    """Only the answer is lost."""
    make_pod("p")
    server.faults.add(fault)
    label = {"json": {"metadata": {"labels": {"a": "b"}}}, "headers": {"Content-Type": "application/merge-patch+json"}}
    if status is None:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.call("PATCH", f"{_PODS}/p", **label)
    else:
        assert (await client.call("PATCH", f"{_PODS}/p", **label)).status == status
    assert (await client.get(f"{_PODS}/p")).body["metadata"]["labels"] == {"a": "b"}


async def test_watch_breaks_within_a_line(client: Any, server: ClusterServer, make_pod: Any) -> None:
    """The first event is cut in the middle."""
    make_pod("p")
    server.faults.add(Fault(FaultKind.DROP_WITHIN, verb="watch", count=1))
    async with client.request("GET", _PODS, params={"watch": "1"}) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_watch_breaks_after_a_while(client: Any, server: ClusterServer, make_pod: Any) -> None:
    """Whole events come until then."""
    make_pod("p")
    server.faults.add(Fault(FaultKind.DROP_WITHIN, verb="watch", seconds=0.1, count=1))
    async with client.request("GET", _PODS, params={"watch": "1"}) as response:
        assert json.loads(await response.content.readline())["type"] == "ADDED"
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_silent_watch_is_open_and_says_nothing(client: Any, server: ClusterServer, make_pod: Any) -> None:
    """No event, no bookmark, no end; another watch is not concerned."""
    make_pod("p")
    server.faults.add(Fault(FaultKind.SILENCE, resource="pods", count=1))
    query = {"watch": "1", "timeoutSeconds": "1", "allowWatchBookmarks": "true"}
    async with client.request("GET", _PODS, params=query) as response:
        assert response.status == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.read(), 1.3)
    assert len(await client.watch(_PODS, count=1)) == 1


async def test_open_watch_falls_silent(client: Any, server: ClusterServer, make_pod: Any) -> None:
    """A fault that comes later reaches the watches that are open."""
    make_pod("a")
    async with client.request("GET", _PODS, params={"watch": "1"}) as response:
        await response.content.readline()
        server.faults.add(Fault(FaultKind.SILENCE))
        make_pod("b")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readline(), 0.2)


async def _is_reachable(client: Any) -> bool:
    try:
        return bool((await client.get(_PODS)).status == 200)
    except aiohttp.ClientError:
        return False


async def _becomes_reachable(client: Any, expected: bool) -> None:
    async with asyncio.timeout(60):
        while await _is_reachable(client) is not expected:  # noqa: ASYNC110  # a socket sets no event
            await asyncio.sleep(0.02)


async def test_unreachable_refuses_and_comes_back(client: Any, server: ClusterServer) -> None:
    """Open watches break, connections are refused, then the same address answers again."""
    async with client.request("GET", _PODS, params={"watch": "1"}) as response:
        posted = await client.call("POST", _CONTROL, json={"kind": "unreachable", "seconds": 0.5})
        assert posted.status == 201
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(response.content.read(), 60)
    await _becomes_reachable(client, expected=True)
    assert server.faults.body() == {"faults": []}


async def test_unreachable_until_cleared(client: Any, server: ClusterServer) -> None:
    """From Python the door stays shut as long as wanted."""
    server.faults.add(Fault(FaultKind.UNREACHABLE))
    await _becomes_reachable(client, expected=False)
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(_PODS)
    server.faults.clear()
    await _becomes_reachable(client, expected=True)


async def test_control_over_http(client: Any, server: ClusterServer) -> None:
    """POST switches on, GET tells what is left, DELETE clears."""
    fault = {"kind": "status", "status": 429, "retry_after": 3, "verb": "list", "resource": "pods", "count": 2}
    assert (await client.call("POST", _CONTROL, json=fault)).status == 201
    assert (await client.get(_PODS)).status == 429

    (listed,) = (await client.get(_CONTROL)).body["faults"]
    assert (listed["kind"], listed["count"]) == ("status", 1)

    await client.call("DELETE", _CONTROL)
    assert (await client.get(_PODS)).status == 200
    assert server.faults.body() == {"faults": []}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"kind": "flood"},
        {"kind": "latency"},
        {"kind": "latency", "seconds": "soon"},
        {"kind": "status", "status": 200},
        {"kind": "status", "status": None},
        {"kind": "status", "count": 0},
        {"kind": "status", "verb": 1},
        {"kind": "silence", "extra": 1},
        {"kind": "unreachable", "count": 1},
        {"kind": "silence", "after": True},
        {"kind": "status", "after": 1},
    ],
    ids=str,
)
def test_wrong_descriptions_are_refused(body: object) -> None:
    """What means nothing is said to, not ignored."""
    with pytest.raises(FaultError):
        parse_fault(body)


@pytest.mark.parametrize("data", [b"{", b'{"kind":"flood"}', b'{"kind":"unreachable"}'])
async def test_wrong_description_over_http(client: Any, data: bytes) -> None:
    """400 with the reason."""
    answer = await client.call("POST", _CONTROL, data=data)
    assert answer.status == 400
    assert answer.body["error"]
