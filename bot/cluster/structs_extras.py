"""What is read of quotas, of objects that others define (Velero, cert-manager), and of kubelets. See `structs`.

Nobody but their authors vouches for the last: what may be missing or null is tolerated, in each of them.
"""

from __future__ import annotations

from msgspec import field

from bot.cluster.structs import Amount, Condition, ObjectMeta, Read

# --- quotas -----------------------------------------------------------------------------------------------------------


class QuotaSpec(Read, frozen=True):
    hard: dict[str, Amount] | None = None


class QuotaStatus(Read, frozen=True):
    hard: dict[str, Amount] | None = None
    used: dict[str, Amount] | None = None


class ResourceQuota(Read, frozen=True):
    metadata: ObjectMeta
    spec: QuotaSpec | None = None
    status: QuotaStatus | None = None


# --- Velero -----------------------------------------------------------------------------------------------------------


class BackupSpec(Read, frozen=True):
    included_namespaces: list[str] | None = None
    excluded_namespaces: list[str] | None = None


class BackupStatus(Read, frozen=True):
    phase: str | None = None
    start_timestamp: str | None = None
    completion_timestamp: str | None = None
    expiration: str | None = None
    errors: int | None = None
    warnings: int | None = None


class Backup(Read, frozen=True):
    metadata: ObjectMeta
    spec: BackupSpec | None = None
    status: BackupStatus | None = None


# --- cert-manager -----------------------------------------------------------------------------------------------------


class CertificateSpec(Read, frozen=True):
    secret_name: str | None = None
    common_name: str | None = None
    dns_names: list[str] | None = None
    ip_addresses: list[str] | None = None


class CertificateStatus(Read, frozen=True):
    conditions: list[Condition] | None = None
    not_after: str | None = None
    renewal_time: str | None = None
    revision: int | None = None
    failed_issuance_attempts: int | None = None


class Certificate(Read, frozen=True):
    metadata: ObjectMeta
    spec: CertificateSpec | None = None
    status: CertificateStatus | None = None


# --- nodes, as far as their kubelets are to be found, and what these say ----------------------------------------------


class Address(Read, frozen=True):
    type: str
    address: str


class Port(Read, frozen=True):
    port: int = field(name="Port", default=0)


class DaemonEndpoints(Read, frozen=True):
    kubelet_endpoint: Port | None = None


class KubeletStatus(Read, frozen=True):
    addresses: list[Address] | None = None
    daemon_endpoints: DaemonEndpoints | None = None
    conditions: list[Condition] | None = None


class KubeletNode(Read, frozen=True):
    metadata: ObjectMeta
    status: KubeletStatus | None = None


class FileSystem(Read, frozen=True):
    """`used_bytes` of an image file system are those of the images alone; what is free tells how full it is."""

    available_bytes: int | None = None
    capacity_bytes: int | None = None
    inodes: int | None = None


class Runtime(Read, frozen=True):
    image_fs: FileSystem | None = None


class NodeStats(Read, frozen=True):
    node_name: str = ""
    fs: FileSystem | None = None
    runtime: Runtime | None = None


class ClaimReference(Read, frozen=True):
    name: str
    namespace: str


class VolumeStats(Read, frozen=True):
    available_bytes: int | None = None
    capacity_bytes: int | None = None
    pvc_ref: ClaimReference | None = None


class PodStats(Read, frozen=True):
    volume: list[VolumeStats] | None = None


class Summary(Read, frozen=True):
    """What `/stats/summary` answers. `node` has no default: another body is no summary of an empty node."""

    node: NodeStats
    pods: list[PodStats] | None = None
