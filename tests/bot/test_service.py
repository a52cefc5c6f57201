from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bot.domain.actions import Control, DecisionKind, Need, NoParams, Query, Setting
from bot.domain.change_policy import ChangePolicy
from bot.domain.people import Actor, Permission
from bot.domain.policy import RateLimits
from bot.domain.requests import Outcome, Place, Request, Surface
from bot.domain.snapshot import LogKey
from bot.domain.targets import Where
from bot.domain.view import Button, Buttons, Headline, View
from bot.errors import ClusterUnreachable, DirectoryUnavailable, NotAccepted, StoreUnavailable
from bot.main.waiting_store import WaitingStore
from bot.ports import Claimed, Sources, Unmetered
from bot.registry import Registry
from bot.service import Lost, Service
from bot.store.store import PostgresStore
from bot.terminals import terminal_request
from tests.support.builders import SCOPE, crash_looping, deployment, log_of, pod, replica_set, snapshot
from tests.support.service import ALL_VERBS, Stage, asked, stage
from tests.support.twins import TEAM, CountingLimiter, RecordingChanges

Rows = Callable[[str], list[dict[str, Any]]]
LeasesEnd = Callable[[], None]


@pytest.fixture
def scene() -> Stage:
    return stage()


@pytest.fixture
def rows(store_url: str) -> Iterator[Rows]:
    """Look at a table past the adapter."""
    with psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as connection:
        queries = {
            "inbox": "SELECT key, state, reply_to FROM inbox ORDER BY id",
            "outbox": "SELECT channel, state, post FROM outbox ORDER BY id",
            "audit": "SELECT actor, action, subject, result, detail FROM audit ORDER BY seq",
        }
        yield lambda table: connection.execute(queries[table]).fetchall()


@pytest.fixture
def leases_end(store_url: str) -> LeasesEnd:
    """What lets the leases of all requests run out: no test waits until one is over."""

    def end() -> None:
        with psycopg.connect(store_url, autocommit=True) as connection:
            connection.execute("UPDATE inbox SET lease_until = clock_timestamp() - interval '1 s'")

    return end


async def carried_out(service: Service, store: PostgresStore, **request: Any) -> View | None:
    """Accept a request, claim it and carry it out."""
    assert await service.accept(asked(**request))
    return await service.control(await claimed(store))


async def claimed(store: PostgresStore, *, lease_s: float = 30) -> Claimed:
    taken = await store.inbox.claim(lease_s=lease_s)
    assert taken is not None
    return taken


# --- reads ------------------------------------------------------------------------------------------------------------


async def test_a_read_is_answered_without_a_store(scene: Stage) -> None:
    """Reading goes on while the database is away, or where there never was one."""
    view = await scene.service().ask(asked("status"))
    assert (view.summary, view.exit_code) == ("shop is healthy", 0)


async def test_a_read_goes_where_it_is_told(scene: Stage) -> None:
    """The words `-n` and `--cluster` choose among what is configured."""
    service = scene.service()
    await service.ask(asked("status"))
    await service.ask(asked("status -n kube-system"))
    await service.ask(asked("status --cluster lab"))
    assert [str(scope) for scope in scene.cluster.asked] == ["shop on prod-eu", "kube-system on prod-eu", "lab on lab"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "status -n elsewhere",
            'The namespace "elsewhere" of prod-eu is not open to this bot. Open are: shop, kube-system.',
        ),
        ("status --cluster moon", 'There is no cluster "moon" here. There are: prod-eu, lab.'),
        ("stauts", 'There is no command "stauts".'),
        ("status apii", 'There is no workload "apii" in shop.'),
        ("status --nope", 'status has no option "--nope".'),
        ("share status", "share is no reading command."),
    ],
)
async def test_what_makes_no_sense_is_an_answer(scene: Stage, text: str, words: str) -> None:
    """Nobody gets a stack trace for a typing error."""
    view = await scene.service().ask(asked(text))
    assert (view.summary, view.exit_code) == (words, 2)


