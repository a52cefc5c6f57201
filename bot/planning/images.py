"""Give a container another image: which one is meant, what speaks against it, and what it means. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.diagnosis import ago
from bot.domain.live import Json, template_digest, template_of
from bot.domain.objects import Event
from bot.domain.plans import Draft, Fact, PlanWords, Refusal, Risk
from bot.domain.steps import SetImage
from bot.domain.steps.containers import all_containers, with_container, with_image
from bot.domain.text import first_line, listed
from bot.errors import UsageError
from bot.planning.containers import of_container
from bot.planning.ground import Ground
from bot.planning.image_names import ImageName, image_name, meant
from bot.planning.revisions import Revision, fails, history_of, works
from bot.planning.rolling import under_way
from bot.planning.room import surge_problems
from bot.planning.templates import changes
from bot.planning.troubles import paused
from bot.planning.words import patience, reverts, rollout_facts, rollout_warnings, symptoms, word_for

_PULL_FAILED = "IMAGE_PULL_FAILED"
# The kubelet waits up to five minutes between two tries: what failed within twice that may well fail still.
_FRESH = timedelta(minutes=10)


def image_for(said: str, container: Json) -> ImageName:
    """Return the image that a person means for a container. Raises `UsageError` for what is no image's name."""
    present = str(container.get("image", ""))
    try:
        known = image_name(present)
    except ValueError:  # such an image is never pulled, and to set a good one is the remedy
        known = ImageName(present)
    try:
        return meant(said, known)
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def plan_image(ground: Ground, container: Json, image: ImageName, *, said: str = "") -> Draft | Refusal:
    """Plan to give a live container of the target an image; `said` is how the person wrote it."""
    was = str(container.get("image", ""))
    if refused := paused(ground) or _nothing(ground, container, image) or _not_pulled(ground, image):
        return refused
    name, template = str(container.get("name", "")), template_of(ground.live.object)
    wanted = with_container(template, name, with_image(container, str(image)))
    same = history_of(ground).of_digest(template_digest(wanted))
    return Draft(
        verb="set image",
        target=ground.target,
        step=SetImage(
            kind=ground.target.kind,
            template=template_digest(template),
            to_template=template_digest(wanted),
            container=name,
            was=was,
            image=str(image),
        ),
        risk=Risk.HIGH if _is_elsewhere(was, image) or (same is not None and same.bad) else Risk.MEDIUM,
        words=PlanWords(
            title=f"Set the image of {ground.name}{of_container(ground, container)} to {image.short}",
            done=f"{ground.name} has the image {image.short}",
            differences=changes(template, wanted),
            facts=(*_facts(ground, image, said, same), *rollout_facts(ground)),
            warnings=(
                *_warnings(ground, container, image, same),
                *rollout_warnings(ground),
                *surge_problems(ground, wanted),
            ),
            not_undone=("database migrations", "what the new version writes"),
            reverts=reverts(ground.live.object),
        ),
        service=ground.service,
        watch=ground.ref,
        # What is no valid name could not be typed again.
        inverse=f"set image {word_for(ground)} {was} --container {name}" if _named(was) else "",
        symptoms=symptoms(ground),
        lasts_s=patience(ground),
    )


def _nothing(ground: Ground, container: Json, image: ImageName) -> Refusal | None:
    if container.get("image") != str(image):
        return None
    return Refusal(
        reason=f"There is nothing to do: {ground.name}{of_container(ground, container)} has the image {image} already.",
        commands=(Fact(f"restart {word_for(ground)}", "replaces its pods by the same ones"),),
    )


# --- what the registry said -------------------------------------------------------------------------------------------


def _not_pulled(ground: Ground, image: ImageName) -> Refusal | None:
    """Refuse an image that could not be pulled when that was tried last, by any pod of the namespace."""
    reason = f"The image {image} cannot be pulled: pods with it would not start."
    index = ground.index()
    for finding in ground.report.findings:
        if finding.code != _PULL_FAILED:
            continue
        tried = (index.pod_by_name[name] for name in finding.pods if name in index.pod_by_name)
        if any(each.name == finding.container and each.image == str(image) for pod in tried for each in pod.containers):
            return Refusal(reason=reason, facts=(Fact("the last try", f"{finding.target}: {finding.title}"),))
    failed = _last_failure(ground, image)
    if failed is None or ground.now - failed[0] > _FRESH:
        return None
    return Refusal(reason=reason, facts=(Fact("the last try", _failure(failed, ground)),))


def _last_failure(ground: Ground, image: ImageName) -> tuple[datetime, Event] | None:
    """Return the last pull with its time, where it failed; events are kept for an hour."""
    quoted = f'image "{image}"'
    pulls = [
        (each.at, each)
        for each in ground.snapshot.events
        if each.at is not None and each.reason in ("Failed", "Pulled") and quoted in each.message
    ]
    last = max(pulls, key=lambda pull: pull[0], default=None)
    return last if last is not None and last[1].reason == "Failed" else None


def _failure(failed: tuple[datetime, Event], ground: Ground) -> str:
    at, event = failed
    return f"{ago(at, ground.now)}, by {event.about_name}: {first_line(event.message)}"


# --- what to know -----------------------------------------------------------------------------------------------------


def _facts(ground: Ground, image: ImageName, said: str, same: Revision | None) -> Iterator[Fact]:
    if said and said != str(image):
        part = "digest" if image.digest else "tag"
        yield Fact("read as", f"{said} is taken as a {part} of {image.repository}")
    if same is not None:
        speaks = fails(same) or works(same, ground.now)
        yield Fact("revision", f"this is what revision {same.number} ran{f', which {speaks}' if speaks else ''}")
    if going := under_way(ground.target.kind, ground.live.object):
        yield Fact("roll-out", f"one is under way ({going}); this takes its place")


def _is_elsewhere(was: str, image: ImageName) -> bool:
    """Tell whether an image is of another repository than the one before, where that one had a name at all."""
    before = _named(was)
    return before is not None and before.home != image.home


def _named(text: str) -> ImageName | None:
    try:
        return image_name(text)
    except ValueError:
        return None


def _warnings(ground: Ground, container: Json, image: ImageName, same: Revision | None) -> Iterator[str]:
    was = str(container.get("image", ""))
    if _is_elsewhere(was, image):
        yield f"This is another repository: {image.repository}, not {image_name(was).repository}."
    if image.moves:
        yield (
            f"{image.short} names no version: what runs can change whenever a pod is made,"
            " and no rollback brings an earlier one back."
        )
    if "@" in was and not image.digest:
        yield "The present image is pinned by its digest; a tag can be moved to another image."
    if same is not None and same.bad:
        yield f"Revision {same.number} ran exactly this and {fails(same)}: going there is likely to do harm."
    failed = _last_failure(ground, image)
    if failed is not None:
        yield f"The last pull of it failed {_failure(failed, ground)}"
    others = [str(each.get("name")) for each in _sharing(ground, container)]
    if others:
        yield f"{listed(others)} {'has' if len(others) == 1 else 'have'} the present image, too, and will keep it."


def _sharing(ground: Ground, container: Json) -> list[Json]:
    """Return the other containers with the same image: they are usually released together."""
    template = template_of(ground.live.object)
    return [
        each
        for each in all_containers(template)
        if each.get("name") != container.get("name") and each.get("image") == container.get("image")
    ]
