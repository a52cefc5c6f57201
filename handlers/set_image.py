"""`set image`: give a container of a workload another image."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Change, argument, option
from bot.domain.live import Json
from bot.domain.plans import Draft, Refusal
from bot.planning.containers import container_for
from bot.planning.ground import NEEDS, Ground, ground
from bot.planning.image_names import ImageName
from bot.planning.images import image_for, plan_image
from bot.ports import Sources


@dataclass(frozen=True, slots=True)
class Params:
    """Whose image, and which."""

    workload: str = argument("a service of the catalogue or a workload's name", names_service=True)
    image: str = argument("the image's whole name, or only another tag of it (:v1.2)")
    container: str = option(
        "--container", "which container, where it has several", default="", short="-c", metavar="NAME"
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """The ground, the live container that is meant, and the image that is meant for it."""

    ground: Ground
    container: Json
    image: ImageName


async def observe(params: Params, sources: Sources) -> Seen:
    seen = await ground(sources.request.text, params.workload, sources)
    container = container_for(seen, params.container)
    return Seen(seen, container, image_for(params.image, container))


def plan(params: Params, seen: Seen) -> Draft | Refusal:
    return plan_image(seen.ground, seen.container, seen.image, said=params.image)


ACTION = Change(
    name="set image",
    summary="Give a container of a workload another image",
    params=Params,
    needs=NEEDS,
    observe=observe,
    plan=plan,
    examples=(
        ("set image api :v1.2.1", "another tag of the image that it has"),
        ("set image api registry.example.com/rag-engine:v1.2.1 --container api", "a whole name, for one of several"),
    ),
)
