"""Where a program fell over: the error it died of and the first line of its own code, read from a log's end.

Python, Go, Rust, Java, Node, .NET and Ruby as their runtimes print them. Frames of a language's own library, of
installed packages and of the runtime are passed over: nobody mends those.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.text import NO_TEXT, Redacted

# A message may go on below its first line.
_MESSAGE_LINES = 4
# Between an error and its first frame there may be a blank line, a signal's line or `goroutine 1 [running]:`.
_GAP = 4
# No frame is longer; what is read of a line is bounded, since a log may hold anything.
_LONGEST_FRAME = 400
_PYTHON_FRAME = re.compile(r'^\s*(?:\|\s*)?File "(?P<file>[^"]+)", line (?P<line>\d+)')
_FRAMES = (
    # A file is sought only behind a mark that it cannot hold itself, so that each part of a line is read once.
    re.compile(r"^\s+at (?:.*[ (:])?/{0,2}(?P<file>(?:/|node:|internal/)[^\s():]*):(?P<line>\d+):\d+\)?$"),
    re.compile(r"^\s+at (?P<file>[\w.$/<>]+)\((?:[\w.]+:(?P<line>\d+)|Native Method|Unknown Source)\)"),
    re.compile(r"^\s+at .* in (?P<file>/\S+):line (?P<line>\d+)"),
    re.compile(r"^\s+(?P<file>/\S+\.(?:go|s)):(?P<line>\d+)"),
    re.compile(r"^\s+from (?P<file>\S+?):(?P<line>\d+):in "),
)
_HEADS = (
    re.compile(r"\bpanic: |^fatal error: "),
    re.compile(r"^(?:Exception in thread \"[^\"]*\" |Caused by: |Unhandled exception\. )?[\w.$]*(?:Exception|Error)\b"),
    re.compile(r"^(?:Uncaught )?\w*Error(?: \[\w+\])?: "),
)
_RUST = re.compile(r"panicked at (?:'(?P<said>.*)', )?(?P<file>[^\s:']+):(?P<line>\d+):\d+:?$")
_RUBY = re.compile(r"^(?P<file>\S+\.rb):(?P<line>\d+):in ['`][^']*': .+ \([\w:]+\)$")
_FOREIGN = re.compile(
    r"/site-packages/|/dist-packages/|/lib/python\d|<frozen|<string>|/node_modules/|^node:|^internal/|/usr/local/go/"
    r"|/usr/lib/go|/pkg/mod/|/vendor/|/rustc/|/\.cargo/|/gems/|/usr/lib/ruby|/lib/ruby/"
    r"|^(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|reactor|io\.netty|com\.zaxxer)\."
    r"|^org\.(?:springframework|apache|hibernate|postgresql|eclipse|jboss)\.|^java\.base/"
)
_CHAIN = re.compile(r"^(?:The above exception was|During handling of the above)|^Caused by: ")


@dataclass(frozen=True, slots=True)
class Trace:
    """An end by an error. `error` is its first line, `message` that and what follows; `frame` may be empty."""

    error: Redacted
    message: Redacted
    frame: str = ""
    earlier: tuple[Redacted, ...] = ()


def last_trace(lines: Sequence[Redacted]) -> Trace | None:
    """Return the last error with a stack trace in a log, or None when it ends without one."""
    found = [
        (at, trace)
        for read in (_python, _headed, _rust, _ruby)
        if (read_one := read(lines))
        for at, trace in [read_one]
    ]
    return max(found, key=lambda each: each[0])[1] if found else None


def _message(lines: Sequence[Redacted], at: int) -> Redacted:
    return Redacted("\n".join(lines[at : at + _MESSAGE_LINES]))


def _place(match: re.Match[str]) -> str:
    line = match.group("line")
    return f"{match.group('file')}:{line}" if line else match.group("file")


def _python(lines: Sequence[Redacted]) -> tuple[int, Trace] | None:
    """Read Python: the frames come first, the innermost last, then the error that is not indented."""
    errors: list[int] = []
    frames: list[re.Match[str]] = []
    last: list[re.Match[str]] = []
    for at, line in enumerate(lines):
        frame = _PYTHON_FRAME.match(line)
        if frame:
            frames.append(frame)
        elif frames and line.strip() and not line[:1].isspace() and not line.startswith("Traceback "):
            errors.append(at)
            last, frames = frames, []
    if not errors:
        return None
    own = [frame for frame in last if not _FOREIGN.search(frame.group("file"))]
    chained = any(_CHAIN.match(line) for line in lines)
    earlier = tuple(lines[at] for at in reversed(errors[:-1])) if chained else ()
    at = errors[-1]
    return at, Trace(lines[at], _message(lines, at), _place(own[-1]) if own else "", earlier)


def _headed(lines: Sequence[Redacted]) -> tuple[int, Trace] | None:
    """Read those that say the error first: Go, Java, Node, .NET. The last `Caused by` is the root."""
    frames = [_frame(line) for line in lines]
    for at in range(len(lines) - 1, -1, -1):
        if not any(frames[at + 1 : at + 2 + _GAP]):  # first, for it costs least
            continue
        if not any(head.search(lines[at]) for head in _HEADS):
            continue
        own = [frame for frame in frames[at + 1 :] if frame is not None and not _FOREIGN.search(frame.group("file"))]
        error = Redacted(lines[at].removeprefix("Caused by: "))
        return at, Trace(error, _message(lines, at), _place(own[0]) if own else "")
    return None


def _frame(line: str) -> re.Match[str] | None:
    if not line[:1].isspace():
        return None
    return next((match for pattern in _FRAMES if (match := pattern.match(line[:_LONGEST_FRAME]))), None)


def _rust(lines: Sequence[Redacted]) -> tuple[int, Trace] | None:
    for at in range(len(lines) - 1, -1, -1):
        said_at = lines[at].find("panicked at ")
        match = _RUST.match(lines[at], said_at) if said_at >= 0 else None
        if match is None:
            continue
        below = lines[at + 1] if at + 1 < len(lines) else NO_TEXT
        said = Redacted(match.group("said") or below or lines[at])
        frame = "" if _FOREIGN.search(match.group("file")) else _place(match)
        return at, Trace(said, _message(lines, at), frame)
    return None


def _ruby(lines: Sequence[Redacted]) -> tuple[int, Trace] | None:
    for at in range(len(lines) - 1, -1, -1):
        match = _RUBY.match(lines[at])
        if match is None:
            continue
        below = [frame for line in lines[at + 1 :] if (frame := _FRAMES[-1].match(line[:_LONGEST_FRAME]))]
        own = [frame for frame in [match, *below] if not _FOREIGN.search(frame.group("file"))]
        return at, Trace(lines[at], _message(lines, at), _place(own[0]) if own else "")
    return None
