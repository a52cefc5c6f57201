"""Services, what stands behind them, and what stands in front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.objects.meta import Meta, no_labels


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a service; `target` is a number or a container port's name, as written."""

    port: int
    target: str
    name: str = ""
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service: what it selects and where it sends."""

    meta: Meta
    type: str = "ClusterIP"
    selector: Mapping[str, str] = field(default_factory=no_labels)
    ports: tuple[ServicePort, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address behind a service. `pod` is the name of the pod it belongs to, if any."""

    addresses: tuple[str, ...]
    ready: bool
    serving: bool = True
    terminating: bool = False
    pod: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """Addresses of a service, as the load balancing sees them."""

    meta: Meta
    service: str
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of an ingress: a host (empty: any) and path that lead to a service's port (number or name)."""

    host: str
    path: str
    service: str
    port: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """An ingress and where it leads. `addresses` are those that its controller has published."""

    meta: Meta
    ingress_class: str = ""
    routes: tuple[Route, ...] = ()
    tls_secrets: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
