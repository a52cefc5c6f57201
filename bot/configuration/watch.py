"""The parts of `ragops.toml` about watching: what is probed, `[watch]`, `[alerts]`, `[digests]`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bot.configuration.people import channel_id, one_of
from bot.configuration.places import Places, label
from bot.configuration.targets import Named, read_targets
from bot.domain.targets import Scope
from bot.domain.watch.policy import AlertChannels, Thresholds, WatchPolicy
from bot.domain.watch.schedules import CatchUp, DigestPlan, Schedule
from bot.schedule.calendar import problem_of
from bot.toml_tables import Table

_POLICY, _SCHEDULE = WatchPolicy(), Schedule(name="", cron="")
_ANY_CRON, _ANY_ZONE = "0 0 * * *", "UTC"
BOUNDS: Mapping[str, tuple[float, float]] = {
    "restarts": (1, 100),
    "restarts_minutes": (1, 60),
    "down_s": (10, 3600),
    "cpu_percent": (1, 100),
    "cpu_minutes": (1, 60),
    "memory_percent": (1, 100),
    "response_s": (0.1, 10),
    "certificate_days": (1, 90),
    "disk_percent": (1, 100),
    "backup_hours": (1, 720),
    "clear_s": (0, 3600),
    "unheard_hours": (1, 168),
    "forgotten_hours": (1, 720),
}
"""From what to what each threshold may be set, both allowed."""


def read_watch(top: Table, services: Mapping[str, Named], places: Places) -> WatchPolicy:
    """Read what is watched, when that is worth an alert, and when a digest is sent."""
    watch = top.table("watch")
    alerts = top.table("alerts")
    policy = WatchPolicy(
        targets=read_targets(services, top.table("dependencies"), places),
        thresholds=_thresholds(alerts),
        channels=AlertChannels(**{key: alerts.text(key, channel_id) for key in ("critical", "warning", "info")}),
        digests=tuple(_digest(name, table, places) for name, table in top.table("digests").tables()),
        history_days=int(watch.number("history_days", _POLICY.history_days, low=1, high=400, whole=True)),
        every_s=float(watch.number("every_s", _POLICY.every_s, low=5, high=300, whole=True)),
    )
    alerts.close()
    watch.close()
    return policy


def _thresholds(table: Table) -> Thresholds:
    """Read each threshold by the name that it has in the code; a whole one stays whole."""
    default = Thresholds()
    found: dict[str, float] = {}
    for key, (low, high) in BOUNDS.items():
        usual = getattr(default, key)
        found[key] = table.number(key, usual, low=low, high=high, whole=isinstance(usual, int))
    return Thresholds(**found)  # type: ignore[arg-type]  # whole where the field is: `whole` saw to it


def _digest(name: str, table: Table, places: Places) -> DigestPlan:
    if wrong := label(name):
        table.fault(wrong)
    plan = DigestPlan(
        schedule=Schedule(
            name=name,
            cron=table.text("cron", _cron, required=True),
            time_zone=table.text("time_zone", _zone) or _SCHEDULE.time_zone,
            catch_up=CatchUp(
                table.text("catch_up", partial(one_of, what="way to catch up", known=tuple(CatchUp)))
                or _SCHEDULE.catch_up
            ),
            late_after_s=table.number("late_after_s", _SCHEDULE.late_after_s, low=10, high=86_400),
        ),
        channels=table.texts("channels", channel_id, required=True),
        scopes=_scopes(table, places),
    )
    table.close()
    return plan


def _scopes(table: Table, places: Places) -> tuple[Scope, ...]:
    """Return the places of a digest: those that fit both lists; a list that is left out fits every place."""
    every = places.all()
    names = {scope.namespace for scope in every if scope.namespace}
    clusters = table.texts(
        "clusters", partial(one_of, what="cluster", known=places.namespaces), required=table.has("clusters")
    )
    namespaces = table.texts(
        "namespaces", partial(one_of, what="namespace", known=names), required=table.has("namespaces")
    )
    fit = tuple(
        scope
        for scope in every
        if (not clusters or scope.cluster in clusters) and (not namespaces or scope.namespace in namespaces)
    )
    if not fit:
        table.fault("namespaces: none of them is in one of the clusters", "namespaces")
    return fit


def _cron(value: str) -> str:
    return problem_of(value, _ANY_ZONE).rstrip(".")


def _zone(value: str) -> str:
    return problem_of(_ANY_CRON, value).rstrip(".")
