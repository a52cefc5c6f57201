"""What is recorded by the minute: samples, problems and how long they last, what happened."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain.findings import Severity
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted
from bot.domain.watch.samples import Bucket, Problem, ProblemSpan, Sample, SampleAt
from bot.store.history import MOST_PROBLEMS, MOST_SAMPLES, PORTION
from bot.store.store import PostgresStore
from tests.support.watch_records import API, AT, SCOPE, WEB, WORKER, minute, note, problem, record, sample

Admin = psycopg.Connection[DictRow]

FULL = Sample(
    ref=API,
    desired=3,
    ready=2,
    restarts=7,
    cpu_m=250,
    cpu_share=0.125,
    memory=5 * 2**30,
    memory_share=0.97,
    probe_ms=12.5,
    probe_failed=False,
    warnings=4,
)


async def test_a_sample_comes_back_as_it_was(store: PostgresStore) -> None:
    """What is not known is not 0 afterwards; the oldest comes first."""
    await record(store, 1, samples=[sample(WORKER, desired=0, ready=0), FULL])
    await record(store, 0, samples=[replace(FULL, probe_failed=True)])
    assert await store.history.samples(SCOPE, since=AT) == (
        SampleAt(minute(0), replace(FULL, probe_failed=True)),
        SampleAt(minute(1), FULL),
        SampleAt(minute(1), sample(WORKER, desired=0, ready=0)),
    )


async def test_samples_are_those_of_a_place_a_workload_and_from_a_moment_on(store: PostgresStore) -> None:
    """A minute is there from its beginning."""
    for number in range(3):
        await record(store, number, samples=[FULL, sample(WORKER)])
    assert await store.history.samples(WEB, since=AT) == ()
    found = await store.history.samples(SCOPE, since=minute(1), ref=API)
    assert [(each.at, each.sample.ref) for each in found] == [(minute(1), API), (minute(2), API)]
    after = await store.history.samples(SCOPE, since=minute(1) + timedelta(seconds=1))
    assert {each.at for each in after} == {minute(2)}


async def test_a_minute_is_recorded_once(store: PostgresStore) -> None:
    """Whichever moment of it and whichever time zone it is given in; what was not there then is added."""
    await record(store, 0, samples=[FULL])
    async with store.transaction() as transaction:
        later = (AT + timedelta(seconds=59, microseconds=9)).astimezone(timezone(timedelta(hours=5, minutes=30)))
        await transaction.record(SCOPE, later, [replace(FULL, ready=0), sample(WORKER)], None)
    assert await store.history.samples(SCOPE, since=AT) == (
        SampleAt(minute(0), FULL),
        SampleAt(minute(0), sample(WORKER)),
    )


async def test_nonsense_does_not_stop_a_minute(store: PostgresStore) -> None:
    """Figures that are none are not known, others are bounded, names are cleaned."""
    odd = ObjectRef("Deployment", "payments", "a\x00\ud800" + "b" * 300)
    wrong = replace(
        FULL, ref=odd, restarts=2**40, ready=-1, memory=2**70, cpu_share=math.nan, probe_ms=math.inf, memory_share=-1.0
    )
    await record(store, 0, samples=[wrong, FULL])
    (found,) = [each.sample for each in await store.history.samples(SCOPE, since=AT) if each.sample.ref != API]
    assert found.ref.name == "a" + "b" * 251 + "…"
    assert (found.ready, found.restarts, found.memory) == (0, 2**31 - 1, 2**62)
    assert (found.cpu_share, found.probe_ms, found.memory_share) == (None, None, 0.0)


async def test_a_namespace_that_is_too_large_is_cut_and_said_once(
    store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The same workloads are kept each minute, whatever their order."""
    many = [sample(ObjectRef("Deployment", "payments", f"w{number:04}")) for number in range(MOST_SAMPLES + 20)]
    await record(store, 0, samples=many)
    await record(store, 1, samples=list(reversed(many)))
    found = await store.history.samples(SCOPE, since=AT)
    kept = [[each.sample for each in found if each.at == minute(number)] for number in range(2)]
    assert kept[0] == kept[1] == many[:MOST_SAMPLES]
    assert [getattr(each, "event", "") for each in caplog.records if each.name.startswith("bot.")] == ["history_cut"]


