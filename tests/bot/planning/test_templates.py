"""Two templates side by side: what differs is told in words, by name where it is a value, and never left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.live import Json, template_digest
from bot.planning.templates import MOST, changes, content_digest, references
from tests.support.planned import json_container, json_template, released

RESTARTED = {"kubectl.kubernetes.io/restartedAt": "2026-11-24T14:12:05Z"}
SECRET = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}}
PROBE = {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 5, "timeoutSeconds": 1, "failureThreshold": 3}


def told(before: Json, after: Json) -> list[str]:
    """The differences in one line each."""
    return [f"{each.label}: {each.before or '-'} → {each.after or '-'}" for each in changes(before, after)]


def env(*variables: Json) -> dict[str, Any]:
    return released("app:v1", env=list(variables))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (released("r.example.com/a/app:v1"), released("r.example.com/a/app:v2"), "image: app:v1 → app:v2"),
        (released("a.example.com/app:v1"), released("b.example.com/app:v1"),
         "image: a.example.com/app:v1 → b.example.com/app:v1"),
        (released("a.example.com/app:v1"), released("b.example.com/app:v2"),
         "image: a.example.com/app:v1 → b.example.com/app:v2"),
        (released("App::"), released("app:v1"), "image: App:: → app:v1"),
        (env(), env(SECRET), "env DATABASE_URL: - → from secret db, key url"),
        (env({"name": "FEATURE_X", "value": "on"}), env(), "env FEATURE_X: value → -"),
        (env({"name": "A", "value": "1"}), env({"name": "A", "value": "2"}), "env A: value → another value"),
        (env({"name": "A", "value": "1"}), env({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}),
         "env A: value → from field status.podIP"),
        (env({"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}}),
         env({"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "b"}}}),
         "env A: from config map c, key a → from config map c, key b"),
        (env({"name": "A", "valueFrom": {"resourceFieldRef": {"containerName": "x", "resource": "limits.cpu"}}}), env(),
         "env A: from resource x, key limits.cpu → -"),
        (released("a:1"), released("a:1", envFrom=[{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}]),
         "variables from: - → secret s, config map c"),
        (released("a:1", resources={"limits": {"memory": "512Mi"}}),
         released("a:1", resources={"limits": {"memory": "1Gi"}}), "memory limit: 512Mi → 1Gi"),
        (released("a:1", resources={}), released("a:1", resources={"requests": {"cpu": "1"}}), "cpu request: - → 1"),
        (released("a:1", readinessProbe=PROBE), released("a:1", readinessProbe={**PROBE, "initialDelaySeconds": 9}),
         ("readiness probe: GET :8080/health every 5 s, 1 s to answer, 3 times → "
         "GET :8080/health every 5 s, 1 s to answer, 3 times, first after 9 s")),
        (released("a:1", livenessProbe={"tcpSocket": {"port": 1}}), released("a:1"),
         "liveness probe: tcp :1 every 10 s, 1 s to answer, 3 times → -"),
        (released("a:1"), released("a:1", startupProbe={"exec": {"command": ["x"]}}),
         "startup probe: - → a command every 10 s, 1 s to answer, 3 times"),
        (released("a:1"), released("a:1", startupProbe={"grpc": {"port": 9}}),
         "startup probe: - → grpc :9 every 10 s, 1 s to answer, 3 times"),
        (released("a:1"), released("a:1", ports=[{"containerPort": 80, "name": "web"}, {"containerPort": 9}]),
         "ports: - → web:80, 9"),
        (released("a:1", command=["run"]), released("a:1", command=["run", "--password", "hunter22"]),
         "command: run → run --password [masked]"),
        (released("a:1", args=["a"]), released("a:1", args=["b"]), "arguments: a → b"),
        (released("a:1", imagePullPolicy="Always"), released("a:1"), "imagePullPolicy: Always → -"),
        (released("a:1"), released("a:1", securityContext={"runAsUser": 1}), "securityContext: - → some"),
        (released("a:1", securityContext={"a": 1}), released("a:1", securityContext={"a": 2}),
         "securityContext: some → some, with other details"),
        (released("a:1", stdin=True), released("a:1", stdin=False), "stdin: true → false"),
    ],
)  # fmt: skip
def test_one_difference_is_told(before: Json, after: Json, words: str) -> None:
    assert told(before, after) == [words]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"serviceAccountName": "reader"}, "serviceAccountName: - → reader"),
        ({"nodeSelector": {"a": "b"}}, {}, "nodeSelector: some → -"),
        ({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
         {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, "volume v: secret s → config map c"),
        ({}, {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}, "volume v: - → claim data"),
        ({}, {"volumes": [{"name": "v", "emptyDir": {}}]}, "volume v: - → emptyDir"),
    ],
)  # fmt: skip
def test_a_difference_of_the_pod_is_told(before: dict[str, Any], after: dict[str, Any], words: str) -> None:
    assert told(json_template(**before), json_template(**after)) == [words]


def test_labels_and_annotations_are_told() -> None:
    """Values of annotations are not shown, and the mark of a restart is none of them."""
    before, after = json_template(annotations={"a": "secret"} | RESTARTED), json_template(annotations={"a": "other"})
    after["metadata"]["labels"] = {"app": "api", "tier": "web", "pod-template-hash": "x"}
    assert told(before, after) == ["label tier: - → web", "annotation a: value → value, with other details"]


def test_containers_that_come_and_go_are_named() -> None:
    """So is whose difference one is, where there are several."""
    before = json_template(json_container("a:1"), json_container("m:1", name="mesh"))
    after = json_template(json_container("a:2"), json_container("l:1", name="log"))
    assert told(before, after) == [
        "image of api: a:1 → a:2",
        "container mesh: m:1 → -",
        "container log: - → l:1",
    ]


def test_a_container_that_changes_sides_is_told() -> None:
    """From the regular ones to those that run before them."""
    one, two = json_container("a:1"), json_container("m:1", name="mesh")
    assert told(json_template(one, two), json_template(one, initContainers=[two])) == [
        "containers: api, mesh → api",
        "init containers: - → mesh",
    ]


def test_a_restart_and_an_order_are_told_when_nothing_else_differs() -> None:
    """Beside real differences they are no news."""
    one, two = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}
    assert told(json_template(), json_template(annotations=RESTARTED)) == [
        "restart: - → only the time of a restart by hand"
    ]
    assert told(env(one, two), env(two, one)) == ["order: - → only the order of some entries"]
    assert told(
        released("a:1"), {**released("a:2"), "metadata": {"labels": {"app": "api"}, "annotations": RESTARTED}}
    ) == ["image: a:1 → a:2"]


def test_equal_templates_have_no_difference() -> None:
    """A null is nothing, and neither is the controller's own label."""
    noisy = {"metadata": {"labels": {"app": "api", "pod-template-hash": "x"}, "creationTimestamp": None},
             "spec": json_template()["spec"]}  # fmt: skip
    assert told(json_template(), noisy) == []


