"""Another CPU limit: slower is no death, so what memory refuses is a warning here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.domain.live import template_digest, template_of
from bot.domain.plans import Draft, Refusal, Risk
from bot.domain.steps import SetResources
from bot.errors import UsageError
from bot.planning.amounts import CPU, amount_for
from bot.planning.containers import container_for
from bot.planning.ground import Ground
from bot.planning.setting import Params, Seen
from bot.ports import Store, Surroundings
from handlers import set_cpu
from tests.support.builders import node, usage
from tests.support.changing import deploy, live_in
from tests.support.planned import ground, json_container, json_revision, json_template, json_workload, pods_of_set
from tests.support.planned_cluster import planning_on

TEMPLATE = json_template(
    json_container(resources={"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "250m", "memory": "1Gi"}})
)


def on(*objects: object, **more: Any) -> Ground:
    return ground(json_workload(TEMPLATE), *objects, revisions=(json_revision(TEMPLATE, 1),), **more)


def planned(seen: Ground, limit: str, request: str = "") -> Draft | Refusal:
    asked = amount_for(CPU, request) if request else None
    params = Params("api", limit, request)
    return set_cpu.ACTION.plan(params, Seen(seen, container_for(seen, ""), amount_for(CPU, limit), asked))


def draft(seen: Ground, limit: str, request: str = "") -> Draft:
    found = planned(seen, limit, request)
    assert isinstance(found, Draft), found
    return found


def test_the_limit_is_set_and_the_rest_stays() -> None:
    """Memory, too."""
    found = draft(on(), "1.5")
    assert isinstance(found.step, SetResources)
    assert (found.step.resource, found.step.limit_was, found.step.limit) == ("cpu", "1", "1500m")
    assert (found.step.request_was, found.step.request) == ("250m", "250m")
    changed = json_template(
        json_container(
            resources={"limits": {"cpu": "1500m", "memory": "1Gi"}, "requests": {"cpu": "250m", "memory": "1Gi"}}
        )
    )
    assert found.step.to_template == template_digest(changed)
    assert found.verb == "set cpu"
    assert found.risk is Risk.MEDIUM
    assert found.words.title == "Set the CPU limit of api to 1500m"
    assert found.inverse == "set cpu api 1 --request 250m --container api"


def test_a_limit_below_what_is_used_is_warned_of() -> None:
    """It is slowed down, not killed."""
    pods = pods_of_set(1)
    seen = on(*pods, usage(pods[0], cpu_m=600))
    assert "It uses 600m CPU now: it would be slowed down to 500m CPU." in draft(seen, "500m").words.warnings
    assert not any("slowed down" in each for each in draft(seen, "2").words.warnings)
    for limit in ("600m", "650m"):
        assert any(f"of the new limit of {limit} CPU already" in each for each in draft(seen, limit).words.warnings)


def test_what_no_node_has_is_refused() -> None:
    found = planned(on(node(cpu_m=4000)), "16", "8")
    assert isinstance(found, Refusal)
    assert found.facts[0].text == "a pod would ask for 1 Gi and 8 CPUs; no node has more than 16 Gi and 4 CPUs"


def test_a_limit_range_refuses_it() -> None:
    """Said in CPUs."""
    limits = [{"type": "Container", "max": {"cpu": "1500m"}}]
    seen = on(surroundings=Surroundings(limit_ranges=({"metadata": {"name": "s"}, "spec": {"limits": limits}},)))
    found = planned(seen, "2")
    assert isinstance(found, Refusal)
    assert found.facts[0].text == (
        "limit range s: a container may have a CPU limit of 1500m CPU at most, and must have one"
    )


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        ("limits.cpu", "quota team wants a CPU limit of every container"),
        ("requests.cpu", "quota team wants every container to ask for CPU"),
        ("limits.memory", ""),
    ],
)
def test_a_quota_wants_what_it_counts(resource: str, says: str) -> None:
    said = {"metadata": {"name": "team"}, "spec": {"hard": {resource: "900"}}}
    found = planned(on(surroundings=Surroundings(quotas=(said,))), "none", "none")
    assert isinstance(found, Refusal) is bool(says)
    if isinstance(found, Refusal):
        assert found.facts[0].text == says


async def test_a_slip_is_refused_before_anything_is_read() -> None:
    for params in (Params("api", "500M"), Params("api", "1", "500M")):
        with pytest.raises(UsageError, match="write 500m"):
            await set_cpu.ACTION.observe(params, None)  # type: ignore[arg-type]  # nothing is to be read


async def test_it_is_set_and_set_back(store: Store, tmp_path: Path) -> None:
    """Where there was no limit, there is none again."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        found = await planning.drafted("set cpu api 0.2")
        await planning.carry_out(found)
        now = live_in(planning.world, "Deployment", "api").object
        assert isinstance(found.step, SetResources)
        assert template_digest(template_of(now)) == found.step.to_template
        assert found.inverse == "set cpu api none --request 10m --container app"

        back = await planning.drafted(found.inverse)
        await planning.carry_out(back)
        now = live_in(planning.world, "Deployment", "api").object
        assert template_digest(template_of(now)) == found.step.template
