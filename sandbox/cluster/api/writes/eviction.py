"""The subresource ``eviction``: a delete that asks the disruption budgets first."""

from __future__ import annotations

from sandbox.cluster.api.calls import Call, JsonAnswer
from sandbox.cluster.api.errors import Cause, Refusal, bad_request
from sandbox.cluster.api.reads import find_object
from sandbox.cluster.api.writes.bodies import read_body
from sandbox.cluster.api.writes.deletion import delete_object
from sandbox.cluster.api.writes.options import DeleteOptions, check_preconditions, parsed_delete_options
from sandbox.cluster.labels import selector_matches
from sandbox.cluster.store import Json, ObjectStore
from sandbox.cluster.world.clock import stamp
from sandbox.cluster.world.pods_view import is_ready

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_TWO_BUDGETS = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_RETRY_SECONDS = 10


def evict(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a POST of an eviction. Raises Refusal (400, 404, 409, 429, 500)."""
    body = read_body(call, "policy/v1", "Eviction").obj
    if body["metadata"].get("name", "") != call.target.name:
        raise bad_request("name in URL does not match name in Eviction object")
    options = parsed_delete_options(body.get("deleteOptions") or {})
    if call.query.get("dryRun"):
        options = DeleteOptions(
            dry_run=True,
            grace=options.grace,
            policy=options.policy,
            uid=options.uid,
            resource_version=options.resource_version,
        )
    pod = find_object(call, store)
    if not _ends_anyway(pod):
        _ask_budgets(store, pod, dry_run=options.dry_run)
    check_preconditions(call.kind, pod, options)
    if not options.dry_run:
        pod = store.update("pods", _told(pod, stamp(store.now().timestamp())))
    delete_object(call.kind, store, pod, DeleteOptions(options.dry_run, options.grace, options.policy))
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return JsonAnswer(success, 201)


def _ends_anyway(pod: Json) -> bool:
    ended = pod["status"].get("phase") in {"Succeeded", "Failed", "Pending"}
    return ended or "deletionTimestamp" in pod["metadata"]


def _ask_budgets(store: ObjectStore, pod: Json, *, dry_run: bool) -> None:
    """Take one disruption from the pod's budget. Raises Refusal (429, 500)."""
    labels = pod["metadata"].get("labels") or {}
    budgets = [
        budget
        for budget in store.list("poddisruptionbudgets", pod["metadata"]["namespace"])
        if selector_matches((budget.get("spec") or {}).get("selector"), labels)
    ]
    if len(budgets) > 1:
        raise Refusal(500, "", _TWO_BUDGETS)
    if not budgets or _may_always_go(budgets[0], pod):
        return
    budget = budgets[0]
    name, status = budget["metadata"]["name"], budget.get("status") or {}
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 1):
        text = f"The disruption budget {name} is still being processed by the server."
        raise _refused(text, retry_after=_RETRY_SECONDS)
    if status.get("disruptionsAllowed", 0) < 1:
        needed, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _refused(f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently")
    if not dry_run:
        disrupted = {**(status.get("disruptedPods") or {}), pod["metadata"]["name"]: stamp(store.now().timestamp())}
        spent = {**status, "disruptionsAllowed": status["disruptionsAllowed"] - 1, "disruptedPods": disrupted}
        store.update("poddisruptionbudgets", {**budget, "status": spent})


def _may_always_go(budget: Json, pod: Json) -> bool:
    """Tell whether a pod that is not ready may go whatever the budget has left."""
    if is_ready(pod):
        return False
    status = budget.get("status") or {}
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    wanted: int = status.get("desiredHealthy", 0)
    healthy: int = status.get("currentHealthy", 0)
    return 0 < wanted <= healthy


def _refused(text: str, *, retry_after: int = 0) -> Refusal:
    details: Json = {"causes": [Cause("DisruptionBudget", text).body()]}
    headers = {}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
        headers["Retry-After"] = str(retry_after)
    return Refusal(429, "TooManyRequests", _REFUSED, details, headers=headers)


def _told(pod: Json, at: str) -> Json:
    """Return a pod whose conditions say that it is evicted."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": at,
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    others = [entry for entry in pod["status"].get("conditions") or () if entry["type"] != "DisruptionTarget"]
    return {**pod, "status": {**pod["status"], "conditions": [condition, *others]}}
