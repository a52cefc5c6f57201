"""`alerts`, `ack`, `silence` and `unsilence`, from the words to what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.targets import Namespace, Scope
from bot.domain.view import View
from bot.domain.watch.episodes import AlertState, Ending, Episode, EpisodeState
from bot.domain.watch.policy import WatchPolicy
from bot.store.store import PostgresStore
from tests.support.answers import answer, buttons, data, rows
from tests.support.builders import NOW, SCOPE, snapshot
from tests.support.service import POLICY, Stage, asked, stage
from tests.support.twins import member
from tests.support.watch_records import alert, episode, save, signal

# The store judges by its own clock whether a silence holds.
LATER = NOW.replace(year=2096)
ELSEWHERE = Scope(SCOPE.cluster, Namespace("kube-system"))


@pytest.fixture
def scene() -> Stage:
    set_up = stage()
    set_up.clock.time = LATER
    set_up.directory.people["U-bob"] = member("U-bob", "S1")
    return set_up


async def say(store: PostgresStore, scene: Stage, text: str, *, by: str = "U-ann", policy: Policy = POLICY) -> View:
    """Have a request carried out, and return what only its person sees."""
    service = scene.service(store, watch=WatchPolicy(), policy=policy)
    assert await service.accept(asked(text, by=by, key=f"{by} {text}"))
    claimed = await store.inbox.claim(lease_s=30)
    assert claimed is not None
    view = await service.control(claimed)
    assert view is not None
    return view


async def ask(
    store: PostgresStore, scene: Stage, text: str = "alerts", *, by: str = "U-ann", policy: Policy = POLICY
) -> View:
    return await scene.service(store, watch=WatchPolicy(), policy=policy).ask(asked(text, by=by))


def limited(role: RoleName, **places: frozenset[str]) -> Policy:
    """Return a policy by which one role is held in some places only."""
    return Policy(bindings=(RoleBinding(role, groups=frozenset({"S1"}), **places),))


def firing(episode_id: str = "3f9a12c0b7e1", **other: object) -> Episode:
    made = episode(episode_id, signal(service="search"), scope=SCOPE, began_at=LATER - timedelta(minutes=6))
    return replace(made, **other)  # type: ignore[arg-type]  # what differs, by name


async def silences(store: PostgresStore) -> list[tuple[str, timedelta, str]]:
    return [(each.what, each.until - LATER, each.why) for each in await store.episodes.silences()]


# --- alerts -----------------------------------------------------------------------------------------------------------


async def test_nothing_open_is_one_line_and_what_is_not_watched(store: PostgresStore, scene: Stage) -> None:
    """Of its place, and again at a press."""
    view = await ask(store, scene)
    assert rows(view)[:3] == [
        "✔ No alert is open",
        "Not watched: no health URL is configured, no dependency is configured and no channel is told",
        "shop on prod-eu · as of 22:00:00 UTC · only you see this",
    ]
    assert buttons(view) == {"Refresh": "alerts"}


async def test_what_is_open_is_listed_with_who_silenced_what(store: PostgresStore, scene: Stage) -> None:
    """Of this place alone; programs get the same."""
    await save(store, firing(), firing("other", scope=Scope(SCOPE.cluster, Namespace("kube-system"))))
    await say(store, scene, "silence crash-loop --for 2h we know")
    view = await ask(store, scene)
    told = "\n".join(rows(view))
    assert view.summary == "1 alert open (1 critical), 1 silence"
    for words in ("api crashes", "alert 3f9a12c0b7e1", "Silenced", "by @U-ann", "we know", "unsilence"):
        assert words in told, words
    assert [each["id"] for each in data(view)["alerts"]] == ["3f9a12c0b7e1"]


WHOLE = SCOPE.whole
CLUSTER_WIDE = {"scope": WHOLE, "cause": "cluster/prod-eu"}


def of_cluster(episode_id: str = "c0ffee000001", **other: object) -> Episode:
    """Return what all namespaces share: the cluster cannot be read."""
    made = replace(signal("unreachable:prod-eu", rule="unreachable", service=""), title="cluster prod-eu is away")
    return firing(episode_id, **{**CLUSTER_WIDE, "alerts": (alert(made),), **other})


async def test_what_a_cluster_shares_is_listed_in_each_namespace(store: PostgresStore, scene: Stage) -> None:
    """What is about another namespace alone is not: not all who may look here may look there."""
    elsewhere = of_cluster("c0ffee000002", cause=f"cluster/prod-eu/{ELSEWHERE.namespace}")
    await save(store, firing(), of_cluster(), elsewhere)
    here, there = await ask(store, scene), await ask(store, scene, "alerts -n kube-system")
    assert {each["id"] for each in data(here)["alerts"]} == {"3f9a12c0b7e1", "c0ffee000001"}
    assert {each["id"] for each in data(there)["alerts"]} == {"c0ffee000001", "c0ffee000002"}
    assert "· of prod-eu as a whole" in "\n".join(rows(here))


async def test_what_ended_otherwise_than_by_being_over_is_listed_for_a_day(store: PostgresStore, scene: Stage) -> None:
    """What is over is not: its message says so."""

    def ended(episode_id: str, ending: Ending, hours: int) -> Episode:
        found = firing(episode_id, cause=episode_id, state=EpisodeState.RESOLVED)
        lived = tuple(replace(each, state=AlertState.RESOLVED, ending=ending) for each in found.alerts)
        return replace(found, alerts=lived, resolved_at=LATER - timedelta(hours=hours))

    await save(store, ended("e1", Ending.UNWATCHED, 2), ended("e2", Ending.UNHEARD, 30), ended("e3", Ending.OVER, 2))
    view = await ask(store, scene)
    assert [each["id"] for each in data(view)["not_known_to_be_over"]] == ["e1"]
    assert "No longer watched: api crashes" in "\n".join(rows(view))


async def test_what_a_cluster_shares_is_acknowledged_from_any_of_its_namespaces(
    store: PostgresStore, scene: Stage
) -> None:
    """Not from another cluster, nor where it is not told."""
    await save(store, of_cluster(), of_cluster("c0ffee000002", cause=f"cluster/prod-eu/{ELSEWHERE.namespace}"))
    refused = await say(store, scene, "ack c0ffee000002")
    assert "There is no open alert" in refused.summary
    assert (await say(store, scene, "ack c0ffee000001 -n kube-system")).summary.startswith("You look at it")


@pytest.mark.parametrize("what", ["c0ffee000001", "unreachable", "node-disk"])
async def test_a_silence_of_what_a_cluster_shares_is_the_clusters(
    store: PostgresStore, scene: Stage, what: str
) -> None:
    """Everything in a namespace is not that; and it is ended from there, too."""
    await save(store, of_cluster())
    await say(store, scene, "silence '*' --for 2h")
    await say(store, scene, f"silence {what} --for 2h")
    held = {each.what: each.scope for each in await store.episodes.silences()}
    assert held == {"*": SCOPE, what: WHOLE}
    assert "End it now" in buttons(await say(store, scene, f"silence {what} --for 3h"))
    view = await say(store, scene, f"unsilence {what}")
    assert view.summary == f"{what} is silent no more"
    assert [each.what for each in await store.episodes.silences()] == ["*"]


def of_a_node(episode_id: str = "c0ffee000003", **other: object) -> Episode:
    """Return what Alertmanager tells of a node: no namespace has it for itself."""
    made = replace(signal("alertmanager:f1", rule="KubeNodeNotReady", service=""), source="alertmanager")
    return firing(episode_id, **{"scope": WHOLE, "cause": "node/n1", "alerts": (alert(made),), **other})


async def test_a_rule_of_others_is_silenced_where_its_alerts_are(store: PostgresStore, scene: Stage) -> None:
    """In the cluster, if all of them are the cluster's: held in a namespace it would silence none."""
    await save(store, of_a_node())
    assert "1 open alert is concerned" in "\n".join(rows(await say(store, scene, "silence KubeNodeNotReady")))
    await save(store, of_a_node("3f9a12c0b7e2", scope=SCOPE, cause="alert/x"))
    assert "1 open alert is concerned" in "\n".join(rows(await say(store, scene, "silence KubeNodeNotReady --for 2h")))
    held = [(each.what, each.scope) for each in await store.episodes.silences()]
    assert sorted(held, key=str) == sorted([("KubeNodeNotReady", WHOLE), ("KubeNodeNotReady", SCOPE)], key=str)


