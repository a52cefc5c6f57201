from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.findings import Consequence, Finding, Severity
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.planning.ground import Ground
from bot.planning.words import doubts, patience, reverts, rollout_facts, rollout_warnings, symptoms, word_for
from tests.support.bounds import api, budget, ground_with
from tests.support.builders import SCOPE, deployment, missing, stale, stateful_set
from tests.support.planned import EMPTY

API = ObjectRef("Deployment", SCOPE.namespace, "api")
DB = ObjectRef("StatefulSet", SCOPE.namespace, "db")
SCALER = ObjectRef("HorizontalPodAutoscaler", SCOPE.namespace, "api")


def finding(code: str, target: ObjectRef = API, *, severity: Severity = Severity.WARNING, **more: Any) -> Finding:
    return Finding(code=code, severity=severity, target=target, title=f"the title of {code}", summary="", **more)


def facts(ground: Ground) -> dict[str, str]:
    return {fact.label: fact.text for fact in rollout_facts(ground)}


# --- symptoms ---------------------------------------------------------------------------------------------------------


def test_symptoms_are_what_the_target_shows_or_feels() -> None:
    """Each code once; what another object suffers from by itself is none, nor is a remark."""
    felt = Consequence("CRASH_DEPENDENCY", API, "cannot reach db", "")
    elsewhere = Consequence("NOT_READY", ObjectRef("Deployment", SCOPE.namespace, "web"), "not ready", "")
    ground = replace(
        ground_with(api()),
        findings=(
            finding("OOM_KILLED"),
            finding("OOM_KILLED"),
            finding("CRASH_LOOP", consequences=(Consequence("ROLLOUT_STUCK", API, "stuck", ""),)),
            finding("AT_MAXIMUM", SCALER),
            finding("CLAIM_PENDING", DB, consequences=(felt, elsewhere)),
            finding("AUTOSCALER_PINNED", SCALER, severity=Severity.INFO),
        ),
    )
    assert [(each.code, each.title) for each in symptoms(ground)] == [
        ("OOM_KILLED", "the title of OOM_KILLED"),
        ("CRASH_LOOP", "the title of CRASH_LOOP"),
        ("ROLLOUT_STUCK", "stuck"),
        ("AT_MAXIMUM", "the title of AT_MAXIMUM"),
        ("CRASH_DEPENDENCY", "cannot reach db"),
    ]


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("catalogue", "others", "word"),
    [
        ({"search": CatalogueEntry("search", "Deployment", "api")}, (), "search"),
        ({}, (), "api"),
        ({}, (deployment("api", desired=3), stateful_set("api")), "deployment/api"),
        ({"api": CatalogueEntry("api", "StatefulSet", "db")}, (), "deployment/api"),
    ],
    ids=["alias", "name", "two of that name", "the alias of another"],
)
def test_a_command_finds_the_same_object_again(
    catalogue: dict[str, CatalogueEntry], others: tuple[object, ...], word: str
) -> None:
    """With its kind where the bare name would lead elsewhere."""
    assert word_for(ground_with(api(), *others, catalogue=Catalogue(catalogue))) == word


# --- who will undo it -------------------------------------------------------------------------------------------------

APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({}, []),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/api"}}, ["application shop"]),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}, "annotations": APPLIED}, ["Argo CD (application shop)"]),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, ["flux suspend kustomization apps"]),
        (
            {
                "labels": {"helm.toolkit.fluxcd.io/name": "shop"},
                "annotations": {"meta.helm.sh/release-name": "shop"},
            },
            ["flux suspend helmrelease shop"],
        ),
        ({"annotations": {"meta.helm.sh/release-name": "shop"}}, ["Helm: the next upgrade of release shop"]),
        (
            {"ownerReferences": [{"kind": "App", "name": "shop", "controller": True}, {"kind": "X", "name": "y"}]},
            ["App shop, which made this object"],
        ),
        ({"annotations": APPLIED}, ["kubectl apply: "]),
    ],
    ids=["nobody", "argo", "argo by label", "flux", "flux helm", "helm", "operator", "apply"],
)
def test_who_else_writes_it_is_named(meta: dict[str, Any], words: list[str]) -> None:
    """Each with what to do first."""
    found = reverts({"metadata": meta})
    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found, strict=True))


