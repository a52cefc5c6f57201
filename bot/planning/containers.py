"""Which container of a workload is meant. Pure."""

from __future__ import annotations

from bot.domain.live import Json, annotations_of, template_of
from bot.domain.steps.containers import all_containers
from bot.domain.text import listed, suggest
from bot.errors import UsageError
from bot.planning.ground import Ground

_DEFAULT = "kubectl.kubernetes.io/default-container"


def container_for(ground: Ground, said: str) -> Json:
    """Return the container that is named, else the only one, the catalogue's, or the one that is marked as the default.

    Init containers and sidecars are found by their name alone. Raises `UsageError` with the names there are.
    """
    template = template_of(ground.live.object)
    known = {str(each.get("name", "")): each for each in all_containers(template)}
    if said:
        if said in known:
            return known[said]
        near = suggest(said, known) or tuple(known)
        raise UsageError(
            f'{ground.name} has no container "{said}". It has: {", ".join(known)}.',
            suggestions=[_with_last(ground.said, said, name) for name in near],
        )
    regular = [str(each.get("name", "")) for each in (template.get("spec") or {}).get("containers") or ()]
    entry = ground.catalogue.entries.get(ground.service)
    marked = (entry.container if entry else "", annotations_of(template).get(_DEFAULT, ""))
    chosen = next((name for name in marked if name in regular), regular[0] if len(regular) == 1 else "")
    if chosen:
        return known[chosen]
    raise UsageError(
        f"{ground.name} has {len(regular)} containers, {listed(regular)}: name one with --container.",
        suggestions=[f"{ground.said} --container {name}" for name in regular],
    )


def _with_last(command: str, word: str, other: str) -> str:
    """Return a command with the last such word replaced: a workload may be called like its container."""
    words = command.split()
    if word not in words:
        return f"{command} --container {other}"
    at = len(words) - 1 - words[::-1].index(word)
    return " ".join([*words[:at], other, *words[at + 1 :]])


def of_container(ground: Ground, container: Json) -> str:
    """Return the words that name a container where the workload has several: ` (container api)`."""
    several = len(all_containers(template_of(ground.live.object))) > 1
    return f" (container {container.get('name')})" if several else ""
