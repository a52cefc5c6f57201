"""What Redis' refusals mean: many of them are honest answers of a server that lives. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health
from bot.probes.redis_speech import Reply


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a refusal tells. `ends`: nothing more will be answered."""

    code: str
    words: str
    advice: str
    severity: Severity
    health: Health
    ends: bool = True


_MEANINGS: Final = (
    (
        re.compile("NOAUTH "),
        Meaning(
            "REDIS_NEEDS_PASSWORD",
            "It is alive, but wants a password",
            "Name a variable with the password (secret_env); those who use it need one, too.",
            Severity.WARNING,
            Health.DEGRADED,
        ),
    ),
    (
        re.compile("WRONGPASS |ERR invalid password"),
        Meaning(
            "REDIS_PASSWORD_REFUSED",
            "It is alive, but does not take our password",
            "Correct the variable; where the password was changed, those who use it need the new one, too.",
            Severity.WARNING,
            Health.DEGRADED,
        ),
    ),
    (
        re.compile("DENIED "),
        Meaning(
            "REDIS_PROTECTED_MODE",
            "It is alive, but in protected mode: it answers nobody from another machine",
            "Set a password, or bind it to its address and turn protected-mode off.",
            Severity.CRITICAL,
            Health.FAILED,
        ),
    ),
    (
        re.compile("ERR max number of clients"),
        Meaning(
            "REDIS_CLIENTS_EXHAUSTED",
            "It has no connection left",
            "See who holds them (CLIENT LIST), then size the pools or maxclients.",
            Severity.CRITICAL,
            Health.FAILED,
        ),
    ),
    (
        re.compile("LOADING "),
        Meaning(
            "REDIS_LOADING",
            "It loads its data and serves nobody yet",
            "Wait; a large data set may take minutes.",
            Severity.CRITICAL,
            Health.FAILED,
            ends=False,
        ),
    ),
    (
        re.compile("MASTERDOWN "),
        Meaning(
            "REDIS_MASTER_DOWN",
            "It is a replica that has lost its master, and serves no old data",
            "Look at the master, and at the way to it.",
            Severity.CRITICAL,
            Health.FAILED,
            ends=False,
        ),
    ),
    (
        re.compile("MISCONF "),
        Meaning(
            "REDIS_WRITES_REFUSED",
            "It refuses to write, because it cannot save to disk",
            "Look at its disk and its log; it writes again after the next save that works.",
            Severity.CRITICAL,
            Health.DEGRADED,
            ends=False,
        ),
    ),
    (
        re.compile("BUSY "),
        Meaning(
            "REDIS_BUSY",
            "A script or function of somebody runs, and nobody else is served",
            "SCRIPT KILL or FUNCTION KILL ends one that has not written yet.",
            Severity.CRITICAL,
            Health.FAILED,
        ),
    ),
    (
        re.compile("NOPERM "),
        Meaning(
            "REDIS_NOT_SEEN",
            "It is alive, but our user may not ask that",
            "Let the user run PING and INFO: ACL SETUSER … +ping +info.",
            Severity.INFO,
            Health.OK,
            ends=False,
        ),
    ),
    (
        re.compile("ERR (?:AUTH .*called without any password|Client sent AUTH)"),
        Meaning(
            "REDIS_PASSWORD_NOT_WANTED",
            "A password is configured here, but it wants none",
            "Anybody who reaches it may do anything there; set one, or take ours out.",
            Severity.INFO,
            Health.OK,
            ends=False,
        ),
    ),
)
_UNKNOWN: Final = Meaning(
    "REDIS_REFUSED", "It answers, but refuses", "Read its log.", Severity.WARNING, Health.DEGRADED
)


def meaning(reply: Reply) -> Meaning:
    """Return what a refusal means; one that is not known is told with its words."""
    return next((known for said, known in _MEANINGS if said.match(reply.text)), _UNKNOWN)
