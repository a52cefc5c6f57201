"""The accounts of the manifests on a real API server: everything that ragops asks for is allowed, and nothing else.

What ragops asks for is recorded while it works with the rights of the manifests; the recording that is kept
(`tests/fixtures/cluster/requests.json`) must say the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from bot.cluster import ClusterWrites, Connection, KubernetesHttp, open_connection
from bot.domain.targets import Scope
from bot.errors import ClusterForbidden, WriteConflict, WriteRefused
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.support.accounts import (
    REVIEWS,
    Asker,
    context_of,
    grant_certificates,
    grant_changes,
    grant_reader,
    granted_nodes,
    make_account,
    token_of,
    write_kubeconfig,
)
from tests.support.all_changes import all_requests
from tests.support.all_extras import ask_for_the_rest
from tests.support.all_verbs import ask_nowhere, run_all, say_all
from tests.support.clocks import WallClock
from tests.support.discovery import Kind, discover
from tests.support.granted import BACKUPS, OPEN_TO_ALL, differences, recorded, recorded_changes
from tests.support.hands import IMAGE, Hands
from tests.support.people import People
from tests.support.processes import environment, started
from tests.support.real_workloads import make
from tests.support.requests_seen import Need, Recorder, recording
from tests.support.steps import AUTOSCALER

ResultT = TypeVar("ResultT")
ACCOUNTS = ("ragops-chat", "ragops-worker")
TOML = """
[clusters.real]
kubeconfig = "{kubeconfig}"
namespaces = ["{namespace}"]
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
# Asked for by name, for nobody may doubt that they were: what would let an account do everything.
GREAT = (
    "GET /api/v1/namespaces/{ns}/secrets",
    "GET /api/v1/namespaces/{ns}/secrets/nobody",
    "GET /api/v1/secrets",
    "GET /api/v1/namespaces/{ns}/configmaps",
    "GET /api/v1/namespaces/{ns}/pods/{pod}/exec?command=id&stdout=1",
    "POST /api/v1/namespaces/{ns}/pods/{pod}/exec?command=id&stdout=1",
    "POST /api/v1/namespaces/{ns}/pods/{pod}/attach?stdout=1",
    "POST /api/v1/namespaces/{ns}/pods/{pod}/portforward?ports=80",
    "PATCH /api/v1/namespaces/{ns}/pods/{pod}/ephemeralcontainers?dryRun=All",
    "PATCH /api/v1/namespaces/{ns}/pods/{pod}?dryRun=All",
    "POST /api/v1/namespaces/{ns}/pods?dryRun=All",
    "DELETE /api/v1/namespaces/{ns}/pods?dryRun=All",
    "POST /apis/apps/v1/namespaces/{ns}/deployments?dryRun=All",
    "DELETE /apis/apps/v1/namespaces/{ns}/deployments/api?dryRun=All",
    "PATCH /apis/apps/v1/namespaces/{ns}/deployments/api/scale?dryRun=All",
    "PATCH /apis/apps/v1/namespaces/{ns}/replicasets/nobody?dryRun=All",
    "GET /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "DELETE /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/ragops-workloads?dryRun=All",
    "POST /api/v1/namespaces/{ns}/serviceaccounts/ragops-worker/token?dryRun=All",
    "GET /api/v1/nodes/{node}/proxy/pods",
    "GET /api/v1/nodes/{node}/proxy/metrics",
    "GET /api/v1/namespaces/kube-system/pods/nobody/log",
    "GET /api/v1/namespaces/kube-system/services",
    "POST /apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles?dryRun=All",
    "POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings?dryRun=All",
    "POST /api/v1/namespaces?dryRun=All",
    "GET /metrics",
    "GET /logs/",
)
# What the worker may, and nobody who talks with Slack.
CHANGES = (
    "POST /api/v1/namespaces/{ns}/pods/{pod}/eviction?dryRun=All",
    "DELETE /api/v1/namespaces/{ns}/pods/{pod}?dryRun=All",
    "PATCH /apis/apps/v1/namespaces/{ns}/deployments/api?dryRun=All",
    "PATCH /apis/apps/v1/namespaces/{ns}/statefulsets/nobody?dryRun=All",
    "PATCH /apis/apps/v1/namespaces/{ns}/daemonsets/nobody?dryRun=All",
    "PATCH /apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers/nobody?dryRun=All",
)