# --- steps of a chart -------------------------------------------------------------------------------------------------


async def _buckets(store: PostgresStore, *, minutes: int, step: int = 5, first: int = 0) -> list[Bucket]:
    since, until = minute(first), minute(first + minutes)
    return list(await store.history.buckets(SCOPE, since=since, until=until, step_s=step * 60))


async def test_samples_are_gathered_by_steps(store: PostgresStore) -> None:
    """The worst of each figure, counts summed up; a step without any is not there."""
    for number in (0, 1, 4, 12):
        await record(store, number, samples=[replace(FULL, restarts=0), sample(WORKER)])
    await record(
        store,
        2,
        samples=[replace(FULL, ready=0, restarts=0, cpu_share=0.5, probe_ms=80.0, probe_failed=True)],
    )
    await record(store, 3, samples=[replace(FULL, desired=9, ready=8, restarts=0, memory_share=None)])
    first, second, worker, later = await _buckets(store, minutes=15)
    assert first == Bucket(
        at=minute(0),
        ref=API,
        minutes=5,
        desired=3,
        ready=0,
        restarts=0,
        cpu_share=0.5,
        memory_share=0.97,
        probe_ms=80.0,
        probe_failures=1,
        warnings=20,
    )
    assert (second.at, second.ref, second.minutes) == (minute(10), API, 1)
    assert worker == Bucket(at=minute(0), ref=WORKER, minutes=3, desired=2, ready=2, restarts=0)
    assert later.at == minute(10)


async def test_the_replicas_of_a_step_are_those_when_most_were_missing(store: PostgresStore) -> None:
    """Not the most that were desired beside the fewest that were ready: a scaling is no outage."""
    for number, (desired, ready) in enumerate([(2, 2), (4, 4), (6, 3), (6, 6)]):
        await record(store, number, samples=[sample(desired=desired, ready=ready)])
    (bucket,) = await _buckets(store, minutes=5)
    assert (bucket.desired, bucket.ready) == (6, 3)


async def test_restarts_are_what_was_added_in_each_step(store: PostgresStore) -> None:
    """From the sample before it on. A count falls when pods go, and those that stay did not restart by that."""
    for number, restarts in enumerate([5, 5, 6, 8, 8, 9, 2, 2, 3, 3]):
        await record(store, number, samples=[sample(restarts=restarts), sample(WORKER, restarts=number)])
    found = await _buckets(store, minutes=10)
    assert [(each.ref.name, each.restarts) for each in found] == [("api", 3), ("api", 2), ("worker", 4), ("worker", 5)]
    (alone,) = (each for each in await _buckets(store, minutes=5, first=5) if each.ref == API)
    assert alone.restarts == 2


async def test_restarts_while_nobody_looked_count_when_somebody_does(store: PostgresStore) -> None:
    """Within a span; before it only those of a short while."""
    await record(store, 0, samples=[sample(restarts=1)])
    await record(store, 30, samples=[sample(restarts=4)])
    assert [each.restarts for each in await _buckets(store, minutes=60, step=10)] == [0, 3]
    assert [each.restarts for each in await _buckets(store, minutes=60, first=20)] == [0]
    assert [each.restarts for each in await _buckets(store, minutes=60, first=5)] == [3]


async def test_a_span_ends_before_its_end(store: PostgresStore) -> None:
    """Its last minute belongs to the next; steps begin at the first moment, whatever the clock shows."""
    for number in range(10):
        await record(store, number, samples=[sample()])
    found = await store.history.buckets(SCOPE, since=AT - timedelta(seconds=30), until=minute(9), step_s=120)
    assert [each.minutes for each in found] == [2, 2, 2, 2, 1]
    assert found[0].at == AT - timedelta(seconds=30)
    with pytest.raises(ValueError, match="a second"):
        await store.history.buckets(SCOPE, since=AT, until=AT, step_s=0)


