"""Probes and extras that say what a test wrote down, and records of both in short calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from bot.domain.findings import Severity
from bot.domain.targets import ClusterName, Scope
from bot.domain.text import NO_TEXT, Redacted
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Health, Probed, ProbeKind, ProbeTarget, ServedCertificate, Stage, Trouble
from bot.errors import ClusterError, ClusterNotFound
from bot.probes.words import spoken
from tests.support.builders import NOW, SCOPE, ago

T = TypeVar("T")


class Together:
    """Counts who is at it at the same time; with `until` everybody waits until so many have come."""

    def __init__(self, until: int = 0) -> None:
        self.most = self.now = self.all = 0
        self._until = until
        self._there = asyncio.Event()

    async def pass_through(self) -> None:
        """Come, wait for the others, go."""
        self.now += 1
        self.all += 1
        self.most = max(self.most, self.now)
        if self.now >= self._until:
            self._there.set()
        try:
            await self._there.wait()
        finally:
            self.now -= 1


class FixedProbes:
    """A `Probes` over a table, by the targets' names; one that is not in it answers well. `hanging` never answer."""

    def __init__(self, *answers: Probed, hanging: Sequence[str] = (), together: Together | None = None) -> None:
        self.answers = {answer.target.name: answer for answer in answers}
        self.hanging = frozenset(hanging)
        self.together = together or Together()
        self.asked: list[str] = []

    async def probe(self, target: ProbeTarget) -> Probed:
        self.asked.append(target.name)
        await self.together.pass_through()
        if target.name in self.hanging:
            await asyncio.Event().wait()
        return _fit(self.answers.get(target.name) or probed(target))


def _fit(answer: Probed) -> Probed:
    """Return an answer as a port may give it: masked, each text on one line."""
    return replace(
        answer,
        stages=tuple(replace(each, words=spoken(each.words)) for each in answer.stages),
        troubles=tuple(replace(each, words=spoken(each.words), advice=spoken(each.advice)) for each in answer.troubles),
        facts=tuple((spoken(label), spoken(value)) for label, value in answer.facts),
        lines=tuple(map(spoken, answer.lines)),
    )


class FixedExtras:
    """An `Extras` that returns what it was made with, or raises it; by default nothing is installed."""

    def __init__(
        self,
        *,
        quotas: Sequence[Quota] | ClusterError | None = None,
        backups: Sequence[Backup] | ClusterError | None = None,
        certificates: Sequence[IssuedCertificate] | ClusterError | None = None,
        disks: Sequence[DiskUse] | ClusterError | None = None,
        hanging: Sequence[str] = (),
        together: Together | None = None,
    ) -> None:
        self._quotas, self._backups, self._certificates, self._disks = quotas, backups, certificates, disks
        self._hanging = frozenset(hanging)
        self._together = together or Together()
        self.asked: list[str] = []

    async def quotas(self, scope: Scope) -> Sequence[Quota]:
        await self._ask(f"quotas of {scope.namespace}")
        return _said(() if self._quotas is None else self._quotas)

    async def backups(self, cluster: ClusterName) -> Sequence[Backup]:
        await self._ask(f"backups of {cluster}")
        return _said(self._backups)

    async def certificates(self, scope: Scope) -> Sequence[IssuedCertificate]:
        await self._ask(f"certificates of {scope.namespace}")
        return _said(self._certificates)

    async def disks(self, scope: Scope) -> Sequence[DiskUse]:
        await self._ask(f"disks of {scope.namespace}")
        return _said(self._disks)

    async def _ask(self, what: str) -> None:
        self.asked.append(what.partition(" ")[0])
        await self._together.pass_through()
        if what.partition(" ")[0] in self._hanging:
            await asyncio.Event().wait()


def _said(answer: Sequence[T] | ClusterError | None) -> Sequence[T]:
    if answer is None:
        raise ClusterNotFound("It is not installed.")
    if isinstance(answer, ClusterError):
        raise answer
    return answer


# --- targets ----------------------------------------------------------------------------------------------------------