@pytest.fixture
async def rights(hands: Hands, scope: Scope) -> AsyncIterator[None]:
    """Both accounts with all of their rights, and something to look at: a Deployment that crashes."""
    for name in ACCOUNTS:
        await make_account(hands, scope.namespace, name)
    await grant_reader(hands, scope.namespace)
    await grant_changes(hands, scope.namespace)
    await hands.deployment(scope.namespace, "api", "echo 'FATAL: no such table'; exit 1")
    wants = {"requests": {"cpu": "900", "memory": "16Mi"}}
    await hands.deployment(scope.namespace, "greedy", "sleep 3600", resources=wants)
    await grant_certificates(hands, scope.namespace)
    async with granted_nodes(hands, scope.namespace), granted_nodes(hands, scope.namespace, file=BACKUPS):
        yield


@pytest.fixture
async def session(connection: Connection) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=context_of(connection), limit=8)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as opened:
        yield opened


@pytest.fixture(params=ACCOUNTS)
async def account(
    request: pytest.FixtureRequest,
    rights: None,
    hands: Hands,
    scope: Scope,
    connection: Connection,
    session: aiohttp.ClientSession,
) -> Asker:
    """Each account, asking."""
    del rights
    return Asker(session, connection.host, await token_of(hands, scope.namespace, request.param))


@pytest.fixture
def needs(request: pytest.FixtureRequest) -> set[Need]:
    """What the account of this test needs."""
    return recorded() | (recorded_changes() if request.node.callspec.params["account"] == "ragops-worker" else set())


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("rights")
async def test_every_verb_works_with_these_rights_and_asks_for_what_is_recorded(
    hands: Hands, connection: Connection, scope: Scope, tmp_path: Path
) -> None:
    """The bot with all verbs in chat, and the terminal; not one request is refused."""
    workspace = demo_workspace()
    async with (
        recording(connection.host, context_of(connection)) as recorder,
        SlackServer(workspace) as slack,
        SlackControl(slack.control_url) as control,
    ):
        token = await token_of(hands, scope.namespace, "ragops-worker")  # who does everything is this one
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", recorder.url, token)
        toml = TOML.format(kubeconfig=kubeconfig, namespace=scope.namespace, oncall=workspace.groups["rag-oncall"].id)
        (tmp_path / "ragops.toml").write_text(toml)
        environ = environment(
            tmp_path,
            SLACK_BOT_TOKEN=workspace.bot_token,
            SLACK_APP_TOKEN=workspace.app_token,
            SLACK_API_URL=slack.base_url,
            KUBECONFIG=str(kubeconfig),
        )
        async with started("run", environ=environ, folder=tmp_path) as program:
            assert await control.connected(timeout=60), program.log.read_text()
            status = await People(control).answer_with("/rag status", r"no such table")
            answers = await say_all(People(control))
            assert await program.stop() == 0, program.log.read_text()
        ended = await run_all(tmp_path, scope.namespace, "deployment/api", environ)
        await ask_for_the_rest(kubeconfig, scope)
        assert recorder.refused() == []
        await ask_nowhere(tmp_path, environ)
    assert "no right to" not in "".join([status, *answers.values(), *(each.out for each in ended.values())])
    assert differences(set(recorder.seen) - OPEN_TO_ALL - recorded_changes(), recorded()) == {}