def _fill(admin: Admin, *, workloads: int, hours: int, before: datetime) -> None:
    admin.execute(
        "INSERT INTO samples (cluster, namespace, minute, kind, name, desired, ready, restarts, cpu_share, warnings)"
        " SELECT 'prod', 'payments', %s::timestamptz - make_interval(mins => n), 'Deployment', 'w' || w, 2, 2, n, 0.5,"
        " 1"
        " FROM generate_series(1, %s) n, generate_series(1, %s) w",
        (before, hours * 60, workloads),
    )


async def test_a_day_of_twenty_workloads_is_gathered_at_once(store: PostgresStore, admin: Admin) -> None:
    """While other days lie beside it."""
    _fill(admin, workloads=20, hours=72, before=AT)
    admin.execute("ANALYZE samples")
    found = await store.history.buckets(SCOPE, since=AT - timedelta(hours=24), until=AT, step_s=900)
    assert len(found) == 20 * 96
    assert {each.minutes for each in found} == {15}


async def test_old_samples_are_forgotten_in_portions(store: PostgresStore, admin: Admin) -> None:
    """How many is said; what is young enough stays."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    _fill(admin, workloads=10, hours=20, before=now - timedelta(days=14))
    _fill(admin, workloads=1, hours=1, before=now)
    assert 2 * PORTION < 10 * 20 * 60
    assert await store.history.forget(days=14) == 10 * 20 * 60
    assert await store.history.forget(days=14) == 0
    assert len(await store.history.samples(SCOPE, since=now - timedelta(days=99))) == 60
    with pytest.raises(ValueError, match="a day"):
        await store.history.forget(days=0)


# --- problems ---------------------------------------------------------------------------------------------------------


async def _spans(store: PostgresStore, since: int = 0) -> list[tuple[str, int, int, int | None]]:
    """Return keys and the minutes when they began, were seen last and ended."""
    found = await store.history.spans(SCOPE, since=minute(since))
    return [(each.problem.key, _number(each.began_at), _number(each.seen_at), _ended(each)) for each in found]


def _number(at: datetime) -> int:
    return int((at - AT).total_seconds() // 60)


def _ended(span: ProblemSpan) -> int | None:
    return None if span.ended_at is None else _number(span.ended_at)


async def test_a_problem_lasts_while_it_is_seen(store: PostgresStore) -> None:
    """It begins when it is seen first, and ends when it is first seen no more."""
    for number in range(3):
        await record(store, number, problems=[problem("a")])
    await record(store, 3, problems=[problem("b")])
    assert await _spans(store) == [("a", 0, 2, 3), ("b", 3, 3, None)]
    await record(store, 4, problems=[])
    assert await _spans(store) == [("a", 0, 2, 3), ("b", 3, 3, 4)]
    assert await _spans(store, since=4) == [("b", 3, 3, 4)]
    assert await _spans(store, since=5) == []


async def test_a_problem_is_told_as_it_was_seen_last(store: PostgresStore) -> None:
    """Its severity, title and words."""
    await record(store, 0, problems=[problem("a", severity=Severity.WARNING, words="One pod is down.")])
    worse = Problem(key="a", severity=Severity.CRITICAL, title="All down", words=Redacted("All pods are down."))
    await record(store, 1, problems=[worse])
    (span,) = await store.history.spans(SCOPE, since=AT)
    assert span == ProblemSpan(scope=SCOPE, problem=worse, began_at=minute(0), seen_at=minute(1))


async def test_what_is_not_known_ends_nothing(store: PostgresStore) -> None:
    """Nor is it seen then."""
    await record(store, 0, problems=[problem("a")])
    await record(store, 1, problems=None)
    assert await _spans(store) == [("a", 0, 0, None)]


async def test_a_problem_that_comes_back_soon_goes_on(store: PostgresStore) -> None:
    """Within five minutes of its end; later it is another one."""
    await record(store, 0, problems=[problem("a"), problem("b")])
    await record(store, 1, problems=[])
    await record(store, 6, problems=[problem("a")])
    await record(store, 7, problems=[problem("b")])
    assert await _spans(store) == [("a", 0, 6, 7), ("b", 0, 0, 1), ("b", 7, 7, None)]


async def test_a_minute_that_comes_late_ends_and_reopens_nothing(store: PostgresStore) -> None:
    """Its writer stood still while another went on."""
    await record(store, 0, problems=[problem("a"), problem("over")])
    await record(store, 2, problems=[problem("a"), problem("new")])
    await record(store, 1, problems=[problem("over")])
    assert await _spans(store) == [("a", 0, 2, None), ("over", 0, 0, 2), ("new", 2, 2, None)]


async def test_problems_of_other_places_are_others(store: PostgresStore) -> None:
    """They have the same keys, often."""
    await record(store, 0, problems=[problem("a")])
    async with store.transaction() as transaction:
        await transaction.record(WEB, minute(1), [], [])
    assert await _spans(store) == [("a", 0, 0, None)]
    assert await store.history.spans(WEB, since=AT) == ()


async def test_of_too_many_problems_the_worst_are_kept_and_none_ends(store: PostgresStore) -> None:
    """Whether the others are still there is not known then."""
    mild = [problem(f"p{number:04}", severity=Severity.INFO) for number in range(MOST_PROBLEMS)]
    await record(store, 0, problems=mild)
    await record(store, 1, problems=[*mild, problem("z")])
    found = await _spans(store)
    assert len(found) == MOST_PROBLEMS + 1
    assert ("z", 1, 1, None) in found
    assert [each for each in found if each[3] is not None] == []


async def test_keys_and_words_may_be_any_text(store: PostgresStore) -> None:
    """Long keys that begin alike are told apart; words are cut; one key twice is one problem."""
    keys = ["k" * 600, "k" * 601, "nul\x00", "half\ud800", ""]
    odd = [problem(key, words="w\x00" + "x" * 5000) for key in keys]
    odd.append(odd[2])
    await record(store, 0, problems=[replace(each, title="t\ud800" * 900) for each in odd])
    await record(store, 1, problems=odd)
    found = await store.history.spans(SCOPE, since=AT)
    assert len({each.problem.key for each in found}) == len(found) == len(keys)
    assert {each.seen_at for each in found} == {minute(1)}
    assert {len(each.problem.words) for each in found} == {2000}


async def test_two_who_record_at_once_open_a_problem_once(store: PostgresStore) -> None:
    """Whatever kept their slots from telling them apart."""
    await asyncio.gather(*(record(store, number % 2, problems=[problem("a"), problem("b")]) for number in range(8)))
    found = await _spans(store)
    assert [(key, ended) for key, _, _, ended in found] == [("a", None), ("b", None)]


# --- notes ------------------------------------------------------------------------------------------------------------


async def test_a_note_is_kept_once(store: PostgresStore) -> None:
    """By its key, in its place; the oldest comes first."""
    notes = [note("scaling", at=minute(2)), note(), note(scope=WEB)]
    for each in (*notes, replace(note(), at=minute(5))):
        async with store.transaction() as transaction:
            assert await transaction.note(each) is (each in notes)
    assert await store.history.notes(SCOPE, since=AT) == (notes[1], notes[0])
    assert await store.history.notes(SCOPE, since=minute(2)) == (notes[0],)
    assert await store.history.notes(WEB, since=AT) == (notes[2],)


@pytest.mark.parametrize("what", ["samples", "spans", "notes"])
async def test_a_moment_without_a_time_zone_is_refused(store: PostgresStore, what: str) -> None:
    """It would mean what the connection's time zone makes of it."""
    with pytest.raises(ValueError, match="time zone"):
        await getattr(store.history, what)(SCOPE, since=AT.replace(tzinfo=None))
