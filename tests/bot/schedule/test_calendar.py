"""When schedules are due: clocks that are set, days that not every month has, words that are no schedule."""

from __future__ import annotations

import itertools
import re
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.watch.schedules import Schedule
from bot.schedule.calendar import MOST, CronCalendar, problem_of

CALENDAR = CronCalendar()
MINUTE = timedelta(minutes=1)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Pacific/Apia",
)


def schedule(cron: str, time_zone: str = "UTC") -> Schedule:
    return Schedule(name="daily", cron=cron, time_zone=time_zone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dues(cron: str, time_zone: str, after: str, until: str) -> list[str]:
    """Return the due moments in UTC, by walking forward."""
    found: list[str] = []
    moment = CALENDAR.next(schedule(cron, time_zone), at(after))
    while moment is not None and moment <= at(until):
        found.append(f"{moment:%Y-%m-%d %H:%M}")
        moment = CALENDAR.next(schedule(cron, time_zone), moment)
    assert [
        f"{each:%Y-%m-%d %H:%M}" for each in CALENDAR.within(schedule(cron, time_zone), at(after), at(until))
    ] == found
    return found


# --- clocks that are set ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "time_zone", "after", "until", "due"),
    [
        # Before, on and after the day on which clocks are set, nine o'clock is nine o'clock.
        (
            "0 9 * * *",
            "Europe/Berlin",
            "2026-03-28 00:00",
            "2026-03-30 23:00",
            ["2026-03-28 08:00", "2026-03-29 07:00", "2026-03-30 07:00"],
        ),
        (
            "0 9 * * *",
            "Europe/Berlin",
            "2026-10-24 00:00",
            "2026-10-26 23:00",
            ["2026-10-24 07:00", "2026-10-25 08:00", "2026-10-26 08:00"],
        ),
        # 02:00 to 03:00 is skipped: right after the gap.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28 00:00",
            "2026-03-30 23:00",
            ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"],
        ),
        ("30 2 * * *", "America/New_York", "2026-03-08 00:00", "2026-03-08 23:00", ["2026-03-08 07:00"]),
        # Two that fall into the gap are one.
        ("15,45 2 * * *", "America/New_York", "2026-03-08 00:00", "2026-03-08 23:00", ["2026-03-08 07:00"]),
        (
            "30 2,3 * * *",
            "Europe/Berlin",
            "2026-03-29 00:00",
            "2026-03-29 23:00",
            ["2026-03-29 01:00", "2026-03-29 01:30"],
        ),
        # 02:00 to 03:00 (01:00 to 02:00 in New York) comes twice: the first time only.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25 00:00", "2026-10-25 23:00", ["2026-10-25 00:30"]),
        ("30 1 * * *", "America/New_York", "2026-11-01 00:00", "2026-11-01 23:00", ["2026-11-01 05:30"]),
        # Half an hour is skipped (02:00 to 02:30) or comes twice (01:30 to 02:00).
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03 00:00",
            "2026-10-04 20:00",
            ["2026-10-03 15:30", "2026-10-04 15:15"],
        ),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 00:00", "2026-04-04 20:00", ["2026-04-04 14:45"]),
        # A day that has no midnight begins at one o'clock.
        (
            "0 0 * * *",
            "America/Sao_Paulo",
            "2017-10-14 00:00",
            "2017-10-16 12:00",
            ["2017-10-14 03:00", "2017-10-15 03:00", "2017-10-16 02:00"],
        ),
        ("0 0 * * *", "Africa/Cairo", "2026-04-23 12:00", "2026-04-25 12:00", ["2026-04-23 22:00", "2026-04-24 21:00"]),
        # A day that was skipped as a whole: what was due on it is due as the next one begins.
        ("0 9 30 12 *", "Pacific/Apia", "2011-12-29 00:00", "2012-01-02 00:00", ["2011-12-30 10:00"]),
    ],
)
def test_fixed_times_come_once_a_day(cron: str, time_zone: str, after: str, until: str, due: list[str]) -> None:
    """In the hour that is skipped right after it, in the hour that comes twice the first time."""
    assert dues(cron, time_zone, after, until) == due


