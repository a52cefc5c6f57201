"""A node that is not ready is told of its cluster, once: by what is lost there, and as far as nodes can be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.findings import Severity
from bot.domain.objects import Condition, Node
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.episodes import Alert, AlertState, Ending, Episode, EpisodeState, Signal
from bot.domain.watch.transitions import step
from bot.domain.watch.world import Judged, World
from bot.store.store import PostgresStore
from bot.watching.intake import Intake
from bot.watching.looking import Watcher
from bot.watching.measuring import words
from bot.watching.rule import all_rules
from tests.bot.watching.test_of_nodes import of_node
from tests.support import builders as make
from tests.support.builders import NOW, SCOPE, ago
from tests.support.watch_room import CHANNELS, TWO, Watched
from tests.support.worlds import keys, of_cluster, world

RULES = {rule.name: rule for rule in all_rules()}
RULE, FINDING = RULES["node-not-ready"], RULES["finding"]
KEY = "node-not-ready:node/n1"
OLD_KEY = "finding:node/n1:NODE_UNREACHABLE"
SILENT = make.condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", ago_s=120)
SAYS_SO = make.condition("Ready", "False", "KubeletNotReady", "container runtime is down", ago_s=120)
READY = make.condition("Ready", "True", "KubeletReady")
SHOP, WEB = Namespace("shop"), Namespace("web")


def silent(*, cordoned: bool = False, ready: Condition = SILENT) -> Node:
    """Make a node that does not report."""
    return make.node("n1", conditions=(ready,), cordoned=cordoned)


def holding(*nodes: Node, ready: int = 1, parts: tuple[Part, ...] = (), stale: tuple[Part, ...] = ()) -> Snapshot:
    """Make a namespace with a pod on n1, of a workload of which so many others are ready; `parts` were not read."""
    api = make.deployment(desired=2, ready=ready)
    replicas = make.replica_set(api, desired=2, ready=ready)
    pod = make.pod(replicas, conditions=(make.condition("Ready", "False"), make.condition("ContainersReady", "True")))
    unread = {part: make.missing("no right") for part in parts} | {part: make.stale(90, "no answer") for part in stale}
    return make.snapshot(api, replicas, replace(pod, node="n1"), *nodes, parts=unread)


def judge(*pictures: Snapshot) -> Judged:
    """Judge a cluster by what was seen of its namespaces, the first of which is shop."""
    seen = dict(zip((SHOP, WEB), pictures, strict=False))
    return RULE.judge(of_cluster(namespaces=dict.fromkeys(seen, ""), pictures=seen))


# --- when it is told --------------------------------------------------------------------------------------------------


def test_a_node_that_takes_a_workload_down_is_critical() -> None:
    """As the diagnosis has it, in its words; for a minute, and since when the cluster knows."""
    [signal] = judge(holding(silent(), ready=0)).signals
    assert (signal.key, signal.cause, signal.severity) == (KEY, "node/n1", Severity.CRITICAL)
    assert (signal.title, signal.hold_s, signal.since) == ("node n1 is unreachable", 60.0, ago(120))
    assert signal.words == "Node n1 does not report to the cluster any more. 1 pod of shop runs there (api)."


def test_what_a_kubelet_says_itself_is_said() -> None:
    """Silence and a kubelet's own word are two things, and one alert."""
    [signal] = judge(holding(silent(ready=SAYS_SO))).signals
    assert (signal.key, signal.title) == (KEY, "node n1 is not ready")
    assert 'It says: "container runtime is down".' in signal.words


def test_a_node_whose_pods_run_elsewhere_too_is_a_warning() -> None:
    """Something is lost, and nothing is down."""
    [signal] = judge(holding(silent())).signals
    assert signal.severity is Severity.WARNING


def test_several_namespaces_are_one_alert() -> None:
    """It is as bad as for the worst of them. Whoever may look into one of them reads no name of the others."""
    [signal] = judge(holding(silent()), holding(silent(), ready=0)).signals
    assert signal.severity is Severity.CRITICAL
    assert signal.words.endswith("any more. 2 pods of 2 namespaces run there. At least one workload has no ready pod.")
    assert (
        judge(holding(silent()), make.snapshot(silent())).signals[0].words.endswith("1 pod of 1 namespace runs there.")
    )


