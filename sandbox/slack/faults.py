"""What can be made to go wrong, rule by rule, each for so many calls of so many methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random


class Kind(StrEnum):
    """The faults of the Web API, of response_url and of Socket Mode."""

    LATENCY = "latency"  # answer late, by ``seconds``
    SERVER_ERROR = "server_error"  # HTTP ``status``, no effect
    RATELIMITED = "ratelimited"  # HTTP 429 with Retry-After ``seconds``, no effect
    RESET_BEFORE = "reset_before"  # connection reset, no effect
    RESET_AFTER = "reset_after"  # connection reset after the effect
    HANG = "hang"  # no effect, no answer for ``seconds``
    REPLY_LOST = "reply_lost"  # the effect, then no answer for ``seconds``
    SLOW_DRIP = "slow_drip"  # the answer byte by byte over ``seconds``
    ERROR = "error"  # ``ok: false`` with ``error``
    DUPLICATE = "duplicate"  # a delivery comes twice
    CLOCK_SKEW = "clock_skew"  # signed HTTP: the timestamp is off by ``seconds``
    REORDER = "reorder"  # a delivery waits ``seconds``, others overtake it
    ECHO = "echo"  # a delivery comes again ``seconds`` after its ack


@dataclass(slots=True)
class Fault:
    """One rule; ``method`` may hold wildcards, ``times=None`` means until it is cleared.

    It hits the given ``share`` of the calls, at random.
    """

    kind: Kind
    method: str = "*"
    times: int | None = 1
    seconds: float = 1.0
    status: int = 503
    error: str = "internal_error"
    skip: int = 0
    share: float = 1.0


@dataclass(slots=True)
class Faults:
    """The rules in force, and the chance that decides about those which hit a share of the calls only."""

    rules: list[Fault] = field(default_factory=list)
    chance: Random = field(default_factory=lambda: Random(1))

    def add(self, fault: Fault) -> None:
        """Put one rule in force."""
        self.rules.append(fault)

    def clear(self) -> None:
        """Let everything work again."""
        self.rules.clear()

    def take(self, method: str, *kinds: Kind) -> Fault | None:
        """Return the first rule that hits this call, counted down."""
        for fault in self.rules:
            if fault.kind not in kinds or not fnmatchcase(method, fault.method):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.share < 1 and self.chance.random() >= fault.share:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.rules.remove(fault)
            return fault
        return None
