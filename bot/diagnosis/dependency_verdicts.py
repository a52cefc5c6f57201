"""What we see of a dependency beside what the pods that use it say of it: whose trouble it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from bot.diagnosis.crash_reasons import Cause, Reason, quoted, read
from bot.diagnosis.index import Index
from bot.diagnosis.steps import by_hand, command
from bot.diagnosis.words import ago
from bot.domain.catalogue import Catalogue
from bot.domain.findings import EvidenceKind, Finding, NextStep
from bot.domain.objects import Pod, Role, Workload
from bot.domain.snapshot import LogKey, LogRead
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted, listed
from bot.domain.watch.probes import Health, Probed, ProbeKind, ProbeTarget

# One answer reads so many logs at most: of so many pods of each workload.
MOST_LOGS = 8
PODS_OF_EACH = 2
MOST_BESIDES = 3
_PORTS = {"http": 80, "https": 443}
# Words by which a line that names neither host nor port tells what it speaks of.
_KIND_WORDS = {
    ProbeKind.POSTGRESQL: ("postgres", "psycopg", "asyncpg", "pg_hba", "28p01", "connection slots", "pgx", "libpq"),
    ProbeKind.REDIS: ("redis", "noauth", "wrongpass"),
    ProbeKind.QDRANT: ("qdrant",),
}


class Standing(StrEnum):
    """What came of comparing what we see with what the pods say."""

    BOTH_FINE = "both fine"
    PODS_DO_NOT = "we reach it, the pods do not"
    WE_DO_NOT = "the pods are fine, we do not reach it"
    NEITHER = "neither reaches it"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A pod of a workload says that it does not reach the dependency. `at` is when, where that is known."""

    of: ObjectRef
    reason: Reason
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DependencyVerdict:
    """What came of it in a sentence or two, and what to do now."""

    standing: Standing
    words: str
    next: tuple[NextStep, ...] = ()


def place_of(target: ProbeTarget) -> tuple[str, int | None]:
    """Return the host and the port of a target's address; None where it names no port and has no usual one."""
    address = target.address if "://" in target.address else f"//{target.address}"
    try:
        parts = urlsplit(address)
        return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", None


def is_about(reason: Reason, target: ProbeTarget) -> bool:
    """Tell whether what a program says of something that it cannot reach is said of this target."""
    if reason.cause not in (Cause.DEPENDENCY, Cause.CREDENTIALS):
        return False
    host, port = place_of(target)
    if reason.name and not _is_number(reason.name):
        return _same_host(reason.name.lower(), host) and reason.port in ("", str(port))
    if reason.port:
        return reason.port == str(port)
    line = reason.line.lower()
    return any(word in line for word in _KIND_WORDS.get(target.kind, ()))


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_host(one: str, other: str) -> bool:
    """Compare as names in a cluster are: `postgres` is `postgres.shop.svc.cluster.local` in short."""
    short, long = sorted((one.split("."), other.split(".")), key=len)
    return bool(one and other) and long[: len(short)] == short


def said_in(finding: Finding, target: ProbeTarget) -> Reason | None:
    """Return what the evidence of a finding says about a target that cannot be reached; None when nothing does."""
    lines = [line for each in finding.evidence if each.kind is EvidenceKind.LOG for line in each.lines]
    return next((found for line in reversed(lines) if (found := read(line)) and is_about(found, target)), None)


def users_of(index: Index, target: ProbeTarget, catalogue: Catalogue) -> tuple[Workload, ...]:
    """Return the workloads that depend on a target, as far as they are in the snapshot."""
    entries = [catalogue.entries[alias] for alias in target.used_by if alias in catalogue.entries]
    by_name = {(workload.kind, workload.meta.name): workload for workload in index.snapshot.workloads}
    found = [by_name[entry.kind, entry.name] for entry in entries if (entry.kind, entry.name) in by_name]
    return tuple({workload.meta.uid: workload for workload in found}.values())