# --- how the pods move ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "lasted", "words"),
    [
        (api(), (), "3 move, at least 3 stay ready, up to 1 more meanwhile"),
        (api(), (40.0,), "3 move, at least 3 stay ready, up to 1 more meanwhile, about 40 s (as the last time)"),
        (
            api(),
            (31.0, 44.0, 38.0),
            "3 move, at least 3 stay ready, up to 1 more meanwhile, about 38 s (last roll-outs: 31 s to 44 s)",
        ),
        (
            api(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
            (),
            "3 move, at least 2 stay ready, 1 at a time",
        ),
        (api(1), (), "1 moves, at least 1 stays ready, up to 1 more meanwhile"),
        (api(1, ready=0), (), "1 moves, none is sure to stay ready, up to 1 more meanwhile"),
        (api(strategy={"type": "Recreate"}), (), "all 3 end before new ones start"),
        (api(1, strategy={"type": "Recreate"}), (), "it ends before a new one starts"),
        (api(0), (), "none, it is scaled to 0"),
        (api(kind="StatefulSet", updateStrategy={"type": "OnDelete"}), (), "none move by themselves"),
    ],
)
def test_how_the_pods_move(live: dict[str, Any], lasted: tuple[float, ...], words: str) -> None:
    """How many at a time, how many stay ready, and how long it took the last times."""
    assert facts(ground_with(live, lasted=lasted))["pods"] == words


def test_a_record_that_is_away_and_budgets_are_said() -> None:
    """What is not known is no silence."""
    bounds = {"budgets": (budget("a", healthy=3, needed=2), budget("b", healthy=3, needed=1))}
    told = facts(ground_with(api(), bounds=bounds, record_problem="The database did not answer"))
    assert told["time"] == "how long it takes is not known: The database did not answer"
    assert told["budget"] == "a needs 2 healthy, has 3 and b needs 1 healthy, has 3; a roll-out does not ask it"
    assert set(facts(ground_with(api()))) == {"pods"}


@pytest.mark.parametrize(
    ("live", "more", "words"),
    [
        (api(), {}, []),
        (api(0), {}, []),
        (api(0, ready=2), {}, []),
        (api(strategy={"type": "Recreate"}), {}, ["nobody is served until the new pods are ready"]),
        (api(kind="StatefulSet", updateStrategy={"type": "OnDelete"}), {}, ["OnDelete: no pod changes by itself"]),
        (api(1, kind="StatefulSet"), {}, ["It has 1 pod ready and may lose it before a new one is ready."]),
        (
            api(kind="StatefulSet", updateStrategy={"rollingUpdate": {"partition": 1}}),
            {},
            ["holds back 1 pod: 2 of 3 move."],
        ),
        (
            api(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
            {"bounds": {"budgets": (budget("b", healthy=3, needed=3),)}},
            ["budget b asks for 3 healthy pods; a roll-out does not ask it and may go down to 2."],
        ),
        (api(), {"bounds": {"budgets": (budget("b", healthy=3, needed=3),)}}, []),
        (
            api(kind="StatefulSet", updateStrategy={"type": "OnDelete"}, ready=1),
            {"bounds": {"budgets": (budget("b", healthy=1, needed=3),)}},
            ["OnDelete"],
        ),
    ],
)
def test_what_could_go_wrong_is_warned_of(live: dict[str, Any], more: dict[str, Any], words: list[str]) -> None:
    """One warning each, and none where nothing moves."""
    found = rollout_warnings(ground_with(live, **more))
    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found, strict=True))


def test_what_was_not_seen_is_doubted() -> None:
    """Old pictures, parts that are missing, and bounds that could not be read."""
    parts = {Part.PODS: stale(240), Part.DEPLOYMENTS: missing("no right"), Part.JOBS: missing("no right")}
    ground = ground_with(api(), parts=parts, unread=("resource quotas: forbidden.",))
    assert doubts(ground) == (
        "The pods were last seen 4 min ago.",
        "The deployments could not be read (no right).",
        "Not read: resource quotas: forbidden.",
    )
    assert rollout_warnings(ground) == doubts(ground)


@pytest.mark.parametrize(
    ("live", "lasted", "seconds"),
    [
        (api(), (), 600),
        (api(progressDeadlineSeconds=1200), (), 1200),
        (api(10, kind="StatefulSet"), (), 1200),
        (api(100, kind="StatefulSet"), (), 3600),
        (api(), (300.0, 40.0), 900),
    ],
    ids=["usual", "its own deadline", "one after the other", "no longer than an hour", "it always takes long"],
)
def test_a_roll_out_has_as_long_as_it_may_need(live: dict[str, Any], lasted: tuple[float, ...], seconds: int) -> None:
    """Between ten minutes and an hour."""
    assert patience(ground_with(live, lasted=lasted, catalogue=EMPTY)) == seconds
