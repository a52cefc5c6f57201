"""What is read besides the snapshot, when somebody asks: quotas, backups, certificates, disks.

Each is kept for half a minute, so that alerts, check-ups and digests ask once; an API that is not there for five.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from bot.cluster import structs_extras
from bot.cluster.convert_extras import CLAIM, to_backup, to_certificate, to_quotas
from bot.cluster.http import KubernetesHttp, one_of
from bot.cluster.kept import Kept
from bot.cluster.kubelets import Kubelets
from bot.cluster.pages import Few, read_objects
from bot.cluster.times import parse_time
from bot.domain.targets import ClusterName, Scope
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.errors import ClusterError, ClusterForbidden, ClusterNotFound
from bot.ports import Clock

MOST_BACKUPS = 2000
_NEVER = datetime.min.replace(tzinfo=UTC)
_NODES = msgspec.json.Decoder(structs_extras.KubeletNode)


@dataclass(frozen=True, slots=True)
class _Api:
    """Where something lies, and how people come by it: by whose product, and by which component of the manifests."""

    base: str
    plural: str
    one: msgspec.json.Decoder[Any]
    component: str
    product: str = ""

    def path(self, namespace: str = "") -> str:
        return f"{self.base}{f'/namespaces/{namespace}' if namespace else ''}/{self.plural}"


_QUOTAS = _Api("/api/v1", "resourcequotas", msgspec.json.Decoder(structs_extras.ResourceQuota), "reader")
_BACKUPS = _Api("/apis/velero.io/v1", "backups", msgspec.json.Decoder(structs_extras.Backup), "backups", "Velero")
_CERTIFICATES = _Api(
    "/apis/cert-manager.io/v1",
    "certificates",
    msgspec.json.Decoder(structs_extras.Certificate),
    "certificates",
    "cert-manager",
)


class ClusterExtras:
    """Reads with the rights of the connections. An `Extras`."""

    def __init__(
        self,
        clusters: Mapping[ClusterName, KubernetesHttp],
        clock: Clock,
        *,
        timeout_s: float = 5.0,
        kubelets: Callable[[KubernetesHttp], Kubelets] = Kubelets,
    ) -> None:
        self._clusters = clusters
        self._timeout_s = timeout_s
        self._kubelets = kubelets
        self._quotas = Kept(clock, self._read_quotas)
        self._backups = Kept(clock, self._read_backups)
        self._certificates = Kept(clock, self._read_certificates)
        self._disks = Kept(clock, self._read_disks)

    async def quotas(self, scope: Scope) -> Sequence[Quota]:
        """Return every figure of the namespace's ResourceQuotas."""
        return await self._quotas.get(scope)

    async def backups(self, cluster: ClusterName) -> Sequence[Backup]:
        """Return Velero's Backups of a cluster, the newest first: the newest `MOST_BACKUPS` of them."""
        return await self._backups.get(cluster)

    async def certificates(self, scope: Scope) -> Sequence[IssuedCertificate]:
        """Return cert-manager's Certificates of a namespace."""
        return await self._certificates.get(scope)

    async def disks(self, scope: Scope) -> Sequence[DiskUse]:
        """Return how full the nodes' disks and the namespace's volumes are, as the kubelets say.

        Raises when no kubelet can be read. Of several, those that cannot be read are left out.
        """
        read = await self._disks.get(scope.cluster)
        return tuple(use for use in read if use.kind != CLAIM or use.namespace == scope.namespace)

    async def _read_quotas(self, scope: Scope) -> tuple[Quota, ...]:
        found = await self._all(scope.cluster, _QUOTAS, scope.namespace)
        return tuple(figure for quota in found for figure in to_quotas(quota))

    async def _read_backups(self, cluster: ClusterName) -> tuple[Backup, ...]:
        return tuple(to_backup(each) for each in await self._all(cluster, _BACKUPS, few=_newest))

    async def _read_certificates(self, scope: Scope) -> tuple[IssuedCertificate, ...]:
        return tuple(to_certificate(each) for each in await self._all(scope.cluster, _CERTIFICATES, scope.namespace))

    async def _read_disks(self, cluster: ClusterName) -> tuple[DiskUse, ...]:
        http = one_of(self._clusters, cluster)
        nodes = await read_objects(http, "/api/v1/nodes", _NODES, timeout_s=self._timeout_s)
        return await self._kubelets(http).disks(nodes)

    async def _all(self, cluster: ClusterName, api: _Api, namespace: str = "", *, few: Few[Any] = list) -> list[Any]:
        http = one_of(self._clusters, cluster)
        try:
            return await read_objects(http, api.path(namespace), api.one, few=few, timeout_s=self._timeout_s)
        except (ClusterForbidden, ClusterNotFound) as error:
            if api.product and await self._is_absent(http, api, error):
                raise ClusterNotFound(
                    f"{api.product} is not installed on {cluster}: it has no {api.plural} of {api.base.split('/')[2]}.",
                    advice=f"Install {api.product}, or go without this part.",
                ) from error
            if isinstance(error, ClusterForbidden):
                advice = f"Grant the right that is named (components/{api.component}), or go without this part."
                raise ClusterForbidden(error.message, advice=advice) from error
            raise

    async def _is_absent(self, http: KubernetesHttp, api: _Api, error: ClusterError) -> bool:
        """Tell whether there is no such API. Without the right a list is refused either way; discovery is open."""
        if isinstance(error, ClusterNotFound):
            return True
        try:
            await http.get(api.base, timeout_s=self._timeout_s)
        except ClusterNotFound:
            return True
        except ClusterError:
            pass
        return False


def _newest(backups: list[structs_extras.Backup]) -> list[structs_extras.Backup]:
    return sorted(backups, key=_began, reverse=True)[:MOST_BACKUPS]


def _began(backup: structs_extras.Backup) -> datetime:
    """Return when it began; one that waits has not, but it was asked for."""
    started = backup.status.start_timestamp if backup.status is not None else None
    return parse_time(started) or parse_time(backup.metadata.creation_timestamp) or _NEVER
