"""What bounds changes in a namespace, as the API server says it; and a workload with room for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.objects import NodeLoad
from bot.domain.snapshot import Part, PartStatus
from bot.planning.ground import Ground
from bot.ports import Surroundings
from tests.support.builders import node
from tests.support.planned import ground, json_container, json_template, json_workload

Said = dict[str, Any]
CATALOGUE = Catalogue(MappingProxyType({"search": CatalogueEntry("search", "Deployment", "api")}))
NODE = node()
LOAD: Mapping[str, NodeLoad] = MappingProxyType({NODE.meta.name: NodeLoad()})


def budget(name: str, *, healthy: int, needed: int, app: str = "api", **spec: Any) -> Said:
    """Return a disruption budget of the pods of `app`, as its controller keeps it."""
    return {
        "metadata": {"name": name, "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": app}}, **spec},
        "status": {
            "currentHealthy": healthy,
            "desiredHealthy": needed,
            "disruptionsAllowed": max(healthy - needed, 0),
            "observedGeneration": 1,
        },
    }


def quota(name: str, hard: Mapping[str, str], used: Mapping[str, str] = MappingProxyType({}), **spec: Any) -> Said:
    """Return a resource quota, as its controller keeps it."""
    return {"metadata": {"name": name}, "spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used}}


def asking(cpu: str = "100m", memory: str = "128Mi", **fields: Any) -> Said:
    """Return a container that asks for something, as a template holds it."""
    return json_container(resources={"requests": {"cpu": cpu, "memory": memory}}, **fields)


def api(
    replicas: int = 3, *, ready: int | None = None, pod: Mapping[str, Any] = MappingProxyType({}), **spec: Any
) -> Said:
    """Return the workload `api`, rolled out, with all its pods ready unless told otherwise."""
    counts = {"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas if ready is None else ready}
    status = {**counts, **spec.pop("status", {})}
    template = spec.pop("template", None) or json_template(asking(), **pod)
    return json_workload(template, replicas=replicas, status=status, **spec)


def ground_with(
    live: Said,
    *objects: object,
    parts: Mapping[Part, PartStatus] = MappingProxyType({}),
    bounds: Mapping[str, tuple[Said, ...]] = MappingProxyType({}),
    unread: tuple[str, ...] = (),
    **more: Any,
) -> Ground:
    """Return the ground of a workload on a node of 8 CPUs and 16 Gi that is empty.

    `bounds` are the namespace's `quotas`, `limit_ranges` and `budgets`, `parts` the parts that are not seen live.
    """
    around = Surroundings(**bounds, unread=unread)
    made = ground(live, *objects, NODE, surroundings=around, **{"load": LOAD, "catalogue": CATALOGUE, **more})
    seen = replace(made.snapshot, parts=MappingProxyType({**made.snapshot.parts, **parts}))
    return replace(made, report=replace(made.report, snapshot=seen))
