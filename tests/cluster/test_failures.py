"""Real failures, named by the product with their evidence. All of them happen at once, in one namespace."""

from __future__ import annotations

import copy
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.cluster import Connection, KubernetesHttp, open_connection
from bot.domain.targets import Namespace, Scope
from tests.cluster.conftest import CLUSTER, KUBECONFIG
from tests.support.clocks import WallClock
from tests.support.hands import Hands
from tests.support.terminal import Printed, ragops
from tests.support.waiting import until
from tests.support.watching import watching

# host:port of a registry that answers and lacks the image; the nodes must be able to reach it.
REGISTRY = os.environ.get("RAGOPS_TEST_REGISTRY", "")
NEEDS_DATABASE = '[ -n "$DATABASE_URL" ] || { echo "FATAL: DATABASE_URL is not set"; exit 1; }; exec sleep 100000'
ALIVE = "exec sleep 100000"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A Deployment that fails, and what must be said of it: words of the summary, words of the evidence."""

    script: str = ALIVE
    container: dict[str, Any]
    code: str
    title: str
    said: tuple[str, ...]
    shown: tuple[str, ...]


def _probe(**probe: Any) -> dict[str, Any]:
    return {"periodSeconds": 1, "failureThreshold": 1, **probe}


FAILURES = {
    "crashing": Failure(
        script="echo starting; echo FATAL: no database; exit 1",
        container={},
        code="CRASH_LOOP",
        title="crashes again and again",
        said=("exit code 1", "FATAL: no database"),
        shown=("starting", "FATAL: no database"),
    ),
    "greedy": Failure(
        script="echo loading; exec tail /dev/zero",
        container={"resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "24Mi"}}},
        code="OOM_KILLED",
        title="out of memory",
        said=("its limit of 24 Mi",),
        shown=("OOMKilled", "loading"),
    ),
    "unreachable": Failure(
        container={"image": "127.0.0.1:1/nothing:1"},
        code="IMAGE_PULL_FAILED",
        title="image cannot be pulled (unreachable)",
        said=("the registry cannot be reached", "127.0.0.1:1/nothing:1"),
        shown=("connection refused",),
    ),
    "homeless": Failure(
        container={"resources": {"requests": {"cpu": "10m", "memory": "900Gi"}}},
        code="INSUFFICIENT_RESOURCES",
        title="no node has room for it",
        said=("no node has enough memory", "It asks for 900 Gi memory; the largest node has"),
        shown=("Insufficient memory",),
    ),
    "unready": Failure(
        container={"readinessProbe": _probe(httpGet={"path": "/ready", "port": 9})},
        code="READINESS_FAILING",
        title="runs, but is not ready",
        said=("gets no traffic", "readiness probe", "connection refused"),
        shown=("Readiness probe failed",),
    ),
    "lifeless": Failure(
        script="trap 'exit 2' TERM; echo serving; while :; do sleep 0.2; done",
        container={"livenessProbe": _probe(tcpSocket={"port": 9}, initialDelaySeconds=1)},
        code="LIVENESS_FAILING",
        title="restarted by its liveness probe",
        said=("liveness probe", "connection refused"),
        shown=("Liveness probe failed",),
    ),
    "misconfigured": Failure(
        container={"envFrom": [{"configMapRef": {"name": "app-settings"}}]},
        code="CONFIGURATION_MISSING",
        title="waits for config map app-settings",
        said=('configmap "app-settings" not found',),
        shown=('configmap "app-settings" not found',),
    ),
    "uncommanded": Failure(
        container={"command": ["/no/such/program"]},
        code="START_FAILED",
        title="cannot be started",
        said=("cannot be started", "/no/such/program"),
        shown=("no such file or directory",),
    ),
    "released": Failure(
        script=NEEDS_DATABASE,
        container={
            "env": [{"name": "DATABASE_URL", "value": "postgres://db.example/app"}],
            # Without one, a container counts as ready for the moment that it runs, and the old revision is let go.
            "readinessProbe": _probe(exec={"command": ["true"]}, initialDelaySeconds=1),
        },
        code="CRASH_CONFIGURATION",
        title="new release crashes for want of DATABASE_URL, the old one still serves",
        said=(
            "Revision 2 (1) ends with exit code 1",
            "FATAL: DATABASE_URL is not set",
            "Revision 1 (1) has 1 of 1 pod ready",
            "It sets DATABASE_URL, which revision 2 does not",
        ),
        shown=("FATAL: DATABASE_URL is not set",),
    ),
}
if REGISTRY:
    FAILURES["untagged"] = Failure(
        container={"image": f"{REGISTRY}/nothing:no-such-tag"},
        code="IMAGE_PULL_FAILED",
        title="image cannot be pulled (not found)",
        said=("this tag or repository does not exist",),
        shown=("not found",),
    )


@dataclass(frozen=True, slots=True)
class Sick:
    """The namespace of the failures, what the program printed about it, and a way to ask more."""

    scope: Scope
    printed: Printed
    http: KubernetesHttp

    def finding(self, name: str) -> dict[str, Any]:
        """Return the one finding about a workload."""
        [found] = [finding for finding in self.printed.data["findings"] if finding["target"]["name"] == name]
        return dict(found)


@asynccontextmanager
async def _namespace(hands: Hands) -> AsyncIterator[str]:
    name = f"ragops-test-{secrets.token_hex(4)}"
    await hands.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        yield name
    finally:
        await hands.send("DELETE", f"/api/v1/namespaces/{name}")


def _codes(printed: Printed) -> set[tuple[str, str]]:
    """Return what was found of the namespace; how busy the machine is that all tests share, is not asked here."""
    found = [finding for finding in printed.data["findings"] if finding["target"]["kind"] != "Node"]
    return {(finding["target"]["name"], finding["code"]) for finding in found}


async def _status(folder: Path, namespace: str) -> Printed:
    return await ragops(folder, "status", "-n", namespace, "--output", "json", kubeconfig=KUBECONFIG)


async def _release_without_database(hands: Hands, namespace: str) -> None:
    """Take the variable away once the first revision serves."""
    path = f"{_DEPLOYMENTS.format(namespace)}/released"
    served = await until(lambda: hands.send("GET", path), lambda seen: seen["status"].get("readyReplicas"))
    changed = copy.deepcopy(served)
    changed["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "FEATURE_X", "value": "on"}]
    del changed["metadata"]["resourceVersion"]  # its status may change meanwhile
    await hands.send("PUT", path, changed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connection() -> AsyncIterator[Connection]:
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to run this")
    opened = await open_connection(KUBECONFIG)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sick(connection: Connection, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sick]:
    """All failures at once, beside one workload that is well; seen when each is named."""
    hands, folder = Hands(connection), tmp_path_factory.mktemp("sick")
    expected = {(name, failure.code) for name, failure in FAILURES.items()}
    async with _namespace(hands) as namespace:
        await hands.deployment(namespace, "well", ALIVE)
        for name, failure in FAILURES.items():
            await hands.deployment(namespace, name, failure.script, **failure.container)
        await _release_without_database(hands, namespace)
        printed = await until(
            lambda: _status(folder, namespace), lambda seen: _codes(seen) == expected and _is_settled(seen), within_s=90
        )
        http = KubernetesHttp(connection, WallClock(), lambda: 0.5)
        yield Sick(Scope(CLUSTER, Namespace(namespace)), printed, http)


def _is_settled(printed: Printed) -> bool:
    """Tell whether every crash has been seen more than once: then its log is that of a whole run."""
    return all(_restarts(finding) for finding in printed.data["findings"] if finding["code"].startswith("CRASH"))


def _restarts(finding: dict[str, Any]) -> bool:
    return any("restart" in evidence["label"] and ": 0 " not in evidence["label"] for evidence in finding["evidence"])


def _words(finding: dict[str, Any]) -> str:
    return "\n".join("\n".join((evidence["label"], *evidence["lines"])) for evidence in finding["evidence"])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_is_named_with_its_evidence(sick: Sick, name: str) -> None:
    """Code, severity, title and the telling words; the evidence holds words of the cluster itself."""
    failure = FAILURES[name]

    finding = sick.finding(name)

    assert (finding["code"], finding["severity"], finding["title"]) == (failure.code, "critical", failure.title)
    assert finding["target"] == {"kind": "Deployment", "namespace": sick.scope.namespace, "name": name}
    assert [words for words in failure.said if words not in finding["summary"]] == [], finding["summary"]
    assert [words for words in failure.shown if words not in _words(finding)] == [], _words(finding)
    assert finding["next"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_tag_that_does_not_exist_is_told_from_a_registry_that_cannot_be_reached(sick: Sick) -> None:
    """The registry says so itself; that needs one."""
    if not REGISTRY:
        pytest.skip("no registry: set RAGOPS_TEST_REGISTRY to host:port of one that the nodes can reach")
    assert sick.finding("untagged")["title"] == "image cannot be pulled (not found)"


@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_else_is_accused(sick: Sick) -> None:
    """One finding for each failure, none about the workload that is well; the exit code says that there are some."""
    report = sick.printed.data

    assert sorted(name for name, _ in _codes(sick.printed)) == sorted(FAILURES)
    assert [workload["name"] for workload in report["workloads"] if workload["ok"]] == ["well"]
    assert (report["verdict"], sick.printed.exit_code) == ("degraded", 1)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_value_of_the_environment_is_nowhere(sick: Sick) -> None:
    """A variable is told by its name; what it held stays in the cluster."""
    assert "db.example" not in sick.printed.out


@pytest.mark.asyncio(loop_scope="module")
async def test_the_watch_cache_names_the_same(sick: Sick) -> None:
    """What chat answers from its cache is what the terminal reads."""
    async with watching(sick.scope, sick.http) as asking:
        view = await until(lambda: asking.view("status"), lambda view: view.data and _named(view.data) == set(FAILURES))

    codes = {finding["target"]["name"]: finding["code"] for finding in view.data["findings"]}  # type: ignore[index]  # a mapping, as the document of the verb says
    assert codes == {name: failure.code for name, failure in FAILURES.items()}
    assert view.exit_code == 1
    assert view.data["not_checked"] == []  # type: ignore[index]  # as above


def _named(data: Any) -> set[str]:
    return {finding["target"]["name"] for finding in data["findings"]}


@pytest.mark.asyncio(loop_scope="module")
async def test_one_workload_is_told_with_all_its_evidence(sick: Sick, tmp_path: Path) -> None:
    """`status crashing` is about that one alone, and shows the log."""
    printed = await ragops(tmp_path, "status", "crashing", "-n", sick.scope.namespace, kubeconfig=KUBECONFIG)

    assert printed.exit_code == 1
    assert printed.out.startswith("✖ crashing is down: 1 problem")
    assert "│ FATAL: no database" in printed.out
    assert "greedy" not in printed.out


@pytest.mark.asyncio(loop_scope="module")
async def test_pods_that_a_quota_forbids_are_told_with_the_quotas_words(connection: Connection, tmp_path: Path) -> None:
    """There is no pod to look at: the workload itself says why."""
    hands = Hands(connection)
    async with _namespace(hands) as namespace:
        quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
        await hands.send("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", quota)
        await hands.deployment(namespace, "refused", ALIVE)

        def is_told(printed: Printed) -> bool:
            return "the quota none" in printed.out

        printed = await until(lambda: _status(tmp_path, namespace), is_told, within_s=40)

    [finding] = printed.data["findings"]
    assert (finding["code"], finding["severity"], finding["target"]["name"]) == (
        "QUOTA_EXCEEDED",
        "critical",
        "refused",
    )
    assert "1 of 1 pod cannot be created: the quota none has too little left" in finding["summary"]
    assert "exceeded quota: none" in _words(finding)
    assert printed.exit_code == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_health_takes_three_lines(connection: Connection, tmp_path: Path) -> None:
    """Nothing is wrong: the verdict, the workloads, where and how fresh; exit code 0."""
    hands = Hands(connection)
    async with _namespace(hands) as namespace:
        for name in ("api", "worker"):
            await hands.deployment(namespace, name, ALIVE)
        await until(lambda: _status(tmp_path, namespace), lambda seen: seen.exit_code == 0, within_s=40)

        printed = await ragops(tmp_path, "status", "-n", namespace, kubeconfig=KUBECONFIG)

    lines = [line for line in printed.out.splitlines() if line]
    assert len(lines) == 3, printed.out
    assert lines[0] == f"✔ {namespace} is healthy"
    assert lines[1] == "Fine: api 1/1 · worker 1/1"
    assert lines[2].startswith(f"{namespace} on ")
    assert printed.exit_code == 0
