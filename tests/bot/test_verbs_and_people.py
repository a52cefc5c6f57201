"""Who may use what, held against a table written by hand: every verb, every kind of person, every way to ask.

The table says nothing of roles' rights in the code's own words: it is what an operator would read in the documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bot.domain.people import RoleBinding, RoleName, Standing
from bot.domain.policy import Policy
from bot.domain.requests import Place, Request, Surface
from bot.domain.snapshot import LogKey, Snapshot
from bot.domain.view import View
from bot.domain.watch.keeps import AddSilence
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.schedules import DigestPlan, Schedule
from bot.errors import DirectoryUnavailable
from bot.ports import Claimed
from bot.schedule.calendar import CronCalendar
from bot.service import Service
from bot.store.store import PostgresStore
from tests.support.answers import rows as lines_of
from tests.support.builders import NOW, SCOPE, crash_looping, deployment, log_of, pod, replica_set, snapshot, template
from tests.support.fixed_digests import FixedDigests
from tests.support.service import ALL_VERBS, Stage, asked, stage
from tests.support.twins import HANDLES, TEAM, RecordingChanges, member
from tests.support.watch_records import episode, save, signal, silence

Audit = Callable[[], list[dict[str, Any]]]

# Each verb: a command of it that makes sense, and what one needs to be allowed to use it.
VERBS = {
    "ack": ("ack 3f9a12c0b7e1", "operate"),
    "alerts": ("alerts", "read"),
    "approve": ("approve 3f9a12c0", "anyone"),
    "audit": ("audit", "audit"),
    "can": ("can status search", "anyone"),
    "cancel": ("cancel 3f9a12c0", "anyone"),
    "clear failed": ("clear failed", "operate"),
    "compare": ("compare search", "read"),
    "deny": ("deny 3f9a12c0 not now", "anyone"),
    "deps": ("deps search", "read"),
    "describe": ("describe search", "read"),
    "digest now": ("digest now", "share"),
    "digest preview": ("digest preview", "read"),
    "evict": ("evict api-1", "operate"),
    "explain": ("explain OOM_KILLED", "read"),
    "health": ("health", "read"),
    "help": ("help", "anyone"),
    "history": ("history search", "read"),
    "home": ("home", "anyone"),
    "logs": ("logs search", "read"),
    "pods": ("pods", "read"),
    "requests": ("requests", "read"),
    "resolve": ("resolve 3f9a12c0 happened", "anyone"),
    "restart": ("restart search", "operate"),
    "rollback": ("rollback search", "operate"),
    "scale": ("scale search 3", "operate"),
    "schedule": ("schedule", "read"),
    "schedule pause": ("schedule pause morning", "operate"),
    "schedule resume": ("schedule resume morning", "operate"),
    "set cpu": ("set cpu search 500m", "operate"),
    "set image": ("set image search :v3", "operate"),
    "set memory": ("set memory search 1Gi", "operate"),
    "share": ("share status", "share"),
    "silence": ("silence search", "operate"),
    "status": ("status", "read"),
    "top": ("top pods", "read"),
    "undo": ("undo 3f9a12c0", "operate"),
    "unsilence": ("unsilence '*'", "operate"),
    "whoami": ("whoami", "anyone"),
    "withdraw": ("withdraw 3f9a12c0", "anyone"),
}
# What changes nothing but the bot's own record, or what it says to whom.
CONTROLS = {"ack", "digest now", "schedule pause", "schedule resume", "share", "silence", "unsilence"}
CHANGES = {verb for verb, (_, needed) in VERBS.items() if needed == "operate"} - CONTROLS
# Of these everybody may try: what is said to a request is judged by the request's own rule.
DECISIONS = {"approve", "cancel", "deny", "resolve", "withdraw"}
# Verbs whose request is written down whatever way it came by; the others only where others see the answer.
KEPT = CONTROLS | CHANGES | DECISIONS
# An answer that tells that something could not be looked at here.
CANNOT_TELL = {"deps", "top"}
SURFACES = (
    Surface.COMMAND,
    Surface.BUTTON,
    Surface.FORM,
    Surface.HOME,
    Surface.MENTION,
    Surface.DIRECT,
)
WRITTEN_DOWN = {Surface.MENTION, Surface.DIRECT}
# Names of the cluster and of the configuration. "api" is the workload behind the service "search".
MORNING = Schedule(name="morning", cron="0 9 * * 1-5", time_zone="Europe/Berlin")
SECRETS = ("prod-eu", "shop", "kube-system", "lab", "deployment", "api")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks: what they may, why not else, and whether the refusal names people who could."""

    user_id: str
    may: frozenset[str]
    why: str = "that needs the role"
    helped: bool = True
    team: str = TEAM
    lookup_fails: bool = False


