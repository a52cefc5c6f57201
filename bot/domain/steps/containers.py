"""Change one container of a pod template: its image, or what it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bot.domain.live import Json, Live, Reads, template_digest, template_of
from bot.domain.steps.base import Compared, Stamp, Standing, Write, is_paused, marked_revision, patch

_LISTS = ("containers", "initContainers")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetImage:
    """Give a container another image; `template` and `to_template` are the digests before and after."""

    reads: ClassVar[frozenset[Reads]] = frozenset({Reads.REVISIONS})
    marked: ClassVar[bool] = True

    kind: str
    template: str
    to_template: str
    container: str
    was: str
    image: str

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Compare the template."""
        del stamp
        return compare_templates(live, self.template, self.to_template, self.container, f"image {self.was}")

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Replace the image at the container's place."""
        path, _ = place_of(live.object, self.container)
        return patch(self.kind, live, stamp, {"op": "replace", "path": f"{path}/image", "value": self.image})

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Look for a revision that carries the mark."""
        del generation
        return marked_revision(live, stamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResources:
    """Give a container another limit (and request) of `resource`: `memory` or `cpu`; quantities as the API writes them.

    An empty quantity is none at all.
    """

    reads: ClassVar[frozenset[Reads]] = frozenset({Reads.REVISIONS})
    marked: ClassVar[bool] = True

    kind: str
    template: str
    to_template: str
    container: str
    resource: str
    limit_was: str
    limit: str
    request_was: str
    request: str

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Compare the template."""
        del stamp
        return compare_templates(live, self.template, self.to_template, self.container, f"{self.resource} settings")

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Replace the container's resources, the other ones kept."""
        path, container = place_of(live.object, self.container)
        value = with_resource(container, self.resource, limit=self.limit, request=self.request)["resources"]
        return patch(self.kind, live, stamp, {"op": "add", "path": f"{path}/resources", "value": value})

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Look for a revision that carries the mark."""
        del generation
        return marked_revision(live, stamp)


def compare_templates(live: Live, was: str, wanted: str, container: str, what: str) -> Compared:
    """Compare a live template with the two that a plan knows."""
    template = template_of(live.object)
    now = template_digest(template)
    if now == was:
        return Compared(Standing.OTHER, "it is paused now") if is_paused(live.object) else Compared(Standing.FROM)
    if now == wanted:
        return Compared(Standing.TO)
    if not any(each.get("name") == container for each in all_containers(template)):
        return Compared(Standing.OTHER, f"container {container} is gone")
    return Compared(Standing.OTHER, f"its pod template was changed (planned for {what} of {container})")


def all_containers(template: Json) -> list[Json]:
    """Return the containers of a template, the regular ones first."""
    spec = template.get("spec") or {}
    return [container for name in _LISTS for container in spec.get(name) or ()]


def place_of(of: Json | None, name: str) -> tuple[str, Json]:
    """Return the JSON pointer of a container of a workload, and the container. Raises `ValueError` without it."""
    spec = template_of(of).get("spec") or {}
    for kind in _LISTS:
        for index, container in enumerate(spec.get(kind) or ()):
            if container.get("name") == name:
                return f"/spec/template/spec/{kind}/{index}", container
    raise ValueError(f"there is no container {name}")


def with_image(container: Json, image: str) -> dict[str, Any]:
    """Return a container with another image."""
    return {**container, "image": image}


def with_resource(container: Json, resource: str, *, limit: str, request: str) -> dict[str, Any]:
    """Return a container with another limit and request of one resource; an empty quantity removes it."""
    resources = dict(container.get("resources") or {})
    for kind, value in (("limits", limit), ("requests", request)):
        amounts = {name: amount for name, amount in (resources.get(kind) or {}).items() if name != resource}
        if value:
            amounts[resource] = value
        if amounts:
            resources[kind] = amounts
        else:
            resources.pop(kind, None)
    return {**container, "resources": resources}


def with_container(template: Json, name: str, changed: Json) -> dict[str, Any]:
    """Return a template in which one container is replaced."""
    spec = dict(template.get("spec") or {})
    for kind in _LISTS:
        if kind in spec:
            spec[kind] = [changed if each.get("name") == name else each for each in spec[kind] or ()]
    return {**template, "spec": spec}
