"""The rights in manifests/kubernetes are those that ragops uses: no fewer, and no more.

What it uses was recorded: `tests/fixtures/cluster/requests.json`. Here everything is asked of the simulated cluster and
compared with the recording, so that a new read without its right fails; tests/cluster/test_rights.py does the same with
a real one. What the worker asks for to change something has a recording of its own (`changes.json`).
RAGOPS_TEST_RECORD=1 writes the recordings anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cluster import ClusterWrites, KubernetesHttp, open_connection
from bot.domain.live import MARKER
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import ClusterForbidden, WriteConflict, WriteRefused
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world import templates as make
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.support.all_changes import all_requests
from tests.support.all_extras import ask_for_the_rest
from tests.support.all_verbs import ask_nowhere, run_all, say_all, unlisted
from tests.support.clocks import WallClock
from tests.support.granted import (
    BACKUPS,
    CERTIFICATES,
    CHANGES,
    GUARD,
    MANIFESTS,
    NODES,
    OPEN_TO_ALL,
    READER,
    READING,
    RECORDING_OF_CHANGES,
    differences,
    documents,
    granted,
    recorded,
    recorded_changes,
    write_recording,
)
from tests.support.people import People
from tests.support.processes import environment, started
from tests.support.requests_seen import Need, Recorder, need_of, recording
from tests.support.sandboxed import NAMESPACE, NO_LIMIT, ragops_toml

READS = {"get", "list", "watch"}
# What lets an account become another, run what it likes, or read what must stay unread.
CHANGING = "ragops-changes"
NEVER = {"secrets", "pods/exec", "pods/attach", "pods/portforward", "nodes/proxy", "serviceaccounts/token", "*"}


@pytest.mark.parametrize(
    ("request_", "need"),
    [
        ("GET /api/v1/namespaces/a/pods", Need("list", "pods")),
        ("GET /api/v1/pods", Need("list", "pods", namespaced=False)),
        ("GET /api/v1/namespaces/a", Need("get", "namespaces", namespaced=False)),
        ("GET /api/v1/namespaces/a/pods/b/log", Need("get", "pods/log")),
        ("GET /apis/apps/v1/namespaces/a/deployments/b", Need("get", "deployments", "apps")),
        ("PATCH /apis/apps/v1/namespaces/a/deployments/b/scale", Need("patch", "deployments/scale", "apps")),
        ("DELETE /api/v1/namespaces/a/pods", Need("deletecollection", "pods")),
        ("POST /api/v1/namespaces/a/pods/b/eviction", Need("create", "pods/eviction")),
        ("GET /readyz", Need("get", "/readyz", namespaced=False)),
    ],
)
def test_a_request_needs_the_right_that_its_path_names(request_: str, need: Need) -> None:
    method, _, path = request_.partition(" ")
    assert need_of(method, path, {}) == need


def test_a_list_that_goes_on_is_a_watch() -> None:
    assert need_of("GET", "/api/v1/nodes", {"watch": "true"}) == Need("watch", "nodes", namespaced=False)


def test_the_manifests_grant_what_was_recorded_and_nothing_else() -> None:
    assert differences(recorded(), {need for file in READING for need in granted(file)}) == {}
    assert differences(recorded_changes(), granted(CHANGES)) == {}


def test_a_right_for_one_namespace_stands_in_a_role_and_one_for_the_cluster_in_a_cluster_role() -> None:
    assert all(need.namespaced for need in granted(READER) | granted(CERTIFICATES) | granted(CHANGES))
    assert not any(need.namespaced for need in granted(NODES) | granted(BACKUPS))


def test_of_a_node_its_statistics_are_read_and_nothing_by_which_it_can_be_told_to_do_something() -> None:
    """Kubelets are asked directly, so that nodes/proxy is not needed."""
    (role,) = [each for each in documents("components/kubelet-metrics/kubelet-metrics.yaml") if "rules" in each]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["nodes/stats"], "verbs": ["get"]}]


def test_one_role_lets_an_account_change_something_and_none_more_than_that() -> None:
    """Whatever lies in the folder: also what is opt-in, and what is added later."""
    roles = [each for file in manifests() for each in documents(file) if each["kind"] in {"Role", "ClusterRole"}]
    assert len(roles) >= 5
    for role in roles:
        for rule in role["rules"]:
            if role["metadata"]["name"] != CHANGING:
                assert set(rule["verbs"]) <= READS, role["metadata"]
            assert "*" not in (*rule["apiGroups"], *rule["verbs"]), role["metadata"]
            if rule.get("resourceNames"):
                assert (rule["resources"], rule["verbs"]) == (["secrets"], ["get"])
            else:
                assert not NEVER & set(rule["resources"]), role["metadata"]


def test_every_binding_is_to_one_of_the_two_accounts() -> None:
    bindings = [each for file in manifests() for each in documents(file) if each["kind"].endswith("RoleBinding")]
    subjects = [subject for binding in bindings for subject in binding["subjects"]]
    assert {(each["kind"], each["name"], each["namespace"]) for each in subjects} == {
        ("ServiceAccount", "ragops-chat", "ragops"),
        ("ServiceAccount", "ragops-worker", "ragops"),
    }


def test_to_change_something_is_the_workers_alone() -> None:
    """And of the pod that does everything: it runs under the worker's account."""
    (binding,) = [each for each in documents(CHANGES) if each["kind"] == "RoleBinding"]
    assert binding["roleRef"]["name"] == CHANGING
    assert [(each["kind"], each["name"]) for each in binding["subjects"]] == [("ServiceAccount", "ragops-worker")]


