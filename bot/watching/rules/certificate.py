"""A certificate ends soon, or its renewal is overdue: as it is served, and as cert-manager has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.diagnosis import duration
from bot.domain.findings import Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.extras import IssuedCertificate
from bot.domain.watch.probes import Health, Probed
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.measuring import Found, asks, gathered, title, unasked, words
from bot.watching.rule import Rule

NAME = "certificate"
# cert-manager renews at its renewal time; for how long it may take before that is worth an alert.
OVERDUE = timedelta(hours=6)


def judge(world: World) -> Judged:
    return gathered([*_served(world), *_issued(world)])


def _served(world: World) -> Iterator[Found]:
    if world.probed.seen is None:
        yield Unknown(f"{NAME}:served:", world.probed.problem)
        return
    for probed in world.probed.seen:
        key = f"{NAME}:served:{probed.target.name}"
        if not probed.certificates:
            # A target that is not reached shows no certificate: that one is about to end is as true as before.
            if probed.health in (Health.FAILED, Health.UNKNOWN):
                yield unasked(probed, key)
            continue
        first = min(probed.certificates, key=lambda each: each.not_after)
        name = first.names[0] if first.names else probed.target.name
        if _ends_soon(world, first.not_after):
            soon = _signal(world, key, name, first.names, first.not_after, _where(probed))
            yield replace(soon, targets=(probed.target.identity,))


def _issued(world: World) -> Iterator[Found]:
    if world.certificates.absent:
        return
    if world.certificates.seen is None:
        yield Unknown(f"{NAME}:issued:", world.certificates.problem)
        return
    for each in world.certificates.seen:
        key = f"{NAME}:issued:{each.name}"
        name = each.names[0] if each.names else each.name
        if each.not_after is not None and _ends_soon(world, each.not_after):
            yield _signal(world, key, name, each.names, each.not_after, _renewal(each))
        elif each.renewal_at is not None and world.now - each.renewal_at > OVERDUE:
            late = duration((world.now - each.renewal_at).total_seconds())
            yield _overdue(key, name, each, late)


def watches(world: World, signal: Signal) -> bool:
    """Tell whether who told of a certificate is still there: the target that serves it, or cert-manager."""
    issued = signal.key.startswith(f"{NAME}:issued:")
    return not world.certificates.absent if issued else asks(world, signal)


def _ends_soon(world: World, not_after: datetime) -> bool:
    return not_after - world.now <= timedelta(days=world.thresholds.certificate_days)


def _signal(world: World, key: str, name: str, names: Sequence[str], not_after: datetime, besides: str) -> Signal:
    left = (not_after - world.now).total_seconds()
    when = f"ends in {duration(left)}" if left > 0 else f"ended {duration(-left)} ago"
    return Signal(
        key=key,
        rule=NAME,
        severity=Severity.WARNING if left > 0 else Severity.CRITICAL,
        cause=_cause(names, name),
        title=title(f"certificate of {name} {when}"),
        words=words(f"It is valid until {not_after:%Y-%m-%d %H:%M} UTC. {besides}"),
        clear_s=0.0,
    )


def _overdue(key: str, name: str, issued: IssuedCertificate, late: str) -> Signal:
    return Signal(
        key=key,
        rule=NAME,
        severity=Severity.WARNING,
        cause=_cause(issued.names, name),
        title=title(f"renewal of the certificate of {name} is overdue"),
        words=words(f"cert-manager should have renewed it {late} ago. {_renewal(issued)}"),
        clear_s=0.0,
    )


def _cause(names: Sequence[str], name: str) -> str:
    """Return one cause for a certificate, whoever tells of it."""
    return f"certificate/{min(names, default=name)[:200].lower()}"


def _where(probed: Probed) -> str:
    return f"{probed.target.name} serves it."


def _renewal(issued: IssuedCertificate) -> str:
    failed = f"{issued.failed_attempts} failed attempts. " if issued.failed_attempts else ""
    return f"{failed}{issued.words}"


RULE = Rule(
    name=NAME,
    summary="A certificate ends within seven days, or its renewal is overdue",
    severity="warning, critical once it has ended",
    judge=judge,
    watches=watches,
)
