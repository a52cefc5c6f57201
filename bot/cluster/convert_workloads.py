"""Structs -> domain records: pods, what makes them, and what scales them. Cluster text is redacted on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.cluster import structs_workloads as structs
from bot.cluster.convert import amount_of, amount_of_cpu, to_conditions, to_meta
from bot.cluster.times import parse_time
from bot.cluster.words import labels, name, names, words
from bot.domain import objects
from bot.domain.objects import Role


def to_pod(pod: structs.Pod) -> objects.Pod:
    """Convert a pod: init containers and sidecars first, then the regular ones, each with its status."""
    spec, status = pod.spec, pod.status
    return objects.Pod(
        meta=to_meta(pod.metadata),
        phase=name(status.phase),
        reason=words(status.reason),
        message=words(status.message),
        node=name(spec.node_name),
        containers=(
            *_containers(spec.init_containers or (), status.init_container_statuses or (), initial=True),
            *_containers(spec.containers or (), status.container_statuses or (), initial=False),
        ),
        conditions=to_conditions(status.conditions),
        started_at=parse_time(status.start_time),
    )


def _containers(
    specs: Sequence[structs.ContainerSpec], statuses: Sequence[structs.ContainerStatus], *, initial: bool
) -> Iterable[objects.Container]:
    by_name = {status.name: status for status in statuses}
    for spec in specs:
        yield _container(spec, by_name.get(spec.name) or structs.ContainerStatus(name=spec.name), initial=initial)


def _container(spec: structs.ContainerSpec, status: structs.ContainerStatus, *, initial: bool) -> objects.Container:
    requests, limits = _requests_and_limits(spec)
    ended = status.last_state.terminated if status.last_state is not None else None
    return objects.Container(
        name=name(spec.name),
        role=_role(spec, initial=initial),
        image=name(spec.image),
        ready=status.ready,
        started=status.started,
        restart_count=status.restart_count,
        state=_state(status.state),
        last_state=None if ended is None else _terminated(ended),
        cpu_request_m=amount_of_cpu(requests),
        cpu_limit_m=amount_of_cpu(limits),
        memory_request=amount_of(requests, "memory"),
        memory_limit=amount_of(limits, "memory"),
        readiness=_probe(spec.readiness_probe),
        liveness=_probe(spec.liveness_probe),
        startup=_probe(spec.startup_probe),
        env_names=names(variable.name for variable in spec.env or ()),
    )


def _role(spec: structs.ContainerSpec, *, initial: bool) -> Role:
    if not initial:
        return Role.REGULAR
    return Role.SIDECAR if spec.restart_policy == "Always" else Role.INIT


def _requests_and_limits(
    spec: structs.ContainerSpec,
) -> tuple[dict[str, str | int | float] | None, dict[str, str | int | float] | None]:
    return (spec.resources.requests, spec.resources.limits) if spec.resources is not None else (None, None)


def _state(state: structs.ContainerState | None) -> objects.ContainerState | None:
    if state is None:
        return None
    if state.terminated is not None:
        return _terminated(state.terminated)
    if state.running is not None:
        return objects.Running(parse_time(state.running.started_at))
    if state.waiting is not None:
        return objects.Waiting(words(state.waiting.reason), words(state.waiting.message))
    return None


def _terminated(ended: structs.StateTerminated) -> objects.Terminated:
    return objects.Terminated(
        exit_code=ended.exit_code,
        reason=words(ended.reason),
        signal=ended.signal,
        message=words(ended.message),
        started_at=parse_time(ended.started_at),
        finished_at=parse_time(ended.finished_at),
    )


def _probe(probe: structs.Probe | None) -> objects.Probe | None:
    if probe is None:
        return None
    return objects.Probe(
        target=words(_probe_target(probe)),
        timeout_s=probe.timeout_seconds,
        period_s=probe.period_seconds,
        failure_threshold=probe.failure_threshold,
        initial_delay_s=probe.initial_delay_seconds,
    )


def _probe_target(probe: structs.Probe) -> str:
    if probe.http_get is not None:
        secure = " (https)" if probe.http_get.scheme == "HTTPS" else ""
        return f"GET :{probe.http_get.port}{probe.http_get.path or '/'}{secure}"
    if probe.tcp_socket is not None:
        return f"tcp :{probe.tcp_socket.port}"
    if probe.grpc is not None:
        return f"grpc :{probe.grpc.port}"
    return "exec"


def _template(spec: structs.WorkloadSpec) -> tuple[objects.TemplateContainer, ...]:
    converted = []
    for container in spec.template.spec.containers or ():
        _, limits = _requests_and_limits(container)
        converted.append(
            objects.TemplateContainer(
                name=name(container.name),
                image=name(container.image),
                env_names=names(variable.name for variable in container.env or ()),
                memory_limit=amount_of(limits, "memory"),
                cpu_limit_m=amount_of_cpu(limits),
            )
        )
    return tuple(converted)


def _selector(spec: structs.WorkloadSpec) -> structs.LabelSelector:
    return spec.selector or structs.LabelSelector()


def to_deployment(deployment: structs.Workload) -> objects.Workload:
    """Convert a Deployment."""
    return _replicated("Deployment", deployment)


def to_stateful_set(stateful_set: structs.Workload) -> objects.Workload:
    """Convert a StatefulSet."""
    return _replicated("StatefulSet", stateful_set)


def _replicated(kind: str, workload: structs.Workload) -> objects.Workload:
    spec, status = workload.spec, workload.status
    return objects.Workload(
        kind=kind,
        meta=to_meta(workload.metadata),
        desired=1 if spec.replicas is None else spec.replicas,
        updated=status.updated_replicas,
        ready=status.ready_replicas,
        available=status.available_replicas,
        observed_generation=status.observed_generation,
        paused=spec.paused,
        selector=labels(_selector(spec).match_labels),
        containers=_template(spec),
        conditions=to_conditions(status.conditions),
        current_revision=name(status.current_revision),
        update_revision=name(status.update_revision),
    )


def to_daemon_set(daemon_set: structs.DaemonSet) -> objects.Workload:
    """Convert a DaemonSet: the scheduler's numbers stand for replicas."""
    spec, status = daemon_set.spec, daemon_set.status
    return objects.Workload(
        kind="DaemonSet",
        meta=to_meta(daemon_set.metadata),
        desired=status.desired_number_scheduled,
        updated=status.updated_number_scheduled,
        ready=status.number_ready,
        available=status.number_available,
        observed_generation=status.observed_generation,
        selector=labels(_selector(spec).match_labels),
        containers=_template(spec),
        conditions=to_conditions(status.conditions),
    )


