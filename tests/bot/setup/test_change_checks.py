"""What `ragops check` says of the rights for changes: what would be refused for want of which, and no more."""

from __future__ import annotations

import pytest

import handlers
from bot.cli.arguments import Check
from bot.domain.actions import Change
from bot.domain.change_policy import ChangePolicy, RuleFor
from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.main.checking import check
from bot.registry import discover
from bot.setup.change_checks import POORER_WITHOUT, REFUSED_WITHOUT, verbs_open
from sandbox.cluster.api.access import Deny
from sandbox.cluster.faults import Fault, FaultKind
from tests.bot.setup.stage import Stage
from tests.support.builders import SCOPE
from tests.support.granted import CHANGES, READER, granted
from tests.support.requests_seen import Need

FILE = """\
[clusters.demo]
namespaces = ["rag-engine"]
[roles.viewer]
everyone = true
[roles.operator]
groups = ["SRAGONCALL0"]
"""
ALL = [action for action in discover(handlers).all() if isinstance(action, Change)]
OPERATORS = Policy(bindings=(RoleBinding(RoleName.OPERATOR, groups=frozenset({"S0"})),))


async def told(stage: Stage, capsys: pytest.CaptureFixture[str], text: str = FILE) -> list[str]:
    """Return the lines about changes."""
    (stage.folder / "ragops.toml").write_text(text, encoding="utf-8")
    await check(Check(), stage.environ)
    return [line for line in capsys.readouterr().out.splitlines() if ": changes in " in line]


async def test_with_all_rights_it_says_what_can_be_done(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = await told(stage, capsys)
    assert line.startswith(
        "ok       ragops.toml:2: changes in rag-engine of demo: this account may make them: clear failed,"
    )
    assert "restart" in line


@pytest.mark.parametrize("roles", ["[roles.viewer]\neveryone = true\n", "", '[verbs]\n"set cpu" = []\n'], ids=str)
async def test_where_nobody_may_ask_for_a_change_nothing_is_asked(
    stage: Stage, capsys: pytest.CaptureFixture[str], roles: str
) -> None:
    """An account that only reads is then as it should be."""
    stage.cluster.rbac = [Deny(verb="patch")]
    assert await told(stage, capsys, f'[clusters.demo]\nnamespaces = ["rag-engine"]\n{roles}') == []
    assert "create selfsubjectaccessreviews.authorization.k8s.io" not in stage.cluster.asked


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (
            [Deny(verb="patch", resource="deployments"), Deny(verb="get", resource="deployments")],
            ["scale, {all} of deployments will be refused: get deployments and patch deployments are not granted"],
        ),
        (
            [Deny(resource="controllerrevisions")],
            [
                "scale, {all} of statefulsets will be refused: list controllerrevisions is not granted",
                "{all} of daemonsets will be refused: list controllerrevisions is not granted",
            ],
        ),
        (
            [Deny(verb="patch", resource="horizontalpodautoscalers")],
            ["scale of what an autoscaler sets will be refused: patch horizontalpodautoscalers is not granted"],
        ),
        ([Deny(resource="pods/eviction")], ["evict will be refused: create pods/eviction is not granted"]),
        ([Deny(verb="delete", resource="pods")], ["clear failed will be refused: delete pods is not granted"]),
        (
            [Deny(resource="resourcequotas"), Deny(resource="poddisruptionbudgets")],
            ["list resourcequotas and list poddisruptionbudgets are not granted: plans will say that they could"],
        ),
    ],
    ids=["two rights of one kind", "revisions", "autoscalers", "evictions", "deletions", "surroundings"],
)
async def test_what_is_missing_is_told_by_what_it_costs(
    stage: Stage, capsys: pytest.CaptureFixture[str], missing: list[Deny], said: list[str]
) -> None:
    stage.cluster.rbac = missing
    lines = await told(stage, capsys)
    assert len(lines) == len(said)
    for line, words in zip(lines, said, strict=True):
        assert line.startswith("warning  ragops.toml:2: changes in rag-engine of demo: ")
        assert words.format(all="restart, rollback, set image, set memory and set cpu") in line


async def test_single_workloads_may_be_all_that_is_open(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """When every service is among them nothing is missing; the limit is told."""
    service = '[services.api]\nworkload = "deployment/rag-engine-api"\n'
    with stage.given("changes of rag-engine-api alone"):
        (line,) = await told(stage, capsys, FILE + service)
    assert line.startswith("ok ")
    assert line.endswith(", of workloads rag-engine-api alone")


async def test_rights_that_cannot_be_told_are_no_missing_rights(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The API server does not answer that question."""
    stage.cluster.faults.add(Fault(FaultKind.STATUS, resource="selfsubjectaccessreviews", status=500))
    (line,) = await told(stage, capsys)
    assert line.startswith("warning ")
    assert "whether this account may make them cannot be told: " in line


async def test_a_namespace_that_is_not_there_has_no_rights(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert await told(stage, capsys, FILE.replace("rag-engine", "rag-engin")) == []


def test_every_verb_and_every_right_is_in_the_table() -> None:
    """A new verb, or a right that is added to the manifests, is not forgotten here; undo does what the others do."""
    assert {verb for each in REFUSED_WITHOUT for verb in each.verbs} == {action.name for action in ALL} - {"undo"}
    rights = {right for each in REFUSED_WITHOUT for right in each.rights} | set(POORER_WITHOUT)
    needs = {Need(right.verb, right.resource, right.group) for right in rights}
    assert granted(CHANGES) <= needs <= granted(CHANGES) | granted(READER)


def test_a_freeze_ends_some_day_and_a_rule_does_not() -> None:
    """What is only frozen now is looked at; what is forbidden for good is not."""
    everything = RuleFor(forbidden="not now")
    assert verbs_open(ALL, OPERATORS, ChangePolicy(frozen=(everything,)), SCOPE) == [action.name for action in ALL]
    assert verbs_open(ALL, OPERATORS, ChangePolicy(rules=(everything,)), SCOPE) == []
    elsewhere = RuleFor(forbidden="not there", namespaces=frozenset({"elsewhere"}))
    assert verbs_open(ALL, OPERATORS, ChangePolicy(rules=(elsewhere,)), SCOPE) == [action.name for action in ALL]


@pytest.mark.parametrize(
    ("limits", "is_open"),
    [
        ({}, True),
        ({"services": frozenset({"api"})}, True),
        ({"namespaces": frozenset({"elsewhere"})}, False),
        ({"clusters": frozenset({"elsewhere"})}, False),
    ],
    ids=["everywhere", "for a service", "in another namespace", "in another cluster"],
)
def test_a_place_is_open_where_somebody_may_ask(limits: dict[str, frozenset[str]], *, is_open: bool) -> None:
    binding = RoleBinding(RoleName.OPERATOR, groups=frozenset({"S0"}), **limits)
    assert bool(verbs_open(ALL, Policy(bindings=(binding,)), ChangePolicy(), SCOPE)) is is_open