def test_a_node_without_pods_of_ours_is_no_alert_and_ends_none() -> None:
    """Its pods were moved away: what was told is as true as before."""
    found = judge(make.snapshot(make.deployment(), silent()))
    assert (keys(found), found.stays, found.unknown) == ((), (KEY,), ())


def test_a_cordoned_node_is_no_alert_unless_it_takes_a_workload_down() -> None:
    """Somebody works on it. One that is ready is none of ours, whoever cordoned it."""
    found = judge(holding(silent(cordoned=True)))
    assert (keys(found), found.stays) == ((), (KEY,))
    assert keys(judge(holding(silent(cordoned=True), ready=0))) == (KEY,)
    assert judge(holding(make.node("n1", conditions=(READY,), cordoned=True), ready=0)) == Judged()


@pytest.mark.parametrize("nodes", [(), (make.node("n1", conditions=(READY,)),), (make.node("n1"),)])
def test_a_node_that_is_ready_or_gone_is_over(nodes: tuple[Node, ...]) -> None:
    """Nobody says anything of it; neither of one that says nothing of its health."""
    assert judge(holding(*nodes)) == Judged()


# --- when nobody can tell ---------------------------------------------------------------------------------------------


def test_nodes_that_may_not_be_listed_are_unknown() -> None:
    """So nothing is over."""
    [unknown] = judge(holding(parts=(Part.NODES,))).unknown
    assert (unknown.beginning, unknown.why) == ("node-not-ready:", "nodes: no right")


def test_one_namespace_by_which_nodes_are_known_is_enough() -> None:
    """They are the same for all."""
    assert judge(holding(parts=(Part.NODES,)), holding(make.node("n1", conditions=(READY,)))) == Judged()
    assert judge(holding(silent(), stale=(Part.NODES,)), holding(make.node("n1", conditions=(READY,)))) == Judged()
    [signal] = judge(holding(ready=0, parts=(Part.NODES,)), make.snapshot(silent())).signals
    assert signal.severity is Severity.CRITICAL


def test_an_old_picture_tells_what_it_shows_and_ends_nothing() -> None:
    """As the diagnosis of a namespace does."""
    found = judge(holding(silent(), ready=0, stale=(Part.NODES,)))
    assert keys(found) == (KEY,)
    assert [each.why for each in found.unknown] == ["nodes: last seen 2 min ago: no answer"]


def test_a_cluster_that_is_away_ends_nothing() -> None:
    """The rule `unreachable` tells of it."""
    [unknown] = RULE.judge(of_cluster(namespaces={"shop": "The API server did not answer."}, pictures={})).unknown
    assert (unknown.beginning, unknown.why) == ("node-not-ready:", "The API server did not answer.")


# --- what is left to it -----------------------------------------------------------------------------------------------


def old_signal() -> Signal:
    """Return what the rule `finding` told of a node in each namespace, in an older version."""
    return Signal(
        key=OLD_KEY,
        rule="finding",
        severity=Severity.CRITICAL,
        cause="node/n1",
        title="node n1: is unreachable",
        words=words("Node n1 does not report to the cluster any more."),
        hold_s=60.0,
    )


def test_the_namespace_leaves_it_to_the_cluster() -> None:
    """One trouble, one message."""
    shown = holding(silent(), ready=0)
    assert keys(FINDING.judge(world(shown=shown))) == ()
    assert keys(judge(shown)) == (KEY,)


@pytest.mark.parametrize(
    ("of", "watched"),
    [
        (world(shown=holding(silent(), ready=0)), False),
        (world(shown=holding(silent())), False),
        (world(shown=holding(make.node("n1", conditions=(READY,)))), True),
        (world(shown=holding(parts=(Part.NODES,))), True),
        (world(away="no answer"), True),
    ],
    ids=["told of the cluster", "less bad", "well again", "no right", "away"],
)
def test_what_an_older_version_told_of_a_node_is_left(of: World, *, watched: bool) -> None:
    """While the node is not ready, the cluster is told of it; when it is seen to be well, it is known to be over."""
    assert FINDING.watches(of, old_signal()) is watched
    assert FINDING.watches(of, replace(old_signal(), key="finding:deployment/api:IMAGE_PULL_FAILED"))


