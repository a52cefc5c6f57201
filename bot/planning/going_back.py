"""Go back to a revision: what changes with it, what does not, and what to know before. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnosis import ago
from bot.diagnosis.stateful import REVISION_LABEL, ordinal
from bot.domain.live import template_of
from bot.domain.plans import Draft, Fact, PlanWords, Refusal
from bot.domain.steps import Rollback
from bot.domain.steps.base import spec_of
from bot.planning.choosing import Choice, asked_for, best
from bot.planning.ground import Ground
from bot.planning.revisions import History, Revision, history_of
from bot.planning.rolling import ON_DELETE, rolling_of
from bot.planning.room import surge_problems
from bot.planning.templates import changes, references
from bot.planning.troubles import MET_BY_EVERY_POD, paused
from bot.planning.words import patience, reverts, rollout_facts, rollout_warnings, symptoms, word_for

_MOST_NAMED = 10


def plan_rollback(ground: Ground, to: int | None) -> Draft | Refusal:
    """Plan to go back to the revision with a number, or to the last that was seen to work."""
    if refused := paused(ground):
        return refused
    history = history_of(ground)
    choice = best(ground, history) if to is None else asked_for(ground, history, to)
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
    # Between two crashes a pod is ready for a moment.
    failing = {name for each in ground.findings if each.code in MET_BY_EVERY_POD for name in each.pods}
    for pod in sorted(ground.index().pods_of(ground.workload), key=ordinal):
        name, held = pod.meta.name, ordinal(pod) < rolling.desired - rolling.moves
        if (pod.is_ready and name not in failing) or held or pod.meta.labels.get(REVISION_LABEL) == chosen.name:
            continue
        yield (
            f"{name} {'does not stay' if pod.is_ready else 'is not'} ready, and the set waits for it before it replaces"
            f" it: the rollback stays stuck until the pod goes. Send evict {name} once the rollback has begun."
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
