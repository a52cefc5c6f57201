"""Containers whose program ends again and again, how it ended, and what its log says of the reason."""

from __future__ import annotations

from collections.abc import Iterable

from bot.diagnosis import steps
from bot.diagnosis.causes import crash_codes as codes
from bot.diagnosis.containers import crash_log, is_looping, last_end, onset
from bot.diagnosis.crash_reasons import Cause, Reason, quoted, reason_in
from bot.diagnosis.dependencies import dependency_refs, standing_of
from bot.diagnosis.family import Case, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.telling import telling_line
from bot.diagnosis.traces import Trace, last_trace
from bot.diagnosis.words import duration, exit_code, tag_of
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Container, Pod, Terminated, Waiting
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted, count, first_line

_COMMAND_EXITS = (126, 127)


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    for container in pod.containers:
        if not is_looping(index, pod, container):
            continue
        end = last_end(container)
        since = onset(index, pod, container)
        if _start_failure(container) is not None:
            yield Symptom(code=codes.START_FAILED, pod=pod, container=container, since=since)
            continue
        yield Symptom(
            code=codes.CRASH_LOOP,
            pod=pod,
            container=container,
            key=f"{end.exit_code if end else '?'}:{end.signal if end else ''}",
            since=since,
            log=crash_log(pod, container),
        )


def _start_failure(container: Container) -> Redacted | None:
    """Return what the kubelet says of a start that failed; None when the program did start.

    The first time only the waiting state tells; the last state follows with the next try.
    """
    state, end = container.state, last_end(container)
    if isinstance(state, Waiting) and state.reason == "RunContainerError":
        return state.message
    if end is not None and end.reason in ("StartError", "ContainerCannotRun"):
        return end.message
    return None


def explain(case: Case) -> Finding:
    container = case.container
    if container is None:
        raise ValueError("a crash is always one of a container")
    return _start_failed(case, container) if case.code == codes.START_FAILED else _crashed(case, container)


def _crashed(case: Case, container: Container) -> Finding:
    end = last_end(container)
    trace, reason = _said(case, end)
    code = _code(end, reason)
    ended = exit_code(end.exit_code, end.signal) if end else "an unknown exit code"
    line = reason.line if reason else trace.error if trace else telling_line(case.log.lines) if case.log else None
    summary = f"{case.subject} ends with {ended}{_lived(end)}" + (f": {quoted(line)}." if line else ".")
    if trace and trace.frame:
        summary += f" It fell over at {trace.frame}."
    summary += _meaning(case, code, reason) + steps.waiting_for(case)
    if case.contrast:
        summary += f" {case.contrast}"
    return Finding(
        code=code,
        severity=case.severity,
        target=case.target,
        title=_title(case, code, reason),
        summary=summary,
        evidence=(_state(case, container, end, ended), *case.log_evidence("the crashed run's log, its end")),
        next=_next(case, code, reason),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
        because=dependency_refs(case, reason),
    )


def _said(case: Case, end: Terminated | None) -> tuple[Trace | None, Reason | None]:
    """Read the log's end, and what the program left as its termination message where the log says nothing."""
    for lines in (case.log.lines if case.log else (), _lines(end.message) if end else ()):
        trace = last_trace(lines)
        reason = reason_in(lines, trace)
        if trace or reason:
            return trace, reason
    return None, None


def _lines(message: Redacted) -> tuple[Redacted, ...]:
    return tuple(Redacted(line) for line in message.splitlines())


def _code(end: Terminated | None, reason: Reason | None) -> str:
    if end is not None and not end.signal:
        if end.exit_code == 0:
            return codes.EXITED
        if end.exit_code in _COMMAND_EXITS and (reason is None or reason.cause is not Cause.IMAGE_INCOMPLETE):
            return codes.CRASH_COMMAND
    return codes.BY_CAUSE[reason.cause] if reason else codes.CRASH_LOOP


def _state(case: Case, container: Container, end: Terminated | None, ended: str) -> Evidence:
    restarts = max(c.restart_count for symptom in case.symptoms if (c := symptom.container))
    label = f"{container.role} {container.name}: {count(restarts, 'restart')}, last end: {ended}"
    said = (end.message,) if end and end.message else ()
    return Evidence(EvidenceKind.STATE, label, said, end.finished_at if end else None)


