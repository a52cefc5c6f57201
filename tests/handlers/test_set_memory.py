"""Another memory limit: what it does to the request, what is refused as harm, what nodes and quotas say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.live import Json, template_digest, template_of
from bot.domain.objects import AutoscalerMetric, NodeLoad, Pod, PodUsage, Taint
from bot.domain.plans import Draft, Refusal, Risk
from bot.domain.snapshot import Part
from bot.domain.steps import SetResources
from bot.errors import UsageError
from bot.planning.amounts import MEMORY, amount_for
from bot.planning.containers import container_for
from bot.planning.ground import Ground
from bot.planning.setting import Params, Seen
from bot.ports import Store, Surroundings
from handlers import set_memory
from tests.support.builders import GI, MI, autoscaler, container, crash_looping, ended, missing, node, oom_killed, usage
from tests.support.changing import NAMESPACE, deploy, live_in
from tests.support.planned import (
    ground,
    json_container,
    json_revision,
    json_template,
    json_workload,
    pods_of_set,
    seen_workload,
)
from tests.support.planned_cluster import planning_on


def template(limit: str = "512Mi", request: str = "256Mi", *more: Json, **spec: Any) -> dict[str, Any]:
    """A template of one container with such a limit and request of memory."""
    resources = {
        **({"limits": {"memory": limit}} if limit else {}),
        **({"requests": {"memory": request}} if request else {}),
    }
    return json_template(json_container(resources=resources), *more, **spec)


def on(*objects: object, of: Json | None = None, live: Json | None = None, **more: Any) -> Ground:
    return ground(live or json_workload(of or template()), *objects, **more)


def planned(seen: Ground, limit: str, request: str = "", name: str = "") -> Draft | Refusal:
    """Plan as the verb does once the ground is read."""
    asked = amount_for(MEMORY, request) if request else None
    params = Params("api", limit, request, name)
    return set_memory.ACTION.plan(params, Seen(seen, container_for(seen, name), amount_for(MEMORY, limit), asked))


def draft(seen: Ground, limit: str, request: str = "", name: str = "") -> Draft:
    found = planned(seen, limit, request, name)
    assert isinstance(found, Draft), found
    return found


def refusal(seen: Ground, limit: str, request: str = "") -> Refusal:
    found = planned(seen, limit, request)
    assert isinstance(found, Refusal), found
    return found


def step(found: Draft) -> SetResources:
    assert isinstance(found.step, SetResources)
    return found.step


def facts(plan: Draft | Refusal) -> dict[str, str]:
    return {fact.label: fact.text for fact in (plan.words.facts if isinstance(plan, Draft) else plan.facts)}


def warned(found: Draft, words: str) -> bool:
    return any(words in each for each in found.words.warnings)


def using(*memory: int) -> list[Pod | PodUsage]:
    """Pods of the only revision, each of which uses so much."""
    pods = pods_of_set(1, count=len(memory))
    return [*pods, *(usage(each, memory=amount) for each, amount in zip(pods, memory, strict=True))]


def seen_with(*objects: object, of: Json | None = None, **more: Any) -> Ground:
    """A ground whose pods are found as those of the workload."""
    wanted = of or template()
    return on(*objects, of=wanted, revisions=(json_revision(wanted, 1),), **more)


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_the_limit_is_set_and_the_request_stays() -> None:
    """The digest of what will be is that of the template with just this."""
    found = draft(on(), "1024Mi")
    assert found.step == SetResources(
        kind="Deployment",
        template=template_digest(template()),
        to_template=template_digest(template("1Gi")),
        container="api",
        resource="memory",
        limit_was="512Mi",
        limit="1Gi",
        request_was="256Mi",
        request="256Mi",
    )
    assert found.verb == "set memory"
    assert found.risk is Risk.MEDIUM
    assert found.words.title == "Set the memory limit of api to 1Gi"
    assert found.words.done == "api has a memory limit of 1Gi"
    assert [(each.label, each.before, each.after) for each in found.words.differences] == [
        ("memory limit", "512Mi", "1Gi")
    ]
    assert found.inverse == "set memory api 512Mi --request 256Mi --container api"
    assert "request" not in facts(found)


def test_the_request_follows_a_limit_below_it() -> None:
    """Which is said."""
    found = draft(on(of=template("1Gi", "1Gi")), "512Mi")
    assert (step(found).limit, step(found).request) == ("512Mi", "512Mi")
    assert facts(found)["request"] == "1Gi → 512Mi, as much as the limit"
    assert found.inverse == "set memory api 1Gi --request 1Gi --container api"


def test_a_request_that_is_named_is_set() -> None:
    found = draft(on(), "512Mi", "512Mi")
    assert found.words.title == "Set the memory request of api to 512Mi"
    assert facts(found)["request"] == "256Mi → 512Mi, as much as the limit"
    assert facts(draft(on(of=template("1Gi", "")), "512Mi", "512Mi"))["request"].startswith("none → 512Mi")
    assert "request" not in facts(draft(on(), "1Gi", "300Mi"))
    assert "request" not in facts(draft(on(of=template("1Gi", "512Mi")), "512Mi"))
    assert found.inverse == "set memory api 512Mi --request 256Mi --container api"


def test_none_is_none() -> None:
    """Of limit and request, with what that means; the way back names both."""
    found = draft(on(), "none", "none")
    assert (step(found).limit, step(found).request) == ("", "")
    assert step(found).to_template == template_digest(template("", ""))
    assert found.words.title == "Set the memory limit of api to none"
    assert found.words.done == "api has no memory limit"
    assert warned(found, "Without a limit the container may take all memory of its node")
    assert "request" not in facts(found)
    assert not warned(draft(on(), "1Gi"), "Without a limit")
    assert not warned(draft(on(of=template("", "")), "none", "1Gi"), "Without a limit")
    assert draft(on(of=template("", "")), "512Mi").inverse == "set memory api none --request none --container api"


def test_without_a_request_the_limit_is_what_a_pod_asks_for() -> None:
    """The API server completes it so when it makes a pod."""
    assert facts(draft(on(of=template(request="")), "1Gi"))["request"] == (
        "none is set, so a pod asks for as much as the limit, 1Gi"
    )


@pytest.mark.parametrize("odd", ["536870912", "1e9", "500m"])
def test_what_no_command_could_write_has_no_inverse(odd: str) -> None:
    """To undo the request still brings it back."""
    assert draft(on(of=template("1Gi", odd)), "2Gi").inverse == ""


def test_an_init_container_is_set_by_its_name() -> None:
    of = template()
    of["spec"]["initContainers"] = [json_container(name="migrate")]
    found = draft(on(of=of), "1Gi", name="migrate")
    assert step(found).container == "migrate"
    assert found.words.title == "Set the memory limit of api (container migrate) to 1Gi"
    assert found.words.differences[0].label == "memory limit of migrate"


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_the_same_is_nothing_to_do() -> None:
    assert refusal(on(), "512Mi").reason == (
        "There is nothing to do: api has a limit of 512Mi and a request of 256Mi of memory already."
    )
    assert refusal(on(of=template("", "")), "none").reason == (
        "There is nothing to do: api has a limit of none and a request of none of memory already."
    )


def test_a_paused_deployment_is_refused() -> None:
    assert "is paused" in refusal(on(live=json_workload(template(), paused=True)), "1Gi").reason


async def test_a_slip_is_refused_before_anything_is_read() -> None:
    """With the right spelling."""
    for params in (Params("api", "500m"), Params("api", "1Gi", "500m")):
        with pytest.raises(UsageError, match="write 500Mi or 500M"):
            await set_memory.ACTION.observe(params, None)  # type: ignore[arg-type]  # nothing is to be read


def test_a_request_above_the_limit_is_refused() -> None:
    """The API server would not take it."""
    assert refusal(on(), "512Mi", "1Gi").reason == "The request (1Gi) would be above the limit (512Mi)."
    assert isinstance(planned(on(), "none", "1Gi"), Draft)


def test_a_limit_below_what_is_used_now_is_refused() -> None:
    """The kernel would kill it at once; the pod that uses most counts."""
    seen = seen_with(*using(300 * MI, 100 * MI))
    found = refusal(seen, "256Mi")
    assert found.reason == "api uses 300 Mi of memory now: a limit of 256 Mi would kill it."
    assert isinstance(planned(seen, "300Mi"), Refusal)
    assert isinstance(planned(seen, "none"), Draft)
    assert isinstance(planned(seen, "384Mi"), Draft)


def test_a_limit_that_is_nearly_used_is_warned_of() -> None:
    assert warned(draft(seen_with(*using(300 * MI)), "320Mi"), "It uses 300 Mi of the new limit of 320 Mi already.")
    assert not warned(draft(seen_with(*using(270 * MI)), "300Mi"), "of the new limit")
    found = draft(seen_with(*using(300 * MI)), "1Gi")
    assert not warned(found, "of the new limit")
    assert facts(found)["use"] == "up to 300 Mi in a pod now"


@pytest.mark.parametrize(("limit", "told"), [("384Mi", True), ("1Gi", False)])
def test_a_lower_limit_without_a_measurement_is_warned_of(limit: str, *, told: bool) -> None:
    """Whether it kills is not known then."""
    assert warned(draft(on(), limit), "What it uses now is not known") is told
    assert "use" not in facts(draft(on(), limit))
    assert warned(draft(on(of=template("", "")), limit), "What it uses now is not known")
    assert not warned(draft(on(), "512Mi", "512Mi"), "What it uses now is not known")


def test_why_there_is_no_measurement_is_told() -> None:
    """What the metrics API said, else that it has none of these pods."""
    assert warned(draft(on(), "384Mi"), "not known: there is no sample of its pods.")
    seen = on()
    parts = {**seen.snapshot.parts, Part.POD_METRICS: missing("the metrics API is away")}
    blind = replace(seen, report=replace(seen.report, snapshot=replace(seen.snapshot, parts=parts)))
    assert warned(draft(blind, "384Mi"), "not known: the metrics API is away.")


def out_of_memory() -> Ground:
    """A container that was killed at its limit of 512 Mi."""
    looping = replace(crash_looping(oom_killed()), memory_limit=512 * MI)
    return seen_with(*pods_of_set(1, containers=(looping,)))


def test_a_lower_limit_while_it_is_killed_is_refused() -> None:
    """It would only be killed sooner."""
    found = refusal(out_of_memory(), "256Mi")
    assert found.reason == "api runs out of memory already: with a lower limit it would be killed sooner."
    assert "was killed at its limit of 512 Mi" in facts(found)["out of memory"]


def test_the_same_limit_with_another_request_is_not_lower() -> None:
    assert isinstance(planned(out_of_memory(), "512Mi", "512Mi"), Draft)


def test_what_is_not_killed_for_memory_may_have_less() -> None:
    """Another crash, and another container's kill, say nothing of it."""
    crashing = replace(crash_looping(ended(1)), memory_limit=512 * MI)
    assert isinstance(planned(seen_with(*pods_of_set(1, containers=(crashing,))), "256Mi"), Draft)
    mesh = replace(crash_looping(oom_killed(), name="mesh"), memory_limit=512 * MI)
    of = template("512Mi", "256Mi", json_container(name="mesh"))
    seen = seen_with(*pods_of_set(1, containers=(container(), mesh)), of=of)
    assert isinstance(planned(seen, "256Mi", name="api"), Draft)


