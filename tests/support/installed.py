"""The product inside a real cluster, installed by its manifests; its Slack is a stand-in on this machine.

Pods reach this machine by the address of its node, so a cluster whose nodes are other machines will not do.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace
from tests.support.containerfile import USER
from tests.support.granted import GUARD, documents
from tests.support.kubectl import MANIFESTS, Kubectl, kustomization
from tests.support.people import People
from tests.support.waiting import until

SMALL = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "768Mi"}}
TOML = """
[clusters.here]
in_cluster = true
namespaces = ["{watched}"]
[services.api]
workload = "deployment/api"
[roles.viewer]
everyone = true
[roles.operator]
groups = ["{oncall}"]
[limits]
commands_per_minute = 600
channel_commands_per_minute = 6000
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it is installed: the namespace of its own, the one that it looks at, and the address of this machine."""

    kubectl: Kubectl
    folder: Path
    image: str
    address: str
    namespace: str = field(default_factory=lambda: f"ragops-test-{secrets.token_hex(4)}")

    @property
    def watched(self) -> str:
        """Return the namespace that it looks at."""
        return f"{self.namespace}-watched"

    async def pods(self, component: str = "") -> list[dict[str, Any]]:
        """Return its pods that are not on their way out."""
        label = f"app.kubernetes.io/name=ragops{component and f',app.kubernetes.io/component={component}'}"
        found = await self.kubectl.json("get", "pods", "-n", self.namespace, "-l", label)
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    async def ready(self, count: int, *, component: str = "", within_s: float = 120.0) -> list[dict[str, Any]]:
        """Wait until so many of its pods are ready, and no more are there; fail with what they say."""
        try:
            return await until(
                lambda: self.pods(component),
                lambda pods: len(pods) == count and all(map(is_ready, pods)),
                within_s=within_s,
                every_s=0.5,
            )
        except AssertionError as error:
            states = [(pod["metadata"]["name"], pod["status"]) for pod in await self.pods(component)]
            raise AssertionError(f"{error}\n{states}\n{await self.logs()}") from None

    async def logs(self) -> str:
        """Return what its pods have logged."""
        label = "app.kubernetes.io/name=ragops"
        return await self.kubectl("logs", "-n", self.namespace, "-l", label, "--tail=200", "--prefix")


@dataclass(frozen=True, slots=True)
class Installed:
    """The product where it runs, and the people who talk with it."""

    place: Place
    people: People
    slack: SlackStandIn


@dataclass(slots=True)
class SlackStandIn:
    """The stand-in's server, which may go away and come back at the same address."""

    workspace: Workspace
    address: str
    port: int = 0
    _server: SlackServer | None = None

    @property
    def server(self) -> SlackServer:
        """Return the server that runs."""
        assert self._server is not None
        return self._server

    async def start(self) -> None:
        """Start it, or start it again."""
        self._server = SlackServer(self.workspace, host=self.address, port=self.port)
        await self._server.start()
        self.port = int(self._server.origin.rpartition(":")[2])

    async def stop(self) -> None:
        """Close its port and every connection."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether the pod may be sent requests."""
    return any(it["type"] == "Ready" and it["status"] == "True" for it in pod["status"].get("conditions", ()))


async def address_of_node(kubectl: Kubectl) -> str:
    """Return the address of a node that is this machine; empty when none is."""
    nodes = await kubectl.json("get", "nodes")
    for node in nodes["items"]:
        for each in node["status"].get("addresses", ()):
            if each["type"] == "InternalIP" and _is_ours(each["address"]):
                return str(each["address"])
    return ""


def _is_ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


@asynccontextmanager
async def installed(
    place: Place, overlay: str, secret: Mapping[str, str], *components: str
) -> AsyncIterator[Installed]:
    """Apply an overlay as an operator would, with names of this test's own, and take everything away at the end.

    `components` are those that change the overlay itself; the rights are always applied.
    """
    slack = SlackStandIn(demo_workspace(), place.address)
    await slack.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(slack.stop)
        control = await stack.enter_async_context(SlackControl(slack.server.control_url))
        stack.push_async_callback(_remove, place)
        await _prepare(place, slack, secret)
        await place.kubectl("apply", "-k", str(_overlay(place, overlay, components, slack)))
        yield Installed(place, People(control), slack)


