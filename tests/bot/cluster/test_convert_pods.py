"""What a pod asks for, names and may run on becomes part of its record; no value of any variable does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster.resources import RESOURCES
from bot.domain.objects import NodeRequirement, Pod, Port, Probe, Reference, Role, Toleration, Volume
from bot.domain.snapshot import Part

RECORDED = json.loads((Path(__file__).parents[2] / "fixtures" / "cluster" / "pods.json").read_bytes())["items"]


def converted(item: dict[str, Any]) -> Pod:
    resource = RESOURCES[Part.PODS]
    pod: Pod = resource.convert(resource.one.decode(json.dumps(item).encode()))
    return pod


def pod(spec: dict[str, Any], status: dict[str, Any] | None = None) -> Pod:
    item = {"metadata": {"name": "web-0", "namespace": "shop", "uid": "u"}, "spec": spec, "status": status or {}}
    return converted(item)


def container(**said: Any) -> Any:
    [one] = pod({"containers": [{"name": "main", **said}]}).containers
    return one


@pytest.mark.parametrize("item", RECORDED, ids=[item["metadata"]["name"] for item in RECORDED])
def test_every_recorded_pod_keeps_what_it_asks_for(item: dict[str, Any]) -> None:
    """Ports, commands, images, references, volumes and the rest are those of the recording."""
    spec, status, made = item["spec"], item["status"], converted(item)
    specs = [*spec.get("initContainers", []), *spec["containers"]]
    statuses = {s["name"]: s for key in ("initContainerStatuses", "containerStatuses") for s in status.get(key, ())}
    for said, one in zip(specs, made.containers, strict=True):
        assert [port.number for port in one.ports] == [port["containerPort"] for port in said.get("ports", ())]
        assert one.command == (*said.get("command", ()), *said.get("args", ()))
        assert one.image_id == statuses.get(one.name, {}).get("imageID", "")
        assert len(one.references) == len(
            [v for v in said.get("env", ()) if {"configMapKeyRef", "secretKeyRef"} & set(v.get("valueFrom", {}))]
        ) + len(said.get("envFrom", ()))
    assert {volume.name for volume in made.volumes} == {volume["name"] for volume in spec["volumes"]}
    assert len(made.tolerations) == len(spec["tolerations"])
    assert dict(made.node_selector) == spec.get("nodeSelector", {})
    assert (made.restart_policy, made.service_account) == (spec["restartPolicy"], spec["serviceAccountName"])


def test_ports_keep_their_names_and_those_of_the_node() -> None:
    """A port that is taken on the node is a reason why a pod is not scheduled."""
    ports = [{"containerPort": 80, "name": "web", "hostPort": 8080}, {"containerPort": 53, "protocol": "UDP"}]
    assert container(ports=ports).ports == (Port(80, "web", "TCP", 8080), Port(53, "", "UDP"))


def test_what_the_environment_names_is_known_by_name_alone() -> None:
    """Keys of config maps and secrets, whole ones, whether they may be missing; values are not read."""
    one = container(
        env=[
            {"name": "MODE", "value": "s3cret-value"},
            {"name": "URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}},
            {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "k", "optional": True}}},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        envFrom=[{"configMapRef": {"name": "all"}}, {"prefix": "X_", "secretRef": {"name": "more", "optional": True}}],
    )
    assert one.env_names == ("MODE", "URL", "K", "POD")
    assert one.references == (
        Reference("Secret", "db", "url", "URL"),
        Reference("ConfigMap", "settings", "k", "K", optional=True),
        Reference("ConfigMap", "all"),
        Reference("Secret", "more", optional=True),
    )
    assert "s3cret-value" not in repr(one)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (
            {"httpGet": {"port": "web", "path": "/h", "scheme": "HTTPS"}, "timeoutSeconds": 3},
            Probe("GET :web/h (https)", timeout_s=3, kind="http", port="web", path="/h"),
        ),
        ({"httpGet": {"port": 80}}, Probe("GET :80/", kind="http", port="80", path="/")),
        ({"tcpSocket": {"port": 5432}}, Probe("tcp :5432", kind="tcp", port="5432")),
        ({"grpc": {"port": 9}}, Probe("grpc :9", kind="grpc", port="9")),
        ({"exec": {"command": ["x"]}}, Probe("exec", kind="exec")),
    ],
    ids=["https", "http", "tcp", "grpc", "exec"],
)
def test_a_probe_has_its_kind_port_and_path(probe: dict[str, Any], expected: Probe) -> None:
    """Beside the words that people read."""
    assert container(startupProbe=probe).startup == expected


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["run", "--workers", "4"], ("run", "--workers", "4")),
        (["sh", "-c", "echo a b"], ("sh", "-c", "echo a b")),
        (["run", "--password=hunter22"], ("run", "--password=[masked]")),
    ],
    ids=["plain", "words with spaces", "a secret"],
)
def test_a_command_is_told_with_its_arguments_and_without_its_secrets(said: list[str], told: tuple[str, ...]) -> None:
    """Entry point and arguments together are what runs."""
    assert container(command=said[:1], args=said[1:]).command == told


def test_where_a_pod_may_run() -> None:
    """Selector, required terms (of fields too), tolerations, gates; what is only preferred is no requirement."""
    terms = [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]},
    ]
    affinity = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms},
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}],
    }
    made = pod(
        {
            "containers": [{"name": "main"}],
            "nodeSelector": {"disk": "ssd"},
            "affinity": {"nodeAffinity": affinity, "podAntiAffinity": {}},
            "tolerations": [{"key": "gpu", "operator": "Exists"}, {"operator": "Exists"}, {"key": "a", "value": "b"}],
            "schedulingGates": [{"name": "quota"}],
            "readinessGates": [{"conditionType": "lb/ready"}],
            "hostNetwork": True,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 60,
        },
        {"nominatedNodeName": "node-2"},
    )
    assert dict(made.node_selector) == {"disk": "ssd"}
    assert made.node_terms == (
        (NodeRequirement("zone", "In", ("a", "b")),),
        (NodeRequirement("metadata.name", "In", ("node-1",)),),
    )
    assert made.tolerations == (Toleration("gpu", "Exists"), Toleration("", "Exists"), Toleration("a", "Equal", "b"))
    assert (made.scheduling_gates, made.readiness_gates) == (("quota",), ("lb/ready",))
    assert (made.host_network, made.restart_policy) == (True, "Never")
    assert (made.deadline_s, made.nominated_node) == (60, "node-2")


@pytest.mark.parametrize(
    ("source", "volumes"),
    [
        ({"persistentVolumeClaim": {"claimName": "data-0"}}, [("PersistentVolumeClaim", "data-0", False)]),
        ({"ephemeral": {"volumeClaimTemplate": {}}}, [("PersistentVolumeClaim", "web-0-v", False)]),
        ({"configMap": {"name": "conf", "optional": True}}, [("ConfigMap", "conf", True)]),
        ({"secret": {"secretName": "tls"}}, [("Secret", "tls", False)]),
        (
            {
                "projected": {
                    "sources": [{"serviceAccountToken": {}}, {"configMap": {"name": "ca"}}, {"secret": {"name": "s"}}]
                }
            },
            [("ConfigMap", "ca", False), ("Secret", "s", False)],
        ),
        ({"projected": {"sources": [{"serviceAccountToken": {}}]}}, [("Projected", "", False)]),
        ({"emptyDir": {}}, [("EmptyDir", "", False)]),
        ({"hostPath": {"path": "/var"}}, [("HostPath", "", False)]),
        ({"csi": {"driver": "x"}}, [("CSI", "", False)]),
        ({"iscsi": {"iqn": "x"}}, [("other", "", False)]),
    ],
    ids=lambda said: next(iter(said)) if isinstance(said, dict) else "",
)
def test_a_volume_has_a_kind_and_the_name_it_needs(
    source: dict[str, Any], volumes: list[tuple[str, str, bool]]
) -> None:
    """A missing claim, config map or secret holds a pod back."""
    made = pod({"containers": [{"name": "main"}], "volumes": [{"name": "v", **source}]})
    assert made.volumes == tuple(Volume("v", kind, name, optional=optional) for kind, name, optional in volumes)


def test_pods_of_one_template_share_what_they_have_in_common() -> None:
    """Thousands of pods cost little memory."""
    said = {"name": "main", "image": "app:1", "ports": [{"containerPort": 80}], "env": [{"name": "A"}]}
    item = {
        "metadata": {"name": "a", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [said], "tolerations": [{"key": "x"}], "nodeName": "node-1"},
    }
    one, other = converted(item), converted({**item, "metadata": {**item["metadata"], "name": "b"}})
    assert one.meta.labels is other.meta.labels
    assert one.tolerations is other.tolerations
    assert one.node is other.node
    for field in ("image", "ports", "env_names", "references", "command"):
        assert getattr(one.containers[0], field) is getattr(other.containers[0], field)


NAMES = st.text("ab-", min_size=1, max_size=4)
MAYBE = st.one_of(st.none(), st.booleans())


@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": NAMES},
            optional={
                "restartPolicy": st.sampled_from(["Always", "OnFailure", None]),
                "env": st.none() | st.lists(st.fixed_dictionaries({"name": NAMES}, optional={"value": NAMES})),
                "envFrom": st.none()
                | st.lists(
                    st.fixed_dictionaries(
                        {}, optional={"secretRef": st.fixed_dictionaries({"name": NAMES, "optional": MAYBE})}
                    )
                ),
                "ports": st.none() | st.lists(st.fixed_dictionaries({"containerPort": st.integers(1, 65535)})),
                "command": st.none() | st.lists(st.text(max_size=8)),
                "resources": st.fixed_dictionaries(
                    {},
                    optional={
                        "requests": st.none() | st.dictionaries(st.sampled_from(["cpu", "memory", "gpu"]), NAMES)
                    },
                ),
            },
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_any_containers_are_converted_one_to_one(specs: list[dict[str, Any]], initial: bool) -> None:
    """In their order, each with its role, whatever is absent, null or unreadable."""
    made = pod({"initContainers" if initial else "containers": specs})
    assert [one.name for one in made.containers] == [said["name"] for said in specs]
    for said, one in zip(specs, made.containers, strict=True):
        is_sidecar = said.get("restartPolicy") == "Always"
        assert one.role is (Role.REGULAR if not initial else Role.SIDECAR if is_sidecar else Role.INIT)
        assert len(one.env_names) == len(said.get("env") or ())
        assert len(one.ports) == len(said.get("ports") or ())
