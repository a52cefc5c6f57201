"""Every verb of the registry, typed in chat and in the terminal: for tests of what they ask of a cluster.

`api` is a service of the catalogue: a Deployment with a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import handlers
from bot.registry import discover
from tests.support.people import People
from tests.support.processes import Ended, ragops

# At least one line for each verb; more where a verb asks for different things.
LINES: Mapping[str, tuple[str, ...]] = {
    "ack": ("ack 3f9a12c0b7e1",),
    "alerts": ("alerts",),
    "approve": ("approve 3f9a12c0",),
    "audit": ("audit",),
    "can": ("can share api",),
    "cancel": ("cancel 3f9a12c0",),
    "clear failed": ("clear failed",),
    "compare": ("compare api",),
    "deny": ("deny 3f9a12c0 not now",),
    "deps": ("deps", "deps api"),
    "describe": ("describe api",),
    "digest now": ("digest now",),
    "digest preview": ("digest preview",),
    "evict": ("evict no-such-pod",),
    "explain": ("explain OOM_KILLED",),
    "health": ("health", "health api"),
    "help": ("help",),
    "history": ("history api",),
    "home": ("home",),
    "logs": ("logs api", "logs api --previous", "logs api --grep FATAL --since 10m"),
    "pods": ("pods", "pods -n kube-system"),
    "requests": ("requests",),
    "resolve": ("resolve 3f9a12c0 happened",),
    "restart": ("restart api",),
    "rollback": ("rollback api --to 99",),
    "scale": ("scale api 0",),
    "schedule": ("schedule",),
    "schedule pause": ("schedule pause nowhere",),
    "schedule resume": ("schedule resume nowhere",),
    "set cpu": ("set cpu nowhere 500m",),
    "set image": ("set image nowhere :v1",),
    "set memory": ("set memory nowhere 1Gi",),
    "share": ("share status api",),
    "silence": ("silence nowhere",),
    "status": ("status", "status api"),
    "top": ("top pods", "top nodes"),
    "undo": ("undo 3f9a12c0",),
    "unsilence": ("unsilence nowhere",),
    "whoami": ("whoami",),
    "withdraw": ("withdraw 3f9a12c0",),
}


def unlisted() -> set[str]:
    """Return the verbs for which there is no line above, and lines of verbs that are gone."""
    return {action.name for action in discover(handlers).all()} ^ set(LINES)


async def say_all(people: People) -> dict[str, str]:
    """Type every line in chat and return the answers."""
    return {line: await people.answer(f"/rag {line}") for lines in LINES.values() for line in lines}


async def run_all(folder: Path, namespace: str, workload: str, environ: Mapping[str, str]) -> dict[str, Ended]:
    """Run in the terminal what reads a cluster, and the programs that do, and return how each ended."""
    lines = ("status", "top nodes", "top pods", f"logs {workload}")
    ended = {line: await ragops(*line.split(), "-n", namespace, environ=environ, folder=folder) for line in lines}
    ended["check"] = await ragops("check", environ=environ, folder=folder)
    return ended


async def ask_nowhere(folder: Path, environ: Mapping[str, str]) -> Ended:
    """Ask in the terminal about a namespace that does not exist; an account of one namespace is refused there."""
    return await ragops("pods", "-n", "no-such-namespace", environ=environ, folder=folder)
