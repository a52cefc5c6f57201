"""A list and a watch, kept going through everything that servers and networks do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cluster.freshness import State
from bot.cluster.http import KubernetesHttp
from bot.cluster.reflector import Reflector, Timing
from bot.cluster.resources import RESOURCES
from bot.domain.snapshot import Part
from bot.domain.targets import Namespace
from bot.errors import ClusterFault, ClusterForbidden, ClusterUnreachable
from tests.support.clocks import WallClock
from tests.support.fake_api import (
    Answer,
    FakeApi,
    bookmark,
    event,
    expired,
    names,
    page,
    pod,
    silence,
    status,
    text,
    watch,
)
from tests.support.waiting import in_background, until

PODS = "/api/v1/namespaces/shop/pods"
WATCH = PODS + "?watch"
FAST = Timing(list_s=0.3, watch_s=30, silence_s=0.3, refused_s=0.05, first_wait_s=0.01, longest_wait_s=0.02)


def reflector(http: KubernetesHttp, timing: Timing = FAST) -> Reflector:
    return Reflector(http, RESOURCES[Part.PODS], Namespace("shop"), WallClock(), lambda: 0.5, timing=timing)


async def until_names(pods: Reflector, *expected: str) -> None:
    async def look() -> list[str]:
        return names(pods.items)

    await until(look, lambda seen: seen == list(expected))


async def until_state(pods: Reflector, state: State) -> None:
    async def look() -> State:
        return pods.watched.state

    await until(look, lambda seen: seen is state)


def versions_watched(api: FakeApi) -> list[str]:
    return [query["resourceVersion"] for _, query in api.asked if "watch" in query]


async def test_events_change_the_copy(api: FakeApi, http: KubernetesHttp) -> None:
    """Added, modified and deleted arrive; the copy is sorted by name."""
    api.on(PODS, page(pod("b"), pod("a")))
    api.on(
        WATCH,
        watch(
            event("ADDED", pod("c", "11")),
            event("MODIFIED", pod("a", "12", phase="Failed")),
            event("DELETED", pod("b", "13")),
        ),
    )
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "a", "c")
    assert pods.items[0].phase == "Failed"
    assert pods.items is pods.items
    assert versions_watched(api) == ["10"]


async def test_a_watch_that_ends_well_goes_on_where_it_ended(api: FakeApi, http: KubernetesHttp) -> None:
    """The newest version comes from events and from bookmarks; nothing is listed again."""
    api.on(PODS, page(pod("a")))
    api.on(
        WATCH,
        watch(event("ADDED", pod("b", "11")), then="end"),
        watch(bookmark("20"), then="end"),
        watch(event("ADDED", pod("c", "21"))),
    )
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "a", "b", "c")
    assert versions_watched(api) == ["10", "11", "20"]
    assert api.times(PODS) == 1


@pytest.mark.parametrize(
    "too_old", [watch(expired(), then="end"), status(410, "too old")], ids=["inside a 200 stream", "as a status"]
)
async def test_a_position_that_is_too_old_is_listed_anew(api: FakeApi, http: KubernetesHttp, too_old: Answer) -> None:
    """The copy is replaced whole: what was deleted meanwhile is gone."""
    api.on(PODS, page(pod("a"), pod("gone")), page(pod("a"), pod("b"), version="50"))
    api.on(WATCH, too_old, watch())
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "a", "b")
        await until_state(pods, State.WATCHING)
    assert versions_watched(api) == ["10", "50"]


async def test_a_dropped_watch_resumes_without_a_list(api: FakeApi, http: KubernetesHttp) -> None:
    """A broken connection costs a reconnection; the copy and its position are kept."""
    api.on(PODS, page(pod("a")))
    api.on(WATCH, watch(bookmark("15"), then="drop"), status(503, "starting"), watch(event("ADDED", pod("b", "16"))))
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "a", "b")
    assert versions_watched(api) == ["10", "15", "15"]
    assert api.times(PODS) == 1


async def test_a_silent_watch_is_given_up_and_replaced(api: FakeApi, http: KubernetesHttp) -> None:
    """No event and no bookmark for too long: the connection is not trusted any more."""
    api.on(PODS, page(pod("a")))
    api.on(WATCH, watch(bookmark("15")), watch(event("ADDED", pod("b", "16"))))
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "a", "b")
    assert versions_watched(api)[:2] == ["10", "15"]


async def test_a_server_that_never_answers_is_an_error_and_is_asked_again(api: FakeApi, http: KubernetesHttp) -> None:
    """The first list times out; nothing was read; the reason is known."""
    api.on(PODS, silence(), page(pod("a")))
    api.on(WATCH, watch())
    pods = reflector(http)
    async with in_background(pods.run()):
        await pods.settled.wait()
        assert isinstance(pods.watched.error, ClusterUnreachable)
        assert pods.watched.alive_at is None
        await until_names(pods, "a")
        await until_state(pods, State.WATCHING)
    assert pods.watched.error is None


@pytest.mark.parametrize("code", [403, 404])
async def test_a_refusal_is_kept_and_asked_about_from_time_to_time(
    api: FakeApi, http: KubernetesHttp, code: int
) -> None:
    """A right that is granted later is found."""
    api.on(PODS, status(code, "no"), status(code, "no"), page(pod("a")))
    api.on(WATCH, watch())
    pods = reflector(http)
    async with in_background(pods.run()):
        await pods.settled.wait()
        assert pods.watched.state is State.REFUSED
        await until_names(pods, "a")
    assert api.times(PODS) == 3


async def test_who_may_list_but_not_watch_gets_lists(api: FakeApi, http: KubernetesHttp) -> None:
    """The copy is renewed at the pace of refusals, and the missing right is the reason why it is stale."""
    api.on(PODS, page(pod("a")), page(pod("b")))
    api.on(WATCH, status(403, 'User "eva" cannot watch resource "pods" in API group "" in the namespace "shop"'))
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "b")
        await until_state(pods, State.REFUSED)
        assert isinstance(pods.watched.error, ClusterForbidden)
        assert "right to watch pods in namespace shop" in pods.watched.error.message


@pytest.mark.parametrize(
    "garbage",
    [b"nonsense\n", b'{"type":"ADDED"}\n', b'{"type":"ADDED","object":{"metadata":{}}}\n', b"\xff\n"],
    ids=["no JSON", "no object", "no name", "no text"],
)
async def test_an_event_that_cannot_be_read_costs_a_new_list(
    api: FakeApi, http: KubernetesHttp, garbage: bytes
) -> None:
    """What it said is unknown, so the copy is not trusted until it is read anew."""
    api.on(PODS, page(pod("a")), page(pod("b")))
    api.on(WATCH, watch(garbage), watch())
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "b")
    assert api.times(PODS) == 2


async def test_an_unknown_kind_of_event_is_passed_over(api: FakeApi, http: KubernetesHttp) -> None:
    """A server of the future does no harm."""
    api.on(PODS, page(pod("a")))
    api.on(WATCH, watch(event("SPARKLED", {"x": 1}), event("ADDED", pod("b", "11"))))
    pods = reflector(http)
    async with in_background(pods.run()):
        await until_names(pods, "a", "b")


async def test_a_server_that_sends_no_list_is_a_fault(api: FakeApi, http: KubernetesHttp) -> None:
    """A login page of a proxy, answered with 200."""
    api.on(PODS, text("<html>please log in</html>"))
    pods = reflector(http)
    async with in_background(pods.run()):
        await pods.settled.wait()
        assert isinstance(pods.watched.error, ClusterFault)


async def test_an_event_bigger_than_a_read_arrives_whole(api: FakeApi, http: KubernetesHttp) -> None:
    """An object of three megabytes in many chunks."""
    big = pod("big", "11")
    big["metadata"]["annotations"] = {"note": "x" * 3_000_000}
    api.on(PODS, page(pod("a")))
    api.on(WATCH, watch(event("ADDED", big)))
    pods = reflector(http, Timing(silence_s=5))
    async with in_background(pods.run()):
        await until_names(pods, "a", "big")


RECORDED = json.loads((Path(__file__).parents[2] / "fixtures" / "cluster" / "watch-streams.json").read_bytes())


async def test_recorded_streams_of_a_real_server_are_understood(api: FakeApi, http: KubernetesHttp) -> None:
    """Bookmarks with null lists, modified and deleted Deployments."""
    deployments = "/apis/apps/v1/namespaces/shop/deployments"
    stream = next(recorded for recorded in RECORDED if recorded["name"] == "modified-deleted")
    lines = [json.dumps(line).encode() + b"\n" for line in stream["events"]]
    api.on(deployments, page())
    api.on(deployments + "?watch", watch(*lines, bookmark("99999"), then="end"), watch())
    copy = Reflector(
        http, RESOURCES[Part.DEPLOYMENTS], Namespace("shop"), WallClock(), lambda: 0.5, timing=Timing(silence_s=5)
    )
    async with in_background(copy.run()):

        async def look() -> list[str]:
            return versions_watched(api)

        await until(look, lambda seen: seen == ["10", "99999"])
    assert copy.items == ()
