"""What a control writes into our own store, in the transaction that ends its request: a closed union of effects."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.watch.episodes import Silence
from bot.domain.watch.schedules import Pause


@dataclass(frozen=True, slots=True)
class PauseSchedule:
    """From now on nothing of a schedule is sent, until its pause ends; due moments meanwhile count as skipped."""

    pause: Pause


@dataclass(frozen=True, slots=True)
class ResumeSchedule:
    """End a schedule's pause; what was due meanwhile is not made up for."""

    name: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody looks at an episode; the first one who says so stands on its message."""

    episode_id: str
    by: str


@dataclass(frozen=True, slots=True)
class AddSilence:
    """No messages about something for a while."""

    silence: Silence


@dataclass(frozen=True, slots=True)
class EndSilence:
    """End a silence now."""

    silence_id: str


Keep = PauseSchedule | ResumeSchedule | Acknowledge | AddSilence | EndSilence
