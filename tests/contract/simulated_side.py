"""The simulated side: the world behind its API server, with time that passes when the contract wants it to."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sandbox.cluster.api.access import allow_nothing
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import ObjectStore
from sandbox.cluster.world import templates
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World
from tests.contract.sides import ADMIN, NARROW, PREFIX, STRANGER, Side, opened, prepare
from tests.contract.workloads import BEHAVIOURS, Manifest


class SimulatedHands:
    """Writes into the world, as a person's apply would."""

    def __init__(self, world: World, namespace: str) -> None:
        self._world = world
        self._namespace = namespace

    async def create(self, resource: str, manifest: Manifest) -> None:
        self._world.apply(resource, _placed(manifest, self._namespace))

    async def replace(self, resource: str, manifest: Manifest) -> None:
        self._world.apply(resource, _placed(manifest, self._namespace))

    async def delete(self, resource: str, name: str) -> None:
        self._world.store.delete(resource, self._namespace, name)

    @asynccontextmanager
    async def passing_time(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self._world.run(speed=4))
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def wait(self) -> None:
        self._world.advance(1.0)


@asynccontextmanager
async def simulated(folder: Path, image: str, *, bare: bool = False) -> AsyncIterator[Side]:
    """Start a simulated cluster of one node with the workloads in it; ``bare`` leaves them out."""
    namespace = f"{PREFIX}{secrets.token_hex(4)}"
    world = _small_world(namespace, image)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ClusterServer(world.store, world, world))
        server.add_user(f"system:serviceaccount:{namespace}:{NARROW}", NARROW, allow_nothing)
        connections = {}
        for user, token in ((ADMIN, None), (NARROW, NARROW), (STRANGER, "no-such-token")):
            path = folder / f"simulated-{user}"
            server.write_kubeconfig(path, token=token)
            connections[user] = await opened(path, stack)
        hands = SimulatedHands(world, namespace)
        side = Side("simulated", namespace, image, hands, connections, kubeconfig=str(folder / f"simulated-{ADMIN}"))
        if not bare:
            await prepare(side)
        yield side


def _small_world(namespace: str, image: str) -> World:
    clock = WorldClock(datetime.now(UTC))
    world = World(ObjectStore(clock.now, history=300), clock)
    memory, allocatable, now = "16384000Ki", "15872000Ki", clock.seconds
    node = templates.node("node1", 0, cpu=4, memory=memory, allocatable=allocatable, random=Random(0), now=now)
    node["status"]["images"] = [{"names": [image], "sizeBytes": 1_000_000}]
    world.apply("nodes", node)
    for name in ("default", "kube-system", namespace):
        world.apply("namespaces", templates.plain("v1", "Namespace", name))
        world.apply("serviceaccounts", templates.plain("v1", "ServiceAccount", "default", name))
    for subject, behaviour in BEHAVIOURS.items():
        world.behave(subject, behaviour)
    return world


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
