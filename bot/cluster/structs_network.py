"""What is read of services, of the addresses behind them, and of ingresses; see `bot.cluster.structs` for the rules."""

from __future__ import annotations

from bot.cluster.structs import ObjectMeta, ObjectReference, Read


class ServicePort(Read, frozen=True):
    port: int
    name: str = ""
    target_port: int | str | None = None
    protocol: str = "TCP"


class ServiceSpec(Read, frozen=True):
    type: str = "ClusterIP"
    selector: dict[str, str] | None = None
    ports: list[ServicePort] | None = None


class Service(Read, frozen=True):
    metadata: ObjectMeta
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Read, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Read, frozen=True):
    addresses: list[str] | None = None
    conditions: EndpointConditions = EndpointConditions()
    target_ref: ObjectReference | None = None


class EndpointSlice(Read, frozen=True):
    metadata: ObjectMeta
    endpoints: list[Endpoint] | None = None


class BackendPort(Read, frozen=True):
    number: int | None = None
    name: str = ""


class BackendService(Read, frozen=True):
    name: str = ""
    port: BackendPort = BackendPort()


class Backend(Read, frozen=True):
    """Where a path leads; a backend that is no service has none."""

    service: BackendService | None = None


class IngressPath(Read, frozen=True):
    path: str = ""
    backend: Backend = Backend()


class IngressPaths(Read, frozen=True):
    paths: list[IngressPath] | None = None


class IngressRule(Read, frozen=True):
    host: str = ""
    http: IngressPaths | None = None


class IngressTls(Read, frozen=True):
    secret_name: str = ""


class IngressSpec(Read, frozen=True):
    ingress_class_name: str | None = None
    default_backend: Backend | None = None
    rules: list[IngressRule] | None = None
    tls: list[IngressTls] | None = None


class IngressAddress(Read, frozen=True):
    ip: str = ""
    hostname: str = ""


class LoadBalancer(Read, frozen=True):
    ingress: list[IngressAddress] | None = None


class IngressStatus(Read, frozen=True):
    load_balancer: LoadBalancer = LoadBalancer()


class Ingress(Read, frozen=True):
    metadata: ObjectMeta
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()