async def test_the_page_of_a_person_is_shown_before_the_database_is_there(scene: Stage, tmp_path: Path) -> None:
    """How the places do is known without it; what waits is said to be unknown."""
    store = WaitingStore("postgresql://127.0.0.1:1/nowhere", tmp_path, scene.clock)
    view = await scene.service(store).ask(asked("home"))
    assert (view.summary, view.exit_code) == ("All is well in 3 places", 0)
    assert "cannot be told: The database is still starting." in repr(view.blocks)


async def test_the_logs_of_what_crashes_are_read(scene: Stage) -> None:
    """The verb gets the ports it names, and the log is in the answer."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    key = LogKey("api-1", "api", previous=False)
    scene = stage(
        snapshot(workload, replicas, pod(replicas, crash_looping(), name="api-1")), {key: log_of("boom: error")}
    )
    view = await scene.service().ask(asked("status"))
    assert scene.logs.asked == [key]
    assert "boom: error" in repr(view.blocks)


async def test_a_failure_names_a_reference_and_changes_nothing(scene: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The same four characters are in the answer and in the log."""
    scene.cluster.problem = ClusterUnreachable("The API server did not answer within 5 s.")
    view = await scene.service().ask(asked("status"))
    assert view.exit_code == 2
    assert isinstance(view.data, dict)
    reference = view.data["reference"]
    assert re.fullmatch("[2-9A-Z]{4}", reference)
    assert any(getattr(record, "reference", "") == reference for record in caplog.records)
    assert "Nothing was changed." in repr(view.blocks)
    assert view.blocks[-1] == Buttons((Button("Try again", "status", replaces=True),))


async def test_a_person_without_the_role_is_refused(scene: Stage) -> None:
    """With who could, and nothing is read."""
    view = await scene.service().ask(asked("status", by="U-nil"))
    assert view.summary == (
        "You can't use status: that needs the role viewer, operator, approver or admin (you have: no role)."
    )
    assert "Operators are @rag-oncall and 1 person by name." in repr(view.blocks)
    assert scene.cluster.asked == []


async def test_a_guest_learns_nothing_about_roles(scene: Stage) -> None:
    """Only that guests may not."""
    view = await scene.service().ask(asked("status", by="U-gus"))
    assert view.summary == "You can't use status: guests of the workspace may not use this bot."
    assert "@rag-oncall" not in repr(view.blocks)


async def test_a_directory_that_does_not_answer_denies(scene: Stage) -> None:
    """Every doubt ends in "no", and says why."""
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await scene.service().ask(asked("status"))
    assert view.summary == "You can't use status: your groups could not be read (Slack did not answer)."
    assert (await scene.service().ask(asked("help"))).exit_code == 0


