"""The kubelet's probes of one container: when they run, what they conclude, and the words of their events."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sandbox.cluster.store import Json
from sandbox.cluster.world.behaviours import Answer, Behaviour, ProbeKind

FIELDS: tuple[tuple[ProbeKind, str], ...] = (
    ("startup", "startupProbe"),
    ("liveness", "livenessProbe"),
    ("readiness", "readinessProbe"),
)


@dataclass(slots=True)
class Prober:
    """One probe of a running container. Probes whose answer cannot change are not run again."""

    kind: ProbeKind
    spec: Json
    first: float
    due: float = field(init=False)
    successes: int = 0
    failures: int = 0
    passed: bool | None = None

    def __post_init__(self) -> None:
        self.first += float(self.spec.get("initialDelaySeconds", 0))
        self.due = self.first

    def observe(self, behaviour: Behaviour, origin: float, now: float) -> Answer:
        """Run the probe that is due and plan the next one."""
        age = now - origin
        answer = behaviour.answer(self.kind, age)
        if answer.ok:
            self.successes, self.failures = self.successes + 1, 0
            if self.successes >= self.spec.get("successThreshold", 1):
                self.passed = True
        else:
            self.successes, self.failures = 0, self.failures + 1
            if self.failures >= self.spec.get("failureThreshold", 3):
                self.passed = False
        settled = answer.ok and self.passed is True
        change = origin + behaviour.next_change(self.kind, age) if settled else now
        self.due = self._tick_after(now, change)
        return answer

    def reconsider(self, now: float) -> None:
        """Run again at the next tick: the behaviour has changed."""
        self.due = self._tick_after(now, now)

    def _tick_after(self, now: float, at: float) -> float:
        if math.isinf(at):
            return at
        period = float(self.spec.get("periodSeconds", 10))
        ticks = max(math.floor((now - self.first) / period) + 1, math.ceil((at - self.first) / period))
        return self.first + ticks * period


def failure_message(kind: ProbeKind, spec: Json, answer: Answer, address: str) -> str:
    """Return the message of an Unhealthy event."""
    title = f"{kind.capitalize()} probe failed: "
    if "exec" in spec:
        return title + (answer.failure if answer.failure not in {"refused", "timeout"} else "")
    get = spec.get("httpGet")
    port = (get or spec.get("tcpSocket") or spec.get("grpc") or {}).get("port", 0)
    if not answer.failure:
        return f"{title}HTTP probe failed with statuscode: {answer.status}"
    reasons = {"refused": f"dial tcp {address}:{port}: connect: connection refused"}
    if get is None:
        reasons["timeout"] = f"dial tcp {address}:{port}: i/o timeout"
        return title + reasons.get(answer.failure, answer.failure)
    reasons["timeout"] = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    url = f"{get.get('scheme', 'HTTP').lower()}://{address}:{port}{get.get('path', '/')}"
    return f'{title}Get "{url}": {reasons.get(answer.failure, answer.failure)}'
