from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from bot.domain.objects import (
    AutoscalerMetric,
    Event,
    NodeLoad,
    Owner,
    Role,
    Route,
    ServicePort,
    Taint,
    Volume,
)
from bot.domain.snapshot import Part, Snapshot
from bot.domain.text import Redacted
from bot.domain.view import Code, Item, Span
from bot.ports import Sources
from handlers import describe
from tests.support.answers import answer, buttons, data, rows, table
from tests.support.builders import (
    GI,
    MI,
    NOW,
    SCOPE,
    ago,
    autoscaler,
    claim,
    condition,
    container,
    crash_looping,
    cron_job,
    deployment,
    ended,
    endpoints,
    event,
    happened,
    ingress,
    job,
    labelled,
    missing,
    node,
    oom_killed,
    pod,
    replica_set,
    running,
    service,
    snapshot,
    stateful_set,
    template,
    template_labelled,
    waiting,
)
from tests.support.service import asked

API = replace(
    template_labelled(deployment(revision=2), app="api"), updated=1, containers=(template(image="reg/api:v2"),)
)
REPLICAS = replica_set(API, 2, ready=1)
ONE = labelled(pod(REPLICAS, name="api-2-aaaaa"), app="api")
HOSTILE = "<!channel> *bold* `code`"


async def facts(shown: Snapshot, text: str) -> dict[str, str]:
    view = await answer(shown, text)
    assert view.exit_code != 2, view.summary
    told: dict[str, str] = data(view)["facts"]
    return told


def events(view_blocks: tuple[object, ...]) -> list[str]:
    return [row for block in view_blocks if isinstance(block, Code) for row in block.text.splitlines()]


# --- each kind --------------------------------------------------------------------------------------------------------


async def test_a_workload() -> None:
    """How many are ready, what it runs, who scales it, what leads to it, and its conditions."""
    shown = snapshot(
        replace(API, paused=True, conditions=(condition("Available", "True", "MinimumReplicasAvailable", "Enough."),)),
        REPLICAS,
        ONE,
        autoscaler(API),
        service(app="api"),
        service("other", app="other"),
        service("selects-nothing"),
    )
    assert await facts(shown, "describe search") == {
        "Ready": "1 of 1, 1 up to date",
        "Images": "api reg/api:v2",
        "Revision": "2",
        "Paused": "yes: changes wait until it is resumed",
        "Scaled by": "hpa/api-hpa (2 to 4)",
        "Behind": "service/api",
        "Available": "True: MinimumReplicasAvailable. Enough",
    }


async def test_a_workload_of_another_kind() -> None:
    """It has no revision here."""
    assert await facts(snapshot(stateful_set("db")), "describe sts/db") == {
        "Ready": "1 of 1, 0 up to date",
        "Images": "unknown",
    }


async def test_a_pod() -> None:
    """Its state, node, owner, what is not true of it, and its containers."""
    shown = pod(
        REPLICAS,
        container(ended(0, "Completed"), name="init", role=Role.INIT),
        container(running(), name="proxy", role=Role.SIDECAR, ready=False, started=True),
        container(waiting("CrashLoopBackOff"), restarts=3, cpu_m=250, memory=GI, memory_limit=2 * GI, last=ended(1)),
        container(ended(2, ""), name="b"),
        container(waiting(""), name="c"),
        replace(container(name="d", ready=False), state=None),
        name="api-2-aaaaa",
        conditions=(condition("ContainersReady", "False", "ContainersNotReady", "unready: [api]"),),
        age_s=120,
    )
    shown = replace(shown, message=Redacted("Something was said."))
    view = await answer(snapshot(API, REPLICAS, shown), "describe api-2-aaaaa")
    told = data(view)["facts"]
    assert told["Status"] == "CrashLoopBackOff, 0/5 ready, 3 restarts"
    assert (told["Node"], told["Began"]) == ("node-1", "2 min ago")
    assert told["Belongs to"] == "deployment/api revision 2"
    assert told["Message"] == "Something was said."
    assert told["ContainersReady"] == "False: ContainersNotReady. unready: [api]"
    assert table(view) == (
        ("init (init container)", "rag-engine:v1.2", "ended: Completed (0)", "0", "- / -", "- / -"),
        ("proxy (sidecar)", "rag-engine:v1.2", "running, not ready", "0", "- / -", "- / -"),
        ("api", "rag-engine:v1.2", "waiting: CrashLoopBackOff", "3", "250m / -", "1 Gi / 2 Gi"),
        ("b", "rag-engine:v1.2", "ended: no reason (2)", "0", "- / -", "- / -"),
        ("c", "rag-engine:v1.2", "waiting: no reason", "0", "- / -", "- / -"),
        ("d", "rag-engine:v1.2", "unknown", "0", "- / -", "- / -"),
    )


