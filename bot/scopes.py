"""From the words `-n NAMESPACE` and `--cluster CLUSTER` to a scope that is configured."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.text import suggest
from bot.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """The namespaces of each cluster, the first of each being its default.

    `any_namespace` lets every namespace be named (a terminal reads with its own rights); a chat bot shows only those
    that an operator configured.
    """

    namespaces: Mapping[ClusterName, tuple[Namespace, ...]]
    default_cluster: ClusterName
    any_namespace: bool = False

    def resolve(self, cluster: str = "", namespace: str = "") -> Scope:
        """Return the scope that is meant. Raises `UsageError` naming what is configured."""
        name = ClusterName(cluster) if cluster else self.default_cluster
        known = self.namespaces.get(name)
        if known is None:
            raise UsageError(
                f'There is no cluster "{cluster}" here. There {"is" if len(self.namespaces) == 1 else "are"}: '
                f"{', '.join(self.namespaces)}.",
                suggestions=[f"--cluster {near}" for near in suggest(cluster, self.namespaces)],
            )
        if not namespace:
            return Scope(name, known[0])
        if self.any_namespace or namespace in known:
            return Scope(name, Namespace(namespace))
        raise UsageError(
            f'The namespace "{namespace}" of {name} is not open to this bot. Open are: {", ".join(known)}.',
            suggestions=[f"-n {near}" for near in suggest(namespace, known)],
        )

    def default_of(self, cluster: ClusterName | None = None) -> Scope:
        """Return the scope that is meant where none is named."""
        return self.resolve(cluster or "")

    def all(self) -> tuple[Scope, ...]:
        """Return every configured place, those of the default cluster first."""
        names = sorted(self.namespaces, key=lambda name: name != self.default_cluster)
        return tuple(Scope(name, namespace) for name in names for namespace in self.namespaces[name])

    def clusters(self) -> tuple[Scope, ...]:
        """Return every configured cluster as a place of its own, the default one first."""
        return tuple(dict.fromkeys(scope.whole for scope in self.all()))

    def words(self, scope: Scope, *, always: bool = False) -> str:
        """Return the words that lead a command to `scope`; none where it is meant anyway, unless `always`.

        Those of a cluster as a whole lead to its default namespace, from where it is seen as well.
        """
        known = self.namespaces.get(scope.cluster, ())
        namespace = scope.namespace or next(iter(known), "")
        words = ["--cluster", scope.cluster] if always or scope.cluster != self.default_cluster else []
        if namespace and (always or not known or namespace != known[0]):
            words += ["-n", namespace]
        return shlex.join(words)
