"""Limit ranges are applied as the API server applies them; quality of service follows from requests and limits."""

from __future__ import annotations

from typing import Any

import pytest

from bot.planning.limits import quality, violations
from tests.support.planned import json_container, json_template

RATIO = "the CPU limit of a container may be {} times what it asks for at most"


def resources(limit: str = "", request: str = "", name: str = "api") -> dict[str, Any]:
    """A container with such a limit and request of both resources."""
    found = {"limits": limit, "requests": request}
    amounts = {kind: {"memory": value, "cpu": value} for kind, value in found.items() if value}
    return json_container(name=name, resources=amounts)


@pytest.mark.parametrize(
    ("containers", "found"),
    [
        ([resources()], "BestEffort"),
        ([resources("1")], "Guaranteed"),
        ([resources("1", "1")], "Guaranteed"),
        ([resources("1", "1000m")], "Guaranteed"),
        ([resources("2", "1")], "Burstable"),
        ([resources("", "1")], "Burstable"),
        ([resources("1"), resources(name="mesh")], "Burstable"),
        ([json_container(resources={"limits": {"memory": "1Gi"}})], "Burstable"),
    ],
)
def test_the_quality_of_service(containers: list[dict[str, Any]], found: str) -> None:
    """Guaranteed only when every container asks for exactly its limit, of both resources."""
    assert quality(json_template(*containers)) == found


def test_init_containers_count_for_the_quality_of_service() -> None:
    assert quality(json_template(resources("1"), initContainers=[resources(name="init")])) == "Burstable"


def refused(container: dict[str, Any], kind: str = "Container", **parts: str) -> list[str]:
    item = {"type": kind, **{name: {"memory": value, "cpu": value} for name, value in parts.items()}}
    found = violations(
        [{"metadata": {"name": "r"}, "spec": {"limits": [item]}}], json_template(container), "api", "cpu"
    )
    return [each.removeprefix("limit range r: ") for each in found]


@pytest.mark.parametrize(
    ("container", "parts", "says"),
    [
        (resources("2", "1"), {"min": "1"}, []),
        (resources("2", "1"), {"min": "1500m"}, ["a container must ask for 1500m CPU at least"]),
        (resources(), {"min": "1"}, ["a container must ask for 1 CPU at least"]),
        (resources("2"), {"max": "2"}, []),
        (resources("2"), {"max": "1"}, ["a container may have a CPU limit of 1 CPU at most, and must have one"]),
        (resources(), {"max": "1"}, ["a container may have a CPU limit of 1 CPU at most, and must have one"]),
        (resources(), {"max": "1", "default": "1"}, []),
        (resources("2", "1"), {"maxLimitRequestRatio": "2"}, []),
        (resources("3", "1"), {"maxLimitRequestRatio": "2.5"}, [RATIO.format("2.5")]),
        (resources("", "1"), {"maxLimitRequestRatio": "2"}, [RATIO.format("2")]),
        (resources(), {"maxLimitRequestRatio": "2"}, [RATIO.format("2")]),
        (resources("", "2"), {"default": "1"}, ["it gives the container a limit of 1 CPU, less than is asked for"]),
        (resources("", "1"), {"default": "1"}, []),
        (resources(), {"default": "1"}, []),
        (resources("1"), {"defaultRequest": "2"}, []),
    ],
)  # fmt: skip
def test_a_limit_range_of_containers(container: dict[str, Any], parts: dict[str, str], says: list[str]) -> None:
    """What a container leaves open is completed first; an amount that is on the line is allowed."""
    assert refused(container, **parts) == says


def test_a_limit_range_of_pods_adds_up_what_is_said() -> None:
    """Of the regular containers; one that says nothing adds nothing."""
    assert refused(resources("2"), "Pod", max="2") == []
    assert refused(resources("2"), "Pod", max="1") == ["a pod may have a CPU limit of 1 CPU at most, and must have one"]
    assert refused(resources(), "Pod", max="1") != []


def test_what_is_not_about_pods_is_left_alone() -> None:
    assert refused(resources("2"), "PersistentVolumeClaim", max="1") == []
    assert violations([{"metadata": {"name": "r"}}], json_template(), "api", "cpu") == ()
    assert violations([{"metadata": {"name": "r"}, "spec": {"limits": None}}], json_template(), "api", "cpu") == ()
