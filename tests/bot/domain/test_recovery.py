"""What became of a change whose answer nobody has: the table, row by row."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.domain.live import MARKER, Json, Live, template_digest
from bot.domain.objects import REVISION
from bot.domain.plans import Plan
from bot.domain.recovery import Happened, Recovery, Redo, Unknown, recover
from bot.domain.steps import AnyStep, ClearFailed, Evict, FailedPod, Restart, Scale, SetBounds
from tests.support.changes import (
    ID,
    after,
    draft,
    live,
    plan,
    replica_set,
    rollback_step,
    template,
    workload,
)

PRIOR, THIRD = "an-older-request", "a-later-request"
V2, V1 = replica_set(template(), 8), replica_set(template("app:v1"), 7)
SCALE = Scale(kind="Deployment", was=3, replicas=5)
RESTART = Restart(kind="Deployment", template=template_digest(template()))
MARKED: dict[str, AnyStep] = {"scale": SCALE, "restart": RESTART, "rollback": rollback_step()}
each_marked = pytest.mark.parametrize("step", MARKED.values(), ids=MARKED)


@dataclass(frozen=True)
class Sent:
    """An attempt, as far as recovery looks at it."""

    generation: int = 4
    prior_marker: str = ""
    outcome: str = ""


def planned(step: AnyStep, **changed: Any) -> Plan:
    return plan(draft(step, **changed))


def before(marker: str = "", **changed: Any) -> Live:
    return live(workload(annotations={MARKER: marker} if marker else None, **changed), V2, V1)


def marked(of: Live, marker: str) -> Live:
    """Return the same object with another mark."""
    changed: dict[str, Any] = copy.deepcopy(dict(of.object or {}))
    changed["metadata"]["annotations"] = {MARKER: marker} if marker else {}
    return replace(of, object=changed)


def done(step: AnyStep) -> Live:
    return after(before(), step, planned(step))


def judge(step: AnyStep, seen: Live, *attempts: Sent) -> Recovery:
    return recover(ID, planned(step), seen, attempts or (Sent(),))


def reason(found: Recovery, *, void: bool) -> str:
    assert isinstance(found, Unknown)
    assert found.void is void
    return found.reason


# --- never sent -------------------------------------------------------------------------------------------------------


@each_marked
@pytest.mark.parametrize(
    "seen", [before(), before(THIRD), before(uid="other"), live(None)], ids=["same", "third", "made anew", "gone"]
)
def test_without_an_attempt_nothing_was_sent(step: AnyStep, seen: Live) -> None:
    """What stands against it now is found when it is read and compared again."""
    assert recover(ID, planned(step), seen, ()) == Redo()


@each_marked
@pytest.mark.parametrize("outcome", ["conflict", "refused", "throttled"])
def test_an_attempt_that_certainly_changed_nothing_is_none(step: AnyStep, outcome: str) -> None:
    """Its answer is on record: somebody else made what is seen."""
    for seen in (before(), before(THIRD), marked(done(step), ""), live(None)):
        assert judge(step, seen, Sent(outcome=outcome)) == Redo()
    assert judge(step, done(step), Sent(outcome=outcome)) == Happened()


@each_marked
@pytest.mark.parametrize("outcomes", [("conflict", ""), ("", "conflict"), ("unknown", "throttled")])
def test_one_open_attempt_is_a_doubt(step: AnyStep, outcomes: Sequence[str]) -> None:
    """Whatever became of the others."""
    assert judge(step, live(None), *(Sent(outcome=each) for each in outcomes)) != Redo()


# --- the mark is ours -------------------------------------------------------------------------------------------------


@each_marked
def test_our_mark_means_that_it_happened(step: AnyStep) -> None:
    """Even when no attempt is on record: a database may lose its last words, the cluster does not."""
    assert judge(step, done(step)) == Happened()
    assert recover(ID, planned(step), done(step), ()) == Happened()


@pytest.mark.parametrize(
    ("step", "seen", "overwritten"),
    [
        (SCALE, before(ID, replicas=4), "4 pods are asked for now, not 5"),
        (SCALE, before(ID), "somebody put it back as it was"),
        (RESTART, before(ID, of=template("app:v3")), "its pod template was changed"),
        (rollback_step(), before(ID), "somebody put it back as it was"),
    ],
    ids=["scaled on", "scaled back", "released since", "rolled forward"],
)
def test_our_mark_on_what_was_changed_since(step: AnyStep, seen: Live, overwritten: str) -> None:
    """It happened, and is told to be overwritten."""
    assert judge(step, seen) == Happened(overwritten)


@each_marked
def test_our_mark_on_another_object_proves_nothing(step: AnyStep) -> None:
    """Somebody made it anew from a copy."""
    copied = copy.deepcopy(dict(done(step).object or {}))
    copied["metadata"]["uid"] = "other"
    assert "made anew" in reason(judge(step, live(copied, V2, V1)), void=False)


# --- the mark is not ours ---------------------------------------------------------------------------------------------


@each_marked
@pytest.mark.parametrize("marker", ["", PRIOR])
def test_as_before_without_a_trace_it_is_done_again(step: AnyStep, marker: str) -> None:
    """No mark, or the one that the attempt had seen."""
    assert judge(step, before(marker), Sent(prior_marker=PRIOR)) == Redo()


@pytest.mark.parametrize("marker", ["", PRIOR])
@pytest.mark.parametrize(
    ("step", "seen", "trace"),
    [
        (SCALE, before(generation=6), "the object was changed since the change was sent"),
        (SCALE, live(workload(), replica_set(template(), 8, **{MARKER: ID})), "carries this request's mark"),
        (
            RESTART,
            live(workload(), V2, replica_set(template("app:v1"), 9, **{MARKER: ID})),
            "carries this request's mark",
        ),
        (
            RESTART,
            live(
                workload(),
                V2,
                replica_set(
                    {
                        **template(),
                        "metadata": {
                            "labels": {},
                            "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-24T14:12:05Z"},
                        },
                    },
                    9,
                ),
            ),
            "was made by this restart",
        ),
        (
            rollback_step(),
            live(workload(), V2, replica_set(template("app:v1"), 7, **{REVISION: "9"})),
            "numbered 9 now",
        ),
    ],
    ids=["generation", "mark on the current", "mark on a revision", "time of the restart", "renumbered"],
)
def test_as_before_with_a_trace_somebody_reversed_it(step: AnyStep, seen: Live, trace: str, marker: str) -> None:
    """It is not done again: whoever reversed it had a reason."""
    said = reason(judge(step, marked(seen, marker), Sent(prior_marker=PRIOR)), void=True)
    assert said.startswith("it was applied, and somebody reversed it")
    assert trace in said


def test_the_last_attempt_says_which_generation_was_seen() -> None:
    """What moved before it is no trace."""
    seen = before(generation=6)
    assert judge(SCALE, seen, Sent(generation=4), Sent(generation=6)) == Redo()
    assert isinstance(judge(SCALE, seen, Sent(generation=6), Sent(generation=4)), Unknown)


def test_the_last_attempt_says_which_mark_was_there() -> None:
    """One that came since is a third."""
    assert judge(SCALE, before(PRIOR), Sent(), Sent(prior_marker=PRIOR)) == Redo()
    assert isinstance(judge(SCALE, before(PRIOR), Sent(prior_marker=PRIOR), Sent()), Unknown)


@each_marked
def test_a_confirmed_attempt_is_a_trace(step: AnyStep) -> None:
    """The API server's answer was on record, the state was not."""
    said = reason(judge(step, before(), Sent(outcome="applied")), void=True)
    assert said.endswith("the API server had confirmed it")


