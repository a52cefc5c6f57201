"""Why a program says it ended: what its last log lines name, where the remedy differs from that of any other crash."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.diagnosis.traces import Trace
from bot.domain.text import Redacted, first_line

# Only the very end of a log speaks of the end of its program.
LAST_LINES = 30


class Cause(StrEnum):
    """What kind of reason a log gives."""

    ADDRESS_IN_USE = "address in use"
    DEPENDENCY = "dependency"
    CREDENTIALS = "credentials"
    NO_SPACE = "no space"
    PERMISSION = "permission"
    IMAGE_INCOMPLETE = "image incomplete"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True)
class Reason:
    """What a line says. `name` is the variable, file, module or host, `port` a number, `how` a few words; or empty."""

    cause: Cause
    line: Redacted
    name: str = ""
    port: str = ""
    how: str = ""


def reason_in(lines: Sequence[Redacted], trace: Trace | None) -> Reason | None:
    """Return the reason that a crash's log names.

    An error with a stack trace is what the program died of, so only it (and what it was raised from) is read; lines
    before it may tell of troubles that were survived. Without one the last line that names a reason counts.
    """
    if trace is not None:
        texts = [trace.message, *trace.earlier]
    else:
        filled = [line for line in lines if line.strip()]
        texts = list(reversed(filled[-LAST_LINES:]))
    return next((reason for text in texts if (reason := read(text)) is not None), None)


def read(text: Redacted) -> Reason | None:
    """Return the reason that a message (one line, or an error and what follows it) names."""
    # Folding the case of other letters may bring forth some of ours: only plain text is judged by its words.
    lowered = text.lower() if text.isascii() else ""
    for words, reader in _READERS:
        if lowered and not any(word in lowered for word in words):
            continue
        reason = reader(text)
        if reason is not None:
            return reason
    return None


def _line_of(text: Redacted, match: re.Match[str]) -> Redacted:
    """Return the one line of `text` in which a match begins."""
    begin = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.start())
    return Redacted(text[begin : end if end >= 0 else len(text)].strip())


_IN_USE = re.compile(
    r"EADDRINUSE|address (?:is )?(?:already )?in use|port \d+ (?:is|was) (?:already )?in use"
    r"|port is already allocated|only one usage of each socket address",
    re.IGNORECASE,
)
_PORTS = re.compile(r"(?i:\bport[ =:]+)(\d{1,5})\b|',\s*(\d{1,5})\)|(?<!\d\d):(\d{2,5})\b")


def _address_in_use(text: Redacted) -> Reason | None:
    match = _IN_USE.search(text)
    if match is None:
        return None
    line = _line_of(text, match)
    place = line.find(match.group())
    ports = [(found.start(), next(filter(None, found.groups()))) for found in _PORTS.finditer(line)]
    after = [port for at, port in ports if at >= place]
    before = [port for at, port in ports if at < place]
    port = after[0] if after else before[-1] if before else ""
    return Reason(Cause.ADDRESS_IN_USE, line, port=port)


_UNREACHED: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "its name cannot be resolved",
        re.compile(
            r"no such host|\bENOTFOUND\b|\bEAI_AGAIN\b|name or service not known|nodename nor servname"
            r"|temporary failure in name resolution|could not translate host name|failed to resolve ['\"]"
            r"|UnknownHostException|name does not resolve|server misbehaving",
            re.IGNORECASE,
        ),
    ),
    ("it has no connection left", re.compile(r"too many connections|remaining connection slots|too many clients")),
    (
        "it refuses the connection",
        re.compile(r"connection refused|\bECONNREFUSED\b|connection to \S+ refused", re.IGNORECASE),
    ),
    (
        "it cannot be reached",
        re.compile(
            r"\bETIMEDOUT\b|i/o timeout|connection timed out|connect timeout|no route to host|\bEHOSTUNREACH\b"
            r"|network is unreachable|connect(?:ion)? timed? ?out",
            re.IGNORECASE,
        ),
    ),
)
_NAME = r"[A-Za-z0-9](?:[\w.-]*[\w])?"
_HOSTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"server at ['\"](?P<host>{_NAME})['\"](?: \([^)]{{0,80}}\))?(?:,? port (?P<port>\d+))?",
        rf"\bhost(?: name)?[ =:]*['\"](?P<host>{_NAME})['\"](?:.{{0,120}}?\bport[ =:]*(?P<port>\d+))?",
        rf"\bhost=(?P<host>{_NAME})(?:.{{0,120}}?\bport=(?P<port>\d+))?",
        rf"\blookup (?P<host>{_NAME})(?: on |:)",
        rf"\b(?:ENOTFOUND|EAI_AGAIN) (?P<host>{_NAME})(?::(?P<port>\d+))?",
        rf"UnknownHostException: (?P<host>{_NAME})",
        rf"failed to resolve ['\"](?P<host>{_NAME})",
        rf"\w://(?:[^@/\s]*@)?(?P<host>{_NAME})(?::(?P<port>\d+))?",
        rf"\b(?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|dial tcp|connect(?:ing|ion)? to) (?P<host>{_NAME}):(?P<port>\d+)",
    )
)


def _dependency(text: Redacted) -> Reason | None:
    for how, pattern in _UNREACHED:
        match = pattern.search(text)
        if match is None:
            continue
        line = _line_of(text, match)
        for host in _HOSTS:
            found = host.search(line) or host.search(text)
            if found:
                named = found.groupdict()
                return Reason(Cause.DEPENDENCY, line, named["host"], named.get("port") or "", how)
        return Reason(Cause.DEPENDENCY, line, how=how)
    return None


def _simple(cause: Cause, pattern: str) -> Callable[[Redacted], Reason | None]:
    """Make a reader of one pattern; what a group of it holds is the name."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def reader(text: Redacted) -> Reason | None:
        match = compiled.search(text)
        if match is None:
            return None
        name = next(filter(None, match.groups()), "")
        return Reason(cause, _line_of(text, match), name)

    return reader


