"""The Kubernetes adapter: reads of a cluster, a watch cache, logs, and writes for the engine.

It knows the API server: paths, statuses, watches, what its answers mean and where they lie. It gives the rest of the
house domain records with redacted words, and errors of `bot.errors`. It decides nothing about health.

It may import `bot.ports`, `bot.domain`, `bot.errors`, `bot.redaction`, `kubernetes.aio` (configuration and transport
only: its API classes and models cost 80 MiB and block the loop), `aiohttp`, `msgspec`. It must not import the other
adapters, the service, the engine or handlers.
"""

from __future__ import annotations

from bot.cluster.cache import WatchCache
from bot.cluster.connection import Connection, ConnectionUnusable, open_connection
from bot.cluster.extras import ClusterExtras
from bot.cluster.http import KubernetesHttp, Pulse, Retries
from bot.cluster.live import LiveObjects
from bot.cluster.logs import ContainerLogs
from bot.cluster.oneshot import OneShotReader
from bot.cluster.reader import Clusters
from bot.cluster.reflector import Timing
from bot.cluster.writer import ClusterWrites

__all__ = [
    "ClusterExtras",
    "ClusterWrites",
    "Clusters",
    "Connection",
    "ConnectionUnusable",
    "ContainerLogs",
    "KubernetesHttp",
    "LiveObjects",
    "OneShotReader",
    "Pulse",
    "Retries",
    "Timing",
    "WatchCache",
    "open_connection",
]
