"""What Redis says of itself (INFO), and what has changed between two looks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.findings import Severity
from bot.domain.text import count
from bot.probes.asking import Asking
from bot.probes.words import percent, sized

CLIENTS_PERCENT = 90.0
MEMORY_PERCENT = 90.0
_MOST_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Info:
    """One look: the lines of INFO by their names."""

    values: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Info:
        """Read the answer; lines that are none are left out."""
        pairs = (line.partition(":") for line in text.splitlines()[:_MOST_KEYS] if not line.startswith("#"))
        return cls({name: value.strip()[:200] for name, colon, value in pairs if colon and name})

    def number(self, name: str) -> float | None:
        """Return a figure; None when it is not told, or is none."""
        text = self.values.get(name, "")
        try:
            number = float(text)
        except ValueError:
            return None
        return number if abs(number) < 1e300 else None  # neither infinite nor NaN

    def word(self, name: str) -> str:
        """Return a word; empty when it is not told."""
        return self.values.get(name, "")


@dataclass(frozen=True, slots=True)
class Change:
    """What has grown between two looks that lie `seconds` apart."""

    first: Info
    second: Info
    seconds: float

    def of(self, name: str) -> float | None:
        """Return by how much a counter grew; None when that cannot be told: it began anew meanwhile."""
        before, after = self.first.number(name), self.second.number(name)
        return after - before if before is not None and after is not None and after >= before else None


def tell(asking: Asking, info: Info, change: Change | None) -> None:
    """Write down what was seen and what is wrong with it. `info` is the newest look."""
    asking.fact("Version", info.word("redis_version") or "not told")
    _tell_clients(asking, info, change)
    _tell_memory(asking, info, change)
    _tell_hits(asking, info, change)
    _tell_saving(asking, info)
    _tell_role(asking, info)


def _tell_clients(asking: Asking, info: Info, change: Change | None) -> None:
    clients, limit = info.number("connected_clients"), info.number("maxclients")
    if clients is not None:
        asking.figure("clients", clients)
        asking.fact("Clients", f"{clients:.0f}" + (f" of {limit:.0f}" if limit else ""))
    if clients is not None and limit:
        asking.figure("clients_limit", limit)
        if percent(clients, limit) >= CLIENTS_PERCENT:
            asking.trouble(
                "REDIS_CLIENTS_HIGH",
                Severity.WARNING,
                f"{clients:.0f} of {limit:.0f} clients are connected.",
                advice="See who holds connections (CLIENT LIST); size the pools or maxclients.",
            )
    blocked = info.number("blocked_clients")
    if blocked is not None:
        asking.figure("blocked_clients", blocked)
        if blocked:
            asking.fact("Waiting in blocking commands", f"{blocked:.0f}")
    rejected = change.of("rejected_connections") if change else None
    if change and rejected is not None:
        asking.figure("rejected_change", rejected)
        if rejected:
            asking.trouble(
                "REDIS_CLIENTS_EXHAUSTED",
                Severity.CRITICAL,
                f"It turned away {count(int(rejected), 'connection')} within {change.seconds:g} s.",
                advice="See who holds connections (CLIENT LIST); size the pools or maxclients.",
            )


def _tell_memory(asking: Asking, info: Info, change: Change | None) -> None:
    used, limit, policy = info.number("used_memory"), info.number("maxmemory"), info.word("maxmemory_policy")
    evicted = change.of("evicted_keys") if change else None
    if used is not None:
        asking.figure("memory_bytes", used)
        of = f" of {sized(limit)} ({percent(used, limit):.0f} %), {policy}" if limit else ", without a limit"
        asking.fact("Memory", f"{sized(used)}{of}")
    if used is not None and limit:
        share = percent(used, limit)
        asking.figure("memory_percent", share)
        if share >= MEMORY_PERCENT and policy == "noeviction":
            asking.trouble(
                "REDIS_MEMORY_FULL",
                Severity.CRITICAL if share >= 100 else Severity.WARNING,
                f"{share:.0f} % of its memory are used, and nothing is ever evicted: at 100 % it refuses to write.",
                advice="Let keys expire, raise maxmemory, or choose a policy that evicts.",
            )
    if change and evicted is not None:
        asking.figure("evicted_change", evicted)
        if evicted:
            asking.trouble(
                "REDIS_EVICTING",
                Severity.INFO,
                f"It threw out {count(int(evicted), 'key')} within {change.seconds:g} s for want of memory.",
                advice="A longer time to live makes that worse; more memory, or smaller values, make it better.",
            )
    fragmentation = info.number("mem_fragmentation_ratio")
    if fragmentation is not None:
        asking.figure("fragmentation", fragmentation)
        if fragmentation >= 1.5 and (used or 0) > 100 * 1024 * 1024:
            asking.fact("Fragmentation", f"{fragmentation:.1f}: the process holds that many times what it uses")


def _tell_hits(asking: Asking, info: Info, change: Change | None) -> None:
    """Say the share of hits: of these seconds where anything was asked in them, else since the server began."""
    hits, misses = (change.of(f"keyspace_{name}") if change else None for name in ("hits", "misses"))
    if change and hits is not None and misses is not None and hits + misses:
        asking.figure("hit_percent", percent(hits, hits + misses))
        asking.fact("Hits", f"{percent(hits, hits + misses):.0f} % of {hits + misses:.0f} in {change.seconds:g} s")
        return
    hits, misses = info.number("keyspace_hits"), info.number("keyspace_misses")
    if hits is not None and misses is not None and hits + misses:
        asking.figure("hit_percent_ever", percent(hits, hits + misses))
        asking.fact("Hits", f"{percent(hits, hits + misses):.0f} % since it began")


def _tell_saving(asking: Asking, info: Info) -> None:
    for name, what in (("rdb_last_bgsave_status", "snapshot"), ("aof_last_write_status", "append-only file")):
        said = info.word(name)
        if said and said != "ok":
            asking.trouble(
                "REDIS_SAVE_FAILED",
                Severity.WARNING,
                f"Its last write of the {what} failed ({said}): a restart would lose what came after the one before.",
                advice="Look at its disk and its log.",
            )


def _tell_role(asking: Asking, info: Info) -> None:
    role, link = info.word("role"), info.word("master_link_status")
    asking.fact("Role", {"master": "primary", "slave": "replica"}.get(role, role or "not told"))
    asking.figure("replica", role == "slave")
    if role == "slave" and link and link != "up":
        asking.trouble(
            "REDIS_MASTER_LINK_DOWN",
            Severity.WARNING,
            f"It is a replica without its primary (the link is {link}): what it serves grows old.",
            advice="Look at the primary, and at the way to it.",
        )