def test_a_higher_limit_tells_of_the_kills() -> None:
    """They are why it is asked for."""
    assert "was killed at its limit of 512 Mi" in facts(draft(out_of_memory(), "1Gi"))["out of memory"]


# --- limit ranges -----------------------------------------------------------------------------------------------------


def limit_range(kind: str = "Container", **parts: Any) -> Surroundings:
    limits = [{"type": kind, **{name: {"memory": value} for name, value in parts.items()}}]
    return Surroundings(limit_ranges=({"metadata": {"name": "sizes"}, "spec": {"limits": limits}},))


@pytest.mark.parametrize(
    ("surroundings", "limit", "request_", "says"),
    [
        (
            limit_range(max="768Mi"),
            "1Gi",
            "",
            "a container may have a memory limit of 768 Mi at most, and must have one",
        ),
        (limit_range(max="2Gi"), "1Gi", "", ""),
        (limit_range(max="2Gi"), "none", "", "a container may have a memory limit of 2 Gi at most, and must have one"),
        (limit_range(max="2Gi", default="1Gi"), "none", "", ""),
        (limit_range(min="300Mi"), "1Gi", "", "a container must ask for 300 Mi at least"),
        (limit_range(min="300Mi"), "1Gi", "300Mi", ""),
        (limit_range(min="300Mi"), "1Gi", "none", ""),
        (limit_range(min="300Mi"), "none", "none", "a container must ask for 300 Mi at least"),
        (limit_range(min="300Mi", defaultRequest="400Mi"), "none", "none", ""),
        (limit_range(maxLimitRequestRatio="2"), "1Gi", "", "the memory limit of a container may be 2 times"),
        (limit_range(maxLimitRequestRatio="4"), "1Gi", "", ""),
        (limit_range(default="128Mi"), "none", "", "it gives the container a limit of 128 Mi, less than is asked for"),
        (limit_range("Pod", max="768Mi"), "1Gi", "", "a pod may have a memory limit of 768 Mi at most"),
        (limit_range("Pod", max="1Gi"), "1Gi", "", ""),
        (limit_range("PersistentVolumeClaim", max="1Mi"), "1Gi", "", ""),
    ],
)
def test_what_a_limit_range_would_refuse_is_refused(
    surroundings: Surroundings, limit: str, request_: str, says: str
) -> None:
    """The API takes the template, but no pod of it could be made."""
    found = planned(on(surroundings=surroundings), limit, request_)
    assert isinstance(found, Refusal) is bool(says)
    if isinstance(found, Refusal):
        assert found.reason == "No pod of api could be made with that."
        assert facts(found)["refused by"].startswith(f"limit range sizes: {says}")


