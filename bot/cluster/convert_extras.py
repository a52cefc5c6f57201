"""Quotas, Backups, Certificates and what kubelets say -> the records of `bot.domain.watch.extras`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.cluster import structs_extras as structs
from bot.cluster.structs import Amount, Condition
from bot.cluster.times import parse_time
from bot.cluster.words import name, names, shared, word, words
from bot.domain.quantities import parse_quantity
from bot.domain.text import NO_TEXT, Redacted
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota

SCHEDULE_LABEL = "velero.io/schedule-name"
NODE, CLAIM = "Node", "PersistentVolumeClaim"
_LONGEST_QUANTITY = 40
_NO_QUOTA_SPEC, _NO_QUOTA_STATUS = structs.QuotaSpec(), structs.QuotaStatus()
_NO_BACKUP_SPEC, _NO_BACKUP_STATUS = structs.BackupSpec(), structs.BackupStatus()
_NO_CERTIFICATE_SPEC, _NO_CERTIFICATE_STATUS = structs.CertificateSpec(), structs.CertificateStatus()


def to_quotas(quota: structs.ResourceQuota) -> tuple[Quota, ...]:
    """Return the figures of a quota, by the name of what is counted."""
    spec, status = quota.spec or _NO_QUOTA_SPEC, quota.status or _NO_QUOTA_STATUS
    hard, used = status.hard or spec.hard or {}, status.used or {}
    return tuple(_figure(quota.metadata.name, resource, hard, used) for resource in sorted(hard))


def _figure(of: str, resource: str, hard: Mapping[str, Amount], used: Mapping[str, Amount]) -> Quota:
    said_hard, said_used = _text(hard[resource]), _text(used.get(resource))
    return Quota(
        name=name(of), resource=shared(resource), used=said_used, hard=said_hard, share=_share(said_used, said_hard)
    )


def _text(amount: Amount) -> str:
    return "" if amount is None else name(str(amount))[:_LONGEST_QUANTITY]


def _share(used: str, hard: str) -> float | None:
    try:
        most = parse_quantity(hard)
        return float(parse_quantity(used) / most) if most > 0 else None
    except (ValueError, OverflowError):
        return None


def to_backup(backup: structs.Backup) -> Backup:
    """Convert a Backup."""
    spec, status = backup.spec or _NO_BACKUP_SPEC, backup.status or _NO_BACKUP_STATUS
    return Backup(
        name=name(backup.metadata.name),
        phase=word(status.phase),
        started_at=parse_time(status.start_timestamp),
        completed_at=parse_time(status.completion_timestamp),
        expires_at=parse_time(status.expiration),
        errors=status.errors or 0,
        warnings=status.warnings or 0,
        namespaces=names(spec.included_namespaces or ()),
        excluded=names(spec.excluded_namespaces or ()),
        schedule=shared((backup.metadata.labels or {}).get(SCHEDULE_LABEL)),
    )


def to_certificate(certificate: structs.Certificate) -> IssuedCertificate:
    """Convert a Certificate."""
    spec, status = certificate.spec or _NO_CERTIFICATE_SPEC, certificate.status or _NO_CERTIFICATE_STATUS
    conditions = {condition.type: condition for condition in status.conditions or ()}
    ready = _is_true(conditions.get("Ready"))
    failed = status.failed_issuance_attempts or 0
    said = [*(spec.dns_names or ()), *filter(None, [spec.common_name]), *(spec.ip_addresses or ())]
    return IssuedCertificate(
        name=name(certificate.metadata.name),
        secret_name=name(spec.secret_name),
        names=tuple(dict.fromkeys(names(said))),
        ready=ready,
        not_after=parse_time(status.not_after),
        renewal_at=parse_time(status.renewal_time),
        revision=status.revision or 0,
        failed_attempts=failed,
        words=_trouble(conditions, ready=ready, failed=failed),
    )


def _is_true(condition: Condition | None) -> bool | None:
    return {"True": True, "False": False}.get(condition.status) if condition is not None else None


def _trouble(conditions: Mapping[str, Condition], *, ready: bool | None, failed: int) -> Redacted:
    """Return why it is not ready, or why it is not renewed: a failed renewal leaves the old one ready."""
    of = ("Issuing", "Ready") if failed else ("Ready",) if ready is not True else ()
    said = (words(conditions[kind].message) for kind in of if kind in conditions)
    return next(filter(None, said), NO_TEXT)


def to_disks(node: str, summary: structs.Summary) -> Iterator[DiskUse]:
    """Convert what a kubelet says of its node's disks, and of the claims that its pods have mounted.

    Images that lie on the node's own disk are no disk of their own.
    """
    disk = summary.node.fs
    images = summary.node.runtime.image_fs if summary.node.runtime is not None else None
    if images is not None and disk is not None and _same(disk, images):
        images = None
    for what, of in (("nodefs", disk), ("imagefs", images)):
        if of is not None:
            yield from _use(NODE, name(node), "", of, what)
    for pod in summary.pods or ():
        for volume in pod.volume or ():
            if volume.pvc_ref is not None:
                yield from _use(CLAIM, name(volume.pvc_ref.name), shared(volume.pvc_ref.namespace), volume)


def _same(one: structs.FileSystem, other: structs.FileSystem) -> bool:
    return (one.capacity_bytes, one.inodes) == (other.capacity_bytes, other.inodes)


def _use(
    kind: str, of: str, namespace: str, seen: structs.FileSystem | structs.VolumeStats, what: str = ""
) -> Iterator[DiskUse]:
    """Yield it where it was measured. What is reserved for root is not available, so it counts as used."""
    capacity, available = seen.capacity_bytes, seen.available_bytes
    if capacity is not None and available is not None and 0 <= available <= capacity and capacity > 0:
        yield DiskUse(kind=kind, name=of, namespace=namespace, used=capacity - available, capacity=capacity, what=what)