def logs_wanted(index: Index, targets: Iterable[ProbeTarget], catalogue: Catalogue) -> tuple[LogKey, ...]:
    """Return the logs in which pods would complain: of pods that are not ready first, a few of each workload."""
    users = {user.meta.uid: user for target in targets for user in users_of(index, target, catalogue)}
    keys: list[LogKey] = []
    for user in users.values():
        pods = sorted(_pods(index, user), key=lambda pod: (pod.is_ready, pod.meta.name))
        keys += [key for pod in pods[:PODS_OF_EACH] for key in _keys(pod)]
    return tuple(keys[:MOST_LOGS])


def _pods(index: Index, workload: Workload) -> Sequence[Pod]:
    return [pod for pod in index.pods_of(workload) if pod.meta.deleted_at is None and not pod.is_finished]


def _keys(pod: Pod) -> Iterator[LogKey]:
    for container in pod.containers:
        if container.role is Role.REGULAR:
            yield LogKey(pod.meta.name, container.name, previous=False)
            return


def dependency_verdict(
    index: Index,
    findings: Iterable[Finding],
    probed: Probed,
    catalogue: Catalogue,
    logs: Mapping[LogKey, LogRead],
) -> DependencyVerdict:
    """Compare what a probe of ours says with the findings, the logs and the readiness of the pods that use it."""
    target = probed.target
    users, found = users_of(index, target, catalogue), tuple(findings)
    if not users:
        return DependencyVerdict(Standing.UNKNOWN, _without_users(target))
    complaints = [*_from_findings(index, found, target, users), *_from_logs(index, target, users, logs)]
    if complaints:
        return _complained(index, probed, complaints, catalogue)
    were_read = any(read.lines or not read.problem for read in _logs_of(index, users, logs))
    besides = _besides(index, found, users, catalogue)
    verdict = _quiet(probed, users, catalogue, were_read=were_read, well=not besides)
    return replace(verdict, words=f"{verdict.words} {besides}") if besides else verdict


def _besides(index: Index, findings: Iterable[Finding], users: Sequence[Workload], catalogue: Catalogue) -> str:
    """Say what else is wrong with those who use a target: `Besides: api: new release crashes.`; empty: nothing."""
    refs = {index.ref(user) for user in users}
    titles = [
        f"{catalogue.alias_of(each.target.kind, each.target.name)}: {each.title}"
        for each in findings
        if each.is_problem and not each.general and each.target in refs
    ]
    return f"Besides: {'; '.join(titles[:MOST_BESIDES])}." if titles else ""


def _quiet(
    probed: Probed, users: Sequence[Workload], catalogue: Catalogue, *, were_read: bool, well: bool
) -> DependencyVerdict:
    """Judge where no pod complains, or none could be heard; `well` when nothing else is wrong with them either."""
    target = probed.target
    who = f"the pods of {listed([catalogue.alias_of(user.kind, user.meta.name) for user in users[:3]])}"
    standing = " · ".join(
        f"{catalogue.alias_of(user.kind, user.meta.name)} {user.ready}/{user.desired} ready" for user in users[:3]
    )
    calm = "they complain of nothing" if well else "nothing that they say is about it"
    calm = calm if were_read else "their logs were not read"
    if not all(user.ready >= user.desired for user in users):
        we = {Health.FAILED: "We do not reach it.", Health.UNKNOWN: "We could not look."}
        calm = "nothing that they say is about it" if were_read else calm
        words = f"{we.get(probed.health, 'We reach it.')} Not all of {who} are ready ({standing}); {calm}."
        fine = were_read and probed.health not in we
        return DependencyVerdict(
            Standing.BOTH_FINE if fine else Standing.UNKNOWN, words, () if fine else _look_at(target, catalogue)
        )
    if probed.health is Health.UNKNOWN:
        return DependencyVerdict(Standing.UNKNOWN, f"We could not look. {_upper(who)}: {standing}, {calm}.")
    if probed.health is not Health.FAILED:
        return DependencyVerdict(Standing.BOTH_FINE, f"{_upper(who)}: {standing}, {calm}.")
    words = f"{_upper(who)} are fine ({standing}, {calm}), we are not: look at our own way to it"
    return DependencyVerdict(
        Standing.WE_DO_NOT,
        f"{words} (our network, a NetworkPolicy, our credential).",
        (by_hand(f"kubectl -n {target.scope.namespace} get networkpolicies", "shows who may come in"),),
    )