async def test_a_rule_of_others_by_a_name_of_ours_changes_nothing_of_ours(store: PostgresStore, scene: Stage) -> None:
    """A service, a rule about namespaces, and everything are of the place that is named."""
    ours = ("search", "cpu", "*")
    for number, name in enumerate(ours):
        made = replace(signal(f"alertmanager:{number}", rule=name, service=""), source="alertmanager")
        await save(store, of_a_node(f"c0ffee00001{number}", cause=f"node/n{number}", alerts=(alert(made),)))
    for name in ours:
        await say(store, scene, f"silence '{name}'")
    assert {each.what: each.scope for each in await store.episodes.silences()} == dict.fromkeys(ours, SCOPE)


async def test_who_operates_one_namespace_does_not_silence_the_cluster(store: PostgresStore, scene: Stage) -> None:
    """But the first one, where its alerts lead; whoever operates all of them may from anywhere."""
    await save(store, of_cluster())
    there = limited(RoleName.OPERATOR, namespaces=frozenset({ELSEWHERE.namespace}))
    for text in ("silence unreachable -n kube-system", "silence c0ffee000001 -n kube-system"):
        assert "as a whole" in (await say(store, scene, text, policy=there)).summary
    assert await silences(store) == []
    here = limited(RoleName.OPERATOR, namespaces=frozenset({SCOPE.namespace}))
    await say(store, scene, "silence unreachable", policy=here)
    refused = await say(store, scene, "unsilence unreachable -n kube-system", policy=there)
    assert "as a whole" in refused.summary
    assert len(await silences(store)) == 1
    await say(store, scene, "unsilence unreachable -n kube-system", by="U-bob")
    assert await silences(store) == []


