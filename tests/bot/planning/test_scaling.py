from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.plans import Fact
from bot.domain.snapshot import Part
from bot.planning.scaling import Sizing, facts, refusal, warnings
from tests.support.bounds import api, asking, budget, ground_with, quota
from tests.support.builders import container as running
from tests.support.builders import crash_looping, deployment, missing, oom_killed, pod, replica_set, stateful_set
from tests.support.planned import json_template

CLAIMS: dict[str, Any] = {"kind": "StatefulSet", "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
DELETED: dict[str, Any] = {**CLAIMS, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}


def connected(each: int, most: int) -> Catalogue:
    entry = CatalogueEntry("search", "Deployment", "api", connections_per_pod=each, connections_limit=most)
    return Catalogue(MappingProxyType({"search": entry}))


def sized(to: int, live: dict[str, Any] | None = None, *objects: object, was: int = 3, **more: Any) -> Sizing:
    return Sizing(ground=ground_with(live or api(was), *objects, **more), was=was, to=to)


# --- what speaks against more -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "container", [crash_looping(), running(oom_killed(), memory_limit=1 << 26)], ids=["crash loop", "out of memory"]
)
def test_more_of_what_is_broken_does_not_help(container: Any) -> None:
    """The finding is named, with its own next step."""
    workload = deployment(desired=3, ready=0)
    replicas = replica_set(workload)
    objects = (workload, replicas, pod(replicas, container, name="api-1"))
    refused = refusal(sized(6, api(3, ready=0), *objects))
    assert refused is not None
    assert refused.reason == "More pods of search do not help: they would meet the same trouble."
    assert refused.facts[0].text.startswith("api: ")
    assert refused.commands
    assert refusal(sized(4, api(3, ready=0), *objects)) is not None
    assert refusal(sized(3, api(3, ready=0), *objects)) is None
    assert refusal(sized(2, api(3, ready=0), *objects)) is None


@pytest.mark.parametrize(
    ("hard", "used", "to", "reason", "commands"),
    [
        ("10", "9", 6, "Quota team leaves room for 1 more pod of search, not for 3.", ["scale search 4"]),
        ("10", "10", 6, "Quota team leaves no room for another pod of search, not for 3.", []),
        ("10", "10", 4, "Quota team leaves no room for another pod of search.", []),
        ("10", "7", 6, "", []),
        ("10", "10", 2, "", []),
    ],
    ids=["some", "none", "not even for one", "enough", "fewer pods"],
)
def test_a_quota_that_is_used_up_is_named(hard: str, used: str, to: int, reason: str, commands: list[str]) -> None:
    """With as many as it still bears."""
    bounds = {"quotas": (quota("team", {"pods": hard}, {"pods": used}),)}
    refused = refusal(sized(to, bounds=bounds))
    assert (refused.reason if refused else "") == reason
    assert [each.label for each in refused.commands] == commands if refused else not commands
    if refused:
        assert refused.facts[0].text.startswith("it would be team: ")


@pytest.mark.parametrize(
    ("each", "most", "to", "commands"),
    [(20, 100, 6, ["scale search 5"]), (40, 100, 6, []), (20, 100, 5, None), (20, 0, 50, None), (0, 100, 50, None)],
    ids=["too many", "too many already", "just enough", "no limit known", "none known"],
)
def test_the_database_bears_so_many_connections(each: int, most: int, to: int, commands: list[str] | None) -> None:
    """As the catalogue says."""
    refused = refusal(sized(to, catalogue=connected(each, most)))
    assert (None if refused is None else [command.label for command in refused.commands]) == commands
    if refused:
        assert refused.reason == (f"{to} pods of search may open {to * each} connections; its database bears {most}.")


def test_a_quota_that_may_be_about_other_pods_refuses_nothing() -> None:
    """It is warned of."""
    scarce = quota("vip", {"pods": "3"}, {"pods": "3"}, scopes=["PriorityClass"])
    assert refusal(sized(6, bounds={"quotas": (scarce, quota("team", {"pods": "9"}, {"pods": "3"}))})) is None


