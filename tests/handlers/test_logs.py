from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.objects import Container, Owner, Pod, Role
from bot.domain.snapshot import LogKey, LogLine, LogQuery, LogRead, Part, Snapshot
from bot.domain.text import Redacted
from bot.domain.view import Code, Span, View
from bot.errors import UsageError
from bot.ports import Sources
from bot.slack.outbound.planner import plan_view
from handlers import logs
from handlers.logs import merge, span
from tests.support.answers import answer, buttons, data, rows
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
    running,
    snapshot,
    waiting,
)
from tests.support.service import asked, stage

API = deployment(desired=2)
REPLICAS = replica_set(API)
ONE = pod(REPLICAS, name="api-6d5f-aaaaa")
TWO = pod(REPLICAS, name="api-6d5f-bbbbb")
HOSTILE = "<!channel> *bold* `code` ```fence``` <https://evil.example|click>"


def at(second: float, text: str) -> LogLine:
    """A line that was written so many seconds after 21:59."""
    return LogLine(datetime(2026, 11, 24, 21, 59, tzinfo=UTC) + timedelta(seconds=second), Redacted(text))


def undated(text: str) -> LogLine:
    return LogLine(None, Redacted(text))


def key(of: Pod, name: str = "api", *, previous: bool = False) -> LogKey:
    return LogKey(of.meta.name, name, previous)


def read(*lines: LogLine, problem: str = "", masked: int = 0) -> LogRead:
    return LogRead(lines, problem, masked)


async def look(shown: Snapshot, text: str, reads: Mapping[LogKey, LogRead] | None = None) -> View:
    return await answer(shown, text, logs=reads)


async def queries(shown: Snapshot, text: str) -> list[LogQuery]:
    """What was asked of the logs."""
    scene = stage(shown)
    await scene.service().ask(asked(text))
    return scene.logs.queries


def code(view: View) -> list[str]:
    [block] = [block for block in view.blocks if isinstance(block, Code)]
    return block.text.splitlines()


# --- merging ----------------------------------------------------------------------------------------------------------


async def test_the_lines_of_all_pods_are_merged_by_time() -> None:
    """Each says in short whose it is."""
    view = await look(
        snapshot(API, REPLICAS, ONE, TWO),
        "logs search",
        {key(ONE): read(at(1, "a1"), at(3, "a3")), key(TWO): read(at(2, "b2"), at(3, "b3"))},
    )
    assert code(view) == [
        "21:59:01 […-aaaaa] a1",
        "21:59:02 […-bbbbb] b2",
        "21:59:03 […-aaaaa] a3",
        "21:59:03 […-bbbbb] b3",
    ]
    assert view.summary == "search: 4 lines of 2 logs"
    assert "The first of these lines is of 2026-11-24 21:59:01 UTC, 59 s ago" in rows(view)
    assert view.exit_code == 0


async def test_a_line_without_a_time_stays_below_its_own() -> None:
    """A traceback is not torn apart by another pod's lines."""
    view = await look(
        snapshot(API, REPLICAS, ONE, TWO),
        "logs api",
        {
            key(ONE): read(undated("before all"), at(1, "Traceback"), undated("  File x"), at(5, "later")),
            key(TWO): read(at(2, "b2")),
        },
    )
    assert [row.rpartition("] ")[2] for row in code(view)] == ["before all", "Traceback", "  File x", "b2", "later"]
    assert code(view)[2] == "[…-aaaaa]   File x"


LINES = st.lists(st.builds(LogLine, st.none() | st.datetimes(timezones=st.just(UTC)), st.just(Redacted("x"))))


@given(st.lists(LINES, max_size=4))
def test_merging_keeps_every_line_and_the_order_of_ordered_logs(logs_: list[list[LogLine]]) -> None:
    """Nothing is lost; whatever a log's own order by time was, stays."""
    reads = {
        LogKey(f"p{number}", "c", previous=False): LogRead(
            tuple(sorted(lines, key=lambda one: one.at or datetime.min.replace(tzinfo=UTC)))
        )
        for number, lines in enumerate(logs_)
    }
    merged = merge(reads)
    for one, kept in reads.items():
        assert [line for key_, line in merged if key_ == one] == list(kept.lines)


