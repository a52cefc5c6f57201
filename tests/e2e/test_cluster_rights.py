"""When the API server refuses: missing rights, expired credentials, and bursts of 429 and 5xx."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.cluster.api.access import Deny
from sandbox.cluster.faults import Fault, FaultKind
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.control import Shown
from sandbox.slack.world import Workspace
from tests.support.clocks import ShiftedClock
from tests.support.outages import NO_DATABASE
from tests.support.sandboxed import NO_LIMIT, Staging, sandboxed
from tests.support.waiting import until

HEALTHY = Staging(scenario="healthy", waits_for_store=False, settings=NO_LIMIT)


@pytest.mark.parametrize("resource", ["nodes", "events"])
async def test_what_may_not_be_read_is_named_with_the_missing_right(tmp_path: Path, resource: str) -> None:
    """The rest works, and once the right is granted the answer is whole without a restart."""

    def deny(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
        del world, workspace
        cluster.rbac = (Deny(group="", resource=resource),)

    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=ShiftedClock(), arrange=deny)) as stage:
        answer = await stage.answer("/rag status")

        assert "rag-engine is healthy" in answer.text
        assert f"Not checked: {resource} (no right to list them for sandbox-admin)" in answer.text

        stage.cluster.rbac = ()

        async def ask() -> Shown:
            return await stage.answer("/rag status")

        await until(ask, lambda shown: "Not checked" not in shown.text and "is healthy" in shown.text)


@pytest.mark.parametrize("resource", ["pods", "deployments", "*"], ids=["pods", "deployments", "everything"])
async def test_nothing_is_called_healthy_when_what_matters_may_not_be_read(tmp_path: Path, resource: str) -> None:
    """Could not look is not all fine."""

    def deny(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
        del world, workspace
        cluster.rbac = (Deny(resource=resource),)

    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=ShiftedClock(), arrange=deny)) as stage:
        answer = await stage.answer("/rag status")

        assert "is healthy" not in answer.text
        assert "I cannot tell, parts of it could not be read" in answer.text
        assert "no right to list them for sandbox-admin" in answer.text


async def test_a_log_that_may_not_be_read_does_not_hide_the_cause(tmp_path: Path) -> None:
    """The crash is explained without its log, and the missing right is said in the log's place."""

    def deny(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
        del world, workspace
        cluster.rbac = (Deny(resource="pods/log"),)

    staging = replace(HEALTHY, scenario="bad-release", arrange=deny)
    async with sandboxed(tmp_path, NO_DATABASE, staging) as stage:
        answer = await stage.answer("/rag status api")

        assert "Revision 8 (v1.2) ends with exit code 1" in answer.text
        assert "not available, The right to get pods/log in namespace rag-engine is missing" in answer.text


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.STATUS, status=429, retry_after=1, count=14),
        Fault(FaultKind.STATUS, status=503, count=40),
        Fault(FaultKind.STATUS, status=500, count=14),
        Fault(FaultKind.DROP_WITHIN, count=14),
    ],
    ids=["429", "503", "500", "broken bodies"],
)
async def test_a_burst_of_refusals_is_survived_with_an_answer(tmp_path: Path, fault: Fault) -> None:
    """Somebody is told something within seconds, and all is fine again soon after the burst."""

    def burst(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
        del world, workspace
        cluster.faults.add(fault)

    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=ShiftedClock(), arrange=burst)) as stage:
        first = await stage.answer("/rag status", within_s=30)

        assert "is healthy" in first.text or "cannot tell" in first.text or "Nothing was changed." in first.text

        async def ask() -> Shown:
            return await stage.answer("/rag status")

        await until(ask, lambda shown: "is healthy" in shown.text and "Not checked" not in shown.text)


async def test_a_wrong_token_is_named_as_such(tmp_path: Path) -> None:
    """Credentials that are not good are told from a server that is away, with what to do about them."""
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, token="expired")) as stage:
        answer = await stage.answer("/rag status")

        assert "The API server does not accept our credentials" in answer.text
        assert "renew the service account token or the kubeconfig" in answer.text
        assert "Nothing was changed." in answer.text
        assert answer.buttons == ["Try again"]


async def test_a_token_that_expires_while_watches_are_open_is_noticed(tmp_path: Path) -> None:
    """Whoever is not let in any more does not vouch for what he saw."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=clock)) as stage:
        assert "is healthy" in (await stage.answer("/rag status")).text

        stage.cluster._dispatcher.users.clear()

        async def later() -> Shown:
            clock.shift(15)
            return await stage.answer("/rag status")

        # A watch that was opened before may still say something once, and one that ended is opened again first.
        refused = "the API server does not accept our credentials"
        answer = await until(later, lambda shown: refused in shown.text, every_s=0.2)
        assert "I cannot tell, what I see is not up to date" in answer.text
