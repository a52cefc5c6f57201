"""`evict`: let one pod end, as a node's drain would, so that its controller makes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.diagnosis import Index, ago, status_cell
from bot.domain.actions import Change, argument
from bot.domain.live import Json, Live, Target, annotations_of, metadata_of
from bot.domain.objects import Pod
from bot.domain.plans import Draft, Fact, PlanWords, Refusal, Risk, Symptom
from bot.domain.snapshot import Snapshot
from bot.domain.steps import Evict
from bot.domain.targets import ObjectRef
from bot.domain.text import count, listed
from bot.errors import UsageError
from bot.lookup import find_pod
from bot.planning.budgets import Budget, budgets_of
from bot.planning.ground import NEEDS, Ground, ground_of, survey
from bot.planning.troubles import MET_BY_EVERY_POD
from bot.planning.words import doubts_of, patience, symptoms, word_for
from bot.ports import Sources, Surroundings

_MIRROR = "kubernetes.io/config.mirror"
_FOLLOWED_S = 600


@dataclass(frozen=True, slots=True)
class Params:
    """Which pod."""

    pod: str = argument("a pod's name, or the end of it that is one pod's alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The pod as it is now, and what stands around it; `ground` is that of its workload, where it has one."""

    snapshot: Snapshot
    pod: Pod
    target: Target
    live: Live
    surroundings: Surroundings
    ground: Ground | None

    @property
    def siblings(self) -> tuple[Pod, ...]:
        """The other pods of the same workload, or of the same owner, that are not going away."""
        index, owner = Index(self.snapshot), self.pod.meta.owner
        if self.ground is not None:
            pods = index.pods_of(self.ground.workload)
        else:
            pods = index.pods_by_owner_uid[owner.uid] if owner else ()
        return tuple(
            each
            for each in pods
            if each.meta.uid != self.target.uid and each.meta.deleted_at is None and not each.is_finished
        )

    @property
    def others_ready(self) -> int:
        return sum(each.is_ready for each in self.siblings)

    @property
    def is_ready(self) -> bool:
        """Whether the pod is ready now, by the API server's own word."""
        conditions = ((self.live.object or {}).get("status") or {}).get("conditions") or ()
        return any((each.get("type"), each.get("status")) == ("Ready", "True") for each in conditions)

    @property
    def phase(self) -> str:
        return str(((self.live.object or {}).get("status") or {}).get("phase", ""))

    @property
    def owner(self) -> tuple[str, str]:
        """The kind and name of the controller that makes the pod anew; empty without one."""
        owners = metadata_of(self.live.object).get("ownerReferences") or ()
        found: Json = next((each for each in owners if each.get("controller")), {})
        return str(found.get("kind", "")), str(found.get("name", ""))

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """The disruption budgets that the API server will ask: none for a pod that does not run yet."""
        if self.phase == "Pending":
            return ()
        return budgets_of(self.surroundings, dict(metadata_of(self.live.object).get("labels") or {}))

    @property
    def name(self) -> str:
        """What people call that of which the pod is one."""
        return self.ground.name if self.ground is not None else self.owner[1]


async def observe(params: Params, sources: Sources) -> Seen:
    catalogue = sources.catalogue
    if sources.live is None or catalogue is None:
        raise ValueError("evict needs the live objects and the catalogue")
    said = sources.request.text

    def known(snapshot: Snapshot) -> None:
        find_pod(said, params.pod, snapshot, catalogue)

    report = await survey(sources, known)
    pod = find_pod(said, params.pod, report.snapshot, catalogue)
    live = await sources.live.live(sources.scope, "Pod", pod.meta.name)
    if live.object is None:
        raise UsageError(f"Pod {pod.meta.name} is gone already.", suggestions=["pods"])
    workload = Index(report.snapshot).workload_of(pod)
    ground = None
    if workload is not None:
        ref = ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)
        ground = await ground_of(ref, report, sources, said=said, word=params.pod)
    around = ground.surroundings if ground is not None else await sources.live.surroundings(sources.scope)
    target = Target(scope=sources.scope, kind="Pod", name=pod.meta.name, uid=live.uid)
    return Seen(snapshot=report.snapshot, pod=pod, target=target, live=live, surroundings=around, ground=ground)


def plan(params: Params, seen: Seen) -> Draft | Refusal:
    refused = _not_remade(seen) or _over(seen) or _last_one(seen) or _protected(seen)
    if refused:
        return refused
    kind, name = seen.owner
    ground = seen.ground
    return Draft(
        verb="evict",
        target=seen.target,
        step=Evict(owner=f"{kind}/{name}"),
        risk=_risk(seen),
        words=PlanWords(
            title=f"Evict pod {seen.target.name} of {seen.name}",
            done=f"{seen.target.name} was evicted",
            facts=tuple(_facts(seen)),
            warnings=tuple(_warnings(seen)),
        ),
        service=ground.service if ground is not None else "",
        watch=ground.ref if ground is not None else None,
        symptoms=_symptoms(seen),
        lasts_s=patience(ground) if ground is not None else _FOLLOWED_S,
    )


def _symptoms(seen: Seen) -> tuple[Symptom, ...]:
    return symptoms(seen.ground) if seen.ground is not None else ()


def _risk(seen: Seen) -> Risk:
    """Judge it low for a pod of a Deployment beside others that are ready, when nothing is in doubt."""
    plain = seen.owner[0] == "ReplicaSet" and seen.others_ready > 0
    return Risk.LOW if plain and not doubts_of(seen.snapshot, seen.surroundings) else Risk.MEDIUM


