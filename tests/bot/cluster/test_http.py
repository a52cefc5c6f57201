"""One read over HTTP: retried where that is safe, bounded in time and size."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.cluster.http import KubernetesHttp, Pulse, Retries
from bot.errors import (
    ClusterError,
    ClusterFault,
    ClusterForbidden,
    ClusterNotFound,
    ClusterThrottled,
    ClusterUnauthorized,
    ClusterUnreachable,
)
from tests.support.clocks import ShiftedClock, SteppedClock, WallClock, leaping_loop
from tests.support.fake_api import Answer, FakeApi, connected, drop, silence, status, text
from tests.support.waiting import until

PATH = "/api/v1/things"


async def test_a_read_goes_out_under_our_name_with_its_query(api: FakeApi, http: KubernetesHttp) -> None:
    """The server's audit log can tell who asked."""
    api.on(PATH, text("hello"))
    assert await http.get(PATH, {"limit": "250"}) == b"hello"
    assert api.asked == [(PATH, {"limit": "250"})]
    assert all(agent.startswith("ragops/") for agent in api.agents)


@pytest.mark.parametrize(
    "trouble",
    [drop(), status(500, "etcdserver: leader changed"), status(503, "overloaded"), status(429, "slow down")],
    ids=["reset", "500", "503", "429"],
)
async def test_a_passing_trouble_is_not_seen(api: FakeApi, tmp_path: Path, trouble: Answer) -> None:
    """Reads are repeated, at most three times."""
    api.on(PATH, trouble, trouble, text("hello"))
    clock = SteppedClock()
    async with connected(api.url, tmp_path) as connection:
        http = KubernetesHttp(connection, clock, lambda: 0.5)
        assert await http.get(PATH) == b"hello"
    assert api.times(PATH) == 3
    assert 1 <= len(clock.slept) <= 2  # the transport itself repeats a GET once when a kept connection was closed


async def test_after_three_tries_the_error_says_so(api: FakeApi, http: KubernetesHttp) -> None:
    """It names what was tried and how often."""
    api.on(PATH, status(500, "no leader"))
    with pytest.raises(ClusterFault, match=r"answered 500: no leader\.\nTried: GET /api/v1/things \(3 tries"):
        await http.get(PATH)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(401, ClusterUnauthorized), (403, ClusterForbidden), (404, ClusterNotFound)],
)
async def test_what_will_not_change_is_not_repeated(
    api: FakeApi, http: KubernetesHttp, code: int, expected: type[ClusterError]
) -> None:
    """A refusal stays one; repeating it would fill the server's audit log."""
    api.on(PATH, status(code, "no"))
    with pytest.raises(expected):
        await http.get(PATH)
    assert api.times(PATH) == 1


async def test_a_short_retry_after_is_waited_for_and_a_long_one_is_not(api: FakeApi, tmp_path: Path) -> None:
    """Two seconds are waited; for a minute the person is not kept."""
    clock = SteppedClock()
    async with connected(api.url, tmp_path) as connection:
        http = KubernetesHttp(connection, clock, lambda: 0.0)
        api.on(PATH, status(429, "slow down", **{"Retry-After": "2"}), text("hello"))
        assert await http.get(PATH) == b"hello"
        assert clock.slept == [2.0]

        api.on(PATH, status(429, "slow down", **{"Retry-After": "60"}))
        with pytest.raises(ClusterThrottled) as caught:
            await http.get(PATH)
    assert caught.value.retry_after_s == 60
    assert api.times(PATH) == 3


async def test_a_silent_server_costs_the_deadline_and_no_more(api: FakeApi, http: KubernetesHttp) -> None:
    """The deadline bounds all tries together."""
    api.on(PATH, silence())
    async with asyncio.timeout(50):
        with pytest.raises(ClusterUnreachable, match="did not answer in time"):
            await http.get(PATH, timeout_s=0.2)


async def test_a_refused_connection_names_host_and_reason(tmp_path: Path, unused_tcp_port: int) -> None:
    """The person learns where nobody listened."""
    async with connected(f"http://127.0.0.1:{unused_tcp_port}", tmp_path) as connection:
        http = KubernetesHttp(connection, WallClock(), lambda: 0.0)
        with pytest.raises(ClusterUnreachable, match=f"No connection to 127.0.0.1:{unused_tcp_port}"):
            await http.get(PATH)


