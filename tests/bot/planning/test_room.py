from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.findings import NotChecked
from bot.domain.live import template_of
from bot.domain.objects import NodeLoad, Role
from bot.domain.snapshot import Part
from bot.planning.ground import NODE_LOAD
from bot.planning.model import has_rules, pod_of
from bot.planning.room import QuotaRoom, room_in_quotas, room_on_nodes, surge_problems
from tests.support.bounds import api, asking, ground_with, quota
from tests.support.builders import GI, MI, missing, node
from tests.support.planned import json_container, json_template


def resources(**kinds: dict[str, str]) -> dict[str, Any]:
    return json_container(resources=kinds)


# --- the pod that a template makes ------------------------------------------------------------------------------------


DEFAULTS = {"spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "50m"}, "default": {"memory": "1Gi"}}]}}


@pytest.mark.parametrize(
    ("container", "ranges", "asked", "limit"),
    [
        (resources(requests={"cpu": "250m", "memory": "1Gi"}), (), (250, GI), None),
        (resources(limits={"memory": "512Mi"}), (), (None, 512 * MI), 512 * MI),
        (resources(), (), (None, None), None),
        (resources(), (DEFAULTS,), (50, None), GI),
        (resources(requests={"cpu": "1"}, limits={"memory": "2Gi"}), (DEFAULTS,), (1000, 2 * GI), 2 * GI),
        (resources(), ({"spec": {"limits": [{"type": "Pod", "defaultRequest": {"cpu": "1"}}]}},), (None, None), None),
    ],
    ids=["asked", "from the limit", "nothing", "defaults", "over the defaults", "of another type"],
)
def test_requests_are_completed_as_the_api_server_does(
    container: dict[str, Any],
    ranges: tuple[dict[str, Any], ...],
    asked: tuple[int | None, int | None],
    limit: int | None,
) -> None:
    """From the limit, else from the defaults of a limit range for containers."""
    [made] = pod_of(json_template(container), ranges).containers
    assert (made.cpu_request_m, made.memory_request) == asked
    assert made.memory_limit == limit


def test_what_binds_a_pod_to_nodes_is_in_the_model() -> None:
    """Selectors, affinity, tolerations, host ports, and in which order its containers run."""
    template = json_template(
        json_container(ports=[{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]),
        initContainers=[json_container(name="migrate"), json_container(name="proxy", restartPolicy="Always")],
        nodeSelector={"disk": "fast"},
        tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, {"key": "x", "value": "1"}],
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]},
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]},
                    ]
                }
            }
        },
    )
    made = pod_of(template)
    assert [each.role for each in made.containers] == [Role.INIT, Role.SIDECAR, Role.REGULAR]
    assert [port.host_port for port in made.containers[-1].ports] == [8080]
    assert made.node_selector == {"disk": "fast"}
    assert [(each.key, each.operator) for each in made.tolerations] == [("gpu", "Exists"), ("x", "Equal")]
    assert [[need.key for need in term] for term in made.node_terms] == [["zone"], ["metadata.name"]]


SELECTOR = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}


