"""The last day of a place as a chart, whose title is what there is to see in it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.domain.catalogue import Catalogue
from bot.domain.charts import Chart, Moment, Panel, Series, figure
from bot.domain.targets import ObjectRef
from bot.domain.text import count
from bot.domain.watch.policy import Thresholds
from bot.domain.watch.samples import Bucket

STEP_S, FINE_STEP_S = 600, 60
# A record that is younger than this is looked at minute by minute, from its beginning, half an hour at least.
YOUNG, SHORTEST = timedelta(hours=3), timedelta(minutes=30)
_MOST = 3
_CLIMB, _HIGH = 20.0, 60.0  # points of percent: as much more than it began with, and not low in the end
_ENOUGH = 0.9  # of a day
_LATE = 6  # steps
_ENDS = 6  # steps at either end of the day whose mean is compared

Value = Callable[[Bucket], float | None]


@dataclass(frozen=True, slots=True)
class Span:
    """What a picture shows: from when until when, in UTC, in steps of how many seconds."""

    since: datetime
    until: datetime
    step_s: int = STEP_S

    @property
    def is_day(self) -> bool:
        return self.step_s == STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The buckets of a day as lines by workload. `names` are what people call the workloads."""

    span: Span
    steps: int
    lines: Mapping[ObjectRef, Mapping[int, Bucket]]
    names: Mapping[ObjectRef, str]

    @property
    def first(self) -> int:
        """The first step of which anything is known; there is one."""
        return min(min(line) for line in self.lines.values())

    @property
    def is_known(self) -> bool:
        """Tell whether enough of the day was recorded to speak of all of it."""
        return self.span.is_day and len({step for line in self.lines.values() for step in line}) >= _ENOUGH * self.steps

    def values(self, ref: ObjectRef, value: Value) -> tuple[float | None, ...]:
        """Return one figure of a workload, step by step."""
        line = self.lines[ref]
        return tuple(value(line[step]) if step in line else None for step in range(self.steps))


def day_span(now: datetime) -> Span:
    """Return the last day in whole steps, the step that has begun included."""
    until = _end(now, STEP_S)
    return Span(until - timedelta(days=1), until)


def young_span(now: datetime, began: datetime) -> Span | None:
    """Return what there is to see of a record that has only just begun; None when it is old enough for a day."""
    until = _end(now, FINE_STEP_S)
    return Span(min(began, until - SHORTEST), until, FINE_STEP_S) if until - began < YOUNG else None


