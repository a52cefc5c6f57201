"""Where a request points: a scope (cluster and namespace) and objects in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

ClusterName = NewType("ClusterName", str)
Namespace = NewType("Namespace", str)

WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class Scope:
    """One namespace of one cluster, as named in the configuration."""

    cluster: ClusterName
    namespace: Namespace

    def __str__(self) -> str:
        return f"{self.namespace} on {self.cluster}" if self.namespace else self.cluster

    @property
    def whole(self) -> Scope:
        """The cluster as a place of its own: of what all its namespaces share. It has no namespace."""
        return Scope(self.cluster, Namespace(""))


@dataclass(frozen=True, slots=True)
class Where:
    """What a command is about, as far as rights care: a scope, and the alias of the one service that is meant."""

    scope: Scope
    service: str = ""

    def __str__(self) -> str:
        return f"{self.service} in {self.scope}" if self.service else str(self.scope)


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object by kind and name. `namespace` is empty for objects of the whole cluster (nodes)."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"