NOBODY: frozenset[str] = frozenset()
ROLELESS = frozenset({"anyone"})
LOOKS = ROLELESS | {"read", "share"}
GUEST = "guests of the workspace may not use this bot"
STRANGER = "people of other workspaces may not use this bot"
PEOPLE = {
    "no role": Person("U-nil", ROLELESS),
    "viewer": Person("U-vic", LOOKS),
    "operator": Person("U-ann", LOOKS | {"audit", "operate"}),
    "approver": Person("U-bob", LOOKS | {"audit", "approve"}),
    "admin": Person("U-amy", LOOKS | {"audit", "administer"}),
    "guest": Person("U-gus", NOBODY, GUEST, helped=False),
    "single-channel guest": Person("U-sam", NOBODY, GUEST, helped=False),
    "stranger": Person("U-who", NOBODY, STRANGER, helped=False),
    "same id, other workspace": Person("U-amy", NOBODY, STRANGER, helped=False, team="T2"),
    "bot": Person("U-bot", NOBODY, "bots may not use this bot", helped=False),
    "deactivated": Person("U-old", NOBODY, "this account is deactivated", helped=False),
    "look-up failing": Person(
        "U-amy", ROLELESS, "your groups could not be read (Slack did not answer)", helped=False, lookup_fails=True
    ),
}
ALL_GROUPS = ("S0", "S1", "S2", "S3")
POLICY = Policy(
    bindings=tuple(
        RoleBinding(role, groups=frozenset({group})) for role, group in zip(RoleName, ALL_GROUPS, strict=True)
    )
)
DIRECTORY = (
    member("U-nil"),
    member("U-vic", "S0"),
    member("U-ann", "S1"),
    member("U-bob", "S2"),
    member("U-amy", "S3"),
    # Whoever is no full member is in every group, and still holds no role.
    member("U-gus", *ALL_GROUPS, standing=Standing.GUEST),
    member("U-sam", *ALL_GROUPS, standing=Standing.GUEST),
    member("U-bot", *ALL_GROUPS, standing=Standing.BOT),
    member("U-old", *ALL_GROUPS, standing=Standing.DEACTIVATED),
)
TELLING_HANDLES = HANDLES | {"S0": "everybody", "S2": "rag-leads", "S3": "rag-admins"}
# Who is named as a helper, by what was needed.
HELPERS = {
    "read": ("@everybody", "@rag-oncall", "@rag-leads", "@rag-admins"),
    "share": ("@everybody", "@rag-oncall", "@rag-leads", "@rag-admins"),
    "audit": ("@rag-oncall", "@rag-leads", "@rag-admins"),
    "operate": ("@rag-oncall",),
}


def shown() -> Snapshot:
    """Return a namespace with two revisions and a crash, so that every verb has something to tell."""
    workload = deployment(revision=2, ready=0)
    old = replica_set(workload, 1, containers=(template(image="rag-engine:v1.1"),))
    new = replica_set(workload, 2, containers=(template(image="rag-engine:v1.2"),))
    return snapshot(workload, old, new, pod(new, crash_looping(), name="api-1"))


@pytest.fixture
def scene() -> Stage:
    logs = {LogKey("api-1", "api", previous=previous): log_of("FATAL: no") for previous in (False, True)}
    scene = stage(shown(), logs)
    scene.directory.people = {one.user_id: replace(one, group_handles=TELLING_HANDLES) for one in DIRECTORY}
    scene.clock.time = NOW.replace(year=2096)  # the store judges by its own clock whether a silence holds
    return scene