@pytest.mark.parametrize(
    ("cron", "time_zone", "after", "until", "minutes"),
    [
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29 00:00", "2026-03-29 03:00", 30),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25 00:00", "2026-10-25 03:00", 30),
        ("*/15 * * * *", "Australia/Lord_Howe", "2026-04-04 14:00", "2026-04-04 17:00", 15),
        ("*/15 * * * *", "Australia/Lord_Howe", "2026-10-03 14:00", "2026-10-03 17:00", 15),
        ("0 * * * *", "America/New_York", "2026-11-01 04:00", "2026-11-01 09:00", 60),
        ("0 * * * *", "America/New_York", "2026-03-08 05:00", "2026-03-08 09:00", 60),
    ],
)
def test_intervals_stay_what_they_are(cron: str, time_zone: str, after: str, until: str, minutes: int) -> None:
    """Whatever the clocks on the wall do meanwhile."""
    found = CALENDAR.within(schedule(cron, time_zone), at(after), at(until))

    assert len(found) == (at(until) - at(after)) / timedelta(minutes=minutes)
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {timedelta(minutes=minutes)}


def test_within_the_hour_that_comes_twice_the_past_is_not_due_again() -> None:
    """In the second half past two nothing is due until tomorrow, and the first one is the newest."""
    fixed, second_time = schedule("45 2 * * *", "Europe/Berlin"), at("2026-10-25 01:15")

    assert CALENDAR.next(fixed, second_time) == at("2026-10-26 01:45")
    assert CALENDAR.latest(fixed, second_time) == at("2026-10-25 00:45")


# --- days -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "after", "until", "due"),
    [
        (
            "0 9 * * 1-5",
            "2026-11-26 12:00",
            "2026-12-01 12:00",
            ["2026-11-27 09:00", "2026-11-30 09:00", "2026-12-01 09:00"],
        ),
        ("0 9 * * 7", "2026-11-26 12:00", "2026-12-01 12:00", ["2026-11-29 09:00"]),
        (
            "0 9 31 * *",
            "2026-01-01 00:00",
            "2026-07-01 00:00",
            ["2026-01-31 09:00", "2026-03-31 09:00", "2026-05-31 09:00"],
        ),
        ("0 9 30 * *", "2026-01-31 00:00", "2026-05-01 00:00", ["2026-03-30 09:00", "2026-04-30 09:00"]),
        ("0 9 29 2 *", "2025-01-01 00:00", "2033-01-01 00:00", ["2028-02-29 09:00", "2032-02-29 09:00"]),
        (
            "0 9 L * *",
            "2027-12-31 12:00",
            "2028-04-01 00:00",
            ["2028-01-31 09:00", "2028-02-29 09:00", "2028-03-31 09:00"],
        ),
        ("0 9 LW * *", "2026-01-01 00:00", "2026-03-01 00:00", ["2026-01-30 09:00", "2026-02-27 09:00"]),
        ("0 9 * * 5L", "2026-01-01 00:00", "2026-03-01 00:00", ["2026-01-30 09:00", "2026-02-27 09:00"]),
        ("0 9 * * MON#2", "2026-01-01 00:00", "2026-03-01 00:00", ["2026-01-12 09:00", "2026-02-09 09:00"]),
        ("59 23 31 12 *", "2025-01-01 00:00", "2026-12-31 23:59", ["2025-12-31 23:59", "2026-12-31 23:59"]),
        # Both days are restricted: either one is enough.
        (
            "0 9 1 * MON",
            "2026-06-01 12:00",
            "2026-07-02 00:00",
            [
                "2026-06-08 09:00",
                "2026-06-15 09:00",
                "2026-06-22 09:00",
                "2026-06-29 09:00",
                "2026-07-01 09:00",
            ],
        ),
    ],
)
def test_days_that_not_every_month_has(cron: str, after: str, until: str, due: list[str]) -> None:
    """Month ends, leap days, weekdays, and the words for the last ones."""
    assert dues(cron, "UTC", after, until) == due


