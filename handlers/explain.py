"""`explain`: what a finding's code means, how it is recognised, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.diagnosis import Code, all_codes
from bot.domain.actions import Query, Setting, argument
from bot.domain.people import Permission
from bot.domain.text import suggest
from bot.domain.view import Headline, Paragraph, View, bold, line
from bot.errors import UsageError
from bot.ports import Sources

MOST_MEANT = 5
SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Params:
    """The code to explain."""

    code: str = argument("a finding's code, such as CRASH_LOOP")


async def observe(params: Params, sources: Sources) -> Code:
    codes = {code.name: code for code in all_codes()}
    wanted = params.code.upper().replace("-", "_")
    if wanted not in codes:
        near = _meant(params.code, codes)
        raise UsageError(f'There is no finding "{params.code}".', suggestions=[f"explain {name}" for name in near])
    return codes[wanted]


def _meant(word: str, codes: Mapping[str, Code]) -> list[str]:
    """Return the names that are near to a word, and the codes that are known by it: `ImagePullBackOff`."""
    near = [name.upper() for name in suggest(word.lower().replace("-", "_"), [name.lower() for name in codes])]
    told = [name for name, code in codes.items() if len(word) >= SHORTEST and word.lower() in code.recognised.lower()]
    both = [name for name in near if name in told]
    return list(dict.fromkeys([*both, *told, *near]))[:MOST_MEANT]


def render(params: Params, seen: Code, setting: Setting) -> View:
    told = (("Recognised: ", seen.recognised), ("What to do: ", seen.remedy))
    lines = tuple(line(bold(label), text) for label, text in told if text)
    return View(
        f"{seen.name}: {seen.meaning}",
        (Headline(seen.name), Paragraph((line(seen.meaning), *lines))),
        data={
            "code": seen.name,
            "meaning": seen.meaning,
            "recognised": seen.recognised,
            "remedy": seen.remedy,
            "playbook": seen.playbook,
        },
    )


ACTION = Query(
    name="explain",
    summary="Say what a finding's code means and what to do",
    params=Params,
    permission=Permission.READ,
    observe=observe,
    render=render,
    examples=(("explain CRASH_LOOP", "one code"),),
)
