"""The real side: a namespace of its own on the cluster of a kubeconfig, deleted at the end."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.cluster import Connection, open_connection
from sandbox.cluster.store import Json
from tests.contract.sides import ADMIN, NARROW, PREFIX, STRANGER, Side, opened, prepare
from tests.contract.workloads import PATHS, Manifest


class RealHands:
    """Writes through the API server, as an administrator."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._api = connection.api
        self._namespace = namespace

    async def send(self, verb: str, path: str, body: Json | None = None) -> Json:
        """Send a write. Raises `AssertionError` when it is refused."""
        request = await self._api.param_serialize(
            verb, path, query_params=[], header_params={}, body=body, auth_settings=["BearerToken"]
        )
        async with (await self._api.call_api(*request, _request_timeout=10)).response as response:
            answer: Json = json.loads(await response.read())
        assert response.status < 300, answer
        return answer

    def _base(self, resource: str) -> str:
        return f"{PATHS[resource]}/namespaces/{self._namespace}/{resource}"

    async def create(self, resource: str, manifest: Manifest) -> None:
        await self.send("POST", self._base(resource), manifest)

    async def replace(self, resource: str, manifest: Manifest) -> None:
        await self.send("PUT", f"{self._base(resource)}/{manifest['metadata']['name']}", manifest)

    async def delete(self, resource: str, name: str) -> None:
        await self.send("DELETE", f"{self._base(resource)}/{name}")

    @asynccontextmanager
    async def passing_time(self) -> AsyncIterator[None]:
        yield

    async def wait(self) -> None:
        await asyncio.sleep(0.5)


@asynccontextmanager
async def real(kubeconfig: str, folder: Path, image: str, *, bare: bool = False) -> AsyncIterator[Side]:
    """Make the workloads in a fresh namespace of a real cluster; it is deleted at the end. ``bare`` makes none."""
    namespace = f"{PREFIX}{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        admin = await open_connection(kubeconfig)
        stack.push_async_callback(admin.close)
        hands = RealHands(admin, namespace)
        await hands.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        stack.push_async_callback(hands.send, "DELETE", f"/api/v1/namespaces/{namespace}")
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        await hands.send("POST", accounts, {"metadata": {"name": NARROW}})
        token = await hands.send("POST", f"{accounts}/{NARROW}/token", {"spec": {"expirationSeconds": 3600}})
        connections = {ADMIN: admin}
        for user, secret in ((NARROW, token["status"]["token"]), (STRANGER, "no-such-token")):
            path = _write_kubeconfig(folder / f"real-{user}", admin, secret)
            connections[user] = await opened(path, stack)
        side = Side("real", namespace, image, hands, connections, kubeconfig=kubeconfig)
        if not bare:
            await prepare(side)
        yield side


def _write_kubeconfig(path: Path, admin: Connection, token: str) -> Path:
    """Write a kubeconfig for the same server with a token alone."""
    cluster = {"server": admin.host, "certificate-authority": admin.api.configuration.ssl_ca_cert}
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))
    return path
