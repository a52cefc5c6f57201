"""Who owns what, and who selects which pods: the indexes that keep the controllers from reading everything."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.cluster.store import Json

_Place = tuple[str, str, str]  # namespace, name of a label, its value


class Key(NamedTuple):
    """Name an object that somebody shall look at."""

    resource: str
    namespace: str
    name: str


class Index:
    """Remember owners, labels and selectors of the objects that were noted."""

    def __init__(self) -> None:
        self._owned: dict[str, dict[Key, None]] = {}
        self._labelled: dict[_Place, dict[Key, None]] = {}
        self._selecting: dict[_Place, dict[Key, None]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._owned.clear()
        self._labelled.clear()
        self._selecting.clear()

    def note(self, key: Key, obj: Json, *, gone: bool) -> None:
        """Take in an object as it is now, or as it was when it was deleted."""
        owner = controller_of(obj)
        if owner is not None:
            _keep(self._owned.setdefault(owner["uid"], {}), key, gone=gone)
        if key.resource == "pods":
            for label in (obj["metadata"].get("labels") or {}).items():
                _keep(self._labelled.setdefault((key.namespace, *label), {}), key, gone=gone)
        if key.resource in {"services", "poddisruptionbudgets"}:
            selector = _selector_of(key.resource, obj)
            first = next(iter(selector.items())) if selector else ("", "")
            _keep(self._selecting.setdefault((key.namespace, *first), {}), key, gone=gone)

    def owned(self, uid: str, resource: str) -> list[Key]:
        """Return what an object controls of one resource, in order."""
        return sorted(key for key in self._owned.get(uid, ()) if key.resource == resource)

    def dependents(self, uid: str) -> list[Key]:
        """Return everything that an object controls, in order."""
        return sorted(self._owned.get(uid, ()))

    def disown(self, uid: str, key: Key) -> None:
        """Forget that an object controls another."""
        self._owned.get(uid, {}).pop(key, None)

    def orphans(self, uid: str) -> list[Key]:
        """Return what a deleted object controlled, and forget it."""
        return list(self._owned.pop(uid, {}))

    def labelled(self, namespace: str, label: tuple[str, str]) -> list[Key]:
        """Return the pods with a label, in order."""
        return sorted(self._labelled.get((namespace, *label), ()))

    def selecting(self, namespace: str, labels: Json) -> list[Key]:
        """Return the services and budgets that may select a pod with these labels."""
        any_label = ("", "")  # of a budget that selects by expressions
        return [key for label in (any_label, *labels.items()) for key in self._selecting.get((namespace, *label), ())]


def controller_of(obj: Json) -> Json | None:
    """Return the owner reference of the object that controls this one."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            owner: Json = reference
            return owner
    return None


def selects(selector: Json | None, labels: Json) -> bool:
    """Tell whether a selector of equal labels picks an object; an absent one picks none."""
    return bool(selector) and all(labels.get(name) == value for name, value in (selector or {}).items())


def _keep(place: dict[Key, None], key: Key, *, gone: bool) -> None:
    if gone:
        place.pop(key, None)
    else:
        place[key] = None


def _selector_of(resource: str, obj: Json) -> Json | None:
    """Return the labels by which an object picks pods, if it is one whose controller looks at them."""
    if resource == "services":
        selector: Json | None = obj["spec"].get("selector")
        return selector
    if resource == "poddisruptionbudgets":
        return (obj["spec"].get("selector") or {}).get("matchLabels")
    return None
