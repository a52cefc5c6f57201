"""Whether what is watched can be: each target is asked once, each credential is there, each file can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Health, Probed, ProbeTarget
from bot.setup.results import Result, fault, ok, warning

_AT_ONCE = 6
_REACH = "Check the address, and that this machine may reach it; what only pods reach is asked from there."


class ProbeDoor(Protocol):
    """Where targets may be asked. Answers within each target's own time, and never raises."""

    async def probe(self, target: ProbeTarget) -> Probed:
        """Ask once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQuestion:
    """What is to be looked at.

    `is_set` tells whether a variable of the environment has a value, `unreadable` why a file cannot be read (empty when
    it can). `at` says where a path below the file's top stands.
    """

    policy: WatchPolicy
    is_set: Callable[[str], bool]
    unreadable: Callable[[str], str]
    at: Callable[..., str]


def check_watch_settings(question: WatchQuestion) -> list[Result]:
    """Say what is wrong with what is watched, as far as this machine alone can tell."""
    return [result for target in question.policy.targets for result in _settings(question, target)]


async def check_targets(door: ProbeDoor, question: WatchQuestion) -> list[Result]:
    """Ask every target whose settings are whole, a few at a time."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def ask(target: ProbeTarget) -> Result:
        async with at_once:
            return _judged(await door.probe(target), _place(question, target, "address"))

    whole = [target for target in question.policy.targets if not _lacks(question, target)]
    return await asyncio.gather(*map(ask, whole))


def _settings(question: WatchQuestion, target: ProbeTarget) -> Iterator[Result]:
    tried = _named(target)
    if target.secret_env and not question.is_set(target.secret_env):
        todo = f"Put its credential into {target.secret_env}, in the environment of ragops."
        where = _place(question, target, "secret_env")
        yield fault(tried, f"the variable {target.secret_env} is not set; it was not asked", todo, where=where)
    if target.ca_file and (why := question.unreadable(target.ca_file)):
        where = _place(question, target, "ca_file")
        yield fault(tried, f"{target.ca_file} cannot be read: {why}; it was not asked", "Mend the path.", where=where)
    if target.slow_s >= target.timeout_s:
        found = (
            f"it is never slow: after {target.timeout_s:g} s it counts as failed, slow is from {target.slow_s:g} s on"
        )
        yield warning(tried, found, where=_place(question, target, "timeout_s"))


def _lacks(question: WatchQuestion, target: ProbeTarget) -> bool:
    """Tell whether a target cannot be asked as it is meant."""
    unset = bool(target.secret_env) and not question.is_set(target.secret_env)
    return unset or (bool(target.ca_file) and bool(question.unreadable(target.ca_file)))


def _judged(probed: Probed, where: str) -> Result:
    tried = _named(probed.target)
    took = f" in {probed.took_ms:.0f} ms" if probed.took_ms is not None else ""
    words = "; ".join(trouble.words.rstrip(".") for trouble in probed.troubles)
    advice = next((trouble.advice for trouble in probed.troubles if trouble.advice), "")
    match probed.health:
        case Health.OK:
            return ok(tried, f"answers{took}{_facts(probed.facts)}", where=where)
        case Health.SLOW:
            return warning(tried, words or f"answers slowly{took}", advice, where=where)
        case Health.DEGRADED:
            return warning(tried, words or f"answers{took}, and is not well", advice, where=where)
        case Health.UNKNOWN:
            return warning(tried, words or "cannot be told", advice, where=where)
        case Health.FAILED:
            return fault(tried, words or "does not answer", advice or _REACH, where=where)


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    return "".join(f", {label} {value}" for label, value in facts[:3])


def _named(target: ProbeTarget) -> str:
    if _is_health_url(target):
        return f"health URL of {target.name}, {target.address}"
    return f"dependency {target.name}, {target.kind} at {target.address}"


def _is_health_url(target: ProbeTarget) -> bool:
    return not target.is_dependency and target.name == target.service


_HEALTH_KEYS = {
    "address": "health_url",
    "secret_env": "health_token_env",
    "ca_file": "health_ca_file",
    "timeout_s": "health_timeout_s",
}


def _place(question: WatchQuestion, target: ProbeTarget, key: str) -> str:
    """Return the line of a key of a target; its table's where it is left out."""
    if _is_health_url(target):
        return question.at("services", target.name, _HEALTH_KEYS[key])
    return question.at("dependencies", target.name, key)
