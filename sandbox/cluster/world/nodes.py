"""The heartbeat of the nodes: every five minutes they say that they are well."""

from __future__ import annotations

from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery

HEARTBEAT_SECONDS = 300.0


class NodeHeartbeat:
    """Refresh the conditions of nodes."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery
        self._due: dict[str, float] = {}

    def reconcile(self, key: Key) -> None:
        """Write one node's heartbeat when it is due."""
        node = self._machinery.peek(*key)
        if node is None:
            return
        self._machinery.pulse(key, HEARTBEAT_SECONDS)
        now = self._machinery.now
        if now < self._due.setdefault(key.name, now + HEARTBEAT_SECONDS):
            return
        self._due[key.name] = now + HEARTBEAT_SECONDS
        at = self._machinery.stamp()
        conditions = [{**entry, "lastHeartbeatTime": at} for entry in node["status"].get("conditions", ())]
        self._machinery.set_status("nodes", node, {**node["status"], "conditions": conditions})
