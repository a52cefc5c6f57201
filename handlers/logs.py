"""`logs`: the logs of all pods of a workload, merged by time; redacted; a file when long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.closing import closing_buttons, freshness_line, unread_lines
from bot.diagnosis import Index, duration
from bot.domain.actions import Need, Query, Setting, argument, option
from bot.domain.catalogue import Catalogue
from bot.domain.durations import parse_span
from bot.domain.objects import Container, Pod, Role, Running, Terminated
from bot.domain.snapshot import LogKey, LogLine, LogQuery, LogRead, Part, Snapshot
from bot.domain.text import count, in_short, suggest
from bot.domain.view import Block, Button, Code, Context, Headline, Line, Mark, Paragraph, View, line
from bot.errors import UsageError
from bot.lookup import find_workload
from bot.ports import Sources

PARTS = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS, Part.JOBS})
MOST_LOGS = 20
MOST_LINES = 5000
MOST_PROBLEMS = 5
LONGEST_PATTERN = 200
LONGEST_SPAN_S = 30 * 86400
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Params:
    """Whose logs, and which part of them."""

    workload: str = argument("a service of the catalogue, a workload's, a job's or a pod's name", names_service=True)
    since: str = option("--since", "only lines of this last while: 90s, 10m, 2h, 1d", default="", metavar="SPAN")
    tail: int = option(
        "--tail",
        "how many lines of each container (100 unless said)",
        default=100,
        metavar="LINES",
        minimum=1,
        maximum=MOST_LINES,
    )
    previous: bool = option("--previous", "the run before this one, where there was one", default=False, short="-p")
    container: str = option("--container", "only this container", default="", short="-c", metavar="NAME")
    grep: str = option("--grep", "only lines that hold this text (letters of either case)", default="", metavar="TEXT")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read, by log."""

    snapshot: Snapshot
    reads: Mapping[LogKey, LogRead]
    left_out: int
    name: str


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.logs is None or sources.catalogue is None:
        raise ValueError("logs needs the cluster, its logs and the catalogue")
    since_s = span(params.since)
    if len(params.grep) > LONGEST_PATTERN:
        raise UsageError(f"--grep takes at most {LONGEST_PATTERN} characters.")
    snapshot = await sources.cluster.snapshot(sources.scope, PARTS)
    pods, name = _pods(params.workload, snapshot, sources.catalogue, sources.request.text)
    keys = list(_keys(pods, params))
    if not keys:
        raise _nothing(params, pods, name, snapshot)
    queries = [LogQuery(key=key, tail=params.tail, since_s=since_s) for key in keys[:MOST_LOGS]]
    reads = await sources.logs.read(sources.scope, queries)
    return Seen(snapshot, reads, max(0, len(keys) - MOST_LOGS), name)


def span(text: str) -> int | None:
    """Return seconds for `90s`, `10m`, `2h`, `1d`; None for nothing. Raises `UsageError`."""
    if not text:
        return None
    meant = parse_span(text)
    seconds = int(meant.total_seconds()) if meant is not None else 0
    if not 0 < seconds <= LONGEST_SPAN_S:
        raise UsageError(f'--since takes a span such as 90s, 10m, 2h or 1d, up to 30d, not "{text}".')
    return seconds


def _pods(word: str, snapshot: Snapshot, catalogue: Catalogue, said: str) -> tuple[Sequence[Pod], str]:
    index = Index(snapshot)
    name = word.removeprefix("pod/")
    if name in index.pod_by_name and word not in catalogue.entries:
        return (index.pod_by_name[name],), name
    job = next((job for job in snapshot.jobs if job.meta.name == word.removeprefix("job/")), None)
    if job is not None and word not in catalogue.entries:
        return index.pods_by_owner_uid.get(job.meta.uid, ()), job.meta.name
    target = find_workload(said, word, snapshot, catalogue)
    return index.pods_of(index.workload_by_ref[target]), catalogue.alias_of(target.kind, target.name)


