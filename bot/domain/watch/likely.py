"""What a Service looks like that others depend on, told by the ports that it offers. A guess, for whoever names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.domain.objects import Service
from bot.domain.watch.probes import ProbeKind

_PORTS: Final[Mapping[int, ProbeKind]] = MappingProxyType(
    {5432: ProbeKind.POSTGRESQL, 6379: ProbeKind.REDIS, 6333: ProbeKind.QDRANT}
)
_TCP: Final = "TCP"
# A second Service for the same pods, which only names them.
_BESIDE: Final = ("-headless", "-hl", "-metrics")


@dataclass(frozen=True, slots=True)
class Likely:
    """What would be asked at a Service: its kind, and the address as a `ProbeTarget` has it."""

    kind: ProbeKind
    address: str


def likely_dependency(service: Service) -> Likely | None:
    """Return what a Service offers by the first of its ports that is known; None when none is."""
    port = next((each.port for each in service.ports if each.port in _PORTS and each.protocol == _TCP), None)
    if port is None or service.meta.name.endswith(_BESIDE):
        return None
    kind, host = _PORTS[port], f"{service.meta.name}.{service.meta.namespace}.svc:{port}"
    return Likely(kind, f"http://{host}" if kind is ProbeKind.QDRANT else host)
