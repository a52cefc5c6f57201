"""The metrics API: usage as the metrics server gives it, get and list only."""

from __future__ import annotations

from sandbox.cluster.api.calls import Call, JsonAnswer
from sandbox.cluster.api.errors import Refusal, details_of, not_found
from sandbox.cluster.api.kinds import Kind, find_resource
from sandbox.cluster.api.reads import shape_list, shape_object
from sandbox.cluster.api.representation import check_for_list
from sandbox.cluster.api.selectors import matcher
from sandbox.cluster.sources import MetricsSource
from sandbox.cluster.store import Json, ObjectStore


def list_usage(call: Call, store: ObjectStore, source: MetricsSource) -> JsonAnswer:
    """Answer with the usage of pods or nodes; limit and versions mean nothing here."""
    check_for_list(call.kind, call.shape)
    matches = matcher(call.kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
    items = [obj for obj in _items(call, source) if matches is None or matches(obj)]
    return JsonAnswer(shape_list(call, items, {}, store))


def get_usage(call: Call, store: ObjectStore, source: MetricsSource) -> JsonAnswer:
    """Answer with the usage of one pod or node. Raises Refusal (404), also for a pod that has no metrics."""
    name, namespace = call.target.name, call.target.namespace
    for obj in _items(call, source):
        if obj["metadata"]["name"] == name:
            return JsonAnswer(shape_object(call, obj, store))
    measured = _measured_kind(call.kind)
    if store.get(call.kind.resource, namespace, name) is None:
        raise not_found(measured, name)
    resource, key = call.kind.singular, f"{namespace}/{name}" if namespace else name
    details = details_of(call.kind.group, resource, key)
    raise Refusal(404, "NotFound", f'{resource}.{call.kind.group} "{key}" not found', details)


def _items(call: Call, source: MetricsSource) -> list[Json]:
    if call.kind.namespaced:
        return source.pod_metrics(call.target.namespace or None)
    return source.node_metrics()


def _measured_kind(kind: Kind) -> Kind:
    measured = find_resource("", kind.resource)
    return kind if measured is None else measured
