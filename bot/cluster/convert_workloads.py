"""Structs -> domain records: what makes pods, and what scales it. Cluster text is redacted on the way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.cluster import structs_workloads as structs
from bot.cluster.convert import to_conditions, to_meta
from bot.cluster.convert_containers import role_of, to_template_container
from bot.cluster.times import parse_time
from bot.cluster.words import labels, name, shared, words
from bot.domain import objects


def _template(spec: structs.WorkloadSpec) -> tuple[objects.TemplateContainer, ...]:
    said = spec.template.spec
    return (
        *(to_template_container(each, role_of(each, initial=True)) for each in said.init_containers or ()),
        *(to_template_container(each, role_of(each, initial=False)) for each in said.containers or ()),
    )


def _restarted_at(spec: structs.WorkloadSpec) -> datetime | None:
    return parse_time((spec.template.metadata.annotations or {}).get(objects.RESTARTED_AT))


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
    strategy = spec.strategy or spec.update_strategy or structs.Strategy()
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
        template_labels=labels(spec.template.metadata.labels),
        template_restarted_at=_restarted_at(spec),
        strategy=shared(strategy.type),
        partition=(strategy.rolling_update.partition or 0) if strategy.rolling_update is not None else 0,
        progress_deadline_s=spec.progress_deadline_seconds,
        service_account=shared(spec.template.spec.service_account_name),
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
        template_labels=labels(spec.template.metadata.labels),
        template_restarted_at=_restarted_at(spec),
        strategy=shared(spec.update_strategy.type) if spec.update_strategy is not None else "",
        service_account=shared(spec.template.spec.service_account_name),
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
        template_labels=labels(spec.template.metadata.labels),
        template_restarted_at=_restarted_at(spec),
    )


def to_autoscaler(autoscaler: structs.Autoscaler) -> objects.Autoscaler:
    """Convert a HorizontalPodAutoscaler."""
    spec, status = autoscaler.spec, autoscaler.status
    return objects.Autoscaler(
        meta=to_meta(autoscaler.metadata),
        target_kind=shared(spec.scale_target_ref.kind),
        target_name=name(spec.scale_target_ref.name),
        minimum=1 if spec.min_replicas is None else spec.min_replicas,
        maximum=spec.max_replicas,
        current=status.current_replicas,
        desired=status.desired_replicas,
        conditions=to_conditions(status.conditions),
        metrics=tuple(_metrics(spec.metrics or (), status.current_metrics or ())),
        scaled_at=parse_time(status.last_scale_time),
    )


def _metrics(asked: Iterable[structs.Metric], measured: Iterable[structs.Metric]) -> Iterable[objects.AutoscalerMetric]:
    """Convert the metrics that are asked for, each with its current value where the status has one."""
    values = {_called(each): each.source for each in measured}
    for metric in asked:
        kind, named, container = _called(metric)
        source, value = metric.source, values.get((kind, named, container))
        yield objects.AutoscalerMetric(
            kind=shared(kind),
            name=shared(named),
            container=shared(container),
            target=None if source is None else source.target.average_utilization,
            current=None if value is None else value.current.average_utilization,
        )


def _called(metric: structs.Metric) -> tuple[str, str, str]:
    source = metric.source
    if source is None:
        return metric.type, "", ""
    return metric.type, source.metric.name if source.metric is not None else source.name, source.container


def to_job(job: structs.Job) -> objects.Job:
    """Convert a job."""
    spec, status = job.spec, job.status
    return objects.Job(
        meta=to_meta(job.metadata),
        active=status.active,
        succeeded=status.succeeded,
        failed=status.failed,
        suspended=bool(spec.suspend),
        backoff_limit=6 if spec.backoff_limit is None else spec.backoff_limit,
        conditions=to_conditions(status.conditions),
        completions=spec.completions,
        parallelism=1 if spec.parallelism is None else spec.parallelism,
        deadline_s=spec.active_deadline_seconds,
        started_at=parse_time(status.start_time),
        completed_at=parse_time(status.completion_time),
    )


def to_cron_job(cron_job: structs.CronJob) -> objects.CronJob:
    """Convert a schedule."""
    spec, status = cron_job.spec, cron_job.status
    return objects.CronJob(
        meta=to_meta(cron_job.metadata),
        schedule=words(spec.schedule),
        suspended=bool(spec.suspend),
        active=len(status.active or ()),
        last_scheduled_at=parse_time(status.last_schedule_time),
        last_successful_at=parse_time(status.last_successful_time),
    )
