"""The pod that a template would make, as far as its place and its share of quotas go by it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bot.domain.live import Json
from bot.domain.objects import Container, Meta, NodeRequirement, Pod, Port, Role, Toleration
from bot.domain.quantities import millicores, whole

_NAMELESS = Meta(name="", namespace="", uid="")


def pod_of(template: Json, limit_ranges: Sequence[Json] = ()) -> Pod:
    """Return the pod that a live pod template makes, with what the namespace's limit ranges add to its containers."""
    spec: Json = template.get("spec") or {}
    defaults = [
        item
        for each in limit_ranges
        for item in (each.get("spec") or {}).get("limits") or ()
        if item.get("type") == "Container"
    ]
    return Pod(
        meta=_NAMELESS,
        phase="Pending",
        containers=(
            *(_container(each, _initial(each), defaults) for each in spec.get("initContainers") or ()),
            *(_container(each, Role.REGULAR, defaults) for each in spec.get("containers") or ()),
        ),
        node_selector=dict(spec.get("nodeSelector") or {}),
        node_terms=tuple(_node_terms(spec)),
        tolerations=tuple(
            Toleration(
                str(each.get("key", "")),
                str(each.get("operator") or "Equal"),
                str(each.get("value", "")),
                str(each.get("effect", "")),
            )
            for each in spec.get("tolerations") or ()
        ),
    )


def has_rules(of: Json) -> bool:
    """Tell whether a live workload's pods are bound by what is not computed here: rules between pods, and volumes."""
    spec: Json = of.get("spec") or {}
    pod: Json = (spec.get("template") or {}).get("spec") or {}
    affinity: Json = pod.get("affinity") or {}
    between = (affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {})
    return (
        any(each.get("requiredDuringSchedulingIgnoredDuringExecution") for each in between)
        or any(each.get("whenUnsatisfiable") == "DoNotSchedule" for each in pod.get("topologySpreadConstraints") or ())
        or any("persistentVolumeClaim" in each or "ephemeral" in each for each in pod.get("volumes") or ())
        or bool(spec.get("volumeClaimTemplates"))
    )


def _initial(container: Json) -> Role:
    return Role.SIDECAR if container.get("restartPolicy") == "Always" else Role.INIT


def _container(said: Json, role: Role, defaults: Sequence[Json]) -> Container:
    def amount(kind: str, resource: str, read: Callable[[str], int]) -> int | None:
        text = _amount(said, kind, resource, defaults)
        return read(text) if text else None

    return Container(
        name=str(said.get("name", "")),
        role=role,
        cpu_request_m=amount("requests", "cpu", millicores),
        cpu_limit_m=amount("limits", "cpu", millicores),
        memory_request=amount("requests", "memory", whole),
        memory_limit=amount("limits", "memory", whole),
        ports=tuple(
            Port(int(each["containerPort"]), protocol=str(each.get("protocol", "TCP")), host_port=int(each["hostPort"]))
            for each in said.get("ports") or ()
            if each.get("hostPort")
        ),
    )


def _amount(said: Json, kind: str, resource: str, defaults: Sequence[Json]) -> str:
    """Return a quantity as the API server would complete it: a request follows from the limit, else from a default."""
    resources: Json = said.get("resources") or {}
    own = (resources.get(kind) or {}).get(resource)
    if own is None and kind == "requests":
        own = (resources.get("limits") or {}).get(resource)
    if own is None:
        field = "defaultRequest" if kind == "requests" else "default"
        own = next((each[field][resource] for each in defaults if resource in (each.get(field) or {})), None)
    return "" if own is None else str(own)


def _node_terms(spec: Json) -> Iterator[tuple[NodeRequirement, ...]]:
    wanted: Json = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required: Json = wanted.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        yield tuple(
            NodeRequirement(str(each.get("key", "")), str(each.get("operator", "")), tuple(each.get("values") or ()))
            for each in (*(term.get("matchExpressions") or ()), *(term.get("matchFields") or ()))
        )
