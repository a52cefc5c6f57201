from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis.crash_reasons import _READERS, Cause, read, reason_in
from bot.diagnosis.traces import Trace, last_trace
from bot.domain.text import Redacted
from tests.support.endless import ends

PYDANTIC = (
    "pydantic_core.ValidationError: 1 validation error for Settings\ndatabase_url\n  Field required [type=missing]"
)
SQLALCHEMY = (
    'psycopg2.OperationalError: connection to server at "postgres" (10.0.0.5), port 5432 failed: Connection refused\n'
    "\tIs the server running on that host and accepting TCP/IP connections?"
)
POOL = "MaxRetryError: HTTPConnectionPool(host='qdrant', port=6333): (Caused by NewConnectionError: Connection refused)"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("FATAL rag.main: DATABASE_URL is not set", "DATABASE_URL"),
        ("KeyError: 'DATABASE_URL'", "DATABASE_URL"),
        ("KeyError: DATABASE_URL is not set", "DATABASE_URL"),
        ("required key DATABASE_URL missing value", "DATABASE_URL"),
        ("Error: Missing required environment variable: REDIS_URL", "REDIS_URL"),
        ('env: required environment variable "TOKEN" is not set', "TOKEN"),
        ("environment variable SECRET_KEY not found", "SECRET_KEY"),
        ("sh: 1: DATABASE_URL: parameter not set", "DATABASE_URL"),
        ("./start.sh: line 3: PORT: unbound variable", "PORT"),
        ("DATABASE_URL must be set", "DATABASE_URL"),
        ('{"level":"fatal","msg":"missing config key: queue.url"}', "queue.url"),
        ("open /etc/app/config.yaml: no such file or directory", "/etc/app/config.yaml"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/etc/app/rag.toml'", "/etc/app/rag.toml"),
        (PYDANTIC, "database_url"),
        ("Invalid configuration: workers must be positive", ""),
    ],
)
def test_what_is_missing_is_named(line: str, name: str) -> None:
    """However the program's language says it."""
    reason = read(Redacted(line))
    assert reason is not None
    assert (reason.cause, reason.name) == (Cause.CONFIGURATION, name)


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("2026/11/24 12:30:45 server.go:45: listen tcp :8080: bind: address already in use", "8080"),
        ("Error: listen EADDRINUSE: address already in use :::8080", "8080"),
        ("[Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use", "8000"),
        ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address in use)", "80"),
        ("Web server failed to start. Port 8080 was already in use.", "8080"),
        ("OSError: [Errno 98] Address already in use", ""),
    ],
)
def test_the_port_in_use_is_named(line: str, port: str) -> None:
    """Numbers of lines and times are no ports."""
    reason = read(Redacted(line))
    assert reason is not None
    assert (reason.cause, reason.port) == (Cause.ADDRESS_IN_USE, port)