def _facts(seen: Seen) -> Iterator[Fact]:
    kind, name = seen.owner
    yield Fact("pod", f"{status_cell(seen.pod)}, on {seen.pod.node or 'no node yet'}")
    yield Fact("made anew", f"by {kind} {name}{_same_place(kind)}")
    yield Fact("others", f"{seen.others_ready} of {len(seen.siblings)} others ready")
    if seen.budgets:
        yield Fact("budget", listed([str(each) for each in seen.budgets]))
    yield Fact("undo", "none: what the pod held in memory and on its own disk, and its logs, go with it")


def _same_place(kind: str) -> str:
    match kind:
        case "StatefulSet":
            return ", with the same name and the same volumes"
        case "DaemonSet":
            return ", on the same node"
        case _:
            return ""


def _warnings(seen: Seen) -> Iterator[str]:
    kind, name = seen.owner
    if kind == "DaemonSet":
        yield "It is a DaemonSet's pod: its node goes without until the new one, on the same node, is ready."
    elif kind == "StatefulSet":
        yield "It is a StatefulSet's pod: no other takes its place, and its volumes wait, until the new one is ready."
    elif kind == "Job":
        yield f"It is a run of job {name}: the job counts this as a failure, and begins its work anew."
    if not seen.others_ready:
        yield f"No other pod of {seen.name} is ready."
    for finding in seen.ground.findings if seen.ground is not None else ():
        if finding.code in MET_BY_EVERY_POD and seen.target.name in finding.pods:
            yield f"The new pod likely meets the same: {finding.title}."
    yield from doubts_of(seen.snapshot, seen.surroundings)


# --- refusals ---------------------------------------------------------------------------------------------------------


def _not_remade(seen: Seen) -> Refusal | None:
    kind, name = seen.owner
    if kind == "Node" or _MIRROR in annotations_of(seen.live.object):
        return Refusal(
            reason=f"{seen.target.name} is a static pod of its node's kubelet: evicting it does not restart it.",
            facts=(Fact("by hand", f"move its manifest away on {name or seen.pod.node}, and back"),),
        )
    if kind:
        return None
    return Refusal(
        reason=f"Nothing makes {seen.target.name} anew: it is a bare pod, and would be gone for good.",
        commands=(Fact(f"describe pod/{seen.target.name}", "shows what it is and who made it"),),
    )


def _over(seen: Seen) -> Refusal | None:
    """Refuse what is on its way out, or ended long since."""
    name = seen.target.name
    if metadata_of(seen.live.object).get("deletionTimestamp"):
        deleted = seen.pod.meta.deleted_at
        when = f" (deleted {ago(deleted, seen.snapshot.observed_at)})" if deleted else ""
        return Refusal(
            reason=f"{name} is going away already{when}.",
            commands=(Fact(f"describe pod/{name}", "shows what it waits for"),),
        )
    if seen.phase == "Failed":
        clear = Fact("clear failed", "removes what is left of failed pods")
        return Refusal(reason=f"{name} has failed and does not run any more.", commands=(clear,))
    if seen.phase == "Succeeded":
        return Refusal(reason=f"{name} has done its work and does not run any more.")
    return None


def _last_one(seen: Seen) -> Refusal | None:
    if not seen.is_ready or seen.others_ready or seen.owner[0] in ("DaemonSet", "Job"):
        return None
    more = Fact("others", f"none of {count(len(seen.siblings), 'other pod')} is ready") if seen.siblings else None
    ground = seen.ground
    commands = []
    if ground is not None:
        word = word_for(ground)
        commands.append(Fact(f"restart {word}", "replaces its pods, new ones first where it can"))
        commands.append(Fact(f"status {word}", "says what is wrong with the others"))
    return Refusal(
        reason=f"{seen.target.name} is the only ready pod of {seen.name}: without it nobody is served.",
        facts=(more,) if more else (),
        commands=tuple(commands[: 2 if seen.siblings else 1]),
    )


def _protected(seen: Seen) -> Refusal | None:
    """Refuse what the API server would refuse, by the budgets of now."""
    budgets = seen.budgets
    if len(budgets) > 1:
        names = listed([each.name for each in budgets])
        return Refusal(
            reason=f"Two disruption budgets are about {seen.target.name} ({names}): then the API server evicts none.",
            facts=(Fact("by hand", "let each pod have one budget: mend the selectors"),),
        )
    refusing = next((each for each in budgets if each.refuses(ready=seen.is_ready)), None)
    if refusing is None:
        return None
    if not refusing.settled:
        return Refusal(
            reason=f"The disruption budget {refusing.name} was just changed and is being worked out: ask again in 10 s."
        )
    word = word_for(seen.ground) if seen.ground is not None else ""
    return Refusal(
        reason=f"The disruption budget {refusing.name} needs {refusing.needed} healthy pods and has {refusing.healthy}:"
        " none may be evicted now.",
        commands=(Fact(f"status {word}", "shows its pods, and what is wrong with them"),) if word else (),
    )


ACTION = Change(
    name="evict",
    summary="Let one pod end, respecting disruption budgets; its controller makes it anew",
    params=Params,
    needs=NEEDS,
    observe=observe,
    plan=plan,
    examples=(
        ("evict rag-engine-api-6d5f9c7b8-w7zlb", "one pod by its name"),
        ("evict w7zlb", "by the end of its name, as answers shorten it"),
    ),
)
