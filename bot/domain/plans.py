"""The plan of a change: what is shown is what is executed, bound by the SHA-256 of its canonical form. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import get_args

from bot.domain.approval import Rule, RuleSet
from bot.domain.live import Target
from bot.domain.people import Actor
from bot.domain.records import Records
from bot.domain.steps import AnyStep, FailedPod, Stamp
from bot.domain.targets import ObjectRef, Scope, Where

FORMAT = 1
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Risk(StrEnum):
    """How much harm a change could do. What it takes to approve each is the policy's."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changes, for people: `image`, `app:v2`, `app:v1`. An empty side is nothing there."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to know before approving: `pods`, `3 move, at least 3 stay ready`."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWords:
    """The plan as people read it. All of it is in the digest: what was shown cannot be changed afterwards.

    `title` is the request (`Roll back api to revision 7`), `done` the same afterwards (`api is at revision 7 again`).
    `reverts` names who else will undo the change (Argo CD, Flux, Helm, an operator).
    """

    title: str
    done: str
    differences: tuple[Difference, ...] = ()
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    not_undone: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Symptom:
    """A finding that the target had when the change was planned: its stable code, and what people call it."""

    code: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a verb's `plan` returns: everything but who asks, when, and who has to agree.

    `watch` is the workload whose roll-out and findings are followed afterwards (an eviction's target is a pod, an
    autoscaler's its own object). `inverse` is the command that undoes the change, empty if nothing does.
    `lasts_s` is how long the roll-out may take before it counts as failed.
    """

    verb: str
    target: Target
    step: AnyStep
    risk: Risk
    words: PlanWords
    service: str = ""
    watch: ObjectRef | None = None
    inverse: str = ""
    symptoms: tuple[Symptom, ...] = ()
    lasts_s: int = 600

    @property
    def where(self) -> Where:
        return Where(self.target.scope, self.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a verb's `plan` returns when the change would do harm, or nothing at all.

    `reason` is one sentence; `facts` stand below it; `commands` are what to do instead, each with its reason.
    """

    reason: str
    facts: tuple[Fact, ...] = ()
    commands: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A draft with its requester, its rule and its time, as it is stored and shown. `command` asks for it again.

    `seal` is random, in hexadecimal, and shown to nobody: the addresses on the card's buttons are derived from it.
    """

    v: int
    draft: Draft
    rule: Rule
    policy_version: str
    requester: Actor
    human: str
    command: str
    created_at: datetime
    expires_at: datetime
    reason: str = ""
    seal: str = ""

    def stamp(self, operation_id: str, approvers: tuple[str, ...]) -> Stamp:
        """Return what the write carries. The change-cause names the request, who asked and who agreed, by id."""
        agreed = f", approved by {' and '.join(approvers)}" if approvers else ""
        cause = f"ragops: {self.draft.verb} asked by {self.requester.user_id}{agreed} (request {operation_id})"
        return Stamp(operation_id=operation_id, at=self.created_at.astimezone(UTC).strftime(_TIME), cause=cause)


RECORDS = Records(
    (
        *(Plan, Draft, PlanWords, Difference, Fact, Symptom, Rule, RuleSet, Actor, Target, Scope, ObjectRef, FailedPod),
        *get_args(AnyStep),
    )
)


def canonical(plan: Plan) -> str:
    """Return the plan's one text: JSON in ASCII, sorted keys, no spaces, nulls or floats, times in UTC to the second.

    Raises `ValueError` for a plan that could not be read back.
    """
    text = json.dumps(RECORDS.encoded(plan), sort_keys=True, separators=(",", ":"), allow_nan=False)
    plan_of(text)
    return text


def digest_of(text: str) -> str:
    """Return the SHA-256 of a canonical text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def plan_of(text: str) -> Plan:
    """Read a canonical text. Raises `ValueError` when a newer version wrote it or it is damaged."""
    try:
        plan = RECORDS.decoded(json.loads(text), Plan)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"a stored plan cannot be read ({error})") from error
    if not isinstance(plan, Plan) or plan.v != FORMAT:
        raise ValueError("a stored plan has a format that this version does not know")
    return plan
