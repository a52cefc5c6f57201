"""Who is refused for want of room: evictions by budgets, pods by quotas and limit ranges; and what autoscalers do."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import APPS, NS, Case
from tests.contract.cases_writes import AUTOSCALERS, POLICY
from tests.contract.pictures import all_ready, changed, deploy, picture, pods_of, removed, until_pods
from tests.contract.writing import DEPLOYMENTS, MERGE, Scene, Step, delete, patch, post, small_deployment, told

_PATH = f"{DEPLOYMENTS}/e"


def _eviction(pod: str, **options: Any) -> Step:
    body: Json = {"metadata": {"name": pod}}
    if options:
        body["deleteOptions"] = options
    return post(f"{NS}/pods/{pod}/eviction", body)


async def _guarded(scene: Scene, name: str, **spec: Any) -> Json:
    """Make a budget and wait until it is counted."""
    body = {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": "e"}}, **spec}}
    await scene.raw(post(POLICY, body))
    return await scene.until(f"{POLICY}/{name}", _is_counted)


def _is_counted(budget: Json) -> bool:
    status = budget.get("status") or {}
    seen = status.get("observedGeneration") == budget["metadata"]["generation"]
    return bool(seen and status.get("expectedPods", 0) == status.get("currentHealthy", 0) == 2)


async def _evicted(scene: Scene) -> list[Json]:
    """Evict by dry run, by wrong preconditions, for real; and against a budget with nothing left."""
    await deploy(scene, "e", 2)
    budget = await _guarded(scene, "b", minAvailable=2)
    pods = [pod["metadata"] for pod in await pods_of(scene, "e")]
    name, dry = pods[0]["name"], {"dryRun": ["All"]}
    answers: list[Json] = [scene.tidied(budget["status"])]
    for step in (
        _eviction(name),
        _eviction(name, **dry),
        _eviction(name, preconditions={"uid": "nope"}, **dry),
    ):
        answers.append(await scene.send(step))  # noqa: PERF401  # in this order, one after the other
    await changed(scene, f"{POLICY}/b", {"spec": {"minAvailable": 1}}, MERGE)
    answers.append(scene.tidied((await scene.until(f"{POLICY}/b", _is_counted))["status"]))
    for step in (
        _eviction(name, **dry),
        _eviction(name, preconditions={"uid": "nope"}, **dry),
        _eviction(name, preconditions={"resourceVersion": "1"}, **dry),
        _eviction("nobody"),
        post(f"{NS}/pods/{name}/eviction", {"metadata": {"name": "other"}}),
        post(f"{NS}/pods/{name}/eviction", {}),
    ):
        answers.append(await scene.send(step))  # noqa: PERF401  # in this order, one after the other
    await scene.raw(patch(f"{NS}/pods/{name}", MERGE, {"metadata": {"finalizers": ["example.com/hold"]}}))
    answers.append(await scene.send(_eviction(name, preconditions={"uid": pods[0]["uid"]})))
    told_why = (await scene.get(f"{NS}/pods/{name}"))["status"]["conditions"]
    answers.append(scene.tidied([entry for entry in told_why if entry["type"] == "DisruptionTarget"]))
    answers.append(await scene.send(_eviction(name)))
    await scene.raw(patch(f"{NS}/pods/{name}", MERGE, {"metadata": {"finalizers": None}}))
    await scene.gone(f"{NS}/pods/{name}")
    answers.append(scene.tidied((await scene.until(f"{POLICY}/b", _is_counted))["status"]))
    await scene.raw(delete(f"{POLICY}/b"))
    await removed(scene, _PATH)
    return [_without_pod_names(answer, pods) for answer in answers]


def _without_pod_names(answer: Any, pods: list[Json]) -> Any:
    """Put words in place of names that a case knows."""
    if isinstance(answer, str):
        for number, pod in enumerate(pods):
            answer = answer.replace(pod["name"], f"pod-{number}")
        return answer
    if isinstance(answer, dict):
        return {key: _without_pod_names(value, pods) for key, value in answer.items()}
    return [_without_pod_names(value, pods) for value in answer] if isinstance(answer, list) else answer


async def _two_budgets(scene: Scene) -> list[Json]:
    """Select a pod by two budgets, one of them by expressions; and spend one with a wrong precondition."""
    await deploy(scene, "e", 2)
    chosen = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["e"]}]}
    await _guarded(scene, "b", minAvailable=1)
    await _guarded(scene, "c", maxUnavailable="50%", selector=chosen)
    pods = [pod["metadata"] for pod in await pods_of(scene, "e")]
    answers = [await scene.send(_eviction(pods[0]["name"], dryRun=["All"]))]
    await scene.raw(delete(f"{POLICY}/c"))
    answers.append(await scene.send(_eviction(pods[0]["name"], preconditions={"uid": "nope"})))
    spent = await scene.until(f"{POLICY}/b", lambda found: found["status"]["currentHealthy"] == 1)
    budget = spent["status"]
    answers.append({"allowed": budget["disruptionsAllowed"], "disrupted": len(budget.get("disruptedPods") or {})})
    answers.append(await scene.send(_eviction(pods[1]["name"])))
    await scene.raw(delete(f"{POLICY}/b"))
    await removed(scene, _PATH)
    return [_without_pod_names(answer, pods) for answer in answers]


def _pod(name: str, **resources: Json) -> Json:
    spec = small_deployment(name)["spec"]["template"]["spec"]
    spec["nodeSelector"] = {"nowhere": "yes"}
    spec["containers"][0]["resources"] = resources
    return {"metadata": {"name": name}, "spec": spec}


_QUOTA = f"{NS}/resourcequotas"
_HARD = {"pods": "1", "requests.memory": "100Mi", "limits.cpu": "1", "services": "0"}
_FITS = {"requests": {"memory": "20Mi"}, "limits": {"cpu": "500m"}}
_LARGE = {"requests": {"memory": "200Mi"}, "limits": {"cpu": "2"}}


def _refusal(answer: Json) -> Json:
    """Leave of an answer what a quota says; of a success that it is one."""
    body = answer["body"]
    return {"status": answer["status"], **({} if answer["status"] < 300 else {"body": body})}


async def _quota(scene: Scene) -> list[Json]:
    """Fill a quota, and ask for more."""
    await scene.raw(post(_QUOTA, {"metadata": {"name": "q"}, "spec": {"hard": _HARD}}))
    await scene.until(f"{_QUOTA}/q", lambda found: found.get("status", {}).get("used"))
    steps = (
        post(f"{NS}/pods", _pod("p")),
        post(f"{NS}/pods", _pod("p", **_LARGE)),
        post(f"{NS}/pods", _pod("p", **_FITS)),
        post(f"{NS}/pods", _pod("other", **_LARGE), dryRun="All"),
        post(f"{NS}/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}),
    )
    answers = [_refusal(await scene.send(step)) for step in steps]
    used = await scene.until(f"{_QUOTA}/q", lambda found: found["status"]["used"]["pods"] == "1")
    answers.append(used["status"])
    for path in (f"{NS}/pods/p", f"{_QUOTA}/q"):
        await scene.raw(delete(path))
        await scene.gone(path)
    return answers


async def _starved(scene: Scene) -> list[Json]:
    """Deploy into a quota that has room for one of two pods: the Deployment says why; with more room it goes on."""
    await scene.raw(post(_QUOTA, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}))
    await scene.until(f"{_QUOTA}/q", lambda found: found.get("status", {}).get("used"))
    await scene.raw(post(DEPLOYMENTS, small_deployment("e", scene.side.image, 2)))
    await until_pods(scene, "e", all_ready(1))
    await scene.until(_PATH, lambda found: found["status"].get("availableReplicas") == 1 and _has_failure(found))
    pictures = [await picture(scene, "e")]
    events = await scene.get(f"{NS}/events", fieldSelector="reason=FailedCreate")
    first = min(events["items"], key=lambda event: str(event["metadata"]["creationTimestamp"]))
    pictures.append(scene.tidied({name: first[name] for name in ("reason", "message", "type", "source")}))
    await scene.raw(delete(f"{_QUOTA}/q"))
    await scene.settled(_PATH)
    pictures.append(await picture(scene, "e"))
    await removed(scene, _PATH)
    for event in events["items"]:
        await scene.raw(delete(f"{NS}/events/{event['metadata']['name']}"))
    return pictures


def _has_failure(found: Json) -> bool:
    return any(entry["type"] == "ReplicaFailure" for entry in found["status"].get("conditions") or ())


_RANGE = {
    "default": {"memory": "64Mi", "cpu": "200m"},
    "defaultRequest": {"cpu": "50m"},
    "max": {"memory": "64Mi"},
    "min": {"cpu": "10m"},
    "maxLimitRequestRatio": {"cpu": "5"},
}


async def _ranged(scene: Scene) -> list[Json]:
    """Ask for more and for less than a limit range allows, and for nothing."""
    entries = [{"type": "Container", **_RANGE}, {"type": "Pod", "max": {"cpu": "300m"}}]
    made = await scene.send(post(f"{NS}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": entries}}))
    for _ in range(3):
        await scene.side.hands.wait()  # until every part of the server has heard of it
    answers: list[Json] = [{"spec": made["body"]["spec"]}]
    for resources in (
        {},
        {"limits": {"memory": "128Mi"}},
        {"requests": {"memory": "128Mi"}},
        {"requests": {"cpu": "5m"}},
        {"requests": {"cpu": "10m"}, "limits": {"cpu": "100m"}},
        {"limits": {"cpu": "400m"}},
        {"requests": {"memory": "128Mi", "cpu": "1m"}, "limits": {"memory": "256Mi", "cpu": "500m"}},
    ):
        answer = await scene.send(post(f"{NS}/pods", _pod("p", **resources), dryRun="All"))
        if answer["status"] < 300:
            body = answer["body"]
            given = {"resources": body["spec"]["containers"][0]["resources"], "told": body["metadata"]["annotations"]}
            answers.append({**given, "quality": body["status"]["qosClass"]})
        else:
            answers.append(answer)
    await scene.raw(delete(f"{NS}/limitranges/l"))
    return answers


async def _nobody(scene: Scene) -> list[Json]:
    """Run as an account, or in a class, that does not exist."""
    ghost, urgent = _pod("p"), _pod("p")
    ghost["spec"]["serviceAccountName"] = "ghost"
    urgent["spec"]["priorityClassName"] = "ghost"
    return [await scene.send(post(f"{NS}/pods", body, dryRun="All")) for body in (ghost, urgent)]


async def _bounded(scene: Scene) -> list[Json]:
    """Scale by hand under an autoscaler without metrics: its bounds are kept, and nothing stays nothing."""
    await deploy(scene, "e", 2)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "e"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3}
    await scene.raw(post(AUTOSCALERS, {"metadata": {"name": "h"}, "spec": spec}))
    path = f"{AUTOSCALERS}/h"
    await scene.until(path, lambda found: found["status"].get("conditions"))
    seen = []
    for replicas, becomes in ((5, 3), (1, 2)):
        await changed(scene, f"{_PATH}/scale", {"spec": {"replicas": replicas}}, MERGE)
        await scene.until(_PATH, lambda found, wanted=becomes: found["spec"]["replicas"] == wanted)
        seen.append({"replicas": replicas, "becomes": becomes})
    await changed(scene, path, {"spec": {"minReplicas": 3}}, MERGE)
    await scene.until(_PATH, lambda found: found["spec"]["replicas"] == 3)
    await changed(scene, f"{_PATH}/scale", {"spec": {"replicas": 0}}, MERGE)
    idle = await scene.until(path, lambda found: "ScalingDisabled" in str(found["status"]))
    events = await scene.get(f"{NS}/events", fieldSelector="reason=SuccessfulRescale")
    messages = sorted({event["message"] for event in events["items"]})
    conditions = [
        {name: entry[name] for name in ("type", "status", "reason")}
        for entry in idle["status"]["conditions"]
        if entry["type"] == "ScalingActive"
    ]
    await scene.raw(delete(path))
    await removed(scene, _PATH)
    for event in events["items"]:
        await scene.raw(delete(f"{NS}/events/{event['metadata']['name']}"))
    left = (await scene.get(f"{APPS}/replicasets", labelSelector="app=e"))["items"]
    return [
        *seen,
        {"messages": messages, "idle": conditions, "desired": idle["status"]["desiredReplicas"], "left": len(left)},
    ]


LIMIT_CASES: tuple[Case, ...] = (
    told("eviction", _evicted),
    told("eviction-by-two-budgets", _two_budgets),
    told("quota", _quota),
    told("quota-starves-a-deployment", _starved),
    told("limit-range", _ranged),
    told("nobodys-pod", _nobody),
    told("autoscaler-bounds", _bounded),
)
