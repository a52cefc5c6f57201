"""Programs that end: by exit code, by signal, by what their log says, and by who ended them."""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import ALIVE, Row, container, deployment, ingress, looping, service, told

TRACEBACK = """cat <<'END' >&2
Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
    serve(load(sys.argv[1]))
  File "/app/settings.py", line 40, in load
    return int(text)
ValueError: invalid literal for int() with base 10: 'ten'
END
exit 1"""
PANIC = """cat <<'END' >&2
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.route(0xc000012345, 0x3)
	/src/router.go:88 +0x1d
main.main()
	/src/main.go:14 +0x25
exit status 2
END
exit 2"""


def _crash(name: str, script: str, code: str, said: tuple[str, ...], shown: tuple[str, ...] = (), **more: Any) -> Row:
    """A Deployment of one pod whose program ends."""
    place = more.pop("place", "crashes")
    made = deployment(name, script, **more)
    return Row(place=place, name=name, makes=(made,), ripe=looping(name), code=code, said=said, shown=shown)


def _beside(name: str, extra: dict[str, Any], code: str, said: tuple[str, ...], shown: tuple[str, ...]) -> Row:
    """A Deployment whose own container is well, but one that comes before it is not."""
    made = deployment(name, pod={"initContainers": [container(**extra)]})
    return Row(place="endings", name=name, makes=(made,), ripe=looping(name), code=code, said=said, shown=shown)


BY_LOG = (
    _crash(
        "billing",
        '[ -n "$DATABASE_URL" ] || { echo "FATAL: DATABASE_URL is not set"; exit 1; }',
        "CRASH_CONFIGURATION",
        ("exit code 1", "DATABASE_URL is not set"),
        ("FATAL: DATABASE_URL is not set",),
    ),
    _crash(
        "quotes",
        "echo loading; echo 'ERROR: ledger is out of balance'; exit 1",
        "CRASH_LOOP",
        ("exit code 1", "ledger is out of balance"),
        ("loading",),
    ),
    _crash(
        "flags",
        "echo 'usage: serve [--port N]'; echo 'unknown flag: --prot'; exit 2",
        "CRASH_LOOP",
        ("exit code 2", "unknown flag: --prot"),
        ("usage: serve",),
    ),
    _crash("script", "echo hi > /tmp/run; /tmp/run; exit $?", "CRASH_COMMAND", ("126",), ("Permission denied",)),
    _crash("typo", "nope --serve", "CRASH_COMMAND", ("127", "nope: not found"), ("nope: not found",)),
    _crash(
        "gateway",
        "echo 'listen tcp :8080: bind: address already in use'; exit 1",
        "CRASH_ADDRESS_IN_USE",
        ("8080", "address already in use"),
        ("bind",),
    ),
    _crash(
        "parser",
        TRACEBACK,
        "CRASH_LOOP",
        ("ValueError: invalid literal for int()", "settings.py"),
        ("Traceback",),
    ),
    _crash("router", PANIC, "CRASH_LOOP", ("index out of range", "router.go:88"), ("goroutine 1",)),
)

BY_LOG_TOO = (
    _crash(
        "login",
        "echo 'psycopg.OperationalError: FATAL: password authentication failed for user \"app\"'; exit 1",
        "CRASH_CREDENTIALS",
        ("password authentication failed",),
        ("OperationalError",),
        place="reasons",
    ),
    _crash(
        "archive",
        "echo 'write /data/wal: no space left on device'; exit 1",
        "CRASH_NO_SPACE",
        ("no space left on device",),
        ("/data/wal",),
        place="reasons",
    ),
    _crash(
        "writer",
        "echo x > /proc/version || exit 1",
        "CRASH_PERMISSION",
        ("denied",),
        ("/proc/version",),
        place="reasons",
        securityContext={"runAsUser": 1000},
    ),
    _crash(
        "vectors",
        "echo \"ModuleNotFoundError: No module named 'numpy'\" >&2; exit 1",
        "CRASH_IMAGE_INCOMPLETE",
        ("numpy",),
        ("ModuleNotFoundError",),
        place="reasons",
    ),
    Row(
        place="reasons",
        name="orders",
        makes=(
            deployment("orders", "echo 'dial tcp 10.0.0.9:5432: connect: connection refused'; exit 1"),
            service("orders", "orders"),
            ingress("orders", "orders", 80),
        ),
        ripe=looping("orders"),
        code="CRASH_DEPENDENCY",
        said=("10.0.0.9", "5432", "refuse"),
        shown=("connection refused",),
        follows=(("SERVICE_WITHOUT_ENDPOINTS", "orders"), ("INGRESS_WITHOUT_BACKEND", "orders")),
    ),
)

# The first process of a container cannot kill itself: a child is killed, and its end is passed on. ($$$$ stays $$.)
BY_END = (
    _crash("segfault", "sh -c 'kill -SEGV $$$$'; exit $?", "CRASH_LOOP", ("139", "SIGSEGV"), place="endings"),
    _crash("aborted", "sh -c 'kill -ABRT $$$$'; exit $?", "CRASH_LOOP", ("134", "SIGABRT"), place="endings"),
    _crash("killed", "sh -c 'kill -9 $$$$'; exit $?", "CRASH_LOOP", ("137", "SIGKILL"), place="endings"),
    _crash("oneshot", "echo imported 5 rows", "EXITED", ("exit code 0",), ("imported 5 rows",), place="endings"),
    Row(
        place="endings",
        name="uncommanded",
        makes=(deployment("uncommanded", command=["/no/such/program"]),),
        ripe=looping("uncommanded"),
        code="START_FAILED",
        said=("/no/such/program",),
        shown=("no such file or directory",),
    ),
    Row(
        place="endings",
        name="greedy",
        makes=(
            deployment(
                "greedy",
                "echo loading; exec tail /dev/zero",
                resources={"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"memory": "16Mi"}},
            ),
        ),
        ripe=looping("greedy"),
        code="OOM_KILLED",
        said=("16 Mi",),
        shown=("OOMKilled",),
    ),
    _beside(
        "proxied",
        {"name": "proxy", "script": "echo 'proxy: bad upstream table'; exit 4", "restartPolicy": "Always"},
        "CRASH_LOOP",
        ("proxy", "exit code 4"),
        ("bad upstream table",),
    ),
    _beside(
        "migrated",
        {"name": "migrate", "script": "echo 'migration 42 failed: duplicate column'; exit 5"},
        "CRASH_LOOP",
        ("migrate", "exit code 5", "duplicate column"),
        ("migration 42",),
    ),
    Row(
        place="endings",
        name="hooked",
        makes=(
            deployment("hooked", ALIVE, lifecycle={"postStart": {"exec": {"command": ["/bin/sh", "-c", "exit 3"]}}}),
        ),
        ripe=told("hooked", "FailedPostStartHook"),
        code="POST_START_FAILED",
        said=("hook",),
        shown=("FailedPostStartHook",),
    ),
)

ROWS = (*BY_LOG, *BY_LOG_TOO, *BY_END)
