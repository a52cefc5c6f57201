"""A row for each workload and minute, and the problems there are, as a health check tells them."""

from __future__ import annotations

from dataclasses import replace

from bot.checkup.extent import extent_of
from bot.checkup.seen import Looks, Seen
from bot.diagnosis import Index, diagnose
from bot.domain.findings import Severity
from bot.domain.snapshot import Part, Snapshot
from bot.domain.watch.probes import Health
from bot.domain.watch.world import UNSEEN, Looked
from bot.watching.recording import problems_of, samples_of
from tests.support import builders as make
from tests.support.fixed_probes import failed, health_url, probed, watching_over
from tests.support.worlds import API, CATALOGUE


def test_a_sample_is_what_its_pods_are_together() -> None:
    """The shares are those of the container that is nearest to its limit."""
    api = make.deployment(desired=3, ready=2)
    replicas = make.replica_set(api)
    box = replace(make.container(memory_limit=100 * make.MI, restarts=2), cpu_limit_m=1000)
    pods = [make.pod(replicas, box), make.pod(replicas, box), make.pod(replicas, make.crash_looping(restarts=5))]
    used = [make.usage(pods[0], cpu_m=900, memory=10 * make.MI), make.usage(pods[1], cpu_m=100, memory=70 * make.MI)]
    events = [make.event(pods[2], "BackOff", "…", ago_s=30), make.event(pods[2], "BackOff", "…", ago_s=90)]
    shown = make.snapshot(api, replicas, *pods, *used, *(replace(each, type="Warning") for each in events))
    asked = [probed(health_url(), took_ms=120.0)]
    [sample] = samples_of(Index(shown), asked, CATALOGUE, make.NOW)
    assert (sample.ref, sample.desired, sample.ready, sample.restarts) == (API, 3, 2, 9)
    assert (sample.cpu_m, sample.cpu_share, sample.memory, sample.memory_share) == (1000, 0.9, 80 * make.MI, 0.7)
    assert (sample.probe_ms, sample.probe_failed, sample.warnings) == (120.0, False, 1)


def test_what_is_not_known_is_never_nothing() -> None:
    """No metrics, no events, no health URL, or one that could not be asked."""
    api = make.deployment()
    shown = make.snapshot(api, parts={Part.EVENTS: make.missing("no right")})
    [sample] = samples_of(Index(shown), [probed(health_url(), Health.UNKNOWN)], CATALOGUE, make.NOW)
    figures = (sample.cpu_m, sample.cpu_share, sample.memory, sample.memory_share)
    assert figures == (None, None, None, None)
    assert (sample.probe_ms, sample.probe_failed, sample.warnings) == (None, None, None)


def test_a_health_url_that_fails_took_no_time() -> None:
    """It failed, which is not that it was quick."""
    [sample] = samples_of(Index(make.snapshot(make.deployment())), [failed(health_url())], CATALOGUE, make.NOW)
    assert (sample.probe_ms, sample.probe_failed) == (None, True)


def test_old_measurements_say_nothing_of_now() -> None:
    """The metrics server may have stopped long ago."""
    api = make.deployment()
    replicas = make.replica_set(api, ready=1)
    pod = make.pod(replicas)
    old = replace(make.usage(pod, cpu_m=100), at=make.ago(600))
    [sample] = samples_of(Index(make.snapshot(api, replicas, pod, old)), [], CATALOGUE, make.NOW)
    assert sample.cpu_m is None


def seen(shown: Snapshot | None) -> Seen:
    cluster: Looked[Looks] = UNSEEN
    if shown is not None:
        index = Index(shown)
        report = diagnose(index)
        extent = extent_of(index, None)
        cluster = Looked(Looks(report=report, index=index, findings=report.findings, extent=extent, focus=None))
    return Seen(
        scope=make.SCOPE,
        now=make.NOW,
        service="",
        catalogue=CATALOGUE,
        watch=watching_over(),
        cluster=cluster,
        health=Looked(()),
        dependencies=Looked(()),
        quotas=UNSEEN,
        backups=UNSEEN,
        certificates=UNSEEN,
        disks=UNSEEN,
        took_s={},
    )


def test_problems_are_those_of_the_health_check() -> None:
    """With its keys, so that what a digest tells and what was kept is the same; each by the name of its service."""
    api = make.deployment(ready=0)
    replicas = make.replica_set(api)
    found = problems_of(seen(make.snapshot(api, replicas, make.pod(replicas, make.crash_looping()))))
    assert found is not None
    assert [(each.key, each.severity, each.title) for each in found] == [
        ("CRASH_LOOP:deployment/api/api", Severity.CRITICAL, "search: crashes again and again")
    ]


def test_where_the_cluster_was_not_seen_no_problem_ends() -> None:
    """That is not known is not the same as none."""
    assert problems_of(seen(None)) is None
    assert problems_of(seen(make.snapshot(make.deployment()))) == ()