# --- the guard --------------------------------------------------------------------------------------------------------


def policies() -> Iterator[dict[str, Any]]:
    return (each for each in documents(GUARD) if each["kind"] == "ValidatingAdmissionPolicy")


def test_every_write_that_is_granted_passes_the_guard() -> None:
    """But for evictions, of which the disruption budgets are the guard."""
    verbs = {"UPDATE": "patch", "DELETE": "delete", "CREATE": "create"}
    guarded = {
        Need(verbs[operation], resource, group)
        for policy in policies()
        for rule in policy["spec"]["matchConstraints"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for operation in rule["operations"]
    }
    writes = {need for need in granted(CHANGES) if need.verb not in READS}
    assert writes - guarded == {Need("create", "pods/eviction")}
    assert guarded <= writes


def test_the_guard_is_about_the_worker_and_refuses_what_it_cannot_judge() -> None:
    names = {each["metadata"]["name"] for each in policies()}
    for policy in policies():
        spec = policy["spec"]
        assert spec["failurePolicy"] == "Fail"
        assert "paramKind" not in spec  # a missing parameter is a refusal for every account
        (condition,) = spec["matchConditions"]
        assert re.findall(r"'([^']*)'", condition["expression"]) == ["system:serviceaccount:", ":ragops-worker"]
    bindings = [each["spec"] for each in documents(GUARD) if each["kind"].endswith("Binding")]
    assert {each["policyName"] for each in bindings} == names
    assert [each["validationActions"] for each in bindings] == [["Deny"]] * len(names)


def test_the_guard_knows_the_mark_and_lists_no_repository_by_itself() -> None:
    marks = set(re.findall(r"\w+\.dev/[\w-]+", (MANIFESTS / GUARD).read_text()))
    assert marks == {MARKER}
    (workloads,) = [each for each in policies() if each["metadata"]["name"] == "ragops-workloads"]
    assert workloads["spec"]["variables"][0] == {"name": "repositories", "expression": "[]"}


@pytest.mark.parametrize("overlay", ["single", "ha"])
def test_both_overlays_bring_the_guard(overlay: str) -> None:
    """So that a right to change something is never without it."""
    content = yaml.safe_load((MANIFESTS / "overlays" / overlay / "kustomization.yaml").read_text())
    assert content["components"] == ["../../components/guard"]


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_every_verb_of_the_registry_is_asked_for() -> None:
    assert unlisted() == set()


async def test_of_the_simulated_cluster_everything_asks_for_what_is_recorded(tmp_path: Path, store_url: str) -> None:
    """The bot with every verb in chat, and the terminal."""
    world, workspace = load("everything"), demo_workspace()
    async with (
        ClusterServer(world.store, world, world) as cluster,
        recording(cluster.url) as recorder,
        SlackServer(workspace) as slack,
        SlackControl(slack.control_url) as control,
    ):
        kubeconfig = tmp_path / "kubeconfig"
        cluster.write_kubeconfig(kubeconfig)
        kubeconfig.write_text(kubeconfig.read_text().replace(cluster.url, recorder.url))
        (tmp_path / "ragops.toml").write_text(ragops_toml(workspace, kubeconfig, NO_LIMIT))
        environ = environment(
            tmp_path,
            SLACK_BOT_TOKEN=workspace.bot_token,
            SLACK_APP_TOKEN=workspace.app_token,
            SLACK_API_URL=slack.base_url,
            DATABASE_URL=store_url,
            KUBECONFIG=str(kubeconfig),
        )
        async with started("run", environ=environ, folder=tmp_path) as program:
            assert await control.connected(timeout=60), program.log.read_text()
            await People(control).answer_with("/rag status", "Not checked|rag-engine")
            answers = await say_all(People(control))
            assert await program.stop() == 0, program.log.read_text()
        await run_all(tmp_path, NAMESPACE, "deployment/rag-engine-api", environ)
        await ask_for_the_rest(kubeconfig, SCOPE)
        await ask_nowhere(tmp_path, environ)
    assert not [line for line, answer in answers.items() if "went wrong" in answer], answers
    assert recorder.refused() == []
    if os.environ.get("RAGOPS_TEST_RECORD"):
        write_recording(set(recorder.seen) - OPEN_TO_ALL)
    assert differences(set(recorder.seen) - OPEN_TO_ALL - recorded_changes(), recorded()) == {}


SCOPE = Scope(ClusterName("sandbox"), Namespace(NAMESPACE))
OBJECTS = {
    "Deployment": "rag-engine-api",
    "StatefulSet": "qdrant",
    "DaemonSet": "rag-engine-agent",
    "HorizontalPodAutoscaler": "rag-engine-api-hpa",
}


@asynccontextmanager
async def changing(folder: Path, *roles: str) -> AsyncIterator[tuple[Recorder, ClusterWrites, dict[str, str]]]:
    """What changes the simulated cluster, as an account with the rights of these files, and what it asks for."""
    rights = {need for role in roles for need in granted(role)} | OPEN_TO_ALL

    def allow(verb: str, group: str, resource: str, namespace: str, _: str) -> bool:
        return Need(verb, resource, group, bool(namespace)) in rights

    world = load("healthy")
    agent = make.daemon_set(NAMESPACE, OBJECTS["DaemonSet"], make.container("agent", "agent:v1"))
    world.apply("daemonsets", agent)
    (pod, *_) = [each["metadata"]["name"] for each in world.store.list("pods", NAMESPACE)]
    async with ClusterServer(world.store, world, world) as cluster, recording(cluster.url) as recorder:
        cluster.add_user("account", "its-token", allow)
        kubeconfig = folder / "kubeconfig"
        cluster.write_kubeconfig(kubeconfig, token="its-token")
        kubeconfig.write_text(kubeconfig.read_text().replace(cluster.url, recorder.url))
        connection = await open_connection(str(kubeconfig))
        http = KubernetesHttp(connection, WallClock(), lambda: 0.5)
        yield recorder, ClusterWrites({SCOPE.cluster: http}, WallClock()), {**OBJECTS, "Pod": pod}
        await connection.close()


async def test_to_change_something_exactly_what_is_recorded_is_asked_for(tmp_path: Path) -> None:
    """With the worker's rights: none of it is refused."""
    async with changing(tmp_path, READER, CHANGES) as (recorder, writes, names):
        for what, ask in all_requests(writes, SCOPE, names).items():
            if what.startswith(("read", "surroundings")):
                assert not getattr(await ask(), "unread", ()), what
            else:
                with pytest.raises(WriteConflict):
                    await ask()
    assert recorder.refused() == []
    seen = set(recorder.seen) - OPEN_TO_ALL - recorded()
    if os.environ.get("RAGOPS_TEST_RECORD"):
        write_recording(seen, RECORDING_OF_CHANGES)
    assert differences(seen, recorded_changes()) == {}


async def test_who_talks_with_slack_can_change_nothing_not_even_as_a_dry_run(tmp_path: Path) -> None:
    async with changing(tmp_path, READER) as (recorder, writes, names):
        for what, ask in all_requests(writes, SCOPE, names).items():
            if what.startswith(("patch", "evict", "delete")):
                with pytest.raises(WriteRefused, match="The right to") as refused:
                    await ask()
                assert refused.value.status == 403
            elif what == "surroundings":
                assert len((await ask()).unread) == 2  # of three: quotas are read by both
            elif what != "read Namespace":
                with pytest.raises(ClusterForbidden):
                    await ask()
    answered = {need for need, statuses in recorder.seen.items() if not statuses <= {403}}
    assert answered & recorded_changes() == set()


def manifests() -> list[str]:
    """Return the files with objects of Kubernetes, not those that kustomize reads itself."""
    found = [path for path in MANIFESTS.rglob("*.yaml") if path.name != "kustomization.yaml"]
    return [str(path.relative_to(MANIFESTS)) for path in found if is_object(path)]


def is_object(path: Path) -> bool:
    """Tell whether a file holds whole objects; what patches them has no name of its own."""
    return all("kind" in each for each in yaml.safe_load_all(path.read_text()) if each)
