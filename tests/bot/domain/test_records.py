"""The few properties that records have beside their fields."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.findings import Severity
from bot.domain.objects import CHANGE_CAUSE, REVISION, ContainerUsage, PodUsage
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from bot.domain.view import Mention, Span, bold, code, line
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
