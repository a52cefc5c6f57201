"""`clear failed`: delete what is left of pods that failed, so that lists show what matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.diagnosis import ago
from bot.domain.actions import Change, Need, option
from bot.domain.live import Json, Live, Reads, Target, metadata_of
from bot.domain.objects import Job
from bot.domain.plans import Draft, Fact, PlanWords, Refusal, Risk
from bot.domain.snapshot import Part, Snapshot
from bot.domain.steps import ClearFailed, FailedPod
from bot.domain.targets import Scope
from bot.domain.text import count, in_short
from bot.ports import Sources

MOST, MOST_NAMED = 50, 3
SETTLED = timedelta(minutes=10)
_PARTS = frozenset({Part.JOBS})
_FOLLOWED_S = 60
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Params:
    """How many at most."""

    limit: int = option("--limit", "at most so many, the oldest first", default=MOST, minimum=1, maximum=MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The failed pods of a namespace as they are now, and its jobs."""

    scope: Scope
    now: datetime
    live: Live
    snapshot: Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A pod that failed: when it ended (None: nobody noted it), why, and what still needs it."""

    name: str
    uid: str
    ended_at: datetime | None
    reason: str
    kept: str

    def told(self, now: datetime) -> Fact:
        return Fact(self.name, f"{self.reason}, {ago(self.ended_at, now)}")


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.live is None or sources.cluster is None:
        raise ValueError("clear failed needs the live objects and the cluster")
    scope = sources.scope
    live = await sources.live.live(scope, "Namespace", scope.namespace, reads=frozenset({Reads.FAILED_PODS}))
    return Seen(scope=scope, now=sources.now, live=live, snapshot=await sources.cluster.snapshot(scope, _PARTS))


def plan(params: Params, seen: Seen) -> Draft | Refusal:
    failed = sorted(_failed(seen), key=lambda each: (each.ended_at or _NEVER, each.name))
    kept = [each for each in failed if each.kept]
    free = [each for each in failed if not each.kept]
    chosen = free[: params.limit]
    if not chosen:
        return _nothing(seen, kept)
    namespace = seen.scope.namespace
    pods = count(len(chosen), "failed pod")
    return Draft(
        verb="clear failed",
        target=Target(scope=seen.scope, kind="Namespace", name=namespace, uid=""),
        step=ClearFailed(pods=tuple(FailedPod(each.name, each.uid) for each in chosen)),
        risk=Risk.LOW if len(chosen) == 1 else Risk.MEDIUM,
        words=PlanWords(
            title=f"Clear {pods} of {namespace}",
            done=f"{pods} of {namespace} cleared",
            facts=(*(each.told(seen.now) for each in chosen), *_left(free[params.limit :], kept)),
            warnings=("Their logs and last states go with them: save first what you still want to read.",),
        ),
        lasts_s=_FOLLOWED_S,
    )


def _failed(seen: Seen) -> Iterator[Failed]:
    jobs = {job.meta.uid: job for job in seen.snapshot.jobs}
    for pod in seen.live.pods:
        meta, status = metadata_of(pod), pod.get("status") or {}
        if status.get("phase") != "Failed" or meta.get("deletionTimestamp"):
            continue
        ended_at = _ended_at(pod)
        yield Failed(
            name=str(meta.get("name", "")),
            uid=str(meta.get("uid", "")),
            ended_at=ended_at,
            reason=_reason(status),
            kept=_needed_by(meta, jobs, seen.snapshot) or _too_young(ended_at, seen.now),
        )


def _ended_at(pod: Json) -> datetime | None:
    """Return when the last of a pod's containers ended, else when the pod itself was last told to change."""
    status: Json = pod.get("status") or {}
    ends = [
        ended["finishedAt"]
        for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
        if (ended := (each.get("state") or {}).get("terminated")) and ended.get("finishedAt")
    ]
    changes = [each["lastTransitionTime"] for each in status.get("conditions") or () if each.get("lastTransitionTime")]
    began = [time for time in (status.get("startTime"), metadata_of(pod).get("creationTimestamp")) if time]
    said = max(ends, default="") or max(changes, default="") or next(iter(began), "")
    return datetime.fromisoformat(str(said)) if said else None


def _reason(status: Json) -> str:
    """Return the reason in the cluster's own word, which is one: `Evicted`, `OOMKilled`, `Error`."""
    ended = [
        str((each.get("state") or {})["terminated"].get("reason", ""))
        for each in status.get("containerStatuses") or ()
        if (each.get("state") or {}).get("terminated")
    ]
    failed = [reason for reason in ended if reason not in ("", "Completed")]
    return str(status.get("reason") or next(iter(failed), "Failed"))


def _needed_by(meta: Json, jobs: dict[str, Job], snapshot: Snapshot) -> str:
    """Say which job still counts a failed pod among its tries; empty when none does."""
    owner: Json = next((each for each in meta.get("ownerReferences") or () if each.get("controller")), {})
    if owner.get("kind") != "Job":
        return ""
    if not snapshot.has(Part.JOBS):
        return "the jobs could not be read, and it is one's"
    job = jobs.get(str(owner.get("uid", "")))
    return f"job {job.meta.name} still runs" if job is not None and not _is_over(job) else ""


def _is_over(job: Job) -> bool:
    return any(each.type in ("Complete", "Failed") and each.status == "True" for each in job.conditions)


def _too_young(ended_at: datetime | None, now: datetime) -> str:
    young = ended_at is not None and now - ended_at < SETTLED
    return f"it ended less than {SETTLED.seconds // 60} min ago" if young else ""


def _left(over: Sequence[Failed], kept: Sequence[Failed]) -> Iterator[Fact]:
    if over:
        yield Fact("left", f"{len(over)} more, for another time")
    if kept:
        yield _kept(kept)


def _kept(kept: Sequence[Failed]) -> Fact:
    """Say which failed pods stay, equal reasons together."""
    told = []
    for reason in sorted({each.kept for each in kept}):
        names = [each.name for each in kept if each.kept == reason]
        told.append(f"{in_short(names, MOST_NAMED)} ({reason})")
    return Fact("kept", "; ".join(told))


def _nothing(seen: Seen, kept: Sequence[Failed]) -> Refusal:
    namespace = seen.scope.namespace
    if not kept:
        return Refusal(reason=f"No pod of {namespace} has failed: there is nothing to clear.")
    which = f"None of the {len(kept)} failed pods" if len(kept) > 1 else "The one failed pod"
    verb = "is" if len(kept) > 1 else "is not"
    return Refusal(reason=f"{which} of {namespace} {verb} cleared now.", facts=(_kept(kept),))


ACTION = Change(
    name="clear failed",
    summary="Delete what is left of pods that failed",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.LIVE}),
    observe=observe,
    plan=plan,
    examples=(
        ("clear failed", "those of the default namespace, the oldest first; the card names each"),
        ("clear failed --limit 5", "five at most"),
    ),
)