async def test_a_pod_of_nothing() -> None:
    """It belongs to no workload, and has no node yet."""
    bare = replace(pod(name="bare-1"), node="")
    told = await facts(snapshot(bare), "describe pod/bare-1")
    assert told == {"Status": "Running, 1/1 ready, 0 restarts", "Node": "none yet", "Began": "24 h ago"}


async def test_a_node() -> None:
    """What it can give, what is asked of it, whether it takes pods, and its conditions."""
    one = node(
        "n1",
        cpu_m=4000,
        memory=8 * GI,
        cordoned=True,
        taints=(Taint("dedicated", "NoSchedule", "gpu"),),
        conditions=(condition("Ready", "True", "KubeletReady"),),
    )
    here = replace(ONE, node="n1")
    shown = snapshot(API, REPLICAS, here, one, node("n2"), load={"n1": NodeLoad(1500, GI, 9)})
    told = await facts(shown, "describe no/n1")
    assert told["Can give"] == "4 CPUs, 8 Gi of memory"
    assert told["Takes new pods"] == "no, it is cordoned"
    assert told["Pods of this namespace"] == "1"
    assert told["Asked for"] == "1500m CPU, 1 Gi of memory by 9 pods"
    assert told["Taints"] == "dedicated=gpu:NoSchedule"
    assert told["Ready"] == "True: KubeletReady"
    assert (await facts(shown, "describe nodes/n2"))["Takes new pods"] == "yes"


async def test_a_service() -> None:
    """Whether anything answers behind it."""
    one = service("web", ServicePort(80, "8080"), app="api")
    assert await facts(snapshot(API, REPLICAS, ONE, one, endpoints(one, ONE)), "describe svc/web") == {
        "Endpoints": "1 of 1 ready",
        "Pods": "1 selected, of deployment/api",
        "Selects": "app=api",
        "Ports": "80 → 8080",
        "Type": "ClusterIP",
    }
    told = await facts(snapshot(replace(one, selector=MappingProxyType({}), ports=())), "describe svc/web")
    assert (told["Endpoints"], told["Selects"], told["Ports"]) == ("none: requests to it fail", "nothing", "none")


async def test_a_service_tells_what_is_wrong_behind_it() -> None:
    """Whoever looks at a service wants to know why it does not answer."""
    ill = labelled(pod(REPLICAS, crash_looping(), name="api-2-aaaaa"), app="api")
    view = await answer(
        snapshot(replace(API, ready=0), REPLICAS, ill, service("web", app="api")), "describe service/web"
    )
    assert view.exit_code == 1
    assert any(isinstance(block, Item) for block in view.blocks)
    assert "api: crashes again and again" in " ".join(rows(view))


async def test_a_claim() -> None:
    """What was asked for, what it got, and who waits for it."""
    user = replace(ONE, volumes=(Volume("data", "PersistentVolumeClaim", "data"), Volume("tmp", "emptyDir")))
    told = await facts(
        snapshot(API, REPLICAS, user, claim(), claim("idle", phase="", storage_class=None)), "describe pvc/data"
    )
    assert told == {
        "Phase": "Pending",
        "Asked for": "1 Gi",
        "Class": "fast",
        "Volume": "none",
        "Used by": "api-2-aaaaa",
    }
    told = await facts(snapshot(claim("idle", phase="", storage_class=None)), "describe claim/idle")
    assert (told["Phase"], told["Class"], told["Used by"]) == ("unknown", "the default one", "no pod")


async def test_an_autoscaler() -> None:
    """What it scales, between which bounds, on what grounds."""
    one = autoscaler(
        API,
        condition("AbleToScale", "True"),
        metrics=(
            AutoscalerMetric("Resource", "cpu", target=70, current=82),
            AutoscalerMetric("Resource", "memory", target=70),
            AutoscalerMetric("External", "queue"),
        ),
    )
    assert await facts(snapshot(API, replace(one, scaled_at=ago(90))), "describe hpa/api-hpa") == {
        "Scales": "deployment/api",
        "Replicas": "2 now, 2 wanted, 2 to 4 allowed",
        "cpu": "82 %, target 70 % of the request",
        "memory": "unknown, target 70 % of the request",
        "queue": "a metric of the kind External",
        "Last scaled": "2 min ago",
        "AbleToScale": "True",
    }


