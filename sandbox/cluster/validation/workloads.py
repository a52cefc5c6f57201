"""What is wrong with Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs."""

from __future__ import annotations

from sandbox.cluster.labels import selector_matches
from sandbox.cluster.store import Json
from sandbox.cluster.validation.faults import (
    Faults,
    forbidden,
    invalid,
    not_negative,
    required,
    unsupported,
)
from sandbox.cluster.validation.metadata import annotations_faults, labels_faults
from sandbox.cluster.validation.numbers import percent_faults
from sandbox.cluster.validation.pods import pod_spec_faults

_STRATEGIES = ("Recreate", "RollingUpdate")


def deployment_faults(obj: Json) -> Faults:
    """Return what is wrong with a Deployment's spec."""
    spec = obj["spec"]
    faults = not_negative("spec.replicas", spec.get("replicas"))
    faults += _selector_faults(spec, "empty selector is invalid for deployment")
    faults += template_faults(spec)
    faults += _strategy_faults(spec.get("strategy") or {})
    least, deadline = spec.get("minReadySeconds", 0), spec.get("progressDeadlineSeconds")
    faults += not_negative("spec.minReadySeconds", least)
    faults += not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    if deadline is not None:
        faults += not_negative("spec.progressDeadlineSeconds", deadline)
        if deadline <= least:
            faults.append(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return faults


def replica_set_faults(obj: Json) -> Faults:
    """Return what is wrong with a ReplicaSet's spec."""
    spec = obj["spec"]
    faults = not_negative("spec.replicas", spec.get("replicas"))
    faults += not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    return faults + _selector_faults(spec, "empty selector is invalid for deployment") + template_faults(spec)


def stateful_set_faults(obj: Json) -> Faults:
    """Return what is wrong with a StatefulSet's spec."""
    spec = obj["spec"]
    strategy = spec.get("updateStrategy") or {}
    rolling, path = strategy.get("rollingUpdate"), "spec.updateStrategy.rollingUpdate"
    faults: Faults = []
    if strategy.get("type") == "OnDelete" and rolling is not None:
        shown = {"Partition": rolling.get("partition"), "MaxUnavailable": rolling.get("maxUnavailable")}
        faults.append(invalid(path, shown, "only allowed for updateStrategy 'RollingUpdate'"))
    elif rolling:
        faults += not_negative(f"{path}.partition", rolling.get("partition"))
    faults += not_negative("spec.replicas", spec.get("replicas"))
    faults += not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    faults += _selector_faults(spec, "empty selector is invalid for statefulset")
    return faults + template_faults(_with_claims(spec))


def _with_claims(spec: Json) -> Json:
    """Return a spec whose template has a volume for each claim that a pod of it will get."""
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    claims = [{"name": claim["metadata"]["name"]} for claim in spec.get("volumeClaimTemplates") or ()]
    return {**spec, "template": {**template, "spec": {**pod, "volumes": [*(pod.get("volumes") or ()), *claims]}}}


def daemon_set_faults(obj: Json) -> Faults:
    """Return what is wrong with a DaemonSet's spec."""
    spec = obj["spec"]
    faults = _selector_faults(spec, "empty selector is invalid for daemonset") + template_faults(spec)
    return faults + not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))


def job_faults(obj: Json) -> Faults:
    """Return what is wrong with a Job's spec."""
    spec = obj["spec"]
    faults: Faults = []
    for field in ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"):
        faults += not_negative(f"spec.{field}", spec.get(field))
    faults += pod_spec_faults("spec.template.spec", spec["template"].get("spec") or {})
    policy = (spec["template"].get("spec") or {}).get("restartPolicy", "Always")
    if policy == "Always":
        faults.append(required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    return faults


def template_faults(spec: Json) -> Faults:
    """Return what is wrong with a template of pods that run for ever, and with how the selector fits it."""
    template = spec.get("template") or {}
    metadata, pod = template.get("metadata") or {}, template.get("spec") or {}
    path, labels = "spec.template", metadata.get("labels")
    faults: Faults = []
    selector = spec.get("selector")
    if selector is None or (selector and not selector_matches(selector, labels or {})):
        text = "`selector` does not match template `labels`"
        faults.append(invalid(f"{path}.metadata.labels", dict(sorted(labels.items())) if labels else None, text))
    faults += labels_faults(f"{path}.labels", metadata)
    faults += annotations_faults(f"{path}.annotations", metadata)
    faults += pod_spec_faults(f"{path}.spec", pod)
    policy = pod.get("restartPolicy", "Always")
    if policy in {"Never", "OnFailure"}:
        faults.append(unsupported(f"{path}.spec.restartPolicy", policy, ("Always",)))
    if pod.get("activeDeadlineSeconds"):
        faults.append(
            forbidden(f"{path}.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported")
        )
    return faults


def _selector_faults(spec: Json, empty: str) -> Faults:
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")]
    return [] if selector else [invalid("spec.selector", {}, empty)]


def _strategy_faults(strategy: Json) -> Faults:
    path, rolling = "spec.strategy", strategy.get("rollingUpdate")
    match strategy.get("type", "RollingUpdate"):
        case "Recreate":
            text = "may not be specified when strategy `type` is 'Recreate'"
            return [forbidden(f"{path}.rollingUpdate", text)] if rolling is not None else []
        case "RollingUpdate":
            rolling = rolling or {}
            surge, missing = rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%")
            faults = percent_faults(f"{path}.rollingUpdate.maxUnavailable", missing)
            faults += percent_faults(f"{path}.rollingUpdate.maxSurge", surge)
            if not faults and _is_nothing(surge) and _is_nothing(missing):
                text = "may not be 0 when `maxSurge` is 0"
                faults.append(invalid(f"{path}.rollingUpdate.maxUnavailable", missing, text))
            return faults
        case other:
            return [unsupported(path, {"Type": other, "RollingUpdate": rolling}, _STRATEGIES)]


def _is_nothing(value: int | str) -> bool:
    return value in {0, "0%"}
