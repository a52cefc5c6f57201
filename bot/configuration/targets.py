"""What is probed: the health URLs of `[services]`, and `[dependencies]`.

A target is only ever what the operator wrote here; credentials are named, never written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.configuration.addresses import host_and_port, http_url, variable_name
from bot.configuration.people import one_of
from bot.configuration.places import Places, label
from bot.domain.catalogue import CatalogueEntry
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.toml_tables import Table

HEALTH_KEYS = (
    "health_url",
    "health_timeout_s",
    "health_slow_s",
    "health_status",
    "health_body",
    "health_json",
    "health_token_env",
    "health_ca_file",
)
LEAST_S, MOST_S = 0.1, 10
_URLS = (ProbeKind.HTTP, ProbeKind.QDRANT)
_ANONYMOUS = (ProbeKind.TCP, ProbeKind.TLS)
_TIMEOUT_S, _SLOW_S = 5.0, 2.0
_TEXT_MAX = 200


@dataclass(frozen=True, slots=True)
class Named:
    """A service of the catalogue and its table, of which only the keys of watching are still to be read."""

    entry: CatalogueEntry
    table: Table

    @property
    def scope(self) -> Scope:
        return Scope(ClusterName(self.entry.cluster), Namespace(self.entry.namespace))


def read_targets(services: Mapping[str, Named], dependencies: Table, places: Places) -> tuple[ProbeTarget, ...]:
    """Read every target, health URLs first. The tables of the services stay open, `dependencies` does not."""
    used_by: dict[str, list[str]] = {name: [] for name in dependencies.names()}
    health = []
    for alias, service in services.items():
        check = partial(one_of, what="dependency", known=tuple(used_by))
        for name in service.table.texts("depends_on", check):
            used_by[name].append(alias)
        if target := _health(service):
            health.append(target)
    names = {target.name for target in health}
    others = []
    for name, table in dependencies.tables():
        if name in names:
            table.fault(f"the health URL of the service {name} is called so already; name this one otherwise")
        others.append(_dependency(name, table, services, places, tuple(used_by[name])))
        table.close()
    return (*health, *others)


def _health(service: Named) -> ProbeTarget | None:
    """Read a service's health URL; None where it has none."""
    table = service.table
    url = table.text("health_url", http_url)
    target = ProbeTarget(
        name=service.entry.alias,
        kind=ProbeKind.HTTP,
        address=url,
        scope=service.scope,
        service=service.entry.alias,
        secret_env=_variable(table, "health_token_env"),
        ca_file=table.text("health_ca_file", _filled),
        tls=_encrypted(url),
        timeout_s=_seconds(table, "health_timeout_s", _TIMEOUT_S),
        slow_s=_seconds(table, "health_slow_s", _SLOW_S),
        expect_status=int(table.number("health_status", 0, low=100, high=599, whole=True)),
        expect_body=table.text("health_body", _filled),
        expect_json=tuple(_json(table)),
    )
    for key in HEALTH_KEYS[1:]:
        if table.has(key) and not table.has("health_url"):
            table.fault(f"{key}: says something of a health_url, and there is none", key)
    if url and target.ca_file and not target.tls:
        table.fault(
            "health_ca_file: the health_url begins with http://, so no certificate is looked at", "health_ca_file"
        )
    return target if url else None


def _json(table: Table) -> Iterator[tuple[str, str]]:
    """Read the values that an answer has to have. `a.b = "x"` and `"a.b" = "x"` say the same."""

    def below(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for key, value in values.items():
            here = (*path, key)
            if isinstance(value, dict):
                yield from below(value, here)
            elif not isinstance(value, str) or _filled(value):
                table.fault(f"health_json: {'.'.join(here)}: expected a text in quotes", "health_json", *here)
            else:
                yield ".".join(here), value

    yield from below(table.values("health_json"), ())


def _dependency(
    name: str, table: Table, services: Mapping[str, Named], places: Places, used_by: tuple[str, ...]
) -> ProbeTarget:
    if wrong := label(name):
        table.fault(wrong)
    kinds = tuple(ProbeKind)
    said = table.text("kind", partial(one_of, what="kind of dependency", known=kinds), required=True)
    kind = ProbeKind(said) if said else None
    judge = (lambda _: "") if kind is None else http_url if kind in _URLS else host_and_port
    address = table.text("address", judge, required=True)
    service, scope = _runs_in(table, services, places)
    target = ProbeTarget(
        name=name,
        kind=kind or ProbeKind.TCP,
        address=address,
        scope=scope,
        service=service,
        used_by=used_by,
        secret_env=_variable(table, "secret_env"),
        tls=table.flag("tls") or kind is ProbeKind.TLS or (kind in _URLS and _encrypted(address)),
        ca_file=table.text("ca_file", _filled),
        server_name=table.text("server_name", _filled),
        timeout_s=_seconds(table, "timeout_s", _TIMEOUT_S),
        slow_s=_seconds(table, "slow_s", _SLOW_S),
    )
    if kind is not None:
        _judge_together(table, target)
    return target


def _runs_in(table: Table, services: Mapping[str, Named], places: Places) -> tuple[str, Scope]:
    """Read which service runs a dependency, and so where it belongs; else where the table says."""
    service = table.text("service", partial(one_of, what="service", known=services))
    if not service:
        return "", places.read(table)
    table.expect(("cluster", "namespace"))
    for key in ("cluster", "namespace"):
        if table.has(key):
            table.fault(f"{key}: the service {service} says where it is; leave this out", key)
    return service, services[service].scope


def _judge_together(table: Table, target: ProbeTarget) -> None:
    """Report keys that contradict each other."""
    kind = target.kind
    if table.has("tls") and kind in _URLS:
        table.fault(f"tls: the address of kind {kind} says it, by http:// or https://", "tls")
    if target.secret_env and kind in _ANONYMOUS:
        table.fault(f"secret_env stands beside kind {kind}, which signs in to nothing", "secret_env")
    for key in ("ca_file", "server_name"):
        if table.has(key) and target.address and not target.tls:
            way = "an address with https://" if kind in _URLS else "tls = true"
            table.fault(f"{key}: without {way} no certificate is looked at", key)
    if kind is ProbeKind.HTTP and not target.used_by:
        table.fault("no service has it in its depends_on; a service's own URL is its health_url")


def _variable(table: Table, key: str) -> str:
    name = table.text(key, _filled)
    wrong = variable_name(name) if name else ""
    if wrong:
        table.fault(f"{key} {wrong}", key)
    return "" if wrong else name


def _seconds(table: Table, key: str, default: float) -> float:
    return table.number(key, default, low=LEAST_S, high=MOST_S)


def _encrypted(url: str) -> bool:
    return url.lower().startswith("https:")


def _filled(value: str) -> str:
    if not value.strip():
        return "is empty; leave it out instead"
    return "" if len(value) <= _TEXT_MAX else f"expected at most {_TEXT_MAX} characters"
