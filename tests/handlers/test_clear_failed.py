from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.live import Live, Target
from bot.domain.objects import Job
from bot.domain.plans import Draft, Fact, Refusal, Risk
from bot.domain.snapshot import Part
from bot.domain.steps import ClearFailed, FailedPod
from bot.errors import UsageError
from bot.store.store import PostgresStore
from handlers import clear_failed
from handlers.clear_failed import Params, Seen
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes
from tests.support.builders import NOW, SCOPE, condition, job, missing, snapshot
from tests.support.changing import NAMESPACE, container
from tests.support.planned import stamp
from tests.support.planned_cluster import Planning, planning_on

RUNNING = job("backfill")
OVER = job("nightly", condition("Failed", "True", "BackoffLimitExceeded"))


def failed(
    name: str = "api-1", *, ended_s: float | None = 3600, reason: str = "Error", of: Job | None = None, **changed: Any
) -> dict[str, Any]:
    """Return a pod that failed so many seconds ago, by a container that ended."""
    owners = (
        [{"kind": "Job", "name": of.meta.name, "uid": of.meta.uid, "controller": True}]
        if of
        else [{"kind": "ReplicaSet", "name": "api-rs1", "uid": "u", "controller": True}]
    )
    ended = [] if ended_s is None else [{"state": {"terminated": {"finishedAt": stamp(ended_s), "reason": reason}}}]
    status = {"phase": "Failed", "containerStatuses": ended, **changed.pop("status", {})}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "ownerReferences": owners, **changed},
        "status": status,
    }


def seen(*pods: dict[str, Any], jobs_read: bool = True) -> Seen:
    parts = {} if jobs_read else {Part.JOBS: missing("no right")}
    live = Live(read_at=NOW, object={"metadata": {"name": "shop"}}, pods=pods)
    return Seen(scope=SCOPE, now=NOW, live=live, snapshot=snapshot(RUNNING, OVER, parts=parts))


def planned(*pods: dict[str, Any], limit: int = 50, **more: Any) -> Draft:
    found = clear_failed.plan(Params(limit=limit), seen(*pods, **more))
    assert isinstance(found, Draft), found
    return found


def refused(*pods: dict[str, Any], **more: Any) -> Refusal:
    found = clear_failed.plan(Params(), seen(*pods, **more))
    assert isinstance(found, Refusal), found
    return found


def names(draft: Draft) -> list[str]:
    assert isinstance(draft.step, ClearFailed)
    return [each.name for each in draft.step.pods]


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_exactly_the_pods_that_are_named_are_cleared_the_oldest_first() -> None:
    """By name and uid; another of the same name that failed later is another pod."""
    evicted = failed("b", ended_s=None, status={"reason": "Evicted", "startTime": stamp(90_000)})
    draft = planned(failed("a", ended_s=7200), evicted, failed("c", ended_s=10_800, reason="OOMKilled"))
    assert draft.step == ClearFailed(pods=(FailedPod("b", "uid-b"), FailedPod("c", "uid-c"), FailedPod("a", "uid-a")))
    assert draft.target == Target(scope=SCOPE, kind="Namespace", name="shop", uid="")
    assert (draft.verb, draft.risk, draft.inverse, draft.watch) == ("clear failed", Risk.MEDIUM, "", None)
    assert (draft.words.title, draft.words.done) == ("Clear 3 failed pods of shop", "3 failed pods of shop cleared")
    assert draft.words.facts == (
        Fact("b", "Evicted, 25 h ago"),
        Fact("c", "OOMKilled, 3 h ago"),
        Fact("a", "Error, 2 h ago"),
    )
    assert draft.words.warnings == ("Their logs and last states go with them: save first what you still want to read.",)


def test_a_single_pod_is_a_matter_of_whoever_asks() -> None:
    """More than one is for two pairs of eyes."""
    assert planned(failed()).risk is Risk.LOW
    assert planned(failed("a"), failed("b")).risk is Risk.MEDIUM


def test_no_more_than_the_limit_are_cleared() -> None:
    """What is left is said."""
    draft = planned(*(failed(f"p{number}", ended_s=3600 - number) for number in range(5)), limit=2)
    assert names(draft) == ["p0", "p1"]
    assert draft.words.facts[-1] == Fact("left", "3 more, for another time")


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (failed("kept", of=RUNNING), "job backfill still runs"),
        (failed("kept", ended_s=599), "it ended less than 10 min ago"),
    ],
    ids=["of a running job", "just now"],
)
def test_what_is_still_needed_stays(pod: dict[str, Any], reason: str) -> None:
    """A running job counts its failures by them, and somebody may still be reading."""
    draft = planned(pod, failed("gone"))
    assert names(draft) == ["gone"]
    assert draft.words.facts[-1] == Fact("kept", f"kept ({reason})")


