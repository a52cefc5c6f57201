"""Surveys of everything but pods: whatever is there, they have an answer, and what works is not accused."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis.causes import (
    autoscalers,
    cron_jobs,
    daemon_sets,
    ingresses,
    job_pods,
    jobs,
    ordered_pods,
    rollouts,
    services,
    stateful_sets,
)
from bot.diagnosis.family import Case
from bot.diagnosis.index import Index
from bot.domain.objects import (
    Autoscaler,
    AutoscalerMetric,
    Condition,
    CronJob,
    Endpoint,
    EndpointSlice,
    Event,
    Ingress,
    Job,
    Owner,
    Pod,
    Port,
    Route,
    Service,
    ServicePort,
    Workload,
)
from bot.domain.snapshot import Part, Snapshot
from bot.domain.text import Redacted
from tests.support.builders import (
    LIVE,
    ago,
    autoscaler,
    condition,
    container,
    cron_job,
    deployment,
    ended,
    endpoints,
    ingress,
    job,
    labelled,
    meta,
    missing,
    node,
    pod,
    replica_set,
    service,
    snapshot,
    stale,
    stateful_set,
    template,
    template_labelled,
    waiting,
)

SURVEYS = [
    each.SURVEY for each in (rollouts, stateful_sets, daemon_sets, services, ingresses, autoscalers, jobs, cron_jobs)
]
FAMILIES = [ordered_pods.FAMILY, job_pods.FAMILY]
CODES = {code.name for each in (*SURVEYS, *FAMILIES) for code in each.codes}

names = st.sampled_from(["api", "db", "apii", ""])
numbers = st.integers(0, 4)
moments = st.none() | st.sampled_from([-30.0, 0.0, 5.0, 61.0, 700.0, 4000.0, 900_000.0]).map(ago)
words = st.sampled_from(
    [
        *("", "missing request for cpu", "Scaled up replica set api-rs1 from 1 to 3", "Scaled up replica set", "\n"),
        *("New size: 4", "x" * 400),
    ]
).map(Redacted)
reasons = st.sampled_from(
    [
        *("", "ProgressDeadlineExceeded", "ReplicaSetUpdated", "NewReplicaSetAvailable", "DeploymentPaused"),
        *("FailedGetScale", "FailedUpdateScale", "FailedGetResourceMetric", "ScalingDisabled", "TooManyReplicas"),
        *("BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy", "AmbiguousSelector"),
    ]
)
types = st.sampled_from(
    [
        *("Ready", "Progressing", "PodScheduled", "AbleToScale", "ScalingActive", "ScalingLimited"),
        *("Failed", "FailureTarget", "Complete"),
    ]
)
conditions = st.lists(
    st.builds(Condition, types, st.sampled_from(["True", "False", "Unknown"]), reasons, words, moments), max_size=3
).map(tuple)
labels = st.dictionaries(
    st.sampled_from(["app", "tier", "controller-revision-hash"]), st.sampled_from(["api", "db", "apii"]), max_size=2
).map(MappingProxyType)
events = st.builds(
    Event,
    meta=st.just(meta("event")),
    about_kind=st.just("Deployment"),
    about_name=names,
    about_uid=st.sampled_from(["uid-api", "uid-db", "uid-cron", "uid-hpa"]),
    reason=st.sampled_from(["ScalingReplicaSet", "SuccessfulRescale", "FailedNeedsStart", "UnknownTimeZone"]),
    message=words,
    at=moments,
    first_at=moments,
)
metrics = st.builds(
    AutoscalerMetric,
    st.sampled_from(["Resource", "ContainerResource", "External"]),
    st.sampled_from(["cpu", "memory", "queue"]),
    names,
    st.none() | numbers,
    st.none() | numbers,
)
routes = st.builds(Route, names, names, names, st.sampled_from(["80", "http", ""]))


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    """Draw a workload in any state."""
    name = draw(st.sampled_from(["api", "db"]))
    made = template_labelled(deployment(name, desired=draw(numbers), ready=draw(numbers), revision=draw(numbers)))
    return replace(
        made,
        kind=draw(st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"])),
        conditions=draw(conditions),
        updated=draw(numbers),
        paused=draw(st.booleans()),
        strategy=draw(st.sampled_from(["", "OnDelete", "RollingUpdate"])),
        partition=draw(numbers),
        update_revision=draw(names),
        current_revision=draw(names),
        observed_generation=draw(numbers),
        progress_deadline_s=draw(st.none() | st.just(60)),
        template_labels=draw(labels),
        containers=draw(st.sampled_from([(), (template(image="a:1"),), (template(image="a:2"),)])),
    )


@st.composite
def pods(draw: st.DrawFn, owners: list[Owner | Workload | None]) -> Pod:
    """Draw a pod of somebody, or of nobody."""
    states = st.sampled_from([None, waiting("CrashLoopBackOff"), ended(1), ended(0)])
    inside = [container(state, cpu_m=draw(st.none() | numbers)) for state in draw(st.lists(states, max_size=2))]
    made = labelled(pod(draw(st.sampled_from(owners)), *inside, name=f"{draw(names)}-{draw(numbers)}"), **draw(labels))
    ports = draw(st.sampled_from([(), (Port(8080, "http"),)]))
    return replace(
        made,
        phase=draw(st.sampled_from(["Pending", "Running", "Failed", "Succeeded"])),
        conditions=draw(conditions),
        containers=tuple(replace(each, ports=ports) for each in made.containers),
        meta=replace(made.meta, created_at=draw(moments)),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a namespace with anything in it."""
    made = draw(st.lists(workloads(), max_size=2, unique_by=lambda each: each.meta.name))
    sets = [replica_set(each, n, ready=draw(numbers), containers=each.containers) for each in made for n in (1, 2)]
    cron = replace(
        draw(st.builds(CronJob, meta=st.just(meta("cron")), schedule=words)), last_scheduled_at=draw(moments)
    )
    made_jobs = [
        replace(
            draw(st.builds(Job, meta=st.just(meta(f"job-{n}")), failed=numbers, succeeded=numbers, active=numbers)),
            conditions=draw(conditions),
            started_at=draw(moments),
            completed_at=draw(moments),
            deadline_s=draw(st.none() | numbers),
        )
        for n in range(draw(numbers))
    ]
    made_jobs = [
        replace(each, meta=replace(each.meta, owner=Owner("CronJob", "cron", "uid-cron")))
        if draw(st.booleans())
        else each
        for each in made_jobs
    ]
    owners: list[Owner | Workload | None] = [None, *made, *(Owner("Job", j.meta.name, j.meta.uid) for j in made_jobs)]
    scaler = st.builds(
        Autoscaler,
        meta=st.just(meta("hpa")),
        target_kind=st.sampled_from(["Deployment", "StatefulSet", "Rollout"]),
        target_name=names,
        minimum=numbers,
        maximum=numbers,
        current=numbers,
        conditions=conditions,
        metrics=st.lists(metrics, max_size=2).map(tuple),
    )
    served = st.builds(
        Service,
        meta=names.map(meta),
        type=st.sampled_from(["ClusterIP", "ExternalName"]),
        selector=labels,
        ports=st.lists(st.builds(ServicePort, numbers, st.sampled_from(["", "http", "8080"])), max_size=2).map(tuple),
    )
    slices = st.builds(
        EndpointSlice,
        meta=st.just(meta("slice")),
        service=names,
        endpoints=st.lists(
            st.builds(Endpoint, st.just(("10.0.0.1",)), st.booleans(), terminating=st.booleans(), pod=names), max_size=2
        ).map(tuple),
    )
    doors = st.builds(Ingress, meta=st.just(meta("web")), routes=st.lists(routes, max_size=2).map(tuple))
    return snapshot(
        *made,
        *sets,
        cron,
        *made_jobs,
        *draw(st.lists(pods(owners), max_size=3)),
        *draw(st.lists(scaler, max_size=2)),
        *draw(st.lists(served, max_size=2)),
        *draw(st.lists(slices, max_size=2)),
        *draw(st.lists(doors, max_size=1)),
        *draw(st.lists(events, max_size=3)),
        parts=draw(
            st.dictionaries(st.sampled_from(Part), st.sampled_from([LIVE, stale(9), missing("no")]), max_size=3)
        ),
    )


@settings(deadline=None, max_examples=100)
@given(snapshots())
def test_any_snapshot_has_an_answer(seen: Snapshot) -> None:
    """Every finding has its words and a code that is documented."""
    index = Index(seen)
    found = [finding for survey in SURVEYS for finding in survey.look(index)]
    for family in FAMILIES:
        for symptom in (symptom for each in index.suspects for symptom in family.observe(index, each)):
            whose = symptom.pod
            case = Case(
                index=index,
                symptoms=(symptom,),
                target=index.target_of(whose),
                workload=index.workload_of(whose),
                revision=index.revision_of(whose),
            )
            found.append(family.explain(case))
    for finding in found:
        assert finding.code in CODES
        assert finding.title
        assert finding.summary.endswith(".") or finding.summary.endswith("?"), finding.summary
        assert finding.evidence
        assert finding.next


def test_a_namespace_in_which_all_is_well_is_not_accused() -> None:
    """Of every kind one, as it should be."""
    api = replace(
        template_labelled(
            deployment(desired=2, conditions=(condition("Progressing", "True", "NewReplicaSetAvailable"),)), app="api"
        ),
        updated=2,
        available=2,
    )
    sets = replica_set(api, ready=2)
    inside = replace(container(cpu_m=100), ports=(Port(8080, "http"),))
    of_api = [labelled(pod(sets, inside), app="api") for _ in range(2)]
    db = replace(stateful_set(), update_revision="r1", current_revision="r1", strategy="RollingUpdate", updated=1)
    of_db = labelled(pod(db, name="db-0"), **{"controller-revision-hash": "r1"})
    agents = replace(stateful_set("agent"), kind="DaemonSet", strategy="RollingUpdate", updated=1)
    web = service("api", ServicePort(80, "http", "web"), app="api")
    scaler = autoscaler(
        api, condition("ScalingActive", "True"), metrics=(AutoscalerMetric("Resource", "cpu", "", 80, 9),)
    )
    nightly = cron_job(last_successful=3000)
    seen = snapshot(
        *(api, sets, *of_api, db, of_db, agents, pod(agents), node(), web, endpoints(web, *of_api), scaler, nightly),
        ingress("web", Route("example.org", "/", "api", "web")),
        job("nightly-1", condition("Complete", "True"), owner=nightly, completed=3000),
    )
    assert [finding for survey in SURVEYS for finding in survey.look(Index(seen))] == []


def test_every_code_is_explained() -> None:
    """What it means, how it is recognised, and what to do."""
    codes = [code for each in (*SURVEYS, *FAMILIES) for code in each.codes]
    assert len({code.name for code in codes}) == len(codes)
    assert all(code.meaning and code.recognised and code.remedy for code in codes)
