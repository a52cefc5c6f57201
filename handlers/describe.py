"""`describe`: what matters of one object, what is wrong with it, and its events with those of its owners, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.closing import closing_buttons, freshness_line, step_line, unread_lines
from bot.diagnosis import DECISIVE_PARTS, Index, ago, related_uids, timeline
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Finding, Report
from bot.domain.marks import MARKS
from bot.domain.objects import Event, Pod, Service, Workload
from bot.domain.snapshot import ALL_PARTS, Freshness, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import count, first_line
from bot.domain.view import (
    Block,
    Button,
    Code,
    Context,
    Fields,
    Headline,
    Item,
    Mark,
    View,
    bold,
    line,
)
from bot.examine import examine
from bot.facts import containers_of, facts_of
from bot.lookup import Thing, find_thing
from bot.ports import Sources

MOST_EVENTS = 20
LONGEST_MESSAGE = 160


@dataclass(frozen=True, slots=True)
class Params:
    """What to describe."""

    thing: str = argument("a service, workload or pod, or KIND/NAME as for kubectl", names_service=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """The object, and the diagnosis of what surrounds it."""

    thing: Thing
    report: Report
    catalogue: Catalogue


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.logs is None or sources.catalogue is None:
        raise ValueError("describe needs the cluster, its logs and the catalogue")
    report, _ = await examine(sources.cluster, sources.logs, sources.scope)
    thing = find_thing(sources.request.text, params.thing, report.snapshot, sources.catalogue)
    return Seen(thing, report, sources.catalogue)


def render(params: Params, seen: Seen, setting: Setting) -> View:
    snapshot, thing = seen.report.snapshot, seen.thing
    index = Index(snapshot)
    found = _findings(index, seen)
    problems = [finding for finding in found if finding.is_problem]
    blind = any(snapshot.status(part).freshness is not Freshness.LIVE for part in DECISIVE_PARTS)
    fine = "I cannot tell whether something is wrong" if blind else "nothing is wrong that I can see"
    verdict = count(len(problems), "problem") if problems else fine
    well = Mark.UNKNOWN if blind else Mark.OK
    summary = f"{_kind(thing.ref)} {thing.ref.name}: {verdict}"
    blocks: list[Block] = [
        Headline(summary, MARKS[problems[0].severity] if problems else well),
        *(_problem(finding, setting) for finding in found),
        Fields(tuple(facts_of(index, thing))),
    ]
    if isinstance(thing.object, Pod):
        blocks.append(containers_of(thing.object))
    events = _events(index, thing)
    if events:
        told = "\n".join(_event(event, snapshot, thing) for event in events)
        blocks.append(Code(told, title=f"{thing.ref.name} events"))
    number = count(len(events), "event")
    kept = f"{number}, oldest first" if events else "No events: they live an hour, so none is no proof of health"
    blocks.append(Context((line(kept), *unread_lines(snapshot, ALL_PARTS), freshness_line(snapshot, setting))))
    blocks.append(closing_buttons(setting, *_buttons(thing, setting)))
    return View(
        summary, tuple(blocks), data=_data(seen, index, found, events), exit_code=1 if problems else 2 if blind else 0
    )


def _kind(ref: ObjectRef) -> str:
    """Say a kind as the command takes it."""
    shorter = {"PersistentVolumeClaim": "claim", "HorizontalPodAutoscaler": "hpa"}
    return shorter.get(ref.kind, ref.kind.lower())


def _findings(index: Index, seen: Seen) -> list[Finding]:
    """Return what is wrong with the object, with a pod's workload, and with what stands behind a service."""
    concerned = {seen.thing.ref}
    if isinstance(seen.thing.object, Pod):
        concerned.add(index.target_of(seen.thing.object))
    if isinstance(seen.thing.object, Service):
        concerned |= {index.target_of(pod) for pod in index.selected_by(seen.thing.object.selector)}
    return [
        finding
        for finding in seen.report.findings
        if finding.target in concerned or any(felt.target in concerned for felt in finding.consequences)
    ]


def _problem(finding: Finding, setting: Setting) -> Item:
    lines = [line(finding.summary), *(step_line(step, setting) for step in finding.next[:1])]
    title = line(bold(finding.target.name), f": {finding.title}")
    return Item(title, finding.severity.word, MARKS[finding.severity], tuple(lines))


def _events(index: Index, thing: Thing) -> list[Event]:
    if isinstance(thing.object, Pod | Workload):
        return timeline(index, related_uids(index, thing.object), most=MOST_EVENTS)
    # Events about nodes carry the node's name in place of its uid.
    names = [thing.ref.name] if thing.ref.kind == "Node" else []
    return timeline(index, [thing.object.meta.uid, *names], most=MOST_EVENTS)


def _event(event: Event, snapshot: Snapshot, thing: Thing) -> str:
    """Say an event in one line; whom it is about only where that is not the described object."""
    times = f" x{event.count}" if event.count > 1 else ""
    own = (event.about_kind, event.about_name) == (thing.ref.kind, thing.ref.name)
    about = "" if own else f"{event.about_kind.lower()} {_short(event.about_name, thing.ref.name)}: "
    message = first_line(event.message, LONGEST_MESSAGE)
    return f"{ago(event.at, snapshot.observed_at)}  {event.reason}{times}  {about}{message}"


def _short(name: str, known: str) -> str:
    """Shorten a name to what tells it apart from the object above it."""
    return f"…{name.removeprefix(known)}" if name.startswith(f"{known}-") else name


def _buttons(thing: Thing, setting: Setting) -> Sequence[Button]:
    if not isinstance(thing.object, Pod | Workload):
        return ()
    name = thing.ref.name
    logs = Button("Logs", setting.here(f"logs {name}"))
    return (logs,) if isinstance(thing.object, Pod) else (logs, Button("Pods", setting.here(f"pods {name}")))


def _data(seen: Seen, index: Index, found: Sequence[Finding], events: Sequence[Event]) -> dict[str, object]:
    ref, scope = seen.thing.ref, seen.report.snapshot.scope
    return {
        "cluster": scope.cluster,
        "namespace": scope.namespace,
        "target": {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name},
        "facts": dict(facts_of(index, seen.thing)),
        "findings": [{"code": f.code, "severity": f.severity.word, "summary": f.summary} for f in found],
        "events": [
            {
                "at": event.at.isoformat(timespec="seconds") if event.at else None,
                "reason": event.reason,
                "about": {"kind": event.about_kind, "name": event.about_name},
                "message": event.message,
                "count": event.count,
            }
            for event in events
        ],
    }


ACTION = Query(
    name="describe",
    summary="Show what matters of one object, what is wrong with it, and its events",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.LOGS, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(
        ("describe api", "a workload"),
        ("describe service/rag-engine-api", "a service"),
        ("describe node/node-1", "a node; also pod, claim, hpa, job, cronjob, ingress"),
    ),
)
