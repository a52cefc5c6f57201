"""What all printers share: column definitions, ages, joined names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.cluster.store import Json

NONE = "<none>"
UNSET = "<unset>"
UNKNOWN = "<unknown>"


_FORMATS = {"Name": "name", "cpu": "quantity", "memory": "quantity", "Window": "duration"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``wide`` ones are shown only when asked for."""

    name: str
    type: str = "string"
    wide: bool = False

    def body(self) -> Json:
        return {
            "name": self.name,
            "type": self.type,
            "format": _FORMATS.get(self.name, ""),
            "description": f"{self.name} of the object.",
            "priority": 1 if self.wide else 0,
        }


def _no_conditions(_obj: Json) -> list[Json]:
    return []


@dataclass(frozen=True, slots=True)
class Printer:
    """The columns of a kind and how the cells of one object are made."""

    columns: tuple[Column, ...]
    cells: Callable[[Json, datetime], list[object]]
    conditions: Callable[[Json], list[Json]] = _no_conditions


def columns(
    *names: str, wide: Sequence[str] = (), numbers: Sequence[str] = (), flags: Sequence[str] = ()
) -> tuple[Column, ...]:
    """Declare columns in order; those in ``wide`` follow, those in ``numbers`` are integers, in ``flags`` booleans.

    What the server declares is not always what it sends: counts of a Deployment are declared as strings.
    """
    types = {**dict.fromkeys(numbers, "integer"), **dict.fromkeys(flags, "boolean")}
    return tuple(
        Column(name, types.get(name, "string"), wide=is_wide)
        for name, is_wide in [*((name, False) for name in names), *((name, True) for name in wide)]
    )


def parse_time(text: str | None) -> datetime | None:
    """Read a timestamp of the API; None and the zero time are absent."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def since(text: str | None, now: datetime) -> str:
    """Return the time passed since a timestamp, as the printers write it."""
    moment = parse_time(text)
    return UNKNOWN if moment is None else human_duration(now - moment)


def age(obj: Json, now: datetime) -> str:
    """Return the object's age."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def human_duration(duration: timedelta) -> str:
    """Write a duration with at most two units (HumanDuration of k8s.io/apimachinery)."""
    seconds = int(duration.total_seconds())
    if seconds < -1:
        return "<invalid>"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    steps = (
        (seconds < 120, f"{max(seconds, 0)}s"),
        (minutes < 10, _pair(minutes, "m", seconds % 60, "s")),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, _pair(hours, "h", minutes % 60, "m")),
        (hours < 48, f"{hours}h"),
        (days < 8, _pair(days, "d", hours % 24, "h")),
        (days < 730, f"{days}d"),
        (days < 2920, _pair(days // 365, "y", days % 365, "d")),
    )
    return next((text for holds, text in steps if holds), f"{days // 365}y")


def _pair(major: int, major_unit: str, minor: int, minor_unit: str) -> str:
    return f"{major}{major_unit}{minor}{minor_unit}" if minor else f"{major}{major_unit}"


def containers(template: Json) -> tuple[str, str]:
    """Return the names and the images of a pod template's containers."""
    listed = (template.get("spec") or {}).get("containers") or []
    return ",".join(c["name"] for c in listed), ",".join(c.get("image", "") for c in listed)


def labels_text(labels: Json | None) -> str:
    """Write a map of labels as a selector."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE
