"""`logs`: the logs of all pods of a workload, merged by time; redacted; a file when long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.diagnosis import Index, count, duration
from bot.domain.actions import Need, Query, Setting, argument, option
from bot.domain.catalogue import Catalogue
from bot.domain.objects import Pod, Running
from bot.domain.snapshot import LogKey, LogLine, LogQuery, LogRead, Part, Snapshot
from bot.domain.text import suggest
from bot.domain.view import Block, Button, Buttons, Code, Context, Headline, Line, Mark, Paragraph, View, line
from bot.errors import UsageError
from bot.lookup import find_workload, freshness_line
from bot.ports import Sources

PARTS = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS, Part.JOBS})
MOST_LOGS = 20
MOST_LINES = 5000
LONGEST_PATTERN = 200
_SPAN = re.compile(r"(?P<number>\d{1,6})(?P<unit>[smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Params:
    """Whose logs, and which part of them."""

    workload: str = argument("a service of the catalogue, a workload's or a pod's name", names_service=True)
    since: str = option("--since", "only lines of this last while: 90s, 10m, 2h", default="", metavar="SPAN")
    tail: int = option(
        "--tail", "how many lines of each container", default=100, metavar="LINES", minimum=1, maximum=MOST_LINES
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
    pods, name = _pods(params.workload, snapshot, sources.catalogue)
    keys = list(_keys(pods, params))
    if not keys:
        raise UsageError(_nothing(params, pods, name))
    queries = [LogQuery(key=key, tail=params.tail, since_s=since_s) for key in keys[:MOST_LOGS]]
    reads = await sources.logs.read(sources.scope, queries)
    return Seen(snapshot, reads, max(0, len(keys) - MOST_LOGS), name)


def span(text: str) -> int | None:
    """Return seconds for `90s`, `10m`, `2h`, `1d`; None for nothing. Raises `UsageError`."""
    if not text:
        return None
    found = _SPAN.fullmatch(text.lower())
    if found is None or int(found["number"]) == 0:
        raise UsageError(f'--since takes a span such as 90s, 10m, 2h or 1d, not "{text}".')
    return int(found["number"]) * _SECONDS[found["unit"]]


def _pods(word: str, snapshot: Snapshot, catalogue: Catalogue) -> tuple[Sequence[Pod], str]:
    index = Index(snapshot)
    name = word.removeprefix("pod/")
    if name in index.pod_by_name and word not in catalogue.entries:
        return (index.pod_by_name[name],), name
    jobs = [job for job in snapshot.jobs if job.meta.name == word.removeprefix("job/")]
    if jobs and word not in catalogue.entries:
        owned = [pod for pod in snapshot.pods if pod.meta.owner and pod.meta.owner.uid == jobs[0].meta.uid]
        return owned, jobs[0].meta.name
    target = find_workload("logs", word, snapshot, catalogue)
    return index.pods_of(index.workload_by_ref[target]), catalogue.alias_of(target.kind, target.name)


def _keys(pods: Iterable[Pod], params: Params) -> Iterable[LogKey]:
    """Name the logs to read: all containers that have run. `--previous` takes the run before, wherever it lies.

    While a container waits after a crash, its current log *is* that of the crashed run.
    """
    for pod in sorted(pods, key=lambda pod: pod.meta.name):
        for container in pod.containers:
            if params.container and container.name != params.container:
                continue
            if container.state is None or (params.previous and container.last_state is None):
                continue
            previous = params.previous and isinstance(container.state, Running)
            yield LogKey(pod.meta.name, container.name, previous=previous)


def _nothing(params: Params, pods: Sequence[Pod], name: str) -> str:
    if not pods:
        return f"{name} has no pods, so there are no logs."
    names = sorted({container.name for pod in pods for container in pod.containers})
    if params.container and params.container not in names:
        near = suggest(params.container, names)
        return f'{name} has no container "{params.container}". It has: {", ".join(near or names)}.'
    if params.previous:
        return f"No container of {name} has run before: none was restarted."
    return f"No container of {name} has started yet, so there are no logs."


def render(params: Params, seen: Seen, setting: Setting) -> View:
    merged = merge(seen.reads)
    if params.grep:
        wanted = params.grep.lower()
        merged = [(key, one) for key, one in merged if wanted in one.text.lower()]
    shorten = _labels([key for key, _ in merged])
    text = "\n".join(f"{_clock(one.at)}{shorten[key]}{one.text}" for key, one in merged[-MOST_LINES:])
    masked = sum(read.masked for read in seen.reads.values())
    what = f" that hold “{params.grep}”" if params.grep else ""  # quotes for people
    summary = f"{seen.name}: {count(len(merged), 'line')}{what} of {count(len(seen.reads), 'log')}"
    blocks: list[Block] = [Headline(summary, Mark.INFO)]
    if text:
        blocks.append(Code(text, title=f"{seen.name} logs"))
    problems = [line(f"{key.pod}/{key.container}: {read.problem}") for key, read in seen.reads.items() if read.problem]
    if problems:
        blocks.append(Paragraph(tuple(problems[:10])))
    blocks.append(Context(tuple(_small_print(seen, merged, masked, setting))))
    blocks.append(
        Buttons((Button("Refresh", setting.command, replaces=True), Button("Share", f"share {setting.command}")))
    )
    return View(summary, tuple(blocks), data=_data(merged, seen, masked))


def merge(reads: Mapping[LogKey, LogRead]) -> list[tuple[LogKey, LogLine]]:
    """Merge logs by time. A line without one belongs to the line before it; equal times keep the order of the logs."""
    stamped = []
    for place, (key, read) in enumerate(reads.items()):
        last: datetime | None = None
        for number, one in enumerate(read.lines):
            last = one.at or last
            stamped.append((last, place, number, key, one))
    stamped.sort(
        key=lambda entry: (entry[0] is not None, entry[0].timestamp() if entry[0] else 0.0, entry[1], entry[2])
    )
    return [(key, one) for _, _, _, key, one in stamped]


def _labels(keys: Iterable[LogKey]) -> dict[LogKey, str]:
    """Name a line's origin as shortly as tells the logs apart: nothing for one log, the pod's end, the container."""
    distinct = list(dict.fromkeys(keys))
    pods, containers = {key.pod for key in distinct}, {key.container for key in distinct}
    labels = {}
    for key in distinct:
        parts = [f"…{key.pod[-5:]}"] if len(pods) > 1 else []
        parts += [key.container] if len(containers) > 1 else []
        labels[key] = f"[{'/'.join(parts)}] " if parts else ""
    return labels


def _clock(at: datetime | None) -> str:
    return f"{at:%H:%M:%S} " if at else ""


def _small_print(seen: Seen, merged: Sequence[tuple[LogKey, LogLine]], masked: int, setting: Setting) -> Iterable[Line]:
    earliest = next((one.at for _, one in merged if one.at), None)
    if earliest is not None:
        reach = seen.snapshot.observed_at - earliest
        yield line(
            f"The first line is of {earliest:%H:%M:%S} UTC, {duration(max(reach, timedelta()).total_seconds())} ago"
        )
    elif not merged:
        yield line("No line: it wrote nothing in this part, or what it wrote was rotated away.")
    if masked:
        yield line(f"{count(masked, 'secret')} masked")
    if seen.left_out:
        yield line(f"{count(seen.left_out, 'more log')} not read: name a pod or a container")
    yield freshness_line(seen.snapshot, setting)


def _data(merged: Sequence[tuple[LogKey, LogLine]], seen: Seen, masked: int) -> dict[str, object]:
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
            for key, one in merged
        ],
        "problems": [
            {"pod": key.pod, "container": key.container, "problem": read.problem}
            for key, read in seen.reads.items()
            if read.problem
        ],
        "masked": masked,
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
