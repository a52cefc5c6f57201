"""The services that an operator named: the short words people say, and the workloads behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.domain.targets import Scope

# The first words of the commands whose target is the third one.
_OF_TWO_WORDS = frozenset({"set", "clear"})


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One service of `ragops.toml`: the short name people say, and the workload behind it.

    An empty `cluster` or `namespace` is the one that is meant where none is named. `connections_per_pod` is how many
    connections to the database one pod may hold, `connections_limit` how many there may be in all; 0: not known.
    """

    alias: str
    kind: str
    name: str
    namespace: str = ""
    container: str = ""
    cluster: str = ""
    connections_per_pod: int = 0
    connections_limit: int = 0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The services by alias."""

    entries: Mapping[str, CatalogueEntry] = field(default_factory=lambda: MappingProxyType({}))

    def at(self, scope: Scope, default: Scope) -> Catalogue:
        """Return the services that live at `scope`; those without a place of their own live at `default`.

        An answer about one namespace must not call its workloads by the aliases of another.
        """
        here = {
            alias: entry
            for alias, entry in self.entries.items()
            if (entry.cluster or default.cluster, entry.namespace or default.namespace)
            == (scope.cluster, scope.namespace)
        }
        return Catalogue(MappingProxyType(here))

    def alias_of(self, kind: str, name: str) -> str:
        """Return what people call a workload: its alias, or its own name."""
        return next((e.alias for e in self.entries.values() if (e.kind, e.name) == (kind, name)), name)

    def typed(self, command: str) -> str:
        """Return a command as people type it: its workload by its alias, where that is one service alone."""
        words = command.split(" ")
        at = 2 if words[0] in _OF_TWO_WORDS else 1
        aliases = [entry.alias for entry in self.entries.values() if words[at : at + 1] == [entry.name]]
        return " ".join([*words[:at], *aliases, *words[at + 1 :]]) if len(aliases) == 1 else command

    def service_of(self, word: str) -> str:
        """Return the alias that a word means: the alias itself, `name` or `kind/name`; empty when it is no service."""
        if word in self.entries:
            return word
        kind, _, name = word.rpartition("/")
        return next(
            (e.alias for e in self.entries.values() if e.name == name and kind.lower() in ("", e.kind.lower())), ""
        )
