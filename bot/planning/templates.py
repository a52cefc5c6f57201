"""How two pod templates differ, for people: what is known is told in words, all else by the name of its field. Pure.

Values of variables are never shown, only their names and what they are read from. Nothing that differs is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bot.domain.live import RESTARTED, Json, bare, template_digest, without_nulls
from bot.domain.plans import Difference
from bot.domain.steps.containers import all_containers
from bot.planning.image_names import image_name
from bot.redaction import redact

MOST = 16
_LONGEST = 100
_PROBES = {"readinessProbe": "readiness probe", "livenessProbe": "liveness probe", "startupProbe": "startup probe"}
_TOLD = frozenset({"name", "image", "env", "envFrom", "resources", "ports", "command", "args", *_PROBES})
_SOURCES = {
    "secretKeyRef": ("secret", "key"),
    "configMapKeyRef": ("config map", "key"),
    "fieldRef": ("field", "fieldPath"),
    "resourceFieldRef": ("resource", "resource"),
}


def changes(before: Json, after: Json) -> tuple[Difference, ...]:
    """Return what differs from one template to another; beyond the first few, how many more there are."""
    before, after = without_nulls(bare(before)), without_nulls(bare(after))
    found = [*_containers(before, after), *_pods(before, after)]
    if not found and before != after:
        found = [_only_the_rest(before, after)]
    shown = [Difference(_shown(each.label), _shown(each.before), _shown(each.after)) for each in found]
    more = len(shown) - MOST
    return tuple(shown) if more <= 1 else (*shown[:MOST], Difference("more", "", f"{more} more differences"))


def content_digest(template: Json) -> str:
    """Return the digest of a template without the mark of a restart: what is equal then would run the same."""
    meta = dict(template.get("metadata") or {})
    rest = {name: value for name, value in (meta.get("annotations") or {}).items() if name != RESTARTED}
    meta.pop("annotations", None)
    return template_digest({**template, "metadata": {**meta, **({"annotations": rest} if rest else {})}})


def references(template: Json) -> tuple[str, ...]:
    """Name the config maps and secrets that a template's variables and volumes are read from: `secret db`."""
    found: dict[str, None] = {}
    for container in all_containers(template):
        for variable in container.get("env") or ():
            source = variable.get("valueFrom") or {}
            found |= {f"{_SOURCES[kind][0]} {each.get('name', '')}": None for kind, each in source.items()
                      if kind in ("secretKeyRef", "configMapKeyRef")}  # fmt: skip
        found |= {words: None for whole in container.get("envFrom") or () if (words := _whole(whole))}
    for volume in (template.get("spec") or {}).get("volumes") or ():
        if words := _volume_source(volume):
            found[words] = None
    return tuple(map(_shown, found))


def _only_the_rest(before: Json, after: Json) -> Difference:
    if content_digest(before) == content_digest(after):
        return Difference("restart", "", "only the time of a restart by hand")
    return Difference("order", "", "only the order of some entries")


# --- containers -------------------------------------------------------------------------------------------------------


def _containers(before: Json, after: Json) -> Iterator[Difference]:
    old = {str(each.get("name")): each for each in all_containers(before)}
    new = {str(each.get("name")): each for each in all_containers(after)}
    several = len(old | new) > 1
    for name in dict.fromkeys([*old, *new]):
        if name not in new or name not in old:
            yield Difference(f"container {name}", *(_image(each.get(name)) for each in (old, new)))
            continue
        for found in _container(old[name], new[name]):
            yield Difference(f"{found.label} of {name}", found.before, found.after) if several else found
    for kind, label in (("containers", "containers"), ("initContainers", "init containers")):
        both = [{each.get("name") for each in (side.get("spec") or {}).get(kind) or ()} for side in (before, after)]
        if both[0] != both[1] and old.keys() == new.keys():
            yield Difference(label, *(", ".join(sorted(map(str, names))) for names in both))


def _container(old: Json, new: Json) -> Iterator[Difference]:
    yield from _image_change(str(old.get("image", "")), str(new.get("image", "")))
    yield from _variables(old.get("env") or (), new.get("env") or ())
    yield from _told("variables from", old.get("envFrom"), new.get("envFrom"), _wholes)
    yield from _resources(old.get("resources") or {}, new.get("resources") or {})
    for field, label in _PROBES.items():
        yield from _told(label, old.get(field), new.get(field), _probe)
    yield from _told("ports", old.get("ports"), new.get("ports"), _ports)
    yield from _told("command", old.get("command"), new.get("command"), _command)
    yield from _told("arguments", old.get("args"), new.get("args"), _command)
    yield from _others(old, new, _TOLD)


def _image(container: Json | None) -> str:
    return "" if container is None else str(container.get("image", ""))


def _image_change(old: str, new: str) -> Iterator[Difference]:
    if old == new:
        return
    try:
        before, after = image_name(old), image_name(new)
    except ValueError:
        yield Difference("image", old, new)
        return
    same = before.repository == after.repository
    yield Difference("image", before.short, after.short) if same else Difference("image", old, new)


