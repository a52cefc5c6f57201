"""Autoscalers: where each stands between its bounds."""

from __future__ import annotations

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen, unread
from bot.domain.objects import Autoscaler
from bot.domain.snapshot import Part
from bot.domain.watch.checkups import Section

NAME = "autoscalers"
_MOST_NAMED = 3
# These say that it cannot do its work; that it is limited is said by its figures.
_NEEDED = ("AbleToScale", "ScalingActive")


def look(seen: Seen) -> Section:
    looks = seen.cluster.seen
    problem = unread(seen, (Part.AUTOSCALERS,))
    if looks is None:
        return Section(name=NAME, problem=problem)
    scalers = looks.extent.autoscalers
    attentions = from_findings(seen, NAME)
    if not scalers:
        return Section(name=NAME, problem=problem, absent=not problem, attentions=attentions)
    full = [each for each in scalers if _is_full(each)]
    stuck = [each for each in scalers if _condition(each)]
    if len(scalers) <= _MOST_NAMED:
        words = ", ".join(_words(each) for each in scalers)
    else:
        told = [f"{len(each)} {what}" for each, what in ((full, "at the maximum"), (stuck, "unable to scale")) if each]
        words = f"{len(scalers)}, {', '.join(told) or 'none at its maximum'}"
    return Section(name=NAME, words=words, problem=problem, noted=bool(full or stuck), attentions=attentions)


def _words(scaler: Autoscaler) -> str:
    words = f"{scaler.target_name} {scaler.current} of {scaler.minimum} to {scaler.maximum}"
    if scaler.desired != scaler.current:
        words += f", wants {scaler.desired}"
    if _is_full(scaler):
        words += " (at its maximum)"
    return f"{words} ({_condition(scaler)})" if _condition(scaler) else words


def _is_full(scaler: Autoscaler) -> bool:
    return scaler.desired >= scaler.maximum > scaler.minimum


def _condition(scaler: Autoscaler) -> str:
    """Return the reason why it cannot scale; empty when it can."""
    failing = next((each for each in scaler.conditions if each.type in _NEEDED and each.status == "False"), None)
    # Scaled to 0 on purpose, an autoscaler pauses itself.
    if failing is None or failing.reason == "ScalingDisabled":
        return ""
    return failing.reason or failing.type


SECTION = SectionKind(order=70, reading="cluster", look=look)