def _keys(pods: Iterable[Pod], params: Params) -> Iterable[LogKey]:
    """Name the logs to read: of all containers that have run.

    Init containers that did their work are left out unless they are asked for by name.
    """
    for pod in sorted(pods, key=lambda pod: pod.meta.name):
        for container in pod.containers:
            if params.container and container.name != params.container:
                continue
            if container.state is None or (not params.container and _is_done(container)):
                continue
            if not params.previous:
                yield LogKey(pod.meta.name, container.name, previous=False)
            elif _has_crashed(container):
                # Only while the next run is on, the one before it is the previous one; until then it is the current.
                yield LogKey(pod.meta.name, container.name, previous=isinstance(container.state, Running))


def _is_done(container: Container) -> bool:
    state = container.state
    return container.role is Role.INIT and isinstance(state, Terminated) and state.exit_code == 0


def _has_crashed(container: Container) -> bool:
    state = container.state
    return container.last_state is not None or (isinstance(state, Terminated) and state.exit_code != 0)


def _nothing(params: Params, pods: Sequence[Pod], name: str, snapshot: Snapshot) -> UsageError:
    if not snapshot.has(Part.PODS):
        return UsageError(f"The pods of {name} could not be read: {snapshot.status(Part.PODS).reason}.")
    if not pods:
        return UsageError(f"{name} has no pods, so there are no logs.", suggestions=[f"describe {params.workload}"])
    names = sorted({container.name for pod in pods for container in pod.containers})
    if params.container and params.container not in names:
        near = suggest(params.container, names)
        return UsageError(
            f'{name} has no container "{params.container}". It has: {", ".join(names)}.',
            suggestions=[f"logs {params.workload} --container {each}" for each in near],
        )
    if params.previous:
        return UsageError(
            f"No container of {name} has run before: none was restarted.", suggestions=[f"logs {params.workload}"]
        )
    return UsageError(
        f"No container of {name} has started yet, so there are no logs.", suggestions=[f"describe {params.workload}"]
    )


def render(params: Params, seen: Seen, setting: Setting) -> View:
    merged = merge(seen.reads)
    if params.grep:
        wanted = params.grep.lower()
        merged = [(key, one) for key, one in merged if wanted in one.text.lower()]
    shown = merged[-MOST_LINES:]
    what = f' with "{params.grep}"' if params.grep else ""
    failed = bool(seen.reads) and not merged and all(read.problem for read in seen.reads.values())
    summary = f"{seen.name}: {count(len(merged), 'line')}{what} of {count(len(seen.reads), 'log')}"
    if failed:
        summary = f"{seen.name}: no log could be read"
    blocks: list[Block] = [Headline(summary, Mark.UNKNOWN if failed else Mark.INFO)]
    if shown:
        blocks.append(Code(_text(shown, seen), title=f"{seen.name} logs"))
    problems = list(_problems(seen))
    if problems:
        blocks.append(Paragraph(tuple(problems)))
    small_print = [] if failed else list(_small_print(params, seen, merged))
    small_print += [*unread_lines(seen.snapshot, PARTS), freshness_line(seen.snapshot, setting)]
    blocks += [Context(tuple(small_print)), closing_buttons(setting, *_buttons(params, seen, setting))]
    return View(summary, tuple(blocks), data=_data(shown, seen), exit_code=2 if failed else 0)


def merge(reads: Mapping[LogKey, LogRead]) -> list[tuple[LogKey, LogLine]]:
    """Merge logs by time. A line without one belongs to the line before it; equal times keep the order of the logs."""
    stamped = []
    for place, (key, read) in enumerate(reads.items()):
        last: datetime | None = None
        for number, one in enumerate(read.lines):
            last = one.at or last
            stamped.append((last or _NEVER, place, number, key, one))
    stamped.sort(key=lambda entry: entry[:3])
    return [(key, one) for _, _, _, key, one in stamped]


def _text(shown: Sequence[tuple[LogKey, LogLine]], seen: Seen) -> str:
    labels = _labels([key for key, _ in shown])
    days = {one.at.date() for _, one in shown if one.at} | {seen.snapshot.observed_at.date()}
    clock = "%m-%d %H:%M:%S " if len(days) > 1 else "%H:%M:%S "
    return "\n".join(f"{one.at.strftime(clock) if one.at else ''}{labels[key]}{one.text}" for key, one in shown)


