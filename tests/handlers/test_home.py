from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.desk import places, waiting
from bot.domain.actions import NoParams
from bot.domain.people import Actor, RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.requests import Surface
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.view import Headline, Mark, View
from bot.errors import ClusterUnreachable, DirectoryUnavailable
from bot.ports import Sources
from bot.rights import DirectoryRights
from bot.store.store import PostgresStore
from handlers import home
from tests.support.answers import buttons, data, rows
from tests.support.builders import NOW, SCOPE, crash_looping, deployment, pod, replica_set, snapshot
from tests.support.clocks import leaping_loop
from tests.support.service import POLICY, Stage, asked, healthy, stage
from tests.support.twins import TEAM, SnapshotCluster, TableDirectory, member

LAB = Namespace("lab")


def crashing() -> Snapshot:
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    return snapshot(workload, replicas, pod(replicas, crash_looping()))


class Clusters(SnapshotCluster):
    """Another snapshot, or an outage, for each namespace."""

    def __init__(self, shown: Mapping[str, Snapshot | ClusterUnreachable]) -> None:
        super().__init__(healthy())
        self.by_namespace = shown

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        shown = self.by_namespace.get(scope.namespace, healthy())
        if isinstance(shown, ClusterUnreachable):
            raise shown
        return replace(await super().snapshot(scope, parts), **_contents(shown))


def _contents(shown: Snapshot) -> dict[str, object]:
    return {name: getattr(shown, name) for name in ("workloads", "replica_sets", "pods")}


async def page(scene: Stage, *, by: str = "U-ann", store: PostgresStore | None = None, policy: Policy = POLICY) -> View:
    """Open the page of a person."""
    return await scene.service(store, policy=policy).ask(asked("home", by=by, surface=Surface.HOME, key="home"))


async def test_each_place_has_a_line_with_its_verdict() -> None:
    """The worst first in the headline; what could not be read is no good news."""
    scene = stage()
    scene.cluster = Clusters({"shop": crashing(), "lab": ClusterUnreachable("lab did not answer within 5 s.")})
    view = await page(scene)
    groups = "Your groups were read 40 s ago · roles come from user groups of the workspace"
    assert rows(view) == [
        "✖ 1 of 3 places needs a look",
        "Places",
        "✖ shop is down: 1 problem, 0 of 1 workloads fine  (on prod-eu)",
        "✔ kube-system is healthy  (on prod-eu)",
        "? lab: I cannot tell: lab did not answer within 5 s.  (on lab)",
        "Hello @U-ann, you have: operator.",
        f"As of 22:00:00 UTC · {groups} · only you see this",
    ]
    assert [place["verdict"] for place in data(view)["places"]] == ["down", "healthy", "unknown"]
    assert buttons(view)["Look at shop"] == "status --cluster prod-eu -n shop"
    assert buttons(view)["Look at lab"] == "status --cluster lab -n lab"
    assert "Look at kube-system" not in buttons(view)
    assert view.exit_code == 0


async def test_all_well_is_said_in_one_line() -> None:
    """With the ways onward below."""
    view = await page(stage())
    assert view.summary == "All is well in 3 places"
    assert buttons(view) == {
        "Status": "status",
        "Build a command…": "build",
        "Who am I": "whoami",
        "Refresh": "home",
    }


async def test_what_is_not_known_is_not_called_well() -> None:
    """An outage of one of the places."""
    scene = stage()
    scene.cluster = Clusters({"lab": ClusterUnreachable()})
    assert (await page(scene)).summary == "I cannot tell how 1 of 3 places does"


@pytest.mark.parametrize(
    ("limits", "places", "closed"),
    [
        ({"namespaces": frozenset({"kube-system"})}, ["kube-system"], "2 places are not open to you."),
        ({"clusters": frozenset({"prod-eu"})}, ["shop", "kube-system"], "1 place is not open to you."),
        ({"services": frozenset({"search"})}, [], "3 places are not open to you."),
    ],
)
async def test_places_that_are_not_open_are_counted_not_named(
    limits: dict[str, frozenset[str]], places: list[str], closed: str
) -> None:
    """Neither looked at: no refusal is put on record either."""
    scene = stage()
    policy = Policy(bindings=(RoleBinding(RoleName.VIEWER, groups=frozenset({"S1"}), **limits),))
    view = await page(scene, policy=policy)
    assert [place["namespace"] for place in data(view)["places"]] == places
    assert closed in rows(view)
    assert {scope.namespace for scope in scene.cluster.asked} == set(places)
    hidden = {"shop", "kube-system", "lab"} - set(places)
    assert not any(name in " ".join(rows(view)[2:]) for name in hidden)


async def test_a_narrowed_verb_closes_its_places_here_too() -> None:
    """The page is no way around `[verbs]`."""
    policy = Policy(bindings=POLICY.bindings, verbs={"status": frozenset({RoleName.ADMIN})})
    view = await page(stage(), policy=policy)
    assert view.summary == "No place is open to you"


