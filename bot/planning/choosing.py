"""To which revision a workload goes back, and on what that choice rests. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.diagnosis import duration
from bot.domain.plans import Fact, Refusal, Risk
from bot.domain.steps.base import spec_of
from bot.domain.text import listed
from bot.planning.ground import Ground
from bot.planning.revisions import History, Revision, fails, works
from bot.planning.words import word_for

_MOST_NAMED = 10
_NEVER = datetime.min.replace(tzinfo=UTC)
# What was seen to work for less than this may have broken later.
_LONG_MIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The revision to go back to. `basis` says on what the choice rests; `why_not` why it is not the one before."""

    revision: Revision
    basis: str
    why_not: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    risk: Risk = Risk.MEDIUM


def best(ground: Ground, history: History) -> Choice | Refusal:
    """Choose the last that was seen to work; else one whose pods are ready now; else the one before by its number."""
    real = [each for each in history.others if each.content != history.content]
    if not real:
        return _only_restarts(ground, history)
    fit = [each for each in real if not each.bad]
    if not fit:
        return _nothing_better(ground, real)
    proven = sorted(fit, key=_last_worked, reverse=True) if any(each.worked for each in fit) else []
    chosen = (proven or [each for each in fit if each.ready] or fit)[0]
    speaks = works(chosen, ground.now)
    if proven:
        basis = f"revision {chosen.number} {speaks}"
    elif speaks:
        basis = f"revision {chosen.number} {speaks}; {_silence(ground)}"
    else:
        basis = f"not known: {_silence(ground)}; revision {chosen.number} is the one before, and no more is known of it"
    return Choice(
        revision=chosen,
        basis=basis,
        why_not=tuple(_why_not(history, chosen)),
        warnings=tuple(_weak(chosen, speaks, proven[1:])),
    )


def _last_worked(revision: Revision) -> datetime:
    return _NEVER if revision.worked is None else revision.worked.last_at


def _weak(chosen: Revision, speaks: str, others: Sequence[Revision]) -> Iterator[str]:
    """Warn of a choice that little speaks for."""
    number = chosen.number
    if not speaks:
        yield f"Whether revision {number} works is not known: its number alone speaks for it."
    if chosen.worked is None or chosen.worked.minutes >= _LONG_MIN:
        return
    longer = [each for each in others if each.worked is not None and each.worked.minutes >= _LONG_MIN]
    beside = f"; revision {longer[0].number} was for {_minutes(longer[0])}" if longer else ""
    yield f"Revision {number} was seen to work for {_minutes(chosen)} only{beside}."


def _minutes(revision: Revision) -> str:
    return duration(60 * revision.worked.minutes) if revision.worked is not None else ""


def asked_for(ground: Ground, history: History, number: int) -> Choice | Refusal:
    """Take exactly the revision that was named."""
    if not history.all:
        return _no_history(ground)
    found = [each for each in history.all if each.number == number]
    if not found:
        return _unknown(ground, history, number)
    if len(found) > 1:
        names = listed([each.name for each in found])
        return Refusal(reason=f"Two revisions are numbered {number} at this moment ({names}): ask again in a minute.")
    (chosen,) = found
    if chosen.digest == history.digest:
        return Refusal(reason=f"There is nothing to do: {ground.name} is at revision {number} already.")
    return judged(ground, history, chosen)


def judged(ground: Ground, history: History, chosen: Revision) -> Choice:
    """Take a revision that somebody decided on, with what speaks against it."""
    number, warnings = chosen.number, []
    if speaks := fails(chosen):
        warnings.append(f"Revision {number} {speaks}{_beside(history, chosen)}: going there is likely to do harm.")
    if chosen.content == history.content:
        warnings.append(f"Revision {number} differs from what runs now by a restart alone: its pods are only replaced.")
    speaks = fails(chosen) or works(chosen, ground.now)
    return Choice(
        revision=chosen,
        basis=f"revision {number} {speaks}" if speaks else f"not known: {_silence(ground)}",
        warnings=tuple(warnings),
        risk=Risk.HIGH if chosen.bad else Risk.MEDIUM,
    )


