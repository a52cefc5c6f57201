"""Faults of the API server, switched on from Python or over HTTP: slowness, refusals, silence, broken connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sandbox.cluster.store import Json

_WHOLE_NUMBERS = ("count", "status", "retry_after")


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"  # the answer comes ``seconds`` later
    STATUS = "status"  # the answer is ``status`` with a Status body, ``retry_after`` as a header
    SILENCE = "silence"  # a watch stays open and nothing comes, not even bookmarks or its end
    DROP_BEFORE = "drop-before"  # the connection breaks before any header
    DROP_WITHIN = (
        "drop-within"  # it breaks in the middle of the body; a stream after ``seconds``, else in its first line
    )
    UNREACHABLE = "unreachable"  # connections are refused, for ``seconds`` or until cleared


_OF_ANSWERS = (FaultKind.LATENCY, FaultKind.STATUS, FaultKind.DROP_BEFORE)


class FaultError(ValueError):
    """The description of a fault is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and the requests it befalls (``*`` stands for any); ``count`` is how many of them, None for all.

    With ``after`` a request is carried out first, and only its answer is late, broken off or another status; streams
    are left alone.
    """

    kind: FaultKind
    verb: str = "*"
    resource: str = "*"
    namespace: str = "*"
    count: int | None = None
    seconds: float = 0.0
    status: int = 503
    retry_after: int | None = None
    message: str = ""
    after: bool = False

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if self.after and self.kind not in _OF_ANSWERS:
            raise FaultError(f"after is for {', '.join(_OF_ANSWERS)}")
        if self.kind is FaultKind.STATUS and not 400 <= self.status <= 599:
            raise FaultError(f"status {self.status} is no error")
        if self.count is not None and (self.count < 1 or self.kind is FaultKind.UNREACHABLE):
            raise FaultError("count must be at least 1, and counts no refused connections")
        if self.seconds < 0 or (self.kind is FaultKind.LATENCY and not self.seconds):
            raise FaultError("seconds must be positive")

    def befalls(self, verb: str, resource: str, namespace: str) -> bool:
        """Tell whether a request is one of those that are meant."""
        wanted, asked = (self.verb, self.resource, self.namespace), (verb, resource, namespace)
        return all(rule in {"*", value} for rule, value in zip(wanted, asked, strict=True))


def parse_fault(body: Any) -> Fault:
    """Read a fault from JSON; the keys are the fields of ``Fault``. Raises FaultError."""
    if not isinstance(body, dict):
        raise FaultError("a fault is an object")
    known = {field.name for field in fields(Fault)}
    if unknown := sorted(body.keys() - known):
        raise FaultError(f"unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    try:
        kind = FaultKind(str(body.get("kind")))
    except ValueError:
        raise FaultError(f"kind is one of {', '.join(FaultKind)}") from None
    for name in ("verb", "resource", "namespace", "message"):
        if not isinstance(body.get(name, ""), str):
            raise FaultError(f"{name} must be text")
    for name in _WHOLE_NUMBERS:
        if not _is_whole(body.get(name, 1)) and not (body[name] is None and name != "status"):
            raise FaultError(f"{name} must be a whole number")
    if not isinstance(body.get("after", False), bool):
        raise FaultError("after must be true or false")
    seconds = body.get("seconds", 0.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise FaultError("seconds must be a number")
    return Fault(**{**body, "kind": kind, "seconds": float(seconds)})


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(eq=False, slots=True)
class _Active:
    fault: Fault
    left: int | None


class Faults:
    """The faults in force, first come first served; each request takes those that befall it."""

    def __init__(self) -> None:
        self._active: list[_Active] = []
        self._listeners: list[Callable[[], None]] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        self._active.append(_Active(fault, fault.count))
        self._notify()

    def clear(self) -> None:
        """Switch all faults off; connections that are silent already stay so."""
        self._active.clear()
        self._notify()

    def remove(self, fault: Fault) -> None:
        """Switch one fault off, if it is on."""
        self._active = [active for active in self._active if active.fault is not fault]
        self._notify()

    def take(self, kind: FaultKind, verb: str, resource: str, namespace: str, *, after: bool = False) -> Fault | None:
        """Return the first fault of a kind that befalls a request, before or after its effect, and count it."""
        for active in self._active:
            fault = active.fault
            if fault.kind is kind and fault.after is after and fault.befalls(verb, resource, namespace):
                if active.left is not None:
                    active.left -= 1
                    if not active.left:
                        self._active.remove(active)
                return active.fault
        return None

    def unreachable(self) -> Fault | None:
        """Return the fault that keeps the door shut, if any."""
        return next((entry.fault for entry in self._active if entry.fault.kind is FaultKind.UNREACHABLE), None)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call a listener after each switch."""
        self._listeners.append(listener)

    def body(self) -> Json:
        """Describe what is in force, with what is left of the counts."""
        listed = []
        for active in self._active:
            described = {field.name: getattr(active.fault, field.name) for field in fields(Fault)}
            listed.append({**described, "kind": active.fault.kind.value, "count": active.left})
        return {"faults": listed}

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