@pytest.fixture
def audit(store_url: str) -> Iterator[Audit]:
    """Look at the audit past the adapter."""
    query = "SELECT actor, action, subject, result, detail FROM audit ORDER BY seq"
    with psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as connection:
        yield lambda: connection.execute(query).fetchall()


async def claimed(store: PostgresStore) -> Claimed:
    taken = await store.inbox.claim(lease_s=30)
    assert taken is not None
    return taken


async def answered(service: Service, store: PostgresStore, request: Request) -> View:
    """Bring a request the way that its surface takes, and return what its person or the channel sees."""
    if not service.must_keep(request):
        return await service.ask(request)
    assert await service.accept(request)
    view = await service.control(await claimed(store))
    outgoing = await store.outbox.claim(lease_s=30)
    if outgoing is not None:
        assert outgoing.post.place.channel == request.place.channel
        assert await store.outbox.delivered(outgoing, message_id="1.0")
    if view is not None:
        return view
    assert outgoing is not None
    return outgoing.post.view


def text_of(view: View) -> str:
    return "\n".join([view.summary, *lines_of(view)])


def test_t38_the_table_names_every_verb() -> None:
    """A new verb is not let in by being forgotten here."""
    assert {action.name for action in ALL_VERBS.all()} == set(VERBS)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", PEOPLE)
async def test_t38_each_person_may_use_what_the_table_says_and_nothing_else(
    scene: Stage, store: PostgresStore, audit: Audit, name: str, surface: Surface
) -> None:
    """A refusal is on record with who, what and why; it names who could help, and nothing of the cluster."""
    person = PEOPLE[name]
    if person.lookup_fails:
        scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    changes = RecordingChanges(store)
    watch = WatchPolicy(digests=(DigestPlan(schedule=MORNING, channels=("C7",), scopes=(SCOPE,)),))
    digests = FixedDigests(watch)
    service = scene.service(
        store, policy=POLICY, changes=changes, watch=watch, calendar=CronCalendar(), digests=digests
    )
    await save(store, episode("3f9a12c0b7e1", signal(service="search"), scope=SCOPE))
    async with store.transaction() as transaction:
        await transaction.keep(AddSilence(silence("*", scope=SCOPE)))
    for number, (verb, (text, needed)) in enumerate(VERBS.items()):
        before, handed = len(audit()), len(changes.asked) + len(changes.decided)
        request = asked(
            text, by=person.user_id, surface=surface, key=f"k{number}", place=Place("C7", "17.5"), team=person.team
        )
        assert service.must_keep(request) is (verb in KEPT or surface in WRITTEN_DOWN), verb
        looked = len(scene.cluster.asked)
        view = await answered(service, store, request)
        refused = view.summary.startswith(f"You can't use {verb}: ")
        assert refused is (needed not in person.may), (verb, view.summary)
        new = audit()[before:]
        # To the engine goes what is a change, or a word on one, and only of those who may.
        reached = len(changes.asked) + len(changes.decided) > handed
        assert reached is (not refused and verb in CHANGES | DECISIONS), verb
        if refused:
            assert len(scene.cluster.asked) == looked, verb
            assert_refused(view, person, text, needed)
            assert_on_record(new, request, verb, needed, person)
        else:
            # What was written down and changes nothing needs no entry of its own.
            kept = [(row["action"], row["result"]) for row in new]
            assert kept == ([(verb, "done")] if verb in CONTROLS else []), verb
            assert view.exit_code in {0, 1} or person.lookup_fails or verb in CANNOT_TELL, (verb, view.summary)


def assert_refused(view: View, person: Person, text: str, needed: str) -> None:
    told = text_of(view)
    assert person.why in told
    assert "Nothing was changed." in told
    # Whoever may look somewhere is told where it would have gone.
    known = {*text.split(), *(("prod-eu", "shop") if "read" in person.may else ())}
    assert [word for word in SECRETS if word in told.lower() and word not in known] == []
    helpers = HELPERS[needed] if person.helped else ()
    handles = tuple(f"@{handle}" for handle in TELLING_HANDLES.values())
    assert {handle for handle in handles if handle in told} == set(helpers)


