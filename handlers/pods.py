"""`pods`: the pods by workload and revision, with the cells that people know from kubectl.

Of a whole namespace each pod in trouble is shown, and a line for each workload that has none; all of them on request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.closing import closing_buttons, freshness_line, unread_lines
from bot.diagnosis import Index, ago, duration, ready_cell, restarts_cell, status_cell
from bot.domain.actions import Need, Query, Setting, argument, option
from bot.domain.catalogue import Catalogue
from bot.domain.objects import Pod
from bot.domain.snapshot import Freshness, Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import count
from bot.domain.view import Block, Button, Context, Headline, Line, Mark, Paragraph, Table, View, bold, line
from bot.lookup import find_workload
from bot.ports import Sources

PARTS = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS, Part.JOBS})
MOST_ROWS = 60
HEADER = ("pod", "ready", "status", "restarts", "age", "node")


@dataclass(frozen=True, slots=True)
class Params:
    """Whose pods; all of the namespace when empty."""

    workload: str = argument("a service of the catalogue or a workload's name", default="", names_service=True)
    all: bool = option("--all", "every pod, also those of workloads without trouble", default=False, short="-a")


@dataclass(frozen=True, slots=True)
class Seen:
    """The snapshot, and whose pods are wanted."""

    snapshot: Snapshot
    catalogue: Catalogue
    focus: ObjectRef | None


@dataclass(frozen=True, slots=True)
class Group:
    """The pods of one revision of a workload, by name."""

    target: ObjectRef
    revision: int | None
    pods: tuple[Pod, ...]

    @property
    def ready(self) -> int:
        return sum(pod.is_ready for pod in self.pods)

    @property
    def wanted(self) -> int:
        """How many should be ready: a pod that has done its work is not waited for."""
        return sum(pod.phase != "Succeeded" for pod in self.pods)

    @property
    def is_fine(self) -> bool:
        return all(pod.phase == "Succeeded" or (pod.is_ready and not restarts_cell(pod)) for pod in self.pods)


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.catalogue is None:
        raise ValueError("pods needs the cluster and the catalogue")
    snapshot = await sources.cluster.snapshot(sources.scope, PARTS)
    said, catalogue = sources.request.text, sources.catalogue
    focus = find_workload(said, params.workload, snapshot, catalogue) if params.workload else None
    return Seen(snapshot, catalogue, focus)


def groups_of(snapshot: Snapshot, focus: ObjectRef | None) -> list[Group]:
    """Return the pods by workload and revision: by name, the newest revision first."""
    index = Index(snapshot)
    groups: dict[tuple[ObjectRef, int | None], list[Pod]] = {}
    for pod in sorted(snapshot.pods, key=lambda pod: pod.meta.name):
        target = index.target_of(pod)
        if focus in (None, target):
            groups.setdefault((target, index.revision_of(pod)), []).append(pod)
    found = [Group(target, revision, tuple(pods)) for (target, revision), pods in groups.items()]
    return sorted(found, key=lambda group: (group.target.name, group.target.kind, -(group.revision or 0)))


def render(params: Params, seen: Seen, setting: Setting) -> View:
    snapshot = seen.snapshot
    groups = groups_of(snapshot, seen.focus)
    summary, mark = _verdict(groups, seen)
    in_full = [group for group in groups if seen.focus or params.all or not group.is_fine]
    blocks: list[Block] = [Headline(summary, mark), *_tables(in_full, seen)]
    fine = [_title(group, seen) for group in groups if group not in in_full]
    more = []
    if fine:
        blocks.append(Paragraph(tuple(fine)))
        more.append(Button("All pods", f"{setting.command} --all"))
    blocks.append(Context((*unread_lines(snapshot, PARTS), freshness_line(snapshot, setting))))
    blocks.append(closing_buttons(setting, *more))
    return View(
        summary,
        tuple(blocks),
        data=_data(groups, snapshot),
        exit_code=0 if snapshot.status(Part.PODS).freshness is Freshness.LIVE else 2,
    )


def _verdict(groups: Sequence[Group], seen: Seen) -> tuple[str, Mark]:
    snapshot, focus = seen.snapshot, seen.focus
    where = seen.catalogue.alias_of(focus.kind, focus.name) if focus else str(snapshot.scope.namespace)
    if not snapshot.has(Part.PODS):
        return f"{where}: the pods could not be read: {snapshot.status(Part.PODS).reason}", Mark.UNKNOWN
    ready, wanted = sum(group.ready for group in groups), sum(group.wanted for group in groups)
    done = sum(len(group.pods) for group in groups) - wanted
    if not wanted and not done:
        return f"{where} has no pods", Mark.INFO
    live = snapshot.status(Part.PODS).freshness is Freshness.LIVE
    then, well = ("", Mark.OK) if live else (" when last seen", Mark.UNKNOWN)
    if not wanted:
        return f"{where}: {count(done, 'pod')} done{then}", well
    also = f", {count(done, 'pod')} done" if done else ""
    return f"{where}: {ready} of {count(wanted, 'pod')} ready{also}{then}", well if ready == wanted else Mark.WARNING


def _tables(groups: Iterable[Group], seen: Seen) -> Iterable[Block]:
    """Return a table for each group, up to so many rows in all."""
    left, unseen = MOST_ROWS, 0
    for group in groups:
        shown = group.pods[:left]
        left -= len(shown)
        unseen += len(group.pods) - len(shown)
        if shown:
            yield Paragraph((_title(group, seen),))
            yield Table(HEADER, tuple(_row(pod, seen.snapshot) for pod in shown))
    if unseen:
        yield Paragraph((line(f"… and {count(unseen, 'more pod')}; name a workload to see its pods."),))


def _title(group: Group, seen: Seen) -> Line:
    name = seen.catalogue.alias_of(group.target.kind, group.target.name)
    which = f" revision {group.revision}" if group.revision is not None else ""
    if not group.wanted:
        return line(bold(name), f"{which}: {count(len(group.pods), 'pod')} done")
    return line(bold(name), f"{which}: {group.ready} of {group.wanted} ready")


def _row(pod: Pod, snapshot: Snapshot) -> tuple[str, ...]:
    made = pod.meta.created_at
    age = duration((snapshot.observed_at - made).total_seconds()) if made else "unknown"
    return pod.meta.name, ready_cell(pod), status_cell(pod), _restarts(pod, snapshot), age, pod.node or "none"


def _restarts(pod: Pod, snapshot: Snapshot) -> str:
    """Say how often its containers restarted, and when the last time: `6 (48 s ago)`."""
    number = restarts_cell(pod)
    ends = [one.last_state.finished_at for one in pod.containers if one.last_state and one.last_state.finished_at]
    return f"{number} ({ago(max(ends), snapshot.observed_at)})" if number and ends else str(number)


def _data(groups: Sequence[Group], snapshot: Snapshot) -> dict[str, object]:
    return {
        "cluster": snapshot.scope.cluster,
        "namespace": snapshot.scope.namespace,
        "pods": [
            {
                "name": pod.meta.name,
                "workload": {"kind": group.target.kind, "name": group.target.name},
                "revision": group.revision,
                "ready": ready_cell(pod),
                "status": status_cell(pod),
                "restarts": restarts_cell(pod),
                "created_at": pod.meta.created_at.isoformat(timespec="seconds") if pod.meta.created_at else None,
                "node": pod.node,
            }
            for group in groups
            for pod in group.pods
        ],
    }


ACTION = Query(
    name="pods",
    summary="Show the pods by workload and revision",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(
        ("pods", "those in trouble, and a line for each workload"),
        ("pods api", "those of one service"),
        ("pods --all", "every pod of the namespace"),
    ),
)