def to_replica_set(replica_set: structs.Workload) -> objects.ReplicaSet:
    """Convert a ReplicaSet."""
    spec, status = replica_set.spec, replica_set.status
    return objects.ReplicaSet(
        meta=to_meta(replica_set.metadata),
        desired=1 if spec.replicas is None else spec.replicas,
        replicas=status.replicas,
        ready=status.ready_replicas,
        available=status.available_replicas,
        containers=_template(spec),
        conditions=to_conditions(status.conditions),
    )


def to_autoscaler(autoscaler: structs.Autoscaler) -> objects.Autoscaler:
    """Convert a HorizontalPodAutoscaler."""
    spec, status = autoscaler.spec, autoscaler.status
    return objects.Autoscaler(
        meta=to_meta(autoscaler.metadata),
        target_kind=name(spec.scale_target_ref.kind),
        target_name=name(spec.scale_target_ref.name),
        minimum=1 if spec.min_replicas is None else spec.min_replicas,
        maximum=spec.max_replicas,
        current=status.current_replicas,
        desired=status.desired_replicas,
        conditions=to_conditions(status.conditions),
    )


def to_job(job: structs.Job) -> objects.Job:
    """Convert a job."""
    return objects.Job(
        meta=to_meta(job.metadata),
        active=job.status.active,
        succeeded=job.status.succeeded,
        failed=job.status.failed,
        suspended=bool(job.spec.suspend),
        backoff_limit=6 if job.spec.backoff_limit is None else job.spec.backoff_limit,
        conditions=to_conditions(job.status.conditions),
    )
