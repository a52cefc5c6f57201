"""Kubelets on sockets of their own: who is trusted, who gets a token, and what is made of their words."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.cluster import ClusterExtras, KubernetesHttp, open_connection
from bot.cluster.kubelets import Kubelets
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.extras import DiskUse
from bot.errors import (
    BotError,
    ClusterFault,
    ClusterForbidden,
    ClusterUnauthorized,
    ClusterUnreachable,
)
from tests.support.accounts import write_kubeconfig
from tests.support.certificates import Authority
from tests.support.clocks import WallClock
from tests.support.fake_api import FakeApi, page

TOKEN = "t0ken-of-the-test"
ACCOUNT = "system:serviceaccount:ragops:ragops-chat"
CLUSTER = ClusterName("here")
SHOP = Scope(CLUSTER, Namespace("shop"))
LOOPBACK = "127.0.0.1"
GI = 2**30


def file_system(capacity: int, available: int, inodes: int = 100) -> dict[str, Any]:
    return {"capacityBytes": capacity, "availableBytes": available, "usedBytes": 7, "inodes": inodes}


def volume(namespace: str, claim: str, capacity: int, available: int) -> dict[str, Any]:
    reference = {"pvcRef": {"name": claim, "namespace": namespace}} if claim else {}
    return {"name": "data", **reference, **file_system(capacity, available)}


def summary(*pods: list[dict[str, Any]], **node: Any) -> str:
    disks = {"fs": file_system(100 * GI, 20 * GI), "runtime": {"imageFs": file_system(50 * GI, 40 * GI, 9)}, **node}
    told = {"node": {"nodeName": "one", **disks}, "pods": [{"podRef": {"name": "p"}, "volume": each} for each in pods]}
    return json.dumps(told)


@dataclass(slots=True)
class Kubelet:
    """What a kubelet answers, and what it was sent."""

    body: str = field(default_factory=summary)
    status: int = 200
    location: str = ""
    hangs: bool = False
    seen: list[tuple[str, str]] = field(default_factory=list)
    reached: int = 0
    port: int = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.path_qs, request.headers.get("Authorization", "")))
        if self.hangs:
            await asyncio.Event().wait()
        headers = {"Location": self.location} if self.location else {}
        return web.Response(status=self.status, text=self.body, headers=headers)

    @asynccontextmanager
    async def running(self, context: ssl.SSLContext | None) -> AsyncIterator[Kubelet]:
        runner = web.ServerRunner(web.Server(self.answer, access_log=None), shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0, ssl_context=context).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()


def node(name: str, port: int, *, address: str = LOOPBACK, ready: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path / "cluster")


@pytest.fixture
async def api(authority: Authority) -> AsyncIterator[FakeApi]:
    """Its own certificate is of the authority that it has for kubelets."""
    async with FakeApi().running(authority.server(LOOPBACK)) as running:
        yield running


@pytest.fixture
async def http(api: FakeApi, tmp_path: Path, authority: Authority) -> AsyncIterator[KubernetesHttp]:
    """The way to a cluster with an authority of its own."""
    path = write_kubeconfig(tmp_path / "kubeconfig", api.url, TOKEN, str(authority.file))
    connection = await open_connection(str(path))
    yield KubernetesHttp(connection, WallClock(), lambda: 0.5)
    await connection.close()


@pytest.fixture
def extras(http: KubernetesHttp) -> ClusterExtras:
    return ClusterExtras({CLUSTER: http}, WallClock())


async def refusal(extras: ClusterExtras) -> BotError:
    with pytest.raises(BotError) as raised:
        await extras.disks(SHOP)
    return raised.value


async def test_disks_and_volumes_are_read_of_a_kubelet_of_the_cluster(
    api: FakeApi, extras: ClusterExtras, authority: Authority
) -> None:
    """With the connection's own token, one path and no other; other namespaces' volumes are not told."""
    pods = [[volume("shop", "data", 10 * GI, GI), volume("", "", 5, 5)], [volume("other", "data", 10, 1)]]
    async with Kubelet(summary(*pods)).running(authority.server(LOOPBACK)) as kubelet:
        api.on("/api/v1/nodes", page(node("one", kubelet.port)))
        found = await extras.disks(SHOP)
        assert found == (
            DiskUse(kind="Node", name="one", namespace="", used=10 * GI, capacity=50 * GI, what="imagefs"),
            DiskUse(kind="Node", name="one", namespace="", used=80 * GI, capacity=100 * GI, what="nodefs"),
            DiskUse(kind="PersistentVolumeClaim", name="data", namespace="shop", used=9 * GI, capacity=10 * GI),
        )
        assert await extras.disks(SHOP) == found
        assert kubelet.seen == [("/stats/summary", f"Bearer {TOKEN}")]


async def test_images_on_the_nodes_own_disk_are_told_once(
    api: FakeApi, extras: ClusterExtras, authority: Authority
) -> None:
    same = summary(runtime={"imageFs": file_system(100 * GI, 19 * GI)})
    async with Kubelet(same).running(authority.server(LOOPBACK)) as kubelet:
        api.on("/api/v1/nodes", page(node("one", kubelet.port)))
        assert [use.what for use in await extras.disks(SHOP)] == ["nodefs"]


async def test_a_volume_that_two_nodes_have_mounted_is_told_once(
    api: FakeApi, extras: ClusterExtras, authority: Authority
) -> None:
    shared = [volume("shop", "shared", 10, 5)]
    context = authority.server(LOOPBACK)
    async with (
        Kubelet(summary(shared)).running(context) as one,
        Kubelet(summary(shared, shared)).running(context) as two,
    ):
        api.on("/api/v1/nodes", page(node("one", one.port), node("two", two.port)))
        claims = [use.name for use in await extras.disks(SHOP) if use.kind != "Node"]
        assert claims == ["shared"]


# --- who is no kubelet of the cluster ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["another authority", "another address", "ended", "no TLS"])
async def test_who_cannot_prove_to_be_a_kubelet_of_the_cluster_never_gets_a_token(
    api: FakeApi, extras: ClusterExtras, authority: Authority, tmp_path: Path, wrong: str
) -> None:
    """Not one request arrives there."""
    contexts = {
        "another authority": lambda: Authority.make(tmp_path / "other").server(LOOPBACK),
        "another address": lambda: authority.server("10.0.0.7"),
        "ended": lambda: authority.server(LOOPBACK, ended=True),
        "no TLS": lambda: None,
    }
    async with Kubelet().running(contexts[wrong]()) as impostor:
        api.on("/api/v1/nodes", page(node("one", impostor.port)))
        error = await refusal(extras)
        assert isinstance(error, ClusterUnreachable)
        assert "it gets no token" in error.message
        assert "kubelet of one" in error.message
        assert "serverTLSBootstrap" in error.advice
        assert impostor.seen == []


async def test_a_redirection_is_not_followed(api: FakeApi, extras: ClusterExtras, authority: Authority) -> None:
    """It could lead the token elsewhere."""
    context = authority.server(LOOPBACK)
    async with Kubelet().running(context) as elsewhere, Kubelet(status=302, body="").running(context) as kubelet:
        kubelet.location = f"https://{LOOPBACK}:{elsewhere.port}/"
        api.on("/api/v1/nodes", page(node("one", kubelet.port)))
        assert (await refusal(extras)).message == "The kubelet of one answered 302."
        assert elsewhere.seen == []


@pytest.mark.parametrize("skips", [False, True])
async def test_without_an_authority_of_the_cluster_nobody_is_asked(
    authority: Authority, tmp_path: Path, *, skips: bool
) -> None:
    """Public authorities vouch for no kubelet, and who does not check the API server is not to trust them blindly."""
    async with AsyncExitStack() as stack:
        tls = authority.server(LOOPBACK) if skips else None
        api = await stack.enter_async_context(FakeApi().running(tls))
        path = write_kubeconfig(tmp_path / "kubeconfig", api.url, TOKEN)
        if skips:
            read = json.loads(path.read_text())
            read["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
            path.write_text(json.dumps(read))
        kubelet = await stack.enter_async_context(Kubelet().running(authority.server(LOOPBACK)))
        connection = await open_connection(str(path))
        stack.push_async_callback(connection.close)
        api.on("/api/v1/nodes", page(node("one", kubelet.port)))
        extras = ClusterExtras({CLUSTER: KubernetesHttp(connection, WallClock(), lambda: 0.5)}, WallClock())
        assert "names no certificate authority" in (await refusal(extras)).message
        assert kubelet.seen == []


# --- what they answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (
            403,
            f"Forbidden (user={ACCOUNT}, verb=get, resource=nodes, subresource(s)=[stats])",
            ClusterForbidden,
            f"The right to get nodes/stats in the whole cluster is missing for {ACCOUNT}.",
        ),
        (403, "no", ClusterForbidden, "The right to get nodes/stats in the whole cluster is missing."),
        (401, "Unauthorized", ClusterUnauthorized, "The kubelet of one does not accept our credentials."),
        (
            500,
            "Internal Error: password=hunter2",
            ClusterFault,
            "The kubelet of one answered 500: Internal Error: password=[masked].",
        ),
        (404, "", ClusterFault, "The kubelet of one answered 404."),
        (200, "nonsense", ClusterFault, "The kubelet of one sent what cannot be read."),
        (200, "{}", ClusterFault, "The kubelet of one sent what cannot be read."),
    ],
)
async def test_a_refusal_is_said_in_words(
    api: FakeApi,
    extras: ClusterExtras,
    authority: Authority,
    *,
    status: int,
    body: str,
    kind: type[BotError],
    said: str,
) -> None:
    async with Kubelet(body, status).running(authority.server(LOOPBACK)) as kubelet:
        api.on("/api/v1/nodes", page(node("one", kubelet.port)))
        error = await refusal(extras)
        assert (type(error), error.message) == (kind, said)


@pytest.mark.parametrize(
    "broken",
    [
        {"fs": None, "runtime": None},
        {"fs": {}, "runtime": {}},
        {"fs": file_system(0, 0), "runtime": {"imageFs": {"capacityBytes": 5}}},
        {"fs": file_system(5, 6), "runtime": {"imageFs": file_system(5, -1)}},
    ],
)
async def test_what_was_not_measured_is_left_out(
    api: FakeApi, extras: ClusterExtras, authority: Authority, broken: dict[str, Any]
) -> None:
    async with Kubelet(summary(**broken)).running(authority.server(LOOPBACK)) as kubelet:
        api.on("/api/v1/nodes", page(node("one", kubelet.port)))
        assert await extras.disks(SHOP) == ()


async def test_of_several_those_that_answer_are_told(
    api: FakeApi, extras: ClusterExtras, authority: Authority, tmp_path: Path
) -> None:
    """One is an impostor, one is down, one never answered the API server either and is not asked."""
    context, false = authority.server(LOOPBACK), Authority.make(tmp_path / "other").server(LOOPBACK)
    async with (
        Kubelet().running(context) as good,
        Kubelet().running(false) as bad,
        Kubelet().running(context) as lost,
    ):
        nodes = [
            node("a-bad", bad.port),
            node("b-down", 1),
            node("c-lost", lost.port, ready="Unknown"),
            node("d-good", good.port),
            node("e-odd", 10250, address="evil.example/"),
            {"metadata": {"name": "f-new"}},
        ]
        api.on("/api/v1/nodes", page(*nodes))
        assert {use.name for use in await extras.disks(SHOP)} == {"d-good"}
        assert lost.seen == bad.seen == []


async def test_where_no_node_can_be_asked_that_is_said(api: FakeApi, extras: ClusterExtras) -> None:
    """It is a fault, and not as if there were no disks: those that were full would be taken to be well."""
    api.on("/api/v1/nodes", page(node("one", 1, ready="Unknown")))
    assert isinstance(await refusal(extras), ClusterUnreachable)


async def test_one_that_is_down_is_said(api: FakeApi, extras: ClusterExtras) -> None:
    api.on("/api/v1/nodes", page(node("one", 1)))
    error = await refusal(extras)
    assert error.message.startswith("No connection to the kubelet of one")
    assert "10250" in error.advice


async def test_silent_ones_cost_no_more_than_their_time(
    api: FakeApi, http: KubernetesHttp, authority: Authority
) -> None:
    """Each its own, and all of them together."""
    async with Kubelet(hangs=True).running(authority.server(LOOPBACK)) as silent:
        api.on("/api/v1/nodes", page(*(node(f"n{number:02}", silent.port) for number in range(40))))
        loop = asyncio.get_running_loop()
        for timeout_s, total_s, said in (
            (0.2, 100, "No answer in time from the kubelet of n00."),
            (100, 0.7, "None of 40 kubelets answered in time."),
        ):
            began = loop.time()
            extras = ClusterExtras(
                {CLUSTER: http},
                WallClock(),
                kubelets=lambda way, each=timeout_s, whole=total_s: Kubelets(way, timeout_s=each, total_s=whole),
            )
            assert (await refusal(extras)).message == said
            assert loop.time() - began < 50