def assert_on_record(new: list[dict[str, Any]], request: Request, verb: str, needed: str, person: Person) -> None:
    [row] = new
    expected = [request.actor.user_id, verb, "C7", "refused"]
    assert [row[column] for column in ("actor", "action", "subject", "result")] == expected
    detail = json.loads(row["detail"])
    assert detail["command"] == request.text
    assert detail["surface"] == request.surface.value
    assert detail["permission"] == needed
    assert detail["team"] == person.team
    assert detail["said"].startswith(person.why.removeprefix("that "))


# --- what a person without rights could learn -------------------------------------------------------------------------

PROBES = [
    "status -n nowhere",
    "status --cluster moon",
    "status searhc",
    "describe pod/nothing",
    "logs nothing -n kube-systen",
    "share status -n nowhere",
    "rollback searhc",
    "restart search -n nowhere",
    "set image search :v3 --cluster moon",
    "undo 3f9a12c0 -n nowhere",
    "requests -n nowhere",
    "share status searhc",
    "can status searhc",
    "can status -n nowhere",
    "can status --cluster moon",
    "home -n nowhere",
    "help -n nowhere",
    "help status --cluster moon",
    "whoami -n nowhere",
    "audit -n nowhere",
    "explain X -n nowhere",
    "share -n nowhere status",
    "whoami --cluster prod-e",
    "can status --cluster la",
    "home -n sho",
]


@pytest.mark.parametrize("surface", [Surface.COMMAND, Surface.MENTION])
@pytest.mark.parametrize("name", [name for name, person in PEOPLE.items() if "read" not in person.may])
async def test_whoever_may_not_look_learns_no_name_by_guessing(
    scene: Stage, store: PostgresStore, name: str, surface: Surface
) -> None:
    """Neither of clusters, nor of namespaces, nor of services, whatever is typed wrong."""
    person = PEOPLE[name]
    if person.lookup_fails:
        scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    service = scene.service(store, policy=POLICY)
    told = {}
    for number, text in enumerate(PROBES):
        request = asked(text, by=person.user_id, surface=surface, key=f"k{number}", team=person.team)
        view = await answered(service, store, request)
        learned = [
            word for word in (*SECRETS, "search") if word in f"{text_of(view)}{view.data!r}" and word not in text
        ]
        if learned:
            told[text] = (learned, view.summary)
    assert told == {}
    assert scene.cluster.asked == []


# --- roles that hold in some places -----------------------------------------------------------------------------------

LIMITED: dict[str, tuple[dict[str, frozenset[str]], set[str]]] = {
    "cluster": (
        {"clusters": frozenset({"prod-eu"})},
        {
            "status",
            "status search",
            "logs search",
            "pods -n kube-system",
            "status api -n kube-system",
            "top nodes",
            "logs deployment/api",
            "explain OOM_KILLED",
            "alerts",
            "alerts -n kube-system",
            "health",
            "health search",
            "deps search",
            "schedule",
        },
    ),
    "another cluster": ({"clusters": frozenset({"lab"})}, {"status --cluster lab", "explain OOM_KILLED", "schedule"}),
    "namespace": (
        {"namespaces": frozenset({"shop"})},
        {
            "status",
            "status search",
            "logs search",
            "logs deployment/api",
            "top nodes",
            "explain OOM_KILLED",
            "alerts",
            "health",
            "health search",
            "deps search",
            "schedule",
        },
    ),
    "another namespace": (
        {"namespaces": frozenset({"kube-system"})},
        {
            "pods -n kube-system",
            "status api -n kube-system",
            "explain OOM_KILLED",
            "alerts -n kube-system",
            "schedule",
        },
    ),
    "service": (
        {"services": frozenset({"search"})},
        {
            "status search",
            "logs search",
            "logs deployment/api",
            "explain OOM_KILLED",
            "health search",
            "deps search",
            "schedule",
        },
    ),
}
PLACED = [
    "status",
    "status search",
    "logs search",
    "logs deployment/api",
    "pods -n kube-system",
    "status api -n kube-system",
    "status --cluster lab",
    "top nodes",
    "explain OOM_KILLED",
    "alerts",
    "alerts -n kube-system",
    "health",
    "health search",
    "deps search",
    "schedule",
]


