"""A replica that watches: real PostgreSQL, a cluster and targets that say what a test wrote down."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.domain.targets import ClusterName, Namespace
from bot.domain.watch.policy import AlertChannels, Thresholds, WatchPolicy
from bot.domain.watch.probes import ProbeTarget
from bot.ports import Clock, Extras, Store
from bot.scopes import Scopes
from bot.watching.room import WatchRoom
from tests.support.builders import SCOPE
from tests.support.clocks import SteppedClock
from tests.support.fixed_probes import FixedExtras, FixedProbes
from tests.support.service import healthy
from tests.support.twins import SnapshotCluster, TableLogs
from tests.support.worlds import CATALOGUE

CHANNELS = AlertChannels(critical="C-pager", warning="C-ops", info="C-info")
SCOPES = Scopes(namespaces=MappingProxyType({SCOPE.cluster: (SCOPE.namespace,)}), default_cluster=SCOPE.cluster)
TWO = Scopes(
    namespaces=MappingProxyType(
        {SCOPE.cluster: (SCOPE.namespace, Namespace("other")), ClusterName("lab"): (Namespace("lab"),)}
    ),
    default_cluster=SCOPE.cluster,
)


@dataclass(slots=True)
class Watched:
    """What is around a watcher, to be looked at and to be changed."""

    store: Store
    cluster: SnapshotCluster = field(default_factory=lambda: SnapshotCluster(healthy()))
    logs: TableLogs = field(default_factory=TableLogs)
    probes: FixedProbes = field(default_factory=FixedProbes)
    extras: FixedExtras = field(default_factory=FixedExtras)
    clock: SteppedClock = field(default_factory=SteppedClock)
    woken: list[str] = field(default_factory=list)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def room(
        self,
        *targets: ProbeTarget,
        scopes: Scopes = SCOPES,
        channels: AlertChannels = CHANNELS,
        thresholds: Thresholds | None = None,
        extras: Extras | None = None,
        clock: Clock | None = None,
        look_s: float = 5.0,
    ) -> WatchRoom:
        """Make the room of one replica; all that are made share everything."""
        return WatchRoom(
            store=self.store,
            cluster=self.cluster,
            logs=self.logs,
            policy=WatchPolicy(
                targets=targets, channels=channels, thresholds=thresholds or Thresholds(clear_s=0.0), every_s=15.0
            ),
            catalogue=CATALOGUE,
            scopes=scopes,
            clock=clock or self.clock,
            probes=self.probes,
            extras=extras or self.extras,
            new_id=lambda: f"e{next(self.ids)}",
            changed=lambda: self.woken.append("changed"),
            put=lambda: self.woken.append("put"),
            look_s=look_s,
        )
