"""Where something of `ragops.toml` is: which clusters and namespaces there are, and how a table names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bot.configuration.people import one_of
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.toml_tables import Table

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


def label(value: str) -> str:
    """Judge a name of a namespace, a container, or of something that the operator names."""
    if is_label(value):
        return ""
    return f"{value!r} is no name: small letters, digits and '-' only, at most 63, a letter or digit at both ends"


def is_label(value: str) -> bool:
    """Tell whether a text is such a name."""
    return _LABEL.fullmatch(value) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The namespaces of each cluster, the first of each being its default.

    A cluster without any is the kubeconfig's current one; which namespace that means is known when it is reached.
    """

    namespaces: Mapping[ClusterName, tuple[Namespace, ...]]
    default: ClusterName

    def read(self, entry: Table) -> Scope:
        """Read `cluster` and `namespace` of a table; left out they are the default ones. Empty where one is wrong."""
        named = entry.text("cluster", partial(one_of, what="cluster", known=self.namespaces))
        cluster = ClusterName(named) if named or entry.has("cluster") else self.default
        known = self.namespaces.get(cluster, ())
        check = partial(one_of, what=f"namespace of {cluster}", known=known) if known else label
        return Scope(cluster, Namespace(entry.text("namespace", check) or next(iter(known), "")))

    def all(self) -> tuple[Scope, ...]:
        """Return every configured place, those of the default cluster first."""
        clusters = sorted(self.namespaces, key=lambda name: name != self.default)
        return tuple(
            Scope(cluster, namespace) for cluster in clusters for namespace in self.namespaces[cluster] or (_UNKNOWN,)
        )


_UNKNOWN = Namespace("")
