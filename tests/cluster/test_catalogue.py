"""The failures that people meet, made for real all at once, and each named by the product: one finding for each cause.

`catalogue_*.py` holds the tables. The objects are made in a few namespaces, watched until each failure is there, and
then each namespace is looked at once, by the program as a person starts it.

Left out, because they would harm a cluster that others use or need more than one: troubles of nodes (cordoned, tainted,
not ready, under pressure) and what follows from them, preemption, volumes that cannot be attached or made, platforms
that do not fit, registries that limit or ask for a login, the network of pods, and evictions by the kubelet, which not
every kubelet is set up for.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.cluster import open_connection
from tests.cluster import (
    catalogue_crashes,
    catalogue_placement,
    catalogue_pods,
    catalogue_refusals,
    catalogue_work,
    catalogue_workloads,
)
from tests.cluster.catalogue import WATCHED, Manifest, Row, Seen, path
from tests.cluster.conftest import KUBECONFIG, TOLD
from tests.support.hands import Hands
from tests.support.terminal import Printed, ragops
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(420)]

REGISTRY = os.environ.get("RAGOPS_TEST_REGISTRY", "")
ROWS = (
    *catalogue_crashes.ROWS,
    *catalogue_pods.ROWS,
    *catalogue_placement.ROWS,
    *(catalogue_pods.with_registry(REGISTRY) if REGISTRY else ()),
    *catalogue_workloads.ROWS,
    *catalogue_work.ROWS,
    *catalogue_refusals.ROWS,
)
PLACES = tuple(dict.fromkeys(row.place for row in ROWS))
LABELS = {"guarded": {"pod-security.kubernetes.io/enforce": "restricted"}}
RULES = {"guarded": (catalogue_refusals.LIMITS,), "quota": (catalogue_refusals.QUOTA,)}
RIPE_WITHIN_S = 240.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What this cluster offers."""

    offered: frozenset[str]

    def allow(self, row: Row) -> bool:
        return not row.needs or row.needs in self.offered


@dataclass(frozen=True, slots=True)
class Looks:
    """What the program printed about each namespace."""

    namespaces: Mapping[str, str]
    printed: Mapping[str, Printed]
    facts: Facts
    late: frozenset[str]

    def findings(self, row: Row) -> list[dict[str, Any]]:
        """Return the findings about the object of a row."""
        return [dict(f) for f in self.printed[row.place].data["findings"] if _is_about(f["target"], row.kind, row.name)]


def _is_about(target: Mapping[str, str], kind: str, name: str) -> bool:
    return (target["kind"], target["name"]) == (kind, name)


@dataclass(frozen=True, slots=True)
class Making:
    """Makes the failures and waits for them."""

    hands: Hands
    namespaces: Mapping[str, str]
    watched: tuple[str, ...]

    async def make(self, made: Manifest, namespace: str = "") -> None:
        await self.hands.send("POST", path(made["kind"], namespace), made)

    async def make_all(self, rows: Iterable[Row], well: Iterable[Manifest]) -> None:
        for place, rules in RULES.items():
            for rule in rules:
                await self.make(rule, self.namespaces[place])
        for made in well:
            await self.make(made, self.namespaces["workloads"])
        for row in rows:
            for made in row.makes:
                await self.make(made, self.namespaces[row.place])

    async def seen(self) -> dict[str, Seen]:
        """Read what there is now, a list of each kind over all namespaces."""
        lists = await asyncio.gather(*(self.hands.send("GET", path(kind)) for kind in self.watched))
        found = {place: Seen({kind: [] for kind in self.watched}) for place in self.namespaces}
        place_of = {namespace: place for place, namespace in self.namespaces.items()}
        for kind, listed in zip(self.watched, lists, strict=True):
            for each in listed["items"]:
                place = place_of.get(each["metadata"]["namespace"])
                if place is not None:
                    found[place].objects[kind].append(each)
        return found

    async def ripen(self, rows: Iterable[Row], *, measured: bool) -> frozenset[str]:
        """Take each row's steps when it is time, until all are ripe; return those that never were."""
        waits = {row.name: (row, list(row.steps)) for row in rows}

        async def go_on() -> list[str]:
            seen = await self.seen()
            for name, (row, steps) in list(waits.items()):
                await self._go_on(row, steps, seen[row.place])
                if not steps and row.ripe(seen[row.place]):
                    del waits[name]
            well = catalogue_workloads.is_well(seen["workloads"], measured=measured)
            return [*waits, *([] if well else ["what is well"])]

        try:
            await until(go_on, lambda late: not late, within_s=RIPE_WITHIN_S, every_s=1)
        except AssertionError:
            return frozenset(await go_on())
        return frozenset()

    async def _go_on(self, row: Row, steps: list[Any], seen: Seen) -> None:
        if steps and steps[0].when(seen):
            step = steps.pop(0)
            name = "" if step.verb == "POST" else step.name
            await self.hands.send(step.verb, path(step.kind, self.namespaces[row.place], name), step.body)


async def _facts(hands: Hands) -> Facts:
    classes = await hands.send("GET", "/apis/storage.k8s.io/v1/storageclasses")
    key = "storageclass.kubernetes.io/is-default-class"
    defaults = [c for c in classes["items"] if (c["metadata"].get("annotations") or {}).get(key) == "true"]
    groups = await hands.send("GET", "/apis")
    metrics = any(group["name"] == "metrics.k8s.io" for group in groups["groups"])
    return Facts(frozenset({*(() if defaults else ("no default storage class",)), *(("metrics",) if metrics else ())}))


