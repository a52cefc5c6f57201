"""What asks targets, as far as there are any: what it speaks with them takes long to load."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Probed, ProbeTarget
from bot.ports import Clock, Probes


class NoProbes:
    """Implements `Probes` where no target is configured: there is nobody to be asked."""

    async def probe(self, target: ProbeTarget) -> Probed:
        raise ValueError(f"no target is configured, so {target.name} cannot be one")


def probes_for(watch: WatchPolicy, environ: Mapping[str, str], clock: Clock) -> Probes:
    """Return what asks the configured targets; `environ` holds their credentials."""
    if not watch.targets:
        return NoProbes()
    from bot.probes import LiveProbes  # noqa: PLC0415  # start-up cost

    return LiveProbes(environ, clock)
