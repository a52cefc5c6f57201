"""kubectl's words -> the command of ours that does what they ask for.

Fingers type `get pods` and `rollout undo deployment/api` at three in the morning. Nothing here is carried out: a
command is suggested, and its person sends it. What has no counterpart here (`exec`, `apply`, `set env`) has none.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

_PODS = frozenset({"po", "pod", "pods"})
_NODES = frozenset({"no", "node", "nodes"})
_WORKLOADS = frozenset(
    {
        *("deploy", "deployment", "deployments", "deployment.apps", "sts", "statefulset", "statefulsets"),
        *("ds", "daemonset", "daemonsets", "rs", "replicaset", "replicasets", "all", "ev", "event", "events"),
    }
)
# What a health check looks at, beside workloads and nodes.
_CHECKED = frozenset(
    {
        *("svc", "service", "services", "ep", "endpoints", "endpointslices", "ing", "ingress", "ingresses"),
        *("hpa", "horizontalpodautoscaler", "horizontalpodautoscalers", "pvc", "persistentvolumeclaims"),
        *("job", "jobs", "cj", "cronjob", "cronjobs", "quota", "resourcequota", "certificate", "certificates"),
        *("backup", "backups"),
    }
)
# Options that take no value; every other one takes the next word, unless its value is attached.
_FLAGS = frozenset(
    {
        *("-f", "--follow", "-p", "--previous", "-A", "--all-namespaces", "-w", "--watch", "--all", "--now"),
        *("--force", "--prefix", "--timestamps", "--all-containers", "--show-labels", "--containers"),
    }
)
_SHORT = {"-n": "--namespace", "-l": "--selector", "-c": "--container", "-p": "--previous"}


@dataclass(frozen=True, slots=True)
class _Said:
    """The words after the verb: those that are no options, and the options by their long names."""

    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The object's name, of `KIND/NAME`, `KIND NAME` or `NAME` alone; else what a label says; else empty."""
        first, *more = self.words or [""]
        kind, slash, name = first.partition("/")
        if slash:
            return name
        if more and kind.lower() in _PODS | _WORKLOADS:
            return more[0]
        label = self.options.get("--selector", "").partition("=")[2].strip("=")
        return label if label and (not first or kind.lower() in _PODS | _WORKLOADS) else first

    @property
    def kind(self) -> str:
        return (self.words[0] if self.words else "").partition("/")[0].lower()


def in_our_words(words: Sequence[str]) -> str:
    """Return our command for what kubectl's words ask for; empty when none of ours does that.

    The words `kubectl` or `k` may stand before them. A namespace that they name goes along.
    """
    given = list(words[1:] if words and words[0].lower() in ("kubectl", "k") else words)
    if not given:
        return ""
    first, second = given[0].lower(), given[1].lower() if len(given) > 1 else ""
    two = f"{first} {second}"
    translate, rest = (_BY_WORD[two], given[2:]) if two in _BY_WORD else (_BY_WORD.get(first), given[1:])
    if translate is None:
        return ""
    said = _read(rest)
    command = translate(said)
    namespace = said.options.get("--namespace", "")
    return shlex.join([*command, *(["-n", namespace] if namespace else [])]) if command else ""


def _read(words: Sequence[str]) -> _Said:
    said, rest = _Said(), list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            said.words.append(word)
            continue
        name, attached, value = word.partition("=")
        if not attached and word not in _FLAGS and rest and not rest[0].startswith("-"):
            value = rest.pop(0)
        said.options[_SHORT.get(name, name)] = value
    return said


def _get(said: _Said) -> list[str]:
    """Return what shows such objects: pods and nodes as lists, one object closely, of all others what is wrong."""
    named = len(said.words) > 1 or "/" in "".join(said.words[:1])
    if not said.words:
        return []
    if said.kind in _PODS:
        label = said.options.get("--selector")
        return _describe(said) if named else ["pods", *([said.name] if label and said.name else [])]
    if named:
        return _describe(said)
    if said.kind in _NODES:
        return ["top", "nodes"]
    if said.kind in _CHECKED:
        return ["health"]
    return ["status"] if said.kind in _WORKLOADS else []


def _describe(said: _Said) -> list[str]:
    named = len(said.words) > 1 or "/" in "".join(said.words[:1])
    if not said.words or (named and said.kind not in _PODS | _NODES | _WORKLOADS | _CHECKED):
        return []
    return ["describe", "/".join(said.words[:2])]


def _logs(said: _Said) -> list[str]:
    kept = [each for each in ("--since", "--tail", "--container") if said.options.get(each)]
    flags = ["--previous"] if "--previous" in said.options else []
    options = [word for each in kept for word in (each, said.options[each])]
    return ["logs", said.name, *flags, *options] if said.name else []


def _top(said: _Said) -> list[str]:
    return ["top", "nodes" if said.kind in _NODES else "pods"]


def _scale(said: _Said) -> list[str]:
    number = said.options.get("--replicas", "")
    return ["scale", said.name, number] if said.name and number else []


def _autoscale(said: _Said) -> list[str]:
    bounds = [(each, said.options[each]) for each in ("--min", "--max") if said.options.get(each)]
    return ["scale", said.name, *(word for pair in bounds for word in pair)] if said.name and bounds else []


def _rollback(said: _Said) -> list[str]:
    to = said.options.get("--to-revision", "")
    return ["rollback", said.name, *(["--to", to] if to and to != "0" else [])] if said.name else []


def _set_image(said: _Said) -> list[str]:
    image = next((word for word in said.words if "=" in word), "")
    container, _, name = image.partition("=")
    return ["set", "image", said.name, name, "--container", container] if name and container else []


def _set_resources(said: _Said) -> list[str]:
    limits = dict(part.partition("=")[::2] for part in said.options.get("--limits", "").split(","))
    for what in ("memory", "cpu"):
        if limits.get(what):
            return ["set", what, said.name, limits[what]]
    return []


def _delete(said: _Said) -> list[str]:
    if said.kind not in _PODS:
        return []
    if "status.phase=failed" in said.options.get("--field-selector", "").lower().replace("==", "="):
        return ["clear", "failed"]
    return ["evict", said.name] if len(said.words) > 1 or "/" in said.words[0] else []


def _of(verb: str) -> Callable[[_Said], list[str]]:
    return lambda said: [verb, said.name] if said.name else []


_BY_WORD: Mapping[str, Callable[[_Said], list[str]]] = {
    "get": _get,
    "list": _get,
    "describe": _describe,
    "events": lambda _: ["status"],
    "logs": _logs,
    "log": _logs,
    "top": _top,
    "scale": _scale,
    "autoscale": _autoscale,
    "rollout undo": _rollback,
    "rollout history": _of("history"),
    "rollout status": _of("status"),
    "rollout restart": _of("restart"),
    "undo": _of("rollback"),
    "set image": _set_image,
    "set resources": _set_resources,
    "delete": _delete,
}
