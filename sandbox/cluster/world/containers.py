"""One container on a node: its instances, and the stages between them. A state machine without a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal

from sandbox.cluster.store import Json
from sandbox.cluster.world import backoff
from sandbox.cluster.world.behaviours import Behaviour, Ending
from sandbox.cluster.world.clock import stamp
from sandbox.cluster.world.probes import Prober

Role = Literal["init", "sidecar", "regular"]
NEVER = float("inf")


class Stage(Enum):
    """What the kubelet is doing with the container."""

    PENDING = auto()  # not begun: the pod initializes, or the node is just creating it
    PULLING = auto()
    PULL_FAILED = auto()  # shows ErrImagePull
    PULL_BACKOFF = auto()  # shows ImagePullBackOff
    CONFIG_ERROR = auto()
    STARTING = auto()
    START_FAILED = auto()  # shows RunContainerError
    RUNNING = auto()
    STOPPING = auto()  # still running, SIGTERM was sent after a failed probe
    ENDED = auto()  # shows terminated, and will be restarted
    BACKOFF = auto()  # shows CrashLoopBackOff
    DONE = auto()  # shows terminated, for good


@dataclass(slots=True)
class Run:
    """One instance of a container: what its log and its state are about."""

    container_id: str
    started: float
    behaviour: Behaviour
    origin: float  # when the behaviour began; later than the start if it was changed while it ran
    memory_limit: int | None
    fate: Ending | None = None
    finished: float | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    failed_to_start: bool = False

    def fated_at(self) -> float:
        """Return when it will end by itself."""
        return NEVER if self.fate is None else self.origin + self.fate.after

    def finish(self, at: float, exit_code: int, reason: str) -> None:
        """Let it end."""
        self.finished, self.exit_code, self.reason = at, exit_code, reason

    def terminated(self) -> Json:
        """Return the state ``terminated`` of the API."""
        finished = self.finished if self.finished is not None else self.started
        state: Json = {"exitCode": self.exit_code, "reason": self.reason}
        if self.message:
            state["message"] = self.message
        state["startedAt"] = "1970-01-01T00:00:00Z" if self.failed_to_start else stamp(self.started)
        state["finishedAt"] = stamp(finished)
        state["containerID"] = self.container_id
        return state


@dataclass(slots=True)
class Container:
    """The kubelet's memory of one container of a pod."""

    name: str
    role: Role
    spec: Json
    stage: Stage = Stage.PENDING
    due: float = NEVER
    current: Run | None = None
    previous: Run | None = None
    restarts: int = 0
    crashes: int = 0  # in a row, short runs only
    pull_failures: int = 0
    image_id: str = ""
    message: str = ""
    told: float = NEVER  # when the back-off is told again by an event
    ready: bool = False
    started: bool = False
    probers: list[Prober] = field(default_factory=list)

    @property
    def field_path(self) -> str:
        """The part of the pod that events about this container name."""
        return f"spec.{'containers' if self.role == 'regular' else 'initContainers'}{{{self.name}}}"

    @property
    def running(self) -> bool:
        """Whether a process exists."""
        return self.stage in {Stage.RUNNING, Stage.STOPPING}

    @property
    def wakes_at(self) -> float:
        """When something is to be done next."""
        probes = [prober.due for prober in self.probers] if self.stage is Stage.RUNNING else []
        return min([self.due, self.told, *probes])

    def begin(self, run: Run) -> None:
        """Start an instance; the one before stays as the previous one, older ones are lost."""
        if self.current is not None:
            self.restarts += 1
            self.previous = self.current
        self.current, self.stage, self.due, self.told = run, Stage.RUNNING, run.fated_at(), NEVER
        self.message = ""
        self.probers = []

    def end(self, now: float, exit_code: int, reason: str, *, restart: bool) -> None:
        """Let the running instance end, and count it for the back-off."""
        if self.current is None:
            return
        self.current.finish(now, exit_code, reason)
        self.ready = self.started = False
        self.probers = []
        if not restart:
            self.stage, self.due = Stage.DONE, NEVER
            return
        long_run = now - self.current.started > backoff.RESET_AFTER_SECONDS
        self.crashes = 1 if long_run else self.crashes + 1
        self.stage = Stage.ENDED

    def waiting(self, *, initializing: bool) -> Json:
        """Return the state ``waiting`` of the API for the stages that show it."""
        reasons = {
            Stage.PULL_FAILED: "ErrImagePull",
            Stage.PULL_BACKOFF: "ImagePullBackOff",
            Stage.CONFIG_ERROR: "CreateContainerConfigError",
            Stage.START_FAILED: "RunContainerError",
            Stage.BACKOFF: "CrashLoopBackOff",
        }
        if self.pull_failures:
            reasons[Stage.PULLING] = "ImagePullBackOff"  # shown until the next answer of the registry
        creating = "PodInitializing" if initializing else "ContainerCreating"
        state: Json = {"reason": reasons.get(self.stage, creating)}
        if self.message and self.stage in reasons:
            state["message"] = self.message
        return state

    def state(self, *, initializing: bool) -> Json:
        """Return the field ``state`` of the container's status."""
        if self.running and self.current is not None:
            return {"running": {"startedAt": stamp(self.current.started)}}
        if self.stage in {Stage.ENDED, Stage.DONE} and self.current is not None:
            return {"terminated": self.current.terminated()}
        return {"waiting": self.waiting(initializing=initializing)}

    def last_state(self) -> Json:
        """Return the field ``lastState`` of the container's status."""
        shows_current = self.running or self.stage in {Stage.ENDED, Stage.DONE, Stage.START_FAILED}
        shown = self.previous if shows_current else self.current
        return {"terminated": shown.terminated()} if shown is not None and shown.finished is not None else {}
