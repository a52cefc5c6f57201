"""The tables of Services and what stands behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sandbox.cluster.api.tables.columns import NONE, UNSET, Printer, age, columns, labels_text
from sandbox.cluster.store import Json

_SHOWN = 3


def _service(obj: Json, now: datetime) -> list[object]:
    spec = obj["spec"]
    service_type = spec.get("type", "ClusterIP")
    return [
        obj["metadata"]["name"],
        service_type,
        spec.get("clusterIP") or NONE,
        _external(obj, service_type),
        ",".join(_service_port(port) for port in spec.get("ports") or []) or NONE,
        age(obj, now),
        labels_text(spec.get("selector")),
    ]


def _service_port(port: Json) -> str:
    number = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"])
    return f"{number}/{port.get('protocol', 'TCP')}"


def _external(obj: Json, service_type: str) -> str:
    spec = obj["spec"]
    addresses = list(spec.get("externalIPs") or [])
    if service_type == "ExternalName":
        return str(spec.get("externalName", ""))
    if service_type == "LoadBalancer":
        ingress = obj.get("status", {}).get("loadBalancer", {}).get("ingress") or []
        addresses = [entry.get("ip") or entry.get("hostname", "") for entry in ingress] + addresses
        return ",".join(addresses) or "<pending>"
    return ",".join(addresses) or NONE


def _ingress(obj: Json, now: datetime) -> list[object]:
    spec = obj.get("spec", {})
    hosts = [rule["host"] for rule in spec.get("rules") or [] if rule.get("host")]
    published = obj.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    return [
        obj["metadata"]["name"],
        spec.get("ingressClassName") or NONE,
        _hosts(hosts),
        ",".join(entry.get("ip") or entry.get("hostname", "") for entry in published),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def _hosts(hosts: Sequence[str]) -> str:
    """Write the hosts of an ingress (formatHosts of the server's printers)."""
    if not hosts:
        return "*"
    more = f" + {len(hosts) - _SHOWN} more..." if len(hosts) > _SHOWN else ""
    return ",".join(hosts[:_SHOWN]) + more


def _slice(obj: Json, now: datetime) -> list[object]:
    addresses = [address for endpoint in obj.get("endpoints") or [] for address in endpoint.get("addresses") or []]
    return [
        obj["metadata"]["name"],
        obj["addressType"],
        _first_ones([str(port.get("port") or "*") for port in obj.get("ports") or []]),
        _first_ones(addresses),
        age(obj, now),
    ]


def _first_ones(values: Sequence[str]) -> str:
    if len(values) > _SHOWN:
        return f"{','.join(values[:_SHOWN])} + {len(values) - _SHOWN} more..."
    return ",".join(values) or UNSET


PRINTERS = {
    ("", "services"): Printer(
        columns("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", wide=("Selector",)), _service
    ),
    ("networking.k8s.io", "ingresses"): Printer(columns("Name", "Class", "Hosts", "Address", "Ports", "Age"), _ingress),
    ("discovery.k8s.io", "endpointslices"): Printer(
        columns("Name", "AddressType", "Ports", "Endpoints", "Age"), _slice
    ),
}