@pytest.mark.parametrize(
    ("pod", "spec", "rules"),
    [
        ({}, {}, False),
        ({"affinity": {"podAntiAffinity": SELECTOR}}, {}, True),
        ({"affinity": {"podAffinity": SELECTOR}}, {}, True),
        ({"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}}, {}, False),
        ({"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]}, {}, True),
        ({"topologySpreadConstraints": [{"whenUnsatisfiable": "ScheduleAnyway"}]}, {}, False),
        ({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}, {}, True),
        ({"volumes": [{"name": "data", "ephemeral": {}}]}, {}, True),
        ({"volumes": [{"name": "tmp", "emptyDir": {}}]}, {}, False),
        ({}, {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}, True),
    ],
)
def test_rules_and_volumes_are_noticed(pod: dict[str, Any], spec: dict[str, Any], *, rules: bool) -> None:
    """They may keep a pod from a node that has room."""
    assert has_rules(api(pod=pod, **spec)) is rules


# --- nodes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "load", "fits"),
    [
        (asking("1", "1Gi"), NodeLoad(), 8),
        (asking("100m", "4Gi"), NodeLoad(), 4),
        (asking("1", "1Gi"), NodeLoad(cpu_m=6500), 1),
        (asking("1", "1Gi"), NodeLoad(memory=14 * GI), 2),
        (asking("1", "1Gi"), NodeLoad(pods=107), 3),
        (resources(), NodeLoad(pods=100), 10),
        (asking("1", "1Gi", ports=[{"containerPort": 80, "hostPort": 80}]), NodeLoad(), 1),
        (asking("9", "1Gi"), NodeLoad(), 0),
    ],
    ids=["cpu", "memory", "cpu taken", "memory taken", "pods taken", "nothing asked", "host port", "too large"],
)
def test_as_many_fit_as_the_scarcest_bears(container: dict[str, Any], load: NodeLoad, fits: int) -> None:
    """Of CPU, memory and the number of pods."""
    live = api(template=json_template(container))
    room = room_on_nodes(ground_with(live, load={"node-1": load}))
    assert (room.pods, room.takes(fits), room.takes(fits + 1)) == (fits, True, False)


def test_nodes_that_are_closed_have_no_room() -> None:
    """Cordoned, or without the label that the pods want."""
    live = api(pod={"nodeSelector": {"disk": "fast"}})
    fast = node("node-2", labels={"disk": "fast"}, cpu_m=500)
    closed = node("node-3", labels={"disk": "fast"}, cordoned=True)
    load = {"node-1": NodeLoad(), "node-2": NodeLoad(), "node-3": NodeLoad()}
    assert str(room_on_nodes(ground_with(live, fast, closed, load=load))) == "the nodes take 5 more pods"


def test_another_template_is_tried_as_well() -> None:
    """What a change of the resources would mean."""
    room = room_on_nodes(ground_with(api()), json_template(asking("4", "1Gi")))
    assert room.pods == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"load": None}, "not known: how full the nodes are could not be read"),
        ({"parts": {Part.NODES: missing("no right")}}, "not known: the nodes could not be read (no right)"),
    ],
    ids=["loads", "nodes"],
)
def test_what_was_not_read_is_no_room(more: dict[str, Any], words: str) -> None:
    """It is said, and nothing surely fits."""
    room = room_on_nodes(ground_with(api(), **more))
    assert str(room) == words
    assert (room.takes(1), room.takes(0)) == (False, True)


def test_why_the_loads_could_not_be_read_is_told() -> None:
    """As the report has it."""
    seen = ground_with(api(), load=None)
    unread = (NotChecked("jobs", "no right to jobs"), NotChecked(NODE_LOAD, "no right to list pods"))
    room = room_on_nodes(replace(seen, report=replace(seen.report, not_checked=unread)))
    assert str(room) == "not known: how full the nodes are could not be read (no right to list pods)"


def test_rules_make_it_an_upper_bound() -> None:
    """So that no number of pods is sure."""
    spread = {"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]}
    room = room_on_nodes(ground_with(api(pod=spread)))
    assert str(room).startswith("the nodes take at most 80 more pods, as far as its rules")
    assert not room.takes(1)


# --- quotas -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hard", "used", "pods", "after"),
    [
        ({"pods": "10"}, {"pods": "7"}, 3, "team: 9 of 10 pods"),
        ({"count/pods": "10"}, {"count/pods": "9"}, 1, "team: 11 of 10 pods"),
        ({"requests.cpu": "1"}, {"requests.cpu": "550m"}, 4, "team: 750m CPU of 1 CPU asked for"),
        ({"cpu": "1"}, {}, 10, "team: 200m CPU of 1 CPU asked for"),
        ({"memory": "1Gi"}, {"memory": "1000Mi"}, 0, "team: 1.227 Gi of 1 Gi of memory asked for"),
        ({"requests.memory": "1Gi"}, {"requests.memory": "2Gi"}, 0, "team: 2.25 Gi of 1 Gi of memory asked for"),
    ],
    ids=["pods", "counted pods", "cpu", "cpu, nothing used", "memory", "over it already"],
)
def test_a_quota_bears_as_many_as_its_rest_allows(
    hard: dict[str, str], used: dict[str, str], pods: int, after: str
) -> None:
    """By what each further pod asks for."""
    [room] = room_in_quotas(ground_with(api(), bounds={"quotas": (quota("team", hard, used),)}))
    assert (room.pods, room.after(2), room.certain) == (pods, after, True)


