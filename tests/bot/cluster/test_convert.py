"""What the API sent becomes records: held against recordings of a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster.resources import PAGES, RESOURCES
from bot.cluster.times import parse_time
from bot.cluster.words import LONGEST, words
from bot.domain.objects import Pod, Role, Running, Terminated, Waiting
from bot.domain.snapshot import Part

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "cluster"
FILES = {
    Part.PODS: "pods",
    Part.DEPLOYMENTS: "deployments",
    Part.REPLICA_SETS: "replicasets",
    Part.EVENTS: "events",
    Part.SERVICES: "services",
    Part.ENDPOINT_SLICES: "endpointslices",
    Part.AUTOSCALERS: "horizontalpodautoscalers",
    Part.JOBS: "jobs",
    Part.CLAIMS: "persistentvolumeclaims",
    Part.NODES: "nodes",
    Part.POD_METRICS: "metrics-pods",
    Part.NODE_METRICS: "metrics-nodes",
}


def raw(part: Part) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads((RECORDINGS / f"{FILES[part]}.json").read_bytes())["items"]
    return items


def records(part: Part) -> list[Any]:
    body = (RECORDINGS / f"{FILES[part]}.json").read_bytes()
    resource = RESOURCES[part]
    return [resource.convert(resource.one.decode(item)) for item in PAGES.decode(body).items or ()]


def one(part: Part, item: dict[str, Any]) -> Any:
    return RESOURCES[part].convert(RESOURCES[part].one.decode(json.dumps(item).encode()))


def named(part: Part, prefix: str) -> Any:
    return next(record for record in records(part) if record.meta.name.startswith(prefix))


PODS = list(zip(raw(Part.PODS), records(Part.PODS), strict=True))


@pytest.mark.parametrize(("sent", "pod"), PODS, ids=[sent["metadata"]["name"] for sent, _ in PODS])
def test_every_recorded_pod_keeps_what_it_says(sent: dict[str, Any], pod: Pod) -> None:
    """Names, owners, phases, conditions, counts and states are those of the recording."""
    status, spec = sent["status"], sent["spec"]
    statuses = {s["name"]: s for key in ("initContainerStatuses", "containerStatuses") for s in status.get(key, ())}
    assert pod.meta.name == sent["metadata"]["name"]
    assert dict(pod.meta.labels) == sent["metadata"]["labels"]
    assert pod.meta.owner is not None
    assert pod.meta.owner.uid == sent["metadata"]["ownerReferences"][0]["uid"]
    assert (pod.phase, pod.node) == (status["phase"], spec.get("nodeName", ""))
    assert [(c.type, c.status) for c in pod.conditions] == [(c["type"], c["status"]) for c in status["conditions"]]
    assert [c.name for c in pod.containers] == [
        c["name"] for c in (*spec.get("initContainers", ()), *spec["containers"])
    ]
    for container in pod.containers:
        said = statuses.get(container.name)
        if said is None:
            assert container.state is None
            continue
        assert container.restart_count == said["restartCount"]
        assert container.ready == said["ready"]
        [(kind, state)] = said["state"].items()
        assert isinstance(container.state, {"waiting": Waiting, "running": Running, "terminated": Terminated}[kind])
        if isinstance(container.state, Waiting | Terminated):
            assert container.state.reason == state.get("reason", "")
        last = said["lastState"].get("terminated")
        assert (container.last_state and container.last_state.exit_code) == (last and last["exitCode"])


def test_a_killed_container_tells_how_it_ended() -> None:
    """Exit code, reason, times, limit and environment names of the out-of-memory pod."""
    [container] = named(Part.PODS, "worker-oom").containers
    assert container.last_state.reason == "OOMKilled"
    assert container.last_state.exit_code == 137
    assert container.last_state.finished_at >= container.last_state.started_at
    assert container.memory_limit == 64 * 1024**2
    assert container.cpu_request_m == 10
    assert container.cpu_limit_m is None
    assert container.env_names == ("MODE",)


def test_a_start_that_failed_has_no_start_time() -> None:
    """The kubelet reports the year 1970; that is no time."""
    [container] = named(Part.PODS, "bad-command").containers
    assert container.last_state.reason == "StartError"
    assert container.last_state.started_at is None


def test_probes_become_words() -> None:
    """A person reads what is asked, not a structure."""
    [container] = named(Part.PODS, "liveness-loop").containers
    assert container.liveness is not None
    assert container.liveness.target.startswith("GET :8080/")


def test_init_containers_come_first() -> None:
    """The first container that failed stands where it ran."""
    roles = [container.role for container in named(Part.PODS, "init-crash").containers]
    assert roles == [Role.INIT, Role.REGULAR]


def test_deployments_keep_revision_selector_and_template() -> None:
    """What a rollback compares: revision, images, names of variables; no value of any variable."""
    deployment = named(Part.DEPLOYMENTS, "rag-engine-api")
    assert deployment.revision == 3
    assert deployment.kind == "Deployment"
    assert (deployment.desired, deployment.updated, deployment.ready) == (3, 1, 3)
    assert dict(deployment.selector) == {"app": "rag-engine-api"}
    assert deployment.containers[0].image.startswith("docker.io/")
    assert deployment.condition("Progressing").reason == "ProgressDeadlineExceeded"
    revisions = sorted(r.revision for r in records(Part.REPLICA_SETS) if r.meta.owner.name == "rag-engine-api")
    assert revisions == [1, 2, 3]


def test_no_value_of_a_variable_becomes_part_of_a_record() -> None:
    """The password in the recorded pod templates is nowhere."""
    assert "s3cret" in (RECORDINGS / "deployments.json").read_text() + (RECORDINGS / "pods.json").read_text()
    assert "s3cret" not in repr([records(part) for part in FILES])


EVENTS = list(zip(raw(Part.EVENTS), records(Part.EVENTS), strict=True))


def test_every_recorded_event_has_its_true_time_and_a_count() -> None:
    """Both styles: the kubelet's timestamps, the scheduler's series."""
    assert len(EVENTS) == 149
    for sent, event in EVENTS:
        series = sent.get("series") or {}
        at = series.get("lastObservedTime") or sent["lastTimestamp"] or sent["eventTime"]
        assert event.at == parse_time(at)
        assert event.count == series.get("count", sent.get("count", 1))
        assert event.about_uid == sent["involvedObject"]["uid"]
        assert event.source


def test_an_event_names_its_container() -> None:
    """The field path of a pod's event holds it."""
    containers = {event.container for sent, event in EVENTS if "{" in sent["involvedObject"].get("fieldPath", "")}
    assert containers
    assert "" not in containers


