"""What targets said, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from bot.checkup.attentions import short_reason
from bot.domain.text import in_short
from bot.domain.watch.checkups import Attention, Section
from bot.domain.watch.probes import Health, Probed
from bot.domain.watch.world import Looked

# What the section of certificates tells, once for all targets that serve the same one and by the operator's threshold.
CERTIFICATE_CODES = frozenset({"CERTIFICATE_EXPIRED", "CERTIFICATE_ENDS_SOON"})
_MOST_NAMED = 3


def probed_section(name: str, looked: Looked[Sequence[Probed]], attentions: tuple[Attention, ...]) -> Section:
    """Return the section of some targets."""
    if looked.seen is None:
        return Section(name=name, problem=looked.problem)
    if not looked.seen:
        return Section(name=name, absent=True)
    unknown = [each for each in looked.seen if each.health is Health.UNKNOWN]
    asked = [each for each in looked.seen if each.health is not Health.UNKNOWN]
    failed = [each for each in asked if each.health is Health.FAILED]
    words = _words(asked, failed) if asked else ""
    problem = "; ".join(f"{each.target.name}: {short_reason(each).rstrip('.')}" for each in unknown[:_MOST_NAMED])
    if len(unknown) > _MOST_NAMED:
        problem += f"; {len(unknown) - _MOST_NAMED} more"
    return Section(name=name, words=words, problem=problem, noted=bool(failed), attentions=attentions)


def _words(asked: Sequence[Probed], failed: Sequence[Probed]) -> str:
    words = f"{len(asked) - len(failed)} of {len(asked)} answer"
    if failed:
        return f"{words}; not {in_short([each.target.name for each in failed], _MOST_NAMED)}"
    timed = [each for each in asked if each.took_ms is not None]
    if not timed:
        return words
    slowest = max(timed, key=lambda each: each.took_ms or 0.0)
    named = f" ({slowest.target.name})" if len(timed) > 1 else ""
    return f"{words}, {'the slowest ' if named else ''}in {milliseconds(slowest.took_ms or 0.0)}{named}"


def milliseconds(took_ms: float) -> str:
    """Say a time as people read it: `0.4 ms`, `12 ms`, `2.4 s`."""
    if took_ms >= 1000:
        return f"{took_ms / 1000:.1f} s"
    return f"{took_ms:.0f} ms" if took_ms >= 1 else f"{took_ms:.1f} ms"