@each_marked
@pytest.mark.parametrize("marker", ["", PRIOR])
def test_as_it_was_to_be_without_our_mark_nobody_knows(step: AnyStep, marker: str) -> None:
    """Somebody else changed it, or removed the mark."""
    said = reason(judge(step, marked(done(step), marker), Sent(prior_marker=PRIOR)), void=True)
    assert "somebody else changed it, or removed the mark" in said


@pytest.mark.parametrize("marker", ["", PRIOR])
@pytest.mark.parametrize(
    ("step", "seen"),
    [
        (SCALE, before(replicas=4, generation=5)),
        (RESTART, before(of=template("app:v3"))),
        (rollback_step(), before(of=template("app:v3"))),
    ],
    ids=MARKED,
)
def test_neither_as_before_nor_as_it_was_to_be_nobody_knows(step: AnyStep, seen: Live, marker: str) -> None:
    """Ours may have come and gone in between."""
    said = reason(judge(step, marked(seen, marker), Sent(prior_marker=PRIOR)), void=True)
    assert said.startswith("it is neither as before nor as it was to be: ")


@each_marked
def test_a_third_mark_hides_what_became_of_ours(step: AnyStep) -> None:
    """Whatever the object looks like."""
    for seen in (before(THIRD), marked(done(step), THIRD)):
        assert "another request" in reason(judge(step, seen, Sent(prior_marker=PRIOR)), void=True)