async def test_one_log_needs_no_labels() -> None:
    """Its name stands above."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs api", {key(ONE): read(at(1, "a"))})
    assert code(view) == ["21:59:01 a"]
    assert view.summary == "search: 1 line of 1 log"


async def test_containers_are_told_apart() -> None:
    """By their names; pods with equal ends by theirs."""
    pods = [pod(REPLICAS, container(), container(name="proxy"), name=name) for name in ("x-1", "y-1")]
    reads = {key(each, name): read(at(1, "hi")) for each in pods for name in ("api", "proxy")}
    assert code(await look(snapshot(API, REPLICAS, *pods), "logs api", reads)) == [
        "21:59:01 [x-1/api] hi",
        "21:59:01 [x-1/proxy] hi",
        "21:59:01 [y-1/api] hi",
        "21:59:01 [y-1/proxy] hi",
    ]
    assert code(await look(snapshot(API, REPLICAS, pods[0]), "logs api", reads))[0] == "21:59:01 [api] hi"


async def test_lines_of_other_days_carry_their_date() -> None:
    """A clock alone would lie about a log that was written the day before."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs api", {key(ONE): read(at(-86_400, "old"), at(1, "new"))})
    assert code(view) == ["11-23 21:59:00 old", "11-24 21:59:01 new"]


# --- which run --------------------------------------------------------------------------------------------------------

CRASHED = ended(1)


@pytest.mark.parametrize(
    ("shown", "current", "before"),
    [
        (container(running(for_s=9), last=CRASHED, restarts=1), False, True),
        (crash_looping(CRASHED), False, False),
        (container(CRASHED), False, False),
        (container(CRASHED, last=CRASHED, restarts=1), False, False),
        (container(running()), False, None),
        (container(waiting("ContainerCreating")), False, None),
        (container(ended(0, "Completed")), False, None),
    ],
    ids=["runs again", "waits after a crash", "just crashed", "crashed again", "never crashed", "not started", "done"],
)
async def test_the_run_is_chosen_by_the_state(shown: Container, current: bool, before: bool | None) -> None:
    """Only while the next run is on, the crash is the previous one; until then its log is the current one."""
    seen = snapshot(API, REPLICAS, pod(REPLICAS, shown, name="api-1"))
    assert [query.key.previous for query in await queries(seen, "logs api")] == [current]
    asked_for = [query.key.previous for query in await queries(seen, "logs api --previous")]
    assert asked_for == ([] if before is None else [before])


async def test_without_a_run_before_it_is_said() -> None:
    """Instead of an empty answer."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs search -p")
    assert view.summary == "No container of search has run before: none was restarted."
    assert data(view)["suggestions"] == ["logs search"]
    assert view.exit_code == 2


async def test_init_containers_that_did_their_work_are_left_out() -> None:
    """They are read when they are asked for, or when they failed."""
    done = container(ended(0, "Completed"), name="migrate", role=Role.INIT)
    failed = container(ended(3), name="check", role=Role.INIT)
    seen = snapshot(API, REPLICAS, pod(REPLICAS, done, failed, container(waiting("PodInitializing")), name="api-1"))
    assert [query.key.container for query in await queries(seen, "logs api")] == ["check", "api"]
    assert [query.key.container for query in await queries(seen, "logs api -c migrate")] == ["migrate"]


# --- whose, and how much ----------------------------------------------------------------------------------------------


async def test_a_pod_can_be_named() -> None:
    """With and without its kind."""
    seen = snapshot(API, REPLICAS, ONE, TWO)
    for word in ("api-6d5f-bbbbb", "pod/api-6d5f-bbbbb"):
        assert [query.key.pod for query in await queries(seen, f"logs {word}")] == ["api-6d5f-bbbbb"]


async def test_a_job_can_be_named() -> None:
    """It has pods of its own."""
    backfill = job()
    owned = pod(Owner("Job", backfill.meta.name, backfill.meta.uid), container(CRASHED), name="backfill-1")
    seen = snapshot(API, backfill, owned, ONE)
    for word in ("backfill", "job/backfill"):
        assert [query.key.pod for query in await queries(seen, f"logs {word}")] == ["backfill-1"]


async def test_the_bounds_are_handed_on() -> None:
    """A hundred lines of each unless said, and no span."""
    seen = snapshot(API, REPLICAS, ONE)
    [plain] = await queries(seen, "logs api")
    assert (plain.tail, plain.since_s) == (100, None)
    [bounded] = await queries(seen, "logs api --since 10m --tail 7")
    assert (bounded.tail, bounded.since_s) == (7, 600)


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("90s", 90), ("10m", 600), ("2H", 7200), ("1d", 86400), ("30d", 2592000)]
)
def test_a_span_is_a_number_and_a_unit(text: str, seconds: int | None) -> None:
    """In either case."""
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["10", "0s", "m", "-1m", "5w", "1.5h", "1h30m", " 1h", "31d", "99999999s", "١s"])
def test_other_spans_are_refused(text: str) -> None:
    """With examples of what is one."""
    with pytest.raises(UsageError, match="such as 90s, 10m, 2h or 1d"):
        span(text)


@pytest.mark.parametrize("words", ["--tail 0", "--tail 5001", "--since soon", f"--grep {'x' * 201}"])
async def test_bounds_out_of_range_are_refused(words: str) -> None:
    """Nothing is read."""
    scene = stage(snapshot(API, REPLICAS, ONE))
    assert (await scene.service().ask(asked(f"logs api {words}"))).exit_code == 2
    assert scene.logs.queries == []


async def test_lines_can_be_searched() -> None:
    """For a text, in either case; it is no pattern."""
    reads = {key(ONE): read(at(1, "an ERROR (a.b)"), at(2, "fine"), at(3, "axb"))}
    view = await look(snapshot(API, REPLICAS, ONE), "logs api --grep 'error (A.b'", reads)
    assert code(view) == ["21:59:01 an ERROR (a.b)"]
    assert view.summary == 'search: 1 line with "error (A.b" of 1 log'


async def test_a_search_that_finds_nothing_says_what_was_searched() -> None:
    """More can be read."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs api --grep zzz", {key(ONE): read(at(1, "a"), at(2, "b"))})
    assert "2 lines were searched; --tail reads more." in rows(view)
    assert view.exit_code == 0


