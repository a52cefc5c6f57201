"""Structs -> domain records: services, what stands behind them, and what stands in front."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cluster import structs_network as structs
from bot.cluster.convert import to_meta
from bot.cluster.words import labels, name, names, shared, words
from bot.domain import objects

_SERVICE_OF_SLICE = "kubernetes.io/service-name"
_OLD_INGRESS_CLASS = "kubernetes.io/ingress.class"


def to_service(service: structs.Service) -> objects.Service:
    """Convert a service; a port without a target sends to its own number."""
    return objects.Service(
        meta=to_meta(service.metadata),
        type=shared(service.spec.type),
        selector=labels(service.spec.selector),
        ports=tuple(
            objects.ServicePort(
                port=port.port,
                target=shared(str(port.port if port.target_port is None else port.target_port)),
                name=shared(port.name),
                protocol=shared(port.protocol),
            )
            for port in service.spec.ports or ()
        ),
    )


def to_endpoint_slice(endpoint_slice: structs.EndpointSlice) -> objects.EndpointSlice:
    """Convert an endpoint slice. A condition that is not said means ready, serving and not terminating."""
    meta = to_meta(endpoint_slice.metadata)
    return objects.EndpointSlice(
        meta=meta,
        service=meta.labels.get(_SERVICE_OF_SLICE, ""),
        endpoints=tuple(_endpoint(endpoint) for endpoint in endpoint_slice.endpoints or ()),
    )


def _endpoint(endpoint: structs.Endpoint) -> objects.Endpoint:
    said, target = endpoint.conditions, endpoint.target_ref
    ready = said.ready is not False
    return objects.Endpoint(
        addresses=tuple(name(address) for address in endpoint.addresses or ()),
        ready=ready,
        serving=ready if said.serving is None else said.serving,
        terminating=bool(said.terminating),
        pod=name(target.name) if target is not None and target.kind == "Pod" else "",
    )


def to_ingress(ingress: structs.Ingress) -> objects.Ingress:
    """Convert an ingress; its default backend is a route of any host and any path."""
    spec = ingress.spec
    addresses = ingress.status.load_balancer.ingress or ()
    old_class = (ingress.metadata.annotations or {}).get(_OLD_INGRESS_CLASS)
    return objects.Ingress(
        meta=to_meta(ingress.metadata),
        ingress_class=shared(spec.ingress_class_name or old_class),
        routes=tuple(_routes(spec)),
        tls_secrets=names(tls.secret_name for tls in spec.tls or () if tls.secret_name),
        addresses=tuple(name(each.ip or each.hostname) for each in addresses if each.ip or each.hostname),
    )


def _routes(spec: structs.IngressSpec) -> Iterator[objects.Route]:
    for rule in spec.rules or ():
        for path in (rule.http.paths if rule.http is not None else None) or ():
            if path.backend.service is not None:
                yield _route(rule.host, path.path, path.backend.service)
    if spec.default_backend is not None and spec.default_backend.service is not None:
        yield _route("", "", spec.default_backend.service)


def _route(host: str, path: str, service: structs.BackendService) -> objects.Route:
    port = service.port.name if service.port.number is None else str(service.port.number)
    return objects.Route(name(host), words(path), shared(service.name), shared(port))