@each_marked
def test_an_object_that_is_gone_tells_nothing(step: AnyStep) -> None:
    """Nor does one of the same name; there is nothing to mark, and no write fits any more."""
    assert "is gone" in reason(judge(step, live(None)), void=False)
    assert "made anew" in reason(judge(step, before(uid="other")), void=False)


# --- steps that leave no mark -----------------------------------------------------------------------------------------

EVICT = Evict(owner="ReplicaSet/api-8")
CLEAR = ClearFailed(pods=(FailedPod("a", "u-a"), FailedPod("b", "u-b")))


def pod(uid: str, **meta: Any) -> Json:
    return {"metadata": {"name": "api-1", "uid": uid, "resourceVersion": "1", **meta}}


@pytest.mark.parametrize(
    ("seen", "sent", "unsent"),
    [
        (live(pod("d-uid")), Redo(), Redo()),
        (live(None), Happened(), Redo()),
        (live(pod("other")), Happened(), Redo()),
        (live(pod("d-uid", deletionTimestamp="2026-11-24T14:12:05Z")), Happened(), Redo()),
        (live(pod("d-uid", annotations={MARKER: THIRD})), Redo(), Redo()),
    ],
    ids=["there", "gone", "another of the name", "on its way out", "marked by whomever"],
)
def test_an_evicted_pod_that_is_gone_was_evicted(seen: Live, sent: Recovery, unsent: Recovery) -> None:
    """If it was ever asked for; one that is still there is asked for again."""
    assert judge(EVICT, seen) == sent
    assert judge(EVICT, seen, Sent(outcome="throttled")) == unsent
    assert recover(ID, planned(EVICT), seen, ()) == unsent


def test_failed_pods_that_are_left_are_deleted_again() -> None:
    """Those that are gone are not missed."""
    nothing, some = live(None, pods=()), live(None, pods=(pod("u-b"), pod("u-c")))
    for uid in ("", "ns-uid"):
        of = plan(draft(CLEAR, target=replace(draft().target, kind="Namespace", name="shop", uid=uid)))
        assert recover(ID, of, nothing, (Sent(),)) == Happened()
        assert recover(ID, of, some, (Sent(), Sent(outcome="applied"))) == Redo()
        assert recover(ID, of, nothing, ()) == Redo()


def test_an_autoscaler_has_no_traces_but_its_mark() -> None:
    """It has no generation, and nothing copies its annotations."""
    step = SetBounds(minimum_was=2, maximum_was=5, minimum=4, maximum=8)

    def bounds(minimum: int, maximum: int, marker: str = "") -> Live:
        meta = {"name": "api", "uid": "d-uid", "resourceVersion": "1", "annotations": {MARKER: marker}}
        return live({"metadata": meta, "spec": {"minReplicas": minimum, "maxReplicas": maximum}})

    assert judge(step, bounds(4, 8, ID)) == Happened()
    assert judge(step, bounds(2, 5), Sent(generation=0)) == Redo()
    assert isinstance(judge(step, bounds(4, 8)), Unknown)
    assert isinstance(judge(step, bounds(3, 8)), Unknown)
