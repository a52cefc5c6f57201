"""One asking of one target: what is known of it so far.

Whoever asks writes down what he finds as he goes, so that an asking which is cut off by its time limit still says how
far it came and what was found until then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from bot.domain.findings import Severity
from bot.domain.text import Redacted
from bot.domain.watch.probes import Health, Probed, ProbeTarget, ServedCertificate, Stage, Trouble
from bot.ports import Clock
from bot.probes.words import LONGEST_WORDS, spoken

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Turns a host and a port into addresses, in the order of preference. Raises OSError or UnicodeError."""

Ask = Callable[["Asking"], Awaitable[None]]

_MOST_LINES = 16
_MOST_FACTS = 12
_BADNESS: Final = {Health.OK: 0, Health.SLOW: 1, Health.DEGRADED: 2, Health.UNKNOWN: 3, Health.FAILED: 4}


class Stopped(Exception):
    """Nothing more can be asked. `health` is what that says about the target."""

    def __init__(
        self,
        code: str,
        words: str,
        *,
        advice: str = "",
        severity: Severity = Severity.CRITICAL,
        health: Health = Health.FAILED,
    ) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.advice = advice
        self.severity = severity
        self.health = health


def misconfigured(words: str, advice: str = "") -> Stopped:
    """Return what to raise when the target could not be asked because of how it is described."""
    return Stopped("PROBE_MISCONFIGURED", words, advice=advice, severity=Severity.WARNING, health=Health.UNKNOWN)


@dataclass(slots=True)
class Step:
    """A stage that is under way; `words` are kept with it."""

    words: str = ""


@dataclass(slots=True)
class Asking:
    """What was found so far. `secret` is the credential, empty for none; `secrets` are texts never to be repeated.

    `took_ms` is the target's response time, where that is less than all of the time that was spent.
    """

    target: ProbeTarget
    clock: Clock
    resolve: Resolve
    secret: str = ""
    interval_s: float = 5.0
    secrets: set[str] = field(default_factory=set)
    health: Health = Health.OK
    took_ms: float | None = None
    waiting_at: str = ""
    _began: float = field(default_factory=time.monotonic)
    _stages: list[Stage] = field(default_factory=list)
    _troubles: list[Trouble] = field(default_factory=list)
    _facts: list[tuple[str, str]] = field(default_factory=list)
    _figures: list[tuple[str, float]] = field(default_factory=list)
    _lines: list[Redacted] = field(default_factory=list)
    _certificates: list[ServedCertificate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.secrets.update(filter(None, (self.secret, *self.secret.split(":", 1)[1:])))

    def words(self, text: str, limit: int = LONGEST_WORDS) -> Redacted:
        """Return a text of the target as it may be shown."""
        return spoken(text, secrets=self.secrets, limit=limit)

    @contextmanager
    def stage(self, name: str) -> Iterator[Step]:
        """Time a step of the way; whatever ends it early marks it as failed."""
        step, began, self.waiting_at = Step(), time.monotonic(), name
        try:
            yield step
        except BaseException as error:
            words = str(error) if isinstance(error, Stopped) else step.words or "no answer"
            self.passed(name, began, ok=False, words=words)
            raise
        self.passed(name, began, words=step.words)

    def passed(self, name: str, began: float, *, ok: bool = True, words: str = "") -> None:
        """Note a step that began at `began` (monotonic seconds) and ends now."""
        self.note_stage(name, (time.monotonic() - began) * 1000, ok=ok, words=words)

    def note_stage(self, name: str, took_ms: float | None, *, ok: bool = True, words: str = "") -> None:
        """Note a step that was timed elsewhere."""
        self._stages.append(Stage(name, took_ms, ok, self.words(words)))

    def trouble(
        self,
        code: str,
        severity: Severity,
        words: str,
        *,
        advice: str = "",
        health: Health | None = None,
    ) -> None:
        """Note what is wrong; without a `health` an INFO changes nothing, and anything worse makes it DEGRADED."""
        if health is None:
            health = Health.OK if severity is Severity.INFO else Health.DEGRADED
        found = Trouble(code=code, severity=severity, words=self.words(words), advice=self.words(advice))
        if found not in self._troubles:
            self._troubles.append(found)
        self.health = max(self.health, health, key=_BADNESS.__getitem__)

    def stopped(self, error: Stopped) -> None:
        """Note why nothing more could be asked."""
        self.trouble(error.code, error.severity, error.words, advice=error.advice, health=error.health)

    def fact(self, label: str, value: str) -> None:
        """Note something for people; what is beyond a screen is left out."""
        if len(self._facts) < _MOST_FACTS:
            self._facts.append((self.words(label, 80), self.words(value, 160)))

    def figure(self, name: str, value: float) -> None:
        """Note a number for programs."""
        self._figures.append((name, float(value)))

    def line(self, text: str) -> None:
        """Keep words of the target as evidence; what is beyond a screen is left out."""
        if len(self._lines) < _MOST_LINES:
            self._lines.append(self.words(text))

    def certificate(self, served: ServedCertificate) -> None:
        """Keep a certificate that was served."""
        self._certificates.append(served)

    def arrived(self) -> None:
        """Note that all that people wait for is done: the response time ends here, unless it did before."""
        if self.took_ms is None:
            self.took_ms = (time.monotonic() - self._began) * 1000
        took_s, limit_s = self.took_ms / 1000, self.target.slow_s
        if took_s > limit_s > 0:
            self.trouble(
                "PROBE_SLOW",
                Severity.WARNING,
                f"The answer took {took_s:.1f} s; more than {limit_s:g} s is slow.",
                health=Health.SLOW,
            )

    def probed(self) -> Probed:
        """Return all of it."""
        spent_ms = (time.monotonic() - self._began) * 1000
        return Probed(
            target=self.target,
            at=self.clock.now(),
            health=self.health,
            took_ms=spent_ms if self.took_ms is None else self.took_ms,
            stages=tuple(self._stages),
            troubles=tuple(sorted(self._troubles, key=lambda each: -each.severity)),
            facts=tuple(self._facts),
            figures=tuple(self._figures),
            lines=tuple(self._lines),
            certificates=tuple(self._certificates),
        )


def bounded(ask: Ask) -> Ask:
    """Bound all of an asking by the target's own time; then its end is its response time."""

    async def within(asking: Asking) -> None:
        async with asyncio.timeout(asking.target.timeout_s):
            await ask(asking)
        asking.arrived()

    return within