@asynccontextmanager
async def changing(
    hands: Hands, connection: Connection, scope: Scope, folder: Path, account: str
) -> AsyncIterator[tuple[Recorder, ClusterWrites, dict[str, str]]]:
    """What changes the cluster, as one of the accounts; what it asks for; and an object of each kind."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        await make(hands, scope, kind, **({} if kind == "DaemonSet" else {"replicas": 0}))
    base = f"/apis/autoscaling/v2/namespaces/{scope.namespace}/horizontalpodautoscalers"
    await hands.send("POST", base, AUTOSCALER)
    container = {"name": "main", "image": IMAGE, "command": ["/bin/true"], "resources": {}}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    await hands.send("POST", f"/api/v1/namespaces/{scope.namespace}/pods", {"metadata": {"name": "app"}, "spec": spec})
    token = await token_of(hands, scope.namespace, account)
    async with recording(connection.host, context_of(connection)) as recorder:
        opened = await open_connection(str(write_kubeconfig(folder / "kubeconfig", recorder.url, token)))
        http = KubernetesHttp(opened, WallClock(), lambda: 0.5)
        kinds = ("Deployment", "StatefulSet", "DaemonSet", "HorizontalPodAutoscaler", "Pod")
        yield recorder, ClusterWrites({scope.cluster: http}, WallClock()), dict.fromkeys(kinds, "app")
        await opened.close()


@pytest.mark.usefixtures("rights")
async def test_the_worker_changes_with_these_rights_and_asks_for_what_is_recorded(
    hands: Hands, connection: Connection, scope: Scope, tmp_path: Path
) -> None:
    """Every read and every write of a change, the writes as dry runs; not one is refused."""
    async with changing(hands, connection, scope, tmp_path, "ragops-worker") as (recorder, writes, names):
        for what, ask in all_requests(writes, scope, names).items():
            if what.startswith(("read", "surroundings")):
                assert not getattr(await ask(), "unread", ()), what
            else:
                with pytest.raises(WriteConflict):
                    await ask()
    assert recorder.refused() == []
    assert differences(set(recorder.seen) - OPEN_TO_ALL - recorded(), recorded_changes()) == {}


@pytest.mark.usefixtures("rights")
async def test_who_talks_with_slack_can_change_nothing_not_even_as_a_dry_run(
    hands: Hands, connection: Connection, scope: Scope, tmp_path: Path
) -> None:
    async with changing(hands, connection, scope, tmp_path, "ragops-chat") as (recorder, writes, names):
        for what, ask in all_requests(writes, scope, names).items():
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


async def test_all_that_is_needed_is_allowed(account: Asker, scope: Scope, needs: set[Need]) -> None:
    """By the authorizer's word, and when it is really asked for, as far as it is installed."""
    refused = {str(need) for need in needs if not await account.may(need, scope.namespace)}
    assert refused == set()
    kinds = {(kind.group, kind.resource): kind for kind in await discover(account)}
    looks = sorted(
        need for need in needs if need.verb in {"get", "list", "watch"} and (need.group, need.resource) in kinds
    )
    assert len(looks) >= len(needs & recorded()) - 2  # Velero and cert-manager need not be there
    paths = [_path(kinds[need.group, need.resource], need, scope.namespace) for need in looks]
    answers = await _in_turn(account.ask("GET", path) for path in paths)
    told = [(path, status, text[:200]) for path, (status, text) in zip(paths, answers, strict=True)]
    assert [each for each in told if each[1] not in {200, 404}] == []


def _path(kind: Kind, need: Need, namespace: str) -> str:
    """Return a request for it; what is got is a pod that does not exist."""
    resource, slash, subresource = need.resource.partition("/")
    inside = f"/namespaces/{namespace}" if need.namespaced else ""
    name = "/nobody" if need.verb == "get" else ""
    query = "watch=1&timeoutSeconds=1" if need.verb == "watch" else "limit=1"
    return f"{kind.base}{inside}/{resource}{name}{slash}{subresource}?{query}"