@pytest.mark.parametrize(
    ("line", "host", "port", "how"),
    [
        (SQLALCHEMY, "postgres", "5432", "it refuses the connection"),
        ("dial tcp 10.0.0.1:5432: connect: connection refused", "10.0.0.1", "5432", "it refuses the connection"),
        ("Error: connect ECONNREFUSED 127.0.0.1:6379", "127.0.0.1", "6379", "it refuses the connection"),
        ("Error 111 connecting to redis:6379. Connection refused.", "redis", "6379", "it refuses the connection"),
        (POOL, "qdrant", "6333", "it refuses the connection"),
        ("Connection refused host=10.0.3.7 port=5432", "10.0.3.7", "5432", "it refuses the connection"),
        ("Connection to db.shop:5432 refused.", "db.shop", "5432", "it refuses the connection"),
        ("dial tcp: lookup postgres on 10.96.0.10:53: no such host", "postgres", "", "its name cannot be resolved"),
        ("Error: getaddrinfo ENOTFOUND postgres", "postgres", "", "its name cannot be resolved"),
        ("java.net.UnknownHostException: postgres", "postgres", "", "its name cannot be resolved"),
        ('could not translate host name "db" to address: Name or service not known', "db", "",
         "its name cannot be resolved"),
        ("dial tcp 10.0.0.1:5432: i/o timeout", "10.0.0.1", "5432", "it cannot be reached"),
        ("FATAL: sorry, too many clients already", "", "", "it has no connection left"),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_is_named(line: str, host: str, port: str, how: str) -> None:
    """With how it fails: a refusal is another matter than an unknown name."""
    reason = read(Redacted(line))
    assert reason is not None
    assert (reason.cause, reason.name, reason.port, reason.how) == (Cause.DEPENDENCY, host, port, how)


@pytest.mark.parametrize(
    ("line", "cause", "name"),
    [
        ('FATAL: password authentication failed for user "rag"', Cause.CREDENTIALS, ""),
        ("NOAUTH Authentication required.", Cause.CREDENTIALS, ""),
        ("write /data/x: no space left on device", Cause.NO_SPACE, ""),
        ("PermissionError: [Errno 13] Permission denied: '/data/x'", Cause.PERMISSION, "/data/x"),
        ("open /data/x: permission denied", Cause.PERMISSION, "/data/x"),
        ("OSError: [Errno 30] Read-only file system: '/app/cache'", Cause.PERMISSION, "/app/cache"),
        ("ModuleNotFoundError: No module named 'numpy'", Cause.IMAGE_INCOMPLETE, "numpy"),
        ("Error: Cannot find module 'express'", Cause.IMAGE_INCOMPLETE, "express"),
        ("api: error while loading shared libraries: libpq.so.5: cannot open", Cause.IMAGE_INCOMPLETE, "libpq.so.5"),
    ],
)
def test_other_reasons_with_a_remedy_of_their_own(line: str, cause: Cause, name: str) -> None:
    """Each is told apart from a crash without a reason."""
    reason = read(Redacted(line))
    assert reason is not None
    assert (reason.cause, reason.name) == (cause, name)


@pytest.mark.parametrize(
    "line",
    ["", "KeyError: 'embedding'", "ERROR not found", "permission denied for relation docs", "INFO listening on :8080",
     "HTTP 404 not found", "IndexError: list index out of range", "retrying in 10 s"],
)  # fmt: skip
def test_a_bug_is_no_reason(line: str) -> None:
    """What only the program's authors can mend stays a crash."""
    assert read(Redacted(line)) is None


def test_an_error_with_a_trace_hides_what_was_survived_before() -> None:
    """A refused connection that was retried is not what the program died of."""
    log = [
        *map(
            Redacted, ("WARN connection refused, retrying", "panic: index out of range", "", "goroutine 1 [running]:")
        ),
        Redacted("main.main()"),
        Redacted("\t/src/main.go:12 +0x1d"),
    ]
    assert reason_in(log, last_trace(log)) is None


def test_what_an_error_was_raised_from_counts() -> None:
    """Programs wrap the reason in an error of their own."""
    cause = Redacted("KeyError: 'DATABASE_URL'")
    reason = reason_in((), Trace(Redacted("SystemError: no"), Redacted("SystemError: no"), earlier=(cause,)))
    assert reason is not None
    assert reason.name == "DATABASE_URL"


def test_the_last_line_that_names_a_reason_counts() -> None:
    """Without a trace, the end of the log is nearest to the end of the program."""
    log = [Redacted("A_KEY is not set, using a default"), Redacted("B_KEY is not set"), Redacted("bye")]
    reason = reason_in(log, None)
    assert reason is not None
    assert reason.name == "B_KEY"


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """And what is quoted stands in it."""
    reason = read(Redacted(text))
    assert reason is None or reason.line in text


def patterns_in(value: object) -> Iterator[re.Pattern[str]]:
    """Give the patterns that a reader uses, wherever it keeps them."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from patterns_in(each)


PATTERNS = sorted(
    {
        pattern.pattern: pattern
        for _, reader in _READERS
        for names in (inspect.getclosurevars(reader).globals, inspect.getclosurevars(reader).nonlocals)
        for value in names.values()
        for pattern in patterns_in(value)
    }.values(),
    key=lambda pattern: pattern.pattern,
)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:24])
@settings(max_examples=50)
@given(st.data())
def test_no_reader_is_passed_over_for_want_of_its_words(pattern: re.Pattern[str], data: st.DataObject) -> None:
    """Whatever a pattern matches holds a word of its reader."""
    text = Redacted(data.draw(st.from_regex(pattern, alphabet=st.characters(codec="ascii"))))
    found = next((reason for _, reader in _READERS if (reason := reader(text)) is not None), None)
    assert read(text) == found


@pytest.mark.parametrize(
    "line",
    [
        "env var A " * 200,
        "environment variables: 'A' " * 75,
        "env var " + "A_" * 990,
        "cannot open " * 80 + "/" * 1000,
        "/." * 1000,
        "connection refused " + "host=a " * 280,
        "connection refused " + "host 'a' " * 220,
        "connection refused " + "server at 'a' (" * 130,
        "connection refused " + "a://" * 490,
        "a\n " * 600,
    ],
    ids=lambda line: line[:32].strip().replace("\n", " "),
)
def test_no_line_makes_reading_slow(line: str) -> None:
    """A log may hold anything."""
    with ends():
        for _ in range(300):
            read(Redacted(line))
