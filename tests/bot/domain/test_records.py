"""The few properties that records have beside their fields, and how records become JSON and come back."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, NewType

import pytest
from hypothesis import given

from bot.domain.catalogue import Catalogue
from bot.domain.findings import Severity
from bot.domain.objects import CHANGE_CAUSE, REVISION, ContainerUsage, PodUsage
from bot.domain.records import Records
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from bot.domain.view import Mention, Span, bold, code, line
from tests.support.any_record import anything
from tests.support.builders import condition, container, deployment, ended, meta, node, pod, replica_set
from tests.support.service import CATALOGUE


@pytest.mark.parametrize(
    ("text", "revision"),
    [("8", 8), ("", None), ("v8", None), ("-1", None)],
    ids=["number", "empty", "word", "negative"],
)
def test_a_revision_is_a_number_or_none(text: str, revision: int | None) -> None:
    """The annotation is written by whoever may."""
    annotated = replace(meta("api"), annotations={REVISION: text, CHANGE_CAUSE: "by hand"})
    assert replace(deployment(), meta=annotated).revision == revision
    assert replace(replica_set(deployment()), meta=annotated).revision == revision


def test_a_pod_is_ready_by_its_condition() -> None:
    """Not by its containers: a gate may hold it back."""
    assert pod().is_ready
    assert not pod(None, container(ready=False)).is_ready
    assert not pod(None, conditions=(condition("Ready", "Unknown"),)).is_ready


@pytest.mark.parametrize(
    ("phase", "finished"), [("Succeeded", True), ("Failed", True), ("Running", False), ("Pending", False)]
)
def test_a_pod_is_finished_by_its_phase(phase: str, *, finished: bool) -> None:
    """Both ways of ending count."""
    assert pod(phase=phase).is_finished is finished


def test_restarts_of_all_containers_add_up() -> None:
    """As the pod's cell shows them."""
    both = pod(None, container(restarts=2), container(ended(), name="proxy", restarts=3))
    assert both.restarts == 5


def test_usage_of_all_containers_adds_up() -> None:
    """As the node feels it."""
    usage = PodUsage(meta=meta("api"), containers=(ContainerUsage("api", 250, 100), ContainerUsage("proxy", 50, 20)))
    assert (usage.cpu_m, usage.memory) == (300, 120)


def test_a_condition_is_found_by_its_type() -> None:
    """Or there is none."""
    full = condition("DiskPressure", "True")
    assert replace(node(), conditions=(full,)).condition("DiskPressure") is full
    assert node().condition("DiskPressure") is None
    assert pod().condition("PodScheduled") is None
    assert deployment().condition("Progressing") is None


def test_a_scope_and_an_object_are_written_as_people_say_them() -> None:
    """In answers and errors."""
    assert str(Scope(ClusterName("prod-eu"), Namespace("shop"))) == "shop on prod-eu"
    assert str(ObjectRef("StatefulSet", "shop", "db")) == "statefulset/db"


def test_a_workload_is_called_by_its_alias() -> None:
    """Or by its own name."""
    assert CATALOGUE.alias_of("Deployment", "api") == "search"
    assert CATALOGUE.alias_of("StatefulSet", "api") == "api"
    assert Catalogue().alias_of("Deployment", "api") == "api"


def test_severities_can_be_compared() -> None:
    """Higher is worse; each has a word."""
    assert max(Severity) is Severity.CRITICAL
    assert [severity.word for severity in Severity] == ["info", "warning", "critical"]


def test_a_line_is_made_of_strings_spans_and_people() -> None:
    """Strings are plain text."""
    assert line("a", bold("b"), code("c"), Mention("U1")) == (
        Span("a"),
        Span("b", bold=True),
        Span("c", code=True),
        Mention("U1"),
    )
    assert line() == ()


def test_records_do_not_change() -> None:
    """A change is a new record."""
    with pytest.raises(FrozenInstanceError):
        pod().phase = "Failed"  # type: ignore[misc]  # the point of the test


# --- records and JSON -------------------------------------------------------------------------------------------------

Name = NewType("Name", str)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A record within another."""

    name: Name
    size: int = 1


@dataclass(frozen=True, slots=True)
class Twig:
    """Another one that may stand in the same place."""

    colour: Colour


@dataclass(frozen=True, slots=True)
class Tree:
    """One field of each shape that records have."""

    kind: ClassVar[str] = "tree"

    leaf: Leaf
    any_of: Leaf | Twig
    pair: tuple[Leaf, ...] = ()
    planted: datetime | None = None
    maybe: Twig | None = None
    evergreen: bool = False


TREES = Records((Tree, Leaf, Twig))
TREE = Tree(Leaf(Name("a")), Twig(Colour.RED), pair=(Leaf(Name("b"), 2),), planted=datetime(2026, 11, 24, tzinfo=UTC))
ENCODED = {
    "is": "Tree",
    "leaf": {"is": "Leaf", "name": "a"},
    "any_of": {"is": "Twig", "colour": "red"},
    "pair": [{"is": "Leaf", "name": "b", "size": 2}],
    "planted": "2026-11-24T00:00:00Z",
}


def test_a_record_is_written_with_its_tag_and_without_its_defaults() -> None:
    """Who does not know a newer field can read the rest while it says nothing."""
    assert TREES.encoded(TREE) == ENCODED
    assert TREES.decoded(ENCODED, Tree) == TREE


@given(anything(Tree))
def test_every_record_comes_back(tree: Tree) -> None:
    """Through JSON."""
    assert TREES.decoded(json.loads(json.dumps(TREES.encoded(tree))), Tree) == tree


def changed(**fields: Any) -> dict[str, Any]:
    return {**ENCODED, **fields}


@pytest.mark.parametrize(
    "damaged",
    [
        changed(**{"is": "Bush"}),
        changed(**{"is": ["Tree"]}),
        changed(**{"is": "Leaf"}),
        {name: value for name, value in ENCODED.items() if name != "is"},
        changed(newer=1),
        changed(leaf={"is": "Twig", "colour": "red"}),
        changed(leaf=None),
        changed(leaf="a"),
        changed(leaf={"is": "Leaf"}),
        changed(leaf={"is": "Leaf", "name": 7}),
        changed(leaf={"is": "Leaf", "name": "a", "size": 1.0}),
        changed(leaf={"is": "Leaf", "name": "a", "size": True}),
        changed(any_of={"is": "Tree"}),
        changed(any_of={"is": "Twig", "colour": "green"}),
        changed(any_of={"is": "Twig", "colour": ["red"]}),
        changed(pair={"is": "Leaf", "name": "a"}),
        changed(pair=[None]),
        changed(planted="24 November"),
        changed(planted=0),
        changed(evergreen=1),
        changed(maybe=[]),
        [],
        None,
    ],
)
def test_what_is_not_a_record_of_this_version_is_refused(damaged: Any) -> None:
    """By one of two errors, whatever is wrong; nothing is guessed."""
    with pytest.raises((ValueError, TypeError)):
        TREES.decoded(damaged, Tree)


def test_a_record_that_is_not_one_of_the_kinds_is_not_written() -> None:
    """It could not be read again."""
    with pytest.raises(TypeError, match="Twig is not known"):
        Records((Leaf,)).encoded(Twig(Colour.RED))


def test_a_moment_without_its_zone_is_not_written() -> None:
    """Nobody could tell which moment it was."""
    with pytest.raises(ValueError, match="offset"):
        TREES.encoded(replace(TREE, planted=datetime(2026, 11, 24)))  # noqa: DTZ001  # the point of the test
