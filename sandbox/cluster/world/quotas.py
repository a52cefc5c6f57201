"""The quota controller: what is used of each quota."""

from __future__ import annotations

from sandbox.cluster.admission.quotas import quota_status
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery


class QuotaController:
    """Keep the status of ResourceQuotas."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery

    def reconcile(self, key: Key) -> None:
        """Count what one quota is about."""
        quota = self._machinery.peek(*key)
        if quota is not None:
            status = quota_status(self._machinery.store, quota)
            self._machinery.set_status("resourcequotas", quota, status)
