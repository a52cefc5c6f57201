"""`describe`: what matters of one object, what is wrong with it, and its events with those of its owners, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.diagnosis import Index, ago, amount, count, cpu, ready_cell, related_uids, status_cell, timeline
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Finding, Report, Severity
from bot.domain.objects import Claim, Container, Event, Node, Pod, Service, Waiting, Workload
from bot.domain.snapshot import ALL_PARTS, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.view import Block, Button, Buttons, Code, Context, Fields, Headline, Item, Mark, Table, View, bold, line
from bot.examine import examine
from bot.lookup import Thing, find_thing, freshness_line, unread_lines
from bot.ports import Sources

MOST_EVENTS = 20
_MARKS = {Severity.CRITICAL: Mark.CRITICAL, Severity.WARNING: Mark.WARNING, Severity.INFO: Mark.INFO}
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Params:
    """What to describe."""

    thing: str = argument("a service, workload, pod, node, service/NAME, claim/NAME or hpa/NAME", names_service=True)


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
    thing = find_thing("describe", params.thing, report.snapshot, sources.catalogue)
    return Seen(thing, report, sources.catalogue)


def render(params: Params, seen: Seen, setting: Setting) -> View:
    snapshot = seen.report.snapshot
    index = Index(snapshot)
    thing = seen.thing
    concerned = _concerned(index, thing)
    found = [
        f for f in seen.report.findings if f.target in concerned or any(c.target in concerned for c in f.consequences)
    ]
    name = f"{thing.ref.kind.lower()} {thing.ref.name}"
    verdict = f"{count(len(found), 'problem')}" if found else "nothing is wrong that I can see"
    summary = f"{name}: {verdict}"
    blocks: list[Block] = [
        Headline(summary, _MARKS[found[0].severity] if found else Mark.OK),
        Fields(tuple(_facts(index, thing))),
    ]
    if isinstance(thing.object, Pod):
        blocks.append(_containers(thing.object))
    blocks += [Item(line(bold(f.title)), f.severity.word, _MARKS[f.severity], (line(f.summary),)) for f in found]
    events = _events(index, thing)
    if events:
        blocks.append(Code("\n".join(_event(event, snapshot) for event in events), title=f"{thing.ref.name} events"))
    told = (
        f"{count(len(events), 'event')}, oldest first"
        if events
        else "No events: they live an hour, so none is no proof of health"
    )
    blocks.append(Context((line(told), *unread_lines(snapshot, ALL_PARTS), freshness_line(snapshot, setting))))
    blocks.append(Buttons(tuple(_buttons(thing, setting))))
    return View(summary, tuple(blocks), data=_data(seen, index, found, events), exit_code=1 if found else 0)


def _concerned(index: Index, thing: Thing) -> set[ObjectRef]:
    """Return whose findings are told: the object's own, and its workload's for a pod."""
    concerned = {thing.ref}
    if isinstance(thing.object, Pod):
        concerned.add(index.target_of(thing.object))
    return concerned


def _events(index: Index, thing: Thing) -> list[Event]:
    if isinstance(thing.object, (Pod, Workload)):
        return timeline(index, related_uids(index, thing.object), most=MOST_EVENTS)
    return timeline(index, [thing.object.meta.uid, thing.object.meta.name], most=MOST_EVENTS)


def _event(event: Event, snapshot: Snapshot) -> str:
    times = f" (x{event.count})" if event.count > 1 else ""
    about = f"{event.about_kind.lower()}/{event.about_name}"
    return f"{ago(event.at, snapshot.observed_at):>12}  {event.reason}{times}  {about}: {event.message}".replace(
        "\n", " "
    )


def _facts(index: Index, thing: Thing) -> Pairs:
    """Return what matters of an object, in pairs for people."""
    match thing.object:
        case Pod() as pod:
            return _pod_facts(index, pod)
        case Workload() as workload:
            return _workload_facts(index, workload)
        case Node() as node:
            return _node_facts(index, node)
        case Service() as service:
            return _service_facts(index, service)
        case Claim() as claim:
            return [
                ("Phase", claim.phase or "unknown"),
                ("Class", claim.storage_class if claim.storage_class is not None else "the default one"),
                ("Asked for", amount(claim.requested)),
                ("Volume", claim.volume or "none"),
            ]
        case scaler:
            target = f"{scaler.target_kind.lower()}/{scaler.target_name}"
            return [
                ("Scales", target),
                ("Between", f"{scaler.minimum} and {scaler.maximum}, now {scaler.current}, wants {scaler.desired}"),
                *((c.type, f"{c.status}: {c.reason}. {c.message}") for c in scaler.conditions),
            ]


def _pod_facts(index: Index, pod: Pod) -> Pairs:
    pairs = [
        ("Status", f"{status_cell(pod)}, {ready_cell(pod)} ready"),
        ("Node", pod.node or "none yet"),
        ("Age", ago(pod.meta.created_at, index.now).removesuffix(" ago")),
    ]
    owner = index.target_of(pod)
    if owner.kind != "Pod":
        revision = index.revision_of(pod)
        pairs.append(
            ("Belongs to", f"{owner.kind.lower()}/{owner.name}" + (f" revision {revision}" if revision else ""))
        )
    pairs += [(c.type, f"{c.status}: {c.reason} {c.message}".rstrip()) for c in pod.conditions if c.status != "True"]
    return pairs


def _containers(pod: Pod) -> Table:
    rows = tuple(
        (
            container.name if container.role.value == "container" else f"{container.name} ({container.role})",
            container.image,
            _state(container),
            str(container.restart_count),
            _limits(container),
        )
        for container in pod.containers
    )
    return Table(("container", "image", "state", "restarts", "asks for / limit"), rows)


def _state(container: Container) -> str:
    state = container.state
    if state is None:
        return "unknown"
    if isinstance(state, Waiting):
        return f"waiting: {state.reason or 'no reason'}"
    return type(state).__name__.lower()


def _limits(container: Container) -> str:
    def pair(asked: int | None, limit: int | None, words: Callable[[int], str]) -> str:
        return " / ".join(words(value) if value is not None else "-" for value in (asked, limit))

    memory = pair(container.memory_request, container.memory_limit, amount)
    return f"cpu {pair(container.cpu_request_m, container.cpu_limit_m, cpu)}, memory {memory}"


def _workload_facts(index: Index, workload: Workload) -> Pairs:
    pairs = [
        ("Ready", f"{workload.ready} of {workload.desired}, {workload.updated} up to date"),
        ("Images", ", ".join(f"{c.name}: {c.image}" for c in workload.containers)),
    ]
    if workload.revision is not None:
        pairs.append(("Revision", str(workload.revision)))
    if workload.paused:
        pairs.append(("Paused", "yes: changes wait until it is resumed"))
    scalers = [f"{s.meta.name} ({s.minimum} to {s.maximum})" for s in index.autoscalers_of(workload)]
    if scalers:
        pairs.append(("Scaled by", ", ".join(scalers)))
    services = [
        service.meta.name
        for service in index.snapshot.services
        if service.selector and service.selector.items() <= workload.template_labels.items()
    ]
    if services:
        pairs.append(("Behind", ", ".join(f"service/{name}" for name in services)))
    pairs += [(c.type, f"{c.status}: {c.reason}. {c.message}") for c in workload.conditions]
    return pairs


def _node_facts(index: Index, node: Node) -> Pairs:
    here = [pod for pod in index.snapshot.pods if pod.node == node.meta.name and not pod.is_finished]
    pairs = [
        ("Can give", f"{cpu(node.cpu_allocatable_m)} CPU, {amount(node.memory_allocatable)} memory"),
        ("Pods of this namespace", str(len(here))),
        ("Takes new pods", "no, it is cordoned" if node.unschedulable else "yes"),
    ]
    if node.taints:
        pairs.append(("Taints", ", ".join(f"{t.key}={t.value}:{t.effect}" for t in node.taints)))
    pairs += [(c.type, f"{c.status}: {c.reason}") for c in node.conditions]
    return pairs


def _service_facts(index: Index, service: Service) -> Pairs:
    endpoints = index.endpoints_of(service)
    selected = index.selected_by(service.selector)
    return [
        ("Type", service.type),
        ("Ports", ", ".join(f"{p.port} → {p.target}" for p in service.ports) or "none"),
        ("Selects", ", ".join(f"{k}={v}" for k, v in service.selector.items()) or "nothing"),
        ("Pods", f"{count(len(selected), 'pod')} match"),
        ("Endpoints", f"{sum(e.ready for e in endpoints)} of {len(endpoints)} ready"),
    ]


def _buttons(thing: Thing, setting: Setting) -> Sequence[Button]:
    buttons = [Button("Refresh", setting.command, replaces=True)]
    if isinstance(thing.object, (Pod, Workload)):
        buttons.append(Button("Logs", f"logs {thing.ref.name}"))
    return buttons


def _data(seen: Seen, index: Index, found: Sequence[Finding], events: Sequence[Event]) -> dict[str, object]:
    ref = seen.thing.ref
    return {
        "target": {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name},
        "facts": dict(_facts(index, seen.thing)),
        "findings": [finding.code for finding in found],
        "events": [
            {
                "at": event.at.isoformat() if event.at else None,
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
    summary="Show what matters of one object, with its events and those of its owners",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.LOGS, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(
        ("describe api", "a workload"),
        ("describe service/rag-engine-api", "a service"),
        ("describe node-1", "a node"),
    ),
)
