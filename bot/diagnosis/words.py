"""Facts in words: exit codes, times, amounts, counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.snapshot import Freshness, PartStatus

# POSIX shells' meanings, and 128 + n for a process ended by signal n.
_EXIT_CODES = {
    0: "no error",
    1: "a general error of the program",
    2: "wrong use of the program or an uncaught error",
    126: "the command cannot be executed: permissions, or not a program",
    127: "the command was not found",
    128: "it could not be started",
    255: "a general error of the program",
}
_SIGNALS = {
    1: "SIGHUP",
    2: "SIGINT",
    4: "SIGILL, an illegal instruction",
    6: "SIGABRT, the program aborted itself",
    7: "SIGBUS, a bad memory access",
    8: "SIGFPE, an arithmetic error",
    9: "SIGKILL, killed from outside",
    11: "SIGSEGV, a bad memory access",
    13: "SIGPIPE",
    14: "SIGALRM",
    15: "SIGTERM, asked to stop",
}


def exit_code(code: int, signal: int = 0) -> str:
    """Say what an exit code means: `exit code 137 (SIGKILL, killed from outside)`."""
    if signal:
        return f"signal {signal} ({_SIGNALS.get(signal, 'a signal')})"
    meaning = _EXIT_CODES.get(code)
    if meaning is None and 128 < code <= 192:
        meaning = _SIGNALS.get(code - 128, f"ended by signal {code - 128}")
    return f"exit code {code} ({meaning})" if meaning else f"exit code {code}"


def duration(seconds: float) -> str:
    """Say a length of time in one unit: `40 s`, `6 min`, `3 h`, `2 days`."""
    seconds = max(seconds, 0)
    if seconds < 1:
        return "less than 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h"
    days = round(seconds / 86400)
    return f"{days} days" if days != 1 else "1 day"


def ago(at: datetime | None, now: datetime) -> str:
    """Say when something was: `6 min ago`; an unknown time is said to be one."""
    if at is None:
        return "at an unknown time"
    delta = now - at
    return "just now" if delta < timedelta(seconds=1) else f"{duration(delta.total_seconds())} ago"


def why_unread(status: PartStatus, now: datetime) -> str:
    """Say why a part could not be read, or when it was seen last and why not since; empty when it is up to date."""
    match status.freshness:
        case Freshness.LIVE:
            return ""
        case Freshness.MISSING:
            return status.reason
        case Freshness.STALE:
            return f"last seen {ago(status.as_of, now)}{f': {status.reason}' if status.reason else ''}"


def amount(size: int) -> str:
    """Say bytes as people write limits: `512 Mi`, `1.5 Gi`."""
    for unit, factor in (("Pi", 1 << 50), ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if size >= factor:
            return f"{size / factor:.4g} {unit}"
    return f"{size} B"


def cpu(millicores: int) -> str:
    """Say CPU as people write requests: `250m CPU`, `2 CPUs`."""
    if millicores % 1000 or millicores == 0:
        return f"{millicores}m CPU"
    cores = millicores // 1000
    return f"{cores} CPUs" if cores != 1 else "1 CPU"


def tag_of(image: str) -> str:
    """Return what tells an image's version: its tag, a short digest, or `latest`."""
    reference, _, digest = image.partition("@")
    _, _, last = reference.rpartition("/")
    _, _, tag = last.partition(":")
    if tag:
        return tag
    return digest[:19] if digest else "latest"