_credentials = _simple(
    Cause.CREDENTIALS,
    r"password authentication failed|\b28P01\b|\bNOAUTH\b|\bWRONGPASS\b|access denied for user"
    r"|\bauthentication failed|invalid username[- ]password|no pg_hba\.conf entry",
)
_no_space = _simple(Cause.NO_SPACE, r"no space left on device|\bENOSPC\b|disk quota exceeded")
_permission = _simple(
    Cause.PERMISSION,
    r"(?:(?:open|mkdir|unlink|listen tcp|exec|create) (/[\w./-]+): )?"
    r"(?:permission denied(?! (?:for|to) )|\bEACCES\b|operation not permitted|\bEPERM\b|read-only file system"
    r"|\bEROFS\b)"
    r"(?:: ['\"](/[^'\"]+)['\"])?",
)
_incomplete = _simple(
    Cause.IMAGE_INCOMPLETE,
    r"No module named ['\"]?([\w.]+)|Cannot find (?:module|package) ['\"]([^'\"]+)|ClassNotFoundException: (\S+)"
    r"|NoClassDefFoundError: (\S+)|error while loading shared libraries: ([^:\s]+)|cannot load such file -- (\S+)",
)

_VARIABLE = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*"
_LACKING = (
    "not set|unset|not defined|undefined|missing|required|empty|not found|not provided|must be set|must be defined"
)
_FILE = r"(?P<name>/[\w./-]{1,200}\.(?:ya?ml|json|toml|conf|cfg|ini|env|properties|pem|crt|key))"
_ABSENT = "no such file or directory|not found|does not exist"
_UNREADABLE = rf"{_ABSENT}|\bENOENT\b|could not open|cannot open|cannot read|unable to read|config file"
_IS_NOT_SET = r"(?:is |was |must be |should )?(?:not set|not be empty|unset|not defined|set\b(?<=be set))"
_SETTING = (
    "environment variables?|env(?:ironment)? ?vars?|env|keys?|settings?|variables?"
    "|config(?:uration)?(?: (?:key|value|option))?s?"
)
_MISSING_SETTING = rf"(?i:(?:missing|required|undefined|unset)(?: required| mandatory| the)* (?:{_SETTING}))"
_SETTINGS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        rf"KeyError: ['\"](?P<name>{_VARIABLE})['\"]",
        rf"(?i:key not found): [\"':]*(?P<name>{_VARIABLE})",
        rf"\b(?P<name>{_VARIABLE}): (?:parameter (?:null or )?not set|unbound variable)",
        rf"\b(?P<name>{_VARIABLE})['\"`]?(?i:,? (?:environment variable |env var )?{_IS_NOT_SET})",
        # Other words than "not set" are said of much else; a variable is then known by its underscore.
        rf"\b(?P<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)['\"`]?(?i:,?:? (?:is |was |has |must )?(?:a )?(?:{_LACKING}))",
        rf"(?i:environment variables?|env vars?):? ['\"`]?(?P<name>{_VARIABLE})['\"`]?(?i:.{{0,120}}\b(?:{_LACKING}))",
        rf"{_MISSING_SETTING}:? ['\"`]?(?P<name>[A-Za-z][\w.-]{{2,}})",
        r"^(?P<name>[A-Za-z_][\w.]*)\n\s+(?i:field required)",
        rf"(?i:{_UNREADABLE}).{{0,120}}?{_FILE}\b",
        rf"{_FILE}['\"]?:? (?i:{_ABSENT})",
    )
)
_NO_NAMES = frozenset(
    {
        *("ERROR", "FATAL", "WARN", "WARNING", "INFO", "DEBUG", "CRITICAL", "PANIC", "TRACE"),
        *("HTTP", "HTTPS", "SSL", "TLS", "JSON", "SQL", "TCP", "API", "DNS", "NULL"),
    }
)
_MISCONFIGURED = re.compile(r"(?i)invalid config|configuration error|bad config|config(?:uration)? (?:is )?invalid")