def health_url(service: str = "search", *, address: str = "https://rag.example.com/health") -> ProbeTarget:
    """Make the health URL of a service, by its alias."""
    return ProbeTarget(name=service, kind=ProbeKind.HTTP, address=address, scope=SCOPE, service=service)


def database(
    name: str = "postgres",
    *,
    used_by: tuple[str, ...] = ("search",),
    kind: ProbeKind = ProbeKind.POSTGRESQL,
    address: str = "postgres.shop.svc:5432",
    service: str = "",
    scope: Scope = SCOPE,
) -> ProbeTarget:
    """Make something that services depend on."""
    return ProbeTarget(name=name, kind=kind, address=address, scope=scope, service=service, used_by=used_by)


def watching_over(*targets: ProbeTarget) -> WatchPolicy:
    """Make the policy of an operator who named these targets."""
    return WatchPolicy(targets=targets)


def trouble(
    words: str = "It refuses the connection.",
    *,
    code: str = "PROBE_REFUSED",
    severity: Severity = Severity.CRITICAL,
    advice: str = "",
) -> Trouble:
    return Trouble(code=code, severity=severity, words=words, advice=advice)


def probed(
    target: ProbeTarget,
    health: Health = Health.OK,
    *troubles: Trouble,
    took_ms: float | None = 12.0,
    stages: tuple[Stage, ...] = (Stage("DNS", 1.0), Stage("TCP", 2.0)),
    facts: tuple[tuple[str, str], ...] = (),
    lines: tuple[str, ...] = (),
    certificates: tuple[ServedCertificate, ...] = (),
) -> Probed:
    """Make what a target said; it is well unless told otherwise."""
    return Probed(
        target=target,
        at=NOW,
        health=health,
        took_ms=took_ms,
        stages=stages,
        troubles=troubles,
        facts=facts,
        lines=tuple(Redacted(line) for line in lines),
        certificates=certificates,
    )


def failed(target: ProbeTarget, words: str = "It refuses the connection.", *, advice: str = "") -> Probed:
    """Make what becomes of a target that does not answer."""
    return probed(target, Health.FAILED, trouble(words, advice=advice), took_ms=None)


def served(
    *names: str, days: float = 60, serial: str = "ab12", issuer: str = "R11", address: str = ""
) -> ServedCertificate:
    """Make a certificate that ends in so many days."""
    return ServedCertificate(
        names=names or ("rag.example.com",),
        issuer=issuer,
        serial=serial,
        not_after=NOW + timedelta(days=days),
        address=address,
    )


# --- extras -----------------------------------------------------------------------------------------------------------


def quota(share: float = 0.5, *, name: str = "compute", resource: str = "requests.cpu") -> Quota:
    return Quota(name=name, resource=resource, used=f"{share * 10:g}", hard="10", share=share)


def backup(
    name: str = "nightly-1",
    phase: str = "Completed",
    *,
    hours_ago: float = 8,
    errors: int = 0,
    namespaces: tuple[str, ...] = (),
) -> Backup:
    return Backup(
        name=name,
        phase=phase,
        started_at=ago(hours_ago * 3600 + 60),
        completed_at=ago(hours_ago * 3600),
        errors=errors,
        namespaces=namespaces,
        schedule="nightly",
    )


def issued(
    name: str = "rag-tls",
    *,
    days: float | None = 60,
    names: tuple[str, ...] = ("rag.example.com",),
    ready: bool | None = True,
    failed_attempts: int = 0,
    words: str = "",
) -> IssuedCertificate:
    """Make a Certificate of cert-manager that ends in so many days; None: none was made yet."""
    return IssuedCertificate(
        name=name,
        secret_name=name,
        names=names,
        ready=ready,
        not_after=None if days is None else NOW + timedelta(days=days),
        renewal_at=None,
        revision=1,
        failed_attempts=failed_attempts,
        words=Redacted(words) if words else NO_TEXT,
    )


def disk(share: float = 0.5, *, kind: str = "Node", name: str = "node-1", what: str = "nodefs") -> DiskUse:
    return DiskUse(
        kind=kind,
        name=name,
        namespace="" if kind == "Node" else SCOPE.namespace,
        used=int(share * 1000) << 20,
        capacity=1000 << 20,
        what=what if kind == "Node" else "",
    )