async def test_at_a_terminal_there_is_nothing_to_list() -> None:
    """It has no database."""
    view = await answer(snapshot(), "alerts")
    assert "ask in chat" in view.summary


# --- ack --------------------------------------------------------------------------------------------------------------


async def test_who_looks_stands_on_the_message(store: PostgresStore, scene: Stage) -> None:
    """A new version of it, for all; saying it twice changes nothing."""
    await save(store, firing())
    view = await say(store, scene, "ack 3F9A12C0B7E1")
    assert view.summary == "You look at it: api crashes"
    kept = await store.episodes.find("3f9a12c0b7e1")
    assert kept is not None
    assert (kept.acked_by, kept.version) == ("U-ann", 2)
    other = await say(store, scene, "ack 3f9a12c0b7e1", by="U-bob")
    assert other.summary == "Somebody looks at it already; its message says who."


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, 'There is no open alert "3f9a12c0b7e1"'),
        (firing(scope=Scope(SCOPE.cluster, Namespace("other"))), 'There is no open alert "3f9a12c0b7e1"'),
        (firing(state=EpisodeState.RESOLVED, resolved_at=LATER), "It is over already."),
        (firing(state=EpisodeState.WAITING, fired_at=None, version=0), "It does not fire yet."),
    ],
)
async def test_what_is_not_open_here_cannot_be_acknowledged(
    store: PostgresStore, scene: Stage, made: Episode | None, said: str
) -> None:
    """And what is, is named."""
    await save(store, *([made] if made else []), firing("3f9a12c0b7e9", cause="other"))
    view = await say(store, scene, "ack 3f9a12c0b7e1")
    assert said in view.summary
    if said.startswith("There"):
        assert "ack 3f9a12c0b7e9" in "\n".join(rows(view))


def of_worker(episode_id: str = "3f9a12c0b7e9") -> Episode:
    """Return what fires about a workload that is no service."""
    ours = replace(signal("crash-loop:deployment/worker", service=""), title="worker: crashes again and again")
    return firing(episode_id, cause="deployment/worker", alerts=(alert(ours),))


