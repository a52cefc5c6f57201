from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.traces import last_trace
from bot.domain.text import Redacted
from tests.support.endless import ends

PYTHON = """\
INFO starting
Traceback (most recent call last):
  File "/usr/lib/python3.12/runpy.py", line 88, in _run_code
    exec(code, run_globals)
  File "/app/rag/main.py", line 12, in <module>
    run()
  File "/app/rag/store.py", line 40, in run
    connect()
  File "/usr/local/lib/python3.12/site-packages/psycopg/connection.py", line 9, in connect
    raise
psycopg.OperationalError: connection refused
"""
CHAINED = """\
Traceback (most recent call last):
  File "/app/settings.py", line 3, in load
    os.environ["DATABASE_URL"]
KeyError: 'DATABASE_URL'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/main.py", line 7, in <module>
    raise SystemError("cannot start") from error
SystemError: cannot start
"""
GO = """\
2026/11/24 12:30:45 starting
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a2b3c]

goroutine 1 [running]:
net/http.(*Server).Serve(0x0)
\t/usr/local/go/src/net/http/server.go:3086 +0x4c
main.serve(...)
\t/src/cmd/api/main.go:31
main.main()
\t/src/cmd/api/main.go:12 +0x1d
exit status 2
"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: cannot start
\tat org.springframework.boot.SpringApplication.run(SpringApplication.java:300)
\tat com.acme.Api.main(Api.java:14)
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\tat com.acme.Store.open(Store.java:52)
\t... 8 more
"""
NODE = """\
node:internal/modules/cjs/loader:1080
  throw err;
  ^

Error: listen EADDRINUSE: address already in use :::8080
    at Server.setupListenHandle [as _listen2] (node:net:1817:16)
    at Object.<anonymous> (/app/node_modules/express/lib/application.js:635:24)
    at start (/app/server.js:21:7)
"""
RUST = """\
thread 'main' panicked at src/main.rs:10:5:
DATABASE_URL must be set
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
OLD_RUST = "thread 'main' panicked at 'no config', src/config.rs:7:9"
RUBY = """\
/app/config.rb:4:in `fetch': key not found: "DATABASE_URL" (KeyError)
\tfrom /app/main.rb:2:in `<main>'
"""
DOTNET = """\
Unhandled exception. System.InvalidOperationException: no connection string
   at Acme.Store.Open() in /src/Store.cs:line 18
   at Acme.Program.Main() in /src/Program.cs:line 7
"""
ALL = (PYTHON, CHAINED, GO, JAVA, NODE, RUST, OLD_RUST, RUBY, DOTNET)


def lines(text: str) -> list[Redacted]:
    return [Redacted(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "error", "frame"),
    [
        (PYTHON, "psycopg.OperationalError: connection refused", "/app/rag/store.py:40"),
        (CHAINED, "SystemError: cannot start", "/app/main.py:7"),
        (GO, "panic: runtime error: invalid memory address or nil pointer dereference", "/src/cmd/api/main.go:31"),
        (JAVA, "java.net.ConnectException: Connection refused", "com.acme.Store.open:52"),
        (NODE, "Error: listen EADDRINUSE: address already in use :::8080", "/app/server.js:21"),
        (RUST, "DATABASE_URL must be set", "src/main.rs:10"),
        (OLD_RUST, "no config", "src/config.rs:7"),
        (RUBY, '/app/config.rb:4:in `fetch\': key not found: "DATABASE_URL" (KeyError)', "/app/config.rb:4"),
        (
            DOTNET,
            "Unhandled exception. System.InvalidOperationException: no connection string",
            "/src/Store.cs:18",
        ),
    ],
    ids=["python", "python, chained", "go", "java", "node", "rust", "old rust", "ruby", ".net"],
)
def test_the_error_and_the_first_line_of_the_programs_own_code(text: str, error: str, frame: str) -> None:
    """Frames of the language and of installed packages are passed over."""
    trace = last_trace(lines(text))
    assert trace is not None
    assert (trace.error, trace.frame) == (error, frame)


def test_a_chained_error_keeps_what_it_was_raised_from() -> None:
    """The root may be what a person can mend."""
    trace = last_trace(lines(CHAINED))
    assert trace is not None
    assert trace.earlier == ("KeyError: 'DATABASE_URL'",)


def test_a_trace_whose_beginning_is_cut_off_is_still_read() -> None:
    """Only a log's last lines are fetched."""
    trace = last_trace(lines(PYTHON)[5:])
    assert trace is not None
    assert trace.frame == "/app/rag/store.py:40"


def test_a_trace_of_others_code_has_no_frame() -> None:
    """Nothing is said rather than a line that nobody can mend."""
    text = 'File "/usr/lib/python3.12/runpy.py", line 88, in _run\nImportError: no'
    trace = last_trace(lines(text))
    assert trace is not None
    assert trace.frame == ""


def test_the_last_of_several_counts() -> None:
    """The program may have survived the earlier ones."""
    trace = last_trace([*lines(PYTHON), *lines(RUST)])
    assert trace is not None
    assert trace.frame == "src/main.rs:10"


@pytest.mark.parametrize("text", ["", "INFO starting\nERROR no luck", "SomeError: without any frame\nbye"])
def test_without_a_stack_there_is_no_trace(text: str) -> None:
    """An error's line alone is no trace."""
    assert last_trace(lines(text)) is None


@given(st.lists(st.sampled_from([line for text in ALL for line in text.splitlines()])))
def test_any_order_of_lines_is_read(shuffled: list[str]) -> None:
    """Logs of several threads are mixed; whatever is said stands in the log."""
    trace = last_trace([Redacted(line) for line in shuffled])
    if trace is not None:
        assert trace.error in "\n".join(shuffled)


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ("    at file:///app/main.mjs:3:4", "/app/main.mjs:3"),
        ("    at async run (file:///app/main.mjs:3:4)", "/app/main.mjs:3"),
        ("    at async /app/main.js:3:4", "/app/main.js:3"),
        ("    at Server.emit (node:events:518:28)", ""),
        ("    at Module._compile (node:internal/modules/cjs/loader:1256:14)", ""),
        ("    at eval (webpack:///src/main.js:3:4)", "/src/main.js:3"),
    ],
)
def test_a_frame_of_node_is_read_however_it_names_its_file(frame: str, place: str) -> None:
    """As a path, as an address, or as a module of the runtime."""
    trace = last_trace(lines(f"Error: no luck\n{frame}"))
    assert trace is not None
    assert trace.frame == place


@pytest.mark.parametrize(
    "line",
    [
        "  at " + "/" * 1985 + " panic: ",
        "  at " + "(/a:1:" * 330 + " panic: ",
        "panic: " * 280,
        "panicked at '" * 150,
        "panicked at '" + "', a:1:1" * 240,
        "a.rb:1:in '" + "': (a) " * 280,
        "\tfrom " + "a:1" * 650,
        "  at " + " in /a:line 1" * 150,
        " " * 2000,
        "Caused by: " + "a." * 990,
    ],
    ids=lambda line: line[:16].strip(),
)
def test_no_line_makes_reading_slow(line: str) -> None:
    """Many long lines that look like errors and frames are read in a moment."""
    with ends():
        last_trace([Redacted(line)] * 300)
