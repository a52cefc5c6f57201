"""Configuration: what an operator decides, from one `ragops.toml`.

Parsed once, at the door: what comes out cannot be wrong. `load_configuration` is pure and reports every fault at once,
each with file and line; `open_configuration` adds the reading of the file.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from bot.configuration.changes import read_changes
from bot.configuration.people import Known, channel_id, read_policy
from bot.configuration.places import Places, is_label, label
from bot.configuration.targets import Named
from bot.configuration.watch import read_watch
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.change_policy import ChangePolicy
from bot.domain.policy import Policy, RateLimits
from bot.domain.targets import WORKLOAD_KINDS, ClusterName, Namespace
from bot.domain.watch.policy import WatchPolicy
from bot.errors import Fault, SettingsError
from bot.toml_lines import TomlSyntaxError, parse_toml
from bot.toml_tables import Faults, Table, a_list, did_you_mean

FILE_NAME = "ragops.toml"

_KINDS: Mapping[str, str] = {kind.lower(): kind for kind in WORKLOAD_KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfiguration:
    """One cluster and how to reach it: inside its own pod, or by a kubeconfig and a context.

    An empty `kubeconfig` is the environment's, an empty `context` its current one. No namespaces: the context's own.
    """

    name: ClusterName
    namespaces: tuple[Namespace, ...] = ()
    kubeconfig: str = ""
    context: str = ""
    in_cluster: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """When a picture of the cluster counts as old, and how long its API server may take, in seconds."""

    stale_after_s: float = 90.0
    api_timeout_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPublishing:
    """Where the head of the audit chain is published, and how often; nowhere without a channel."""

    channel: str = ""
    every_hours: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What `ragops.toml` says. There is at least one cluster; `default_cluster` is one of them."""

    clusters: Mapping[ClusterName, ClusterConfiguration]
    default_cluster: ClusterName
    catalogue: Catalogue = field(default_factory=Catalogue)
    policy: Policy = field(default_factory=Policy)
    changes: ChangePolicy = field(default_factory=ChangePolicy)
    limits: RateLimits = field(default_factory=RateLimits)
    freshness: Freshness = field(default_factory=Freshness)
    audit: AuditPublishing = field(default_factory=AuditPublishing)
    watch: WatchPolicy = field(default_factory=WatchPolicy)


def default_configuration() -> Configuration:
    """Return what holds without a file: the kubeconfig's current context and its namespace, nobody has a role."""
    name = ClusterName("current")
    return Configuration(
        clusters=MappingProxyType({name: ClusterConfiguration(name=name)}),
        default_cluster=name,
    )


def open_configuration(named: Path | None, *, folder: Path, verbs: Collection[str] | None = None) -> Configuration:
    """Load the file that is named, else the one in `folder`, else the default. Raises `SettingsError`."""
    if named is not None:
        return read_configuration(named, verbs=verbs)
    found = folder / FILE_NAME
    return read_configuration(found, verbs=verbs) if found.exists() else default_configuration()


