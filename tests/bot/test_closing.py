"""What every answer ends with."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from bot.closing import closing_buttons, freshness_line, step_line, unread_lines
from bot.domain.actions import Setting
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.findings import NextStep, StepKind
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.view import Button, Buttons, Line, Mention
from bot.scopes import Scopes
from tests.support.builders import NOW, missing, snapshot, stale

WORLD = snapshot()
CATALOGUE = Catalogue(MappingProxyType({"search": CatalogueEntry("search", "Deployment", "api")}))
HERE = Setting(now=NOW, command="status api", private=True)
THERE = replace(HERE, place="-n other", private=False)


def said(line: Line) -> str:
    return "".join(part.user_id if isinstance(part, Mention) else part.text for part in line)


# --- the next step ----------------------------------------------------------------------------------------------------


def test_commands_lead_to_the_place_that_is_looked_at() -> None:
    """Ours name the namespace where it is not the default; what is done by hand is left as it is."""
    ours, theirs = NextStep(StepKind.COMMAND, "logs api", "why"), NextStep(StepKind.MANUAL, "kubectl get pods")
    assert said(step_line(ours, HERE)) == "Next: logs api (why)"
    assert said(step_line(ours, THERE)) == "Next: logs api -n other (why)"
    assert said(step_line(theirs, THERE)) == "By hand: kubectl get pods"


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("rollback api", "/rag rollback search -n other"),
        ("logs api --container api", "/rag logs search --container api -n other"),
        ("set memory api 512Mi", "/rag set memory search 512Mi -n other"),
        ("status worker", "/rag status worker -n other"),
        ("status", "/rag status -n other"),
        ("top api", "/rag top search -n other"),
    ],
)
def test_a_next_step_is_written_as_people_type_it(command: str, typed: str) -> None:
    """With what begins a command there, and a service by its alias; no other word of it changes."""
    setting = replace(THERE, prompt="/rag ", catalogue=CATALOGUE)
    assert said(step_line(NextStep(StepKind.COMMAND, command, ""), setting)) == f"Next: {typed}"


def test_a_name_that_two_services_share_stays_a_name() -> None:
    """Its alias would be a guess."""
    entries = {alias: replace(CATALOGUE.entries["search"], alias=alias) for alias in ("one", "two")}
    assert Catalogue(entries).typed("restart api") == "restart api"


@pytest.mark.parametrize(
    ("cluster", "namespace", "words"),
    [("eu", "shop", ""), ("eu", "money", "-n money"), ("us", "shop", "--cluster us"), ("us", "x", "--cluster us -n x")],
)
def test_a_place_has_words_where_it_is_not_the_default(cluster: str, namespace: str, words: str) -> None:
    """They are understood as they are said."""
    scopes = Scopes(
        namespaces={
            ClusterName("eu"): (Namespace("shop"), Namespace("money")),
            ClusterName("us"): (Namespace("shop"), Namespace("x")),
        },
        default_cluster=ClusterName("eu"),
    )
    assert scopes.words(Scope(ClusterName(cluster), Namespace(namespace))) == words


# --- the buttons ------------------------------------------------------------------------------------------------------


def test_only_a_private_answer_can_be_shared() -> None:
    """What all see is shared already."""
    assert closing_buttons(HERE, Button("Logs", "logs api")) == Buttons(
        (
            Button("Refresh", "status api", replaces=True),
            Button("Logs", "logs api"),
            Button("Share", "share status api"),
        )
    )
    assert [one.label for one in closing_buttons(THERE).buttons] == ["Refresh"]


# --- the small print --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "setting", "words"),
    [
        (WORLD, HERE, "shop on prod-eu · 0 s old · only you see this"),
        (WORLD, THERE, "shop on prod-eu · 0 s old"),
        (snapshot(parts={Part.PODS: stale(89)}), THERE, "shop on prod-eu · 89 s old"),
        (snapshot(parts={Part.PODS: stale(240)}), THERE, "shop on prod-eu · last seen 4 min ago"),
    ],
    ids=["private", "for all", "seconds", "minutes"],
)
def test_an_answer_says_where_and_how_fresh(shown: Snapshot, setting: Setting, words: str) -> None:
    """And who sees it."""
    assert said(freshness_line(shown, setting)) == words


def test_parts_that_are_missing_or_old_are_named() -> None:
    """With the reason, where there is one."""
    shown = snapshot(parts={Part.NODES: missing("no right"), Part.PODS: stale(240, "no answer"), Part.JOBS: stale(120)})
    assert [said(one) for one in unread_lines(shown, [Part.PODS, Part.NODES, Part.JOBS, Part.EVENTS])] == [
        "Not up to date: jobs (last seen 2 min ago)",
        "Not checked: nodes (no right)",
        "Not up to date: pods (last seen 4 min ago: no answer)",
    ]
