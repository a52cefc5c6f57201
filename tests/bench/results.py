"""Figures of the bench: kept, printed as they come, with what they depend on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Results:
    """Figures by name, in the order they were measured."""

    figures: dict[str, object] = field(default_factory=dict)

    def add(self, name: str, samples: Sequence[float], unit: str) -> float:
        """Keep the median and the spread of samples; return the median."""
        median = statistics.median(samples)
        self.figures[name] = {"median": round(median, 2), "min": round(min(samples), 2), "max": round(max(samples), 2)}
        say(f"{name:<58} {median:9.2f} {unit:<3} ({min(samples):.2f} to {max(samples):.2f}, n={len(samples)})")
        return median

    def ratio(self, name: str, a: float, b: float) -> None:
        """Keep how many times longer A takes than B."""
        self.figures[name] = round(a / b, 1)
        say(f"{name:<58} {a / b:9.1f} x")

    def merge(self, prefix: str, figures: Mapping[str, float]) -> None:
        """Keep what another program measured, with the units in its names."""
        for name, value in figures.items():
            self.one(f"{prefix}{name}", value, "")

    def one(self, name: str, value: float, unit: str) -> None:
        """Keep a single figure."""
        self.figures[name] = round(value, 2)
        say(f"{name:<58} {value:9.2f} {unit}")


def memory_mib(pid: int, key: str) -> float:
    """Return a figure of /proc/PID/status in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return float("nan")


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU time that a process has used, to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a program that prints its figures


def conditions() -> dict[str, object]:
    """Return what the figures depend on."""
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607  # whichever git there is
    return {
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "revision": revision.stdout.strip() or "unknown",
    }
