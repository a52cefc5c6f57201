"""Autoscalers that cannot act, or want more than they may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.diagnosis.causes.autoscalers import SURVEY
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity, StepKind
from bot.domain.objects import AutoscalerMetric, Condition, Container, Role
from bot.domain.snapshot import Part, PartStatus
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted
from tests.support.builders import (
    ago,
    autoscaler,
    condition,
    container,
    crash_looping,
    deployment,
    happened,
    missing,
    pod,
    ref,
    replica_set,
    snapshot,
)

API = deployment(desired=2)
SET = replica_set(API, desired=2, ready=2)
CPU = AutoscalerMetric("Resource", "cpu", target=80, current=40)
WITH_REQUEST = container(cpu_m=100)
POD = pod(SET, WITH_REQUEST)
ABLE = condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
ACTIVE = condition("ScalingActive", "True", "ValidMetricFound")
IN_RANGE = condition("ScalingLimited", "False", "DesiredWithinRange")
NO_METRICS = condition(
    "ScalingActive",
    "False",
    "FailedGetResourceMetric",
    "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for"
    " resource cpu: no metrics returned from resource metrics API",
)
NO_REQUEST = condition(
    "ScalingActive",
    "False",
    "FailedGetResourceMetric",
    "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in"
    " container proxy of Pod api-1",
)
TOO_MANY = condition(
    "ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum replica count"
)


def look(*objects: object, parts: dict[Part, PartStatus] | None = None) -> list[Finding]:
    return list(SURVEY.look(Index(snapshot(API, SET, *objects, parts=parts or {}))))


@pytest.mark.parametrize(
    "conditions",
    [
        (ABLE, ACTIVE, IN_RANGE),
        (ABLE, ACTIVE, condition("ScalingLimited", "True", "TooFewReplicas")),
        (ABLE, condition("ScalingActive", "False", "ScalingDisabled")),
        (condition("AbleToScale", "False", "BackoffBoth"),),
        (),
    ],
    ids=["in range", "at its minimum", "turned off", "waiting after a scaling", "new"],
)
def test_an_autoscaler_that_works_is_well(conditions: tuple[Condition, ...]) -> None:
    """Resting at its minimum, or on purpose, is no fault."""
    assert look(POD, autoscaler(API, *conditions, metrics=(CPU,))) == []


def test_the_autoscaler_of_what_is_scaled_to_nothing_rests() -> None:
    """Whatever it says."""
    off = replace(API, desired=0, ready=0)
    assert list(SURVEY.look(Index(snapshot(off, autoscaler(off, ABLE, NO_METRICS, metrics=(CPU,)))))) == []


# --- it cannot act ----------------------------------------------------------------------------------------------------


def test_a_target_that_does_not_exist() -> None:
    """With the one that is meant, perhaps."""
    lost = condition("AbleToScale", "False", "FailedGetScale", 'deployments.apps "apii" not found')
    [finding] = look(POD, replace(autoscaler(API, lost), target_name="apii"))
    assert finding.code == "AUTOSCALER_TARGET_MISSING"
    assert finding.summary == "Autoscaler api-hpa is for deployment apii, which does not exist. Is api meant?"
    assert finding.evidence[0].lines == ('deployments.apps "apii" not found',)


def test_a_target_of_an_unknown_kind_is_not_called_missing() -> None:
    """Whether it exists cannot be seen here; the autoscaler's words say why."""
    lost = condition("AbleToScale", "False", "FailedGetScale", "no matches for kind")
    [finding] = look(replace(autoscaler(API, lost), target_kind="Rollout"))
    assert finding.summary.endswith('and cannot read its size: "no matches for kind".')


def test_another_reason_is_told_in_its_own_words() -> None:
    """A refused write, for example."""
    refused = condition("AbleToScale", "False", "FailedUpdateScale", "admission webhook denied the request")
    [finding] = look(POD, autoscaler(API, refused))
    assert finding.code == "AUTOSCALER_UNABLE"
    assert '(FailedUpdateScale): "admission webhook denied the request"' in finding.summary


@pytest.mark.parametrize(
    ("inside", "metric", "said"),
    [
        ((WITH_REQUEST, container(name="proxy")), CPU, "container proxy requests none"),
        ((container(name="mesh", role=Role.SIDECAR), WITH_REQUEST), CPU, "container mesh requests none"),
        ((container(),), replace(CPU, name="memory"), "container api requests none"),
        (
            (container(), container(name="proxy", cpu_m=5)),
            replace(CPU, kind="ContainerResource", container="api"),
            "container api requests none",
        ),
    ],
    ids=["a second container", "a side-car", "memory", "of one container"],
)
def test_every_container_needs_a_request(inside: tuple[Container, ...], metric: AutoscalerMetric, said: str) -> None:
    """Otherwise there is no utilization; the container is named."""
    [finding] = look(pod(SET, *inside), autoscaler(API, ABLE, NO_METRICS, metrics=(metric,)))
    assert finding.code == "AUTOSCALER_REQUEST_MISSING"
    assert said in finding.summary