def _labels(keys: Iterable[LogKey]) -> dict[LogKey, str]:
    """Name a line's origin as shortly as tells the logs apart: nothing for one log, the pod's end, the container."""
    distinct = list(dict.fromkeys(keys))
    pods, containers = {key.pod for key in distinct}, {key.container for key in distinct}
    ends = {pod: f"…-{pod.rpartition('-')[2]}" for pod in pods}
    if len(set(ends.values())) < len(pods):
        ends = {pod: pod for pod in pods}
    labels = {}
    for key in distinct:
        parts = [ends[key.pod]] if len(pods) > 1 else []
        parts += [key.container] if len(containers) > 1 else []
        labels[key] = f"[{'/'.join(parts)}] " if parts else ""
    return labels


def _problems(seen: Seen) -> Iterable[Line]:
    """Say which logs could not be read, or not to their end: equal reasons together."""
    by_reason: dict[str, list[str]] = {}
    for key, read in seen.reads.items():
        if read.problem:
            by_reason.setdefault(read.problem, []).append(f"{key.pod}/{key.container}")
    for reason, names in list(by_reason.items())[:MOST_PROBLEMS]:
        yield line(f"{in_short(names, 3)}: {reason}")
    if len(by_reason) > MOST_PROBLEMS:
        yield line(f"… and {count(len(by_reason) - MOST_PROBLEMS, 'other reason')} with other logs.")


def _small_print(params: Params, seen: Seen, merged: Sequence[tuple[LogKey, LogLine]]) -> Iterable[Line]:
    lines = [one for _, one in merged[-MOST_LINES:]]
    if len(merged) > MOST_LINES:
        yield line(f"The last {MOST_LINES} lines of {len(merged)} are shown.")
    earliest = next((one.at for one in lines if one.at), None)
    if earliest is not None:
        reach = max(seen.snapshot.observed_at - earliest, timedelta())
        yield line(
            f"The first of these lines is of {earliest:%Y-%m-%d %H:%M:%S} UTC, {duration(reach.total_seconds())} ago"
        )
    if not lines and params.grep and any(read.lines for read in seen.reads.values()):
        yield line(f"{sum(len(read.lines) for read in seen.reads.values())} lines were searched; --tail reads more.")
    elif not lines:
        # The kubelet serves the newest file only: just after a rotation even a busy log is empty.
        yield line("No line is no proof of silence: nothing was written in this part, or it was rotated away.")
    masked = sum(read.masked for read in seen.reads.values())
    if masked:
        yield line(f"{count(masked, 'secret')} masked")
    if seen.left_out:
        yield line(f"{count(seen.left_out, 'more log')} not read: name a pod or a container")


def _buttons(params: Params, seen: Seen, setting: Setting) -> Iterable[Button]:
    """Offer the other run, where there is one, and what is wrong."""
    label, which = ("This run", "") if params.previous else ("Run before", " --previous")
    chosen = f" --container {params.container}" if params.container else ""
    if params.previous or _ran_before(seen):
        yield Button(label, setting.here(f"logs {params.workload}{which}{chosen}"))
    yield Button("Describe", setting.here(f"describe {params.workload}"))


def _ran_before(seen: Seen) -> bool:
    """Tell whether a container whose log is shown has run before."""
    shown = {(key.pod, key.container) for key in seen.reads}
    return any(
        (pod.meta.name, container.name) in shown and _has_crashed(container)
        for pod in seen.snapshot.pods
        for container in pod.containers
    )


def _data(shown: Sequence[tuple[LogKey, LogLine]], seen: Seen) -> dict[str, object]:
    return {
        "cluster": seen.snapshot.scope.cluster,
        "namespace": seen.snapshot.scope.namespace,
        "lines": [
            {
                "pod": key.pod,
                "container": key.container,
                "at": one.at.isoformat() if one.at else None,
                "text": one.text,
            }
            for key, one in shown
        ],
        "problems": [
            {"pod": key.pod, "container": key.container, "problem": read.problem}
            for key, read in seen.reads.items()
            if read.problem
        ],
        "masked": sum(read.masked for read in seen.reads.values()),
    }


ACTION = Query(
    name="logs",
    summary="Show the logs of all pods of a workload, merged by time",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.LOGS, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(
        ("logs api", "the last 100 lines of each pod"),
        ("logs worker --previous", "of the run before the crash"),
        ("logs api --since 10m --grep error", "what happened lately"),
    ),
)
