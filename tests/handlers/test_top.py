from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.objects import ContainerUsage, NodeUsage
from bot.domain.snapshot import Part
from bot.ports import Sources
from handlers import top
from handlers.top import share
from tests.support.answers import answer, data, rows, table
from tests.support.builders import (
    GI,
    MI,
    NOW,
    SCOPE,
    ago,
    container,
    deployment,
    meta,
    missing,
    node,
    pod,
    replica_set,
    snapshot,
    stale,
    usage,
)
from tests.support.service import asked, healthy

WORKLOAD = deployment()
REPLICAS = replica_set(WORKLOAD)


def node_usage(name: str, *, cpu_m: int = 0, memory: int = 0) -> NodeUsage:
    return NodeUsage(meta=meta(name), at=ago(9), window_s=20.0, cpu_m=cpu_m, memory=memory)


async def test_containers_are_shown_by_memory() -> None:
    """With their shares of request and limit, rounded down; where there is none, nothing is compared."""
    big = pod(REPLICAS, container(cpu_m=300, memory=256 * MI, memory_limit=512 * MI), name="api-1")
    small = pod(REPLICAS, container(), name="api-2")
    view = await answer(
        snapshot(big, small, usage(small, cpu_m=1, memory=MI), usage(big, cpu_m=100, memory=300 * MI)), "top"
    )
    assert table(view) == (
        ("api-1", "api", "100m", "33 %", "-", "300 Mi", "117 %", "58 %"),
        ("api-2", "api", "1m", "-", "-", "1 Mi", "-", "-"),
    )
    assert rows(view)[0] == "pods of shop: usage, most memory first"
    assert view.exit_code == 0


async def test_containers_are_matched_by_name() -> None:
    """A sample's order is not that of the specification."""
    shown = pod(REPLICAS, container(name="a", cpu_m=100), container(name="b", cpu_m=1000), name="api-1")
    sample = replace(usage(shown), containers=(ContainerUsage("b", 100, 2), ContainerUsage("a", 100, 1)))
    assert [row[1:4] for row in table(await answer(snapshot(shown, sample), "top pods"))] == [
        ("b", "100m", "10 %"),
        ("a", "100m", "100 %"),
    ]


async def test_pods_without_a_sample_are_counted() -> None:
    """New ones and crashing ones have none, whatever their age."""
    shown = pod(REPLICAS, name="api-1")
    view = await answer(snapshot(shown, pod(REPLICAS, name="api-2"), usage(shown)), "top pods")
    assert "Oldest sample: 5 s ago · 1 pod without a sample (new, ended, or crashing)" in rows(view)


async def test_a_sample_without_its_pod_is_shown() -> None:
    """The pod may be gone since."""
    gone = pod(REPLICAS, name="api-1")
    assert table(await answer(snapshot(usage(gone, cpu_m=5, memory=GI)), "top pods")) == (
        ("api-1", "api", "5m", "-", "-", "1 Gi", "-", "-"),
    )


@pytest.mark.parametrize(
    ("what", "part"), [("pods", Part.POD_METRICS), ("nodes", Part.NODE_METRICS)], ids=["pods", "nodes"]
)
async def test_without_the_metrics_api_the_reason_is_said(what: str, part: Part) -> None:
    """No numbers are shown, and a script sees that nothing was looked at."""
    view = await answer(snapshot(node(), pod(), parts={part: missing("the cluster has no metrics API")}), f"top {what}")
    assert rows(view)[0] == f"? What {what} use cannot be read: the cluster has no metrics API"
    assert table(view) == ()
    assert view.exit_code == 2
    assert "without a sample" not in repr(view.blocks)


async def test_old_samples_are_said_to_be() -> None:
    """Numbers of ten minutes ago are no answer to what is used now."""
    shown = pod(name="api-1")
    view = await answer(snapshot(shown, usage(shown), parts={Part.POD_METRICS: stale(600, "no answer")}), "top")
    assert "Not up to date: pod metrics (last seen 10 min ago: no answer)" in rows(view)


async def test_nodes_are_shown_against_what_they_can_give() -> None:
    """One without a sample is shown, too, and said to be unknown."""
    view = await answer(
        snapshot(node("n1", cpu_m=4000, memory=4 * GI), node("n2"), node_usage("n1", cpu_m=1999, memory=GI)),
        "top nodes",
    )
    assert table(view) == (("n1", "1999m", "49 %", "1 Gi", "25 %"), ("n2", "unknown", "-", "unknown", "-"))
    assert rows(view)[0] == "nodes of prod-eu: usage, most memory first"
    assert "Oldest sample: 9 s ago · 1 node without a sample" in rows(view)


async def test_nodes_that_may_not_be_listed_are_shown_by_their_samples() -> None:
    """What they can give is not known then."""
    shown = snapshot(node_usage("n1", cpu_m=100, memory=GI), parts={Part.NODES: missing("no right")})
    view = await answer(shown, "top nodes")
    assert table(view) == (("n1", "100m", "-", "1 Gi", "-"),)
    assert "Not checked: nodes (no right)" in rows(view)


async def test_a_long_list_is_cut_with_a_number() -> None:
    """Those that use least are left out."""
    shown = [pod(name=f"p-{number}") for number in range(45)]
    view = await answer(snapshot(*shown, *(usage(one) for one in shown)), "top")
    assert len(table(view)) == 40
    assert "… and 5 more that use less." in rows(view)
    assert len(data(view)["pods"]) == 45


@pytest.mark.parametrize(("word", "what"), [("pod", "pods"), ("PO", "pods"), ("node", "nodes"), ("no", "nodes")])
async def test_kubectls_other_words_for_them_are_understood(word: str, what: str) -> None:
    """`kubectl top pod` works, too."""
    assert (await answer(healthy(), f"top {word}")).summary == (await answer(healthy(), f"top {what}")).summary


async def test_something_else_than_pods_or_nodes_is_refused() -> None:
    """With both commands."""
    view = await answer(healthy(), "top services")
    assert view.summary == 'top shows pods or nodes, not "services".'
    assert data(view)["suggestions"] == ["top pods", "top nodes"]
    assert view.exit_code == 2


@pytest.mark.parametrize(
    ("used", "of", "said"), [(1, 3, "33 %"), (0, 5, "0 %"), (7, 2, "350 %"), (1, 0, "-"), (1, None, "-")]
)
def test_shares_are_whole_percent(used: int, of: int | None, said: str) -> None:
    """Rounded down, as kubectl does."""
    assert share(used, of) == said


async def test_the_data_has_bytes_and_millicores() -> None:
    """Programs count themselves."""
    shown = pod(name="api-1")
    seen = snapshot(shown, usage(shown, cpu_m=100, memory=MI), node_usage("n1", cpu_m=1, memory=2))
    assert data(await answer(seen, "top")) == {
        "cluster": "prod-eu",
        "namespace": "shop",
        "pods": [
            {
                "name": "api-1",
                "at": "2026-11-24T21:59:55+00:00",
                "window_s": 10.0,
                "containers": [{"name": "api", "cpu_m": 100, "memory": MI}],
            }
        ],
        "nodes": [{"name": "n1", "cpu_m": 1, "memory": 2}],
    }


async def test_top_needs_its_port() -> None:
    """Handed out without it, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await top.observe(top.Params(), Sources(scope=SCOPE, request=asked("top"), now=NOW))
