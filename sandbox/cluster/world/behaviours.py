"""What a container of an image does: how long it runs, how it ends, what it answers to probes, what it uses and logs.

Behaviours are values. A world looks one up for each container that it starts (``Behaviour.for_container``), and asks
it about an age in seconds; it never steps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.cluster.store import Json
from sandbox.cluster.world.quantities import MEBI

ProbeKind = Literal["startup", "liveness", "readiness"]
PullFailure = Literal["not_found", "unauthorized", "rate_limit", "token_refused", "dns", "refused", "tls"]
FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe gets: an HTTP status, or the text of a failure (``refused`` and ``timeout`` are spelled out)."""

    status: int = 200
    failure: str = ""

    @property
    def ok(self) -> bool:
        """Whether the probe takes it as success."""
        return not self.failure and 200 <= self.status < 400


OK = Answer()
REFUSED = Answer(failure="refused")
TIMEOUT = Answer(failure="timeout")


@dataclass(frozen=True, slots=True)
class Ending:
    """How and when a container ends by itself."""

    after: float
    exit_code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Run quietly for ever. ``voice`` names the log (see ``logs.VOICES``); memory is in MiB, CPU in millicores."""

    voice: str = "plain"
    opening: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    memory: float = 64.0
    cpu: float = 5.0
    start_delay: float = 0.5
    stop_seconds: float = 1.0
    stop_exit_code: int = 0

    def for_container(self, container: Json) -> Behaviour:
        """Return what a container of this spec does; the spec may matter."""
        del container
        return self

    def ending(self, memory_limit: int | None) -> Ending | None:
        """Tell how it ends by itself, under a memory limit in bytes."""
        del memory_limit
        return None

    def answer(self, probe: ProbeKind, age: float) -> Answer:
        """Return what a probe gets at an age."""
        del probe
        return OK if age >= self.start_delay else REFUSED

    def next_change(self, probe: ProbeKind, age: float) -> float:
        """Return the age, later than this one, at which the answer to a probe changes; infinite if it never does."""
        del probe
        return self.start_delay if age < self.start_delay else FOREVER

    def memory_at(self, age: float) -> float:
        """Return the memory in use, in bytes."""
        warm = min(1.0, 0.6 + 0.4 * age / 60.0)
        return self.memory * MEBI * warm

    @property
    def start_failure(self) -> str | None:
        """The runtime's message when the container cannot even be started."""
        return None

    @property
    def pull_failure(self) -> PullFailure | None:
        """How the pull of its image fails."""
        return None


@dataclass(frozen=True, slots=True)
class Serves(Behaviour):
    """Answer probes once started, and run for ever."""


@dataclass(frozen=True, slots=True)
class Exits(Behaviour):
    """End by itself with an exit code: 0 is a task that is done, anything else a crash."""

    exit_code: int = 0
    after: float = 2.0

    def ending(self, memory_limit: int | None) -> Ending | None:
        """Tell how it ends."""
        del memory_limit
        return Ending(self.after, self.exit_code, "Completed" if self.exit_code == 0 else "Error")


@dataclass(frozen=True, slots=True)
class Crashes(Exits):
    """End with an error soon after the start; ``closing`` holds its last lines."""

    exit_code: int = 1
    after: float = 1.2


@dataclass(frozen=True, slots=True)
class OutOfMemory(Behaviour):
    """Grow from a size until the kernel ends it at its limit; below ``ceiling`` (all in MiB) it would stop growing."""

    start: float = 180.0
    slope: float = 8.0
    ceiling: float = FOREVER

    def ending(self, memory_limit: int | None) -> Ending | None:
        """Tell when it reaches the limit."""
        if memory_limit is None or self.ceiling * MEBI <= memory_limit:
            return None
        after = max(0.1, (memory_limit / MEBI - self.start) / self.slope)
        return Ending(after, 137, "OOMKilled")

    def memory_at(self, age: float) -> float:
        """Return the memory in use, in bytes."""
        return min(self.ceiling, self.start + self.slope * age) * MEBI


@dataclass(frozen=True, slots=True)
class CannotStart(Behaviour):
    """Name a command that the image does not have: the runtime refuses to start it."""

    command: str = "/app/serve"

    @property
    def start_failure(self) -> str | None:
        """The runtime's message."""
        return (
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create"
            f' failed: unable to start container process: exec: "{self.command}": stat {self.command}: no such file or'
            " directory: unknown"
        )


@dataclass(frozen=True, slots=True)
class FailsProbe(Behaviour):
    """Run, but fail a kind of probe from an age on."""

    probe: ProbeKind = "readiness"
    result: Answer = Answer(status=503)
    healthy_for: float = 0.0
    stop_exit_code: int = 2

    def answer(self, probe: ProbeKind, age: float) -> Answer:
        """Return the failure to the one kind of probe, else what a serving container answers."""
        if age < self.start_delay:
            return REFUSED
        return self.result if probe == self.probe and age >= self.healthy_for else OK

    def next_change(self, probe: ProbeKind, age: float) -> float:
        """Return the age of the next change."""
        changes = [self.start_delay, *([self.healthy_for] if probe == self.probe else [])]
        return min((change for change in changes if change > age), default=FOREVER)


def never_ready(answer: Answer = Answer(status=503), *, voice: str = "plain") -> FailsProbe:
    """Return the behaviour of a container whose readiness probe never succeeds."""
    return FailsProbe(voice=voice, probe="readiness", result=answer)


@dataclass(frozen=True, slots=True)
class PullFails(Behaviour):
    """Have an image that cannot be pulled."""

    failure: PullFailure = "not_found"

    @property
    def pull_failure(self) -> PullFailure | None:
        """How the pull fails."""
        return self.failure


@dataclass(frozen=True, slots=True)
class Requires(Behaviour):
    """Do one thing when the container's spec sets an environment variable, and another when it does not."""

    variable: str = ""
    present: Behaviour = Behaviour()
    absent: Behaviour = Behaviour()

    def for_container(self, container: Json) -> Behaviour:
        """Choose by the container's environment."""
        names = {entry["name"] for entry in container.get("env") or ()}
        chosen = self.present if self.variable in names else self.absent
        return chosen.for_container(container)