def _without_users(target: ProbeTarget) -> str:
    if target.used_by:
        return f"No workload of {listed(target.used_by)} was seen here, so there is nothing to compare with."
    return "No service names it in its depends_on, so there are no pods to compare with."


def _from_findings(
    index: Index, findings: Iterable[Finding], target: ProbeTarget, users: Sequence[Workload]
) -> Iterator[Complaint]:
    refs = {index.ref(user) for user in users}
    for finding in findings:
        if finding.target in refs and (reason := said_in(finding, target)) is not None:
            yield Complaint(finding.target, reason)


def _from_logs(
    index: Index, target: ProbeTarget, users: Sequence[Workload], logs: Mapping[LogKey, LogRead]
) -> Iterator[Complaint]:
    for user in users:
        for pod in _pods(index, user):
            for key in _keys(pod):
                found = logs.get(key)
                for line in reversed(found.lines if found else ()):
                    reason = read(line.text)
                    if reason is not None and is_about(reason, target):
                        yield Complaint(index.ref(user), reason, line.at)
                        break


def _logs_of(index: Index, users: Sequence[Workload], logs: Mapping[LogKey, LogRead]) -> Iterator[LogRead]:
    for user in users:
        for pod in _pods(index, user):
            yield from (logs[key] for key in _keys(pod) if key in logs)


def _complained(
    index: Index, probed: Probed, complaints: Sequence[Complaint], catalogue: Catalogue
) -> DependencyVerdict:
    target = probed.target
    refs = tuple(dict.fromkeys(each.of for each in complaints))
    who = f"the pods of {listed([catalogue.alias_of(ref.kind, ref.name) for ref in refs[:3]])}"
    newest = max(complaints, key=lambda each: each.at.timestamp() if each.at else 0.0)
    when = f" ({ago(newest.at, index.now)})" if newest.at else ""
    said = f"{quoted(Redacted(newest.reason.line))}{when}"
    if probed.health is Health.UNKNOWN:
        words = f"We could not look, and {who} do not reach it: {said}."
        return DependencyVerdict(Standing.UNKNOWN, words, _look_at(target, catalogue))
    if probed.health is Health.FAILED:
        words = f"Neither we nor {who} reach it: {said}. It is the dependency itself, or what lies before it."
        return DependencyVerdict(Standing.NEITHER, words, _look_at(target, catalogue))
    hint, step = _hint(newest, target, catalogue)
    return DependencyVerdict(Standing.PODS_DO_NOT, f"We reach it, {who} do not: {said}. Look at {hint}.", (step,))


def _hint(complaint: Complaint, target: ProbeTarget, catalogue: Catalogue) -> tuple[str, NextStep]:
    """Return where to look when only the pods do not reach it, by how they fail."""
    reason, namespace = complaint.reason, target.scope.namespace
    name = catalogue.alias_of(complaint.of.kind, complaint.of.name)
    if reason.cause is Cause.CREDENTIALS:
        hint = "their credential: a Secret that was changed is read as a variable only when a pod starts"
        return hint, command(f"status {name}", "shows what the pods say", f"Status {name}")
    if "resolved" in reason.how:
        dns = "kubectl -n kube-system get pods -l k8s-app=kube-dns"
        return "the DNS of the pods, and the name that they were given", by_hand(dns, "shows the cluster's DNS")
    if "connection left" in reason.how:
        hint = "how many connections their pools take together"
        return hint, command(f"status {name}", "shows how many pods there are", f"Status {name}")
    policies = by_hand(f"kubectl -n {namespace} get networkpolicies", "shows who may talk with whom")
    return "NetworkPolicies between them and it, the DNS of the pods, and the address that they were given", policies


def _look_at(target: ProbeTarget, catalogue: Catalogue) -> tuple[NextStep, ...]:
    if target.service not in catalogue.entries:
        return ()
    return (command(f"status {target.service}", "shows how it fares", f"Status {target.service}"),)


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]
