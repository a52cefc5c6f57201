"""Who scaled a Deployment."""

from __future__ import annotations

import pytest

from bot.diagnosis.index import Index
from bot.diagnosis.scalings import By, scalings
from bot.domain.snapshot import Part
from tests.support.builders import autoscaler, deployment, happened, missing, snapshot

API = deployment()
HPA = autoscaler(API)


def scaled(text: str, *, ago_s: float) -> object:
    return happened(API.meta, "Deployment", "ScalingReplicaSet", f"Scaled {text}", ago_s=ago_s)


def rescaled(*, ago_s: float) -> object:
    return happened(HPA.meta, "HorizontalPodAutoscaler", "SuccessfulRescale", "New size: 4; reason: cpu", ago_s=ago_s)


@pytest.mark.parametrize(
    ("others", "by"),
    [
        ([], By.HAND),
        ([rescaled(ago_s=61)], By.AUTOSCALER),
        ([rescaled(ago_s=300)], By.HAND),
        ([scaled("down replica set api-old from 3 to 2", ago_s=90)], By.ROLL_OUT),
        ([scaled("down replica set api-old from 3 to 2", ago_s=900)], By.HAND),
        ([scaled("up replica set api-new from 4 to 6", ago_s=90)], By.HAND),
    ],
    ids=["alone", "with its autoscaler", "long after its autoscaler", "in turns", "long after a roll-out", "twice"],
)
def test_who_scaled_is_told_by_what_happened_beside(others: list[object], by: By) -> None:
    """An autoscaler has an event of its own, a roll-out scales two replica sets."""
    seen = snapshot(API, HPA, *others, scaled("up replica set api-new from 2 to 4", ago_s=60))
    newest = scalings(Index(seen), API)[0]
    assert (newest.before, newest.after, newest.by) == (2, 4, by)


def test_a_scaling_by_hand_that_was_set_back_at_once_is_still_by_hand() -> None:
    """The autoscaler's event tells another size: it is about its own answer."""
    hand, answer = "up replica set api-new from 2 to 6", "down replica set api-new from 6 to 4"
    seen = snapshot(API, HPA, rescaled(ago_s=57), scaled(hand, ago_s=60), scaled(answer, ago_s=57))
    assert {scaling.after: scaling.by for scaling in scalings(Index(seen), API)} == {6: By.HAND, 4: By.AUTOSCALER}


def test_from_nothing_is_a_release_or_a_start() -> None:
    """Nobody's scaling."""
    seen = snapshot(API, scaled("up replica set api-new from 0 to 2", ago_s=60))
    assert [scaling.by for scaling in scalings(Index(seen), API)] == [By.ROLL_OUT]


def test_without_knowing_the_autoscalers_nobody_is_named() -> None:
    """It may have been one that could not be read."""
    event = scaled("up replica set api-new from 2 to 4", ago_s=60)
    seen = snapshot(API, event, parts={Part.AUTOSCALERS: missing("no right")})
    assert [scaling.by for scaling in scalings(Index(seen), API)] == [By.UNKNOWN]


def test_older_servers_do_not_say_from_where() -> None:
    """Then nobody is named either; other words are no scaling."""
    seen = snapshot(API, scaled("up replica set api-new to 4", ago_s=60), scaled("whatever", ago_s=30))
    [scaling] = scalings(Index(seen), API)
    assert (scaling.before, scaling.after, scaling.by) == (None, 4, By.UNKNOWN)
