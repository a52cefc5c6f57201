"""What became of a change whose answer nobody has: decided from the object, never from hope. Pure.

An answer was lost, a worker died, a lease ran out: the object's mark and traces say whether the change happened. What
they cannot say is left to a person; nothing is ever sent a second time on a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.live import Live
from bot.domain.plans import Plan
from bot.domain.steps import AnyStep, Scale, Stamp, Standing
from bot.domain.steps.base import spec_of

# How an attempt ended that certainly changed nothing; whatever else stands there, or nothing, is a doubt.
_WITHOUT_EFFECT = frozenset({"conflict", "refused", "throttled"})
_APPLIED = "applied"


class Attempted(Protocol):
    """A write that was noted before it was sent: what the target was like, and how the write ended as far as known."""

    @property
    def generation(self) -> int: ...

    @property
    def prior_marker(self) -> str: ...

    @property
    def outcome(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Happened:
    """The change was applied. `overwritten` says for people what has become of it since; empty while it stands."""

    overwritten: str = ""


@dataclass(frozen=True, slots=True)
class Redo:
    """The change was not applied: read and compare again, and then write, under the fence of now."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be told, for the `reason`. `void`: a write may still be on its way, and the object can be marked."""

    reason: str
    void: bool


Recovery = Happened | Redo | Unknown


def recover(operation_id: str, plan: Plan, live: Live, attempts: Sequence[Attempted]) -> Recovery:
    """Decide what became of a change, from its target as it is now and its attempts, the oldest first."""
    stamp = plan.stamp(operation_id, ())
    step, target = plan.draft.step, plan.draft.target
    replaced = live.object is not None and bool(target.uid) and live.uid != target.uid
    sent = any(attempt.outcome not in _WITHOUT_EFFECT for attempt in attempts)
    if not step.marked:
        return _by_absence(step, live, stamp, replaced=replaced) if sent else Redo()
    if not replaced and live.marker == operation_id:
        return Happened(overwritten(step, live, stamp))
    if not sent:
        return Redo()
    if live.object is None:
        return Unknown("the object is gone, and with it every sign of the change", void=False)
    if replaced:
        return Unknown("the object was deleted and made anew, so nothing shows whether it was changed", void=False)
    if live.marker not in ("", attempts[-1].prior_marker):
        return Unknown("another request has changed the object since", void=True)
    return _by_traces(step, live, stamp, attempts)


def _by_absence(step: AnyStep, live: Live, stamp: Stamp, *, replaced: bool) -> Recovery:
    """Judge a step that leaves no mark: what it takes away is gone, or it did not happen."""
    if replaced or step.compare(live, stamp).standing is Standing.TO:
        return Happened()
    return Redo()


def overwritten(step: AnyStep, live: Live, stamp: Stamp) -> str:
    """Say what became of an object since a step was applied to it; empty while it is as the step left it."""
    compared = step.compare(live, stamp)
    match compared.standing:
        case Standing.TO:
            return ""
        case Standing.FROM:
            return "somebody put it back as it was"
        case Standing.OTHER if isinstance(step, Scale):
            # The difference is told from what was planned for; here it is from what was made of it.
            return f"{int(spec_of(live.object).get('replicas', 1))} pods are asked for now, not {step.replicas}"
        case Standing.OTHER:
            return compared.difference


def _by_traces(step: AnyStep, live: Live, stamp: Stamp, attempts: Sequence[Attempted]) -> Recovery:
    """Judge an object without our mark: the mark proves that a change happened, its absence little."""
    compared = step.compare(live, stamp)
    if compared.standing is Standing.TO:
        why = "it is as the change would leave it, but does not carry this request's mark: somebody else changed it, or"
        return Unknown(f"{why} removed the mark", void=True)
    trace = step.trace(live, stamp, generation=attempts[-1].generation)
    if not trace and any(attempt.outcome == _APPLIED for attempt in attempts):
        trace = "the API server had confirmed it"
    if compared.standing is Standing.OTHER:
        return Unknown(f"it is neither as before nor as it was to be: {trace or compared.difference}", void=True)
    return Unknown(f"it was applied, and somebody reversed it: {trace}", void=True) if trace else Redo()
