"""Alerts of Alertmanager become signals, and join the same episodes as our own: one cause is one message.

They are on record when `receive` returns; when it raises, nothing of a scope that was not committed is, and what was is
the same when it comes again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.catalogue import Catalogue
from bot.domain.findings import Severity
from bot.domain.targets import ObjectRef, Scope
from bot.domain.watch.episodes import Signal
from bot.domain.watch.received import ReceivedAlert, ReceivedStatus
from bot.domain.watch.transitions import hear
from bot.errors import UsageError
from bot.scopes import Scopes
from bot.watching.counting import count_over
from bot.watching.measuring import LONGEST_TITLE, title, words
from bot.watching.of_nodes import CAUSE, OBJECTS, may_name_node, nodes_named
from bot.watching.room import WatchRoom

SOURCE = "alertmanager"
_SEVERITIES = {
    **dict.fromkeys(("critical", "page", "error", "fatal", "emergency", "disaster", "high"), Severity.CRITICAL),
    **dict.fromkeys(("info", "information", "informational", "low", "debug"), Severity.INFO),
}
# By this severity kube-prometheus marks alerts that are there for Alertmanager alone (Watchdog, InfoInhibitor).
_NO_ALERT = "none"
_NAMES = {"job_name": "job"}
# The alphabet of names that Kubernetes makes up.
_MADE_UP = "[bcdfghjklmnpqrstvwxz2456789]"
_OF_DEPLOYMENT = re.compile(rf"(?P<name>.+)-{_MADE_UP}{{6,10}}-{_MADE_UP}{{5}}")
_OF_STATEFUL_SET = re.compile(r"(?P<name>.+)-[0-9]{1,4}")
_OF_DAEMON_SET = re.compile(rf"(?P<name>.+)-{_MADE_UP}{{5}}")
_LONGEST_CAUSE = 300
_LONGEST_RULE = 100


@dataclass(slots=True)
class _Told:
    """What a webhook says of one scope: what fires, and the keys of what is over. The last word on a key counts."""

    firing: dict[str, Signal] = field(default_factory=dict)
    over: dict[str, None] = field(default_factory=dict)


class Intake:
    """Takes alerts for one replica."""

    def __init__(self, room: WatchRoom) -> None:
        self._room = room

    async def receive(self, alerts: Sequence[ReceivedAlert]) -> None:
        """Put alerts on record, one transaction for each scope. Raises `StoreUnavailable`."""
        alerts = [alert for alert in alerts if alert.label("severity").lower() != _NO_ALERT]
        told = self._by_scope(alerts, await nodes_named(self._room, self._to_be_placed(alerts)))
        for scope in sorted(told, key=lambda each: (each.cluster, each.namespace)):
            await self._keep(scope, told[scope])

    def _to_be_placed(self, alerts: Iterable[ReceivedAlert]) -> Mapping[str, tuple[Scope, ReceivedAlert]]:
        """Return what fires and may be about a node, by key, with the place that it has otherwise."""
        scopes = self._room.scopes
        return {
            key_of(alert): (scope_of(alert, scopes), alert)
            for alert in alerts
            if alert.status is ReceivedStatus.FIRING and _may_be_of_cluster(alert, scopes)
        }

    def _by_scope(self, alerts: Iterable[ReceivedAlert], nodes: Mapping[str, str]) -> Mapping[Scope, _Told]:
        """Return what is said of each scope; `nodes` are those that alerts are about, by key."""
        told: dict[Scope, _Told] = defaultdict(_Told)
        for alert in alerts:
            key, scope = key_of(alert), scope_of(alert, self._room.scopes)
            places = (scope, scope.whole) if _may_be_of_cluster(alert, self._room.scopes) else (scope,)
            if alert.status is ReceivedStatus.RESOLVED:
                # It is over wherever it was told of: by now its node may be gone.
                for place in places:
                    told[place].firing.pop(key, None)
                    told[place].over[key] = None
            else:
                place = scope.whole if key in nodes else scope
                told[place].over.pop(key, None)
                told[place].firing[key] = signal_of(alert, self._room.catalogue_at(place), nodes.get(key, ""))
        return told

    async def _keep(self, scope: Scope, said: _Told) -> None:
        room = self._room
        async with room.store.transaction() as transaction:
            known = await transaction.episodes(scope)
            now = await transaction.now()
            firing, channels = tuple(said.firing.values()), room.policy.channels
            changed = hear(known, firing, said.over, now, scope=scope, channels=channels, new_id=room.new_id)
            for episode in changed:
                await transaction.save_episode(episode)
        count_over(room.meter, changed)
        if changed:
            room.changed()


def key_of(alert: ReceivedAlert) -> str:
    """Return what tells an alert from all others: Alertmanager's own fingerprint of its labels."""
    return f"{SOURCE}:{alert.fingerprint}"