@pytest.mark.parametrize(
    ("inside", "metric"),
    [
        ((container(name="setup", role=Role.INIT), WITH_REQUEST), CPU),
        ((replace(container(), cpu_limit_m=200),), CPU),
        ((container(),), replace(CPU, target=None)),
        ((container(name="proxy"), WITH_REQUEST), replace(CPU, kind="ContainerResource", container="api")),
    ],
    ids=["an init container", "a limit is a request", "an absolute amount", "another container"],
)
def test_not_everybody_needs_a_request(inside: tuple[Container, ...], metric: AutoscalerMetric) -> None:
    """Then it is the metrics that are missing."""
    found = look(pod(SET, *inside), autoscaler(API, ABLE, NO_METRICS, metrics=(metric,)))
    assert [finding.code for finding in found] == ["AUTOSCALER_METRIC_MISSING"]


def test_the_cluster_may_name_the_container_itself() -> None:
    """It is believed when the pods cannot be seen."""
    [finding] = look(autoscaler(API, ABLE, NO_REQUEST, metrics=(CPU,)))
    assert finding.code == "AUTOSCALER_REQUEST_MISSING"
    assert finding.title == "cannot act: a container has no cpu request"
    assert "container proxy requests none" in finding.summary
    assert finding.next[0].text.startswith("kubectl -n shop set resources deployment/api -c proxy --requests=cpu=")


def test_no_metrics_at_all() -> None:
    """Beside what we know of the metrics API ourselves."""
    gone = {Part.POD_METRICS: missing("the metrics API is not installed")}
    [finding] = look(POD, autoscaler(API, ABLE, NO_METRICS, metrics=(CPU,)), parts=gone)
    assert (finding.code, finding.severity, finding.because) == ("AUTOSCALER_METRIC_MISSING", Severity.WARNING, ())
    assert "no metrics returned from resource metrics API" in finding.summary
    assert finding.evidence[1].label == "pod metrics: the metrics API is not installed"


@pytest.mark.parametrize(("age_s", "number"), [(30, 0), (300, 1)], ids=["just started", "long enough"])
def test_new_pods_have_no_metrics_yet(age_s: float, number: int) -> None:
    """They are measured after a sample or two."""
    fresh = pod(SET, WITH_REQUEST, age_s=age_s)
    assert len(look(fresh, autoscaler(API, ABLE, NO_METRICS, metrics=(CPU,)))) == number


def test_an_api_that_nobody_serves_is_not_excused_by_new_pods() -> None:
    """Waiting does not help; an adapter does."""
    words = "unable to fetch metrics from custom metrics API: no custom metrics API [x] registered"
    blind = condition("ScalingActive", "False", "FailedGetPodsMetric", words)
    [finding] = look(pod(SET, WITH_REQUEST, age_s=30), autoscaler(API, ABLE, blind, metrics=(CPU,)))
    assert finding.code == "AUTOSCALER_METRIC_MISSING"
    assert finding.summary.endswith("Nothing serves custom metrics in this cluster; an adapter does that.")


def test_pods_that_crash_have_no_metrics() -> None:
    """It is told below the crash."""
    down = replace(API, ready=0)
    pods = [pod(SET, replace(crash_looping(), cpu_request_m=100)) for _ in range(2)]
    [root] = diagnose(snapshot(down, SET, *pods, autoscaler(down, ABLE, NO_METRICS, metrics=(CPU,)))).findings
    assert root.code == "CRASH_LOOP"
    [felt] = root.consequences
    assert felt.target == ObjectRef("HorizontalPodAutoscaler", "shop", "api-hpa")
    assert felt.summary.endswith("Pods that crash or wait have no metrics: 0 of 2 are ready.")


# --- limits -----------------------------------------------------------------------------------------------------------


def test_at_its_maximum_while_the_load_asks_for_more() -> None:
    """With the numbers of its own rule."""
    loaded = replace(CPU, current=160)
    [finding] = look(POD, autoscaler(API, ABLE, ACTIVE, TOO_MANY, current=4, metrics=(loaded,)))
    assert (finding.code, finding.severity) == ("AT_MAXIMUM", Severity.WARNING)
    assert finding.title == "at its maximum of 4 pods, and wants more"
    assert finding.summary.endswith(
        "asks for more: cpu is at 160 % of the request, its aim is 80 %. By its rule it would want 8 pods."
    )
    assert (finding.next[0].kind, finding.next[0].text) == (StepKind.COMMAND, "scale api --max 8")


