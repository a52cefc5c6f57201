"""Why the kubelet evicted a pod, in its words, taken apart.

Source of the sentences: pkg/kubelet/eviction of Kubernetes 1.34.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain.text import first_line

_LOW = re.compile(r"node was low on resource: (?P<resource>[\w.\[\] -]+?)\.")
_HAD = re.compile(r"node had condition: \[(?P<condition>[^\]]+)\]")
_FREE = re.compile(r"Threshold quantity: (?P<threshold>\S+?), available: (?P<available>\S+?)\.(?: |$)")
_USED = re.compile(r"Container (?P<name>\S+) was using (?P<used>[^,]+), request is (?P<asked>[^,]+),")
_OWN = (
    re.compile(r'Usage of EmptyDir volume "(?P<what>[^"]+)" exceeds the limit "(?P<limit>[^"]+)"'),
    re.compile(r'Container (?P<what>\S+) exceeded its local ephemeral storage limit "(?P<limit>[^"]+)"'),
    re.compile(r"Pod ephemeral local storage usage exceeds the total limit of containers (?P<limit>\S+?)\.?(?:\s|$)"),
)


@dataclass(frozen=True, slots=True)
class Eviction:
    """What an eviction was for. `own_limit` when the pod went over a limit of its own, else the node was short."""

    resource: str
    summary: str
    own_limit: bool = False


def eviction_of(message: str) -> Eviction:
    """Read the message of an evicted pod."""
    for pattern in _OWN:
        if pattern.search(message):
            return Eviction("ephemeral storage", first_line(message, 240).rstrip(" ."), own_limit=True)
    low, had = _LOW.search(message), _HAD.search(message)
    if low is None:
        condition = had["condition"] if had else ""
        summary = f"the node had {condition}" if condition else first_line(message, 240).rstrip(" .")
        return Eviction(condition, summary)
    resource = low["resource"]
    free = _FREE.search(message)
    left = f" ({free['available']} left, it wants {free['threshold']})" if free else ""
    used = [f"{each['name']} used {each['used']} and had asked for {each['asked']}" for each in _USED.finditer(message)]
    told = f"; {', '.join(used[:3])}" if used else ""
    return Eviction(resource, f"the node was low on {resource}{left}{told}")