def read_configuration(path: Path, *, verbs: Collection[str] | None = None) -> Configuration:
    """Load a file. Raises `SettingsError`, also when it cannot be read at all."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise _unreadable(path, "there is no such file") from error
    except IsADirectoryError as error:
        raise _unreadable(path, f"this is a folder; name the file in it, such as {path / FILE_NAME}") from error
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or type(error).__name__}") from error
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _unreadable(path, "this is UTF-16; save it as UTF-8", line=1)
    if raw.startswith(codecs.BOM_UTF8):
        raise _unreadable(path, "starts with a byte order mark; save it as UTF-8 without one", line=1)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, f"byte 0x{raw[error.start]:02x} is not UTF-8; save it as UTF-8", line=line) from error
    return load_configuration(text, str(path), verbs=verbs)


def load_configuration(text: str, source: str, *, verbs: Collection[str] | None = None) -> Configuration:
    """Read the text of a `ragops.toml`. Raises `SettingsError` with every fault, each at `source:line`.

    `verbs` are the commands that there are, for `[verbs]`; None where nobody knows them.
    """
    try:
        values, lines = parse_toml(text)
    except TomlSyntaxError as error:
        raise SettingsError([Fault(f"{source}:{error.line}", f"not TOML: {error.what}")]) from error
    faults = Faults(source, lines)
    top = Table(values, (), faults)
    clusters, default_cluster = _clusters(top.table("clusters"))
    places = Places(
        namespaces={name: cluster.namespaces for name, cluster in clusters.items()}, default=default_cluster
    )
    services = {each.entry.alias: each for each in _services(top.table("services"), places)}
    catalogue = Catalogue(entries=MappingProxyType({alias: each.entry for alias, each in services.items()}))
    known = Known(
        clusters=clusters,
        namespaces={namespace for cluster in clusters.values() for namespace in cluster.namespaces},
        services=catalogue.entries,
        verbs=verbs,
    )
    configuration = Configuration(
        clusters=MappingProxyType(clusters),
        default_cluster=default_cluster,
        catalogue=catalogue,
        policy=read_policy(top, known),
        changes=read_changes(top, values, known),
        limits=_limits(top.table("limits")),
        freshness=_freshness(top.table("freshness")),
        audit=_audit(top.table("audit")),
        watch=read_watch(top, services, places),
    )
    for service in services.values():
        service.table.close()
    top.close()
    found = faults.sorted()
    if found:
        raise SettingsError(found)
    return configuration


def _unreadable(path: Path, what: str, *, line: int = 0) -> SettingsError:
    return SettingsError([Fault(f"{path}:{line}" if line else str(path), what)])


def _clusters(table: Table) -> tuple[dict[ClusterName, ClusterConfiguration], ClusterName]:
    """Return the clusters and which one is meant when none is named."""
    clusters: dict[ClusterName, ClusterConfiguration] = {}
    defaults: list[ClusterName] = []
    for name, entry in table.tables():
        wrong = label(name)
        if wrong:
            entry.fault(wrong)
        cluster = _cluster(ClusterName(name), entry)
        clusters[cluster.name] = cluster
        if entry.flag("default"):
            if defaults:
                entry.fault(f"default: {defaults[0]} is the default already", "default")
            defaults.append(cluster.name)
        entry.close()
    if not clusters:
        fallback = default_configuration()
        return dict(fallback.clusters), fallback.default_cluster
    if len(clusters) > 1 and not defaults:
        table.fault(f"none of the clusters {a_list(clusters)} has default = true")
    return clusters, next(iter(defaults), next(iter(clusters)))


def _cluster(name: ClusterName, entry: Table) -> ClusterConfiguration:
    cluster = ClusterConfiguration(
        name=name,
        namespaces=tuple(map(Namespace, entry.texts("namespaces", label, required=True))),
        kubeconfig=entry.text("kubeconfig", _filled),
        context=entry.text("context", _filled),
        in_cluster=entry.flag("in_cluster"),
    )
    if cluster.in_cluster:
        for key in ("kubeconfig", "context"):
            if entry.has(key):
                entry.fault(f"{key}: a pod's own cluster (in_cluster = true) is reached without it", key)
    return cluster


def _services(table: Table, places: Places) -> Iterator[Named]:
    """Read what the catalogue knows of each service; its table stays open for what is watched of it."""
    for alias, entry in table.tables():
        wrong = label(alias)
        if wrong:
            entry.fault(wrong)
        place = places.read(entry)
        kind, _, name = entry.text("workload", _workload, required=True).partition("/")
        service = CatalogueEntry(
            alias=alias,
            kind=_KINDS.get(kind, ""),
            name=name,
            namespace=place.namespace,
            container=entry.text("container", label),
            cluster=place.cluster,
            connections_per_pod=int(entry.number("connections_per_pod", 0, low=0, high=10_000, whole=True)),
            connections_limit=int(entry.number("connections_limit", 0, low=0, high=100_000, whole=True)),
        )
        yield Named(service, entry)


def _limits(table: Table) -> RateLimits:
    default = RateLimits()

    def most(key: str, usual: int, high: int) -> int:
        return int(table.number(key, usual, low=1, high=high, whole=True))

    limits = RateLimits(
        person=most("commands_per_minute", default.person, 600),
        channel=most("channel_commands_per_minute", default.channel, 6000),
    )
    table.close()
    return limits


def _audit(table: Table) -> AuditPublishing:
    default = AuditPublishing()
    audit = AuditPublishing(
        channel=table.text("channel", channel_id),
        every_hours=int(table.number("every_hours", default.every_hours, low=1, high=168, whole=True)),
    )
    if table.has("every_hours") and not table.has("channel"):
        table.fault("every_hours: needs a channel to publish in", "every_hours")
    table.close()
    return audit


def _freshness(table: Table) -> Freshness:
    default = Freshness()
    freshness = Freshness(
        stale_after_s=table.number("stale_after_s", default.stale_after_s, low=20, high=600),
        api_timeout_s=table.number("api_timeout_s", default.api_timeout_s, low=1, high=30),
    )
    table.close()
    return freshness


def _filled(value: str) -> str:
    return "" if value.strip() else "is empty; leave it out instead"


def _workload(value: str) -> str:
    kind, slash, name = value.partition("/")
    if not slash:
        return f"expected kind/name such as deployment/{value or 'api'}, got {value!r}"
    if kind not in _KINDS:
        hint = did_you_mean(kind, _KINDS) or f"; known are {a_list(_KINDS)}"
        return f"there is no kind of workload {kind!r}{hint}"
    if len(name) <= 253 and all(is_label(part) for part in name.split(".")):
        return ""
    return f"{name!r} is no name of a {kind}: small letters, digits, '-' and '.' only"
