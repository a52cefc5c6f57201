"""Hands of an administrator, for tests against a real API server."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.cluster import Connection

IMAGE = os.environ.get("RAGOPS_TEST_IMAGE", "docker.io/test/busybox:1")


@dataclass(frozen=True, slots=True)
class Hands:
    """Makes and removes objects, as an administrator."""

    connection: Connection

    async def send(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a write (`PATCH` merges) and return the answer. Raises `AssertionError` when it is refused."""
        api = self.connection.api
        kind = {"Content-Type": "application/strategic-merge-patch+json"} if verb == "PATCH" else {}
        request = await api.param_serialize(
            verb, path, query_params=[], header_params=kind, body=body, auth_settings=["BearerToken"]
        )
        async with (await api.call_api(*request, _request_timeout=10)).response as response:
            answer = json.loads(await response.read())
        assert response.status < 300, answer
        return dict(answer)

    async def deployment(self, namespace: str, name: str, script: str, **container: Any) -> None:
        """Make a Deployment of one pod that runs a shell script."""
        labels = {"app": name}
        main = {
            "name": "main",
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", script],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
            **container,
        }
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
            },
        }
        await self.send(
            "POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", {"metadata": {"name": name}, "spec": spec}
        )