def _end(now: datetime, step_s: int) -> datetime:
    return datetime.fromtimestamp(now.timestamp() // step_s * step_s + step_s, UTC)


def day_of(buckets: Sequence[Bucket], catalogue: Catalogue, span: Span) -> Day:
    """Gather buckets by workload."""
    steps = max(1, round((span.until - span.since).total_seconds() / span.step_s))
    lines: dict[ObjectRef, dict[int, Bucket]] = defaultdict(dict)
    for bucket in buckets:
        step = int((bucket.at - span.since).total_seconds() // span.step_s)
        if 0 <= step < steps:
            lines[bucket.ref][step] = bucket
    names = {ref: catalogue.alias_of(ref.kind, ref.name) for ref in lines}
    return Day(span=span, steps=steps, lines=lines, names=names)


def day_chart(day: Day, thresholds: Thresholds, moments: Iterable[Moment], *, time_zone: str) -> Chart:
    """Return the chart of a day."""
    panels = (_ready(day), _restarts(day), _shares(day, thresholds), _responses(day, thresholds))
    shown = tuple(panel for panel in panels if panel is not None)
    chart = Chart(
        title="",
        alt="",
        starts_at=day.span.since,
        step_s=day.span.step_s,
        panels=shown,
        moments=tuple(sorted(moments, key=lambda moment: moment.at)),
        time_zone=time_zone,
    )
    found = list(_findings(day, chart, thresholds))
    title = "; ".join(found[:2]) if day.lines else "Nothing was recorded in the last 24 hours"
    words = ", ".join(panel.title.lower() for panel in shown)
    what = "The last 24 hours" if day.span.is_day else "As far as it is recorded"
    alt = f"{what}: {words}. {'. '.join(found)}." if day.lines else f"{title}."
    return replace(chart, title=_capital(title), alt=alt)


# --- panels -----------------------------------------------------------------------------------------------------------


def _ready(day: Day) -> Panel | None:
    """Show those that were short of pods, the longest first, and the others as the worst of them."""
    lines = {ref: day.values(ref, _ready_percent) for ref in day.lines}
    short = {ref: sum(100 - v for v in values if v is not None) for ref, values in lines.items()}
    told = sorted((ref for ref in lines if short[ref] > 0), key=lambda ref: (-short[ref], day.names[ref]))[:_MOST]
    series = [Series(day.names[ref], lines[ref]) for ref in told]
    others = [values for ref, values in lines.items() if ref not in told]
    if others:
        name = f"{len(others)} {'others' if len(others) > 1 else 'other'}" if told else _all(others)
        series.append(Series(name, tuple(map(_least, zip(*others, strict=True)))))
    return Panel("Ready pods", "%", tuple(series)) if series else None


def _restarts(day: Day) -> Panel | None:
    lines = {ref: day.values(ref, lambda bucket: float(bucket.restarts)) for ref in day.lines}
    sums = {ref: sum(v for v in values if v is not None) for ref, values in lines.items()}
    told = sorted((ref for ref in lines if sums[ref]), key=lambda ref: (-sums[ref], day.names[ref]))[:_MOST]
    series = [Series(day.names[ref], lines[ref]) for ref in told]
    others = [values for ref, values in lines.items() if ref not in told]
    if others and (not told or any(sums[ref] for ref in lines if ref not in told)):
        name = f"{len(others)} others" if told else _all(others)
        series.append(Series(name, tuple(map(_sum, zip(*others, strict=True)))))
    return Panel("Restarts", "", tuple(series), bars=True) if series else None


def _shares(day: Day, thresholds: Thresholds) -> Panel | None:
    """Show the two that are nearest to their memory's limit, and the one nearest to its CPU's."""
    memory = _highest(day, lambda bucket: _percent(bucket.memory_share))[:2]
    cpu = _highest(day, lambda bucket: _percent(bucket.cpu_share))[:1]
    series = [Series(f"{name} memory", values) for name, values in memory]
    series += [Series(f"{name} CPU", values) for name, values in cpu]
    if not series:
        return None
    return Panel("Share of the limit", "%", tuple(series), limit=float(thresholds.memory_percent))


def _responses(day: Day, thresholds: Thresholds) -> Panel | None:
    slowest = _highest(day, lambda bucket: bucket.probe_ms)[:_MOST]
    series = tuple(Series(name, values) for name, values in slowest)
    return Panel("Response time", "ms", series, limit=thresholds.response_s * 1000.0) if series else None


def _all(lines: Sequence[object]) -> str:
    return f"all {len(lines)} workloads" if len(lines) > 1 else "the one workload"


def _highest(day: Day, value: Value) -> list[tuple[str, tuple[float | None, ...]]]:
    """Return the lines of a figure that somebody knows, the highest first."""
    lines = [(day.names[ref], day.values(ref, value)) for ref in day.lines]
    known = [(name, values) for name, values in lines if any(v is not None for v in values)]
    return sorted(known, key=lambda each: (-max(v for v in each[1] if v is not None), each[0]))


def _ready_percent(bucket: Bucket) -> float | None:
    if bucket.desired <= 0:
        return None
    return round(100.0 * min(bucket.ready, bucket.desired) / bucket.desired, 1)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100.0 * share, 1)


def _least(step: Sequence[float | None]) -> float | None:
    return min((value for value in step if value is not None), default=None)


def _sum(step: Sequence[float | None]) -> float | None:
    known = [value for value in step if value is not None]
    return sum(known) if known else None


# --- findings ---------------------------------------------------------------------------------------------------------


def _findings(day: Day, chart: Chart, thresholds: Thresholds) -> Iterator[str]:
    """Say what there is to see, the worst first; what one workload did in one part."""
    panels = {panel.title: panel for panel in chart.panels}
    restarts = panels["Restarts"].series if "Restarts" in panels else ()
    counts = {series.name: int(sum(value for value in series.values if value)) for series in restarts}
    most = max(counts, key=lambda name: counts[name], default="")
    restarted = f"restarted {count(counts[most], 'time')}" if most and counts[most] else ""
    short = next((series for series in panels["Ready pods"].series if _is_short(series)), None) if day.lines else None
    if short is not None:
        also = f" and {restarted}" if restarted and short.name == most else ""
        yield f"{_down(short, chart)}{also}"
    elif day.lines:
        yield "ready all day" if day.is_known else "always ready as far as is known"
    if restarted and (short is None or short.name != most):
        yield f"{most} {restarted}"
    yield from _of_lines(panels, thresholds)
    if day.is_known and not restarted:
        yield "nothing restarted"
    if day.lines and not day.is_known:
        late = day.first > _LATE or not day.span.is_day
        yield f"recorded since {_clock(chart, day.first)} only" if late else "recorded with gaps"


def _is_short(series: Series) -> bool:
    return any(value is not None and value < 100 for value in series.values)


def _of_lines(panels: Mapping[str, Panel], thresholds: Thresholds) -> Iterator[str]:
    for series in panels["Share of the limit"].series if "Share of the limit" in panels else ():
        known = [value for value in series.values if value is not None]
        began, ended = _mean(known[:_ENDS]), _mean(known[-_ENDS:])
        name, _, what = series.name.rpartition(" ")
        if what == "memory" and max(known) >= thresholds.memory_percent:
            yield f"memory of {name} reached {figure(max(known), '%')}"
        elif what == "memory" and ended - began >= _CLIMB and ended >= _HIGH:
            yield f"memory of {name} climbs"
    for series in panels["Response time"].series if "Response time" in panels else ():
        slowest = max(value for value in series.values if value is not None)
        if slowest >= thresholds.response_s * 1000:
            yield f"{series.name} took up to {figure(slowest / 1000, 's')}"


def _down(series: Series, chart: Chart) -> str:
    known = [(step, value) for step, value in enumerate(series.values) if value is not None]
    least = min(value for _, value in known)
    short = [step for step, value in known if value < 100]
    if known[-1][1] < 100:
        well = max((step for step, value in known if value >= 100), default=-1)
        first = next(step for step in short if step > well)
        return f"{series.name} is short of pods since {_clock(chart, first)}"
    words = "had no pod ready" if least == 0 else f"was down to {figure(least, '%')}"
    return f"{series.name} {words} from {_clock(chart, short[0])}"


def _clock(chart: Chart, step: int) -> str:
    at = chart.starts_at + timedelta(seconds=step * chart.step_s)
    return f"{at.astimezone(chart.clock):%H:%M}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _capital(text: str) -> str:
    """Begin with a capital where that is a word of ours, not the name of a workload."""
    return text[:1].upper() + text[1:] if text.startswith(("ready", "always", "memory", "nothing")) else text
