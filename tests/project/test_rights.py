"""The rights in manifests/kubernetes are those that ragops uses: no fewer, and no more.

What it uses was recorded: `tests/fixtures/cluster/requests.json`. Here everything is asked of the simulated cluster and
compared with the recording, so that a new read without its right fails; tests/cluster/test_rights.py does the same with
a real one. RAGOPS_TEST_RECORD=1 writes the recording anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.support.all_verbs import ask_nowhere, run_all, say_all, unlisted
from tests.support.granted import MANIFESTS, OPEN_TO_ALL, differences, documents, granted, recorded, write_recording
from tests.support.people import People
from tests.support.processes import environment, started
from tests.support.requests_seen import Need, need_of, recording
from tests.support.sandboxed import NAMESPACE, NO_LIMIT, ragops_toml

READER, NODES = "components/reader/reader.yaml", "components/nodes/nodes.yaml"
READS = {"get", "list", "watch"}
# What lets an account become another, run what it likes, or read what must stay unread.
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
    assert differences(recorded(), granted(READER) | granted(NODES)) == {}


def test_a_right_for_one_namespace_stands_in_a_role_and_one_for_the_cluster_in_a_cluster_role() -> None:
    assert all(need.namespaced for need in granted(READER))
    assert not any(need.namespaced for need in granted(NODES))


def test_nothing_that_an_account_gets_lets_it_change_anything_or_more_than_read() -> None:
    """Whatever lies in the folder: also what is opt-in, and what is added later."""
    roles = [each for file in manifests() for each in documents(file) if each["kind"] in {"Role", "ClusterRole"}]
    assert len(roles) >= 4
    for role in roles:
        for rule in role["rules"]:
            assert set(rule["verbs"]) <= READS, role["metadata"]
            assert "*" not in rule["apiGroups"], role["metadata"]
            if rule.get("resourceNames"):
                assert (rule["resources"], rule["verbs"]) == (["secrets"], ["get"])
            else:
                assert not NEVER & set(rule["resources"]), role["metadata"]


def test_every_binding_is_to_one_of_the_two_accounts() -> None:
    bindings = [each for file in manifests() for each in documents(file) if each["kind"].endswith("Binding")]
    subjects = [subject for binding in bindings for subject in binding["subjects"]]
    assert {(each["kind"], each["name"], each["namespace"]) for each in subjects} == {
        ("ServiceAccount", "ragops-chat", "ragops"),
        ("ServiceAccount", "ragops-worker", "ragops"),
    }


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
        await ask_nowhere(tmp_path, environ)
    assert not [line for line, answer in answers.items() if "went wrong" in answer], answers
    assert recorder.refused() == []
    if os.environ.get("RAGOPS_TEST_RECORD"):
        write_recording(set(recorder.seen) - OPEN_TO_ALL)
    assert differences(set(recorder.seen) - OPEN_TO_ALL, recorded()) == {}


def manifests() -> list[str]:
    """Return the files with objects of Kubernetes, not those that kustomize reads itself."""
    found = [path for path in MANIFESTS.rglob("*.yaml") if path.name != "kustomization.yaml"]
    return [str(path.relative_to(MANIFESTS)) for path in found if is_object(path)]


def is_object(path: Path) -> bool:
    """Tell whether a file holds whole objects; what patches them has no name of its own."""
    return all("kind" in each for each in yaml.safe_load_all(path.read_text()) if each)
