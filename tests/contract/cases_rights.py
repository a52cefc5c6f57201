"""Usage, and who may ask what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sandbox.cluster.store import Json
from tests.contract import rules
from tests.contract.case import APPS, METRICS, NS, REVIEWS, Case, NotYet, question, while_waiting
from tests.contract.compare import Rules
from tests.contract.rules import EXACT
from tests.contract.sides import ADMIN, NARROW, STRANGER, Side


async def _usage(side: Side) -> Json:
    """List the usage of the pods that run for long enough; sorted, for the order means nothing."""
    wanted = {side.pods[app] for app in ("quiet", "pair", "agent")}
    async with asyncio.timeout(60):
        while True:
            answer = (await side.ask(f"{METRICS}/namespaces/{{ns}}/pods")).as_json()
            if answer["status"] != 200:
                raise NotYet(f"there are no metrics: the answer is {answer['status']}")
            items = [item for item in answer["body"]["items"] if _unmask(side, item) in wanted]
            if len(items) == len(wanted):
                break
            await side.hands.wait()
    for item in items:
        item["containers"].sort(key=lambda container: str(container["name"]))
    answer["body"]["items"] = sorted(items, key=lambda item: str(item["metadata"]["name"]))
    return answer


def _unmask(side: Side, item: Json) -> str:
    return side.pods.get(str(item["metadata"]["name"]).removeprefix("POD-"), "")


async def _usage_of_a_crash_loop(side: Side) -> Json:
    """Ask for the usage of a pod that does not run."""
    answer = (await side.ask(f"{METRICS}/namespaces/{{ns}}/pods/{{pod[crash]}}")).as_json()
    if answer["status"] not in (200, 404):
        raise NotYet(f"there are no metrics: the answer is {answer['status']}")
    return answer


_USAGE_LIST = Rules(equal=("kind", "apiVersion", "metadata", "items")).under("body")
_METRICS = (
    Case("usage-of-pods", _usage, rules.HEAD + _USAGE_LIST + rules.USAGE.under("body.items[]")),
    question(
        "usage-of-nodes",
        f"{METRICS}/nodes",
        rules.HEAD + _USAGE_LIST + rules.NODE_USAGE.under("body.items[]"),
    ),
    while_waiting(Case("usage-of-a-crash-loop", _usage_of_a_crash_loop, EXACT)),
    question("usage-of-no-pod", f"{METRICS}/namespaces/{{ns}}/pods/nobody", EXACT),
    question("usage-version-unknown", "/apis/metrics.k8s.io/v1/nodes", EXACT),
)


def _review(name: str, user: str, attributes: Mapping[str, str]) -> Case:
    def cut(answer: Json) -> Json:
        answer["body"]["status"].pop("reason", None)  # names bindings that only one side has
        answer["body"]["spec"]["resourceAttributes"].pop("namespace", None)
        return answer

    body = {"spec": {"resourceAttributes": dict(attributes)}}
    free = Rules(free=("body.metadata.managedFields", "body.metadata.creationTimestamp"))
    return question(name, REVIEWS, EXACT + free, method="POST", body=body, user=user, cut=cut)


_LISTING = {"verb": "list", "resource": "pods"}
_RIGHTS = (
    question("stranger", f"{NS}/pods", EXACT, user=STRANGER),
    question("stranger-asks-the-version", "/version", EXACT, user=STRANGER),
    question("forbidden-list", f"{NS}/pods", EXACT, user=NARROW),
    question("forbidden-get", f"{NS}/pods/nobody", EXACT, user=NARROW),
    question("forbidden-group", f"{APPS}/deployments", EXACT, user=NARROW),
    question("forbidden-in-the-whole-cluster", "/api/v1/nodes", EXACT, user=NARROW),
    question("forbidden-everywhere", "/api/v1/pods", EXACT, user=NARROW),
    _review("review-allowed", ADMIN, _LISTING),
    _review("review-denied", NARROW, _LISTING),
    _review("review-of-a-subresource", NARROW, {"verb": "get", "resource": "pods", "subresource": "log"}),
    _review("review-of-nothing-known", NARROW, {"verb": "get", "resource": "gadgets", "group": "example.com"}),
)

RIGHTS_CASES: tuple[Case, ...] = (*_METRICS, *_RIGHTS)
