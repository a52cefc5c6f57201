"""What the API server asks and does not store: logs and usage. The world answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sandbox.cluster.store import Json


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a container's log, without its newline."""

    at: datetime
    text: str


class LogUnavailable(Exception):
    """The log cannot be had; carries the Status that the API answers with (code 204 or 200 for its odd successes)."""

    def __init__(self, code: int, message: str, reason: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason


class LogSource(Protocol):
    """The log files of the nodes."""

    def lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> Sequence[LogLine]:
        """Return the whole file as it is now; it grows at its end. Raises LogUnavailable."""
        ...

    def is_running(self, namespace: str, pod: str, container: str) -> bool:
        """Tell whether the container still writes: a follower is served as long as it does."""
        ...


class MetricsSource(Protocol):
    """The usage that the metrics server collected."""

    def pod_metrics(self, namespace: str | None) -> list[Json]:
        """Return PodMetrics items of metrics.k8s.io/v1beta1, of one namespace or of all."""
        ...

    def node_metrics(self) -> list[Json]:
        """Return NodeMetrics items of metrics.k8s.io/v1beta1."""
        ...