async def _prepare(place: Place, slack: SlackStandIn, secret: Mapping[str, str]) -> None:
    """Make what the manifests leave to the operator: the namespace that is looked at, the Secret, and a volume."""
    for namespace in (place.namespace, place.watched):
        await place.kubectl("create", "namespace", namespace)
    tokens = {"SLACK_BOT_TOKEN": slack.workspace.bot_token, "SLACK_APP_TOKEN": slack.workspace.app_token, **secret}
    values = [f"--from-literal={key}={value}" for key, value in tokens.items()]
    await place.kubectl("create", "secret", "generic", "ragops", "-n", place.namespace, *values)
    data = place.folder / "volume"
    data.mkdir(parents=True)
    await asyncio.to_thread(shutil.chown, data, USER, USER)
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": place.namespace},
        "spec": {
            "capacity": {"storage": "2Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": place.namespace, "name": "data-ragops-0"},
            "hostPath": {"path": str(data)},
        },
    }
    (place.folder / "volume.json").write_text(json.dumps(volume))
    await place.kubectl("apply", "-f", str(place.folder / "volume.json"))


def _overlay(place: Place, overlay: str, components: Sequence[str], slack: SlackStandIn) -> Path:
    """Write what an operator writes: example/ with this test's names."""
    toml = TOML.format(watched=place.watched, oncall=slack.workspace.groups["rag-oncall"].id)
    subjects = [_subject(0, place.namespace), _subject(1, place.namespace)]
    folder = place.folder / "overlay"
    kustomization(
        folder / "bot",
        resources=[MANIFESTS / "overlays" / overlay],
        components=[MANIFESTS / "components" / each for each in components],
        files={"ragops.toml": toml},
        namespace=place.namespace,
        images=[_image(place.image)],
        configMapGenerator=[{"name": "ragops", "behavior": "replace", "files": ["ragops.toml"]}],
        patches=[_patch("Deployment|StatefulSet", _to_container(slack.server.base_url)), *_own_guard(place)],
    )
    kustomization(
        folder / "watched",
        components=[MANIFESTS / "components" / each for each in ("reader", "changes")],
        namespace=place.watched,
        patches=[
            _patch("RoleBinding", subjects, name="ragops-reader"),
            _patch("RoleBinding", subjects[:1], name="ragops-changes"),
        ],
    )
    kustomization(
        folder / "nodes",
        components=[MANIFESTS / "components" / "nodes"],
        nameSuffix=f"-{place.namespace}",
        patches=[_patch("ClusterRoleBinding", subjects)],
    )
    return kustomization(folder, resources=["bot", "watched", "nodes"])


def _subject(number: int, namespace: str) -> dict[str, Any]:
    return {"op": "replace", "path": f"/subjects/{number}/namespace", "value": namespace}


def _own_guard(place: Place) -> list[dict[str, Any]]:
    """Give the guard, which is the whole cluster's, names of this test's own."""
    patches = []
    for each in documents(GUARD):
        name = each["metadata"]["name"]
        fields = ["/metadata/name", *(["/spec/policyName"] if "policyName" in each["spec"] else ())]
        operations = [{"op": "replace", "path": path, "value": f"{place.namespace}-{name}"} for path in fields]
        patches.append({**_patch(each["kind"], operations, name=name), "options": {"allowNameChange": True}})
    return patches


def _image(reference: str) -> dict[str, str]:
    name, _, tag = reference.rpartition(":")
    return {"name": "ragops", "newName": name, "newTag": tag}


def _to_container(slack_url: str) -> list[dict[str, Any]]:
    container = "/spec/template/spec/containers/0"
    return [
        {"op": "add", "path": f"{container}/env/-", "value": {"name": "SLACK_API_URL", "value": slack_url}},
        {"op": "replace", "path": f"{container}/resources", "value": SMALL},
        {"op": "add", "path": f"{container}/imagePullPolicy", "value": "IfNotPresent"},
    ]


def _patch(kind: str, operations: Sequence[Mapping[str, Any]], *, name: str = "") -> dict[str, Any]:
    return {"target": {"kind": kind, **({"name": name} if name else {})}, "patch": json.dumps(operations)}


async def _remove(place: Place) -> None:
    for namespace in (place.namespace, place.watched):
        await place.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=100s", within_s=110)
    await place.kubectl("delete", "persistentvolume", place.namespace, "--ignore-not-found", "--wait=false")
    for each in reversed(documents(GUARD)):
        name = f"{place.namespace}-{each['metadata']['name']}"
        await place.kubectl("delete", each["kind"].lower(), name, "--ignore-not-found")
    for kind in ("clusterrolebinding", "clusterrole"):
        await place.kubectl("delete", kind, f"ragops-nodes-{place.namespace}", "--ignore-not-found")
    await asyncio.to_thread(shutil.rmtree, place.folder, ignore_errors=True)