def _beside(history: History, chosen: Revision) -> str:
    """Name the revisions that were seen to work, beside one that was not."""
    others = [str(each.number) for each in history.all if each.worked is not None]
    if not chosen.unproven or not others:
        return ""
    return f", while revisions {listed(others)} were" if len(others) > 1 else f", while revision {others[0]} was"


def _why_not(history: History, chosen: Revision) -> Iterator[Fact]:
    """Say why the choice is not the one that is simply the last before the present one."""
    before = next((each for each in history.all[1:2] if each is not history.present), None)
    if before is None or before.number == chosen.number:
        return
    label = f"not revision {before.number}"
    if speaks := fails(before):
        yield Fact(label, f"it {speaks}")
    elif before.content == history.content:
        yield Fact(label, "it differs from what runs now by a restart alone")
    elif before.content == chosen.content:
        yield Fact(label, f"it was only a restart of revision {chosen.number}")
    elif before.worked is not None:
        yield Fact(label, f"revision {chosen.number} was seen to work later")
    elif any(each.worked is not None for each in history.all):
        yield Fact(label, "it was not seen to work for a minute without a problem")
    else:
        yield Fact(label, "nothing is known of how it ran")


def _silence(ground: Ground) -> str:
    if ground.record_problem:
        return f"what worked before could not be read ({ground.record_problem})"
    return "no earlier revision was seen at work by ragops yet"


# --- refusals ---------------------------------------------------------------------------------------------------------


def _no_history(ground: Ground) -> Refusal:
    limit = spec_of(ground.live.object).get("revisionHistoryLimit")
    facts = (Fact("history", "its revisionHistoryLimit is 0: no revision is kept"),) if limit == 0 else ()
    return Refusal(reason=f"There is no revision of {ground.name} to go back to.", facts=facts)


def _only_restarts(ground: Ground, history: History) -> Refusal:
    if not history.others:
        return _no_history(ground)
    return Refusal(
        reason=f"There is no other version of {ground.name} to go back to: its revisions differ by restarts alone.",
        facts=(Fact("revisions", _numbers(history)),),
        commands=(Fact(f"restart {word_for(ground)}", "replaces its pods by the same ones"),),
    )


def _nothing_better(ground: Ground, real: Sequence[Revision]) -> Refusal:
    word = word_for(ground)
    return Refusal(
        reason=f"No other revision of {ground.name} is known to be better, so there is none to go back to.",
        facts=tuple(Fact(f"revision {each.number}", fails(each)) for each in real[:_MOST_NAMED]),
        commands=tuple(
            Fact(f"rollback {word} --to {each.number}", "goes there all the same, as a change of high risk")
            for each in real[:1]
        ),
    )


def _unknown(ground: Ground, history: History, number: int) -> Refusal:
    word = word_for(ground)
    again = next((each for each in history.all if number in each.former), None)
    if again is not None:
        runs = ", and it is what runs" if again.digest == history.digest else ""
        offer = (Fact(f"rollback {word} --to {again.number}", "goes to the same revision"),) if not runs else ()
        return Refusal(
            reason=f"Revision {number} of {ground.name} was used again: its number is {again.number} now{runs}.",
            commands=offer,
        )
    kept = ground.target.kind == "Deployment"
    return Refusal(
        reason=f"{ground.name} has no revision {number}.",
        facts=(Fact("revisions", _numbers(history)),),
        commands=(Fact(f"history {word}", "shows what each of them ran"),) if kept else (),
    )


def _numbers(history: History) -> str:
    found = [f"{each.number}{' (now)' if each is history.present else ''}" for each in history.all]
    return ", ".join(found[:_MOST_NAMED])
