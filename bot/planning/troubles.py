"""When a change would only do harm: the trouble lies in what every new pod meets, too. Pure."""

from __future__ import annotations

from bot.domain.findings import Finding, NextStep, Severity, StepKind
from bot.domain.plans import Fact, Refusal
from bot.domain.steps.base import is_paused
from bot.planning.ground import Ground
from bot.planning.words import word_for

# What a new pod of the same revision runs into as the ones before it did.
MET_BY_EVERY_POD = frozenset(
    {
        # its program
        *("CRASH_LOOP", "CRASH_ADDRESS_IN_USE", "CRASH_COMMAND", "CRASH_CONFIGURATION", "CRASH_CREDENTIALS"),
        *("CRASH_DEPENDENCY", "CRASH_IMAGE_INCOMPLETE", "CRASH_NO_SPACE", "CRASH_PERMISSION", "EXITED"),
        *("POST_START_FAILED", "STARTUP_FAILING"),
        # its image and its configuration
        *("IMAGE_PULL_FAILED", "START_FAILED", "CREATION_FAILED", "RUNS_AS_ROOT", "CONFIGURATION_MISSING"),
        # what the API server says to a new pod
        *("ADMISSION_DENIED", "LIMIT_RANGE_VIOLATED", "POD_SECURITY_VIOLATED", "PODS_NOT_CREATED"),
        *("PRIORITY_CLASS_MISSING", "QUOTA_EXCEEDED", "QUOTA_NEEDS_VALUES", "SERVICE_ACCOUNT_MISSING"),
        "WEBHOOK_UNREACHABLE",
        # where it could run, and with which volumes
        *("CLAIM_MISSING", "HOST_PORT_TAKEN", "INSUFFICIENT_RESOURCES", "MOUNT_FAILED", "NODES_UNAVAILABLE"),
        *("NODE_SELECTOR_MISMATCH", "PLACEMENT_RULES_UNMET", "TAINT_NOT_TOLERATED", "UNSCHEDULABLE"),
        *("VOLUME_ELSEWHERE", "VOLUME_UNBOUND"),
    }
)
# A restart frees memory for a while; more pods of the same kind only are killed more often.
MET_BY_MORE_PODS = MET_BY_EVERY_POD | {"OOM_KILLED", "OOM_NODE"}


def own_trouble(ground: Ground, codes: frozenset[str]) -> Finding | None:
    """Return the critical finding whose cause every new pod of the present revision would meet; None without one."""
    return next(
        (each for each in ground.findings if each.severity is Severity.CRITICAL and _is_met(each, ground, codes)), None
    )


def _is_met(finding: Finding, ground: Ground, codes: frozenset[str]) -> bool:
    if finding.target == ground.ref:
        return finding.code in codes and finding.revision in (None, ground.workload.revision)
    return any(felt.target == ground.ref and felt.code in codes for felt in finding.consequences)


def refused_for_harm(finding: Finding, reason: str) -> Refusal:
    """Refuse a change that a finding makes useless: why, what is wrong, and what the finding says to do instead."""
    facts = [Fact("trouble", f"{finding.target.name}: {finding.title}"), Fact("cause", finding.summary)]
    if finding.likely:
        facts.append(Fact("began", finding.likely))
    by_hand = [_by_hand(step) for step in finding.next if step.kind is StepKind.MANUAL]
    if by_hand:
        facts.append(Fact("by hand", "; ".join(by_hand)))
    return Refusal(reason=reason, facts=tuple(facts), commands=commands_of(finding))


def commands_of(finding: Finding) -> tuple[Fact, ...]:
    """Return the finding's next steps that are commands of ours, each with what it is good for."""
    return tuple(Fact(step.text, step.reason) for step in finding.next if step.kind is StepKind.COMMAND)


def _by_hand(step: NextStep) -> str:
    return f"{step.text} ({step.reason})" if step.reason else step.text


def paused(ground: Ground) -> Refusal | None:
    """Refuse a change of the template of a paused Deployment: it would be stored, and no pod would move."""
    if not is_paused(ground.live.object):
        return None
    resume = f"kubectl -n {ground.scope.namespace} rollout resume deployment/{ground.target.name}"
    return Refusal(
        reason=f"{ground.name} is paused: a change of it would be stored, but no pod would be replaced.",
        facts=(Fact("by hand", f"{resume} (once whoever paused it agrees)"),),
        commands=(Fact(f"status {word_for(ground)}", "shows how it stands"),),
    )