def test_services_slices_autoscalers_claims_nodes_and_jobs() -> None:
    """One look at each of the small ones."""
    service = named(Part.SERVICES, "wrong-port")
    assert (service.ports[0].port, service.ports[0].target) == (80, "9999")
    slices = {s.service: s for s in records(Part.ENDPOINT_SLICES)}
    assert slices["wrong-selector"].endpoints == ()
    assert [e.ready for e in slices["rag-engine-api"].endpoints] == [True, True, True, False]
    assert slices["rag-engine-api"].endpoints[3].pod == "rag-engine-api-5bcfd79464-5mfl8"
    [autoscaler] = records(Part.AUTOSCALERS)
    assert (autoscaler.target_name, autoscaler.minimum, autoscaler.maximum) == ("rag-engine-api", 3, 6)
    [claim] = records(Part.CLAIMS)
    assert (claim.phase, claim.storage_class, claim.requested) == ("Pending", "missing", 1024**3)
    [node] = records(Part.NODES)
    assert (node.cpu_allocatable_m, node.memory_allocatable) == (2000, 24581696 * 1024)
    [job] = records(Part.JOBS)
    assert (job.failed, job.backoff_limit, job.conditions[-1].reason) == (2, 1, "BackoffLimitExceeded")


def meta(name: str = "x", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "uid": "u", **more}}


def test_sidecars_are_told_from_init_containers() -> None:
    """An init container that always restarts is a sidecar; its ready state counts."""
    pod = one(
        Part.PODS,
        {
            **meta(),
            "spec": {
                "initContainers": [{"name": "mesh", "restartPolicy": "Always"}, {"name": "migrate"}],
                "containers": [{"name": "main"}],
            },
            "status": {"initContainerStatuses": [{"name": "mesh", "ready": True, "started": True, "restartCount": 2}]},
        },
    )
    assert [c.role for c in pod.containers] == [Role.SIDECAR, Role.INIT, Role.REGULAR]
    assert pod.containers[0].ready
    assert pod.restarts == 2


