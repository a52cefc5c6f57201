"""`set memory`: give a container of a workload another limit of memory, and another request where that is named."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Change, argument, option
from bot.domain.live import Json
from bot.domain.plans import Draft, Refusal
from bot.planning.amounts import MEMORY, amount_for
from bot.planning.containers import container_for
from bot.planning.ground import NEEDS, Ground, ground
from bot.planning.resources import plan_resources
from bot.ports import Sources


@dataclass(frozen=True, slots=True)
class Params:
    """Whose limit, and how much."""

    workload: str = argument("a service of the catalogue or a workload's name", names_service=True)
    limit: str = argument("the new limit, as in 1Gi; or none")
    request: str = option("--request", "what it asks for; unchanged without it", default="", metavar="AMOUNT")
    container: str = option(
        "--container", "which container, where it has several", default="", short="-c", metavar="NAME"
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """The ground, the live container that is meant, and the amounts as the API server writes them."""

    ground: Ground
    container: Json
    limit: str
    request: str | None


async def observe(params: Params, sources: Sources) -> Seen:
    limit = amount_for(MEMORY, params.limit)
    request = amount_for(MEMORY, params.request) if params.request else None
    seen = await ground(sources.request.text, params.workload, sources)
    return Seen(seen, container_for(seen, params.container), limit, request)


def plan(params: Params, seen: Seen) -> Draft | Refusal:
    del params
    return plan_resources(seen.ground, MEMORY, seen.container, seen.limit, seen.request)


ACTION = Change(
    name="set memory",
    summary="Give a container of a workload another limit of memory",
    params=Params,
    needs=NEEDS,
    observe=observe,
    plan=plan,
    examples=(
        ("set memory api 1Gi", "the limit; what it asks for stays"),
        ("set memory api 1536Mi --request 1Gi", "both"),
    ),
)
