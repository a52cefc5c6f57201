"""Short names for what a cluster calls at length: aliases of services, a name for the cluster. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

LONGEST = 63
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Named:
    """A workload by what it is called in full."""

    kind: str
    namespace: str
    name: str


def is_label(text: str) -> bool:
    """Tell whether a text is a name of the kind that namespaces and containers have."""
    return _LABEL.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """Tell whether a text is a name that a workload can have."""
    return len(text) <= 253 and all(is_label(part) for part in text.split("."))


def slug(text: str) -> str:
    """Return a text as such a name, or nothing when no letter or digit is in it."""
    return _OTHER.sub("-", text.lower()).strip("-")[:LONGEST].strip("-")


def cluster_name(said: str) -> str:
    """Return what people may call a cluster, from what a kubeconfig calls it: its last part."""
    if said.startswith("gke_"):  # gke_PROJECT_ZONE_NAME
        said = said.rpartition("_")[2]
    return slug(said.rpartition("/")[2].rpartition("@")[2]) or "main"


def aliases(workloads: Sequence[Named]) -> Mapping[Named, str]:
    """Return a short name for each workload, all of them different.

    The namespace's name, or else words that all of a namespace begin with, are left out at the front. Who comes later
    with a name that is taken gets the name in full, its namespace, its kind, or a number.
    """
    shared = {each.namespace: _shared_words(workloads, each.namespace) for each in workloads}
    chosen: dict[Named, str] = {}
    taken: set[str] = set()
    for each in workloads:
        chosen[each] = next(alias for alias in _candidates(each, shared[each.namespace], chosen) if alias not in taken)
        taken.add(chosen[each])
    return chosen


def _shared_words(workloads: Collection[Named], namespace: str) -> str:
    """Return the words, each with its dash, that every workload of a namespace begins with; of two none is typical."""
    names = [each.name for each in workloads if each.namespace == namespace]
    if len(names) < 3:
        return ""
    low, high = min(names), max(names)
    same = next((at for at, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), len(low))
    return low[: low.rfind("-", 0, same) + 1]


def _without(each: Named, shared: str) -> str:
    for prefix in (f"{each.namespace}-", shared):
        if prefix and each.name.startswith(prefix) and len(each.name) > len(prefix):
            return each.name.removeprefix(prefix)
    return each.name


def _candidates(each: Named, shared: str, chosen: Mapping[Named, str]) -> Iterator[str]:
    short = slug(_without(each, shared)) or "service"
    yield short
    yield slug(each.name) or short
    rivals = [other for other, alias in chosen.items() if alias == short]
    ends = [each.kind, each.namespace] if any(r.namespace == each.namespace for r in rivals) else [each.namespace]
    for end in (*ends, f"{each.kind}-{each.namespace}"):
        yield slug(f"{short}-{end}")
    for number in count(2):
        yield f"{short[: LONGEST - 12].strip('-')}-{number}"
