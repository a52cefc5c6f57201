"""Which finding tells already what a target shows: one cause is said once. Pure."""

from __future__ import annotations

from bot.checkup.extent import extent_of
from bot.checkup.seen import Seen
from bot.diagnosis.dependency_verdicts import said_in
from bot.domain.findings import Finding, Severity
from bot.domain.targets import ObjectRef
from bot.domain.watch.probes import Health, Probed


def told_by(seen: Seen, probed: Probed) -> Finding | None:
    """Return the finding that explains why a target fails: that of its workload, or of the pods that miss it.

    None when it does not fail, or nothing that was found explains it.
    """
    if probed.health is not Health.FAILED or seen.cluster.seen is None:
        return None
    refs = _of_its_own(seen, probed)
    for finding in seen.findings:
        if finding.severity is Severity.CRITICAL and _is_about(finding, refs):
            return finding
    if not probed.target.is_dependency:
        return None
    return next((each for each in seen.findings if each.is_problem and said_in(each, probed.target)), None)


def _of_its_own(seen: Seen, probed: Probed) -> frozenset[ObjectRef]:
    """Return the workload to which a target belongs, and what leads to it; nothing for one outside."""
    entry = seen.catalogue.entries.get(probed.target.service)
    if entry is None or seen.cluster.seen is None:
        return frozenset()
    ref = ObjectRef(entry.kind, seen.scope.namespace, entry.name)
    index = seen.cluster.seen.index
    if ref not in index.workload_by_ref:
        return frozenset()
    around = {each for each in extent_of(index, ref).refs() if each.kind in ("Service", "Ingress")}
    return frozenset({ref, *around})


def _is_about(finding: Finding, refs: frozenset[ObjectRef]) -> bool:
    return finding.target in refs or any(felt.target in refs for felt in finding.consequences)