def test_many_differences_are_counted() -> None:
    """Beyond the first the rest is counted; one more is simply shown."""

    def with_variables(number: int) -> dict[str, Any]:
        return env(*({"name": f"V{n:02}", "value": "x"} for n in range(number)))

    assert told(env(), with_variables(MOST + 1))[-1] == f"env V{MOST}: - → value"
    assert told(env(), with_variables(MOST + 5))[-1] == "more: - → 5 more differences"


HOSTILE = "a\u202e\x1b[31m`x` <!channel>"


def test_words_of_the_cluster_are_cleaned() -> None:
    """What could steer a terminal is gone from labels and values, whatever field they stand in."""
    after = json_template(json_container(HOSTILE, env=[{"name": HOSTILE}]), serviceAccountName=HOSTILE)
    shown = "".join(told(json_template(), after))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_secrets_in_variables_are_never_shown() -> None:
    """Whatever the variable is called."""
    shown = "".join(told(env(), env({"name": "LOG_LEVEL", "value": "s3cr3t"})))
    assert "s3cr3t" not in shown


VALUES = st.one_of(st.none(), st.booleans(), st.integers(2, 9), st.sampled_from(["a", "b"]))
FIELDS = st.dictionaries(
    st.sampled_from(["image", "command", "stdin", "lifecycle", "terminationMessagePath"]),
    st.one_of(VALUES, st.dictionaries(st.sampled_from(["x", "y"]), VALUES)),
    max_size=4,
)


@given(FIELDS, FIELDS)
def test_nothing_that_differs_goes_unsaid(one: dict[str, Any], other: dict[str, Any]) -> None:
    """There are differences exactly when the digests differ."""
    for fields in (one, other):
        fields["command"] = [str(fields["command"])] if "command" in fields else []
    before, after = (json_template({"name": "api", "image": "i", **fields}) for fields in (one, other))
    assert bool(changes(before, after)) == (template_digest(before) != template_digest(after))


def test_the_content_is_the_same_after_a_restart() -> None:
    """And only then: other annotations count."""
    assert content_digest(json_template()) == content_digest(json_template(annotations=RESTARTED))
    assert content_digest(json_template()) != content_digest(json_template(annotations={"a": "b"}))
    assert content_digest(json_template(annotations={"a": "b"})) != content_digest(
        json_template(annotations={"a": "c"})
    )
    both = json_template(annotations={"a": "b"} | RESTARTED)
    assert content_digest(both) == content_digest(json_template(annotations={"a": "b"}))


def test_what_variables_and_volumes_are_read_from_is_named_once() -> None:
    """Config maps and secrets are not rolled back with the template."""
    container = json_container(
        env=[SECRET, SECRET, {"name": "A", "value": "1"}], envFrom=[{"configMapRef": {"name": "c"}}]
    )
    template = json_template(container, volumes=[{"name": "v", "secret": {"secretName": "tls"}}, {"name": "e"}])
    assert references(template) == ("secret db", "config map c", "secret tls")
    hostile = json_template(json_container(envFrom=[{"secretRef": {"name": HOSTILE}}]))
    assert "\x1b" not in references(hostile)[0]