async def test_a_refused_read_is_audited(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """Who asked what, where, and why not; a read that is answered leaves nothing."""
    service = scene.service(store)
    await service.ask(asked("status search", by="U-vic"))
    assert rows("audit") == []
    await service.ask(asked("status search", by="U-nil"))
    [entry] = rows("audit")
    assert [entry[name] for name in ("actor", "action", "subject", "result")] == ["U-nil", "status", "C1", "refused"]
    assert json.loads(entry["detail"]) == {
        "surface": "command",
        "command": "status search",
        "permission": "read",
        "said": "needs the role viewer, operator, approver or admin for search in shop on prod-eu",
        "team": "T1",
        "request": "k1",
        "roles": "",
    }


async def test_a_refused_read_does_not_wait_for_the_store(
    scene: Stage, store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The person is refused all the same, and what the audit lacks is in the log, and said to be lacking."""
    await store.close()
    view = await scene.service(store).ask(asked("status", by="U-nil"))
    assert view.summary.startswith("You can't use status")
    missed = [record for record in caplog.records if getattr(record, "event", "") == "audit_missed"]
    assert [(getattr(each, "actor", ""), getattr(each, "verb", "")) for each in missed] == [("U-nil", "status")]


@dataclass
class Counts(Unmetered):
    """What was counted."""

    commands: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def commanded(self, verb: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.commands.append((verb, result))

    def refused(self, permission: str, why: str) -> None:
        self.refusals.append((permission, why))


async def test_commands_and_refusals_are_counted_by_their_end(scene: Stage, store: PostgresStore) -> None:
    """Reads and what was kept alike; a word that is no command counts without one."""
    counts = Counts()
    service = scene.service(store, meter=counts)
    await service.ask(asked("status"))
    await service.ask(asked("status apii"))
    await service.ask(asked("stauts"))
    await service.ask(asked("status", by="U-nil"))
    await service.ask(asked("status", by="U-gus"))
    await carried_out(service, store, text="share status", by="U-nil")
    scene.cluster.problem = ClusterUnreachable()
    await service.ask(asked("status"))
    scene.directory.problem = DirectoryUnavailable()
    await service.ask(asked("status"))
    assert counts.commands == [
        ("status", "ok"),
        ("status", "misunderstood"),
        ("", "misunderstood"),
        ("status", "refused"),
        ("status", "refused"),
        ("share", "refused"),
        ("status", "failed"),
        ("status", "refused"),
    ]
    assert counts.refusals == [("read", "no_role"), ("read", "standing"), ("share", "no_role"), ("read", "look_up")]


async def test_what_breaks_or_takes_too_long_does_not_count_as_well(scene: Stage, store: PostgresStore) -> None:
    """Read at once, or carried out later: an operator looks at these counts."""

    async def observe(_: NoParams, __: Sources) -> None:
        if slow:
            patience.reschedule(asyncio.get_running_loop().time())
            await asyncio.sleep(60)
        raise RuntimeError("a bug")

    def render(_: NoParams, __: None, setting: Setting) -> View:
        return View(setting.command, (Headline(setting.command),))

    counts, slow = Counts(), False
    verb = Query(name="peek", summary="Look", observe=observe, render=render, params=NoParams)
    service = scene.service(store, registry=Registry([verb]), meter=counts)
    for slow in (False, True):
        for carry_out in (service.ask(asked("peek")), carried_out(service, store, text="peek", key=f"slow {slow}")):
            with pytest.raises((RuntimeError, TimeoutError)):
                async with asyncio.timeout(None) as patience:
                    await carry_out
    assert counts.commands == [("peek", "broken")] * 4


async def test_the_terminal_reads_with_its_own_rights(scene: Stage) -> None:
    """Nobody is looked up."""
    view = await scene.service().ask(asked("status", by="", local=True, surface=Surface.TERMINAL))
    assert view.exit_code == 0
    assert scene.directory.asked == []


async def test_a_verb_sees_only_what_it_names(scene: Stage) -> None:
    """Capability by argument: what is not in `needs` is not handed over."""
    handed: list[Sources] = []

    async def observe(_: NoParams, sources: Sources) -> None:
        handed.append(sources)

    def render(_: NoParams, __: None, setting: Setting) -> View:
        return View(setting.command, (Headline(setting.command),))

    verb = Query(
        name="peek", summary="Look", observe=observe, render=render, params=NoParams, needs=frozenset({Need.CATALOGUE})
    )
    await scene.service(registry=Registry([verb])).ask(asked("peek"))
    [sources] = handed
    assert (sources.scope, sources.now) == (SCOPE, scene.clock.now())
    assert sources.catalogue is not None
    assert [sources.cluster, sources.logs, sources.registry, sources.rights, sources.ask] == [None] * 5


# --- the rate limit ---------------------------------------------------------------------------------------------------


async def test_too_many_commands_are_refused_in_words(scene: Stage) -> None:
    """Each person has a count of their own."""
    service = scene.service(hot=CountingLimiter(), limits=RateLimits(person=2))
    answers = [await service.ask(asked("status")) for _ in range(3)]
    assert [view.exit_code for view in answers] == [0, 0, 2]
    assert answers[-1].summary == "That was more than 2 commands in a minute; wait a little."
    assert (await service.ask(asked("status", by="U-vic"))).exit_code == 0


async def test_the_terminal_is_not_counted(scene: Stage) -> None:
    """It is one person with their own kubeconfig."""
    hot = CountingLimiter()
    await scene.service(hot=hot).ask(asked("status", by="", local=True))
    assert hot.counts == {}


async def test_a_channel_has_a_count_of_its_own(scene: Stage) -> None:
    """Many people cannot do together what one may not do alone; another channel is not held up."""
    service = scene.service(hot=CountingLimiter(), limits=RateLimits(channel=2))
    people = ("U-ann", "U-vic", "U-ann")
    answers = [await service.ask(asked("status", by=each)) for each in people]
    assert [view.exit_code for view in answers] == [0, 0, 2]
    assert answers[-1].summary == "This channel sent more than 2 commands in a minute; wait a little."
    assert (await service.ask(asked("status", place=Place("C2")))).exit_code == 0


async def test_what_is_over_a_limit_is_looked_at_no_further(scene: Stage) -> None:
    """Neither the person's rights nor the cluster."""
    service = scene.service(hot=CountingLimiter(), limits=RateLimits(person=0))
    await service.ask(asked("status"))
    assert (scene.directory.asked, scene.cluster.asked) == ([], [])


# --- what must be kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "surface", "kept"),
    [
        ("status", Surface.COMMAND, False),
        ("status", Surface.BUTTON, False),
        ("status", Surface.MENTION, True),
        ("", Surface.MENTION, True),
        ("status", Surface.DIRECT, True),
        ("status", Surface.HOME, False),
        ("status", Surface.FORM, False),
        ("share status", Surface.FORM, True),
        ("share status", Surface.COMMAND, True),
        ("share status", Surface.BUTTON, True),
        ("nonsense", Surface.MENTION, False),
        ("share", Surface.COMMAND, False),
    ],
)
def test_what_is_kept_is_known_before_the_acknowledgement(
    scene: Stage, text: str, surface: Surface, kept: bool
) -> None:
    """What changes something or is seen by all; never what makes no sense."""
    assert scene.service().must_keep(asked(text, surface=surface)) is kept


async def test_without_a_store_nothing_is_accepted(scene: Stage) -> None:
    """And it is said, rather than lost."""
    with pytest.raises(NotAccepted, match="no database"):
        await scene.service().accept(asked("share status"))


async def test_a_store_that_is_away_accepts_nothing(scene: Stage, store: PostgresStore) -> None:
    """The answer says so; nothing is promised."""
    await store.close()
    with pytest.raises(NotAccepted, match="not accepted") as raised:
        await scene.service(store).accept(asked("share status"))
    assert isinstance(raised.value.__cause__, StoreUnavailable)


@pytest.mark.parametrize(
    ("unchanged", "said", "told"),
    [
        ("Nothing was changed.", "The request was not accepted: The wire broke.", "Nothing was changed."),
        (
            "It may or may not have been written.",
            "The request may not have been accepted: The wire broke.",
            "It may or may not have been written.",
        ),
    ],
    ids=["surely not", "in doubt"],
)
async def test_a_doubtful_commit_is_told_as_one(scene: Stage, unchanged: str, said: str, told: str) -> None:
    """Nobody is told that nothing was changed when that is not known."""
    broken = StoreUnavailable("The wire broke.")
    broken.unchanged = unchanged

    @dataclass(frozen=True, slots=True)
    class Inbox:
        async def accept(self, request: Request) -> bool:  # noqa: ARG002  # as in the port
            raise broken

    @dataclass(frozen=True, slots=True)
    class Store:
        inbox: Inbox

    store: Any = Store(Inbox())
    with pytest.raises(NotAccepted) as raised:
        await scene.service(store).accept(asked("share status"))
    assert (raised.value.message, raised.value.unchanged) == (said, told)


async def test_what_is_posted_holds_nothing_for_programs(scene: Stage, store: PostgresStore) -> None:
    """An answer to a mention is kept once, as what people see."""
    await carried_out(scene.service(store), store, text="status", surface=Surface.MENTION)
    outgoing = await store.outbox.claim(lease_s=10)
    assert outgoing is not None
    assert outgoing.post.view.summary == "shop is healthy"
    assert outgoing.post.view.data is None


async def test_a_repeated_delivery_is_recognised(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """However often the platform repeats itself, the request is kept once."""
    service = scene.service(store)
    accepted = [await service.accept(asked("share status")) for _ in range(3)]
    assert accepted == [True, False, False]
    assert len(rows("inbox")) == 1


async def test_sharing_is_one_transaction(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """The message, the audit entry and the request's end are there together."""
    view = await carried_out(scene.service(store), store, text="share status")
    assert view is not None
    assert view.summary == "On its way to everybody here."
    assert [(row["state"], row["reply_to"]) for row in rows("inbox")] == [("done", "")]
    assert [row["channel"] for row in rows("outbox")] == ["C1"]
    [entry] = rows("audit")
    assert [entry[name] for name in ("actor", "action", "subject", "result")] == ["U-ann", "share", "C1", "done"]
    assert "share status" in entry["detail"]


async def test_what_is_shared_names_who_shared_it_and_hides_nothing_private(scene: Stage, store: PostgresStore) -> None:
    """Others see the same answer, without "only you see this"."""
    await carried_out(scene.service(store), store, text="share status")
    outgoing = await store.outbox.claim(lease_s=10)
    assert outgoing is not None
    words = repr(outgoing.post.view.blocks)
    assert "Shared by " in words
    assert "U-ann" in words
    assert "only you see this" not in words


async def test_a_lost_lease_leaves_nothing(
    scene: Stage, store: PostgresStore, rows: Rows, leases_end: LeasesEnd
) -> None:
    """Whoever took the request over does the work; the loser's effects are undone."""
    service = scene.service(store)
    await service.accept(asked("share status"))
    lost = await claimed(store)
    leases_end()
    await claimed(store)
    with pytest.raises(Lost):
        await service.control(lost)
    assert rows("outbox") == []
    assert rows("audit") == []
    assert [row["state"] for row in rows("inbox")] == ["received"]


async def test_a_lost_lease_of_a_refusal_leaves_nothing_either(
    scene: Stage, store: PostgresStore, rows: Rows, leases_end: LeasesEnd
) -> None:
    """A refusal is audited once, by whoever holds the lease."""
    service = scene.service(store)
    await service.accept(asked("share status", by="U-nil"))
    lost = await claimed(store)
    leases_end()
    await service.control(await claimed(store))
    with pytest.raises(Lost):
        await service.control(lost)
    assert len(rows("audit")) == 1


async def test_carrying_out_twice_has_one_effect(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """A process that was killed after the commit finds the request done."""
    service = scene.service(store)
    await service.accept(asked("share status"))
    taken = await claimed(store)
    await service.control(taken)
    with pytest.raises(Lost):
        await service.control(taken)
    assert len(rows("outbox")) == 1
    assert len(rows("audit")) == 1


async def test_a_refusal_is_audited(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """Who tried what, and that it was refused; the person hears why."""
    view = await carried_out(scene.service(store), store, text="share status", by="U-nil")
    assert view is not None
    assert view.summary.startswith("You can't use share: that needs the role ")
    [entry] = rows("audit")
    assert (entry["actor"], entry["action"], entry["result"]) == ("U-nil", "share", "refused")
    assert rows("outbox") == []
    assert [row["state"] for row in rows("inbox")] == ["done"]


async def test_rights_are_decided_again_when_it_is_carried_out(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """Whoever lost the role between the click and the work may not any more; the look is a fresh one."""
    service = scene.service(store)
    await service.accept(asked("share status"))
    del scene.directory.people["U-ann"]
    view = await service.control(await claimed(store))
    assert view is not None
    assert "other workspaces" in view.summary
    assert scene.directory.asked == [("U-ann", True)]
    assert rows("outbox") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("share share status", "share is no reading command, so its answer cannot be shared."),
        ("share stauts", 'There is no command "stauts".'),
        (
            "share status -n elsewhere",
            'The namespace "elsewhere" of prod-eu is not open to this bot. Open are: shop, kube-system.',
        ),
    ],
)
async def test_what_cannot_be_shared_is_told_to_its_person_alone(
    scene: Stage, store: PostgresStore, rows: Rows, text: str, words: str
) -> None:
    """Nobody else hears of it; the request has ended."""
    view = await carried_out(scene.service(store), store, text=text)
    assert view is not None
    assert view.summary == words
    assert rows("outbox") == []
    assert [row["state"] for row in rows("inbox")] == ["done"]


async def test_sharing_needs_a_channel(scene: Stage, store: PostgresStore) -> None:
    """Without one there is nobody to share with."""
    view = await carried_out(scene.service(store), store, text="share status", place=Place(""))
    assert view is not None
    assert view.summary == "There is no channel here to share with."


async def test_a_shared_read_still_needs_its_own_right(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """Sharing is no way around the rights of the verb inside."""

    async def observe(_: NoParams, __: Sources) -> None:
        raise AssertionError("never looked at")

    def render(_: NoParams, __: None, ___: Setting) -> View:
        raise AssertionError("never shown")

    secret: Query[NoParams, None] = Query(
        name="secret", summary="x", observe=observe, render=render, params=NoParams, permission=Permission.ADMINISTER
    )
    service = scene.service(store, registry=Registry([*ALL_VERBS.all(), secret]))
    view = await carried_out(service, store, text="share secret")
    assert view is not None
    assert view.summary == "You can't use secret: that needs the role admin (you have: operator)."
    assert rows("outbox") == []


async def test_a_mention_of_a_read_is_posted_for_all(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """Into the thread it was asked in; the person gets nothing beside it, and a read needs no audit."""
    service = scene.service(store)
    view = await carried_out(service, store, text="status", surface=Surface.MENTION, place=Place("C1", "17.5"))
    assert view is None
    outgoing = await store.outbox.claim(lease_s=10)
    assert outgoing is not None
    assert outgoing.post.place == Place("C1", "17.5")
    assert outgoing.post.view.summary == "shop is healthy"
    assert "only you see this" not in repr(outgoing.post.view)
    assert rows("audit") == []


async def test_a_mention_that_fails_is_told_to_its_person_alone(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """With a reference; the channel is spared."""
    scene.cluster.problem = ClusterUnreachable()
    view = await carried_out(scene.service(store), store, text="status", surface=Surface.MENTION)
    assert view is not None
    assert "reference" in repr(view.data)
    assert rows("outbox") == []
    assert [entry["result"] for entry in rows("audit")] == ["ClusterUnreachable"]


async def test_without_the_store_the_request_stays(scene: Stage, store: PostgresStore) -> None:
    """What could not be committed is raised, so that it is tried again."""
    service = scene.service(store)
    await service.accept(asked("share status"))
    taken = await claimed(store)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await service.control(taken)
    with pytest.raises(StoreUnavailable):
        await scene.service().control(taken)


async def test_a_control_that_needs_the_store_is_tried_again(scene: Stage, store: PostgresStore, rows: Rows) -> None:
    """A database that goes away in the middle is no refusal: the request is not ended."""

    async def act(_: NoParams, __: Sources) -> Outcome:
        raise StoreUnavailable

    verb = Control(name="keep", summary="x", act=act, params=NoParams, permission=Permission.READ)
    service = scene.service(store, registry=Registry([verb]))
    await service.accept(asked("keep"))
    with pytest.raises(StoreUnavailable):
        await service.control(await claimed(store))
    assert [row["state"] for row in rows("inbox")] == ["received"]
    assert rows("audit") == []


# --- changes ----------------------------------------------------------------------------------------------------------


async def test_a_change_is_kept_and_handed_to_the_engine(scene: Stage, store: PostgresStore) -> None:
    """With its parameters, its reason, and the ports that it names; the engine ends the request."""
    changes = RecordingChanges(store)
    service = scene.service(store, changes=changes)
    text = "restart search --reason 'it hangs' --replace"
    assert service.must_keep(asked(text))
    view = await carried_out(service, store, text=text)
    assert view is not None
    assert view.summary == "handed on"
    [change] = changes.asked
    assert (change.action.name, change.command, change.reason, change.replace) == ("restart", text, "it hangs", True)
    sources = change.sources
    assert (sources.scope, sources.where) == (SCOPE, Where(SCOPE, "search"))
    assert sources.changes is not None
    assert sources.record is store.record
    assert sources.operations is store.operations
    assert sources.audit is None


async def test_what_is_said_to_a_request_is_kept_and_handed_to_the_engine(scene: Stage, store: PostgresStore) -> None:
    """Anybody of the workspace may try."""
    changes = RecordingChanges(store)
    service = scene.service(store, changes=changes)
    await carried_out(service, store, text="deny 3f9a12c0 not now", by="U-nil")
    [(decision, params)] = changes.decided
    assert (decision.kind, params.request, params.words) == (DecisionKind.DENY, "3f9a12c0", "not now")


@pytest.mark.parametrize("text", ["restart search", "approve 3f9a12c0"])
async def test_where_nothing_is_changed_it_is_said(scene: Stage, store: PostgresStore, rows: Rows, text: str) -> None:
    """The request is over and on record."""
    view = await carried_out(scene.service(store), store, text=text)
    assert view is not None
    assert (view.summary, view.exit_code) == ("Nothing is changed from here.", 2)
    assert [row["result"] for row in rows("audit")] == ["NotAccepted"]


async def test_a_change_is_no_reading_command(scene: Stage) -> None:
    """Without previews it is not even planned."""
    assert (await scene.service().ask(asked("restart search"))).summary == "restart is no reading command."
    assert (await scene.service().ask(asked("approve 3f9a12c0"))).summary == "approve is said in chat alone."


async def test_whoever_lost_a_request_to_another_worker_hears_nothing_of_it(
    scene: Stage, store: PostgresStore, leases_end: LeasesEnd
) -> None:
    """The engine's word for that passes through."""
    service = scene.service(store, changes=RecordingChanges(store))
    assert await service.accept(asked("restart search"))
    late = await claimed(store)
    leases_end()
    assert await service.control(await claimed(store)) is not None
    with pytest.raises(Lost):
        await service.control(late)


# --- terminals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terminals", "words"),
    [
        ({}, 'The user of this kubeconfig, "ann@example.com", stands for nobody'),
        ({"ann@example.com": "U-vic"}, 'The user of that kubeconfig, "ann@example.com", is somebody else here.'),
    ],
    ids=["unknown here", "somebody else here"],
)
async def test_the_configuration_of_here_says_who_is_at_a_terminal(
    scene: Stage, store: PostgresStore, terminals: dict[str, str], words: str
) -> None:
    """Not that of the terminal, which may have been changed by whoever sits there."""
    changes = RecordingChanges(store)
    service = scene.service(store, changes=changes, change_policy=ChangePolicy(terminals=terminals))
    there = ChangePolicy(terminals={"ann@example.com": "U-ann"})
    request = terminal_request(there, "ann@example.com", "restart search", nonce="1")
    assert await service.accept(request)
    view = await service.control(await claimed(store))
    assert view is not None
    assert view.summary.startswith(words)
    assert changes.asked == []


async def test_a_person_at_a_terminal_has_the_rights_that_they_have_in_chat(scene: Stage, store: PostgresStore) -> None:
    """Looked up in the workspace, under their own account."""
    changes = RecordingChanges(store)
    policy = ChangePolicy(terminals={"ann@example.com": "U-ann", "vic@example.com": "U-vic"})
    service = scene.service(store, changes=changes, change_policy=policy)
    summaries = []
    for user in policy.terminals:
        assert await service.accept(terminal_request(policy, user, "restart search", nonce="1"))
        view = await service.control(await claimed(store))
        assert view is not None
        summaries.append(view.summary)
    assert summaries[0] == "handed on"
    assert summaries[1].startswith("You can't use restart: that needs the role operator")
    [change] = changes.asked
    assert change.sources.request.actor == Actor("U-ann", TEAM)