@pytest.mark.parametrize(
    ("limited", "current", "metric", "codes"),
    [
        (TOO_MANY, 4, replace(CPU, target=None, current=None), ["AT_MAXIMUM"]),
        (TOO_MANY, 4, replace(CPU, current=70), []),
        (TOO_MANY, 3, replace(CPU, current=160), []),
        (IN_RANGE, 4, replace(CPU, current=160), []),
    ],
    ids=["a metric in other units", "not above its aim", "not there yet", "wants no more"],
)
def test_at_its_maximum_is_judged_by_its_own_word_and_its_metric(
    limited: Condition, current: int, metric: AutoscalerMetric, codes: list[str]
) -> None:
    """Full is not too small."""
    found = look(POD, autoscaler(API, ABLE, ACTIVE, limited, current=current, metrics=(metric,)))
    assert [finding.code for finding in found] == codes


def test_pods_that_do_not_work_are_why_it_wants_more() -> None:
    """Then it follows from their trouble."""
    down = replace(API, ready=1)
    loaded = autoscaler(down, ABLE, ACTIVE, TOO_MANY, current=4, metrics=(replace(CPU, current=160),))
    [finding] = SURVEY.look(Index(snapshot(down, SET, POD, loaded)))
    assert finding.because == (ref(API),)


def test_a_minimum_that_is_the_maximum() -> None:
    """It can never scale; nobody is hurt yet."""
    [finding] = look(POD, autoscaler(API, ABLE, ACTIVE, minimum=3, maximum=3, metrics=(CPU,)))
    assert (finding.code, finding.severity) == ("AUTOSCALER_PINNED", Severity.INFO)


# --- conflicts --------------------------------------------------------------------------------------------------------


def test_two_autoscalers_of_one_workload() -> None:
    """One finding, about the workload."""
    found = look(POD, autoscaler(API), autoscaler(API, name="api-keda"), autoscaler(deployment("other"), name="x"))
    [finding] = found
    assert (finding.code, finding.target) == ("AUTOSCALERS_COLLIDE", ref(API))
    assert finding.summary == "api-hpa and api-keda scale api; each undoes what the other does."


def test_two_autoscalers_that_the_server_has_stopped() -> None:
    """Since 1.27 neither scales, and says so."""
    stopped = Condition("ScalingActive", "False", "AmbiguousSelector", Redacted("controlled by multiple HPAs"))
    [finding] = look(POD, autoscaler(API, stopped), autoscaler(API, stopped, name="api-keda"))
    assert finding.summary == "api-hpa and api-keda scale api; Kubernetes therefore stops them, and nothing scales it."
    assert finding.evidence[-1].lines == ("controlled by multiple HPAs",)


HPA = autoscaler(API)


def by_hand(*, ago_s: float) -> object:
    text = "Scaled up replica set api-rs1 from 2 to 6"
    return happened(API.meta, "Deployment", "ScalingReplicaSet", text, ago_s=ago_s)


def rescaled(*, ago_s: float) -> object:
    text = "New size: 4; reason: Current number of replicas above Spec.MaxReplicas"
    return happened(HPA.meta, "HorizontalPodAutoscaler", "SuccessfulRescale", text, ago_s=ago_s)


def test_a_scaling_by_hand_that_was_set_back() -> None:
    """Whoever did it should know why it did not last."""
    [finding] = look(POD, HPA, by_hand(ago_s=75), rescaled(ago_s=60))
    assert (finding.code, finding.severity, finding.since) == ("AUTOSCALER_OVERRIDES", Severity.INFO, ago(75))
    assert finding.summary == (
        "api was scaled from 2 to 6 by hand 75 s ago, and api-hpa (2 to 4 pods) changed the number again at once."
    )
    assert [step.text for step in finding.next] == ["scale api --min 6"]


@pytest.mark.parametrize(
    ("after", "step"),
    [(3, "scale api --max 3"), (1, "kubectl -n shop describe hpa api-hpa")],
    ids=["within its bounds", "below its minimum"],
)
def test_fewer_pods_by_hand_are_a_matter_of_the_maximum(after: int, step: str) -> None:
    """Where the minimum allows so few."""
    down = happened(
        API.meta, "Deployment", "ScalingReplicaSet", f"Scaled down replica set api-rs1 from 4 to {after}", ago_s=75
    )
    [finding] = look(POD, HPA, down, rescaled(ago_s=60))
    assert [each.text for each in finding.next] == [step]


@pytest.mark.parametrize(
    "events",
    [
        (by_hand(ago_s=600), rescaled(ago_s=60)),
        (by_hand(ago_s=60), rescaled(ago_s=75)),
        (by_hand(ago_s=61), rescaled(ago_s=62)),
        (by_hand(ago_s=4000), rescaled(ago_s=3990)),
    ],
    ids=["long after", "before", "its own", "long ago"],
)
def test_an_autoscaler_at_work_fights_nobody(events: tuple[object, ...]) -> None:
    """It scales because of the load."""
    assert look(POD, HPA, *events) == []
