"""All pods are fine, but nobody looked after the rest: a quota is nearly full, a backup failed, a renewal fails."""

from __future__ import annotations

from datetime import timedelta

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world import custom
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.world import World

_NS = small_world.NAMESPACE
RENEWAL = (
    "The certificate request has failed to complete and will be retried: Failed to wait for order resource"
    ' "rag-engine-tls-2-1834" to become ready: order is in "errored" state: 429 urn:ietf:params:acme:error:rateLimited'
)


def build(world: World) -> None:
    """Install Velero and cert-manager, and let a week of backups pass of which the last one failed."""
    small_world.build(world)
    start = world.clock.start
    hard = {"pods": "19", "requests.cpu": "40", "requests.memory": "64Gi", "services.loadbalancers": "0"}
    world.apply("resourcequotas", make.plain("v1", "ResourceQuota", "rag-engine", _NS, spec={"hard": hard}))
    world.install(custom.VELERO)
    world.apply("namespaces", make.plain("v1", "Namespace", "velero"))
    tonight = (start - timedelta(hours=2)).replace(hour=2, minute=0, second=0, microsecond=0)
    for days in range(6, -1, -1):
        at = tonight - timedelta(days=days)
        phase, errors = ("PartiallyFailed", 3) if days == 0 else ("Completed", 0)
        name = f"nightly-{at:%Y%m%d%H%M%S}"
        world.apply("backups", custom.backup(name, at, phase=phase, namespaces=(_NS,), errors=errors))
    world.install(custom.CERT_MANAGER)
    ends = start + timedelta(days=6)
    failing = custom.certificate(
        _NS, "rag-engine-tls", "rag.example.com", not_after=ends, revision=2, failed=4, trouble=RENEWAL
    )
    world.apply("certificates", failing)
    well = custom.certificate(_NS, "grafana-tls", "grafana.example.com", not_after=start + timedelta(days=71))
    world.apply("certificates", well)


SCENARIO = Scenario("upkeep", "pods fine; a quota nearly full, the last backup and a renewal failed", build)
