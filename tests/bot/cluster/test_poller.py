"""What cannot be watched is asked for again and again, and is as old as it was measured."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.cluster import KubernetesHttp
from bot.cluster.freshness import Server
from bot.cluster.poller import Poller
from bot.cluster.resources import NO_METRICS, RESOURCES
from bot.domain.snapshot import Freshness, Part, PartStatus
from bot.domain.targets import Namespace
from bot.errors import ClusterUnreachable
from tests.support.clocks import ShiftedClock
from tests.support.fake_api import Answer, FakeApi, page, silence, status, text
from tests.support.waiting import in_background, until

PATH = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"
FORBIDDEN = status(
    403,
    'pods.metrics.k8s.io is forbidden: User "bot" cannot list resource "pods" in API group "metrics.k8s.io" in the '
    'namespace "shop"',
)
QUIET = Server()


def usage(clock: ShiftedClock, *, age_s: float = 20, name: str = "a") -> dict[str, Any]:
    """A sample, as old as told."""
    at = (clock.now() - timedelta(seconds=age_s)).isoformat()
    containers = [{"name": "main", "usage": {"cpu": "1500001n", "memory": "10Ki"}}]
    return {"metadata": {"name": name}, "timestamp": at, "window": "10s", "containers": containers}


def poller(http: KubernetesHttp, clock: ShiftedClock, *, every_s: float = 15.0) -> Poller:
    return Poller(http, RESOURCES[Part.POD_METRICS], Namespace("shop"), clock, lambda: 0.5, every_s=every_s)


async def settled(copy: Poller) -> PartStatus:
    await copy.settled.wait()
    return copy.status(QUIET)


async def test_a_sample_is_as_old_as_its_oldest_measurement(api: FakeApi, http: KubernetesHttp) -> None:
    """Not as the list that brought it; before the first list it is missing."""
    clock = ShiftedClock()
    api.on(PATH, page(usage(clock, age_s=5, name="b"), usage(clock, age_s=20, name="a")))
    copy = poller(http, clock)
    assert copy.status(QUIET) == PartStatus(Freshness.MISSING, reason="not read yet")
    async with in_background(copy.run()):
        told = await settled(copy)
    assert told.freshness is Freshness.LIVE
    assert told.as_of is not None
    assert 20 <= (clock.now() - told.as_of).total_seconds() < 80
    assert [(u.meta.name, u.cpu_m, u.memory) for u in copy.items] == [("a", 2, 10240), ("b", 2, 10240)]
    assert copy.get("b") is copy.items[1]


async def test_no_sample_is_younger_than_the_question(api: FakeApi, http: KubernetesHttp) -> None:
    """The clock of the cluster may run ahead of ours."""
    clock = ShiftedClock()
    api.on(PATH, page(usage(clock, age_s=-300)))
    copy = poller(http, clock)
    async with in_background(copy.run()):
        told = await settled(copy)
    assert told.as_of is not None
    assert told.as_of <= clock.now()


async def test_it_is_asked_for_again_and_never_watched(api: FakeApi, http: KubernetesHttp) -> None:
    """Whoever has no sample any more is gone."""
    clock = ShiftedClock(longest_s=0.01)
    api.on(PATH, page(usage(clock, name="a"), usage(clock, name="b")), page(usage(clock, name="b")))
    copy = poller(http, clock)
    async with in_background(copy.run()):

        async def look() -> list[str]:
            return [sample.meta.name for sample in copy.items]

        await until(look, lambda seen: seen == ["b"])
    assert api.times(PATH, watch=True) == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404, "the server could not find the requested resource"), NO_METRICS),
        (text("404 page not found", 404), NO_METRICS),
        (status(503, "the server is currently unable to handle the request"), NO_METRICS),
        (FORBIDDEN, "no right to list them for bot"),
        (text("<html>"), "the API server sent what cannot be read (not JSON)"),
    ],
    ids=["404", "no such group", "503", "403", "garbage"],
)
async def test_what_was_never_read_is_missing_with_its_reason(
    api: FakeApi, http: KubernetesHttp, answer: Answer, reason: str
) -> None:
    """Not installed is one thing, not allowed another."""
    api.on(PATH, answer)
    copy = poller(http, ShiftedClock())
    async with in_background(copy.run()):
        assert await settled(copy) == PartStatus(Freshness.MISSING, reason=reason)
    assert copy.items == ()


@pytest.mark.parametrize(
    ("answer", "freshness", "reason", "kept"),
    [
        (status(503, "down"), Freshness.MISSING, NO_METRICS, 0),
        (status(404, "gone"), Freshness.MISSING, NO_METRICS, 0),
        (FORBIDDEN, Freshness.STALE, "no right to list them for bot", 1),
    ],
    ids=["503", "404", "403"],
)
async def test_a_failure_counts_only_when_the_last_list_is_old(
    api: FakeApi, http: KubernetesHttp, answer: Answer, freshness: Freshness, reason: str, kept: int
) -> None:
    """Live for 45 s, then missing when the API is gone, else stale with its age."""
    clock = ShiftedClock(longest_s=0.01)
    api.on(PATH, page(usage(clock)), answer)
    copy = poller(http, clock)
    async with in_background(copy.run()):

        async def error() -> object:
            return copy.error

        await until(error, bool)
        assert copy.status(QUIET).freshness is Freshness.LIVE
        clock.shift(46)
        told = copy.status(QUIET)
    assert (told.freshness, told.reason, len(copy.items)) == (freshness, reason, kept)


async def test_a_server_that_takes_the_question_and_is_silent_is_said(api: FakeApi, http: KubernetesHttp) -> None:
    """The list times out before the next is due."""
    api.on(PATH, silence())
    copy = poller(http, ShiftedClock(), every_s=0.2)
    async with in_background(copy.run()):
        told = await settled(copy)
    assert told == PartStatus(Freshness.MISSING, reason="the API server did not answer in time")


async def test_no_sample_is_live_when_the_server_is_gone(api: FakeApi, http: KubernetesHttp) -> None:
    """However young it is."""
    clock = ShiftedClock()
    api.on(PATH, page(usage(clock)))
    copy = poller(http, clock)
    async with in_background(copy.run()):
        await settled(copy)
    told = copy.status(Server(trouble=ClusterUnreachable("No answer.")))
    assert (told.freshness, told.reason) == (Freshness.STALE, "no answer")
