"""The definitions of Velero's Backups and cert-manager's Certificates, as far as ragops reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.cluster import Connection, KubernetesHttp
from bot.errors import ClusterNotFound
from tests.support.clocks import WallClock
from tests.support.hands import Hands
from tests.support.waiting import until

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BACKUP, CERTIFICATE = ("velero.io", "backups", "Backup"), ("cert-manager.io", "certificates", "Certificate")


def definition(group: str, plural: str, kind: str) -> dict[str, Any]:
    """Return a definition that takes any spec, and the status as a part of the object."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version],
        },
    }


async def is_served(http: KubernetesHttp, group: str, plural: str) -> bool:
    """Tell whether the server has them."""
    try:
        await http.get(f"/apis/{group}/v1/{plural}", {"limit": "1"})
    except ClusterNotFound:
        return False
    return True


@asynccontextmanager
async def installed(connection: Connection, *which: tuple[str, str, str]) -> AsyncIterator[None]:
    """Install definitions, wait until they are served, and take them away again with all their objects."""
    http, hands = KubernetesHttp(connection, WallClock(), lambda: 0.5), Hands(connection)
    made = []
    try:
        for group, plural, kind in which:
            await hands.send("POST", DEFINITIONS, definition(group, plural, kind))
            made.append(f"{plural}.{group}")
        for group, plural, _ in which:
            assert await until(lambda: is_served(http, group, plural), bool)  # noqa: B023  # waited for at once
        yield
    finally:
        for name in made:
            await hands.send("DELETE", f"{DEFINITIONS}/{name}")
        for group, plural, _ in which[: len(made)]:
            await until(lambda: is_served(http, group, plural), lambda served: not served)  # noqa: B023  # as above
