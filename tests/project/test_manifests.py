"""What the manifests and the Containerfile must hold to, whoever changes them: read as files, without any cluster."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import handlers
from bot.alertmanager.payload import MOST_ALERTS
from bot.alertmanager.server import PATH
from bot.configuration import read_configuration
from bot.registry import discover
from bot.settings import KEYS
from tests.support.containerfile import BUILD_TOOLS, CONTAINERFILE, USER, read
from tests.support.granted import MANIFESTS, documents

ROOT = CONTAINERFILE.parent
WORKLOADS = {
    "all": "overlays/single/statefulset.yaml",
    "chat": "overlays/ha/chat.yaml",
    "worker": "overlays/ha/worker.yaml",
}
each_workload = pytest.mark.parametrize("role", WORKLOADS)


def workload(role: str) -> dict[str, Any]:
    (found,) = documents(WORKLOADS[role])
    return found


def pod_of(role: str) -> dict[str, Any]:
    return dict(workload(role)["spec"]["template"]["spec"])


def environment_of(role: str) -> dict[str, dict[str, Any]]:
    (container,) = pod_of(role)["containers"]
    return {each["name"]: each for each in container["env"]}


@each_workload
def test_a_pod_is_as_the_restricted_standard_demands_and_cannot_write_its_image(role: str) -> None:
    pod = pod_of(role)
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")} == {
        "/tmp",  # noqa: S108  # a mount of a pod
        "/var/lib/ragops",
    }


@each_workload
def test_a_pod_is_asked_for_its_health_where_it_serves_it(role: str) -> None:
    (container,) = pod_of(role)["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    asked = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
    assert environment_of(role)["RAGOPS_LISTEN"]["value"] == f"0.0.0.0:{ports['health']}"
    assert {each["port"] for each in asked.values()} == {"health"}
    assert {probe: each["path"] for probe, each in asked.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/readyz",
    }


@each_workload
def test_a_pod_has_bounds_time_to_end_and_the_account_of_its_role(role: str) -> None:
    pod = pod_of(role)
    (container,) = pod["containers"]
    assert set(container["resources"]) == {"requests", "limits"}
    assert container["resources"]["limits"].keys() == {"memory"}
    assert pod["terminationGracePeriodSeconds"] >= 30
    assert container["args"] == ["run", "--role", role]
    assert pod["serviceAccountName"] == ("ragops-chat" if role == "chat" else "ragops-worker")
    assert pod["automountServiceAccountToken"] is True
    assert pod["enableServiceLinks"] is False


def test_an_account_has_its_token_only_where_a_pod_asks_for_it() -> None:
    accounts = documents("base/accounts.yaml")
    assert [each["metadata"]["name"] for each in accounts] == ["ragops-chat", "ragops-worker"]
    assert not any(each["automountServiceAccountToken"] for each in accounts)


def test_each_role_gets_the_secrets_that_it_needs_and_no_others() -> None:
    got = {role: {name for name, each in environment_of(role).items() if "valueFrom" in each} for role in WORKLOADS}
    assert got == {
        "all": {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"},
        "chat": {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "DATABASE_URL", "REDIS_URL"},
        "worker": {"SLACK_BOT_TOKEN", "DATABASE_URL", "REDIS_URL"},
    }


@each_workload
def test_every_variable_is_one_that_ragops_reads(role: str) -> None:
    assert set(environment_of(role)) <= set(KEYS)


def test_one_pod_alone_holds_the_embedded_database() -> None:
    single = workload("all")
    assert (single["kind"], single["spec"]["replicas"]) == ("StatefulSet", 1)
    (claim,) = single["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert pod_of("all")["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


@pytest.mark.parametrize("role", ["chat", "worker"])
def test_a_rollout_and_a_drained_node_leave_a_replica_of_each_role(role: str) -> None:
    spec = workload(role)["spec"]
    budgets = {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]: each["spec"] for each in BUDGETS}
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert budgets[role]["maxUnavailable"] == 1
    assert {each["topologyKey"] for each in pod_of(role)["topologySpreadConstraints"]} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }


BUDGETS = documents("overlays/ha/disruption.yaml")


def receiver(component: str) -> dict[str, Any]:
    """Return what a component adds to the pods that receive something."""
    (patch,) = documents(f"components/{component}/receiver.yaml")
    return dict(patch["spec"]["template"]["spec"])


@pytest.mark.parametrize("component", ["http", "alertmanager"])
def test_what_a_component_lets_in_arrives_where_it_is_heard(component: str) -> None:
    """The Service and the network policy find the pods and the port; every variable is one that ragops reads."""
    (patch,) = documents(f"components/{component}/receiver.yaml")
    (service,) = documents(f"components/{component}/service.yaml")
    (policy,) = documents(f"components/{component}/network.yaml")
    labels = {
        **workload("chat")["spec"]["template"]["metadata"]["labels"],
        **patch["spec"]["template"]["metadata"]["labels"],
    }
    (container,) = receiver(component)["containers"]
    (port,) = container["ports"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["ports"][0]["targetPort"] == policy["spec"]["ingress"][0]["ports"][0]["port"] == port["name"]
    variables = {each["name"]: each for each in container["env"]}
    assert set(variables) <= set(KEYS)
    assert [each["value"] for each in variables.values() if "value" in each] == [f"0.0.0.0:{port['containerPort']}"]


def test_the_page_about_alertmanager_names_the_service_and_the_path() -> None:
    (service,) = documents("components/alertmanager/service.yaml")
    (port,) = service["spec"]["ports"]
    url = f"http://{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{port['port']}{PATH}"
    page = (ROOT / "docs" / "how-to" / "alertmanager.md").read_text()
    (receivers,) = [
        read["receivers"]
        for read in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
        if "receivers" in read
    ]
    (config,) = receivers[0]["webhook_configs"]
    assert config["url"] == url
    assert config["max_alerts"] <= MOST_ALERTS
    assert config["http_config"]["authorization"]["type"] == "Bearer"


@each_workload
def test_what_selects_pods_finds_them(role: str) -> None:
    """Network policies, disruption budgets, and the workload itself."""
    labels = workload(role)["spec"]["template"]["metadata"]["labels"]
    policies = [*documents("base/network.yaml"), *documents("overlays/ha/network.yaml")]
    for policy in policies:
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert workload(role)["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_no_manifest_holds_a_secret() -> None:
    kinds = [each["kind"] for path in MANIFESTS.rglob("*.yaml") for each in documents(str(path.relative_to(MANIFESTS)))]
    assert "Secret" not in kinds
    lines = (MANIFESTS / "secret.example.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(values.values()) == {""}
    asked = {name for role in WORKLOADS for name, each in environment_of(role).items() if "valueFrom" in each}
    assert set(values) == asked | {"SLACK_SIGNING_SECRET", "RAGOPS_ALERTS_TOKEN"}


@pytest.mark.parametrize("file", ["base/ragops.toml", "example/ragops.toml"])
def test_an_example_of_ragops_toml_is_one_that_ragops_takes(file: str) -> None:
    configuration = read_configuration(MANIFESTS / file, verbs=[action.name for action in discover(handlers).all()])
    (cluster,) = configuration.clusters.values()
    assert cluster.in_cluster
    assert cluster.namespaces == ("rag-engine",)


def test_every_file_of_a_kustomization_is_there() -> None:
    for path in MANIFESTS.rglob("kustomization.yaml"):
        content = yaml.safe_load(path.read_text())
        named = [*content.get("resources", ()), *content.get("components", ())]
        named += [patch["path"] for patch in content.get("patches", ()) if "path" in patch]
        named += [
            file.rpartition("=")[2] for each in content.get("configMapGenerator", ()) for file in each.get("files", ())
        ]
        for name in named:
            assert (path.parent / name).exists(), f"{path}: {name}"


def test_every_folder_is_explained_in_the_overview() -> None:
    overview = (MANIFESTS / "README.md").read_text()
    folders = {path.parent.relative_to(MANIFESTS) for path in MANIFESTS.rglob("kustomization.yaml")}
    assert {str(folder) for folder in folders if folder.parts[:1] != ("example",) or len(folder.parts) == 1} == set(
        re.findall(r"^\| `([\w/-]+)` \|", overview, re.MULTILINE)
    )


def test_the_image_copies_what_the_project_is_made_of_and_nothing_that_is_not_there() -> None:
    _, (build, _) = read()
    copied = {source.rstrip("/") for each in build.of("COPY") for source in each.copied[0]}
    assert all((ROOT / source).exists() for source in copied)
    packages = set(re.findall(r'"(\w+)\*"', (ROOT / "pyproject.toml").read_text().split("packages.find")[1]))
    assert copied == packages | {"requirements.lock", "pyproject.toml", "README.md", "LICENSE"}


def test_nothing_but_what_is_copied_is_sent_to_the_builder() -> None:
    _, (build, _) = read()
    rules = [line for line in (ROOT / ".containerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert kept == {source.rstrip("/") for each in build.of("COPY") for source in each.copied[0]}
    assert any(fnmatch.fnmatch("bot/__pycache__", rule) for rule in rules[1:] if not rule.startswith("!"))


def test_what_is_installed_is_pinned_with_its_hash_and_nothing_is_built_from_source() -> None:
    _, (build, _) = read()
    installs = [each.words for each in build.of("RUN") if " install " in each.words]
    assert len(installs) == 2
    assert "--require-hashes -r requirements.lock" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert all("--no-deps" in each for each in installs)


def test_the_image_runs_ragops_as_an_account_without_rights_and_without_tools() -> None:
    arguments, (build, final) = read()
    assert arguments == {"PYTHON": "python:3.11-slim"}
    assert build.image == final.image == "${PYTHON}"
    assert [each.words for each in final.of("USER")] == [f"{USER}:{USER}"]
    assert final.of("ENTRYPOINT")[0].words == '["ragops"]'
    (run,) = final.of("RUN")
    removed = run.words.split("pip uninstall")[1]
    assert all(tool in removed for tool in BUILD_TOOLS)
    assert f"useradd --uid {USER}" in run.words
    (copied,) = final.of("COPY")
    assert copied.words == f"--from={build.name} /opt/ragops /opt/ragops"


def test_the_image_and_the_manifests_agree() -> None:
    """On the folder for data, and on the ports."""
    _, (_, final) = read()
    (variables,) = final.of("ENV")
    data = environment_of("all")["RAGOPS_DATA"]["value"]
    assert f"RAGOPS_DATA={data}" in variables.words
    (exposed,) = final.of("EXPOSE")
    added = [receiver(each)["containers"][0]["ports"] for each in ("http", "alertmanager")]
    ports = [port for each in (pod_of("chat")["containers"][0]["ports"], *added) for port in each]
    assert exposed.words.split() == [str(port["containerPort"]) for port in ports]


def test_the_image_names_no_registry() -> None:
    """It can be built behind any mirror."""
    text = "\n".join(line for line in Path(CONTAINERFILE).read_text().splitlines() if not line.startswith("#"))
    assert not re.findall(r"https?://|[a-z0-9-]+\.(?:io|org|com)\b", text)
