"""A service in front of twins, with every verb that there is."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import handlers
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.change_policy import ChangePolicy
from bot.domain.people import Actor, RoleBinding, RoleName, Standing
from bot.domain.policy import Policy, RateLimits
from bot.domain.requests import Place, Request, Surface
from bot.domain.snapshot import LogExcerpt, LogKey, LogRead, Snapshot
from bot.domain.targets import ClusterName, Namespace
from bot.domain.watch.policy import WatchPolicy
from bot.ports import Calendar, Changes, Digests, Extras, HotState, Meter, Probes, Store, Unmetered
from bot.references import References
from bot.registry import Registry, discover
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from bot.service import Equipment, Service
from tests.support.builders import SCOPE, deployment, pod, replica_set, snapshot
from tests.support.clocks import SteppedClock
from tests.support.twins import TEAM, SnapshotCluster, TableDirectory, TableLogs, member

BINDINGS = (
    RoleBinding(RoleName.VIEWER, groups=frozenset({"S0"})),
    RoleBinding(RoleName.OPERATOR, groups=frozenset({"S1"}), users=frozenset({"U-boss"})),
)
POLICY = Policy(bindings=BINDINGS)
CATALOGUE = Catalogue(MappingProxyType({"search": CatalogueEntry("search", "Deployment", "api")}))
ALL_VERBS = discover(handlers)
CHANNEL = Place("C1")


def healthy() -> Snapshot:
    """Return a namespace in which all is well."""
    workload = deployment()
    replicas = replica_set(workload, ready=1)
    return snapshot(workload, replicas, pod(replicas))


@dataclass(slots=True)
class Stage:
    """The twins around a service, to be looked at and to be made fail."""

    cluster: SnapshotCluster
    logs: TableLogs
    directory: TableDirectory
    clock: SteppedClock = field(default_factory=SteppedClock)

    def service(
        self,
        store: Store | None = None,
        *,
        hot: HotState | None = None,
        limits: RateLimits | None = None,
        meter: Meter | None = None,
        registry: Registry = ALL_VERBS,
        policy: Policy = POLICY,
        changes: Changes | None = None,
        change_policy: ChangePolicy | None = None,
        watch: WatchPolicy | None = None,
        calendar: Calendar | None = None,
        probes: Probes | None = None,
        extras: Extras | None = None,
        digests: Digests | None = None,
    ) -> Service:
        """Make the service."""
        namespaces = {
            SCOPE.cluster: (SCOPE.namespace, Namespace("kube-system")),
            ClusterName("lab"): (Namespace("lab"),),
        }
        return Service(
            Equipment(
                registry=registry,
                scopes=Scopes(namespaces=MappingProxyType(namespaces), default_cluster=SCOPE.cluster),
                catalogue=CATALOGUE,
                rights=DirectoryRights(self.directory, policy),
                cluster=self.cluster,
                logs=self.logs,
                clock=self.clock,
                references=References(random.Random(7)),
                store=store,
                hot=hot,
                limits=limits or RateLimits(),
                meter=meter or Unmetered(),
                changes=changes,
                policy=change_policy or ChangePolicy(),
                team_id=TEAM,
                watch=watch or WatchPolicy(),
                calendar=calendar,
                probes=probes,
                extras=extras,
                digests=digests,
            )
        )


def stage(shown: Snapshot | None = None, logs: Mapping[LogKey, LogExcerpt | LogRead] | None = None) -> Stage:
    """Set a stage on which ann operates, vic looks, nil has no role and gus is a guest."""
    people = (
        member("U-ann", "S1"),
        member("U-vic", "S0"),
        member("U-nil"),
        member("U-gus", "S1", standing=Standing.GUEST),
    )
    return Stage(SnapshotCluster(shown or healthy()), TableLogs(logs or {}), TableDirectory(*people))


def asked(
    text: str,
    *,
    by: str = "U-ann",
    surface: Surface = Surface.COMMAND,
    key: str = "k1",
    place: Place = CHANNEL,
    local: bool = False,
    team: str = TEAM,
) -> Request:
    """Make the request of a person."""
    return Request(
        key=key,
        actor=Actor(by, team, local=local),
        surface=surface,
        text=text,
        place=place,
        reply_to="https://hooks.example/reply",
    )