def test_a_pods_sum_counts_all_its_containers() -> None:
    """Two of 600 Mi are more than 1 Gi."""
    of = template("512Mi", "", json_container(name="mesh", resources={"limits": {"memory": "600Mi"}}))
    found = planned(on(of=of, surroundings=limit_range("Pod", max="1Gi")), "600Mi", name="api")
    assert isinstance(found, Refusal)


# --- quotas -----------------------------------------------------------------------------------------------------------


def quota(used: str, hard: str, resource: str = "limits.memory", **spec: Any) -> Surroundings:
    said = {
        "metadata": {"name": "team"},
        "spec": {"hard": {resource: hard}, **spec},
        "status": {"hard": {resource: hard}, "used": {resource: used}},
    }
    return Surroundings(quotas=(said,))


@pytest.mark.parametrize(
    ("hard", "strategy", "refused"),
    [
        ("4Gi", {}, False),
        ("3Gi", {}, True),  # three new ones, and one of before: no pod may be away, so the last never comes
        ("3Gi", {"maxUnavailable": 1}, False),
        ("2Gi", {"maxUnavailable": 1}, True),
        ("3Gi", {"maxSurge": 0, "maxUnavailable": 1}, False),
    ],
)
def test_a_quota_that_all_pods_together_exceed_is_refused(
    hard: str, strategy: dict[str, Any], *, refused: bool
) -> None:
    """Three pods with 512 Mi more each; at the fullest moment there is one of before beside them."""
    live = json_workload(template(), strategy={"rollingUpdate": strategy})
    found = planned(on(live=live, surroundings=quota("1536Mi", hard)), "1Gi")
    assert isinstance(found, Refusal) is refused
    if isinstance(found, Refusal):
        assert found.reason == "The quota would not let all pods of api be made with that."
        at_most = "3.5 Gi" if not strategy else "3 Gi"
        assert facts(found) == {
            "quota": f"team: {at_most} of {hard[0]} Gi of memory limits before the last is replaced"
        }