def test_limits_count_as_the_pod_runs() -> None:
    """Init containers run before the others, one after the other; a sidecar runs beside them."""
    limit = {"limits": {"cpu": "100m", "memory": "1Gi"}}
    template = json_template(
        json_container(resources=limit),
        initContainers=[
            json_container(name="migrate", resources={"limits": {"cpu": "250m", "memory": "1Gi"}}),
            json_container(name="proxy", resources=limit, restartPolicy="Always"),
            json_container(name="warm", resources={"limits": {"cpu": "50m", "memory": "1.5Gi"}}),
        ],
    )
    hard = {"limits.cpu": "1", "limits.memory": "8Gi"}
    rooms = room_in_quotas(ground_with(api(template=template), bounds={"quotas": (quota("team", hard),)}))
    assert {room.resource: room.each for room in rooms} == {"limits.cpu": 250, "limits.memory": 5 * GI // 2}


@pytest.mark.parametrize(
    ("spec", "certain"),
    [
        ({"scopes": ["NotTerminating"]}, [True]),
        ({"scopes": ["Terminating"]}, []),
        ({"scopes": ["NotBestEffort"]}, [True]),
        ({"scopes": ["BestEffort"]}, []),
        ({"scopes": ["PriorityClass"]}, [False]),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}, [False]),
    ],
)
def test_a_quota_with_a_scope_may_be_about_other_pods(spec: dict[str, Any], certain: list[bool]) -> None:
    """Where that cannot be told it is said so."""
    bounds = {"quotas": (quota("team", {"pods": "10"}, **spec),)}
    assert [room.certain for room in room_in_quotas(ground_with(api(), bounds=bounds))] == certain


def test_the_scarcest_quota_comes_first_and_what_is_not_asked_for_is_left_out() -> None:
    """Storage and the like are no matter of pods."""
    quotas = (
        quota("a", {"pods": "10", "requests.storage": "1Gi", "limits.cpu": "1"}, {"pods": "1"}),
        quota("b", {"pods": "10"}, {"pods": "8"}),
    )
    rooms = room_in_quotas(ground_with(api(), bounds={"quotas": quotas}))
    assert [(room.quota, room.resource, room.pods) for room in rooms] == [("b", "pods", 2), ("a", "pods", 9)]


def test_more_than_all_is_used() -> None:
    """A quota may have been lowered below what runs."""
    assert QuotaRoom(quota="q", resource="pods", hard=3, used=5, each=1).pods == 0


# --- surge ------------------------------------------------------------------------------------------------------------


RECREATE = {"strategy": {"type": "Recreate"}}
ONE_AWAY = {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}}


@pytest.mark.parametrize(
    ("live", "more", "words"),
    [
        (api(), {}, []),
        (api(**RECREATE), {"load": None}, []),
        (api(0), {"load": None}, []),
        (api(0, strategy={"rollingUpdate": {"maxSurge": 1}}), {"load": None}, []),
        (api(), {"bounds": {"quotas": (quota("team", {"pods": "4"}, {"pods": "3"}),)}}, []),
        (api(), {"load": None}, ["they may find no node", "then the roll-out stands still."]),
        (api(**ONE_AWAY), {"load": None}, ["they may find no node", "then it goes on with fewer at a time."]),
        (
            api(),
            {"bounds": {"quotas": (quota("team", {"pods": "3"}, {"pods": "3"}),)}},
            ["quota team may refuse them", "then the roll-out stands still."],
        ),
    ],
    ids=["room", "no surge", "no pods", "no pods, surge", "quota with room", "unknown", "one may be away", "quota"],
)
def test_the_pods_that_a_roll_out_makes_first_need_room(
    live: dict[str, Any], more: dict[str, Any], words: list[str]
) -> None:
    """On the nodes and in the quotas; else it may stand still."""
    problems = surge_problems(ground_with(live, **more))
    assert len(problems) == bool(words)
    assert all(word in problem for problem in problems for word in words)


def test_the_template_of_the_target_is_that_of_the_api_server() -> None:
    """Not that of the picture."""
    seen = ground_with(api(template=json_template(asking("2", "1Gi"))))
    assert room_on_nodes(seen).pods == room_on_nodes(seen, template_of(seen.live.object)).pods == 4