async def test_the_authorizer_lists_nothing_but_what_is_needed(account: Asker, scope: Scope, needs: set[Need]) -> None:
    """In the namespace: our rights, and what every account has."""
    body = {"spec": {"namespace": scope.namespace}}
    status, text = await account.ask("POST", f"{REVIEWS}/selfsubjectrulesreviews", body)
    assert status == 201, text
    told = json.loads(text)["status"]
    assert told["incomplete"] is False
    listed = {
        (verb, resource, group)
        for rule in told["resourceRules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    known = {(need.verb, need.resource, need.group) for need in needs | OPEN_TO_ALL if not need.is_path}
    assert listed == known
    verbs = {verb for rule in told["nonResourceRules"] for verb in rule["verbs"]}
    assert verbs <= {"get"}


@pytest.mark.timeout(240)
async def test_whatever_else_the_server_has_is_denied_by_the_authorizer(
    account: Asker, scope: Scope, needs: set[Need]
) -> None:
    """Every verb of every resource and subresource of every group, in the namespace and in the whole cluster."""
    allowed = needs | OPEN_TO_ALL
    everywhere = {(need.verb, need.resource, need.group) for need in allowed if not need.namespaced}

    def known(need: Need) -> bool:
        return need in allowed or (need.verb, need.resource, need.group) in everywhere

    others = {need for kind in await discover(account) for need in kind.needs() if not known(need)}
    assert len(others) > 500
    answers = await _in_turn(account.may(need, scope.namespace) for need in others)
    assert sorted(str(need) for need, may in zip(others, answers, strict=True) if may) == []


@pytest.mark.timeout(240)
async def test_whatever_else_the_server_has_is_refused_when_it_is_tried(
    account: Asker, scope: Scope, needs: set[Need]
) -> None:
    """Each verb that the server names for each of its resources, as a dry run where it would change something."""
    allowed = {(need.verb, need.resource, need.group) for need in needs | OPEN_TO_ALL}
    attempts = [
        (method, path)
        for kind in await discover(account)
        for need, method, path in kind.attempts(scope.namespace)
        if (need.verb, need.resource, need.group) not in allowed
    ]
    assert len(attempts) > 200
    answers = await _in_turn(account.ask(method, path, None if method == "GET" else {}) for method, path in attempts)
    told = [(*what, status, text[:200]) for what, (status, text) in zip(attempts, answers, strict=True)]
    assert [each for each in told if each[2] != 403] == []


@pytest.mark.parametrize("attempt", GREAT)
async def test_what_would_give_power_is_refused(account: Asker, scope: Scope, hands: Hands, attempt: str) -> None:
    await _refused(account, scope, hands, attempt)


@pytest.mark.parametrize("account", ["ragops-chat"], indirect=True)
@pytest.mark.parametrize("attempt", CHANGES)
async def test_what_changes_something_is_refused_to_who_talks_with_slack(
    account: Asker, scope: Scope, hands: Hands, attempt: str
) -> None:
    await _refused(account, scope, hands, attempt)


async def _refused(account: Asker, scope: Scope, hands: Hands, attempt: str) -> None:
    method, _, path = attempt.partition(" ")
    pods = await hands.send("GET", f"/api/v1/namespaces/{scope.namespace}/pods")
    nodes = await hands.send("GET", "/api/v1/nodes")
    names = {"ns": scope.namespace, "pod": _first(pods), "node": _first(nodes)}
    status, text = await account.ask(method, path.format(**names), None if method == "GET" else {})
    assert status == 403, text
    assert "forbidden" in text.lower()


def _first(listed: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    return listed["items"][0]["metadata"]["name"] if listed["items"] else "nobody"


async def _in_turn(asked: Iterable[Awaitable[ResultT]]) -> list[ResultT]:
    """Wait for all, a few at a time: the session's connector holds the others back."""
    return list(await asyncio.gather(*asked))