@pytest.mark.parametrize("word", ["worker", "deployment/worker", "Worker"])
async def test_an_alert_is_meant_by_its_workload(store: PostgresStore, scene: Stage, word: str) -> None:
    """Nobody types an id who can say the name."""
    await save(store, firing(alerts=(alert(signal(rule="slow", service="search")),)), of_worker())
    assert (await say(store, scene, f"ack {word}")).summary == "You look at it: worker: crashes again and again"


@pytest.mark.parametrize("word", ["search", "api", "crash-loop"])
async def test_an_alert_is_meant_by_its_service_or_rule(store: PostgresStore, scene: Stage, word: str) -> None:
    """By the alias, or by the name of the workload that the catalogue gives it."""
    await save(store, firing(cause="deployment/queue"))
    assert (await say(store, scene, f"ack {word}")).summary == "You look at it: api crashes"


@pytest.mark.parametrize("verb", ["ack", "silence"])
async def test_a_word_that_means_several_alerts_names_them(store: PostgresStore, scene: Stage, verb: str) -> None:
    """Each is a button; none is taken by guess."""
    await save(store, of_worker(), replace(of_worker("3f9a12c0b7e8"), cause="deployment/other"))
    view = await say(store, scene, f"{verb} worker")
    told = " ".join(rows(view))
    assert "2 alerts of worker are open: 3f9a12c0b7e" in told
    assert "(worker: crashes again and again)" in told
    assert {f"{verb} 3f9a12c0b7e8", f"{verb} 3f9a12c0b7e9"} <= set(buttons(view).values())
    assert await silences(store) == []


@pytest.mark.parametrize("verb", ["ack", "silence"])
async def test_a_word_that_means_no_alert_lists_what_is_open(store: PostgresStore, scene: Stage, verb: str) -> None:
    """As buttons, too."""
    await save(store, firing())
    view = await say(store, scene, f"{verb} zookeeper")
    assert "Open: 3f9a12c0b7e1 (api crashes)." in " ".join(rows(view))
    assert f"{verb} 3f9a12c0b7e1" in buttons(view).values()


# --- silence ----------------------------------------------------------------------------------------------------------


async def test_a_workload_that_is_no_service_is_silenced_by_its_one_alert(store: PostgresStore, scene: Stage) -> None:
    """Which is said, for it holds until that is over and not for the next one."""
    await save(store, of_worker())
    view = await say(store, scene, "silence worker --for 2h")
    assert view.summary.startswith("The alert 3f9a12c0b7e9 (worker: crashes again and again) is silent until ")
    assert await silences(store) == [("3f9a12c0b7e9", timedelta(hours=2), "")]


@pytest.mark.parametrize("word", ["everything", "all", "ALL"])
async def test_everything_is_silenced_in_words(store: PostgresStore, scene: Stage, word: str) -> None:
    """As by the star, which a shell would take for the names of files."""
    view = await say(store, scene, f"silence {word} --for 15m")
    assert view.summary.startswith("Everything here is silent until ")
    assert await silences(store) == [("*", timedelta(minutes=15), "")]


async def test_the_star_is_named_where_a_word_is_not_understood(store: PostgresStore, scene: Stage) -> None:
    """And may be pressed."""
    view = await say(store, scene, "silence zookeeper")
    assert "* is everything here" in " ".join(rows(view))
    assert "silence '*'" in buttons(view).values()


async def test_who_operates_a_service_silences_no_workload_beside_it(store: PostgresStore, scene: Stage) -> None:
    """A word opens no more than the id that it stands for."""
    await save(store, of_worker())
    own = limited(RoleName.OPERATOR, services=frozenset({"search"}))
    for text in ("silence worker", "silence everything", "ack worker"):
        assert "needs the role" in "\n".join(rows(await say(store, scene, text, policy=own))), text
    assert await silences(store) == []


