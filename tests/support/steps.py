"""Changes as the engine makes them, and workloads to make them on: alike on the simulated and on a real cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.live import Live, metadata_of, revision_template, template_digest, template_of
from bot.domain.steps import (
    AnyStep,
    Restart,
    Rollback,
    Scale,
    SetBounds,
    SetImage,
    SetResources,
    Stamp,
)
from bot.domain.steps.containers import place_of, with_container, with_image, with_resource
from bot.domain.steps.rollback import number_of

STAMP = Stamp(operation_id="op-7f3a9c1e", at="2026-11-24T14:12:05Z", cause="ragops: asked by ann, approved by lea")

AUTOSCALER: dict[str, Any] = {
    "metadata": {"name": "app"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"},
        "minReplicas": 1,
        "maxReplicas": 2,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
            }
        ],
    },
}
"""An autoscaler of the Deployment `app`."""

MakeStep = Callable[[str, Live], AnyStep]


def restart(kind: str, live: Live) -> Restart:
    """Plan a restart."""
    return Restart(kind=kind, template=template_digest(template_of(live.object)))


def scale(kind: str, live: Live) -> Scale:
    """Plan one pod more."""
    assert live.object is not None
    was = int(live.object["spec"]["replicas"])
    return Scale(kind=kind, was=was, replicas=was + 1)


def rollback(kind: str, live: Live) -> Rollback:
    """Plan to go back to the revision before the newest."""
    source = sorted(live.revisions, key=number_of)[-2]
    return Rollback(
        kind=kind,
        template=template_digest(template_of(live.object)),
        revision=number_of(source),
        revision_name=str(metadata_of(source)["name"]),
        revision_uid=str(metadata_of(source)["uid"]),
        to_template=template_digest(revision_template(source)),
    )


def set_image(kind: str, live: Live, *, image: str = "") -> SetImage:
    """Plan another tag of the first container's image, or another image."""
    name, template = _first(live)
    _, container = place_of(live.object, name)
    place, _, tag = container["image"].rpartition(":")
    wanted = image or f"{place}:{'v10' if tag == 'v9' else 'v9'}"
    return SetImage(
        kind=kind,
        template=template_digest(template),
        to_template=template_digest(with_container(template, name, with_image(container, wanted))),
        container=name,
        was=container["image"],
        image=wanted,
    )


def set_memory(kind: str, live: Live) -> SetResources:
    """Plan another memory limit, and no request, of the first container."""
    name, template = _first(live)
    _, container = place_of(live.object, name)
    had = container.get("resources") or {}
    changed = with_resource(container, "memory", limit="1Gi", request="")
    return SetResources(
        kind=kind,
        template=template_digest(template),
        to_template=template_digest(with_container(template, name, changed)),
        container=name,
        resource="memory",
        limit_was=(had.get("limits") or {}).get("memory", ""),
        limit="1Gi",
        request_was=(had.get("requests") or {}).get("memory", ""),
        request="",
    )


def set_bounds(kind: str, live: Live) -> SetBounds:
    """Plan one pod more at both ends of an autoscaler."""
    del kind
    assert live.object is not None
    spec = live.object["spec"]
    least, most = int(spec["minReplicas"]), int(spec["maxReplicas"])
    return SetBounds(minimum_was=least, maximum_was=most, minimum=least + 1, maximum=most + 1)


def _first(live: Live) -> tuple[str, Mapping[str, Any]]:
    template = template_of(live.object)
    return str(template["spec"]["containers"][0]["name"]), template
