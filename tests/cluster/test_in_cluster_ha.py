"""`overlays/ha` applied to a real cluster: two pods that talk with Slack, two that work, any of which may go away.

PostgreSQL, Redis and the stand-in for Slack are outside, on this machine. Needs what test_in_cluster.py needs, and a
redis-server.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.store import keeper
from tests.support.databases import database
from tests.support.forwarding import forwarding
from tests.support.installed import Installed, Place, installed
from tests.support.kubectl import Kubectl
from tests.support.own_redis import own_redis
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
COMMANDS = 24
EVERY_S = 0.4
CODES = ("OOM_KILLED", "CRASH_COMMAND", "IMAGE_PULL_HANGS")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doubled(product: str, address: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installed]:
    """The overlay, applied and ready."""
    folder, state = tmp_path_factory.mktemp("ha"), tmp_path_factory.mktemp("state")
    kubectl = Kubectl(os.environ["RAGOPS_TEST_KUBECONFIG"])
    place = Place(kubectl=kubectl, folder=folder, image=product, address=address)
    async with (
        own_redis(state / "redis") as redis,
        database(state / "postgres") as postgres,
        forwarding(address, (redis.host, redis.port)) as redis_port,
        forwarding(address, postgres.folder / keeper.DATABASE / keeper.SOCKET) as postgres_port,
    ):
        postgres_url = f"postgresql://{keeper.SUPERUSER}@{address}:{postgres_port}/postgres?sslmode=disable"
        secret = {"DATABASE_URL": postgres_url, "REDIS_URL": f"redis://{address}:{redis_port}/0"}
        async with installed(place, "ha", secret) as it:
            await place.ready(2, component="chat")
            await place.ready(2, component="worker")
            yield it


async def test_a_command_that_four_pods_could_answer_is_answered_once(doubled: Installed) -> None:
    """Seen by the asker alone, and for everybody."""
    assert await answers_to(doubled, "/rag status") == 1
    before = len(await doubled.people.public())
    await doubled.people.answer("/rag share status")
    await until(doubled.people.public, lambda shown: len(shown) > before)
    await doubled.people.control.settle(timeout=20, quiet=2.0)
    assert len(await doubled.people.public()) == before + 1


async def test_while_pods_go_away_every_command_is_answered_once(doubled: Installed) -> None:
    """One of those that talk and one of those that work, told to end in the midst of commands."""
    people, place = doubled.people, doubled.place
    before, refused = len(await people.public()), []
    for number in range(COMMANDS):
        if number == COMMANDS // 4:
            await end_one(place, "chat")
        if number == COMMANDS // 2:
            await end_one(place, "worker")
        said = await people.control.say(f"/rag share explain {CODES[number % len(CODES)]}", user="ann", channel="ops")
        if not said.ok:
            refused.append(said.seen)
        await asyncio.sleep(EVERY_S)
    await until(people.public, lambda shown: len(shown) >= before + COMMANDS - len(refused), within_s=60)
    await people.control.settle(timeout=30, quiet=3.0)
    posted = (await people.public())[before:]
    assert refused == []
    assert Counter(code for message in posted for code in CODES if code in message.text) == Counter(
        CODES[number % len(CODES)] for number in range(COMMANDS)
    )
    await place.ready(2, component="chat")
    await place.ready(2, component="worker")


async def test_a_pod_that_works_holds_no_way_into_slack(doubled: Installed) -> None:
    """No app token: what it does not have cannot be taken from it."""
    for pod in await doubled.place.pods("worker"):
        name = pod["metadata"]["name"]
        told = await doubled.place.kubectl("exec", "-n", doubled.place.namespace, name, "--", "/bin/sh", "-c", "env")
        assert "SLACK_BOT_TOKEN=" in told
        assert "SLACK_APP_TOKEN" not in told


async def answers_to(it: Installed, text: str) -> int:
    """Type a command and return how many messages its person sees that were not there before."""
    before = {message.ts for message in await it.people.seen()}
    await it.people.answer(text)
    await it.people.control.settle(timeout=20, quiet=2.0)
    return len({message.ts for message in await it.people.seen()} - before)


async def end_one(place: Place, component: str) -> None:
    """Tell a pod to end, and do not wait for it."""
    pod = (await place.pods(component))[0]["metadata"]["name"]
    await place.kubectl("delete", "pod", "-n", place.namespace, pod, "--wait=false")