def test_a_daemon_set_wants_what_is_scheduled() -> None:
    """It has no replicas; the scheduler's numbers stand for them."""
    daemon_set = one(
        Part.DAEMON_SETS,
        {
            **meta(),
            "spec": {"selector": {"matchLabels": {"app": "agent"}}},
            "status": {
                "desiredNumberScheduled": 5,
                "updatedNumberScheduled": 4,
                "numberReady": 3,
                "numberAvailable": 2,
            },
        },
    )
    assert (daemon_set.kind, daemon_set.desired, daemon_set.updated) == ("DaemonSet", 5, 4)
    assert (daemon_set.ready, daemon_set.available) == (3, 2)


def test_a_stateful_set_without_replicas_wants_one() -> None:
    """The API's default; revisions tell whether pods are left behind."""
    stateful_set = one(Part.STATEFUL_SETS, {**meta(), "spec": {}, "status": {"updateRevision": "b"}})
    assert (stateful_set.kind, stateful_set.desired, stateful_set.update_revision) == ("StatefulSet", 1, "b")


@pytest.mark.parametrize(
    ("probe", "words_"),
    [
        ({"httpGet": {"port": "web", "scheme": "HTTPS"}}, "GET :web/ (https)"),
        ({"httpGet": {"port": 80, "path": "/h?token=abcdefgh"}}, "GET :80/h?token=[masked]"),
        ({"tcpSocket": {"port": 5432}}, "tcp :5432"),
        ({"grpc": {"port": 9, "service": ""}}, "grpc :9"),
        ({"exec": {"command": ["pg_isready", "-p", "secret"]}}, "exec"),
    ],
    ids=["https", "secret in the path", "tcp", "grpc", "exec"],
)
def test_each_kind_of_probe_has_its_words(probe: dict[str, Any], words_: str) -> None:
    """A command's words are not shown, a path's secrets are masked."""
    spec = {"containers": [{"name": "main", "readinessProbe": probe}]}
    assert one(Part.PODS, {**meta(), "spec": spec}).containers[0].readiness.target == words_


def test_nulls_and_unreadable_amounts_cost_only_themselves() -> None:
    """Lists may be null, and an amount that is none is not known."""
    resources = {"requests": {"cpu": "lots", "memory": 1024}, "limits": None}
    pod = one(
        Part.PODS,
        {
            **meta(labels=None, ownerReferences=None),
            "spec": {"containers": [{"name": "main", "env": None, "resources": resources}], "initContainers": None},
            "status": {"conditions": None, "containerStatuses": None},
        },
    )
    assert pod.containers[0].cpu_request_m is None
    assert pod.containers[0].memory_request == 1024
    assert one(Part.ENDPOINT_SLICES, {**meta(), "endpoints": None}).endpoints == ()


def test_an_endpoint_that_says_nothing_is_ready() -> None:
    """The API's rule for absent conditions."""
    [endpoint] = one(Part.ENDPOINT_SLICES, {**meta(), "endpoints": [{"addresses": ["1.2.3.4"]}]}).endpoints
    assert (endpoint.ready, endpoint.serving, endpoint.terminating) == (True, True, False)


def test_words_are_redacted_and_identifiers_are_only_cleaned() -> None:
    """A message loses its secret; an image called token keeps its tag; nothing steers a terminal."""
    pod = one(
        Part.PODS,
        {
            **meta(labels={"a": "b\u202e"}, annotations={"kubernetes.io/change-cause": "set env DB_PASSWORD=hunter22"}),
            "spec": {"containers": [{"name": "main", "image": "registry/token:1.2.3"}]},
            "status": {"phase": "Failed", "message": "\x1b[31mlogin with password=hunter22 failed"},
        },
    )
    assert pod.message == "login with password=[masked] failed"
    assert pod.meta.annotations["kubernetes.io/change-cause"] == "set env DB_PASSWORD=[masked]"
    assert pod.containers[0].image == "registry/token:1.2.3"
    assert pod.meta.labels["a"] == "b"


@given(st.text(max_size=50), st.integers(0, 3 * LONGEST))
def test_a_message_of_any_length_is_bounded(text: str, repeat: int) -> None:
    """No cluster text makes an answer of megabytes."""
    assert len(words(text + "x" * repeat)) <= LONGEST