async def test_a_job() -> None:
    """How far it came, and when it gives up."""
    nightly = cron_job()
    one = replace(job("backfill", owner=nightly, failed=1, completed=60), suspended=True, backoff_limit=1)
    assert await facts(snapshot(nightly, one), "describe job/backfill") == {
        "Pods": "1 of 1 succeeded, 1 failed, 0 running",
        "Gives up after": "1 retry",
        "Began": "60 min ago",
        "Done": "60 s ago",
        "Suspended": "yes",
        "Belongs to": "cronjob/nightly",
    }
    told = await facts(snapshot(replace(job("open"), completions=None)), "describe job/open")
    assert told["Pods"] == "0 succeeded, 0 failed, 0 running"


async def test_a_cron_job() -> None:
    """When it runs, when it ran, and what is left of its runs."""
    nightly = cron_job(suspended=True)
    told = await facts(
        snapshot(nightly, job("nightly-2", owner=nightly), job("nightly-1", owner=nightly)), "describe cj/nightly"
    )
    assert told == {
        "Schedule": "0 2 * * *, suspended",
        "Last run": "60 min ago",
        "Last success": "never, or not known",
        "Running now": "0 jobs",
        "Jobs kept": "nightly-1, nightly-2",
    }
    assert (await facts(snapshot(cron_job()), "describe cronjobs/nightly"))["Jobs kept"] == "none"


async def test_an_ingress() -> None:
    """Which host leads where."""
    one = replace(ingress("web", Route("shop.example", "/v1", "api", "80"), Route("", "/", "web", "http")))
    told = await facts(snapshot(replace(one, tls_secrets=("web-tls",), addresses=("10.0.0.9",))), "describe ing/web")
    assert told == {
        "Class": "the default one",
        "Addresses": "10.0.0.9",
        "shop.example/v1": "service/api port 80",
        "*/": "service/web port http",
        "TLS": "secret/web-tls",
    }
    assert "no controller" in (await facts(snapshot(one), "describe ingresses/web"))["Addresses"]


# --- what is wrong ----------------------------------------------------------------------------------------------------


async def test_what_is_wrong_comes_first() -> None:
    """The verdict, the finding, its next step; then the facts."""
    ill = pod(REPLICAS, container(running(for_s=9), last=oom_killed(ago_s=10), memory_limit=512 * MI, restarts=3))
    view = await answer(snapshot(replace(API, ready=0), REPLICAS, ill), "describe api")
    shown = rows(view)
    assert shown[0] == "✖ deployment api: 1 problem"
    assert shown[1] == "✖ api: out of memory  (critical)"
    assert any(row.startswith(("Next: ", "By hand: ")) for row in shown)
    assert [one["code"] for one in data(view)["findings"]] == ["OOM_KILLED"]
    assert view.exit_code == 1


async def test_a_pod_is_told_the_problem_of_its_workload() -> None:
    """Findings are about workloads."""
    ill = pod(REPLICAS, crash_looping(), name="api-2-aaaaa")
    assert (await answer(snapshot(API, REPLICAS, ill), "describe pod/api-2-aaaaa")).exit_code == 1


async def test_nothing_wrong_is_said_with_care() -> None:
    """It is what can be seen, not a proof."""
    view = await answer(snapshot(API, REPLICAS, ONE), "describe api")
    assert rows(view)[0] == "✔ deployment api: nothing is wrong that I can see"
    assert "No events: they live an hour, so none is no proof of health" in rows(view)
    assert view.exit_code == 0


# --- events -----------------------------------------------------------------------------------------------------------


async def test_events_are_told_in_their_order_with_those_of_the_owners() -> None:
    """Oldest first; whom they are about only where that is another object, and shortened."""
    again = replace(event(ONE, "BackOff", "Back-off restarting\nfailed container", ago_s=5), count=7)
    shown = snapshot(
        API,
        REPLICAS,
        ONE,
        again,
        happened(API.meta, "Deployment", "ScalingReplicaSet", "Scaled up", ago_s=300),
        happened(REPLICAS.meta, "ReplicaSet", "SuccessfulCreate", "Created pod", ago_s=299),
        happened(deployment("other").meta, "Deployment", "ScalingReplicaSet", "not told", ago_s=1),
    )
    view = await answer(shown, "describe api")
    assert events(view.blocks) == [
        "5 min ago  ScalingReplicaSet  Scaled up",
        "5 min ago  SuccessfulCreate  replicaset …-rs2: Created pod",
        "5 s ago  BackOff x7  pod …-2-aaaaa: Back-off restarting",
    ]
    assert "3 events, oldest first" in rows(view)
    assert data(view)["events"][-1] == {
        "at": "2026-11-24T21:59:55+00:00",
        "reason": "BackOff",
        "about": {"kind": "Pod", "name": "api-2-aaaaa"},
        "message": "Back-off restarting\nfailed container",
        "count": 7,
    }


