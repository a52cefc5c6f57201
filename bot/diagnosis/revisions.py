"""What changed between two revisions of a Deployment: images, environment names, resources, probes, ports, commands.

Environment values are never compared nor shown; only their names are known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.diagnosis.words import amount, cpu, tag_of
from bot.domain.objects import Probe, ReplicaSet, TemplateContainer


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: what (`image`, `env`, …), of which container, and from -> to in words."""

    what: str
    container: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.what == "env":
            gone = f"- {self.before}" if self.before else ""
            come = f"+ {self.after}" if self.after else ""
            return f"env {' '.join(part for part in (gone, come) if part)}"
        return f"{self.what} {self.before or '-'} → {self.after or '-'}"


def differences(before: ReplicaSet, after: ReplicaSet) -> tuple[Difference, ...]:
    """Return what differs from one revision to another, container by container."""
    old = {container.name: container for container in before.containers}
    new = {container.name: container for container in after.containers}
    found: list[Difference] = []
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            found.append(Difference("container", name, tag_of(old[name].image), ""))
        elif name not in old:
            found.append(Difference("container", name, "", tag_of(new[name].image)))
        else:
            found += _of_container(old[name], new[name])
    if not found and before.template_restarted_at != after.template_restarted_at:
        found.append(Difference("restart", "", "", "restarted by hand, nothing else"))
    return tuple(found)


def _of_container(old: TemplateContainer, new: TemplateContainer) -> list[Difference]:
    found: list[Difference] = []
    if old.image != new.image:
        same_name = old.image.rpartition(":")[0] == new.image.rpartition(":")[0]
        before, after = (tag_of(old.image), tag_of(new.image)) if same_name else (old.image, new.image)
        found.append(Difference("image", old.name, before, after))
    gone = ", ".join(sorted(set(old.env_names) - set(new.env_names)))
    come = ", ".join(sorted(set(new.env_names) - set(old.env_names)))
    if gone or come:
        found.append(Difference("env", old.name, gone, come))
    pairs = (
        ("memory limit", _bytes(old.memory_limit), _bytes(new.memory_limit)),
        ("memory request", _bytes(old.memory_request), _bytes(new.memory_request)),
        ("cpu limit", _cpu(old.cpu_limit_m), _cpu(new.cpu_limit_m)),
        ("cpu request", _cpu(old.cpu_request_m), _cpu(new.cpu_request_m)),
        ("readiness probe", _probe(old.readiness), _probe(new.readiness)),
        ("liveness probe", _probe(old.liveness), _probe(new.liveness)),
        ("startup probe", _probe(old.startup), _probe(new.startup)),
        ("ports", _ports(old), _ports(new)),
        ("command", " ".join(old.command)[:80], " ".join(new.command)[:80]),
        ("references", _references(old), _references(new)),
    )
    found += [Difference(what, old.name, before, after) for what, before, after in pairs if before != after]
    return found


def _bytes(size: int | None) -> str:
    return "" if size is None else amount(size)


def _cpu(millicores: int | None) -> str:
    return "" if millicores is None else cpu(millicores)


def _probe(probe: Probe | None) -> str:
    if probe is None:
        return ""
    return f"{probe.target} every {probe.period_s} s, {probe.timeout_s} s, {probe.failure_threshold}x"


def _ports(container: TemplateContainer) -> str:
    return ", ".join(f"{port.name + ':' if port.name else ''}{port.number}" for port in container.ports)


def _references(container: TemplateContainer) -> str:
    return ", ".join(sorted({f"{ref.kind.lower()}/{ref.name}" for ref in container.references}))