def test_a_quota_that_bears_it_is_told() -> None:
    found = draft(on(surroundings=quota("1536Mi", "5Gi")), "1Gi")
    assert facts(found)["quota"] == "team: 3 Gi of 5 Gi of memory limits afterwards"
    assert not warned(found, "quota")


def test_a_quota_of_which_less_is_used_is_not_told() -> None:
    assert "quota" not in facts(draft(on(surroundings=quota("1536Mi", "1536Mi")), "384Mi"))


def test_a_quota_that_may_not_be_about_them_is_warned_of() -> None:
    """Its scopes do not say."""
    unsure = quota("1536Mi", "2Gi", scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass"}]})
    assert warned(draft(on(surroundings=unsure), "1Gi"), "Quota team may refuse some of the pods: team: 3 Gi of 2 Gi")
    enough = quota("1536Mi", "3Gi", scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass"}]})
    assert not warned(draft(on(surroundings=enough), "1Gi"), "may refuse some of the pods")


@pytest.mark.parametrize(
    ("resource", "limit", "request_", "says"),
    [
        ("limits.memory", "none", "", "quota team wants a memory limit of every container"),
        ("requests.memory", "none", "none", "quota team wants every container to ask for memory"),
        ("memory", "none", "none", "quota team wants every container to ask for memory"),
        ("requests.memory", "1Gi", "none", ""),
        ("limits.cpu", "none", "none", ""),
    ],
)
def test_a_quota_wants_what_it_counts(resource: str, limit: str, request_: str, says: str) -> None:
    """Without it the API server makes no pod at all."""
    found = planned(on(surroundings=quota("0", "100Gi", resource)), limit, request_)
    assert isinstance(found, Refusal) is bool(says)
    if isinstance(found, Refusal):
        assert facts(found) == {"refused by": says}


def test_a_quota_with_scopes_wants_nothing_that_is_known() -> None:
    for scope in (
        {"scopes": ["BestEffort"]},
        {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass"}]}},
    ):
        scoped = quota("0", "100Gi", "limits.memory", **scope)
        assert isinstance(planned(on(surroundings=scoped), "none", "none"), Draft)


# --- nodes ------------------------------------------------------------------------------------------------------------


def test_what_no_node_could_hold_even_empty_is_refused() -> None:
    found = refusal(on(node(memory=2 * GI, cpu_m=4000), node("node-2", memory=GI)), "8Gi", "4Gi")
    assert found.reason == "No node could run a pod of api with that."
    assert facts(found)["nodes"] == "a pod would ask for 4 Gi and 0m CPU; no node has more than 2 Gi and 8 CPUs"


def test_a_limit_alone_takes_no_room() -> None:
    """Nodes are filled by what is asked for."""
    assert isinstance(planned(on(node(memory=2 * GI)), "8Gi"), Draft)
    assert "nodes" not in facts(draft(on(node(memory=2 * GI)), "8Gi"))
    # What does not fit now is not made worse.
    assert isinstance(planned(on(node(memory=2 * GI), of=template("4Gi", "4Gi")), "8Gi"), Draft)


def test_a_tainted_node_is_not_taken_for_too_small() -> None:
    """What keeps the pods off it is not their size."""
    tainted = node(memory=64 * GI, taints=(Taint("gpu", "NoSchedule"),))
    assert isinstance(planned(on(tainted), "8Gi", "4Gi"), Draft)


def test_nodes_that_were_not_read_refuse_nothing() -> None:
    seen = on()
    bare = replace(seen.report, snapshot=replace(seen.snapshot, nodes=()))
    assert isinstance(planned(replace(seen, report=bare), "8Gi", "4Gi"), Draft)


def test_pods_that_would_stay_pending_are_counted() -> None:
    """Once all the present ones are gone; their own place counts as free."""
    pods = pods_of_set(1, count=3, containers=(container(memory=256 * MI),))
    full = {"node-1": NodeLoad(memory=3 * 256 * MI, pods=3)}
    seen = seen_with(*pods, node(memory=GI), load=full)
    assert warned(draft(seen, "1Gi", "512Mi"), "1 pod of 3 would find no room on the nodes and stay Pending.")
    assert not warned(draft(seen, "1Gi", "300Mi"), "stay Pending")
    assert facts(draft(seen, "1Gi", "300Mi"))["nodes"].startswith("the nodes take")
    assert not warned(draft(seen_with(*pods, node(memory=512 * MI), load=full), "1Gi"), "stay Pending")


def test_only_pods_that_hold_a_place_give_one_back() -> None:
    """Not one that waits for a node, nor one that has ended: the load does not count them."""
    held = container(memory=256 * MI)
    over = pods_of_set(2, containers=(held,), phase="Failed")
    waits = replace(pods_of_set(3, containers=(held,), phase="Pending")[0], node="")
    wanted = template()
    revisions = tuple(json_revision(wanted, number) for number in (1, 2, 3))
    full = {"node-1": NodeLoad(memory=2 * 256 * MI, pods=2)}
    seen = on(*pods_of_set(1, count=2, containers=(held,)), *over, waits, node(memory=GI), of=wanted, load=full,
              revisions=revisions)  # fmt: skip
    assert warned(draft(seen, "1Gi", "512Mi"), "1 pod of 3 would find no room")


def test_a_load_that_was_not_read_predicts_nothing() -> None:
    assert not warned(draft(on(node(memory=GI), load=None), "1Gi", "512Mi"), "stay Pending")


# --- what else it means -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "limit", "request_", "says"),
    [
        (("512Mi", "512Mi"), "1Gi", "", "Guaranteed → Burstable"),
        (("512Mi", "256Mi"), "512Mi", "512Mi", "Burstable → Guaranteed"),
        (("512Mi", "256Mi"), "1Gi", "", ""),
    ],
)
def test_another_class_of_service_is_told(before: tuple[str, str], limit: str, request_: str, says: str) -> None:
    """Who is evicted first when a node runs short of memory."""
    of = template(*before)
    resources = of["spec"]["containers"][0]["resources"]
    for part in ("limits", "requests"):
        resources[part]["cpu"] = "1"
    assert facts(draft(on(of=of), limit, request_)).get("class", "").startswith(says)


def test_the_lowest_class_is_told() -> None:
    assert facts(draft(on(of=template("512Mi", "")), "none"))["class"] == (
        "Burstable → BestEffort: when its node runs short of memory, it goes first"
    )


@pytest.mark.parametrize(
    ("metric", "share", "request_", "says"),
    [
        ("memory", 80, "512Mi", "will want fewer pods"),
        ("memory", 80, "128Mi", "will want more pods"),
        ("memory", 80, "", ""),
        ("memory", None, "512Mi", ""),
        ("cpu", 80, "512Mi", ""),
    ],
)
def test_an_autoscaler_that_goes_by_the_request_is_told(
    metric: str, share: int | None, request_: str, says: str
) -> None:
    """One that goes by an amount does not care."""
    live = json_workload(template())
    workload = seen_workload(live)
    scaler = autoscaler(workload, metrics=(AutoscalerMetric("Resource", metric, target=share),))
    found = draft(ground(live, workload, scaler), "1Gi", request_)
    assert warned(found, "The autoscaler api-hpa goes by the share of the memory that is asked for") is bool(says)
    assert warned(found, says) or not says


def test_a_roll_out_that_is_under_way_is_told() -> None:
    assert warned(draft(on(live=json_workload(template(), status={"updatedReplicas": 1})), "1Gi"), "is under way")
    assert not warned(draft(on(), "1Gi"), "is under way")


# --- on the simulated cluster -----------------------------------------------------------------------------------------


async def test_it_is_set_and_set_back(store: Store, tmp_path: Path) -> None:
    """What the API server then has is exactly what was planned, in its own spelling."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        found = await planning.drafted("set memory api 0.25Gi --request 128MB")
        await planning.carry_out(found)
        now = live_in(planning.world, "Deployment", "api").object
        assert now is not None
        assert template_digest(template_of(now)) == step(found).to_template
        resources = now["spec"]["template"]["spec"]["containers"][0]["resources"]
        assert resources == {"limits": {"memory": "256Mi"}, "requests": {"memory": "128M", "cpu": "10m"}}

        back = await planning.drafted(found.inverse)
        assert step(back).to_template == step(found).template
        assert facts(back)["use"].endswith("in a pod now")


async def test_a_quota_of_the_cluster_refuses_it(store: Store, tmp_path: Path) -> None:
    """As its controller counts what is used."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        said = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team", "namespace": NAMESPACE},
                "spec": {"hard": {"limits.memory": "1Gi"}}}  # fmt: skip
        planning.world.apply("resourcequotas", said)
        planning.world.advance(60)
        assert await planning.refused("set memory api 768Mi") == (
            "The quota would not let all pods of api be made with that."
        )
        await planning.drafted("set memory api 320Mi")
