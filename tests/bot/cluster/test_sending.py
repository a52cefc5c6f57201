"""One write is one request, whatever the transport would like to do about its answer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

import bot.cluster.sending
from bot.cluster import KubernetesHttp
from bot.cluster.sending import KubernetesWrites, Sending
from bot.errors import ClusterError, ClusterUnauthorized, ClusterUnreachable, WriteError, WriteUnknown
from tests.support.clocks import WallClock
from tests.support.fake_api import Answer, FakeApi, connected, drop, text

PATH = "/api/v1/namespaces/shop/pods/p"
METHODS = ("PATCH", "POST", "DELETE", "PUT")


def sending(method: str = "DELETE") -> Sending:
    return Sending(method=method, path=PATH, query={}, body={"a": "b"}, dry_run=False)


@pytest.fixture
async def writes(api: FakeApi, tmp_path: Path) -> AsyncIterator[KubernetesWrites]:
    async with connected(api.url, tmp_path) as connection:
        yield KubernetesWrites(connection)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
async def test_a_connection_that_breaks_is_no_reason_to_send_it_again(
    api: FakeApi, tmp_path: Path, method: str, kept: bool
) -> None:
    """The transport repeats a GET, and would repeat a DELETE: the first one may have been carried out."""
    api.on(PATH, drop(), text("{}"))
    async with connected(api.url, tmp_path) as connection:
        if kept:
            await KubernetesHttp(connection, WallClock(), lambda: 0.5).get("/readyz", accept="*/*")
        with pytest.raises(WriteUnknown, match="the connection broke off"):
            await KubernetesWrites(connection).send(sending(method), timeout_s=5)
    assert api.times(PATH) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirection_is_not_followed(api: FakeApi, writes: KubernetesWrites, method: str, code: int) -> None:
    """It would send the write to somebody else, or turn it into a read that succeeds."""
    api.on(PATH, text("", code, Location="/elsewhere"))
    api.on("/elsewhere", text("{}"))
    with pytest.raises(WriteUnknown, match=f"answers with a redirection \\({code}\\)"):
        await writes.send(sending(method), timeout_s=5)
    assert api.times("/elsewhere") == 0


async def test_a_read_still_follows_and_is_still_repeated(api: FakeApi, http: KubernetesHttp) -> None:
    api.on(PATH, drop(), text("", 307, Location="/elsewhere"))
    api.on("/elsewhere", text("here"))
    assert await http.get(PATH) == b"here"


async def test_a_write_goes_out_under_our_name_and_as_what_it_is(tmp_path: Path, api: FakeApi) -> None:
    seen: list[tuple[str, str, str]] = []

    async def look(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.headers["Content-Type"], await request.text()))
        return web.Response(text="done")

    answer: Answer = look
    api.on(PATH, answer)
    async with connected(api.url, tmp_path) as connection:
        assert await KubernetesWrites(connection).send(sending(), timeout_s=5) == b"done"
    assert seen == [("DELETE", "application/json", '{"a": "b"}')]
    assert all(agent.startswith("ragops/") for agent in api.agents)


@pytest.mark.parametrize(("timeout_s", "longest_s"), [(3.0, 5.0), (100.0, 0.2)])
async def test_a_handshake_that_hangs_has_sent_nothing(
    tmp_path: Path, timeout_s: float, longest_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes half of the time at most, and no longer than its own, so it is told from an answer that did not come."""
    monkeypatch.setattr(bot.cluster.sending, "_LONGEST_CONNECT_S", longest_s)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with connected(f"https://127.0.0.1:{mute.getsockname()[1]}", tmp_path) as connection:
            began = time.monotonic()
            with pytest.raises(ClusterUnreachable, match="did not answer in time") as error:
                await KubernetesWrites(connection).send(sending(), timeout_s=timeout_s)
            assert time.monotonic() - began < timeout_s
    assert not isinstance(error.value, WriteError)


async def test_a_server_without_tls_and_one_that_is_not_there_were_sent_nothing(
    api: FakeApi, tmp_path: Path, unused_tcp_port: int
) -> None:
    for url in (
        api.url.replace("http:", "https:"),
        f"http://127.0.0.1:{unused_tcp_port}",
        "http://nobody.invalid",
    ):
        async with connected(url, tmp_path) as connection:
            with pytest.raises(ClusterUnreachable) as error:
                await KubernetesWrites(connection).send(sending(), timeout_s=5)
        assert not isinstance(error.value, WriteError)
    assert api.asked == []


async def test_an_answer_that_drips_costs_the_time_and_no_more(api: FakeApi, writes: KubernetesWrites) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    api.on(PATH, drip)
    began = time.monotonic()
    with pytest.raises(WriteUnknown, match="did not answer in time"):
        await writes.send(sending(), timeout_s=0.4)
    assert time.monotonic() - began < 40  # it drips for fifty


async def test_a_plugin_that_gives_no_credentials_keeps_the_write_back(api: FakeApi, tmp_path: Path) -> None:
    """Nothing was sent, in whatever way the plugin fails."""
    async with connected(api.url, tmp_path) as connection:
        for raised in (ClusterUnauthorized("no token"), TimeoutError()):

            async def fail(_: object, raised: Exception = raised) -> None:
                raise raised

            connection.api.configuration.refresh_api_key_hook = fail
            with pytest.raises(ClusterError) as error:
                await KubernetesWrites(connection).send(sending(), timeout_s=5)
            assert not isinstance(error.value, WriteError)
    assert api.times(PATH) == 0