def scope_of(alert: ReceivedAlert, scopes: Scopes) -> Scope:
    """Return the configured place of an alert; what is about none of them is told where its cluster's default is."""
    cluster, namespace = alert.label("cluster"), alert.label("namespace")
    try:
        default = scopes.resolve(cluster)
    except UsageError:
        default, namespace = scopes.resolve(), ""
    known = (scope for scope in scopes.all() if (scope.cluster, scope.namespace) == (default.cluster, namespace))
    return next(known, default)


def _may_be_of_cluster(alert: ReceivedAlert, scopes: Scopes) -> bool:
    """Tell whether an alert may be about a node of ours: not one of a cluster that is not configured."""
    return may_name_node(alert) and alert.label("cluster") in ("", *scopes.namespaces)


def signal_of(alert: ReceivedAlert, catalogue: Catalogue, node: str = "") -> Signal:
    """Return an alert as a signal, which fires at once. `catalogue` is that of its scope, `node` what it is about."""
    name = title(alert.label("alertname")) or "alert"
    summary = alert.annotation("summary") or alert.annotation("message")
    cause = _bounded(str(ObjectRef("Node", "", node))) if node else cause_of(alert, catalogue)
    kind, _, of = cause.partition("/")
    service = next((e.alias for e in catalogue.entries.values() if (e.kind.lower(), e.name) == (kind, of)), "")
    return Signal(
        key=key_of(alert),
        rule=name[:_LONGEST_RULE],
        severity=_SEVERITIES.get(alert.label("severity").lower(), Severity.WARNING),
        cause=cause,
        title=title(summary) if summary else f"{name}{_about(alert)}"[:LONGEST_TITLE],
        words=words(alert.annotation("description") if summary else alert.annotation("description") or _labels(alert)),
        hold_s=0.0,
        clear_s=0.0,
        source=SOURCE,
        service=service,
        since=alert.starts_at,
        unsafe_link=alert.link,
    )


def cause_of(alert: ReceivedAlert, catalogue: Catalogue) -> str:
    """Return what an alert is about, as our own rules call it; else its group, so that a group is one message."""
    own = alert.label(CAUSE)
    if own:
        return _bounded(own)
    for label in OBJECTS:
        if name := alert.label(label):
            return _bounded(f"{_NAMES.get(label, label)}/{name}")
    if pod := alert.label("pod"):
        return _bounded(owner_of(pod, catalogue))
    if node := alert.label("node"):
        return _bounded(f"node/{node}")
    for label in ("service", "app", "job"):
        entry = catalogue.entries.get(catalogue.service_of(alert.label(label)))
        if entry is not None:
            return _bounded(f"{entry.kind.lower()}/{entry.name}")
    return _bounded(f"alert/{alert.group or alert.label('alertname') or alert.fingerprint}")


def owner_of(pod: str, catalogue: Catalogue) -> str:
    """Return whose pod it is, by its name: of a service of the catalogue, else by the form of the name."""
    entries = sorted(catalogue.entries.values(), key=lambda entry: -len(entry.name))
    for entry in entries:
        form = {"Deployment": _OF_DEPLOYMENT, "StatefulSet": _OF_STATEFUL_SET}.get(entry.kind, _OF_DAEMON_SET)
        found = form.fullmatch(pod)
        if found is not None and found["name"] == entry.name:
            return f"{entry.kind.lower()}/{entry.name}"
    forms = (("deployment", _OF_DEPLOYMENT), ("statefulset", _OF_STATEFUL_SET), ("daemonset", _OF_DAEMON_SET))
    for kind, form in forms:
        found = form.fullmatch(pod)
        if found is not None:
            return f"{kind}/{found['name']}"
    return f"pod/{pod}"


def _bounded(cause: str) -> str:
    return " ".join(cause.split())[:_LONGEST_CAUSE]


def _about(alert: ReceivedAlert) -> str:
    about = next((alert.label(each) for each in ("pod", "service", "node", "instance") if alert.label(each)), "")
    return f": {about}" if about else ""


def _labels(alert: ReceivedAlert) -> str:
    return " ".join(f"{name}={value}" for name, value in alert.labels if name not in ("alertname", "severity"))
