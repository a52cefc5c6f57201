"""A check for programs: the documented, stable form of `--output json`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from bot.domain.findings import NextStep
from bot.domain.watch.checkups import Attention, Checkup, Section
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.domain.watch.probes import Probed, ServedCertificate
from bot.domain.watch.world import Looked

T = TypeVar("T")


def checkup_data(checkup: Checkup) -> dict[str, object]:
    """Return a check for programs; the form is documented and stable."""
    report = checkup.report.seen
    return {
        "verdict": checkup.verdict.value,
        "cluster": checkup.scope.cluster,
        "namespace": checkup.scope.namespace,
        "service": checkup.service,
        "at": _time(checkup.at),
        "as_of": _time(report.snapshot.as_of) if report else None,
        "took_s": round(checkup.took_s, 3),
        "attentions": [_attention(attention) for attention in checkup.attentions],
        "sections": [_section(section) for section in checkup.sections],
        "probes": [probed_data(probed) for probed in _seen(checkup.probed)],
        "quotas": [_quota(quota) for quota in _seen(checkup.quotas)],
        "backups": [_backup(backup) for backup in _seen(checkup.backups)],
        "certificates": [_issued(issued) for issued in _seen(checkup.certificates)],
        "disks": [_disk(disk) for disk in _seen(checkup.disks)],
    }


def probed_data(probed: Probed) -> dict[str, object]:
    """Return what a target said for programs; the form is documented and stable."""
    target = probed.target
    return {
        "name": target.name,
        "kind": target.kind.value,
        "address": target.address,
        "health": probed.health.value,
        "took_ms": probed.took_ms,
        "stages": [
            {"name": stage.name, "took_ms": stage.took_ms, "ok": stage.ok, "words": stage.words}
            for stage in probed.stages
        ],
        "troubles": [
            {"code": each.code, "severity": each.severity.word, "words": each.words, "advice": each.advice}
            for each in probed.troubles
        ],
        "facts": dict(probed.facts),
        "figures": dict(probed.figures),
        "lines": list(probed.lines),
        "certificates": [_served(certificate) for certificate in probed.certificates],
    }


def _seen(looked: Looked[Sequence[T]]) -> Sequence[T]:
    return looked.seen or ()


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _section(section: Section) -> dict[str, object]:
    return {
        "name": section.name,
        "words": section.words,
        "problem": section.problem,
        "absent": section.absent,
        "fine": section.is_fine,
        "took_s": round(section.took_s, 3),
        "attentions": [attention.key for attention in section.attentions],
    }


def _attention(attention: Attention) -> dict[str, object]:
    return {
        "key": attention.key,
        "severity": attention.severity.word,
        "service": attention.service,
        "title": attention.title,
        "words": attention.words,
        "since": _time(attention.since),
        "next": _step(attention.next),
    }


def _step(step: NextStep | None) -> dict[str, str] | None:
    return {"kind": step.kind.value, "text": step.text, "reason": step.reason} if step else None


def _served(served: ServedCertificate) -> dict[str, object]:
    return {
        "names": list(served.names),
        "issuer": served.issuer,
        "serial": served.serial,
        "not_after": _time(served.not_after),
        "address": served.address,
        "problem": served.problem,
    }


def _quota(quota: Quota) -> dict[str, object]:
    return {
        "name": quota.name,
        "resource": quota.resource,
        "used": quota.used,
        "hard": quota.hard,
        "share": quota.share,
    }


def _backup(backup: Backup) -> dict[str, object]:
    return {
        "name": backup.name,
        "phase": backup.phase,
        "started_at": _time(backup.started_at),
        "completed_at": _time(backup.completed_at),
        "errors": backup.errors,
        "warnings": backup.warnings,
    }


def _issued(issued: IssuedCertificate) -> dict[str, object]:
    return {
        "name": issued.name,
        "secret_name": issued.secret_name,
        "names": list(issued.names),
        "ready": issued.ready,
        "not_after": _time(issued.not_after),
        "revision": issued.revision,
    }


def _disk(disk: DiskUse) -> dict[str, object]:
    return {"kind": disk.kind, "name": disk.name, "what": disk.what, "used": disk.used, "capacity": disk.capacity}