def test_fewer_pods_are_fewer_connections() -> None:
    """They are not refused for those that are left."""
    assert refusal(sized(2, catalogue=connected(60, 100))) is None


# --- facts ------------------------------------------------------------------------------------------------------------


def told(sizing: Sizing) -> dict[str, str]:
    return {fact.label: fact.text for fact in facts(sizing)}


def test_what_more_pods_take_is_told() -> None:
    """Room on the nodes, quotas, connections."""
    quotas = tuple(quota(name, {"pods": "20"}, {"pods": "3"}) for name in "abcd")
    sizing = sized(6, bounds={"quotas": quotas}, catalogue=connected(10, 100))
    assert told(sizing) == {
        "room": "the nodes take 80 more pods",
        "quota": "afterwards a: 6 of 20 pods, b: 6 of 20 pods and c: 6 of 20 pods",
        "database": "up to 60 of 100 connections afterwards",
    }
    assert told(sized(2, catalogue=connected(10, 0))) == {"database": "up to 20 connections afterwards"}
    assert told(sized(4)) == {"room": "the nodes take 80 more pods"}
    assert told(sized(3)) == {}


@pytest.mark.parametrize(
    ("spec", "was", "to", "expected"),
    [
        (CLAIMS, 3, 1, {"pods that go": "api-2 and api-1, the highest first"}),
        (CLAIMS, 3, 1, {"volumes": "data-api-1 and data-api-2 stay, with their data"}),
        (CLAIMS, 3, 2, {"volumes": "data-api-2 stays, with its data"}),
        (DELETED, 3, 1, {"volumes": "data-api-1 and data-api-2 are deleted"}),
        (DELETED, 3, 2, {"volumes": "data-api-2 is deleted"}),
        (CLAIMS, 1, 2, {"volumes": "data-api-1: those that are still there are used again"}),
        ({**CLAIMS, "ordinals": {"start": 5}}, 3, 2, {"pods that go": "api-7, the highest first"}),
        (CLAIMS, 6, 1, {"pods that go": "api-5, api-4, api-3, api-2 and api-1, the highest first"}),
        (CLAIMS, 10, 2, {"pods that go": "api-9, api-8, api-7, api-6, api-5 and 3 more, the highest first"}),
        (
            {**CLAIMS, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            3,
            2,
            {"partition": "pods below api-2 are of the revision before, also new ones"},
        ),
    ],
)
def test_the_ordinals_that_go_are_named(spec: dict[str, Any], was: int, to: int, expected: dict[str, str]) -> None:
    """And what becomes of their volumes."""
    told_ = told(sized(to, api(was, **spec), was=was))
    assert told_ | expected == told_


def test_a_set_without_volumes_and_a_deployment_say_nothing_of_them() -> None:
    """Which pods of a Deployment go is its controller's choice."""
    assert set(told(sized(2, api(3, kind="StatefulSet")))) == {"pods that go"}
    assert set(told(sized(4, api(3, kind="StatefulSet")))) == {"room"}
    assert set(told(sized(3, api(3, **CLAIMS)))) == set()
    assert told(sized(2)) == {}


# --- warnings ---------------------------------------------------------------------------------------------------------


UNSURE = quota("vip", {"pods": "3"}, {"pods": "3"}, scopes=["PriorityClass"])
ENOUGH = quota("vip", {"pods": "6"}, {"pods": "3"}, scopes=["PriorityClass"])
FULL = quota("team", {"pods": "3"}, {"pods": "3"})
SPREAD = {"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]}


@pytest.mark.parametrize(
    ("sizing", "expected"),
    [
        (sized(6), []),
        (sized(3), []),
        (sized(1, api(1), was=1), []),
        (sized(2, api(3, ready=2)), []),
        (sized(9, api(3, template=json_template(asking("2")))), ["2 pods would wait for a node with room."]),
        (sized(6, load=None), ["Whether the new pods find a node is not certain: how full the nodes are could not"]),
        (sized(6, api(3, pod=SPREAD)), ["is not certain: rules and volumes bind them."]),
        (sized(6, bounds={"quotas": (UNSURE,)}), ["Quota vip may be about these pods, and leaves room for 0 only."]),
        (sized(6, bounds={"quotas": (ENOUGH,)}), []),
        (sized(6, bounds={"quotas": (FULL,)}), []),
        (sized(83), []),
        (sized(3, load=None), []),
        (sized(2, load=None), []),
        (sized(1), ["One pod is left: whenever it ends, nobody is served until another is ready."]),
        (sized(4, api(10), was=10), ["More than half of the pods go at once; those that stay take over their load."]),
        (sized(5, api(10), was=10), []),
        (
            sized(2, bounds={"budgets": (budget("b", healthy=3, needed=2, minAvailable=2),)}),
            ["The disruption budget b asks for 2 healthy pods: with 2 none may be evicted"],
        ),
        (sized(2, bounds={"budgets": (budget("b", healthy=3, needed=2, maxUnavailable=1),)}), []),
        (sized(2, bounds={"budgets": (budget("b", healthy=3, needed=1, minAvailable=1),)}), []),
        (sized(2, api(3, **DELETED)), ["The volume claims of the pods that go are deleted with them"]),
        (sized(2, api(3, ready=2, **CLAIMS)), ["1 pod not ready may keep it from going on."]),
        (sized(2, api(3, ready=2, podManagementPolicy="Parallel", **CLAIMS)), []),
        (
            sized(2, parts={Part.AUTOSCALERS: missing("no right")}),
            ["Whether an autoscaler sets this number could not be read (no right)."],
        ),
        (sized(2, unread=("resource quotas: no right",)), ["Not read: resource quotas: no right."]),
    ],
    ids=[
        "more, with room",
        "as many",
        "as many, one",
        "not ready, but not ordered",
        "no room for some",
        "room unknown",
        "rules",
        "a quota that may count",
        "one that counts and bears them",
        "one that surely counts, which is refused",
        "just enough room",
        "as many, room unknown",
        "fewer, room unknown",
        "one left",
        "more than half",
        "half",
        "a budget that would allow none",
        "a budget that counts from the top",
        "a budget with room",
        "claims deleted",
        "ordered and not ready",
        "parallel and not ready",
        "autoscalers unread",
        "quotas unread",
    ],
)
def test_what_could_go_wrong(sizing: Sizing, expected: list[str]) -> None:
    """Each has its warning, and nothing else has one."""
    found = warnings(sizing)
    assert len(found) == len(expected)
    assert all(words in said for words, said in zip(expected, found, strict=True))


def test_only_claims_of_pods_that_go_are_deleted() -> None:
    """Growing deletes nothing, and a set without claims has none."""
    assert sized(2, api(3, **DELETED)).deletes_claims
    assert not sized(4, api(3, **DELETED)).deletes_claims
    assert not sized(3, api(3, **DELETED)).deletes_claims
    assert not sized(2, api(3, **CLAIMS)).deletes_claims
    bare = {key: value for key, value in DELETED.items() if key != "volumeClaimTemplates"}
    assert not sized(2, api(3, **bare)).deletes_claims


def test_an_entry_is_that_of_the_workload() -> None:
    """Another kind of the same name is another object."""
    ground = ground_with(api(3, kind="StatefulSet"), stateful_set("api", desired=3), catalogue=connected(10, 20))
    assert refusal(Sizing(ground=ground, was=3, to=6)) is None
    assert Fact("database", "up to 60 of 20 connections afterwards") not in tuple(
        facts(Sizing(ground=ground, was=3, to=6))
    )
