"""To which revision a workload goes back, on what that choice rests, and what it means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.diagnosis import ago
from bot.diagnosis.stateful import REVISION_LABEL, ordinal
from bot.domain.live import template_of
from bot.domain.plans import Draft, Fact, PlanWords, Refusal, Risk
from bot.domain.steps import Rollback
from bot.domain.steps.base import spec_of
from bot.domain.text import listed
from bot.planning.ground import Ground
from bot.planning.revisions import History, Revision, fails, history_of, works
from bot.planning.rolling import ON_DELETE, rolling_of
from bot.planning.room import surge_problems
from bot.planning.templates import changes, references
from bot.planning.troubles import paused
from bot.planning.words import patience, reverts, rollout_facts, rollout_warnings, symptoms, word_for

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The revision to go back to. `basis` says on what the choice rests; `why_not` why it is not the one before."""

    revision: Revision
    basis: str
    why_not: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    risk: Risk = Risk.MEDIUM


def plan_rollback(ground: Ground, to: int | None) -> Draft | Refusal:
    """Plan to go back to the revision with a number, or to the last that was seen to work."""
    if refused := paused(ground):
        return refused
    history = history_of(ground)
    if not history.all:
        return _no_history(ground)
    choice = _best(ground, history) if to is None else _asked_for(ground, history, to)
    return choice if isinstance(choice, Refusal) else draft_of(ground, history, choice)


def draft_of(ground: Ground, history: History, choice: Choice) -> Draft:
    """Return the plan that goes back to a chosen revision."""
    chosen, present = choice.revision, history.present
    word = word_for(ground)
    return Draft(
        verb="rollback",
        target=ground.target,
        step=Rollback(
            kind=ground.target.kind,
            template=history.digest,
            revision=chosen.number,
            revision_name=chosen.name,
            revision_uid=chosen.uid,
            to_template=chosen.digest,
        ),
        risk=choice.risk,
        words=PlanWords(
            title=f"Roll back {ground.name} to revision {chosen.number}",
            done=f"{ground.name} is at revision {chosen.number} again",
            differences=changes(template_of(ground.live.object), chosen.template),
            facts=(*_facts(ground, history, choice), *rollout_facts(ground)),
            warnings=(
                *choice.warnings,
                *_stuck(ground, chosen),
                *rollout_warnings(ground),
                *surge_problems(ground, chosen.template),
            ),
            not_undone=tuple(_not_undone(ground, chosen)),
            reverts=reverts(ground.live.object),
        ),
        service=ground.service,
        watch=ground.ref,
        inverse="" if present is None else f"rollback {word} --to {present.number}",
        symptoms=symptoms(ground),
        lasts_s=patience(ground),
    )


# --- the choice -------------------------------------------------------------------------------------------------------


def _best(ground: Ground, history: History) -> Choice | Refusal:
    """Choose the last that was seen to work; else one whose pods are ready now; else the one before by its number."""
    real = [each for each in history.others if each.content != history.content]
    if not real:
        return _only_restarts(ground, history)
    fit = [each for each in real if not each.bad]
    if not fit:
        return _nothing_better(ground, real)
    proven = [(each.worked.last_at, each.number, each) for each in fit if each.worked is not None]
    serving = [each for each in fit if each.ready]
    chosen = max(proven)[2] if proven else (serving or fit)[0]
    speaks = works(chosen, ground.now)
    warnings: tuple[str, ...] = ()
    if proven:
        basis = f"revision {chosen.number} {speaks}"
    elif speaks:
        basis = f"revision {chosen.number} {speaks}; {_silence(ground)}"
    else:
        basis = f"not known: {_silence(ground)}; revision {chosen.number} is the one before, and no more is known of it"
        warnings = (f"Whether revision {chosen.number} works is not known: its number alone speaks for it.",)
    return Choice(revision=chosen, basis=basis, why_not=tuple(_why_not(history, chosen)), warnings=warnings)


def _asked_for(ground: Ground, history: History, number: int) -> Choice | Refusal:
    """Take exactly the revision that was named."""
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
    return "none of the revisions before was ever seen to work"


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


# --- facts ------------------------------------------------------------------------------------------------------------


def _facts(ground: Ground, history: History, choice: Choice) -> Iterator[Fact]:
    chosen, present = choice.revision, history.present
    yield Fact("works?", choice.basis)
    yield from choice.why_not
    made = [each for each in (present, chosen) if each is not None and each.created_at is not None]
    if made:
        words = [f"revision {each.number} was first made {ago(each.created_at, ground.now)}" for each in made]
        yield Fact("age", ", ".join(words))
    if not ground.findings:
        yield Fact("now", f"nothing is known to be wrong with {ground.name}")
    if present is not None:
        number = history.all[0].number + 1
        back = f"; revision {present.number} keeps its number"
        yield Fact("numbers", f"revision {chosen.number} will have the number {number} then{back}")


def _stuck(ground: Ground, chosen: Revision) -> Iterator[str]:
    """Warn of the pods that an ordered StatefulSet will not replace: it waits until each is ready before it does."""
    spec = spec_of(ground.live.object)
    if ground.target.kind != "StatefulSet" or spec.get("podManagementPolicy", "OrderedReady") != "OrderedReady":
        return
    rolling = rolling_of(ground.target.kind, ground.live.object)
    if rolling.strategy == ON_DELETE:
        return
    for pod in sorted(ground.index().pods_of(ground.workload), key=ordinal):
        held = ordinal(pod) < rolling.desired - rolling.moves
        if pod.is_ready or held or pod.meta.labels.get(REVISION_LABEL) == chosen.name:
            continue
        yield (
            f"{pod.meta.name} is not ready, and the set waits for it before it replaces it: the rollback stays stuck"
            f" until the pod goes. Send evict {pod.meta.name} once the rollback has begun."
        )


def _not_undone(ground: Ground, chosen: Revision) -> Iterator[str]:
    named = references(chosen.template)
    which = f" ({', '.join(named[:_MOST_NAMED])})" if named else ""
    yield f"what config maps and secrets contain{which}"
    yield "database migrations"
    if ground.target.kind != "DaemonSet":
        yield "the number of pods"
    scalers = ground.index().autoscalers_of(ground.workload)
    if scalers:
        yield f"the bounds of the autoscaler {scalers[0].meta.name}"
