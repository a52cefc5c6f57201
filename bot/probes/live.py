"""Asks a target in its own language, and turns whatever happens into what it says."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, Probed, ProbeKind, ProbeTarget
from bot.ports import Clock
from bot.probes import http, plain, postgresql, qdrant, redis_server
from bot.probes.asking import Ask, Asking, Resolve, Stopped, bounded
from bot.probes.way import SystemResolver

log = logging.getLogger(__name__)

_KINDS: Final[Mapping[ProbeKind, Ask]] = MappingProxyType(
    {
        ProbeKind.HTTP: bounded(http.ask),
        ProbeKind.POSTGRESQL: bounded(postgresql.ask),
        ProbeKind.REDIS: redis_server.ask,  # bounds each of its two looks itself
        ProbeKind.QDRANT: bounded(qdrant.ask),
        ProbeKind.TCP: bounded(plain.ask_tcp),
        ProbeKind.TLS: bounded(plain.ask_tls),
    }
)


class LiveProbes:
    """Implements `Probes`. `environ` holds the credentials that targets name, and nothing else is read from it.

    `interval_s` lies between two looks at figures that only their change makes worth telling; a target whose own time
    is shorter than that is looked at once. Such a target takes up to twice its own time and the interval in all.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        resolve: Resolve | None = None,
        interval_s: float = 5.0,
    ) -> None:
        self._environ = environ
        self._clock = clock
        self._resolve = resolve or SystemResolver()
        self._interval_s = interval_s

    async def probe(self, target: ProbeTarget) -> Probed:
        """Ask once, within the target's own time. Never raises: what goes wrong is the answer."""
        asking = Asking(
            target,
            self._clock,
            self._resolve,
            secret=self._environ.get(target.secret_env, "").strip() if target.secret_env else "",
            interval_s=self._interval_s,
        )
        if target.secret_env and not asking.secret:
            asking.trouble(
                "PROBE_CREDENTIAL_MISSING",
                Severity.WARNING,
                f"The variable {target.secret_env} with its credential is not set; it was asked without one.",
                advice="Set the variable where this bot runs.",
            )
        try:
            await _KINDS[target.kind](asking)
        except Stopped as error:
            asking.stopped(error)
        except TimeoutError:
            asking.stopped(_late(asking))
        except Exception as error:  # noqa: BLE001  # the port's promise: one odd target must not end a look at all others
            asking.stopped(_broken(target, error))
        return asking.probed()


def _late(asking: Asking) -> Stopped:
    at = f" at the stage {asking.waiting_at}" if asking.waiting_at else ""
    return Stopped(
        "PROBE_TIMEOUT",
        f"No answer within {asking.target.timeout_s:g} s{at}.",
        advice="Look at its pods and what they wait for; where they are well, at network policies.",
    )


def _broken(target: ProbeTarget, error: Exception) -> Stopped:
    """Log a fault of ours by its place; its text stays out, for it may quote anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
    log.warning(
        "a probe failed by itself",
        extra={"event": "probe_broken", "target": target.name, "error": type(error).__name__, "place": place},
    )
    return Stopped(
        "PROBE_BROKEN",
        f"It could not be asked: a fault of this bot ({type(error).__name__}).",
        severity=Severity.WARNING,
        health=Health.UNKNOWN,
    )