@pytest.mark.parametrize("kind", LIMITED)
async def test_a_limited_role_reaches_its_places_alone(
    scene: Stage, store: PostgresStore, audit: Audit, kind: str
) -> None:
    """Alone and inside `share`, which is no way around; what is refused is on record each time."""
    limits, reached = LIMITED[kind]
    policy = Policy(bindings=(RoleBinding(RoleName.VIEWER, groups=frozenset({"S0"}), **limits),))
    service = scene.service(store, policy=policy, calendar=CronCalendar())
    for number, text in enumerate(PLACED):
        for words in (text, f"share {text}"):
            before = len(audit())
            view = await answered(service, store, asked(words, by="U-vic", key=f"k{number}{words}"))
            refused = view.summary.startswith("You can't use ")
            assert refused is (text not in reached), (words, view.summary)
            assert [row["result"] for row in audit()[before:]] == (
                ["refused"] if refused else ["done"] if words != text else []
            )


@pytest.mark.parametrize(
    ("there", "nowhere"),
    [
        ("status -n kube-system", "status -n guessed-name"),
        ("status --cluster lab", "status --cluster guess"),
        ("status search", "status guess"),
        ("share status -n kube-system", "share status -n guess"),
        ("can status -n kube-system", "can status -n guessed-name"),
        ("can status --cluster lab", "can status --cluster guess"),
        ("can status search", "can status guess"),
    ],
)
async def test_whoever_may_look_nowhere_cannot_find_out_by_guessing_what_there_is(
    scene: Stage, store: PostgresStore, there: str, nowhere: str
) -> None:
    """What is there and what is not is refused in the same words, also where roles hold in some places only."""
    limits = ({}, {"namespaces": frozenset({"kube-system"})}, {"services": frozenset({"search"})})
    policy = Policy(
        bindings=[
            RoleBinding(RoleName.VIEWER, groups=frozenset({group}), **limit)
            for group, limit in zip(("S0", "S1", "S2"), limits, strict=True)
        ]
    )
    service = scene.service(store, policy=policy)
    told = [
        re.sub(
            rf"\b{text.rpartition(' ')[2]}\b",
            "WORD",
            repr((await answered(service, store, asked(text, by="U-nil", key=text))).blocks),
        )
        for text in (there, nowhere)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("text", ["status -n nowhere", "status --cluster moon"])
async def test_whoever_may_look_somewhere_is_told_what_places_there_are(scene: Stage, text: str) -> None:
    """A typing error of theirs is no refusal."""
    view = await scene.service(policy=POLICY).ask(asked(text, by="U-vic"))
    assert not view.summary.startswith("You can't use")
    assert view.exit_code == 2


async def test_verbs_of_few_are_refused_to_the_others(scene: Stage, store: PostgresStore, audit: Audit) -> None:
    """`[verbs]` narrows one verb by role, also inside `share`; it gives nobody a right that their role has not."""
    policy = Policy(
        bindings=POLICY.bindings,
        verbs={
            "logs": frozenset({RoleName.OPERATOR, RoleName.ADMIN}),
            "audit": frozenset({RoleName.VIEWER, RoleName.ADMIN}),
            "top": frozenset(),
        },
    )
    service = scene.service(store, policy=policy)
    allowed = {
        "logs search": {"U-ann", "U-amy"},
        "share logs search": {"U-ann", "U-amy"},
        "audit": {"U-amy"},
        "top pods": set(),
        "status": {"U-vic", "U-ann", "U-bob", "U-amy"},
    }
    for text, people in allowed.items():
        for by in ("U-vic", "U-ann", "U-bob", "U-amy"):
            view = await answered(service, store, asked(text, by=by, key=f"{text}{by}"))
            assert view.summary.startswith("You can't use ") is (by not in people), (text, by, view.summary)
    nobody = await service.ask(asked("top pods", by="U-amy"))
    assert nobody.summary == "You can't use top: no role may use top here (you have: admin)."
    assert {row["action"] for row in audit() if row["result"] == "refused"} == {"logs", "audit", "top"}


# --- what changes between the request and the work --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """A request that was accepted and waits to be carried out."""

    service: Service
    store: PostgresStore

    async def carry_out(self) -> View | None:
        return await self.service.control(await claimed(self.store))


@pytest.fixture
async def kept(scene: Stage, store: PostgresStore) -> Kept:
    """What vic asked for while he was a viewer."""
    service = scene.service(store, policy=POLICY)
    assert await service.accept(asked("share status", by="U-vic", surface=Surface.BUTTON))
    return Kept(service, store)


def last(audit: Audit) -> tuple[str, str, str]:
    [row] = audit()
    return row["actor"], row["action"], row["result"]


async def test_whoever_left_the_group_meanwhile_is_refused(scene: Stage, kept: Kept, audit: Audit) -> None:
    """The right counts when the work is done; nothing is posted."""
    scene.directory.people["U-vic"] = member("U-vic")
    view = await kept.carry_out()
    assert view is not None
    assert view.summary.startswith("You can't use share: that needs the role ")
    assert last(audit) == ("U-vic", "share", "refused")
    assert await kept.store.outbox.claim(lease_s=1) is None


@pytest.mark.parametrize("standing", [each for each in Standing if each is not Standing.MEMBER])
async def test_whoever_is_no_member_any_more_is_refused(
    scene: Stage, kept: Kept, audit: Audit, standing: Standing
) -> None:
    """A deactivated account's requests end with it."""
    scene.directory.people["U-vic"] = member("U-vic", "S0", standing=standing)
    view = await kept.carry_out()
    assert view is not None
    assert view.summary.startswith("You can't use share: ")
    assert last(audit) == ("U-vic", "share", "refused")
    assert await kept.store.outbox.claim(lease_s=1) is None


async def test_whoever_joined_the_group_meanwhile_is_allowed(scene: Stage, store: PostgresStore, audit: Audit) -> None:
    """The same rule the other way."""
    service = scene.service(store, policy=POLICY)
    assert await service.accept(asked("share status", by="U-nil"))
    scene.directory.people["U-nil"] = member("U-nil", "S0")
    view = await service.control(await claimed(store))
    assert view is not None
    assert view.summary == "On its way to everybody here."
    assert last(audit) == ("U-nil", "share", "done")


async def test_a_look_up_that_fails_when_the_work_is_done_refuses(scene: Stage, kept: Kept, audit: Audit) -> None:
    """What was known when it was asked does not count; the reason is told and on record."""
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await kept.carry_out()
    assert view is not None
    assert view.summary == "You can't use share: your groups could not be read (Slack did not answer)."
    assert last(audit) == ("U-vic", "share", "refused")
    assert json.loads(audit()[0]["detail"])["said"] == "your groups could not be read (Slack did not answer)"


async def test_what_has_an_effect_is_decided_from_a_look_of_that_moment(scene: Stage, kept: Kept) -> None:
    """Not from what was known a minute ago; the read inside may rest on that."""
    await kept.carry_out()
    assert scene.directory.asked == [("U-vic", True), ("U-vic", False)]


async def test_the_right_to_the_command_inside_may_end_alone(scene: Stage, store: PostgresStore, audit: Audit) -> None:
    """Somebody may share, and may not look there any more."""
    both = (
        RoleBinding(RoleName.VIEWER, groups=frozenset({"S0"}), namespaces=frozenset({"shop"})),
        RoleBinding(RoleName.VIEWER, groups=frozenset({"S1"}), namespaces=frozenset({"kube-system"})),
    )
    service = scene.service(store, policy=Policy(bindings=both))
    assert await service.accept(asked("share status -n kube-system", by="U-ann"))
    scene.directory.people["U-ann"] = member("U-ann", "S0")
    view = await service.control(await claimed(store))
    assert view is not None
    assert view.summary.startswith("You can't use status: that needs the role ")
    assert last(audit) == ("U-ann", "status", "refused")
