"""The product as an operator installs it: `overlays/single` applied to a real cluster, in an image of this project.

Slack is the stand-in, outside of the cluster. Needs RAGOPS_TEST_KUBECONFIG and RAGOPS_TEST_CLUSTER_CONTROL, a command
that makes images (`CONTROL image REFERENCE NAME=PATH… -- ENTRYPOINT…`), and skips without. The network policies are
applied too, but whether anything enforces them depends on the cluster's network plugin.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.installed import Installed, Place, installed, is_ready
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

GRACE_S = 60
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def single(product: str, address: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installed]:
    """The overlay, applied and ready."""
    folder = tmp_path_factory.mktemp("single")
    place = Place(kubectl=Kubectl(os.environ["RAGOPS_TEST_KUBECONFIG"]), folder=folder, image=product, address=address)
    async with installed(place, "single", {}) as it:
        await place.ready(1)
        yield it


async def test_it_gets_ready_and_answers_what_is_typed(single: Installed) -> None:
    answer = await single.people.answer("/rag status")
    assert single.place.watched in answer
    assert "Not checked" not in answer, answer


async def test_it_runs_as_the_restricted_standard_demands_and_its_disk_cannot_be_written(single: Installed) -> None:
    place = single.place
    namespace = await place.kubectl.json("get", "namespace", place.namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    tried = await inside(
        single, "/bin/sh", "-c", "id -u; touch /etc/x 2>&1; touch /usr/x 2>&1; touch /tmp/x && echo ok"
    )
    assert tried.splitlines()[0] == "10001"
    assert tried.count("Read-only file system") == 2
    assert tried.splitlines()[-1] == "ok"


async def test_a_workload_that_crashes_beside_it_is_named_with_its_cause(single: Installed) -> None:
    place = single.place
    script = "echo 'FATAL: cannot open /etc/billing.toml'; exit 1"
    image = os.environ.get("RAGOPS_TEST_IMAGE", "docker.io/test/busybox:1")
    await place.kubectl(
        "create", "deployment", "billing", "-n", place.watched, f"--image={image}", "--", "/bin/sh", "-c", script
    )
    answer = await single.people.answer_with("/rag status", r"billing[\s\S]*cannot open /etc/billing\.toml")
    assert "exit code 1" in answer or "exits with 1" in answer or "crash" in answer.lower(), answer


async def test_what_was_audited_outlives_the_pod(single: Installed) -> None:
    place = single.place
    await share(single)
    before = await audit(single)
    (pod,) = await place.pods()
    gone = await watch_end(single, pod)
    await place.ready(1)
    after = await audit(single)
    assert gone < GRACE_S
    assert before == after
    assert await single.people.answer("/rag status")


async def test_what_was_audited_outlives_a_kill(single: Installed) -> None:
    """Nothing is asked to end, so PostgreSQL recovers; its lock file names a process number that is taken again."""
    await share(single)
    before = await audit(single)
    ended = await ended_by(single, signal.SIGKILL)
    assert ended["exitCode"] == 137
    await single.place.ready(1)
    assert await audit(single) == before


async def test_told_to_end_it_ends_well_and_in_time(single: Installed) -> None:
    ended = await ended_by(single, signal.SIGTERM)
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
    await single.place.ready(1)


async def test_it_is_not_ready_while_slack_is_gone_and_ready_again_when_it_is_back(single: Installed) -> None:
    place = single.place
    (pod,) = await place.pods()
    restarts = pod["status"]["containerStatuses"][0]["restartCount"]
    await single.slack.stop()
    try:
        await until(place.pods, lambda pods: not is_ready(pods[0]), within_s=60, every_s=0.5)
        told = await inside(single, "/bin/sh", "-c", "wget -S -O - http://127.0.0.1:8080/readyz 2>&1 || true")
        assert "503" in told
        assert "200 OK" in await inside(single, "/bin/sh", "-c", "wget -S -O - http://127.0.0.1:8080/livez 2>&1")
    finally:
        await single.slack.start()
    (pod,) = await place.ready(1)
    assert pod["status"]["containerStatuses"][0]["restartCount"] == restarts
    assert await single.people.answer("/rag status")


async def share(it: Installed) -> None:
    """Share an answer, which is audited."""
    before = len(await it.people.public())
    await it.people.answer("/rag share status")
    await until(it.people.public, lambda shown: len(shown) > before)


async def audit(it: Installed) -> list[str]:
    """Return the hashes of the audit's entries, having it verified where it lies."""
    told = await inside(it, "/usr/local/bin/python", "/usr/local/bin/ragops", "audit", "verify")
    assert "whole" in told, told
    found = re.findall(r"(\d+) entr\w+, head (\S+)\.", told)
    assert len(found) == 1, told
    return list(found[0])


async def inside(it: Installed, *words: str) -> str:
    """Run a program in the pod."""
    (pod,) = await it.place.pods()
    return await it.place.kubectl("exec", "-n", it.place.namespace, pod["metadata"]["name"], "--", *words)


async def ended_by(it: Installed, number: signal.Signals) -> dict[str, Any]:
    """Send a signal to the program and return how its container ended, once it has been started again.

    From outside, as a kernel out of memory does: from inside, the first process of a pod cannot be killed.
    """
    (pod,) = await it.place.pods()
    before = pod["status"]["containerStatuses"][0]
    os.kill(first_process(before["containerID"].rpartition("/")[2]), number)

    async def look() -> dict[str, Any]:
        (pod,) = await it.place.pods()
        return dict(pod["status"]["containerStatuses"][0])

    count = before["restartCount"]
    status = await until(look, lambda seen: seen["restartCount"] > count, within_s=90, every_s=0.5)
    return dict(status["lastState"]["terminated"])


def first_process(container: str) -> int:
    """Return the process of this machine that is a container's first."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and container in (entry / "cgroup").read_text():
                numbers = re.search(r"^NSpid:\s+(\d+)\s+1$", (entry / "status").read_text(), re.MULTILINE)
                if numbers:
                    return int(numbers[1])
    raise AssertionError(f"no process of container {container} runs here")


async def watch_end(it: Installed, pod: dict[str, Any]) -> float:
    """Delete a pod and return the seconds until it is gone."""
    began = time.monotonic()
    await it.place.kubectl("delete", "pod", "-n", it.place.namespace, pod["metadata"]["name"], within_s=GRACE_S + 20)
    return time.monotonic() - began