def _variables(old: Iterable[Json], new: Iterable[Json]) -> Iterator[Difference]:
    before = {str(each.get("name")): each for each in old}
    after = {str(each.get("name")): each for each in new}
    for name in dict.fromkeys([*before, *after]):
        was, will = before.get(name), after.get(name)
        if was == will:
            continue
        words = _variable(was), _variable(will)
        yield Difference(f"env {name}", words[0], words[1] if words[0] != words[1] else f"another {words[1]}")


def _variable(variable: Json | None) -> str:
    """Say what a variable is set to, without its value; empty when it is not set at all."""
    if variable is None:
        return ""
    for kind, source in (variable.get("valueFrom") or {}).items():
        word, key = _SOURCES.get(kind, (kind, "key"))
        place = " ".join(str(source[part]) for part in ("name", "containerName") if source.get(part))
        return f"from {word} {', key '.join(filter(None, (place, str(source.get(key, '')))))}"
    return "value"


def _wholes(sources: Iterable[Json]) -> str:
    return ", ".join(filter(None, map(_whole, sources)))


def _whole(source: Json) -> str:
    for kind, word in (("secretRef", "secret"), ("configMapRef", "config map")):
        if kind in source:
            prefix = f" as {source['prefix']}…" if source.get("prefix") else ""
            return f"{word} {source[kind].get('name', '')}{prefix}"
    return ""


def _resources(old: Json, new: Json) -> Iterator[Difference]:
    for field, word in (("limits", "limit"), ("requests", "request")):
        before, after = old.get(field) or {}, new.get(field) or {}
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield Difference(f"{name} {word}", str(before.get(name, "")), str(after.get(name, "")))
    if old.get("claims") != new.get("claims"):
        yield Difference("resource claims", "", "other ones")


def _probe(probe: Json) -> str:
    patience = (
        f"every {probe.get('periodSeconds', 10)} s, {probe.get('timeoutSeconds', 1)} s to answer,"
        f" {probe.get('failureThreshold', 3)} times"
    )
    delay = probe.get("initialDelaySeconds")
    return f"{_asked(probe)} {patience}{f', first after {delay} s' if delay else ''}"


def _asked(probe: Json) -> str:
    if get := probe.get("httpGet"):
        return f"GET :{get.get('port')}{get.get('path', '/')}"
    if socket := probe.get("tcpSocket"):
        return f"tcp :{socket.get('port')}"
    if call := probe.get("grpc"):
        return f"grpc :{call.get('port')}"
    return "a command"


def _ports(ports: Iterable[Json]) -> str:
    return ", ".join(":".join(str(one[part]) for part in ("name", "containerPort") if part in one) for one in ports)


def _command(words: Iterable[str]) -> str:
    return " ".join(words)


# --- the pod ----------------------------------------------------------------------------------------------------------


def _pods(before: Json, after: Json) -> Iterator[Difference]:
    old, new = before.get("metadata") or {}, after.get("metadata") or {}
    yield from _names("label", old.get("labels") or {}, new.get("labels") or {}, str)
    yield from _names("annotation", _notes(old), _notes(new), lambda _: "value")
    old, new = before.get("spec") or {}, after.get("spec") or {}
    yield from _names("volume", _volumes(old), _volumes(new), _volume)
    yield from _others(old, new, frozenset({"containers", "initContainers", "volumes"}))


def _notes(meta: Json) -> Json:
    return {name: value for name, value in (meta.get("annotations") or {}).items() if name != RESTARTED}


def _volumes(spec: Json) -> Json:
    return {str(each.get("name")): each for each in spec.get("volumes") or ()}


def _names(
    label: str, old: Mapping[str, Any], new: Mapping[str, Any], words: Callable[[Any], str]
) -> Iterator[Difference]:
    for name in sorted(old.keys() | new.keys()):
        yield from _told(f"{label} {name}", old.get(name), new.get(name), words)


def _volume_source(volume: Json) -> str:
    if secret := volume.get("secret"):
        return f"secret {secret.get('secretName', '')}"
    if settings := volume.get("configMap"):
        return f"config map {settings.get('name', '')}"
    return ""


def _volume(volume: Json) -> str:
    if source := _volume_source(volume):
        return source
    if claim := volume.get("persistentVolumeClaim"):
        return f"claim {claim.get('claimName', '')}"
    return next((kind for kind in volume if kind != "name"), "a volume")


# --- what both have ---------------------------------------------------------------------------------------------------


def _told(label: str, old: Any, new: Any, words: Callable[[Any], str]) -> Iterator[Difference]:
    """Give one difference in words; what the words do not show is said to differ all the same."""
    if old == new:
        return
    before, after = ("" if each is None else words(each) or "some" for each in (old, new))
    yield Difference(label, before, after if before != after else f"{after}, with other details")


def _others(old: Json, new: Json, told: frozenset[str]) -> Iterator[Difference]:
    """Give what else differs, by the API's names: plain values as they are, of all others only that they differ."""
    for field in sorted((old.keys() | new.keys()) - told):
        yield from _told(field, old.get(field), new.get(field), _plainly)


def _plainly(value: Any) -> str:
    if isinstance(value, dict | list):
        return "some"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(text: str) -> str:
    masked = redact(text)
    return masked if len(masked) <= _LONGEST else f"{masked[: _LONGEST - 1]}…"