def _configuration(text: Redacted) -> Reason | None:
    for pattern in _SETTINGS:
        match = pattern.search(text)
        if match and match.group("name") not in _NO_NAMES:
            return Reason(Cause.CONFIGURATION, _line_of(text, match), match.group("name"))
    match = _MISCONFIGURED.search(text)
    return Reason(Cause.CONFIGURATION, _line_of(text, match)) if match else None


# What a reader finds holds one of its words, whatever its case. Most lines hold none, and looking for a word costs a
# small part of what looking for a pattern does.
_READERS: tuple[tuple[tuple[str, ...], Callable[[Redacted], Reason | None]], ...] = (
    (("in use", "eaddrinuse", "already allocated", "only one usage"), _address_in_use),
    (
        (
            *(
                "no such host",
                "enotfound",
                "eai_again",
                "not known",
                "nodename nor",
                "temporary failure",
                "translate host",
            ),
            *(
                "failed to resolve",
                "unknownhost",
                "not resolve",
                "misbehaving",
                "too many",
                "connection slots",
                "refused",
            ),
            *("timedout", "timeout", "timed out", "time out", "no route", "unreach"),
        ),
        _dependency,
    ),
    (
        (*("authentication failed", "28p01", "noauth", "wrongpass", "access denied", "invalid username", "pg_hba"),),
        _credentials,
    ),
    (("no space left", "enospc", "quota exceeded"), _no_space),
    (("permission denied", "eacces", "not permitted", "eperm", "read-only file", "erofs"), _permission),
    (
        ("no module named", "cannot find", "classnotfound", "noclassdef", "shared libraries", "cannot load such"),
        _incomplete,
    ),
    (
        (
            *("keyerror", "not set", "unbound", "empty", "unset", "not defined", "be set", "be defined", "undefined"),
            *(
                "missing",
                "required",
                "not found",
                "not provided",
                "no such file",
                "not exist",
                "enoent",
                "could not open",
            ),
            *("cannot open", "cannot read", "unable to read", "config"),
        ),
        _configuration,
    ),
)


def quoted(line: Redacted, limit: int = 160) -> str:
    """Return a line of a log as it is quoted in a sentence."""
    return f'"{first_line(line, limit)}"'
