"""Events, with what they lose: a rate limit for each object, and an hour of life."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.store import Json
from sandbox.cluster.world.clock import fine_stamp, stamp
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery

BURST = 25
REFILL_SECONDS = 300.0
TIME_TO_LIVE = 3600.0
_SERIES_GAP = 360.0  # a scheduler event not repeated for six minutes starts a new series


@dataclass(slots=True)
class Bucket:
    """Allow a burst of events of one source about one object, then one in five minutes (client-go's spam filter)."""

    tokens: float
    at: float

    def take(self, now: float) -> bool:
        """Spend a token if there is one."""
        self.tokens = min(BURST, self.tokens + (now - self.at) / REFILL_SECONDS)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class _Known:
    name: str
    count: int
    first: str
    last: float


class EventRecorder:
    """Write events as the kubelet, the controllers and the scheduler do."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._known: dict[tuple[str, ...], _Known] = {}
        self._last: dict[tuple[str, str], float] = {}
        self._written = 0

    def record(
        self,
        about: Json,
        reason: str,
        message: str,
        *,
        component: str,
        warning: bool = False,
        host: str = "",
        field_path: str = "",
    ) -> None:
        """Record an event in the old style: equal ones share an object with a count; the rate limit may drop it."""
        now, uid = self._machinery.now, about["uid"]
        kind = "Warning" if warning else "Normal"
        identity = (component, host, uid, field_path, kind, reason, message)
        known = self._known.setdefault(identity, _Known("", 0, stamp(now), now))
        known.count += 1  # counted even when the limit keeps it from being written: counts jump
        if not self._buckets.setdefault((component, host, uid), Bucket(BURST, now)).take(now):
            return
        source = {"component": component} | ({"host": host} if host else {})
        namespace = about.get("namespace", "default")
        known.last = now
        previous = self._machinery.peek("events", namespace, known.name) if known.name else None
        if previous is not None:
            self._machinery.update("events", {**previous, "count": known.count, "lastTimestamp": stamp(now)})
        else:
            known.name = self._name(about)
            self._machinery.create(
                "events",
                {
                    "metadata": {"name": known.name, "namespace": namespace},
                    "involvedObject": about | ({"fieldPath": field_path} if field_path else {}),
                    "reason": reason,
                    "message": message,
                    "source": source,
                    "firstTimestamp": known.first,
                    "lastTimestamp": stamp(now),
                    "count": known.count,
                    "type": kind,
                    "eventTime": None,
                    "reportingComponent": component,
                    "reportingInstance": host,
                },
            )
        self._keep(namespace, known.name)

    def schedule(self, about: Json, reason: str, message: str, *, action: str, warning: bool = False) -> None:
        """Record an event in the scheduler's style: exact time, a series when repeated, no count, null timestamps."""
        now, namespace = self._machinery.now, about["namespace"]
        known = self._known.setdefault(("scheduler", about["uid"], reason, message), _Known("", 0, "", now))
        previous = self._machinery.peek("events", namespace, known.name) if known.name else None
        if previous is not None and now - known.last <= _SERIES_GAP:
            known.count += 1
            series = {"count": known.count, "lastObservedTime": fine_stamp(now)}
            self._machinery.update("events", {**previous, "series": series})
        else:
            known.name, known.count = self._name(about), 1
            self._machinery.create(
                "events",
                {
                    "metadata": {"name": known.name, "namespace": namespace},
                    "involvedObject": about,
                    "reason": reason,
                    "message": message,
                    "source": {},
                    "firstTimestamp": None,
                    "lastTimestamp": None,
                    "type": "Warning" if warning else "Normal",
                    "eventTime": fine_stamp(now),
                    "action": action,
                    "reportingComponent": "default-scheduler",
                    "reportingInstance": "default-scheduler-control-plane",
                },
            )
        known.last = now
        self._keep(namespace, known.name)

    def expire(self, key: Key) -> None:
        """Remove an event that was not updated for an hour."""
        last = self._last.get((key.namespace, key.name))
        event = self._machinery.peek(*key)
        if event is None or last is None:
            return
        if self._machinery.now >= last + TIME_TO_LIVE:
            self._machinery.delete("events", event)
            del self._last[key.namespace, key.name]
        else:
            self._machinery.wake(key, last + TIME_TO_LIVE)

    def _keep(self, namespace: str, name: str) -> None:
        self._last[namespace, name] = self._machinery.now
        self._machinery.wake(Key("events", namespace, name), self._machinery.now + TIME_TO_LIVE)

    def _name(self, about: Json) -> str:
        self._written += 1
        return f"{about['name']}.{int(self._machinery.now * 1e6) * 1000 + self._written % 1000:x}"


def reference(obj: Json, api_version: str, kind: str) -> Json:
    """Return the ``involvedObject`` of an event about an object."""
    metadata = obj["metadata"]
    about = {
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": api_version,
        "resourceVersion": metadata.get("resourceVersion", ""),
    }
    return about | ({"namespace": metadata["namespace"]} if "namespace" in metadata else {})
