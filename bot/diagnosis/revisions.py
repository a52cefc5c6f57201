"""What changed between two pod templates: images, environment names, resources, probes, ports, commands, labels.

Environment values are never compared nor shown; only their names, and the names of what they are read from, are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.diagnosis.words import amount, cpu, tag_of
from bot.domain.objects import Port, Probe, Reference, Role, TemplateContainer

# The controller's own mark of a revision: it differs always and says nothing.
_HASH = "pod-template-hash"
# A command is shown up to here; beyond it, only that it differs.
_MOST_OF_A_COMMAND = 80
RESTART = "restart"


class Templated(Protocol):
    """What has a pod template: a revision, or a workload whose template waits to be rolled out."""

    @property
    def containers(self) -> tuple[TemplateContainer, ...]: ...

    @property
    def template_labels(self) -> Mapping[str, str]: ...

    @property
    def template_restarted_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: what (`image`, `env`, …), of which container, and from -> to in words.

    `named` when the words must name the container, because there are several.
    """

    what: str
    container: str
    before: str
    after: str
    named: bool = False

    def __str__(self) -> str:
        what = f"{self.what} of {self.container}" if self.named else self.what
        if self.what == RESTART:
            return self.after
        if self.what in ("env", "references", "labels"):
            gone = f"{self.before} removed" if self.before else ""
            come = f"{self.after} added" if self.after else ""
            return f"{what}: {', '.join(part for part in (gone, come) if part)}"
        return f"{what} {self.before or 'none'} → {self.after or 'none'}"


def differences(before: Templated, after: Templated) -> tuple[Difference, ...]:
    """Return what differs from one template to another, container by container."""
    old = {container.name: container for container in before.containers}
    new = {container.name: container for container in after.containers}
    named = len(old | new) > 1
    found: list[Difference] = []
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            found.append(Difference("container", name, f"{name} ({tag_of(old[name].image)})", ""))
        elif name not in old:
            found.append(Difference("container", name, "", f"{name} ({tag_of(new[name].image)})"))
        else:
            found += _of_container(old[name], new[name], named=named)
    found += _gone_and_come("labels", "", _labels(before), _labels(after), named=False)
    if not found and before.template_restarted_at != after.template_restarted_at:
        found.append(Difference(RESTART, "", "", "restarted by hand, nothing else"))
    return tuple(found)


def version_of(of: Templated, *, unknown: str = "unknown") -> str:
    """Return what tells a template's version: the tag of its first regular container; `unknown` when it has none."""
    return next((tag_of(each.image) for each in of.containers if each.role is Role.REGULAR), unknown)


def is_restart(found: Iterable[Difference]) -> bool:
    """Tell whether nothing but the mark of a restart differs."""
    whats = [difference.what for difference in found]
    return whats == [RESTART]


def _of_container(old: TemplateContainer, new: TemplateContainer, *, named: bool) -> list[Difference]:
    found: list[Difference] = []
    if old.image != new.image:
        same_name = _without_tag(old.image) == _without_tag(new.image)
        before, after = (tag_of(old.image), tag_of(new.image)) if same_name else (old.image, new.image)
        if before == after:  # one tag, another digest
            before, after = old.image.partition("@")[2][:19] or "by tag", new.image.partition("@")[2][:19] or "by tag"
        found.append(Difference("image", old.name, before, after, named))
    found += _gone_and_come("env", old.name, set(old.env_names), set(new.env_names), named=named)
    pairs = (
        ("role", old.role.value, new.role.value),
        ("memory limit", _bytes(old.memory_limit), _bytes(new.memory_limit)),
        ("memory request", _bytes(old.memory_request), _bytes(new.memory_request)),
        ("cpu limit", _cpu(old.cpu_limit_m), _cpu(new.cpu_limit_m)),
        ("cpu request", _cpu(old.cpu_request_m), _cpu(new.cpu_request_m)),
        ("readiness probe", _probe(old.readiness), _probe(new.readiness)),
        ("liveness probe", _probe(old.liveness), _probe(new.liveness)),
        ("startup probe", _probe(old.startup), _probe(new.startup)),
        ("ports", _ports(old.ports), _ports(new.ports)),
    )
    found += [Difference(what, old.name, before, after, named) for what, before, after in pairs if before != after]
    if old.command != new.command:
        found.append(Difference("command", old.name, *_commands(old.command, new.command), named))
    found += _gone_and_come("references", old.name, _references(old), _references(new), named=named)
    return found


def _gone_and_come(what: str, container: str, old: set[str], new: set[str], *, named: bool) -> list[Difference]:
    if old == new:
        return []
    return [Difference(what, container, ", ".join(sorted(old - new)), ", ".join(sorted(new - old)), named)]


def _without_tag(image: str) -> str:
    """Return an image's registry and repository; the port of a registry is no tag."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


def _bytes(size: int | None) -> str:
    return "" if size is None else amount(size)


def _cpu(millicores: int | None) -> str:
    return "" if millicores is None else cpu(millicores)


def _probe(probe: Probe | None) -> str:
    if probe is None:
        return ""
    delay = f", first after {probe.initial_delay_s} s" if probe.initial_delay_s else ""
    patience = f"every {probe.period_s} s, {probe.timeout_s} s to answer, {probe.failure_threshold} times"
    return f"{probe.target} {patience}{delay}"


def _ports(ports: Iterable[Port]) -> str:
    return ", ".join(f"{port.name + ':' if port.name else ''}{port.number}" for port in ports)


def _commands(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, str]:
    """Show two commands from where they begin to differ, when their beginning fills the line."""
    before, after = " ".join(old), " ".join(new)
    if before[:_MOST_OF_A_COMMAND] == after[:_MOST_OF_A_COMMAND]:
        shorter = min(len(before), len(after))
        same = next((n for n in range(shorter) if before[n] != after[n]), shorter)
        start = max(same - 20, 0)
        before, after = f"…{before[start:]}", f"…{after[start:]}"
    return before[:_MOST_OF_A_COMMAND], after[:_MOST_OF_A_COMMAND]


def _references(container: TemplateContainer) -> set[str]:
    return {_reference(reference) for reference in container.references}


def _reference(reference: Reference) -> str:
    variable = f"{reference.variable} from " if reference.variable else ""
    key = f":{reference.key}" if reference.key else ""
    return f"{variable}{reference.kind.lower()}/{reference.name}{key}"


def _labels(of: Templated) -> set[str]:
    return {f"{key}={value}" for key, value in of.template_labels.items() if key != _HASH}
