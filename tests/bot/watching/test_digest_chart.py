"""The day as a picture: what is shown of many workloads, and what its title finds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.charts import Chart, Panel
from bot.domain.targets import ObjectRef
from bot.domain.watch.policy import Thresholds
from bot.domain.watch.samples import Bucket
from bot.watching.digest_chart import STEP_S, day_chart, day_of, day_span
from tests.support.digests import API, NOW, WORKER, buckets
from tests.support.service import CATALOGUE


def chart(*days: Sequence[Bucket]) -> Chart:
    gathered = [bucket for day in days for bucket in day]
    day = day_of(gathered, CATALOGUE, day_span(NOW))
    return day_chart(day, Thresholds(), (), time_zone="Europe/Berlin")


def panel(of: Chart, title: str) -> Panel:
    return next(each for each in of.panels if each.title == title)


def names(of: Panel) -> list[str]:
    return [series.name for series in of.series]


def others(number: int) -> list[list[Bucket]]:
    return [buckets(ObjectRef("Deployment", "shop", f"other-{each}")) for each in range(number)]


def test_a_quiet_day_is_one_line_for_all() -> None:
    """Its title says that nothing happened; the picture has the same panels as on any other day."""
    quiet = chart(buckets(), buckets(WORKER), *others(9))
    assert quiet.title == "Ready all day; nothing restarted"
    assert [each.title for each in quiet.panels] == ["Ready pods", "Restarts", "Share of the limit", "Response time"]
    assert names(panel(quiet, "Ready pods")) == names(panel(quiet, "Restarts")) == ["all 11 workloads"]
    assert (quiet.steps, quiet.step_s, quiet.time_zone) == (144, STEP_S, "Europe/Berlin")
    assert quiet.alt.startswith("The last 24 hours: ready pods, restarts, share of the limit, response time.")


def test_whoever_was_short_of_pods_is_named() -> None:
    """By what people call it, with the worst of the rest beside it; the title says from when by the digest's clock."""
    of = chart(buckets(ready=dict.fromkeys(range(36, 40), 2)), buckets(WORKER), *others(2))
    assert names(panel(of, "Ready pods")) == ["search", "3 others"]
    assert of.title == "search was down to 67 % from 15:10; nothing restarted"
    gone = chart(buckets(ready={30: 0, 142: 2, 143: 0}))
    assert gone.title == "search is short of pods since 08:50; nothing restarted"
    assert chart(buckets(ready={30: 0})).title == "search had no pod ready from 14:10; nothing restarted"


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"memory_share": {step: 0.4 + step / 400 for step in range(144)}}, "memory of search climbs"),
        ({"memory_share": {100: 0.91}}, "memory of search reached 91 %"),
        ({"restarts": {100: 4, 101: 5}}, "search restarted 9 times"),
        ({"probe_ms": {100: 2400.0}}, "search took up to 2.4 s"),
        ({"ready": {9: 1}, "restarts": {9: 1}}, "search was down to 33 % from 10:40 and restarted 1 time"),
    ],
)
def test_the_title_is_what_there_is_to_see(changed: dict[str, dict[int, float]], found: str) -> None:
    """The worst first; all of it is in the words for those who do not see it."""
    of = chart(buckets(**changed))
    assert found in of.title
    assert found in of.alt


def test_of_many_the_most_telling_are_shown() -> None:
    """Three lines at most, and one for the rest."""
    days = [buckets(ObjectRef("Deployment", "shop", f"w{each}"), restarts={3: each}, ready={3: 2}) for each in range(6)]
    of = chart(*days)
    assert names(panel(of, "Restarts")) == ["w5", "w4", "w3", "3 others"]
    assert names(panel(of, "Ready pods"))[-1] == "3 others"
    assert len(panel(of, "Share of the limit").series) == 3


def test_what_is_not_known_stays_unknown() -> None:
    """Minutes without a sample are a gap; who is scaled to nothing, and figures that nobody read, have no line."""
    gap = chart(buckets(gap=range(90, 97)))
    assert panel(gap, "Ready pods").series[0].values[90:97] == (None,) * 7
    none = dict.fromkeys(range(144))
    bare = chart(buckets(memory_share=none, cpu_share=none, probe_ms=none, desired=dict.fromkeys(range(144), 0)))
    assert [each.title for each in bare.panels] == ["Ready pods", "Restarts"]
    assert set(panel(bare, "Ready pods").series[0].values) == {None}


@pytest.mark.parametrize(
    ("gap", "title"),
    [
        (range(140), "Always ready as far as is known; recorded since 08:30 only"),
        (range(20, 60), "Always ready as far as is known; recorded with gaps"),
        (range(20, 30), "Ready all day; nothing restarted"),
    ],
)
def test_of_a_day_that_was_not_recorded_nothing_is_claimed(gap: range, title: str) -> None:
    """A few minutes without samples are no reason to doubt all of it."""
    assert chart(buckets(gap=gap)).title == title


def test_a_day_of_which_nothing_is_known_says_so() -> None:
    """It has no panels, and no finding."""
    of = chart()
    assert (of.panels, of.title, of.alt) == (
        (),
        "Nothing was recorded in the last 24 hours",
        "Nothing was recorded in the last 24 hours.",
    )


def test_values_are_shares_in_percent_and_counts() -> None:
    """As they are read beside the lines."""
    of = chart(buckets(API, memory_share={143: 0.834}))
    assert panel(of, "Share of the limit").series[0].values[-1] == 83.4
    assert (panel(of, "Share of the limit").limit, panel(of, "Response time").limit) == (85.0, 2000.0)
    assert panel(of, "Restarts").bars
