"""What is at the root of what: signals of one root are one episode, so that one trouble is one message. Pure.

The diagnosis says what follows from what (`because`, `consequences`); a dependency that fails explains those that use
it, unless the diagnosis knows better.
"""

from __future__ import annotations

from bot.diagnosis.dependency_verdicts import said_in
from bot.domain.findings import Finding
from bot.domain.targets import WORKLOAD_KINDS, ObjectRef
from bot.domain.watch.probes import Health, ProbeTarget
from bot.domain.watch.world import World


class Causes:
    """The roots of one scope at one moment. A cause is a text such as `deployment/api`."""

    def __init__(self, world: World) -> None:
        self._world = world
        report = world.report.seen
        self._findings: dict[ObjectRef, Finding] = {}
        for finding in report.findings if report else ():
            if finding.is_problem:
                for ref in (finding.target, *(felt.target for felt in finding.consequences)):
                    self._findings.setdefault(ref, finding)
        self._failed = tuple(
            probed.target
            for probed in world.probed.seen or ()
            if probed.health is Health.FAILED and probed.target.is_dependency
        )

    def of_finding(self, finding: Finding) -> str:
        """Return the cause of a finding: what its program cannot reach, what would explain it, or its object."""
        target = next((target for target in self._failed if said_in(finding, target) is not None), None)
        if target is not None:
            return self._plainly(target)
        named = [ref for ref in finding.because if ref.kind in WORKLOAD_KINDS] or finding.because
        return str(named[0] if named else finding.target)

    def of(self, ref: ObjectRef) -> str:
        """Return the cause of what is felt at an object."""
        finding = self._findings.get(ref)
        return str(ref) if finding is None else self.of_finding(finding)

    def of_service(self, alias: str, *others: ObjectRef) -> str:
        """Return the cause of what is felt at a service: that of its workload, or a dependency of it that fails.

        `others` are objects of the service whose trouble is its own, too.
        """
        ref = self.workload(alias)
        if ref is None:
            return f"service/{alias}"
        cause = self.of(next((each for each in (ref, *others) if each in self._findings), ref))
        if cause != str(ref):
            return cause
        used = next((target for target in self._failed if alias in target.used_by), None)
        return cause if used is None else self._plainly(used)

    def of_target(self, target: ProbeTarget) -> str:
        """Return the cause of what a target shows."""
        if not target.is_dependency:
            return self.of_service(target.service) if target.service else f"target/{target.name}"
        return self._plainly(target)

    def workload(self, alias: str) -> ObjectRef | None:
        """Return the workload behind an alias; None where it is no service of this place."""
        entry = self._world.catalogue.entries.get(alias)
        return None if entry is None else ObjectRef(entry.kind, self._world.scope.namespace, entry.name)

    def name(self, ref: ObjectRef) -> str:
        """Return what people call an object: a service by its alias, other kinds with their kind."""
        if ref.kind in WORKLOAD_KINDS:
            return self._world.catalogue.alias_of(ref.kind, ref.name)
        return f"{ref.kind.lower()} {ref.name}"

    def service(self, ref: ObjectRef) -> str:
        """Return the alias of a workload; empty for what is no service of the catalogue."""
        entries = self._world.catalogue.entries.values()
        return next((entry.alias for entry in entries if (entry.kind, entry.name) == (ref.kind, ref.name)), "")

    def _plainly(self, target: ProbeTarget) -> str:
        """Return the cause of a dependency that fails: the workload that runs it and what explains that, or itself."""
        ref = self.workload(target.service)
        if ref is None:
            return f"target/{target.name}"
        finding = self._findings.get(ref)
        if finding is None:
            return str(ref)
        named = [each for each in finding.because if each.kind in WORKLOAD_KINDS] or finding.because
        return str(named[0] if named else finding.target)