def test_the_due_moment_itself_counts_as_the_newest() -> None:
    """To the microsecond: a moment earlier it does not."""
    nine = at("2026-11-24 09:00")

    assert CALENDAR.latest(schedule("0 9 * * *"), nine) == nine
    assert CALENDAR.latest(schedule("0 9 * * *"), nine + timedelta(microseconds=1)) == nine
    assert CALENDAR.latest(schedule("0 9 * * *"), nine - timedelta(microseconds=1)) == nine - timedelta(days=1)
    assert CALENDAR.next(schedule("0 9 * * *"), nine - timedelta(microseconds=1)) == nine
    assert CALENDAR.next(schedule("0 9 * * *"), nine) == nine + timedelta(days=1)


def test_what_is_due_too_rarely_is_not_due() -> None:
    """2100 is no leap year, so for eight years there is no such day."""
    assert CALENDAR.next(schedule("0 9 29 2 *"), at("2096-03-01 00:00")) is None
    assert CALENDAR.latest(schedule("0 9 29 2 *"), at("2103-12-01 00:00")) is None


def test_of_many_the_newest_hundred_are_told() -> None:
    found = CALENDAR.within(schedule("* * * * *"), at("2026-01-01 00:00"), at("2026-01-02 00:00"))

    assert len(found) == MOST
    assert (found[0], found[-1]) == (at("2026-01-01 22:21"), at("2026-01-02 00:00"))


def test_all_moments_are_in_utc() -> None:
    berlin = schedule("0 9 * * *", "Europe/Berlin")
    now = datetime(2026, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("America/New_York"))
    found = [
        CALENDAR.latest(berlin, now),
        CALENDAR.next(berlin, now),
        *CALENDAR.within(berlin, at("2026-06-30 00:00"), now),
    ]

    assert {each.tzinfo for each in found if each is not None} == {UTC}


# --- words that are no schedule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "time_zone", "said"),
    [
        ("0 9 * * *", "UTC", ""),
        ("0 9 * * *", "America/Argentina/Buenos_Aires", ""),
        ("0 9 * *", "UTC", "4 fields, not five"),
        ("@daily", "UTC", "1 field, not five"),
        ("", "UTC", "0 fields, not five"),
        ("0 0 9 * * *", "UTC", "6 fields, not five"),
        ("60 9 * * *", "UTC", '"60" is no minute.'),
        ("0 24 * * *", "UTC", '"24" is no hour.'),
        ("0 9 * * 8", "UTC", '"8" is no day of week.'),
        ("0 9 * foo *", "UTC", '"foo" is no month.'),
        ("0 9 30 2 *", "UTC", '"30" is no day of these months.'),
        ("0 9 31 4,6 *", "UTC", '"31" is no day of these months.'),
        ("0 9 * * *", "Europe/Berln", 'There is no time zone "Europe/Berln". Did you mean Europe/Berlin'),
        ("0 9 * * *", "europe", 'There is no time zone "europe"'),
        ("0 9 * * *", "", 'There is no time zone ""'),
        ("0 9 * * *", "../UTC", 'There is no time zone "../UTC"'),
        ("0 9 * * *", "x" * 5000, "There is no time zone"),
    ],
)
def test_what_is_wrong_is_said(cron: str, time_zone: str, said: str) -> None:
    problem = problem_of(cron, time_zone)

    assert said in problem
    assert bool(said) == bool(problem)
    if problem:
        with pytest.raises(ValueError, match=re.escape(problem)):
            CALENDAR.next(schedule(cron, time_zone), at("2026-01-01 00:00"))


@given(st.text("0123456789*/,-LW# MONJAN", max_size=30), st.sampled_from(ZONES))
def test_no_text_breaks_it(cron: str, time_zone: str) -> None:
    """Either something is said, or it is a schedule."""
    if not problem_of(cron, time_zone):
        CALENDAR.next(schedule(cron, time_zone), at("2026-01-01 00:00"))
        CALENDAR.latest(schedule(cron, time_zone), at("2026-01-01 00:00"))


# --- what holds of every schedule -------------------------------------------------------------------------------------


def _fields(least: int, most: int) -> st.SearchStrategy[str]:
    numbers = st.lists(st.integers(least, most), min_size=1, max_size=3).map(lambda some: ",".join(map(str, some)))
    return st.one_of(st.just("*"), st.integers(1, 20).map(lambda step: f"*/{step}"), numbers)


