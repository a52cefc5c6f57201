"""Which run of a container a log request means, and what is remembered of those that have ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster.runs import KEPT_LINES, EndedRuns, RunId, last_ended, run_meant
from bot.domain.objects import ContainerState, Terminated
from bot.domain.snapshot import LogKey, LogLine
from bot.domain.text import Redacted
from tests.support.builders import NOW, SCOPE, ago, container, ended, pod, running, waiting

OLD, NEW = ended(ago_s=90), ended(ago_s=30)
BACK_OFF = waiting("CrashLoopBackOff")


def number_of(run: RunId | None) -> tuple[int, Terminated | None] | None:
    """Which run it is, by its number and by the end that it had."""
    if run is None:
        return None
    return run.number, next((end for end in (OLD, NEW) if end.finished_at == run.finished_at), None)


@pytest.mark.parametrize(
    ("state", "last", "restarts", "current", "previous"),
    [
        (running(for_s=20), None, 0, None, None),
        (running(for_s=20), NEW, 3, None, (2, NEW)),
        (running(for_s=20), None, 3, None, (2, None)),
        (BACK_OFF, NEW, 2, (2, NEW), (2, NEW)),
        (NEW, None, 0, (0, NEW), None),
        (NEW, OLD, 2, (2, NEW), (1, OLD)),
        (waiting("ContainerCreating"), None, 0, None, None),
        (waiting("ContainerCreating"), None, 2, None, None),
    ],
    ids=["first", "restarted", "end unknown", "back-off", "crashed once", "crashed again", "new", "lost"],
)
def test_what_a_request_gives_depends_on_the_state(
    state: ContainerState, last: Terminated | None, restarts: int, current: object, previous: object
) -> None:
    """As the kubelet answers it."""
    seen = pod(None, replace(container(state, last=last, restarts=restarts), started=None), name="a")
    assert number_of(run_meant(seen, LogKey("a", "api", previous=False))) == current
    assert number_of(run_meant(seen, LogKey("a", "api", previous=True))) == previous
    assert run_meant(seen, LogKey("a", "other", previous=True)) is None


def test_a_run_keeps_its_name_through_all_that_follows_its_end() -> None:
    """Terminated, waiting, restarted: one run, so that its log is fetched once."""
    states = [
        container(NEW, last=OLD, restarts=4),
        container(BACK_OFF, last=NEW, restarts=4),
        container(running(for_s=1), last=NEW, restarts=5),
    ]
    seen = [pod(None, each, name="a") for each in states]
    assert len({last_ended(each, each.containers[0]) for each in seen}) == 1


def run(number: int, *, ended_ago_s: float | None = 10) -> RunId:
    return RunId("uid", "api", number, None if ended_ago_s is None else ago(ended_ago_s))


def lines(count: int, width: int = 6) -> tuple[LogLine, ...]:
    return tuple(LogLine(NOW + timedelta(seconds=n), Redacted(f"{n:0{width}}")) for n in range(count))


def test_a_whole_log_answers_every_question_about_it() -> None:
    """It had fewer lines than were asked for, so there are no more."""
    runs = EndedRuns()
    runs.keep(SCOPE, run(1), lines(10), asked=100)
    assert runs.find(SCOPE, run(1), lines=5000) == lines(10)
    assert runs.find(SCOPE, run(1), lines=3) == lines(10)[-3:]
    assert runs.find(SCOPE, run(1, ended_ago_s=None), lines=3) == lines(10)[-3:]
    assert runs.find(SCOPE, run(2), lines=3) is None


def test_the_end_of_a_log_answers_no_question_about_more() -> None:
    """But it is better than nothing when the rest is gone."""
    runs = EndedRuns()
    runs.keep(SCOPE, run(1), lines(300), asked=300)
    assert runs.find(SCOPE, run(1), lines=KEPT_LINES) == lines(300)[-KEPT_LINES:]
    assert runs.find(SCOPE, run(1), lines=KEPT_LINES + 1) is None
    assert runs.find_any(SCOPE, run(1), lines=300) == lines(300)[-KEPT_LINES:]


def test_a_container_that_counts_anew_is_not_confused() -> None:
    """The same number with another end is another run."""
    runs = EndedRuns()
    runs.keep(SCOPE, run(1), lines(1), asked=5)
    assert runs.find_any(SCOPE, run(1, ended_ago_s=0), lines=5) is None


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30)), max_size=60))
def test_memory_is_bounded_whatever_is_kept(kept: list[tuple[int, int]]) -> None:
    """In runs and in characters; the newest is always there."""
    runs = EndedRuns(most_runs=4, most_characters=200)
    for number, count in kept:
        runs.keep(SCOPE, run(number), lines(count), asked=100)
        assert runs.find(SCOPE, run(number), lines=100) == lines(count)
        assert len(runs) <= 4
        sizes = [len(runs.find_any(SCOPE, run(n), lines=100) or ()) * 6 for n in range(9)]
        assert sum(sizes) <= max(200, count * 6)
