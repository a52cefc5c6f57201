from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.objects import Owner
from bot.domain.snapshot import Part
from bot.ports import Sources
from handlers import pods
from tests.support.answers import answer, buttons, data, rows, table
from tests.support.builders import (
    NOW,
    SCOPE,
    container,
    crash_looping,
    deployment,
    ended,
    job,
    missing,
    pod,
    replica_set,
    snapshot,
    stateful_set,
)
from tests.support.service import asked, healthy

WORKLOAD = deployment(desired=3, ready=2, revision=8)
OLD = replica_set(WORKLOAD, 7, desired=2, ready=2)
NEW = replica_set(WORKLOAD, 8)
RELEASE = (
    WORKLOAD,
    OLD,
    NEW,
    pod(OLD, name="api-7-b"),
    pod(OLD, name="api-7-a"),
    pod(NEW, crash_looping(), name="api-8-x", age_s=360),
)
DB = stateful_set("db")


async def test_of_a_namespace_the_pods_in_trouble_are_shown() -> None:
    """What is fine has a line for each workload and revision."""
    view = await answer(snapshot(*RELEASE, DB, pod(DB, name="db-0")), "pods")
    assert rows(view) == [
        "▲ shop: 3 of 4 pods ready",
        "search revision 8: 0 of 1 ready",
        "pod      ready  status            restarts      age    node",
        "api-8-x  0/1    CrashLoopBackOff  5 (30 s ago)  6 min  node-1",
        "search revision 7: 2 of 2 ready",
        "db: 1 of 1 ready",
        "shop on prod-eu · 0 s old · only you see this",
    ]
    assert view.exit_code == 0
    assert buttons(view) == {"Refresh": "pods", "All pods": "pods --all", "Share": "share pods"}


async def test_all_of_them_are_shown_on_request() -> None:
    """By name, the newest revision first; there is no more to offer then."""
    view = await answer(snapshot(*RELEASE, DB, pod(DB, name="db-0")), "pods --all")
    assert [row[0] for row in table(view)] == ["api-8-x", "api-7-a", "api-7-b", "db-0"]
    assert "All pods" not in buttons(view)


async def test_of_a_workload_all_pods_are_shown() -> None:
    """And nothing of others."""
    view = await answer(snapshot(*RELEASE, DB, pod(DB, name="db-0")), "pods search")
    assert view.summary == "search: 2 of 3 pods ready"
    assert [row[0] for row in table(view)] == ["api-8-x", "api-7-a", "api-7-b"]


async def test_a_pod_that_has_done_its_work_is_no_trouble() -> None:
    """It is counted apart: nobody waits for it to be ready."""
    backfill = job()
    owner = Owner("Job", backfill.meta.name, backfill.meta.uid)
    done = pod(owner, container(ended(0, "Completed")), phase="Succeeded", name="backfill-1")
    view = await answer(snapshot(deployment("api"), backfill, done), "pods")
    assert rows(view)[:2] == ["✔ shop: 1 pod done", "backfill: 1 pod done"]
    view = await answer(snapshot(DB, pod(DB), backfill, done), "pods")
    assert view.summary == "shop: 1 of 1 pod ready, 1 pod done"


async def test_a_pod_that_was_restarted_is_worth_a_look() -> None:
    """Though it is ready now; when that was stands beside it, where it is known."""
    restarted = pod(DB, container(restarts=2), name="db-0")
    assert [row[3] for row in table(await answer(snapshot(DB, restarted), "pods"))] == ["2"]
    dated = pod(DB, container(restarts=3, last=ended(ago_s=120)), name="db-0")
    assert [row[3] for row in table(await answer(snapshot(DB, dated), "pods"))] == ["3 (2 min ago)"]


async def test_pods_that_could_not_be_read_are_not_none() -> None:
    """The reason is said, and a script sees that nothing was looked at."""
    view = await answer(snapshot(DB, parts={Part.PODS: missing("no right to list pods")}), "pods")
    assert rows(view)[0] == "? shop: the pods could not be read: no right to list pods"
    assert view.exit_code == 2


async def test_no_pods_are_said_to_be_none() -> None:
    """Without a mark of health."""
    assert rows(await answer(snapshot(DB), "pods"))[0] == "shop has no pods"


async def test_a_long_list_is_cut_with_a_number() -> None:
    """Sixty rows are enough; a workload can be named."""
    many = (pod(DB, crash_looping(), name=f"db-{number:03d}") for number in range(70))
    view = await answer(snapshot(DB, *many), "pods")
    assert len(table(view)) == 60
    assert "… and 10 more pods; name a workload to see its pods." in rows(view)
    assert len(data(view)["pods"]) == 70


async def test_an_unknown_age_and_no_node_are_said() -> None:
    """Nothing is left blank."""
    bare = pod(name="bare-1")
    bare = replace(bare, meta=replace(bare.meta, created_at=None), node="")
    assert table(await answer(snapshot(bare), "pods --all")) == (("bare-1", "1/1", "Running", "0", "unknown", "none"),)


async def test_an_unknown_workload_names_its_neighbours() -> None:
    """As commands that look where this one looked."""
    view = await answer(healthy(), "pods serch -n shop")
    assert data(view)["suggestions"] == ["pods search -n shop"]
    assert view.exit_code == 2


async def test_the_data_names_every_pod() -> None:
    """With the cells that kubectl shows."""
    shown = data(await answer(snapshot(*RELEASE), "pods"))
    assert list(shown) == ["cluster", "namespace", "pods"]
    assert shown["pods"][0] == {
        "name": "api-8-x",
        "workload": {"kind": "Deployment", "name": "api"},
        "revision": 8,
        "ready": "0/1",
        "status": "CrashLoopBackOff",
        "restarts": 5,
        "created_at": "2026-11-24T21:54:00+00:00",
        "node": "node-1",
    }


async def test_pods_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await pods.observe(pods.Params(), Sources(scope=SCOPE, request=asked("pods"), now=NOW))
