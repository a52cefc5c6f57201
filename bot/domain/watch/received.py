"""What Alertmanager told us: one alert of a webhook, as it stands there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.text import Redacted


class ReceivedStatus(StrEnum):
    """As Alertmanager says it."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAlert:
    """One alert of a webhook. `fingerprint` is Alertmanager's own: the same as long as the labels are the same.

    Labels and annotations come ordered by name. Names are plain (letters, digits, `_`, `.`, `:`, `/`, `-`); values are
    redacted and cut. `ends_at` only where it is resolved. `link` (of the rule in Prometheus) is text, never a link
    with a name of its own; empty where it is none. `group` is the group of Alertmanager that it came in.
    """

    status: ReceivedStatus
    fingerprint: str
    labels: tuple[tuple[str, Redacted], ...]
    annotations: tuple[tuple[str, Redacted], ...]
    starts_at: datetime | None
    ends_at: datetime | None
    link: str = ""
    group: str = ""

    def label(self, name: str) -> str:
        """Return a label's value; empty where it has none."""
        return next((value for key, value in self.labels if key == name), "")

    def annotation(self, name: str) -> str:
        """Return an annotation's value; empty where it has none."""
        return next((value for key, value in self.annotations if key == name), "")