async def test_no_more_than_twenty_logs_are_read() -> None:
    """The rest is said to be left out."""
    pods = [pod(REPLICAS, name=f"api-{number:02d}") for number in range(23)]
    view = await look(snapshot(API, REPLICAS, *pods), "logs api", {key(each): read(at(1, "x")) for each in pods})
    assert view.summary == "search: 20 lines of 20 logs"
    assert "3 more logs not read: name a pod or a container" in rows(view)


async def test_no_more_than_five_thousand_lines_are_shown() -> None:
    """The newest, and it is said."""
    reads = {key(each): read(*(at(number, f"n{number}") for number in range(3000))) for each in (ONE, TWO)}
    view = await look(snapshot(API, REPLICAS, ONE, TWO), "logs api --tail 5000", reads)
    assert len(code(view)) == len(data(view)["lines"]) == 5000
    assert code(view)[-1].endswith("n2999")
    assert "The last 5000 lines of 6000 are shown." in rows(view)


# --- what could not be read, and what is not there --------------------------------------------------------------------


async def test_one_log_that_fails_does_not_void_the_rest() -> None:
    """Its reason stands beside what was read; equal reasons stand together."""
    pods = [pod(REPLICAS, name=f"api-{number}") for number in range(6)]
    reads = {key(pods[0]): read(at(1, "x"), masked=2), key(pods[1]): read(problem="the pod is gone")}
    view = await look(snapshot(API, REPLICAS, *pods), "logs api", reads)
    shown = rows(view)
    assert "api-1/api: the pod is gone" in shown
    assert "api-2/api, api-3/api, api-4/api and 1 more: there is no such log" in shown
    assert "2 secrets masked" in shown
    assert view.exit_code == 0
    assert data(view)["problems"][0] == {"pod": "api-1", "container": "api", "problem": "the pod is gone"}


async def test_many_reasons_are_cut_with_a_number() -> None:
    """Five are enough to see what is going on."""
    pods = [pod(REPLICAS, name=f"api-{number}") for number in range(8)]
    reads = {key(each): read(problem=f"reason {number}") for number, each in enumerate(pods)}
    assert "… and 3 other reasons with other logs." in rows(
        await look(snapshot(API, REPLICAS, *pods), "logs api", reads)
    )


async def test_no_log_at_all_is_a_failure() -> None:
    """Not silence: a script sees it."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs api")
    assert rows(view)[:2] == ["? search: no log could be read", "api-6d5f-aaaaa/api: there is no such log"]
    assert view.exit_code == 2


async def test_an_empty_log_is_never_called_silence() -> None:
    """It may have been rotated away a moment ago."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs api", {key(ONE): read()})
    assert view.summary == "search: 0 lines of 1 log"
    assert any(row.startswith("No line is no proof of silence") for row in rows(view))
    assert not any(isinstance(block, Code) for block in view.blocks)


