"""Why a pod was refused when it was to be created: the words of admission, taken apart.

Each retry names a new pod, so only what follows `is forbidden: ` is compared. Source of the sentences: the admission
plug-ins of Kubernetes 1.34 (resourcequota, limitranger, serviceaccount, priority, podsecurity, webhook, policy).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.text import Redacted, first_line


class Refused(StrEnum):
    """What refused a pod."""

    QUOTA = "quota"
    QUOTA_NEEDS_VALUES = "quota needs values"
    LIMIT_RANGE = "limit range"
    SERVICE_ACCOUNT = "service account"
    PRIORITY_CLASS = "priority class"
    POD_SECURITY = "pod security"
    POLICY = "policy"
    WEBHOOK_BROKEN = "webhook broken"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal: who refused, its name where it has one, what it says in short, and its own words."""

    kind: Refused
    summary: str
    words: Redacted
    name: str = ""


_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,\s]+), requested: (?P<asked>.+?), used: (?P<used>.+?), limited: (?P<limit>\S+)"
)
_NEEDS = re.compile(r"failed quota: (?P<name>[^:\s]+): must specify (?P<what>.+)", re.DOTALL)
_OF_CONTAINER = re.compile(r" for: ([^;]+)")
_LIMIT_RANGE = re.compile(
    r"(?:maximum|minimum) [\w./-]+(?: \w+)? usage per \w+ is [^,]+, but .+|[\w./-]+ max limit to request ratio per .+",
    re.DOTALL,
)
_SERVICE_ACCOUNT = re.compile(
    r'serviceaccount "(?P<name>[^"]+)" not found|service account (?P<other>\S+) was not found'
)
_PRIORITY_CLASS = re.compile(r"no PriorityClass with name (?P<name>\S+) was found")
_POD_SECURITY = re.compile(r'violates PodSecurity "(?P<name>[^"]+)": (?P<what>.+)', re.DOTALL)
_POLICY = re.compile(r"ValidatingAdmissionPolicy '(?P<name>[^']+)'.*? denied request: (?P<what>.+)", re.DOTALL)
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request:? ?(?P<what>.*)', re.DOTALL)
_BROKEN = re.compile(r'failed calling webhook "(?P<name>[^"]+)":? ?(?P<what>.*)', re.DOTALL)
_PARENTHESES = re.compile(r" \([^()]*\)")
_FORBIDDEN = "is forbidden: "
_PREFIXES = re.compile(
    r"^\(combined from similar events\): |^Error creating: "
    r"|^create \w+ \S+ (?:for Pod \S+ )?in StatefulSet \S+ failed error: "
)


def refusal_of(message: Redacted) -> Refusal:
    """Read a refusal out of the message of a condition or an event."""
    words = refusal_words(message)
    return (
        _of_quota(words)
        or _of_policy(words)
        or _of_missing(words)
        or Refusal(Refused.OTHER, first_line(words, 240), words)
    )


def in_words(refusal: Refusal) -> str:
    """Say who refused, and why, as the end of a sentence."""
    name, said = refusal.name, refusal.summary.rstrip(".")
    match refusal.kind:
        case Refused.QUOTA:
            return f"the quota {name} has too little left: {said}."
        case Refused.QUOTA_NEEDS_VALUES:
            demands = _OF_CONTAINER.sub(r" of container \1", said)
            return f"the quota {name} demands {demands}."
        case Refused.LIMIT_RANGE:
            return f"a LimitRange of the namespace does not allow it: {said}."
        case Refused.SERVICE_ACCOUNT:
            return f"the service account {name} does not exist in the namespace."
        case Refused.PRIORITY_CLASS:
            return f"there is no priority class {name}."
        case Refused.POD_SECURITY:
            return f"the namespace enforces {name}, which it breaks: {said}."
        case Refused.POLICY:
            return f"the {name} denies it: {said or 'without a reason'}."
        case Refused.WEBHOOK_BROKEN:
            return f"the webhook {name} could not be called, and pods are refused without it: {said}."
        case Refused.OTHER:
            return f"{said}." if said else "no reason is given."


def refusal_words(message: Redacted) -> Redacted:
    """Return what is equal in each retry: the message without the name of the pod."""
    text = message.strip()
    while (shorter := _PREFIXES.sub("", text, count=1)) != text:
        text = shorter
    _, forbidden, rest = text.partition(_FORBIDDEN)
    return Redacted(rest if forbidden else text)


def _of_quota(words: Redacted) -> Refusal | None:
    if found := _QUOTA.search(words):
        asked, used, limit = (_amounts(found[part]) for part in ("asked", "used", "limit"))
        told = [f"{asked[key]} {key} asked, {used.get(key, '?')} of {limit.get(key, '?')} used" for key in asked]
        return Refusal(Refused.QUOTA, "; ".join(told), words, found["name"])
    if found := _NEEDS.search(words):
        return Refusal(Refused.QUOTA_NEEDS_VALUES, first_line(found["what"], 200), words, found["name"])
    if found := _LIMIT_RANGE.search(words):
        return Refusal(Refused.LIMIT_RANGE, first_line(found[0].rstrip("]"), 240), words)
    return None


def _of_policy(words: Redacted) -> Refusal | None:
    if found := _POD_SECURITY.search(words):
        fields = first_line(_PARENTHESES.sub("", found["what"]), 240)
        return Refusal(Refused.POD_SECURITY, fields, words, found["name"])
    for who, pattern in (("policy", _POLICY), ("webhook", _WEBHOOK)):
        if found := pattern.search(words):
            return Refusal(Refused.POLICY, first_line(found["what"], 240), words, f"{who} {found['name']}")
    if found := _BROKEN.search(words):
        return Refusal(Refused.WEBHOOK_BROKEN, first_line(found["what"], 240), words, found["name"])
    return None


def _of_missing(words: Redacted) -> Refusal | None:
    if found := _SERVICE_ACCOUNT.search(words):
        return Refusal(Refused.SERVICE_ACCOUNT, "", words, found["name"] or found["other"])
    if found := _PRIORITY_CLASS.search(words):
        return Refusal(Refused.PRIORITY_CLASS, "", words, found["name"])
    return None


def _amounts(text: str) -> dict[str, str]:
    """Read `pods=1,limits.memory=1Gi`."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip()}
