from __future__ import annotations

from typing import Any

import pytest

from bot.planning.budgets import Budget, budgets_of, selects
from bot.ports import Surroundings
from tests.support.bounds import budget

LABELS = {"app": "api", "tier": "web"}


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "api"}}, True),
        ({"matchLabels": LABELS}, True),
        ({"matchLabels": {"app": "api", "tier": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "worker"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["worker"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"app": "api"}, "matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
    ],
)
def test_a_selector_fits_as_the_api_server_says(selector: dict[str, Any] | None, *, fits: bool) -> None:
    """An empty one fits all, a missing one nothing."""
    assert selects(selector, LABELS) is fits


@pytest.mark.parametrize(
    ("said", "ready", "refuses"),
    [
        (budget("b", healthy=3, needed=2), True, False),
        (budget("b", healthy=2, needed=2), True, True),
        (budget("b", healthy=2, needed=2), False, False),
        (budget("b", healthy=1, needed=1), False, False),
        (budget("b", healthy=1, needed=2), False, True),
        (budget("b", healthy=1, needed=2, unhealthyPodEvictionPolicy="AlwaysAllow"), False, False),
        (budget("b", healthy=1, needed=2, unhealthyPodEvictionPolicy="AlwaysAllow"), True, True),
        (budget("b", healthy=0, needed=0), False, True),
        (budget("b", healthy=3, needed=2) | {"metadata": {"name": "b", "generation": 2}}, True, True),
    ],
    ids=[
        "room",
        "none left",
        "not ready, healthy budget",
        "not ready, one healthy",
        "not ready, too few",
        "not ready, always",
        "ready, too few",
        "nothing needed",
        "not worked out yet",
    ],
)
def test_a_budget_refuses_what_the_api_server_would(said: dict[str, Any], *, ready: bool, refuses: bool) -> None:
    """A pod that is not ready may go while enough others are healthy."""
    [found] = budgets_of(Surroundings(budgets=(said,)), LABELS)
    assert found.refuses(ready=ready) is refuses


def test_only_the_budgets_of_the_pods_count() -> None:
    """By name, with the number that must always be healthy where it is one."""
    around = Surroundings(
        budgets=(
            budget("z", healthy=3, needed=2, minAvailable=2),
            budget("other", healthy=1, needed=1, app="db"),
            budget("a", healthy=3, needed=2, minAvailable="50%"),
        )
    )
    assert budgets_of(around, LABELS) == (
        Budget(name="a", healthy=3, needed=2, allowed=1),
        Budget(name="z", healthy=3, needed=2, allowed=1, least=2),
    )
    assert str(budgets_of(around, LABELS)[0]) == "a needs 2 healthy, has 3"


def test_a_budget_that_nobody_has_worked_out_yet_has_no_room() -> None:
    """Its controller fills the status in."""
    new = {"metadata": {"name": "b", "generation": 1}, "spec": {"selector": {}}}
    assert budgets_of(Surroundings(budgets=(new,)), {}) == (
        Budget(name="b", healthy=0, needed=0, allowed=0, settled=False),
    )
