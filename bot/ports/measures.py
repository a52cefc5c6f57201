"""What operators watch."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """What operators watch. Every method only counts: it neither waits nor fails."""

    def commanded(self, verb: str, result: str, seconds: float) -> None:
        """Count a command that was answered: `ok`, `refused`, `misunderstood`, `failed`, `broken`."""
        ...

    def refused(self, permission: str, why: str) -> None:
        """Count a right that was denied: `no_role`, `standing`, `look_up`."""
        ...

    def acknowledged(self, surface: str, result: str, seconds: float) -> None:
        """Count a delivery that the platform was told of: `new`, `repeat`, `not_accepted`, `unhandled`, `invalid`."""
        ...

    def delivered(self, result: str) -> None:
        """Count a try to deliver a message: `delivered`, `throttled`, `refused`, `unknown`, `failed`, `expired`."""
        ...

    def throttled(self, method: str) -> None:
        """Count a 429 of the platform, by method."""
        ...

    def degraded(self, what: str, *, yes: bool) -> None:
        """Note that something which only costs speed went away or came back (`redis`)."""
        ...

    def change_approved(self, seconds: float) -> None:
        """Count a request for a change that its people approved, so long after it was made."""
        ...

    def change_ended(self, verb: str, result: str, seconds: float | None) -> None:
        """Count a request for a change that ended; of one that was begun, how long after its approval.

        `refused` before it was kept, `denied`, `cancelled`, `superseded`, `expired` without an approval,
        `expired_approved`, `succeeded`, `failed_none` without and `failed_applied` with an effect, `unknown`.
        """
        ...

    def change_decided(self, decision: str, result: str) -> None:
        """Count what a person said to a request: `recorded`, `refused`, or `superseded` by what was seen then."""
        ...

    def change_taken_over(self) -> None:
        """Count a change that another worker had begun."""
        ...

    def unknown_effect(self) -> None:
        """Count an object that was changed by a request which is not known to have been carried out."""
        ...

    def looked(self, result: str, seconds: float) -> None:
        """Count a look of the watcher: `done`, `lost` to another replica, or `failed`."""
        ...

    def probed(self, kind: str, health: str) -> None:
        """Count what a target said when the watcher asked it, by the kind of target."""
        ...

    def episode_told(self, severity: str) -> None:
        """Count an episode that people were told of; what its message says later is not counted."""
        ...

    def episode_resolved(self, severity: str) -> None:
        """Count an episode that fired and is over."""
        ...

    def schedule_ended(self, outcome: str, late_s: float) -> None:
        """Count a due moment that ended, so long after it was due: `sent`, `skipped`, `failed`, `known`."""
        ...

    def webhook_answered(self, result: str) -> None:
        """Count a webhook of Alertmanager: `accepted`, `refused`, `unavailable`, `malformed`."""
        ...


class Unmetered:
    """Counts nothing: for a terminal and for tests that do not look."""

    def commanded(self, verb: str, result: str, seconds: float) -> None: ...

    def refused(self, permission: str, why: str) -> None: ...

    def acknowledged(self, surface: str, result: str, seconds: float) -> None: ...

    def delivered(self, result: str) -> None: ...

    def throttled(self, method: str) -> None: ...

    def degraded(self, what: str, *, yes: bool) -> None: ...

    def change_approved(self, seconds: float) -> None: ...

    def change_ended(self, verb: str, result: str, seconds: float | None) -> None: ...

    def change_decided(self, decision: str, result: str) -> None: ...

    def change_taken_over(self) -> None: ...

    def unknown_effect(self) -> None: ...

    def looked(self, result: str, seconds: float) -> None: ...

    def probed(self, kind: str, health: str) -> None: ...

    def episode_told(self, severity: str) -> None: ...

    def episode_resolved(self, severity: str) -> None: ...

    def schedule_ended(self, outcome: str, late_s: float) -> None: ...

    def webhook_answered(self, result: str) -> None: ...