@pytest.mark.parametrize(("kind", "status"), [("Failed", "False"), ("Suspended", "True")])
def test_a_job_is_over_when_it_says_so(kind: str, status: str) -> None:
    """A condition that is not true, or of another sort, does not."""
    of = job("pending", condition(kind, status))
    shown = replace(seen(failed("a", of=of)), snapshot=snapshot(of))
    assert isinstance(clear_failed.plan(Params(), shown), Refusal)


def test_pods_of_a_job_that_is_over_go() -> None:
    """And those of a job that is gone, and what ended ten minutes ago."""
    pods = (failed("a", of=OVER), failed("b", of=job("deleted")), failed("c", ended_s=600))
    assert names(planned(*pods)) == ["a", "b", "c"]


def test_what_is_told_of_those_that_stay_is_bounded() -> None:
    """Equal reasons together."""
    pods = [failed(f"j{number}", of=RUNNING) for number in range(5)]
    draft = planned(*pods, failed("young", ended_s=5), failed("gone"))
    assert draft.words.facts[-1].text == (
        "young (it ended less than 10 min ago); j0, j1, j2 and 2 more (job backfill still runs)"
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"containerStatuses": [], "conditions": [{"lastTransitionTime": stamp(1800)}, {}]}, "Failed, 30 min ago"),
        ({"containerStatuses": [], "startTime": stamp(3600)}, "Failed, 60 min ago"),
        ({"containerStatuses": []}, "Failed, at an unknown time"),
        (
            {
                "initContainerStatuses": [{"state": {"terminated": {"finishedAt": stamp(900)}}}],
                "containerStatuses": [{"state": {"waiting": {}}}],
            },
            "Failed, 15 min ago",
        ),
        (
            {
                "containerStatuses": [
                    {"state": {"terminated": {"finishedAt": stamp(900), "reason": "Completed"}}},
                    {"state": {"terminated": {"finishedAt": stamp(1200), "reason": "Error"}}},
                ]
            },
            "Error, 15 min ago",
        ),
    ],
    ids=["by its conditions", "by its start", "nothing is known", "by its init container", "the container that failed"],
)
def test_when_and_why_it_failed_is_read_from_what_there_is(status: dict[str, Any], told: str) -> None:
    """The kubelet has no container to tell of when it evicts before one runs."""
    assert planned(failed("x", status=status)).words.facts == (Fact("x", told),)


def test_a_pod_that_never_started_is_as_old_as_it_is() -> None:
    """No kubelet ever told of it."""
    pod = failed("x", ended_s=None, creationTimestamp=stamp(7200))
    assert planned(pod).words.facts == (Fact("x", "Failed, 2 h ago"),)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_where_nothing_failed_there_is_nothing_to_clear() -> None:
    """Pods that go already, or did their work, are none of it."""
    reason = "No pod of shop has failed: there is nothing to clear."
    assert refused().reason == reason
    assert refused(failed(deletionTimestamp=stamp(5)), failed(status={"phase": "Succeeded"})).reason == reason


def test_where_all_that_failed_stays_it_is_said_why() -> None:
    """One, or several."""
    one = refused(failed("a", ended_s=60))
    assert one.reason == "The one failed pod of shop is not cleared now."
    assert one.facts == (Fact("kept", "a (it ended less than 10 min ago)"),)
    two = refused(failed("a", ended_s=60), failed("b", of=RUNNING))
    assert two.reason == "None of the 2 failed pods of shop is cleared now."
    three = refused(*(failed(name, of=RUNNING) for name in "abc"))
    assert three.facts == (Fact("kept", "a, b, c (job backfill still runs)"),)


def test_a_jobs_pods_stay_while_the_jobs_cannot_be_read() -> None:
    """It may still run."""
    refusal = refused(failed("a", of=OVER), jobs_read=False)
    assert refusal.facts == (Fact("kept", "a (the jobs could not be read, and it is one's)"),)
    assert names(planned(failed("b"), jobs_read=False)) == ["b"]


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def planning(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Planning]:
    async with planning_on(store, tmp_path) as made:
        yield made


async def test_failed_pods_are_cleared_in_the_cluster(planning: Planning) -> None:
    """Once their job is over and they have been there for some time; then there are none left."""
    planning.world.behave("backfill", Crashes(voice="silent", after=1.0))
    planning.world.apply("jobs", make.job(NAMESPACE, "backfill", container("v1"), backoff_limit=1))
    planning.world.advance(120)
    assert await planning.refused("clear failed") == "None of the 2 failed pods of shop is cleared now."
    planning.world.advance(timedelta(minutes=11).total_seconds())
    draft = await planning.drafted("clear failed")
    assert len(names(draft)) == 2
    await planning.carry_out(draft)
    assert await planning.refused("clear failed") == "No pod of shop has failed: there is nothing to clear."


@pytest.mark.parametrize("limit", ["0", "51"])
async def test_the_limit_has_bounds(planning: Planning, limit: str) -> None:
    """A card can name so many."""
    with pytest.raises(UsageError, match="--limit must be at"):
        await planning.plan(f"clear failed --limit {limit}")