def test_what_an_older_version_told_ends_as_not_watched_and_never_as_over() -> None:
    """Ten minutes later, so that replicas of both versions may work side by side."""
    told = Alert(
        signal=old_signal(), state=AlertState.FIRING, began_at=ago(900), changed_at=ago(900), seen_at=NOW, told_at=NOW
    )
    before = Episode(
        id="e1",
        scope=SCOPE,
        cause="node/n1",
        state=EpisodeState.FIRING,
        severity=Severity.CRITICAL,
        alerts=(told,),
        began_at=ago(900),
        version=1,
    )
    of = world(shown=holding(silent(), ready=0))

    def stepped(episode: Episode, seconds: float) -> Episode:
        [after] = step(
            [episode],
            [FINDING.judge(of)],
            ago(-seconds),
            scope=SCOPE,
            channels=CHANNELS,
            new_id=lambda: "e2",
            is_watched=lambda signal: FINDING.watches(of, signal),
        )
        return after

    marked = stepped(before, 15)
    assert (marked.state, marked.alerts[0].left_at) == (EpisodeState.FIRING, ago(-15))
    ended = stepped(marked, 15 + 600)
    assert (ended.state, ended.ending) == (EpisodeState.RESOLVED, Ending.UNWATCHED)


# --- on record --------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(store: PostgresStore) -> Watched:
    return Watched(store)


async def look(watcher: Watcher, watched: Watched) -> None:
    watched.clock.step(15)
    while await watcher.step():
        pass


async def of_n1(watched: Watched) -> dict[Scope, set[str]]:
    """Return the keys of what is open and of n1, by place."""
    return {
        each.scope: {alert.signal.key for alert in each.alerts if alert.is_live}
        for each in await watched.store.episodes.open()
        if each.cause == "node/n1"
    }


async def test_it_is_one_episode_of_the_cluster_with_what_alertmanager_tells(watched: Watched) -> None:
    """However many namespaces it hits; nothing is listed for it that is not kept up to date anyway."""
    watched.cluster.shown = holding(silent(), ready=0)
    watcher = Watcher(watched.room(scopes=TWO))
    await look(watcher, watched)
    assert watched.cluster.asked == [*TWO.all(), *TWO.all()]
    await Intake(watched.room(scopes=TWO)).receive([of_node("f1")])
    lab = Scope(ClusterName("lab"), Namespace("lab")).whole
    assert await of_n1(watched) == {SCOPE.whole: {KEY, "alertmanager:f1"}, lab: {KEY}}


async def test_what_is_lost_is_known_by_what_is_read(watched: Watched) -> None:
    """A pod belongs to its Deployment by a replica set: that one is asked for, too."""
    shown = holding(silent(), ready=0)

    class Strict:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            watched.cluster.shown = shown if Part.REPLICA_SETS in parts else replace(shown, replica_sets=())
            return await watched.cluster.snapshot(scope, parts)

        node_load = watched.cluster.node_load

    await look(Watcher(replace(watched.room(), cluster=Strict())), watched)
    [episode] = await watched.store.episodes.open(SCOPE.whole)
    assert (episode.cause, episode.severity) == ("node/n1", Severity.CRITICAL)


async def test_a_right_that_is_taken_away_ends_nothing(watched: Watched) -> None:
    """When the node is seen to be ready, it is over."""
    watched.cluster.shown = holding(silent(), ready=0)
    watcher = Watcher(watched.room())
    await look(watcher, watched)
    watched.cluster.shown = holding(parts=(Part.NODES,))
    await look(watcher, watched)
    assert await of_n1(watched) == {SCOPE.whole: {KEY}}
    watched.cluster.shown = holding(make.node("n1", conditions=(READY,)))
    await look(watcher, watched)
    assert await of_n1(watched) == {}