@pytest.mark.parametrize(
    ("shown", "text", "summary", "suggestions"),
    [
        (snapshot(API), "logs api", "search has no pods, so there are no logs.", ["describe api"]),
        (
            snapshot(API, parts={Part.PODS: missing("no right")}),
            "logs api",
            "The pods of search could not be read: no right.",
            [],
        ),
        (
            snapshot(API, REPLICAS, ONE),
            "logs api -c apu",
            'search has no container "apu". It has: api.',
            ["logs api --container api"],
        ),
        (
            snapshot(API, REPLICAS, pod(REPLICAS, container(name="a"), container(name="b"))),
            "logs api -c zzz",
            'search has no container "zzz". It has: a, b.',
            [],
        ),
        (snapshot(API), "logs serch --tail 5", 'There is no workload "serch" in shop.', ["logs search --tail 5"]),
    ],
    ids=["no pods", "pods unread", "container mistyped", "container unknown", "workload mistyped"],
)
async def test_what_cannot_be_read_is_refused_in_words(
    shown: Snapshot, text: str, summary: str, suggestions: list[str]
) -> None:
    """With what can be."""
    view = await look(shown, text)
    assert (view.summary, view.exit_code) == (summary, 2)
    assert data(view)["suggestions"] == suggestions


async def test_a_container_that_has_no_state_yet_has_no_log() -> None:
    """Its pod is not scheduled."""
    fresh = pod(REPLICAS, name="api-1", phase="Pending")
    fresh = Pod(meta=fresh.meta, phase="Pending", containers=(Container(name="api"),))
    view = await look(snapshot(API, REPLICAS, fresh), "logs api")
    assert view.summary == "No container of search has started yet, so there are no logs."


# --- how it is shown --------------------------------------------------------------------------------------------------


async def test_a_long_log_becomes_a_file_where_files_are_possible() -> None:
    """Of which the answer shows both ends; alone, a person is told how to get it."""
    reads = {key(ONE): read(*(at(number / 10, f"line {number} {'x' * 60}") for number in range(500)))}
    view = await look(snapshot(API, REPLICAS, ONE), "logs api --tail 500", reads)
    shared = plan_view(view, nonce="n", files_allowed=True)
    assert [file.title for file in shared.files] == ["search-logs.txt"]
    assert len(shared.messages) == 1
    private = plan_view(view, nonce="n", files_allowed=False)
    assert private.files == ()
    assert "share the answer to get all of it as a file" in repr(private.messages)


async def test_hostile_lines_stay_plain() -> None:
    """They are text in a block of text; whoever renders escapes them."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs api", {key(ONE): read(at(1, HOSTILE), problem=HOSTILE)})
    assert code(view) == [f"21:59:01 {HOSTILE}"]
    spans = [part for block in view.blocks for row in getattr(block, "lines", ()) for part in row]
    assert all(isinstance(part, Span) and not part.bold and not part.code for part in spans)


async def test_the_other_run_is_one_press_away() -> None:
    """Of the same container."""
    reads = {key(ONE): read(at(1, "x"))}
    seen = snapshot(API, REPLICAS, ONE, pod(REPLICAS, crash_looping(), name="api-9"))
    assert buttons(await look(seen, "logs api -c api", reads)) == {
        "Refresh": "logs api -c api",
        "Run before": "logs api --previous --container api",
        "Describe": "describe api",
        "Share": "share logs api -c api",
    }
    assert buttons(await look(seen, "logs api -p", reads))["This run"] == "logs api"


async def test_a_run_that_never_was_is_not_offered() -> None:
    """The button would lead to a refusal; that of another container that crashed makes no difference."""
    reads = {key(ONE): read(at(1, "x"))}
    assert "Run before" not in buttons(await look(snapshot(API, REPLICAS, ONE), "logs api", reads))
    beside = pod(REPLICAS, container(name="sidecar", last=ended()), container(), name="api-9")
    seen = snapshot(API, REPLICAS, beside)
    assert "Run before" not in buttons(await look(seen, "logs api -c api", {key(beside): read(at(1, "x"))}))


async def test_the_data_has_every_line() -> None:
    """With its exact time, or none."""
    view = await look(snapshot(API, REPLICAS, ONE), "logs api", {key(ONE): read(undated("a"), at(1.5, "b"), masked=1)})
    assert data(view) == {
        "cluster": "prod-eu",
        "namespace": "shop",
        "lines": [
            {"pod": "api-6d5f-aaaaa", "container": "api", "at": None, "text": "a"},
            {"pod": "api-6d5f-aaaaa", "container": "api", "at": "2026-11-24T21:59:01.500000+00:00", "text": "b"},
        ],
        "problems": [],
        "masked": 1,
    }


async def test_logs_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await logs.observe(logs.Params("api"), Sources(scope=SCOPE, request=asked("logs api"), now=NOW))
