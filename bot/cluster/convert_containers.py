"""Structs -> domain records: containers, of pods and of templates. Cluster text is redacted on the way.

The pods of a workload have equal specifications of their containers: each is converted once (`lru_cache` over the
hashable struct), and its ports, references, probes and command are shared by all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from bot.cluster import structs_pods as structs
from bot.cluster.convert import amount_of, cpu_of
from bot.cluster.structs import Amounts
from bot.cluster.times import parse_time
from bot.cluster.words import LONGEST, names, shared, word, words
from bot.domain import objects
from bot.domain.objects import Role

_NONE = Amounts()


def to_container(spec: structs.ContainerSpec, role: Role, status: structs.ContainerStatus | None) -> objects.Container:
    """Convert a container of a pod: what is asked for and what came of it."""
    asked = _specified(spec, role)
    if status is None:
        return asked
    ended = status.last_state.terminated if status.last_state is not None else None
    return replace(
        asked,
        ready=status.ready,
        started=status.started,
        restart_count=status.restart_count,
        state=_state(status.state),
        last_state=None if ended is None else _terminated(ended),
        image_id=shared(status.image_id),
    )


def role_of(spec: structs.ContainerSpec, *, initial: bool) -> Role:
    """Tell a sidecar from an init container: it restarts for ever."""
    if not initial:
        return Role.REGULAR
    return Role.SIDECAR if spec.restart_policy == "Always" else Role.INIT


@lru_cache(maxsize=1024)
def _specified(spec: structs.ContainerSpec, role: Role) -> objects.Container:
    said = to_template_container(spec, role)
    return objects.Container(
        name=said.name,
        role=said.role,
        image=said.image,
        cpu_request_m=said.cpu_request_m,
        cpu_limit_m=said.cpu_limit_m,
        memory_request=said.memory_request,
        memory_limit=said.memory_limit,
        readiness=said.readiness,
        liveness=said.liveness,
        startup=said.startup,
        env_names=said.env_names,
        ports=said.ports,
        references=said.references,
        command=said.command,
    )


@lru_cache(maxsize=1024)
def to_template_container(spec: structs.ContainerSpec, role: Role) -> objects.TemplateContainer:
    """Convert a container of a pod template."""
    requests = (spec.resources.requests if spec.resources is not None else None) or _NONE
    limits = (spec.resources.limits if spec.resources is not None else None) or _NONE
    return objects.TemplateContainer(
        name=shared(spec.name),
        role=role,
        image=shared(spec.image),
        cpu_request_m=cpu_of(requests.cpu),
        cpu_limit_m=cpu_of(limits.cpu),
        memory_request=amount_of(requests.memory),
        memory_limit=amount_of(limits.memory),
        readiness=_probe(spec.readiness_probe),
        liveness=_probe(spec.liveness_probe),
        startup=_probe(spec.startup_probe),
        env_names=names(variable.name for variable in spec.env or ()),
        ports=tuple(
            objects.Port(port.container_port, shared(port.name), shared(port.protocol), port.host_port)
            for port in spec.ports or ()
        ),
        references=tuple(_references(spec)),
        command=_command((*(spec.command or ()), *(spec.args or ()))),
    )


def _references(spec: structs.ContainerSpec) -> Iterator[objects.Reference]:
    """Name the config maps and secrets of the environment, first the keys, then those that are taken whole."""
    for variable in spec.env or ():
        source = variable.value_from
        if source is None:
            continue
        for kind, key in (("ConfigMap", source.config_map_key_ref), ("Secret", source.secret_key_ref)):
            if key is not None:
                yield objects.Reference(
                    kind, shared(key.name), shared(key.key), shared(variable.name), optional=bool(key.optional)
                )
    for whole in spec.env_from or ():
        for kind, named in (("ConfigMap", whole.config_map_ref), ("Secret", whole.secret_ref)):
            if named is not None:
                yield objects.Reference(kind, shared(named.name), optional=bool(named.optional))


def _command(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Redact a command with its arguments; a secret may stand in the argument after the one that names it."""
    line = " ".join(arguments)
    if len(line) <= LONGEST and words(line) == line:
        return arguments
    return tuple(words(line).split(" "))


# --- probes -----------------------------------------------------------------------------------------------------------


def _probe(probe: structs.Probe | None) -> objects.Probe | None:
    if probe is None:
        return None
    kind, port, path, target = _asked(probe)
    return objects.Probe(
        target=words(target),
        timeout_s=probe.timeout_seconds,
        period_s=probe.period_seconds,
        failure_threshold=probe.failure_threshold,
        initial_delay_s=probe.initial_delay_seconds,
        kind=kind,
        port=port,
        path=words(path),
    )


def _asked(probe: structs.Probe) -> tuple[str, str, str, str]:
    """Return the kind of a probe, its port and path, and all of it in words."""
    if probe.http_get is not None:
        port, path = shared(str(probe.http_get.port)), probe.http_get.path or "/"
        secure = " (https)" if probe.http_get.scheme == "HTTPS" else ""
        return "http", port, path, f"GET :{port}{path}{secure}"
    if probe.tcp_socket is not None:
        port = shared(str(probe.tcp_socket.port))
        return "tcp", port, "", f"tcp :{port}"
    if probe.grpc is not None:
        return "grpc", str(probe.grpc.port), "", f"grpc :{probe.grpc.port}"
    return "exec", "", "", "exec"


# --- states -----------------------------------------------------------------------------------------------------------


def _state(state: structs.ContainerState | None) -> objects.ContainerState | None:
    if state is None:
        return None
    if state.terminated is not None:
        return _terminated(state.terminated)
    if state.running is not None:
        return objects.Running(parse_time(state.running.started_at))
    if state.waiting is not None:
        return objects.Waiting(word(state.waiting.reason), words(state.waiting.message))
    return None


def _terminated(ended: structs.StateTerminated) -> objects.Terminated:
    return objects.Terminated(
        exit_code=ended.exit_code,
        reason=word(ended.reason),
        signal=ended.signal,
        message=words(ended.message),
        started_at=parse_time(ended.started_at),
        finished_at=parse_time(ended.finished_at),
    )
