"""Usage: what containers use of what they may use and asked for, and which are near a limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Looks, Seen, unread
from bot.diagnosis.usage import samples
from bot.domain.objects import Container, ContainerUsage, Pod
from bot.domain.snapshot import Part
from bot.domain.text import count, in_short, listed
from bot.domain.watch.checkups import Section

NAME = "usage"
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Share:
    """A container's share of a limit or a request; `name` is what people call its workload."""

    name: str
    what: str
    share: float

    def __str__(self) -> str:
        return f"{self.name} {self.what} {self.share * 100:.0f} %"


def look(seen: Seen) -> Section:
    looks = seen.cluster.seen
    if looks is None:
        return Section(name=NAME, problem=seen.cluster.problem)
    reason = unread(seen, (Part.POD_METRICS,))
    problem = f"metrics not available: {reason}" if reason else ""
    if not looks.extent.pods and not problem:
        return Section(name=NAME, absent=True)
    samples = _samples(looks)
    if not samples:
        problem = problem or "no pod has a sample yet"
        return Section(name=NAME, problem=problem, attentions=from_findings(seen, NAME))
    limits = [
        share for pod, container, used in samples for share in _of_limits(_named(seen, looks, pod), container, used)
    ]
    near = _worst_of_each(share for share in limits if share.share * 100 >= _threshold(seen, share))
    words = f"near a limit: {_first(near)}" if near else _highest(limits)
    above = sum(_is_above_request(container, used) for _, container, used in samples)
    if above:
        words += f"; {above} of {count(len(samples), 'container')} above the memory request"
    return Section(name=NAME, words=words, problem=problem, noted=bool(near), attentions=from_findings(seen, NAME))


def _samples(looks: Looks) -> Sequence[tuple[Pod, Container, ContainerUsage]]:
    ours = {pod.meta.uid for pod in looks.extent.pods}
    return [each for each in samples(looks.index) if each[0].meta.uid in ours]


def _named(seen: Seen, looks: Looks, pod: Pod) -> str:
    target = looks.index.target_of(pod)
    return seen.named(target.kind, target.name)


def _of_limits(name: str, container: Container, used: ContainerUsage) -> Iterable[_Share]:
    if container.cpu_limit_m:
        yield _Share(name, "CPU", used.cpu_m / container.cpu_limit_m)
    if container.memory_limit:
        yield _Share(name, "memory", used.memory / container.memory_limit)


def _threshold(seen: Seen, share: _Share) -> float:
    thresholds = seen.watch.thresholds
    return thresholds.cpu_percent if share.what == "CPU" else thresholds.memory_percent


def _is_above_request(container: Container, used: ContainerUsage) -> bool:
    return bool(container.memory_request) and used.memory > (container.memory_request or 0)


def _worst_of_each(shares: Iterable[_Share]) -> list[_Share]:
    """Return each workload's worst of a kind once, the worst first."""
    worst: dict[tuple[str, str], _Share] = {}
    for share in shares:
        key = (share.name, share.what)
        if key not in worst or worst[key].share < share.share:
            worst[key] = share
    return sorted(worst.values(), key=lambda each: (-each.share, each.name))


def _first(shares: Sequence[_Share]) -> str:
    return in_short([str(share) for share in shares], _MOST_NAMED)


def _highest(limits: Sequence[_Share]) -> str:
    if not limits:
        return "no container has a limit"
    parts = []
    for what in ("CPU", "memory"):
        shares = [share for share in limits if share.what == what]
        if shares:
            most = max(shares, key=lambda each: each.share)
            parts.append(f"{what} {most.share * 100:.0f} %")
    return f"at most {listed(parts)} of a limit"


SECTION = SectionKind(order=20, reading="cluster", look=look)