@asynccontextmanager
async def _namespaces(hands: Hands) -> AsyncIterator[dict[str, str]]:
    """Make a namespace for each place, and the rules that bind one of them; take all away at the end."""
    end = secrets.token_hex(4)
    names = {place: f"ragops-test-{place}-{end}" for place in PLACES}
    wide = catalogue_refusals.cluster_wide(f"ragops-test-{end}", names["guarded"])
    try:
        for place, name in names.items():
            metadata = {"name": name, "labels": LABELS.get(place, {})}
            await hands.send("POST", "/api/v1/namespaces", {"metadata": metadata})
        for made in wide:
            await hands.send("POST", path(made["kind"]), made)
        yield names
    finally:
        for made in reversed(wide):
            await _away(hands, path(made["kind"], name=made["metadata"]["name"]))
        for name in names.values():
            await _away(hands, f"/api/v1/namespaces/{name}")
        await until(lambda: _let_go(hands, names.values()), lambda held: not held, within_s=60, every_s=1)


async def _away(hands: Hands, where: str) -> None:
    """Delete what may be gone or never made."""
    try:
        await hands.send("DELETE", where)
    except AssertionError as refused:
        if "NotFound" not in str(refused):
            raise


async def _let_go(hands: Hands, names: Iterable[str]) -> list[str]:
    """Take our finalizer off the pods that are to go; return what it still holds."""
    held = []
    for name in names:
        for pod in (await hands.send("GET", path("Pod", name)))["items"]:
            if pod["metadata"].get("finalizers"):
                held.append(pod["metadata"]["name"])
                pod["metadata"]["finalizers"] = []
                await hands.send("PUT", path("Pod", name, pod["metadata"]["name"]), pod)
    return held


async def _look(folder: Path, namespace: str) -> Printed:
    return await ragops(folder, "status", "-n", namespace, "--output", "json", kubeconfig=KUBECONFIG)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def looks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Looks]:
    """All failures at once; one look at each namespace when they are there."""
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to run this")
    folder = tmp_path_factory.mktemp("catalogue")
    connection = await open_connection(KUBECONFIG)
    try:
        hands = Hands(connection)
        facts = await _facts(hands)
        rows = [row for row in ROWS if facts.allow(row)]
        async with _namespaces(hands) as namespaces:
            measured = "metrics" in facts.offered
            making = Making(hands, namespaces, (*WATCHED, "PodMetrics") if measured else WATCHED)
            await making.make_all(rows, catalogue_workloads.well(measured=measured))
            late = await making.ripen(rows, measured=measured)
            printed = {place: await _look(folder, name) for place, name in namespaces.items()}
            for look in printed.values():
                TOLD.extend(look.data["findings"])
            yield Looks(namespaces, printed, facts, late)
    finally:
        await connection.close()


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.place}-{row.name}") for row in ROWS])
async def test_a_failure_is_named_once_with_its_evidence(looks: Looks, row: Row) -> None:
    """Code, severity and the telling words; what follows from it hangs below it and is not told beside it."""
    if not looks.facts.allow(row):
        pytest.skip(f"this cluster cannot make it: it needs {row.needs}")
    assert row.name not in looks.late, "it never came to be"

    found = looks.findings(row)

    assert [finding["code"] for finding in found] == [row.code], found
    [finding] = found
    words = "\n".join("\n".join((each["label"], *each["lines"])) for each in finding["evidence"])
    assert finding["severity"] == row.severity, finding["summary"]
    assert [said for said in row.said if said not in finding["summary"]] == [], finding["summary"]
    assert [shown for shown in row.shown if shown not in words] == [], words
    follows = {(felt["code"], felt["target"]["name"]) for felt in finding["consequences"]}
    assert follows == set(row.follows), finding["consequences"]
    assert finding["next"]


@pytest.mark.parametrize("place", PLACES)
async def test_nothing_else_is_accused(looks: Looks, place: str) -> None:
    """Each finding is about an object of a row; what is well, done, suspended or off is not mentioned as ill."""
    report = looks.printed[place].data
    known = {(row.kind, row.name) for row in ROWS if row.place == place}

    # How busy the nodes are is the business of all who use the cluster.
    told = [f for f in report["findings"] if f["target"]["kind"] != "Node"]
    others = [f for f in told if (f["target"]["kind"], f["target"]["name"]) not in known]

    assert [(f["code"], f["target"]["name"], f["summary"]) for f in others] == []
    assert report["not_checked"] == []


async def test_what_is_well_is_said_to_be_well(looks: Looks) -> None:
    """Also what rests on purpose: scaled to nothing, suspended, done."""
    report = looks.printed["workloads"].data
    fine = {workload["name"] for workload in report["workloads"] if workload["ok"]}
    felt = {felt["target"]["name"] for finding in report["findings"] for felt in finding["consequences"]}

    assert "what is well" not in looks.late
    assert fine >= {"well", "well-set", "well-agent", "well-off"}
    assert felt.isdisjoint(catalogue_workloads.WELL_NAMES)