@pytest.mark.parametrize(
    ("text", "what", "span", "why"),
    [
        ("silence search", "search", timedelta(hours=1), ""),
        ("silence api --for 30m", "search", timedelta(minutes=30), ""),
        ("silence crash-loop --for 7d we move it", "crash-loop", timedelta(days=7), "we move it"),
        ("silence 3f9a12c0b7e1 --for 1h", "3f9a12c0b7e1", timedelta(hours=1), ""),
        ("silence '*' --for 15m", "*", timedelta(minutes=15), ""),
        ("silence kubepodcrashlooping", "KubePodCrashLooping", timedelta(hours=1), ""),
    ],
)
async def test_an_alert_a_rule_a_service_or_all_can_be_silenced(
    store: PostgresStore, scene: Stage, text: str, what: str, span: timedelta, why: str
) -> None:
    """For a while; a workload's name means its service, and a rule of another source is known while it fires."""
    theirs = replace(signal("alertmanager:1"), rule="KubePodCrashLooping", service="")
    both = firing()
    await save(store, replace(both, alerts=(*both.alerts, alert(theirs))))
    view = await say(store, scene, text)
    assert "is silent until" in view.summary
    assert await silences(store) == [(what, span, why)]
    assert buttons(view)["End it now"].startswith("unsilence ")


async def test_it_says_how_many_alerts_it_concerns(store: PostgresStore, scene: Stage) -> None:
    """So that nobody silences what was not meant, or nothing."""
    await save(store, firing())
    told = rows(await say(store, scene, "silence search"))
    assert any("1 open alert is concerned" in row for row in told)
    told = rows(await say(store, scene, "silence cpu"))
    assert any("0 open alerts are concerned" in row for row in told)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("silence crash-lop", 'There is no alert, rule or service "crash-lop"'),
        ("silence search --for 8d", "--for takes a span"),
        ("silence search --for soon", "--for takes a span"),
        ("silence search we move it --for 2h", "--for stands before the reason"),
    ],
)
async def test_what_is_not_understood_silences_nothing(
    store: PostgresStore, scene: Stage, text: str, said: str
) -> None:
    """What may have been meant is offered."""
    view = await say(store, scene, text)
    assert said in view.summary
    assert await silences(store) == []
    if "lop" in text:
        assert "silence crash-loop" in "\n".join(rows(view))


@pytest.mark.parametrize("text", ["ack 3f9a12c0b7e1", "silence search", "unsilence search"])
async def test_who_may_only_look_changes_nothing(store: PostgresStore, scene: Stage, text: str) -> None:
    """Whoever operates may."""
    await save(store, firing())
    view = await say(store, scene, text, by="U-vic")
    assert "needs the role" in "\n".join(rows(view))
    assert await silences(store) == []


async def test_secrets_in_a_reason_are_masked(store: PostgresStore, scene: Stage) -> None:
    """It is shown to all."""
    await say(store, scene, "silence search --for 1h password=hunter2hunter2")
    [silence] = await store.episodes.silences()
    assert "hunter2" not in silence.why


# --- unsilence --------------------------------------------------------------------------------------------------------


async def test_a_silence_is_ended_by_what_it_is_about_or_its_id(store: PostgresStore, scene: Stage) -> None:
    """All of the same at once."""
    for text in ("silence search", "silence search --for 2h", "silence cpu"):
        await say(store, scene, text)
    view = await say(store, scene, "unsilence search")
    assert view.summary == "search is silent no more"
    [left] = await store.episodes.silences()
    assert left.what == "cpu"
    await say(store, scene, f"unsilence {left.id}")
    assert await store.episodes.silences() == ()


async def test_what_is_not_silenced_is_said(store: PostgresStore, scene: Stage) -> None:
    """With what is."""
    assert "Nothing is silenced in shop on prod-eu." in (await say(store, scene, "unsilence search")).summary
    await say(store, scene, "silence search")
    view = await say(store, scene, "unsilence serch")
    assert 'Nothing is silenced as "serch"' in view.summary
    assert "unsilence search" in "\n".join(rows(view))


# --- roles that are held in some places -------------------------------------------------------------------------------


