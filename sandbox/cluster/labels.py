"""Label selectors of objects: ``matchLabels`` and ``matchExpressions`` together."""

from __future__ import annotations

from sandbox.cluster.store import Json


def selector_matches(selector: Json | None, labels: Json) -> bool:
    """Tell whether a selector picks an object; an absent one picks none, an empty one all."""
    if selector is None:
        return False
    equal = all(labels.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_holds(term, labels) for term in selector.get("matchExpressions") or ())


def _holds(term: Json, labels: Json) -> bool:
    value, values = labels.get(term["key"]), term.get("values") or ()
    match term["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
