from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.snapshot import ALL_PARTS, Freshness, Part
from tests.support.builders import NOW, ago, missing, snapshot, stale


def test_a_live_snapshot_has_no_age() -> None:
    """It is what is, now."""
    seen = snapshot()
    assert (seen.as_of, seen.age) == (NOW, timedelta())


def test_the_oldest_part_is_the_age() -> None:
    """An answer may claim no more than that."""
    seen = snapshot(parts={Part.PODS: stale(240), Part.NODES: stale(90)})
    assert (seen.as_of, seen.age) == (ago(240), timedelta(seconds=240))


def test_a_missing_part_has_no_age() -> None:
    """It was never seen, so it is not old."""
    assert snapshot(parts={Part.NODES: missing("no right")}).age == timedelta()


def test_nothing_known_is_as_of_now() -> None:
    """Without any part there is no other time to name."""
    assert replace(snapshot(), parts={}).as_of == NOW


def test_an_age_is_never_negative() -> None:
    """A server's clock may run ahead of ours."""
    assert snapshot(parts={part: stale(-5) for part in ALL_PARTS}).age == timedelta()


def test_a_part_is_there_when_it_was_read_at_all() -> None:
    """Live or stale; what nobody asked for is missing with that reason."""
    seen = snapshot(parts={Part.PODS: stale(240), Part.NODES: missing("no right")})
    assert [seen.has(part) for part in (Part.EVENTS, Part.PODS, Part.NODES)] == [True, True, False]
    unasked = replace(seen, parts={}).status(Part.JOBS)
    assert (unasked.freshness, unasked.reason) == (Freshness.MISSING, "not asked for")