def _lived(end: Terminated | None) -> str:
    if end is None or end.started_at is None or end.finished_at is None:
        return ""
    lived = max((end.finished_at - end.started_at).total_seconds(), 0)
    return " at start" if lived < 10 else f" after {duration(lived)}"


def _title(case: Case, code: str, reason: Reason | None) -> str:
    what = codes.TITLES[code]
    if code == codes.CRASH_CONFIGURATION and reason and reason.name:
        what = f"crashes for want of {reason.name}"
    elif code == codes.CRASH_DEPENDENCY and reason and reason.name:
        what = f"crashes without {reason.name}"
    elif code == codes.CRASH_ADDRESS_IN_USE and reason and reason.port:
        what = f"crashes, port {reason.port} is in use"
    if case.stage and case.contrast:
        return f"new release {what.removesuffix(' again and again')}, the old one still serves"
    return what


def _meaning(case: Case, code: str, reason: Reason | None) -> str:
    """Say what the code means here, beyond the words of the program."""
    container = case.container
    if code == codes.EXITED:
        probed = container is not None and (container.liveness or container.startup)
        doubt = " It has a liveness or startup probe, and no event tells whether that stopped it." if probed else ""
        return " The program finished by itself and reported no error, but a server must go on." + doubt
    if reason is None:
        return ""
    if code == codes.CRASH_ADDRESS_IN_USE:
        return _port_sharers(case, reason.port)
    if code == codes.CRASH_DEPENDENCY:
        named = f"{reason.name}{':' + reason.port if reason.port else ''}" if reason.name else "what it needs"
        return f" It needs {named}: {reason.how}.{standing_of(case, reason)}"
    return ""


def _port_sharers(case: Case, port: str) -> str:
    """Name the other containers of the pod that declare the port: all of a pod share one address."""
    ours = case.container.name if case.container else ""
    sharers = [
        each.name
        for each in case.newest.pod.containers
        if each.name != ours and any(str(declared.number) == port for declared in each.ports)
    ]
    if sharers:
        return f" Container {' and '.join(sharers)} of the same pod declares port {port}, too; they share one address."
    if case.newest.pod.host_network:
        return " The pod uses its node's network, so any program of the node may hold the port."
    return " Something in the same pod listens there already."


def _start_failed(case: Case, container: Container) -> Finding:
    message = _start_failure(container)
    why = f'"{first_line(_core(message), 200)}".' if message else "the kubelet gives no reason."
    if message and "exec format error" in message:
        why += " The program is built for another kind of processor than the node's."
    contrast = f" {case.contrast}" if case.contrast else ""
    label = f"image {tag_of(container.image)}, start error"
    return Finding(
        code=codes.START_FAILED,
        severity=case.severity,
        target=case.target,
        title="cannot be started",
        summary=f"{case.subject} cannot be started: {why}{steps.waiting_for(case)}{contrast}",
        evidence=(Evidence(EvidenceKind.STATE, label, (message,) if message else ()),),
        next=(*steps.release(case), steps.describe(case, "shows its command; mend it, or the image")),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
    )


def _core(message: Redacted) -> str:
    """Leave out through which hands the error went before it reached the kubelet."""
    return message.rpartition("runc create failed: ")[2].removesuffix(": unknown")


def _next(case: Case, code: str, reason: Reason | None) -> tuple[NextStep, ...]:
    found = [*steps.release(case), steps.logs(case, "shows the whole log of the crash")]
    service = next((ref for ref in dependency_refs(case, reason) if ref.kind != "Service"), None)
    if code == codes.CRASH_DEPENDENCY and service is not None:
        found.insert(0, _look_at(service))
    return tuple(found)


def _look_at(ref: ObjectRef) -> NextStep:
    return steps.command(f"status {ref.name}", "shows how it fares", f"Status of {ref.name}")


FAMILY = Family(rank=50, codes=codes.CODES, observe=observe, explain=explain)
