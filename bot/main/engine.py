"""The engine of a worker, fitted out: the only place where something is handed a way to write to clusters."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Mapping

from bot.cluster.http import KubernetesHttp
from bot.cluster.writer import ClusterWrites
from bot.configuration import Configuration
from bot.domain.targets import ClusterName
from bot.engine.workshop import Workshop
from bot.ports import Clock, ClusterReader, DirectMessages, LogStream, Meter, Store
from bot.references import References
from bot.rights import DirectoryRights
from bot.scopes import Scopes


def fit_out(
    configuration: Configuration,
    *,
    https: Mapping[ClusterName, KubernetesHttp],
    store: Store,
    cluster: ClusterReader,
    logs: LogStream,
    rights: DirectoryRights,
    direct: DirectMessages,
    scopes: Scopes,
    clock: Clock,
    references: References,
    chance: random.Random,
    meter: Meter,
    verdict_after_s: float,
) -> Workshop:
    """Return the workshop of this process."""
    return Workshop(
        store=store,
        cluster=cluster,
        logs=logs,
        writer=ClusterWrites(https, clock, timeout_s=configuration.freshness.api_timeout_s),
        rights=rights,
        direct=direct,
        policy=configuration.changes,
        catalogue=configuration.catalogue,
        scopes=scopes,
        clock=clock,
        references=references,
        chance=chance,
        name=f"{socket.gethostname()}:{os.getpid()}:{chance.getrandbits(24):06x}",
        meter=meter,
        verdict_after_s=verdict_after_s,
    )
