"""Alerts of Alertmanager about a node: of its cluster as a whole, by node, beside what our own rules tell of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.domain.snapshot import Part, PartStatus, Snapshot
from bot.domain.targets import Scope
from bot.domain.watch.episodes import AlertState
from bot.domain.watch.extras import DiskUse
from bot.domain.watch.received import ReceivedAlert
from bot.errors import ClusterUnreachable
from bot.store.store import PostgresStore
from bot.watching.intake import Intake
from bot.watching.looking import Watcher
from bot.watching.of_nodes import UNKNOWN, Nodes, node_of
from bot.watching.reach import open_at
from tests.bot.watching.test_intake import received
from tests.support import builders as make
from tests.support.builders import SCOPE
from tests.support.fixed_probes import FixedExtras
from tests.support.watch_room import TWO, Watched

WHOLE = SCOPE.whole
KNOWN = Nodes(frozenset({"n1", "n2"}), complete=True)
OLD = Nodes(frozenset({"n1"}))


def of_node(fingerprint: str = "f1", *, over: bool = False, **labels: str) -> ReceivedAlert:
    """Make an alert that names a node and no namespace."""
    return received(
        fingerprint, over=over, **({"alertname": "KubeNodeNotReady", "namespace": "", "node": "n1"} | labels)
    )


# --- which node it is about -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "labels", "node"),
    [
        (KNOWN, {}, "n1"),
        (KNOWN, {"job": "kube-state-metrics", "service": "search", "instance": "10.0.0.1:8443"}, "n1"),
        (KNOWN, {"node": "", "instance": "n2"}, "n2"),
        (KNOWN, {"node": "", "instance": "n2:9100"}, ""),
        (KNOWN, {"node": "", "instance": "10.0.0.1:9100"}, ""),
        (KNOWN, {"node": "of-another-cluster", "instance": "n2"}, "n2"),
        (KNOWN, {"node": "of-another-cluster"}, ""),
        (KNOWN, {"node": ""}, ""),
        (KNOWN, {"namespace": "monitoring"}, ""),
        (KNOWN, {"deployment": "api"}, ""),
        (KNOWN, {"pod": "api-7c9f8d6b5c-x2k4z"}, ""),
        (KNOWN, {"ragops_cause": "deployment/api"}, ""),
        (KNOWN, {"node": "", "instance": "10.0.0.1:9100", "ragops_cause": "node/n2"}, "n2"),
        (KNOWN, {"ragops_cause": "node/of-another-cluster"}, ""),
        (UNKNOWN, {}, "n1"),
        (UNKNOWN, {"node": "", "instance": "n1"}, ""),
        (UNKNOWN, {"ragops_cause": "node/n7"}, "n7"),
        (OLD, {"node": "newer"}, "newer"),
        (OLD, {"node": "", "instance": "n1"}, "n1"),
        (OLD, {"node": "", "instance": "newer"}, ""),
    ],
)
def test_what_names_a_node_and_nothing_smaller_is_about_it(nodes: Nodes, labels: dict[str, str], node: str) -> None:
    """`node` is believed unless all nodes are known and it is none; `instance` only where it is known to be one."""
    assert node_of(of_node(**labels), nodes) == node


# --- on record --------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(store: PostgresStore) -> Watched:
    watched = Watched(store)
    watched.cluster.shown = nodes_of()
    return watched


def nodes_of(*names: str, parts: Mapping[Part, PartStatus] | None = None) -> Snapshot:
    """Make a namespace of a cluster with these nodes; with two of them, unless told otherwise."""
    return make.snapshot(make.deployment(), *(make.node(name) for name in names or ("n1", "n2")), parts=parts or {})


async def episodes(watched: Watched) -> dict[tuple[Scope, str], set[str]]:
    """Return the keys of what fires, by place and cause."""
    return {
        (each.scope, each.cause): {alert.signal.key for alert in each.alerts if alert.fires}
        for each in await watched.store.episodes.open()
    }


async def test_a_node_has_one_message_in_its_cluster(watched: Watched) -> None:
    """Whatever Alertmanager's groups are; each namespace hears of it."""
    room = watched.room(scopes=TWO)
    sent = [of_node("f1"), of_node("f2", alertname="KubeletTooManyPods"), of_node("f3", node="", instance="n2")]
    await Intake(room).receive([*sent, of_node("f4", cluster="lab"), received("f5", deployment="api")])
    [lab] = [each for each in TWO.clusters() if each.cluster == "lab"]
    assert await episodes(watched) == {
        (WHOLE, "node/n1"): {"alertmanager:f1", "alertmanager:f2"},
        (WHOLE, "node/n2"): {"alertmanager:f3"},
        (lab, "node/n1"): {"alertmanager:f4"},
        (SCOPE, "deployment/api"): {"alertmanager:f5"},
    }
    for scope in TWO.namespaces[SCOPE.cluster]:
        found = await open_at(watched.store.episodes, Scope(SCOPE.cluster, scope))
        assert {"node/n1", "node/n2"} <= {each.cause for each in found}


