from __future__ import annotations

from typing import Any

import pytest

from bot.planning.rolling import Rolling, rolling_of, under_way


def deployment(replicas: int, *, ready: int | None = None, **strategy: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"replicas": replicas}
    if strategy:
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": strategy}
    return {"spec": spec, "status": {"readyReplicas": replicas if ready is None else ready}}


@pytest.mark.parametrize(
    ("live", "surge", "away", "stays", "waves"),
    [
        (deployment(3), 1, 0, 3, 3),
        (deployment(4), 1, 1, 3, 2),
        (deployment(10), 3, 2, 8, 2),
        (deployment(1), 1, 0, 1, 1),
        (deployment(3, maxSurge=0, maxUnavailable=0), 0, 1, 2, 3),
        (deployment(3, maxSurge="0%", maxUnavailable="10%"), 0, 1, 2, 3),
        (deployment(3, maxSurge=2, maxUnavailable=5), 2, 3, 0, 1),
        (deployment(4, ready=1), 1, 1, 1, 2),
        (deployment(0), 0, 0, 0, 0),
    ],
    ids=["three", "four", "ten", "one", "both zero", "rounded to zero", "more than all", "few ready", "none"],
)
def test_a_deployment_rounds_its_surge_up_and_what_may_be_away_down(
    live: dict[str, Any], surge: int, away: int, stays: int, waves: int
) -> None:
    """As its controller does; where both come to nothing, one pod may be away."""
    rolling = rolling_of("Deployment", live)
    assert (rolling.surge, rolling.away, rolling.stays, rolling.waves) == (surge, away, stays, waves) or (
        rolling.desired == 0 and rolling.moves == 0
    )
    assert rolling.moves == live["spec"]["replicas"]


def test_recreate_leaves_none() -> None:
    """All end before the new ones start."""
    live = {"spec": {"replicas": 2, "strategy": {"type": "Recreate"}}, "status": {"readyReplicas": 2}}
    assert rolling_of("Deployment", live) == Rolling(strategy="Recreate", desired=2, moves=2, surge=0, away=2, ready=2)
    assert rolling_of("Deployment", live).stays == 0


@pytest.mark.parametrize(
    ("update", "moves", "away", "stays"),
    [
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}, 3, 1, 2),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, 1, 1, 2),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 5}}, 0, 0, 3),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}, 3, 2, 1),
        ({"type": "OnDelete"}, 0, 0, 3),
        (None, 3, 1, 2),
    ],
    ids=["all", "partition", "partition above all", "two at a time", "on delete", "unsaid"],
)
def test_a_stateful_set_goes_one_by_one_from_its_partition_on(
    update: dict[str, Any] | None, moves: int, away: int, stays: int
) -> None:
    """Nothing is made beside those that run."""
    spec = {"replicas": 3, **({"updateStrategy": update} if update else {})}
    rolling = rolling_of("StatefulSet", {"spec": spec, "status": {"readyReplicas": 3}})
    assert (rolling.moves, rolling.away, rolling.surge, rolling.stays) == (moves, away, 0, stays)


@pytest.mark.parametrize(
    ("update", "moves", "surge", "away"),
    [
        (None, 5, 0, 1),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "30%"}}, 5, 0, 2),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}, 5, 1, 0),
        ({"type": "OnDelete"}, 0, 0, 0),
    ],
    ids=["one", "share rounds up", "surge", "on delete"],
)
def test_a_daemon_set_has_one_on_each_node(update: dict[str, Any] | None, moves: int, surge: int, away: int) -> None:
    """How many those are is in its status."""
    live = {
        "spec": {"updateStrategy": update} if update else {},
        "status": {"desiredNumberScheduled": 5, "numberReady": 5},
    }
    rolling = rolling_of("DaemonSet", live)
    assert (rolling.desired, rolling.moves, rolling.surge, rolling.away) == (5, moves, surge, away)


STUCK = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]


@pytest.mark.parametrize(
    ("kind", "status", "note"),
    [
        ("Deployment", {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 1}, ""),
        ("Deployment", {"replicas": 4, "updatedReplicas": 1}, "1 of 3 are new"),
        ("Deployment", {"replicas": 4, "updatedReplicas": 3}, "1 of before still run"),
        ("Deployment", {"replicas": 4, "updatedReplicas": 1, "conditions": STUCK}, ""),
        ("Deployment", {"observedGeneration": 1}, "the cluster has not looked at the last change yet"),
        ("StatefulSet", {"replicas": 3, "updatedReplicas": 2}, "2 of 3 are new"),
        ("StatefulSet", {"replicas": 3, "updatedReplicas": 3}, ""),
        ("Partitioned", {"replicas": 3, "updatedReplicas": 2}, ""),
        ("DaemonSet", {"desiredNumberScheduled": 3, "updatedNumberScheduled": 1}, "1 of 3 are new"),
        ("DaemonSet", {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3}, ""),
    ],
)
def test_a_roll_out_is_under_way_while_pods_are_still_to_be_replaced(
    kind: str, status: dict[str, Any], note: str
) -> None:
    """Pods that are merely not ready are none, and one that has failed goes on no more."""
    held = {"updateStrategy": {"rollingUpdate": {"partition": 1}}} if kind == "Partitioned" else {}
    kind = "StatefulSet" if held else kind
    status = {"observedGeneration": 2, **status}
    assert under_way(kind, {"metadata": {"generation": 2}, "spec": {"replicas": 3, **held}, "status": status}) == note


@pytest.mark.parametrize(("kind", "desired"), [("Deployment", 1), ("StatefulSet", 1), ("DaemonSet", 0)])
def test_what_the_api_server_leaves_out_is_its_default(kind: str, desired: int) -> None:
    """One pod where none is said; nothing ready where nothing was counted."""
    rolling = rolling_of(kind, {"metadata": {}, "spec": {}, "status": {}})
    assert (rolling.desired, rolling.ready, rolling.stays) == (desired, 0, 0)
    assert rolling_of(kind, None) == rolling