async def test_whoever_has_no_role_sees_a_page_without_places(store: PostgresStore) -> None:
    """And who they are here; that leaves nothing in the audit."""
    view = await page(stage(), by="U-nil", store=store)
    assert rows(view)[:4] == [
        "No place is open to you",
        "Nothing waits for you.",
        "Hello @U-nil, you have: no role.",
        "3 places are not open to you. Viewers are group S0. Operators are @rag-oncall and 1 person by name.",
    ]
    assert await store.audit_trail.head() == f"0:{'0' * 64}"


async def test_rights_that_cannot_be_read_close_everything_and_are_said_to() -> None:
    """The look-up is tried once, not once for each place."""
    scene = stage()
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await page(scene)
    assert view.summary == "I cannot tell which places are open to you"
    assert rows(view)[1] == (
        "Hello @U-ann, I cannot tell your roles: your groups could not be read (Slack did not answer)."
    )
    assert "not open to you." not in repr(view)
    assert len(scene.directory.asked) == 2  # for the page itself, and for the places


async def test_what_was_asked_and_is_not_done_waits(store: PostgresStore) -> None:
    """One's own, the oldest first, and not this very request."""
    scene = stage()
    for number in range(waiting.MOST + 2):
        assert await store.inbox.accept(asked(f"share status {number}", key=f"k{number}"))
    assert await store.inbox.accept(asked("share logs search", by="U-vic", key="other"))
    assert await store.inbox.accept(asked("home", key="home"))
    view = await page(scene, store=store)
    shown = rows(view)
    at = shown.index("Not done yet, asked by you")
    assert shown[at + 1 : at + 7] == [*(f"share status {number}" for number in range(5)), "and 2 more"]
    assert "share logs" not in repr(view)
    assert len(data(view)["waiting"]) == 7


async def test_nothing_waiting_is_said_only_when_it_is_known(store: PostgresStore) -> None:
    """A store that is away is said to be away; the places are told all the same."""
    scene = stage()
    view = await page(scene, store=store)
    assert "Nothing waits for you." in rows(view)
    assert data(view)["waiting"] == []
    await store.close()
    view = await page(scene, store=store)
    assert view.summary == "All is well in 3 places"
    assert any(row.startswith("What waits for you cannot be told: ") for row in rows(view))
    assert "Nothing waits" not in repr(view)
    assert data(view)["waiting"] is None


async def test_a_terminal_has_no_page_of_its_own() -> None:
    """The page is a person's; a terminal is nobody in the workspace, and has `status`."""
    view = await stage().service().ask(asked("home", by="", local=True, surface=Surface.TERMINAL))
    assert rows(view) == ["▲ home is the bot's page in chat.", "Did you mean status?"]
    assert view.exit_code == 2


class Asking:
    """Answers each look with a verdict; counts how many are on their way."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0
        self.most = 0

    async def view(self, text: str) -> View:
        self.asked.append(text)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        words = f"{text.rsplit(maxsplit=1)[-1]} is healthy"
        return View(words, (Headline(words, Mark.OK),), data={"verdict": "healthy"})


async def test_many_places_are_looked_at_a_few_at_a_time_and_not_all() -> None:
    """In their order; what is left out is counted."""
    there = [Scope(ClusterName("prod-eu"), Namespace(f"team-{number:02}")) for number in range(places.MOST_PLACES + 3)]
    asking = Asking()
    rights = DirectoryRights(TableDirectory(member("U-ann", "S1")), POLICY)
    request = replace(asked("home"), actor=Actor("U-ann", TEAM))
    seen = await home.observe(
        NoParams(), Sources(scope=SCOPE, request=request, now=NOW, ask=asking, rights=rights, places=there)
    )
    assert [look.scope for look in seen.looks] == there[: places.MOST_PLACES]
    assert (seen.unread, seen.closed) == (3, 0)
    assert asking.most == places.AT_ONCE
    assert asking.asked[0] == "status --cluster prod-eu -n team-00"


class Hanging(Asking):
    """Never answers about one place."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()

    async def view(self, text: str) -> View:
        if text.endswith(" lab"):
            await asyncio.Event().wait()
        answer = await super().view(text)
        self.answered.set()
        return answer


async def test_a_look_that_hangs_is_unknown_and_holds_up_no_other() -> None:
    """The page has one time limit for all that it looks at."""
    asking = Hanging()
    rights = DirectoryRights(TableDirectory(member("U-ann", "S1")), POLICY)
    request = replace(asked("home"), actor=Actor("U-ann", TEAM))
    there = [replace(SCOPE, namespace=LAB), SCOPE]
    sources = Sources(scope=SCOPE, request=request, now=NOW, ask=asking, rights=rights, places=there)
    with leaping_loop() as leap:
        opened = asyncio.create_task(home.observe(NoParams(), sources))
        await asking.answered.wait()
        leap(home.LIMIT_S)
        seen = await opened
    assert [(look.scope.namespace, look.verdict) for look in seen.looks] == [("lab", "unknown"), ("shop", "healthy")]
    assert seen.looks[0].summary == "I cannot tell: it took too long"


async def test_home_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs to ask"):
        await home.observe(NoParams(), Sources(scope=SCOPE, request=asked("home"), now=NOW))