async def test_it_joins_what_our_own_rule_tells_of_the_node(watched: Watched) -> None:
    """One node is one message, whoever saw it first; it is over when both say so."""
    full = [DiskUse(kind="Node", name="n1", namespace="", used=95, capacity=100, what="nodefs")]
    room = watched.room(extras=FixedExtras(disks=full))
    watched.clock.step(15)
    watcher = Watcher(room)
    while await watcher.step():
        pass
    [before] = await watched.store.episodes.open()
    await Intake(room).receive([of_node("f1", alertname="NodeFilesystemAlmostOutOfSpace")])
    [after] = await watched.store.episodes.open()
    assert (after.id, after.scope, after.cause) == (before.id, WHOLE, "node/n1")
    assert {each.signal.source for each in after.alerts if each.fires} == {"ragops", "alertmanager"}
    await Intake(room).receive([of_node("f1", over=True, alertname="NodeFilesystemAlmostOutOfSpace")])
    [left] = await watched.store.episodes.open()
    assert {each.signal.source: each.state for each in left.alerts} == {
        "ragops": AlertState.FIRING,
        "alertmanager": AlertState.RESOLVED,
    }


async def test_a_cluster_that_is_not_configured_is_none_of_ours(watched: Watched) -> None:
    """A node by that name may be there as well, and be well."""
    await Intake(watched.room(scopes=TWO)).receive([of_node(cluster="unheard")])
    assert await episodes(watched) == {(SCOPE, "node/n1"): {"alertmanager:f1"}}


async def test_where_nodes_cannot_be_read_the_label_is_believed(watched: Watched) -> None:
    """Nobody has to be let read them; a cluster that hangs holds nothing up for long, and what fires is on record."""
    watched.cluster.shown = nodes_of(parts={Part.NODES: make.missing("no right")})
    await Intake(watched.room()).receive([of_node("f1")])
    watched.cluster.problem = ClusterUnreachable("no answer")
    await Intake(watched.room()).receive([of_node("f2"), of_node("f3", node="", instance="n1")])
    assert await episodes(watched) == {
        (WHOLE, "node/n1"): {"alertmanager:f1", "alertmanager:f2"},
        (SCOPE, 'alert/{}:{alertname="X"}'): {"alertmanager:f3"},
    }


async def test_a_cluster_that_hangs_holds_up_no_alert(watched: Watched) -> None:
    """What may be waited for it is far less than what Alertmanager waits for us."""

    class Hanging:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            await asyncio.Event().wait()
            return await watched.cluster.snapshot(scope, parts)

        node_load = watched.cluster.node_load

    room = replace(watched.room(look_s=0.05), cluster=Hanging())
    await Intake(room).receive([of_node("f1")])
    assert await episodes(watched) == {(WHOLE, "node/n1"): {"alertmanager:f1"}}


async def test_what_names_no_node_asks_no_cluster(watched: Watched) -> None:
    """A storm of alerts about pods reads nothing."""
    others = [received("f1", pod="api-0", node="n1"), of_node("f2", node="", instance="10.0.0.1:9100")]
    await Intake(watched.room()).receive([*others, of_node("f3", over=True)])
    assert watched.cluster.asked == []


# --- it stays where it was told of ------------------------------------------------------------------------------------


async def test_an_alert_of_a_node_that_is_gone_meanwhile_stays_and_ends(watched: Watched) -> None:
    """It is repeated, and said to be over, after its node was taken out of the cluster."""
    intake = Intake(watched.room())
    await intake.receive([of_node("f1"), of_node("f2", node="", instance="n1")])
    watched.cluster.shown = nodes_of("n2")
    await intake.receive([of_node("f1"), of_node("f2", node="", instance="n1")])
    assert await episodes(watched) == {(WHOLE, "node/n1"): {"alertmanager:f1", "alertmanager:f2"}}
    await intake.receive([of_node("f1", over=True), of_node("f2", over=True, node="", instance="n1")])
    assert await episodes(watched) == {}


async def test_an_alert_that_was_taken_for_another_stays_and_ends(watched: Watched) -> None:
    """When it came first, nobody could tell that its instance is a node: it is not told a second time."""
    intake = Intake(watched.room())
    watched.cluster.problem = ClusterUnreachable("no answer")
    await intake.receive([of_node("f1", node="", instance="n1")])
    watched.cluster.problem = None
    await intake.receive([of_node("f1", node="", instance="n1")])
    assert {scope for scope, _ in await episodes(watched)} == {SCOPE}
    await intake.receive([of_node("f1", over=True, node="", instance="n1")])
    assert await episodes(watched) == {}


@pytest.mark.parametrize("last_over", [True, False])
async def test_of_one_alert_of_a_node_the_last_word_counts(watched: Watched, *, last_over: bool) -> None:
    """Within one webhook."""
    await Intake(watched.room()).receive([of_node(over=over) for over in (last_over, not last_over, last_over)])
    assert len(await watched.store.episodes.open()) == (0 if last_over else 1)
