"""Whatever else the diagnosis calls critical: nothing critical goes without an alert.

Crashes are left to `crash_loop`; a node that is not ready is told of its cluster, see `node_not_ready`, which sees
every node that the diagnosis of a namespace sees.
"""

from __future__ import annotations

from bot.diagnosis.causes.nodes import node_ref
from bot.diagnosis.unready_nodes import UNREADY, not_ready
from bot.domain.findings import Finding, Severity
from bot.domain.targets import ObjectRef
from bot.domain.watch.episodes import Signal
from bot.domain.watch.world import Judged, World
from bot.watching.causes import Causes
from bot.watching.measuring import gathered, title, words
from bot.watching.rule import Rule
from bot.watching.rules.crash_loop import CRASHES
from bot.watching.sight import unseen

NAME = "finding"
HOLD_S = 60.0
_LEFT = CRASHES | UNREADY


def judge(world: World) -> Judged:
    report = world.report.seen
    if report is None:
        return gathered(unseen(world, NAME))
    causes = Causes(world)
    critical = [each for each in report.findings if each.severity is Severity.CRITICAL and each.code not in _LEFT]
    return gathered([*(_signal(world, each, causes) for each in critical), *unseen(world, NAME)])


def _key(ref: ObjectRef, code: str) -> str:
    return f"{NAME}:{ref}:{code}"


def _signal(world: World, finding: Finding, causes: Causes) -> Signal:
    return Signal(
        key=_key(finding.target, finding.code),
        rule=NAME,
        severity=Severity.CRITICAL,
        cause=causes.of_finding(finding),
        title=title(f"{causes.name(finding.target)}: {finding.title}"),
        words=words(finding.summary),
        hold_s=HOLD_S,
        clear_s=float(world.thresholds.clear_s),
        service=causes.service(finding.target),
        since=finding.since,
    )


def watches(world: World, signal: Signal) -> bool:
    """Tell whether a signal is not left to the cluster: a node that an older version told of and is not ready still is.

    It must not be called over for that; when it is seen to be ready, it is.
    """
    nodes = () if world.report.seen is None else world.report.seen.snapshot.nodes
    unready = [node_ref(node.meta.name) for node in nodes if not_ready(node) is not None]
    return signal.key not in {_key(ref, code) for ref in unready for code in UNREADY}


RULE = Rule(
    name=NAME,
    summary="Anything else that the diagnosis calls critical, for a minute",
    severity="critical",
    judge=judge,
    watches=watches,
)