CRONS = st.builds(
    lambda *fields: " ".join(fields),
    _fields(0, 59),
    _fields(0, 23),
    st.sampled_from(["*", "*", "1,15", "28-31", "L"]),
    st.sampled_from(["*", "*", "2", "3,10,11"]),
    st.sampled_from(["*", "*", "1-5", "0"]),
)
# Half of them near a moment at which clocks are set somewhere.
NEAR = [
    at(text)
    for text in (
        "2026-03-29 01:00",
        "2026-10-25 01:00",
        "2026-03-08 07:00",
        "2026-11-01 06:00",
        "2026-04-04 15:00",
        "2026-10-03 15:30",
        "2017-10-15 03:00",
        "2018-02-18 02:00",
        "2026-04-23 22:00",
        "2026-10-29 21:00",
        "2011-12-30 10:00",
    )
]
MOMENTS = st.one_of(
    st.builds(lambda moment, s: moment + timedelta(seconds=s), st.sampled_from(NEAR), st.integers(-9000, 9000)),
    st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),  # noqa: DTZ001
)


@settings(max_examples=200, deadline=None)
@given(CRONS, st.sampled_from(ZONES), MOMENTS)
def test_now_lies_between_the_newest_and_the_next(cron: str, time_zone: str, now: datetime) -> None:
    """And the next one is the newest one when it comes; nothing lies between them."""
    any_, latest = schedule(cron, time_zone), CALENDAR.latest(schedule(cron, time_zone), now)
    following = CALENDAR.next(any_, now)

    assert latest is None or latest <= now
    assert following is None or now < following
    if following is not None:
        assert CALENDAR.latest(any_, following) == following
        assert latest is None or CALENDAR.latest(any_, following - timedelta(microseconds=1)) == latest
    if latest is not None:
        assert CALENDAR.next(any_, latest - timedelta(microseconds=1)) == latest
        assert CALENDAR.next(any_, latest) == following


@settings(max_examples=100, deadline=None)
@given(CRONS, st.sampled_from(ZONES), MOMENTS, st.integers(0, 3 * 86400))
def test_walking_back_finds_what_walking_on_finds(cron: str, time_zone: str, after: datetime, seconds: int) -> None:
    """`within` agrees with `next`, again and again."""
    any_, until = schedule(cron, time_zone), after + timedelta(seconds=seconds)
    walked: list[datetime] = []
    moment = CALENDAR.next(any_, after)
    while moment is not None and moment <= until:
        walked.append(moment)
        moment = CALENDAR.next(any_, moment)

    assert list(CALENDAR.within(any_, after, until)) == walked[-MOST:]


@settings(max_examples=150, deadline=None)
@given(
    st.sets(st.integers(0, 59), min_size=1, max_size=4),
    st.sets(st.integers(0, 23), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from(ZONES),
    MOMENTS,
)
def test_it_agrees_with_looking_at_a_clock_each_minute(
    minutes: set[int], hours: set[int], every_hour: bool, time_zone: str, now: datetime
) -> None:
    """Fixed times: the first minute of a day whose clock shows one, or the first one after a gap that has one in it."""
    zone = zoneinfo.ZoneInfo(time_zone)
    hour = "*" if every_hour else ",".join(map(str, sorted(hours)))
    any_ = schedule(f"{','.join(map(str, sorted(minutes)))} {hour} * * *", time_zone)
    until = now + timedelta(hours=30)

    def matches(wall: datetime) -> bool:
        return wall.minute in minutes and (every_hour or wall.hour in hours)

    found: list[datetime] = []
    moment = now.replace(second=0, microsecond=0)
    while (moment := moment + MINUTE) <= until:
        wall, before = moment.astimezone(zone), (moment - MINUTE).astimezone(zone)
        missed, skipped = before.replace(tzinfo=None, fold=0) + MINUTE, wall.replace(tzinfo=None, fold=0)
        gap = False
        while not every_hour and missed < skipped:
            gap, missed = gap or matches(missed), missed + MINUTE
        if gap or (matches(wall) and (every_hour or not wall.fold)):
            found.append(moment)
    assert list(CALENDAR.within(any_, now, until)) == found[-MOST:]
