"""Undo a request: plan today, by the planners of the verbs, what brings back what it found. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.diagnosis import ago
from bot.domain.live import Live
from bot.domain.operations import Effect, Operation, Resolution, State
from bot.domain.plans import Draft, Fact, Refusal
from bot.domain.steps import ClearFailed, Evict, Restart, Rollback, Scale, SetBounds, SetImage, SetResources, Standing
from bot.domain.steps.containers import place_of
from bot.domain.text import listed
from bot.planning.choosing import judged
from bot.planning.going_back import draft_of
from bot.planning.ground import Ground
from bot.planning.image_names import image_name
from bot.planning.images import plan_image
from bot.planning.resources import plan_resources
from bot.planning.revisions import history_of
from bot.planning.sizes import Size, plan_size
from bot.planning.troubles import paused
from bot.planning.words import word_for

_SHORT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """A request that is to be undone, its target as it is now, and what that stands on.

    `autoscalers` are those of the workload, as they are now.
    """

    operation: Operation
    ground: Ground
    live: Live
    autoscalers: tuple[Live, ...] = ()


def beyond(operation: Operation) -> Refusal | None:
    """Refuse to undo what had no effect, has not ended, or cannot be undone by anything; None for all else."""
    name = f"Request {operation.id[:_SHORT]}"
    if not operation.state.final:
        return Refusal(reason=f"{name} has not ended yet: it can be undone once it has.")
    if operation.resolution is Resolution.UNDONE:
        return Refusal(reason=f"{name} was undone by hand already.")
    if operation.state is State.UNKNOWN and operation.resolution is None:
        return Refusal(
            reason=f"{name} ended in doubt: before it can be undone, somebody has to look whether it happened.",
            commands=(Fact(f"resolve {operation.id[:_SHORT]} happened", "puts on record that it did"),),
        )
    if operation.effect is not Effect.APPLIED and operation.resolution is not Resolution.HAPPENED:
        return Refusal(reason=f"There is nothing to undo: {name[:1].lower()}{name[1:]} changed nothing.")
    match operation.plan.draft.step:
        case Restart() | Evict():
            return Refusal(reason=f"{name} cannot be undone: the pods of before are gone, and new ones do their work.")
        case ClearFailed():
            return Refusal(reason=f"{name} cannot be undone: pods that were deleted do not come back.")
        case _:
            return None


def plan_undoing(undoing: Undoing) -> Draft | Refusal:
    """Plan what brings back what the request found, if nothing has changed since."""
    operation, was = undoing.operation, undoing.operation.plan.draft
    refused = beyond(operation) or _moved_on(undoing)
    planned = refused or _inverse(undoing)
    if isinstance(planned, Refusal):
        return planned
    ended = ago(operation.ended_at, undoing.ground.now)
    warnings = planned.words.warnings
    if was.symptoms:
        titles = listed([each.title for each in was.symptoms])
        warnings = (f"Before that request this was wrong, and may come back: {titles}.", *warnings)
    words = replace(
        planned.words,
        title=f"{planned.words.title} (undoes request {operation.id[:_SHORT]})",
        facts=(Fact("undoes", f"{was.words.title}, {ended}"), *planned.words.facts),
        warnings=warnings,
    )
    return replace(planned, words=words)


def _moved_on(undoing: Undoing) -> Refusal | None:
    """Refuse where the target is not as the request left it."""
    operation, draft = undoing.operation, undoing.operation.plan.draft
    name, look = undoing.ground.name, (Fact(f"status {word_for(undoing.ground)}", "shows how it stands"),)
    if undoing.live.uid != draft.target.uid:
        reason = f"{draft.target.ref} was made anew since: it is not what request {operation.id[:_SHORT]} changed."
        return Refusal(reason=reason, commands=look)
    compared = draft.step.compare(undoing.live, operation.plan.stamp(operation.id, ()))
    match compared.standing:
        case Standing.TO:
            return None
        case Standing.FROM:
            return Refusal(reason=f"There is nothing to undo: {name} is as it was before already.", commands=look)
        case Standing.OTHER:
            return Refusal(
                reason=f"{name} was changed since: {compared.difference}. To undo the request would undo that, too.",
                commands=look,
            )


def _inverse(undoing: Undoing) -> Draft | Refusal:
    ground = undoing.ground
    match undoing.operation.plan.draft.step:
        case Rollback() as step:
            return _revision_before(ground, step)
        case SetImage() as step:
            return _image_before(ground, step)
        case SetResources() as step:
            _, container = place_of(ground.live.object, step.container)
            return plan_resources(ground, step.resource, container, step.limit_was, step.request_was)
        case Scale() as step:
            return _number_before(undoing, step)
        case SetBounds() as step:
            size = Size(minimum=step.minimum_was, maximum=step.maximum_was)
            return plan_size(ground, undoing.autoscalers, size)
        case other:
            raise ValueError(f"a {type(other).__name__} has no inverse, which was refused before")


def _revision_before(ground: Ground, step: Rollback) -> Draft | Refusal:
    if refused := paused(ground):
        return refused
    history = history_of(ground)
    before = history.of_digest(step.template)
    if before is None:
        return Refusal(reason=f"What {ground.name} ran before is not kept any more, so nothing can bring it back.")
    return draft_of(ground, history, judged(ground, history, before))


def _number_before(undoing: Undoing, step: Scale) -> Draft | Refusal:
    ground = undoing.ground
    if undoing.autoscalers:
        return Refusal(
            reason=f"An autoscaler sets the number of pods of {ground.name} now and would undo this.",
            commands=(Fact(f"scale {word_for(ground)} {step.was}", "moves its bounds instead"),),
        )
    return plan_size(ground, (), Size(replicas=step.was))


def _image_before(ground: Ground, step: SetImage) -> Draft | Refusal:
    try:
        image = image_name(step.was)
    except ValueError as error:
        return Refusal(reason=f"The image of before cannot be set again: {error}.")
    _, container = place_of(ground.live.object, step.container)
    return plan_image(ground, container, image)
