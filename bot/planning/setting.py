"""`set memory` and `set cpu` but for the resource: what is said, what is seen, and how it is planned."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import argument, option
from bot.domain.live import Json
from bot.domain.plans import Draft, Refusal
from bot.planning.amounts import amount_for
from bot.planning.containers import container_for
from bot.planning.ground import Ground, ground
from bot.planning.resources import plan_resources
from bot.ports import Sources


@dataclass(frozen=True, slots=True)
class Params:
    """Whose limit, and how much."""

    workload: str = argument("a service of the catalogue or a workload's name", names_service=True)
    limit: str = argument("the new limit, such as 512Mi or 1Gi; or none")
    request: str = option("--request", "what it asks for; unchanged without it", default="", metavar="AMOUNT")
    container: str = option(
        "--container", "which container, where it has several", default="", short="-c", metavar="NAME"
    )


@dataclass(frozen=True, slots=True)
class CpuParams(Params):
    """The same for CPU, which is counted in other units."""

    limit: str = argument("the new limit, such as 500m or 2; or none")


@dataclass(frozen=True, slots=True)
class Seen:
    """The ground, the live container that is meant, and the amounts as the API server writes them."""

    ground: Ground
    container: Json
    limit: str
    request: str | None


@dataclass(frozen=True, slots=True)
class Setting:
    """The two halves of a verb that sets `resource`: `memory` or `cpu`."""

    resource: str

    async def observe(self, params: Params, sources: Sources) -> Seen:
        """Understand the amounts and read what the change stands on. Raises `UsageError`."""
        limit = amount_for(self.resource, params.limit)
        request = amount_for(self.resource, params.request) if params.request else None
        seen = await ground(sources.request.text, params.workload, sources)
        return Seen(seen, container_for(seen, params.container), limit, request)

    def plan(self, params: Params, seen: Seen) -> Draft | Refusal:
        """Plan it."""
        del params
        return plan_resources(seen.ground, self.resource, seen.container, seen.limit, seen.request)
