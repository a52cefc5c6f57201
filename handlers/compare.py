"""`compare`: what two revisions of a Deployment do not have in common. Environment by name, never by value."""

from __future__ import annotations

from dataclasses import dataclass

from bot.closing import closing_buttons, freshness_line, unread_lines
from bot.diagnosis import Difference, Index, differences, version_of
from bot.diagnosis.replica_sets import working_replica_set
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.objects import ReplicaSet, Workload
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import count
from bot.domain.view import Block, Button, Context, Fields, Headline, Mark, Paragraph, View, line
from bot.errors import UsageError
from bot.lookup import find_deployment
from bot.ports import Sources

PARTS = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS})
COMPARED = (
    "Compared: images, commands, ports, probes, resources, and the names of variables and of what they are read from"
)


@dataclass(frozen=True, slots=True)
class Params:
    """Whose revisions, and which; the one that works against the newest when none is named."""

    workload: str = argument("a service of the catalogue or a Deployment's name", names_service=True)
    before: int | None = argument("the older revision", default=None, metavar="A")
    after: int | None = argument("the newer revision", default=None, metavar="B")


@dataclass(frozen=True, slots=True)
class Seen:
    """The two revisions, and where they were found."""

    snapshot: Snapshot
    catalogue: Catalogue
    target: ObjectRef
    before: ReplicaSet
    after: ReplicaSet


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.catalogue is None:
        raise ValueError("compare needs the cluster and the catalogue")
    snapshot = await sources.cluster.snapshot(sources.scope, PARTS)
    target = find_deployment(sources.request.text, params.workload, snapshot, sources.catalogue)
    if not snapshot.has(Part.REPLICA_SETS):
        reason = snapshot.status(Part.REPLICA_SETS).reason
        raise UsageError(f"The revisions of {target.name} could not be read: {reason}.")
    index = Index(snapshot)
    before, after = choose(index, index.workload_by_ref[target], params)
    return Seen(snapshot, sources.catalogue, target, before, after)


def choose(index: Index, workload: Workload, params: Params) -> tuple[ReplicaSet, ReplicaSet]:
    """Return the revisions that are meant. Raises `UsageError` naming those that exist."""
    known = {found.revision: found for found in index.replica_sets_of(workload) if found.revision is not None}
    newest = max(known, default=None)
    if newest is None or len(known) < 2:
        raise UsageError(f"{workload.meta.name} has only one revision; there is nothing to compare.")
    if params.before is None:
        working = working_replica_set(index, workload, other_than=newest)
        earlier = max(number for number in known if number != newest)
        return working or known[earlier], known[newest]
    after = newest if params.after is None else params.after
    missing = [number for number in (params.before, after) if number not in known]
    if missing:
        there = ", ".join(str(number) for number in sorted(known))
        raise UsageError(
            f"{workload.meta.name} has no revision {missing[0]}. It has: {there}.",
            suggestions=[f"history {params.workload}"],
        )
    return known[params.before], known[after]


def render(params: Params, seen: Seen, setting: Setting) -> View:
    found = differences(seen.before, seen.after)
    name = seen.catalogue.alias_of(seen.target.kind, seen.target.name)
    labels = [_label(one) for one in (seen.before, seen.after)]
    summary = f"{name}: revision {labels[0]} → {labels[1]}, {count(len(found), 'difference')}"
    blocks: list[Block] = [Headline(summary, Mark.INFO)]
    if found:
        blocks.append(Fields(tuple(_pair(difference) for difference in found)))
    else:
        blocks.append(Paragraph((line("Nothing that is compared here differs."),)))
    blocks.append(
        Context(
            (
                line(COMPARED),
                *unread_lines(seen.snapshot, PARTS),
                freshness_line(seen.snapshot, setting),
            )
        )
    )
    more = [Button(verb.title(), setting.here(f"{verb} {params.workload}")) for verb in ("history", "logs")]
    blocks.append(closing_buttons(setting, *more))
    return View(
        summary,
        tuple(blocks),
        data={
            "cluster": seen.snapshot.scope.cluster,
            "workload": {"kind": seen.target.kind, "namespace": seen.target.namespace, "name": seen.target.name},
            "before": seen.before.revision,
            "after": seen.after.revision,
            "differences": [
                {"what": d.what, "container": d.container, "before": d.before, "after": d.after} for d in found
            ],
        },
    )


def _label(replica_set: ReplicaSet) -> str:
    return f"{replica_set.revision} ({version_of(replica_set)})"


def _pair(difference: Difference) -> tuple[str, str]:
    """Return what differs, and how, in the words that findings use."""
    label = f"{difference.what} of {difference.container}" if difference.named else difference.what
    words = str(difference)
    return label, words.removeprefix(label).lstrip(": ") if words.startswith((f"{label} ", f"{label}:")) else words


ACTION = Query(
    name="compare",
    summary="Show what differs between two revisions of a Deployment",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(("compare api", "the one that works against the newest"), ("compare api 7 8", "two of them")),
)
