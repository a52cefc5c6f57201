"""Figures against a threshold, and targets that fail: what several rules have in common. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum

from bot.domain.findings import Severity
from bot.domain.snapshot import Freshness, Part
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted
from bot.domain.watch.episodes import Signal
from bot.domain.watch.probes import Health, Probed, ProbeKind
from bot.domain.watch.samples import SampleAt
from bot.domain.watch.world import Judged, Unknown, World
from bot.redaction import redact
from bot.watching.causes import Causes

# An alert ends this much below its threshold.
LOWER = 0.9
LONGEST_WORDS = 500
LONGEST_TITLE = 150
# What is asked once a minute has to fail twice.
CONFIRM_S = 60.0


class Level(Enum):
    """Where a figure stands: `BETWEEN` neither begins nor ends anything."""

    OVER = "over"
    BETWEEN = "between"
    UNDER = "under"


def level(figure: float, threshold: float) -> Level:
    """Compare a figure with its threshold."""
    if figure >= threshold:
        return Level.OVER
    return Level.BETWEEN if figure >= LOWER * threshold else Level.UNDER


def words(text: str, limit: int = LONGEST_WORDS) -> Redacted:
    """Return words for an alert on one line: masked, without what is not text, and cut."""
    line = Redacted(" ".join(redact(text).split()))
    return line if len(line) <= limit else Redacted(line[: limit - 1] + "…")


def title(text: str) -> str:
    """Return a title on one line, masked and cut."""
    return words(text, LONGEST_TITLE)


def percent(share: float) -> str:
    """Say a share in whole percent."""
    return f"{share * 100:.0f} %"


Found = Signal | Unknown | str
"""What is true, what could not be judged, and the key of what stands between beginning and ending."""


def gathered(found: Iterable[Found]) -> Judged:
    """Put together what a rule found."""
    each = tuple(found)
    return Judged(
        tuple(signal for signal in each if isinstance(signal, Signal)),
        tuple(unknown for unknown in each if isinstance(unknown, Unknown)),
        tuple(key for key in each if isinstance(key, str)),
    )


def asks(world: World, signal: Signal) -> bool:
    """Tell whether what a signal is known by is still asked: one of its targets, where it is known by them alone."""
    if not signal.targets or world.probed.seen is None:
        return True
    return any(each.target.identity in signal.targets for each in world.probed.seen)


def unasked(probed: Probed, key: str) -> Unknown:
    """Return that a target could not be asked, in its own words."""
    return Unknown(key, " ".join(trouble.words for trouble in probed.troubles[:1]) or "it could not be asked")


def failing(
    name: str, kinds: frozenset[ProbeKind], *, only: Callable[[Probed], bool] = lambda _: True
) -> Callable[[World], Judged]:
    """Return what judges the dependencies of some kinds: they fail, or something about them is critical."""

    def judge(world: World) -> Judged:
        if world.probed.seen is None:
            return Judged(unknown=(Unknown(f"{name}:", world.probed.problem),))
        causes = Causes(world)
        asked = [
            each for each in world.probed.seen if each.target.kind in kinds and each.target.is_dependency and only(each)
        ]
        return gathered(
            found for each in asked for found in _failing(name, each, causes, float(world.thresholds.clear_s))
        )

    return judge


def _failing(name: str, probed: Probed, causes: Causes, clear_s: float) -> Iterable[Found]:
    key = f"{name}:{probed.target.name}"
    critical = [each for each in probed.troubles if each.severity is Severity.CRITICAL]
    if probed.health is Health.UNKNOWN:
        yield unasked(probed, key)
    elif probed.health is Health.FAILED or critical:
        told = (critical or probed.troubles)[:2]
        stage = next((each for each in probed.stages if not each.ok), None)
        reason = " ".join(each.words for each in told) or (f"{stage.name}: {stage.words}" if stage else "")
        does = "fails" if probed.health is Health.FAILED else "is in trouble"
        yield Signal(
            key=key,
            rule=name,
            severity=Severity.CRITICAL,
            cause=causes.of_target(probed.target),
            title=title(f"{probed.target.name} {does}"),
            words=words(reason),
            hold_s=CONFIRM_S,
            clear_s=clear_s,
            service=probed.target.service,
            targets=(probed.target.identity,),
        )


def unmeasured(world: World) -> str:
    """Say why what a workload uses is not known."""
    status = None if world.report.seen is None else world.report.seen.snapshot.status(Part.POD_METRICS)
    reason = status.reason if status is not None and status.freshness is not Freshness.LIVE else ""
    return f"{Part.POD_METRICS.value}: {reason or 'nothing was measured'}"


def by_workload(samples: Iterable[SampleAt], *, after: datetime) -> Mapping[ObjectRef, Sequence[SampleAt]]:
    """Return the samples after a moment by workload, the oldest first."""
    found: dict[ObjectRef, list[SampleAt]] = defaultdict(list)
    for each in samples:
        if each.at > after:
            found[each.sample.ref].append(each)
    return found
