"""The manifests against a real API server: it takes every combination, and their rights are enough for what is read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cluster import Clusters, Connection, KubernetesHttp, OneShotReader, open_connection
from bot.cluster.resources import RESOURCES
from bot.domain.snapshot import ALL_PARTS, Freshness, Part
from bot.domain.targets import Scope
from bot.errors import ClusterForbidden
from tests.support.accounts import grant_reader, granted_nodes, make_account, token_of, write_kubeconfig
from tests.support.clocks import WallClock
from tests.support.hands import Hands
from tests.support.kubectl import MANIFESTS, Kubectl, kustomization
from tests.support.waiting import in_background, until

CLOCK = WallClock()
NAMESPACED = frozenset(part for part, resource in RESOURCES.items() if resource.namespaced)
COMPONENTS = sorted({path.name for path in (MANIFESTS / "components").iterdir()} - {"guard"})  # the overlays have it
OVERLAYS = ("single", "ha")
PAGE = MANIFESTS.parents[1] / "docs" / "how-to" / "install.md"


@pytest.fixture
async def for_nodes(hands: Hands, scope: Scope) -> AsyncIterator[None]:
    async with granted_nodes(hands, scope.namespace):
        yield


@pytest.fixture(params=("ragops-chat", "ragops-worker"))
async def narrow(
    request: pytest.FixtureRequest, hands: Hands, connection: Connection, scope: Scope, tmp_path: Path
) -> AsyncIterator[Connection]:
    """A connection as one of the accounts, with the rights for one namespace."""
    await make_account(hands, scope.namespace, request.param)
    await grant_reader(hands, scope.namespace)
    token = await token_of(hands, scope.namespace, request.param)
    authority = str(connection.api.configuration.ssl_ca_cert)
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", connection.host, token, authority)
    opened = await open_connection(str(kubeconfig))
    yield opened
    await opened.close()


@pytest.mark.usefixtures("for_nodes")
async def test_with_both_manifests_everything_is_read(narrow: Connection, scope: Scope, hands: Hands) -> None:
    """Asked once and watched: every part is live, and the load of the nodes is known."""
    await hands.deployment(scope.namespace, "sleeper", "sleep 3600")
    await until(
        lambda: hands.send("GET", f"/api/v1/namespaces/{scope.namespace}/pods"),
        lambda pods: any(pod["spec"].get("nodeName") for pod in pods["items"]),
    )
    http = KubernetesHttp(narrow, CLOCK, lambda: 0.5)
    once = await OneShotReader({scope.cluster: http}, CLOCK).snapshot(scope, ALL_PARTS)
    clusters = Clusters({scope.cluster: (http, [scope.namespace])}, CLOCK, lambda: 0.5)
    async with in_background(clusters.run()):
        watched = await until(
            lambda: clusters.snapshot(scope, ALL_PARTS),
            lambda seen: {status.freshness for status in seen.parts.values()} == {Freshness.LIVE},
        )
        load = await clusters.node_load(scope.cluster)
    assert {part: status.reason for part, status in once.parts.items() if status.reason} == {}
    assert {node.meta.name for node in watched.nodes} & set(load)


async def test_with_the_first_alone_the_namespace_is_read_and_the_rest_is_named(
    narrow: Connection, scope: Scope, request: pytest.FixtureRequest
) -> None:
    """What belongs to the cluster is missing with the right that it needs."""
    reader = OneShotReader({scope.cluster: KubernetesHttp(narrow, CLOCK, lambda: 0.5)}, CLOCK)
    snapshot = await reader.snapshot(scope, ALL_PARTS)
    with pytest.raises(ClusterForbidden, match="right to list pods in the whole cluster is missing"):
        await reader.node_load(scope.cluster)
    live = {part for part, status in snapshot.parts.items() if status.freshness is Freshness.LIVE}
    assert live == NAMESPACED
    who = f"system:serviceaccount:{scope.namespace}:{request.node.callspec.params['narrow']}"
    assert snapshot.status(Part.STORAGE_CLASSES).reason == f"no right to list them for {who}"


@pytest.mark.parametrize("components", [(), *((each,) for each in COMPONENTS), tuple(COMPONENTS)], ids="+".join)
@pytest.mark.parametrize("overlay", OVERLAYS)
async def test_the_server_takes_each_overlay_with_each_component(
    kubeconfig: str, scope: Scope, tmp_path: Path, overlay: str, components: tuple[str, ...]
) -> None:
    """As a dry run: everything is checked that a server checks, in a namespace that is there."""
    folder = kustomization(
        tmp_path / "it",
        namespace=scope.namespace,
        resources=[MANIFESTS / "overlays" / overlay],
        components=[MANIFESTS / "components" / each for each in components],
    )
    told = await Kubectl(kubeconfig)("apply", "-k", str(folder), "--dry-run=server")
    assert "statefulset" in told if overlay == "single" else "deployment" in told
    assert ("ingress" in told) == ("http" in components)
    assert told.count("validatingadmissionpolicybinding") == 3


async def test_the_example_is_whole(kubeconfig: str) -> None:
    """What an operator starts from can be built, and what it replaces is replaced everywhere."""
    made = await Kubectl(kubeconfig).build(MANIFESTS / "example")
    (pods,) = [each["spec"]["template"]["spec"] for each in made if each["kind"] == "StatefulSet"]
    (config,) = [each for each in made if each["kind"] == "ConfigMap"]
    assert pods["containers"][0]["image"] == f"registry.example.com/ragops:{version('ragops')}"
    assert {"name": "configuration", "configMap": {"name": config["metadata"]["name"]}} in pods["volumes"]
    assert config["data"]["ragops.toml"] == (MANIFESTS / "example" / "ragops.toml").read_text()
    places = {(each["kind"], each["metadata"].get("namespace", "")) for each in made}
    assert ("Role", "rag-engine") in places
    assert ("RoleBinding", "rag-engine") in places
    assert ("StatefulSet", "ragops") in places


async def test_over_http_those_who_talk_with_slack_have_the_signing_secret_in_place_of_the_token(
    kubeconfig: str, tmp_path: Path
) -> None:
    """And nobody else has it."""
    folder = kustomization(
        tmp_path / "it", resources=[MANIFESTS / "overlays" / "ha"], components=[MANIFESTS / "components" / "http"]
    )
    made = await Kubectl(kubeconfig).build(folder)
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in made if each["kind"] == "Deployment"}
    names = {
        name: {each["name"] for each in template["spec"]["containers"][0]["env"]} for name, template in pods.items()
    }
    assert "SLACK_SIGNING_SECRET" in names["ragops-chat"]
    assert "SLACK_APP_TOKEN" not in names["ragops-chat"]
    assert not {"SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"} & names["ragops-worker"]
    (service,) = [each for each in made if each["kind"] == "Service"]
    wanted = service["spec"]["selector"].items()
    assert [name for name, template in pods.items() if wanted <= template["metadata"]["labels"].items()] == [
        "ragops-chat"
    ]


def _blocks(heading: str) -> list[dict[str, Any]]:
    """Return the YAML blocks that stand below a heading of the page."""
    section = PAGE.read_text().split(f"### {heading}\n")[1].split("\n### ")[0]
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]


async def test_what_the_page_says_about_changes_does_what_it_says(
    kubeconfig: str, scope: Scope, tmp_path: Path
) -> None:
    """The rights for single workloads, and the repositories of the guard; and a server takes both."""
    of_namespace, of_cluster = _blocks("Let it change something")
    components = [MANIFESTS / "components" / Path(each).name for each in of_namespace.pop("components")]
    watched = kustomization(tmp_path / "watched", components=components, namespace=scope.namespace, **of_namespace)
    bot = kustomization(
        tmp_path / "bot", resources=[MANIFESTS / "overlays" / "ha"], namespace=scope.namespace, **of_cluster
    )
    kubectl = Kubectl(kubeconfig)
    roles = {each["metadata"]["name"]: each["rules"] for each in await kubectl.build(watched) if each["kind"] == "Role"}
    named = [rule for rule in roles["ragops-changes"] if "resourceNames" in rule]
    assert [(rule["verbs"], rule["resourceNames"]) for rule in named] == [
        (["get", "patch"], ["rag-engine-api", "rag-engine-worker"]),
        (["get", "patch"], ["rag-engine-api-hpa"]),
    ]
    variables = [
        each["spec"]["variables"]
        for each in await kubectl.build(bot)
        if (each["kind"], each["metadata"]["name"]) == ("ValidatingAdmissionPolicy", "ragops-workloads")
    ]
    assert variables[0][0] == {
        "name": "repositories",
        "expression": "['registry.example.com/rag-engine', 'registry.example.com/team/']",
    }
    for folder in (watched, bot):
        await kubectl("apply", "-k", str(folder), "--dry-run=server")