async def test_alerts_of_a_place_are_for_those_who_may_look_there(store: PostgresStore, scene: Stage) -> None:
    """Whoever may look at one namespace does not see what is wrong in another one."""
    await save(store, firing(), firing("elsewhere", scope=ELSEWHERE))
    here = limited(RoleName.VIEWER, namespaces=frozenset({SCOPE.namespace}))
    assert (await ask(store, scene, policy=here)).summary == "1 alert open (1 critical)"
    there = await ask(store, scene, "alerts -n kube-system", policy=here)
    assert "needs the role" in "\n".join(rows(there))
    assert "elsewhere" not in "\n".join(rows(there))


async def test_alerts_are_of_a_whole_place_not_of_a_service(store: PostgresStore, scene: Stage) -> None:
    await save(store, firing())
    view = await ask(store, scene, policy=limited(RoleName.VIEWER, services=frozenset({"search"})))
    assert "needs the role" in "\n".join(rows(view))


@pytest.mark.parametrize("text", ["ack 3f9a12c0b7e1", "silence '*'", "silence crash-loop", "unsilence '*'"])
async def test_who_operates_one_place_answers_for_its_alerts_alone(
    store: PostgresStore, scene: Stage, text: str
) -> None:
    """There they may all of it, elsewhere nothing."""
    await save(store, firing())
    await say(store, scene, "silence '*' --for 2h")
    here = limited(RoleName.OPERATOR, namespaces=frozenset({SCOPE.namespace}))
    there = limited(RoleName.OPERATOR, namespaces=frozenset({ELSEWHERE.namespace}))
    refused = await say(store, scene, f"{text} -n {SCOPE.namespace}", policy=there)
    assert "needs the role" in "\n".join(rows(refused))
    [silence] = await store.episodes.silences()
    assert silence.what == "*"
    done = await say(store, scene, text, policy=here, by="U-ann")
    assert "needs the role" not in "\n".join(rows(done))


async def test_who_operates_a_service_silences_it_and_nothing_else(store: PostgresStore, scene: Stage) -> None:
    """Neither an alert of others, nor a rule, nor everything."""
    await save(store, firing())
    own = limited(RoleName.OPERATOR, services=frozenset({"search"}))
    for text in ("silence '*'", "silence crash-loop", "silence 3f9a12c0b7e1", "ack 3f9a12c0b7e1"):
        assert "needs the role" in "\n".join(rows(await say(store, scene, text, policy=own))), text
    assert await silences(store) == []
    await say(store, scene, "silence search", policy=own)
    assert [what for what, _, _ in await silences(store)] == ["search"]


async def test_a_rule_that_is_called_as_a_service_is_for_those_of_the_whole_place(
    store: PostgresStore, scene: Stage
) -> None:
    """Its silence would hold for all services that the rule is about."""
    named = replace(signal("alertmanager:1"), rule="search", service="")
    await save(store, replace(firing(), alerts=(alert(named),)))
    own = limited(RoleName.OPERATOR, services=frozenset({"search"}))
    view = await say(store, scene, "silence search", policy=own)
    assert "is a rule, too" in view.summary
    assert await silences(store) == []
    await say(store, scene, "silence search --for 2h")
    assert [what for what, _, _ in await silences(store)] == ["search"]


async def test_what_is_offered_is_one_word_of_a_command(store: PostgresStore, scene: Stage) -> None:
    """The name of somebody's rule adds no option to the command that a press would run."""
    theirs = replace(signal("alertmanager:1"), rule="HighLoad -n kube-system --for 7d", service="")
    await save(store, replace(firing(), alerts=(alert(theirs),)))
    view = await say(store, scene, "silence highload-n-kube-system-for-7d")
    assert "silence 'HighLoad -n kube-system --for 7d'" in buttons(view).values()


async def test_what_is_offered_is_about_the_same_place(store: PostgresStore, scene: Stage) -> None:
    """The command that was typed, with another name: a press acts where the person was."""
    view = await say(store, scene, "silence memry -n kube-system --for 2h")
    assert "silence memory -n kube-system --for 2h" in buttons(view).values(), view
