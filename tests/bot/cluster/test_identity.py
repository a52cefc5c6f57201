"""Who a kubeconfig's user is, as the API server says it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cluster.connection import Connection, open_connection
from bot.cluster.identity import user_of
from bot.errors import ClusterError, WriteRefused
from sandbox.cluster.faults import Fault, FaultKind
from tests.support.changing import WatchedServer, small_cluster

TOKEN = "a-token-of-ann"


@pytest.fixture
async def server() -> AsyncIterator[WatchedServer]:
    async with WatchedServer(small_cluster()) as server:
        server.add_user("ann@example.com", TOKEN)
        yield server


@pytest.fixture
async def connection(server: WatchedServer, tmp_path: Path) -> AsyncIterator[Connection]:
    server.write_kubeconfig(tmp_path / "kubeconfig", token=TOKEN)
    opened = await open_connection(str(tmp_path / "kubeconfig"))
    yield opened
    await opened.close()


async def test_the_server_says_who_it_is(server: WatchedServer, connection: Connection) -> None:
    """Whatever the kubeconfig calls its user; nothing is kept of the question."""
    before = server.seen.effects
    assert await user_of(connection, timeout_s=2) == "ann@example.com"
    assert (connection.user, server.seen.effects) == ("sandbox", before)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.STATUS, status=403), WriteRefused),
        (Fault(FaultKind.STATUS, status=404), WriteRefused),
        (Fault(FaultKind.STATUS, status=500), ClusterError),
        (Fault(FaultKind.DROP_BEFORE), ClusterError),
        (Fault(FaultKind.LATENCY, seconds=3), ClusterError),
    ],
    ids=["forbidden", "an old server", "5xx", "broken off", "late"],
)
async def test_whoever_is_not_told_is_nobody(
    server: WatchedServer, connection: Connection, fault: Fault, error: type[ClusterError]
) -> None:
    """It is raised, and never in words that something might have happened."""
    server.faults.add(fault)
    with pytest.raises(error) as raised:
        await user_of(connection, timeout_s=0.5)
    assert raised.value.unchanged == "Nothing was changed."
