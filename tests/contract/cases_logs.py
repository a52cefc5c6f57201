"""Logs: which run, which part, and what is said where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import NS, Case, question, while_waiting
from tests.contract.compare import Rules
from tests.contract.rules import EXACT
from tests.contract.sides import NARROW, Side, first_container
from tests.contract.workloads import followed

_LOG = f"{NS}/pods/{{pod[quiet]}}/log"


def _log(name: str, app: str, wanted: Rules = EXACT, **query: Any) -> Case:
    return question(f"log-{name}", f"{NS}/pods/{{pod[{app}]}}/log", wanted, accept="*/*", **query)


async def _crashed(side: Side) -> Json:
    """Read the log of a container in back-off, twice: the current and the previous one are the same run."""
    path = f"{NS}/pods/{{pod[crash]}}/log"
    current = (await side.ask(path, accept="*/*")).as_json()
    previous = (await side.ask(path, {"previous": "true"}, accept="*/*")).as_json()
    return {"current": current, "previous": previous}


async def _stamped(side: Side) -> list[list[str]]:
    """Read lines with their times."""
    answer = await side.ask(_LOG, {"timestamps": "true", "tailLines": "2"}, accept="*/*")
    return [line.split(" ", 1) for line in answer.text.splitlines()]


async def _since_a_time(side: Side) -> Json:
    """Read what was written after a time to come: nothing."""
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (await side.ask(_LOG, {"sinceTime": later}, accept="*/*")).as_json()


async def _followed(side: Side) -> Json:
    """Follow a log from its container's start until the stream ends by itself."""
    await side.hands.create("jobs", followed(side.image))
    selector = {"labelSelector": "app=followed"}

    def runs(body: Json) -> bool:
        return any("running" in first_container(pod).get("state", {}) for pod in body["items"])

    started = await side.until(f"{NS}/pods", runs, selector, within_s=30)
    name = started["items"][0]["metadata"]["name"]
    async with (
        side.hands.passing_time(),
        side.stream(f"{NS}/pods/{name}/log", {"follow": "true"}, accept="*/*") as lines,
    ):
        text = "".join([line async for line in lines])
    pod = (await side.ask(f"{NS}/pods/{name}")).body
    state = first_container(pod).get("state", {})
    for resource, made in (("jobs", "followed"), ("pods", name)):
        await side.hands.delete(resource, made)
    return {"text": text, "ended": "terminated" in state or pod["status"]["phase"] == "Succeeded"}


_LOGS = (
    _log("whole", "quiet"),
    _log("tail", "quiet", tailLines="2"),
    _log("tail-nothing", "quiet", tailLines="0"),
    _log("cut-at-its-end", "quiet", tailLines="2", limitBytes="6"),
    _log("of-one-that-ended", "once"),
    _log("of-a-named-container", "pair", container="c1"),
    _log("previous-without-one", "quiet", previous="true"),
    _log("unknown-container", "quiet", container="nobody"),
    _log("several-and-none-named", "pair"),
    _log("waiting", "misconfigured"),
    while_waiting(_log("waiting-for-an-image", "unpullable")),
    _log("not-scheduled", "homeless"),
    _log("follow-waiting", "misconfigured", follow="true"),
    _log("since-nothing", "quiet", sinceSeconds="0"),
    _log("limit-nothing", "quiet", limitBytes="0"),
    _log("tail-negative", "quiet", tailLines="-1"),
    _log("since-twice", "quiet", sinceSeconds="5", sinceTime="2026-01-01T00:00:00Z"),
    _log("since-unreadable", "quiet", sinceTime="yesterday"),
    _log("tail-unreadable", "quiet", tailLines="many"),
    question("log-of-no-pod", f"{NS}/pods/nobody/log", EXACT),
    question("log-forbidden", _LOG, EXACT, user=NARROW),
    while_waiting(Case("log-crashed", _crashed, EXACT)),
    Case("log-stamped", _stamped, Rules(alike=("[][]",), equal=("",))),
    Case("log-since-a-time-to-come", _since_a_time, EXACT),
    Case("log-followed", _followed, EXACT),
)

LOG_CASES: tuple[Case, ...] = _LOGS
