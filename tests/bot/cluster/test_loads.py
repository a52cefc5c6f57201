"""What the pods of each node ask for, over all namespaces."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster import Clusters, KubernetesHttp, OneShotReader
from bot.cluster.loads import NodeLoads, PodRequests, requests_of
from bot.domain.objects import NodeLoad
from bot.domain.targets import ClusterName
from bot.errors import ClusterFault, ClusterForbidden, UsageError
from tests.support.clocks import SteppedClock, WallClock
from tests.support.fake_api import FakeApi, page, status, text

PATH = "/api/v1/pods"
MI = 2**20


def asks(cpu: str = "", memory: str = "", *, restarts: str | None = None) -> dict[str, Any]:
    requests = {name: amount for name, amount in (("cpu", cpu), ("memory", memory)) if amount}
    return {"name": "x", "resources": {"requests": requests}, "restartPolicy": restarts}


def pod(node: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"nodeName": node, "containers": list(containers), **spec}}


async def test_requests_are_summed_by_node_over_all_pages(api: FakeApi, http: KubernetesHttp) -> None:
    """Pods that have finished are left out by the server, pods without a node by us."""
    api.on(
        PATH,
        page(pod("a", asks("100m", "1Mi"), asks("1")), pod("b", asks(memory="2Mi")), more="t"),
        page(pod("a", asks("250m")), pod("", asks("9")), {"metadata": {"name": "bare"}, "spec": {"nodeName": "c"}}),
    )
    load = await NodeLoads(http, WallClock()).read()
    assert load == {"a": NodeLoad(1350, MI, 2), "b": NodeLoad(0, 2 * MI, 1), "c": NodeLoad(0, 0, 1)}
    assert [query["fieldSelector"] for _, query in api.asked] == ["status.phase!=Succeeded,status.phase!=Failed"] * 2
    assert [query.get("continue") for _, query in api.asked] == [None, "t"]


@pytest.mark.parametrize(
    ("spec", "cpu_m"),
    [
        ({"initContainers": [asks("2"), asks("1")]}, 2000),
        ({"initContainers": [asks("100m")]}, 500),
        ({"initContainers": [asks("1", restarts="Always"), asks("2")]}, 3000),
        ({"initContainers": [asks("2"), asks("1", restarts="Always")]}, 2000),
        ({"initContainers": [asks("1", restarts="Always")]}, 1500),
        ({"overhead": {"cpu": "250m"}}, 750),
        ({"resources": {"requests": {"cpu": "4"}}}, 4000),
    ],
    ids=["init", "small init", "sidecar and init", "init before sidecar", "sidecar", "overhead", "pod level"],
)
async def test_a_pod_is_reckoned_as_the_scheduler_does(
    api: FakeApi, http: KubernetesHttp, spec: dict[str, Any], cpu_m: int
) -> None:
    """Init containers run before the others and only sidecars beside them."""
    api.on(PATH, page(pod("a", asks("500m"), **spec)))
    assert (await NodeLoads(http, WallClock()).read())["a"].cpu_m == cpu_m


async def test_it_is_read_once_for_all_who_ask_and_kept_for_half_a_minute(api: FakeApi, http: KubernetesHttp) -> None:
    """A cluster with thousands of pods is not listed for every question."""
    api.on(PATH, page(pod("a", asks("1"))), page(pod("a", asks("2"))))
    clock = SteppedClock()
    loads = NodeLoads(http, clock)
    answers = await asyncio.gather(*(loads.read() for _ in range(5)))
    clock.step(29)
    answers.append(await loads.read())
    assert {load["a"].cpu_m for load in answers} == {1000}
    assert api.times(PATH) == 1
    clock.step(1)
    assert (await loads.read())["a"].cpu_m == 2000


async def test_without_the_right_the_reason_is_raised_and_asked_anew(api: FakeApi, http: KubernetesHttp) -> None:
    """A right that is granted is found at once; what is no list is never an empty one."""
    said = 'pods is forbidden: User "bot" cannot list resource "pods" in API group "" at the cluster scope'
    api.on(PATH, status(403, said), text("{}"), page(pod("a", asks("1"))))
    loads = NodeLoads(http, WallClock())
    with pytest.raises(ClusterForbidden, match="right to list pods in the whole cluster is missing for bot"):
        await loads.read()
    with pytest.raises(ClusterFault, match="cannot be read"):
        await loads.read()
    assert (await loads.read())["a"].cpu_m == 1000


async def test_both_readers_offer_it_for_the_clusters_they_know(api: FakeApi, http: KubernetesHttp) -> None:
    """Another name is a slip."""
    api.on(PATH, page(pod("a", asks("1"))))
    cluster = ClusterName("prod")
    for reader in (
        OneShotReader({cluster: http}, WallClock()),
        Clusters({cluster: (http, [])}, WallClock(), lambda: 0.5),
    ):
        assert await reader.node_load(cluster) == {"a": NodeLoad(1000, 0, 1)}
        with pytest.raises(UsageError) as slip:
            await reader.node_load(ClusterName("prd"))
        assert slip.value.suggestions == ("--cluster prod",)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 500)), max_size=6), st.lists(st.integers(0, 500), max_size=4))
def test_a_pod_never_asks_for_less_than_what_runs_at_once(initial: list[tuple[bool, int]], regular: list[int]) -> None:
    """Sidecars and containers together, nor less than any init container; nor more than all together."""
    said = {
        "initContainers": [asks(f"{cpu}m", restarts="Always" if sidecar else None) for sidecar, cpu in initial],
        "containers": [asks(f"{cpu}m") for cpu in regular],
    }
    cpu_m, _ = requests_of(msgspec.convert(said, PodRequests))
    assert cpu_m >= sum(regular) + sum(cpu for sidecar, cpu in initial if sidecar)
    assert cpu_m >= max((cpu for _, cpu in initial), default=0)
    assert cpu_m <= sum(regular) + sum(cpu for _, cpu in initial)
