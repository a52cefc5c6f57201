"""Tests against a real API server. They take any kubeconfig: RAGOPS_TEST_KUBECONFIG, and skip without one.

Objects are made in namespaces of their own, which are deleted afterwards. The image must be one that the nodes can
run: RAGOPS_TEST_IMAGE, by default a busybox that is already there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.cluster import Connection, KubernetesHttp, open_connection
from bot.domain.targets import ClusterName, Namespace, Scope
from tests.cluster.changing import Ground, RealStage, real_stage
from tests.support.clocks import WallClock
from tests.support.cluster_image import make_image
from tests.support.hands import Hands
from tests.support.installed import address_of_node
from tests.support.kubectl import Kubectl

KUBECONFIG = os.environ.get("RAGOPS_TEST_KUBECONFIG") or os.environ.get("KUBECONFIG") or ""
# A command that makes images: CONTROL image REFERENCE NAME=PATH… -- ENTRYPOINT…
CONTROL = os.environ.get("RAGOPS_TEST_CLUSTER_CONTROL", "")
PRODUCT = "docker.io/test/ragops:in-cluster"
CLUSTER = ClusterName("real")
# The findings that the catalogue of failures saw, for the table at the end of the run.
TOLD: list[dict[str, Any]] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was named; RAGOPS_TEST_REPORT may name a file that keeps the list."""
    if not TOLD:
        return
    told = sorted(TOLD, key=lambda each: (each["code"], each["target"]["name"]))
    rows = [(f"{each['code']:<27} {each['target']['kind']}/{each['target']['name']}", each["summary"]) for each in told]
    terminalreporter.section("failures named on a real cluster")
    for what, summary in rows:
        terminalreporter.line(f"{what:<70} {summary[:80]}")
    report = os.environ.get("RAGOPS_TEST_REPORT", "")
    if report:
        Path(report).write_text("".join(f"{what}\n  {summary}\n" for what, summary in rows), encoding="utf-8")


@pytest.fixture
def kubeconfig() -> str:
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to run this")
    return KUBECONFIG


@pytest.fixture
async def connection(kubeconfig: str) -> AsyncIterator[Connection]:
    opened = await open_connection(kubeconfig)
    yield opened
    await opened.close()


@pytest.fixture
def http(connection: Connection) -> KubernetesHttp:
    return KubernetesHttp(connection, WallClock(), lambda: 0.5)


@pytest.fixture
def hands(connection: Connection) -> Hands:
    return Hands(connection)


@pytest.fixture
async def scope(hands: Hands) -> AsyncIterator[Scope]:
    """A fresh namespace."""
    name = f"ragops-test-{secrets.token_hex(4)}"
    await hands.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield Scope(CLUSTER, Namespace(name))
    await hands.send("DELETE", f"/api/v1/namespaces/{name}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealStage]:
    """The whole bot in front of the cluster, with people who ask it for changes."""
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to run this")
    async with real_stage(tmp_path_factory.mktemp("changes"), KUBECONFIG) as running:
        yield running


@pytest.fixture
def work(stage: RealStage) -> Ground:
    """The namespace in which things are changed."""
    return stage.ground("work")


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of this checkout, in the cluster."""
    if not os.environ.get("RAGOPS_TEST_KUBECONFIG") or not CONTROL:
        pytest.skip("set RAGOPS_TEST_KUBECONFIG and RAGOPS_TEST_CLUSTER_CONTROL to run this")
    make_image(CONTROL, PRODUCT, tmp_path_factory.mktemp("image"))
    return PRODUCT


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(product: str) -> str:
    """The address by which pods reach this machine."""
    del product
    found = await address_of_node(Kubectl(os.environ["RAGOPS_TEST_KUBECONFIG"]))
    if not found:
        pytest.skip("no node of this cluster is this machine: its pods would not reach the stand-in")
    return found