async def test_a_server_without_tls_is_told_so(api: FakeApi, tmp_path: Path) -> None:
    """https spoken to a plain server."""
    async with connected(api.url.replace("http:", "https:"), tmp_path) as connection:
        http = KubernetesHttp(connection, WallClock(), lambda: 0.0)
        with pytest.raises(ClusterUnreachable, match=r"certificate is not accepted"):
            await http.get(PATH)


async def test_a_body_without_end_is_not_swallowed(api: FakeApi, http: KubernetesHttp) -> None:
    """More than the bound is an error, not memory."""
    api.on(PATH, text("x" * 2000))
    with pytest.raises(ClusterError):
        await http.get(PATH, limit=1000)


async def test_an_error_body_of_megabytes_is_cut(api: FakeApi, http: KubernetesHttp) -> None:
    """Only its beginning is looked at."""
    api.on(PATH, status(403, "no " * 2_000_000))
    with pytest.raises(ClusterForbidden) as caught:
        await http.get(PATH)
    assert len(caught.value.message) < 500


async def test_a_stream_opened_on_an_error_raises_it(api: FakeApi, http: KubernetesHttp) -> None:
    """A watch that is refused is no empty watch."""
    api.on(PATH, status(403, "no"))
    with pytest.raises(ClusterForbidden):
        async with http.stream(PATH, {}, total_s=5, silence_s=5):
            pass


def test_waits_grow_to_a_bound() -> None:
    """Full jitter below a bound that doubles."""
    retries = Retries(first_wait_s=1.0, longest_wait_s=10.0)
    assert [retries.wait_s(n, 1.0) for n in (1, 2, 3, 4, 5, 10_000)] == [1, 2, 4, 8, 10, 10]
    assert retries.wait_s(3, 0.0) == 0


async def test_a_recent_sign_of_life_needs_no_question(api: FakeApi, http: KubernetesHttp) -> None:
    """Ten reads in a row cost no extra call."""
    api.on(PATH, text("hello"))
    await http.get(PATH)
    pulse = Pulse(http, WallClock(), bound_s=10)
    await pulse.confirm()
    assert pulse.trouble is None
    assert api.times("/readyz") == 0


@pytest.mark.parametrize("answer", [text("ok"), status(403, "no"), status(404, "no")], ids=["ok", "403", "404"])
async def test_any_answer_is_a_sign_of_life(api: FakeApi, http: KubernetesHttp, answer: Answer) -> None:
    """Even one that says that this page is not for us."""
    api.on("/readyz", answer)
    pulse = Pulse(http, WallClock())
    await pulse.confirm()
    assert pulse.trouble is None
    assert http.heard_at is not None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (silence(), ClusterUnreachable),
        (status(500, "etcd failed"), ClusterFault),
        (status(401, "no"), ClusterUnauthorized),
    ],
    ids=["frozen", "not ready", "expired token"],
)
async def test_no_sign_of_life_leaves_the_reason(
    api: FakeApi, http: KubernetesHttp, answer: Answer, expected: type[ClusterError]
) -> None:
    """Frozen, not ready, or no longer letting us in: what is known is then old."""
    api.on("/readyz", answer)
    pulse = Pulse(http, WallClock(), timeout_s=0.2 if expected is ClusterUnreachable else 60)
    await pulse.confirm()
    assert isinstance(pulse.trouble, expected)


async def test_many_who_ask_at_once_ask_once(api: FakeApi, http: KubernetesHttp) -> None:
    """A frozen server is asked by one question for all; and trouble ends with the next sign of life."""
    api.on("/readyz", silence(), text("ok"))
    clock = ShiftedClock()
    pulse = Pulse(http, clock, timeout_s=60)

    async def times() -> int:
        return api.times("/readyz")

    with leaping_loop() as leap:
        asking = asyncio.gather(*(pulse.confirm() for _ in range(20)))
        await until(times, bool, every_s=0.01)
        leap(90)
        await asking
    assert await times() == 1
    assert pulse.trouble is not None
    clock.shift(90)
    await pulse.confirm()
    assert pulse.trouble is None
