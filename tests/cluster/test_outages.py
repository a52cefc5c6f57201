"""What people read while the way to the cluster is broken, and after it is whole again.

The real API server itself is restarted and frozen only where RAGOPS_TEST_CLUSTER_CONTROL names a program that takes
`restart apiserver`, `freeze apiserver` and `thaw apiserver`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientError

from bot.cluster import Connection, KubernetesHttp, Retries, Timing, open_connection
from bot.domain.targets import Scope
from tests.support.clocks import WallClock
from tests.support.hands import Hands
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until
from tests.support.watching import Asking, watching

CONTROL = os.environ.get("RAGOPS_TEST_CLUSTER_CONTROL", "")
FAST = Timing(first_wait_s=0.1, longest_wait_s=0.5)
_AGE = re.compile(r"(\d+) s old")
needs_control = pytest.mark.skipif(
    not CONTROL, reason="no control over the cluster: set RAGOPS_TEST_CLUSTER_CONTROL to a program that has it"
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A healthy namespace, the proxy on the way to it, and somebody who asks about it."""

    scope: Scope
    proxy: TcpProxy
    asking: Asking


@pytest.fixture
async def watched(connection: Connection, hands: Hands, scope: Scope, kubeconfig: str) -> AsyncIterator[Watched]:
    """One Deployment that is well, seen as such through the proxy."""
    await hands.deployment(scope.namespace, "api", "exec sleep 100000")
    far = urlsplit(connection.host)
    own = await open_connection(kubeconfig)
    try:
        async with TcpProxy(far.hostname or "", far.port or 443).running() as proxy:
            own.api.configuration.host = f"https://127.0.0.1:{proxy.port}"
            http = KubernetesHttp(own, WallClock(), lambda: 0.5, retries=Retries(tries=2, first_wait_s=0.05))
            async with watching(scope, http, FAST) as asking:
                await until(lambda: asking.text("status"), lambda text: f"{scope.namespace} is healthy" in text)
                yield Watched(scope, proxy, asking)
    finally:
        await own.close()


def _is_blind(text: str) -> bool:
    return "I cannot tell, what I see is not up to date" in text


def _is_fine(text: str) -> bool:
    return "is healthy" in text


async def _while_blind(asking: Asking) -> str:
    """Wait until the answer says that it is blind; no answer before that may be both fine and old."""

    async def ask() -> str:
        text = await asking.text("status")
        age = _AGE.search(text)
        assert not _is_fine(text) or age is None or int(age.group(1)) <= 12, text
        return text

    return await until(ask, _is_blind, within_s=30)


async def test_a_cut_network_is_never_all_fine(watched: Watched) -> None:
    """The verdict says that nothing can be told, what was not seen, and how old the picture is."""
    await watched.proxy.cut()

    text = await _while_blind(watched.asking)

    assert not _is_fine(text)
    assert "Not checked: " in text
    assert "pods" in text
    assert _AGE.search(text)
    view = await watched.asking.view("status")
    assert view.exit_code == 2


async def test_after_the_cut_the_answer_is_of_now_again(watched: Watched, hands: Hands) -> None:
    """Nobody restarts anything: what happened meanwhile is told as soon as the way is free."""
    await watched.proxy.cut()
    await _while_blind(watched.asking)
    await hands.deployment(watched.scope.namespace, "broken", "exit 1")

    await watched.proxy.heal()

    text = await until(lambda: watched.asking.text("status"), lambda text: "exit code 1" in text)
    assert "Not checked" not in text
    assert "Fine: api 1/1" in text


async def test_a_frozen_connection_is_never_all_fine(watched: Watched) -> None:
    """Every connection stands and nothing moves: within seconds the answer says so instead of repeating itself."""
    watched.proxy.freeze()

    text = await _while_blind(watched.asking)

    assert "did not answer" in text
    await watched.proxy.heal()
    healed = await until(lambda: watched.asking.text("status"), _is_fine)
    assert "Not checked" not in healed


async def test_the_age_of_a_blind_answer_grows(watched: Watched) -> None:
    """The picture stays the old one; its age does not."""
    watched.proxy.freeze()
    first = await _while_blind(watched.asking)
    age = _AGE.search(first)
    assert age is not None

    def is_older(text: str) -> bool:
        later = _AGE.search(text)
        return later is not None and int(later.group(1)) >= int(age.group(1)) + 2

    await until(lambda: watched.asking.text("status"), is_older, within_s=10)


# --- the real API server ----------------------------------------------------------------------------------------------


async def _control(verb: str) -> None:
    program = await asyncio.create_subprocess_exec(
        CONTROL, verb, "apiserver", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, said = await program.communicate()
    assert program.returncode == 0, said.decode()


@asynccontextmanager
async def _frozen() -> AsyncIterator[None]:
    """Freeze the API server; it is thawed whatever happens."""
    await _control("freeze")
    try:
        yield
    finally:
        await _control("thaw")


@pytest.fixture
async def directly(hands: Hands, scope: Scope, http: KubernetesHttp) -> AsyncIterator[Asking]:
    """Somebody who asks about a healthy namespace, without a proxy in between."""
    await hands.deployment(scope.namespace, "api", "exec sleep 100000")
    async with watching(scope, http, FAST) as asking:
        await until(lambda: asking.text("status"), _is_fine)
        yield asking


@needs_control
async def test_a_restart_of_the_api_server_is_survived(directly: Asking, hands: Hands, scope: Scope) -> None:
    """The watches are resumed by themselves; what happens afterwards is seen."""
    await _control("restart")

    async def break_something() -> bool:
        try:
            await hands.deployment(scope.namespace, "broken", "exit 1")
        except (OSError, ClientError):
            return False  # not reachable, or cut while it answered
        except AssertionError as refused:
            return "AlreadyExists" in str(refused)  # it was made by a try whose answer was lost
        return True

    await until(break_something, bool, within_s=40)
    text = await until(lambda: directly.text("status"), lambda text: "exit code 1" in text, within_s=60)
    assert "Not checked" not in text


@needs_control
async def test_a_frozen_api_server_is_never_all_fine(directly: Asking) -> None:
    """It accepts connections and says nothing; once thawed, the answer is of now again."""
    async with _frozen():
        text = await _while_blind(directly)

    assert "did not answer" in text
    healed = await until(lambda: directly.text("status"), _is_fine, within_s=60)
    assert "Not checked" not in healed
