"""What a question to both sides is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.cluster.store import Json
from tests.contract.compare import Rules
from tests.contract.sides import ADMIN, Side, first_container, waits_for

NS = "/api/v1/namespaces/{ns}"
APPS = "/apis/apps/v1/namespaces/{ns}"
BATCH = "/apis/batch/v1/namespaces/{ns}"
METRICS = "/apis/metrics.k8s.io/v1beta1"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PAGES: dict[str, Any] = {"labelSelector": "set=pages"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
STEADY = "app in (quiet,agent,ordered,pair,once,unready)"
UNSTEADY = "app in (crash,misconfigured,homeless,unpullable)"


class NotYet(Exception):
    """A cluster cannot answer this now, for a reason that is no fault."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question to both sides. `ask` returns what is compared."""

    name: str
    ask: Callable[[Side], Awaitable[Any]]
    rules: Rules


def question(
    name: str,
    path: str,
    wanted: Rules,
    *,
    method: str = "GET",
    accept: str = "application/json",
    body: Json | None = None,
    user: str = ADMIN,
    cut: Callable[[Json], Json] | None = None,
    **query: Any,
) -> Case:
    """Return a case of one request; `cut` leaves of its answer what is compared."""

    async def ask(side: Side) -> Json:
        filled = {name: side.path(value) for name, value in query.items()}
        answer = await side.ask(path, filled, method=method, accept=accept, body=body, user=user)
        return cut(answer.as_json()) if cut else answer.as_json()

    return Case(name, ask, wanted)


_WAITS = {"crash": "CrashLoopBackOff", "unpullable": "ImagePullBackOff"}


def while_waiting(case: Case) -> Case:
    """Ask while the pods whose state alternates wait, before the question and after it."""

    async def waiting(side: Side) -> list[Json] | None:
        pods = [(await side.ask(f"{NS}/pods/{{pod[{app}]}}")).body for app in _WAITS]
        if all(waits_for(pod, reason) for pod, reason in zip(pods, _WAITS.values(), strict=True)):
            return [first_container(pod) for pod in pods]
        return None

    async def ask(side: Side) -> Any:
        async with asyncio.timeout(90):
            while True:
                before = await waiting(side)
                if before is not None:
                    seen = await case.ask(side)
                    if await waiting(side) == before:
                        return seen
                await side.hands.wait()

    return Case(case.name, ask, case.rules)


def names_of(answer: Json) -> Json:
    """Leave of a list its names."""
    return {"status": answer["status"], "names": [item["metadata"]["name"] for item in answer["body"]["items"]]}


def without_ages(answer: Json) -> Json:
    """Put one word in place of the cells that tell an age or an address."""
    columns = [column["name"] for column in answer["body"]["columnDefinitions"]]
    for row in answer["body"]["rows"]:
        for position, name in enumerate(columns):
            if name in ("Age", "IP", "Cluster-IP", "Duration") and isinstance(row["cells"][position], str):
                row["cells"][position] = "SOME" if row["cells"][position] not in ("<none>", "<unknown>") else "NONE"
    return answer