async def test_a_pod_of_a_job_is_told_the_events_of_the_job() -> None:
    """The job owns it, though it is no workload."""
    one = job()
    owned = pod(Owner("Job", one.meta.name, one.meta.uid), name="backfill-1")
    told = happened(one.meta, "Job", "BackoffLimitExceeded", "Job has reached the limit")
    assert events((await answer(snapshot(one, owned, told), "describe pod/backfill-1")).blocks) == [
        "60 s ago  BackoffLimitExceeded  job backfill: Job has reached the limit"
    ]


@pytest.mark.parametrize("uid", ["n1", "uid-n1"], ids=["by name", "by uid"])
async def test_events_of_a_node_are_found(uid: str) -> None:
    """The kubelet writes the node's name in place of its uid."""
    told = replace(happened(node("n1").meta, "Node", "NodeNotReady", "gone"), about_uid=uid)
    assert len(events((await answer(snapshot(node("n1"), told), "describe node/n1")).blocks)) == 1


async def test_only_the_newest_events_are_told() -> None:
    """Twenty; long messages are cut, the data has them whole."""
    told = [event(ONE, "Pulling", f"{number} {'x' * 300}", ago_s=number) for number in range(1, 26)]
    view = await answer(snapshot(API, REPLICAS, ONE, *told), "describe pod/api-2-aaaaa")
    shown = events(view.blocks)
    assert len(shown) == 20
    assert shown[-1].startswith("1 s ago  Pulling  1 xxx")
    assert shown[-1].endswith("…")
    assert len(data(view)["events"][-1]["message"]) == 302


# --- words, buttons, data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "suggestions"),
    [
        ("node/node-2", ["describe node/node-1"]),
        ("serch", ["describe search"]),
        ("statefulset/api", ["describe deployment/api"]),
    ],
    ids=["node", "alias", "other kind"],
)
async def test_an_unknown_object_names_its_neighbours(word: str, suggestions: list[str]) -> None:
    """As commands."""
    view = await answer(snapshot(API, node("node-1")), f"describe {word}")
    assert view.summary == f'There is no "{word}" in shop.'
    assert data(view)["suggestions"] == suggestions
    assert view.exit_code == 2


async def test_what_could_not_be_read_is_not_said_to_be_missing() -> None:
    """The object may be there."""
    view = await answer(snapshot(API, parts={Part.NODES: missing("no right")}), "describe node/n1")
    assert view.summary == 'I see no "node/n1", but I could not read the nodes of shop.'


async def test_the_buttons_lead_on() -> None:
    """To the logs of what has some."""
    shown = snapshot(API, REPLICAS, ONE, node("n1"))
    assert buttons(await answer(shown, "describe api")) == {
        "Refresh": "describe api",
        "Logs": "logs api",
        "Pods": "pods api",
        "Share": "share describe api",
    }
    assert list(buttons(await answer(shown, "describe pod/api-2-aaaaa"))) == ["Refresh", "Logs", "Share"]
    assert list(buttons(await answer(shown, "describe node/n1"))) == ["Refresh", "Share"]


async def test_the_data_has_exactly_the_documented_keys() -> None:
    """Programs rely on them."""
    shown = data(await answer(snapshot(API, REPLICAS, ONE), "describe api"))
    assert list(shown) == ["cluster", "namespace", "target", "facts", "findings", "events"]
    assert shown["target"] == {"kind": "Deployment", "namespace": "shop", "name": "api"}


async def test_hostile_words_stay_plain() -> None:
    """Whoever renders escapes them."""
    said: Event = event(ONE, "Failed", HOSTILE)
    bad = labelled(
        pod(REPLICAS, container(waiting("CreateContainerConfigError", HOSTILE)), name=ONE.meta.name), app="a"
    )
    view = await answer(snapshot(API, REPLICAS, bad, said), "describe api")
    assert HOSTILE in events(view.blocks)[0]
    [item] = [block for block in view.blocks if isinstance(block, Item)]
    assert all(isinstance(part, Span) and not part.bold for row in item.lines for part in row)


async def test_describe_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await describe.observe(describe.Params("api"), Sources(scope=SCOPE, request=asked("describe api"), now=NOW))
