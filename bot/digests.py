"""What the verbs about digests share: which one is meant, and whether a person may look at all that it tells of."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.text import listed
from bot.domain.view import Mention, mention_channel
from bot.domain.watch.schedules import DigestPlan
from bot.errors import UsageError
from bot.ports import Digests, Sources
from bot.schedules import find_digest


def wanted_digest(word: str, sources: Sources, command: str) -> tuple[DigestPlan, Digests]:
    """Return the digest of a name, the first one when none is named, and who makes it.

    Raises `UsageError`: there is none, or there is nobody here who makes any.
    """
    if sources.watch is None:
        raise ValueError(f"{command} needs what is watched")
    plans = sources.watch.digests
    if not plans:
        raise UsageError(
            "No digest is configured. Add a table [digests.morning] with cron, time_zone and channels to ragops.toml, "
            "and start the bot anew; `schedule` shows an example.",
            suggestions=["schedule"],
        )
    plan = find_digest(word or plans[0].name, sources.watch, command)
    if sources.digests is None:
        raise UsageError("Digests are made where the bot runs, of what it keeps in its database: ask in chat.")
    return plan, sources.digests


async def may_look(plan: DigestPlan, sources: Sources, command: str) -> None:
    """Refuse a digest to whoever may not look at every place that it tells of. Raises `UsageError`."""
    if sources.rights is None:
        raise ValueError(f"{command} needs the rights")
    seen = await sources.open_places(plan.scopes, verb=command)
    closed = [str(scope) for scope in plan.scopes if scope not in seen]
    if closed:
        raise UsageError(f"The digest {plan.name} tells of {listed(closed)}, where you may not look.")


def channel_parts(channels: Sequence[str]) -> tuple[str | Mention, ...]:
    """Name the channels of a digest for a line: `#alerts, #leads and #ops`."""
    parts: list[str | Mention] = []
    for left, channel in zip(range(len(channels) - 1, -1, -1), channels, strict=True):
        parts += [mention_channel(channel), ", " if left > 1 else " and " if left else ""]
    return tuple(part for part in parts if part)
