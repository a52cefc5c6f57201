"""Limit ranges: what they say against the containers of a template; and which quality of service it has. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from bot.diagnosis import amount, cpu
from bot.domain.live import Json, metadata_of
from bot.domain.quantities import parse_quantity
from bot.domain.steps.containers import all_containers
from bot.planning.amounts import MEMORY, NAMES


def violations(limit_ranges: Sequence[Json], template: Json, name: str, resource: str) -> tuple[str, ...]:
    """Say which limit ranges refuse the pods of a template for what one of its containers has of a resource."""
    container = next(each for each in all_containers(template) if each.get("name") == name)
    return tuple(
        f"limit range {metadata_of(each).get('name', '')}: {problem}"
        for each in limit_ranges
        for item in (each.get("spec") or {}).get("limits") or ()
        for problem in _of(item, template, container, resource)
    )


def asked(container: Json, kind: str, resource: str) -> str:
    """Return a container's own `limits` or `requests` of a resource; a request follows from the limit without one."""
    resources: Json = container.get("resources") or {}
    own = (resources.get(kind) or {}).get(resource)
    if own is None:
        own = (resources.get("limits") or {}).get(resource)
    return "" if own is None else str(own)


def quality(template: Json) -> str:
    """Return the quality of service that pods of a template have: `Guaranteed`, `Burstable` or `BestEffort`."""
    amounts = [
        (asked(each, "requests", resource), asked(each, "limits", resource))
        for each in all_containers(template)
        for resource in ("cpu", "memory")
    ]
    if not any(request or limit for request, limit in amounts):
        return "BestEffort"
    exact = (limit and request and parse_quantity(limit) == parse_quantity(request) for request, limit in amounts)
    return "Guaranteed" if all(exact) else "Burstable"


def _of(item: Json, template: Json, container: Json, resource: str) -> Iterator[str]:
    if item.get("type") == "Container":
        request, limit = (_completed(container, kind, resource, item) for kind in ("requests", "limits"))
        if request is not None and limit is not None and request > limit:
            yield f"it gives the container a limit of {_words(resource, limit)}, less than is asked for"
            return
        yield from _problems(item, resource, request, limit)
    elif item.get("type") == "Pod":
        regular = (template.get("spec") or {}).get("containers") or ()
        request, limit = (_sum([asked(each, kind, resource) for each in regular]) for kind in ("requests", "limits"))
        yield from _problems(item, resource, request, limit)


def _problems(item: Json, resource: str, request: Fraction | None, limit: Fraction | None) -> Iterator[str]:
    each = str(item.get("type", "")).lower()
    least, most, ratio = (_part(item, part, resource) for part in ("min", "max", "maxLimitRequestRatio"))
    if least is not None and (request is None or request < least):
        yield f"a {each} must ask for {_words(resource, least)} at least"
    if most is not None and (limit is None or limit > most):
        yield f"a {each} may have a {NAMES[resource]} limit of {_words(resource, most)} at most, and must have one"
    if ratio is not None and (not request or limit is None or limit > ratio * request):
        yield f"the {NAMES[resource]} limit of a {each} may be {float(ratio):g} times what it asks for at most"


def _completed(container: Json, kind: str, resource: str, item: Json) -> Fraction | None:
    own = asked(container, kind, resource)
    return parse_quantity(own) if own else _part(item, "defaultRequest" if kind == "requests" else "default", resource)


def _part(item: Json, part: str, resource: str) -> Fraction | None:
    said = (item.get(part) or {}).get(resource)
    return None if said is None else parse_quantity(str(said))


def _sum(amounts: Sequence[str]) -> Fraction | None:
    said = [parse_quantity(each) for each in amounts if each]
    return sum(said, Fraction()) if said else None


def _words(resource: str, value: Fraction) -> str:
    return amount(int(value)) if resource == MEMORY else cpu(int(value * 1000))
