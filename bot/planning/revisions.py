"""The revisions of a workload: what each runs, whether it was seen to work, how its pods fare now. Pure.

Numbers are for people: a revision that is used again gets a new one. What decides is the digest of the template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.diagnosis import Index, ago, duration
from bot.diagnosis.containers import is_looping
from bot.diagnosis.stateful import REVISION_LABEL
from bot.domain.findings import Severity
from bot.domain.live import Json, annotations_of, metadata_of, revision_template, template_digest, template_of
from bot.domain.objects import Pod
from bot.domain.steps.rollback import number_of
from bot.domain.text import count
from bot.planning.ground import Ground
from bot.planning.templates import content_digest
from bot.ports import WorkedRevision

_FORMER = "deployment.kubernetes.io/revision-history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision, from the ReplicaSet or ControllerRevision that holds it.

    `content` is the digest without the mark of a restart, `former` the numbers that it had before. `pods` are those it
    has now; `trouble` is what ails most of them, empty if nothing does. `unproven`: it was made while the record was
    kept, and never seen to work.
    """

    number: int
    name: str
    uid: str
    template: Json
    digest: str
    content: str
    former: tuple[int, ...] = ()
    created_at: datetime | None = None
    worked: WorkedRevision | None = None
    pods: int = 0
    ready: int = 0
    trouble: str = ""
    unproven: bool = False

    @property
    def bad(self) -> bool:
        """Say whether there is something to say against going back to it."""
        return bool(self.trouble) or self.unproven


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A workload's present template and its revisions, the highest number first.

    `present` is None while the controller has not made a revision of the present template. `others` differ from it.
    """

    digest: str
    content: str
    present: Revision | None
    others: tuple[Revision, ...]

    @property
    def all(self) -> tuple[Revision, ...]:
        """Return all revisions, the highest number first."""
        found = self.others if self.present is None else (*self.others, self.present)
        return tuple(sorted(found, key=lambda each: each.number, reverse=True))

    def of_digest(self, digest: str) -> Revision | None:
        """Return the revision of a template."""
        return next((each for each in self.all if each.digest == digest), None)


def history_of(ground: Ground) -> History:
    """Read the history from the live target, with the record and the pods of now beside it."""
    template = template_of(ground.live.object)
    digest = template_digest(template)
    index = ground.index()
    # What has no number is not yet a revision: its controller has not seen it.
    read = [_revision(each, ground, index) for each in ground.live.revisions if number_of(each)]
    proven = {each.content for each in read if each.worked is not None}
    begun = min((each.first_at for each in ground.worked), default=None)
    judged = sorted((_judged(each, proven, begun) for each in read), key=lambda each: each.number, reverse=True)
    return History(
        digest=digest,
        content=content_digest(template),
        present=next((each for each in judged if each.digest == digest), None),
        others=tuple(each for each in judged if each.digest != digest),
    )


def _revision(said: Json, ground: Ground, index: Index) -> Revision:
    meta, template = metadata_of(said), revision_template(said)
    name, uid = str(meta.get("name", "")), str(meta.get("uid", ""))
    pods = [pod for pod in _pods_of(said, ground, index) if not pod.is_finished and pod.meta.deleted_at is None]
    key = uid if ground.target.kind == "Deployment" else name
    former = str(annotations_of(said).get(_FORMER, "")).split(",")
    created = str(meta.get("creationTimestamp", ""))
    return Revision(
        number=number_of(said),
        name=name,
        uid=uid,
        template=template,
        digest=template_digest(template),
        content=content_digest(template),
        former=tuple(int(each) for each in former if each.isdecimal()),
        created_at=datetime.fromisoformat(created) if created else None,
        worked=next((each for each in ground.worked if each.revision_uid == key), None),
        pods=len(pods),
        ready=sum(pod.is_ready for pod in pods),
        trouble=_trouble(pods, ground, index),
    )


def _judged(revision: Revision, proven: set[str], begun: datetime | None) -> Revision:
    """Tell what was never seen to work: made while the record was kept, not in there, and without a ready pod now."""
    made = revision.created_at
    if begun is None or made is None or made <= begun or revision.ready or revision.content in proven:
        return revision
    return replace(revision, unproven=True)


def _pods_of(said: Json, ground: Ground, index: Index) -> Sequence[Pod]:
    meta = metadata_of(said)
    if ground.target.kind == "Deployment":
        return index.pods_by_owner_uid.get(str(meta.get("uid", "")), ())
    # The pods of a StatefulSet carry the revision's name, those of a DaemonSet the label that the revision has, too.
    marks = {str(meta.get("name", "")), str((meta.get("labels") or {}).get(REVISION_LABEL, ""))} - {""}
    return [pod for pod in index.pods_of(ground.workload) if pod.meta.labels.get(REVISION_LABEL) in marks]


def _trouble(pods: Sequence[Pod], ground: Ground, index: Index) -> str:
    """Say what ails more than half of some pods: a problem that names them while they are not ready, or crash."""
    ill = {pod.meta.name for pod in pods if not pod.is_ready or any(is_looping(index, pod, c) for c in pod.containers)}
    findings = [each for each in ground.findings if each.severity > Severity.INFO and ill & set(each.pods)]
    named = {name for each in findings for name in each.pods} & ill
    return findings[0].title if 2 * len(named) > len(pods) else ""


# --- words ------------------------------------------------------------------------------------------------------------


def works(revision: Revision, now: datetime) -> str:
    """Say what speaks for a revision (`was seen to work for 3 days, last 6 min ago`); empty when nothing does."""
    if revision.worked is not None:
        lasted = duration(60 * revision.worked.minutes)
        return f"was seen to work for {lasted}, last {ago(revision.worked.last_at, now)}"
    if revision.ready:
        return f"has {revision.ready} of {count(revision.pods, 'pod')} ready now"
    return ""


def fails(revision: Revision) -> str:
    """Say what speaks against a revision (`was never seen to work`); empty when nothing does."""
    if revision.trouble:
        return f"fails now ({revision.trouble})"
    return "was never seen to work" if revision.unproven else ""
