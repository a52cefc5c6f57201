"""From a command to a change that could be made: planned by its verb, judged by the policy, tried by a dry run.

Nothing here is kept, and nothing is changed: a terminal without a database shows the same plan by the same way.
"""

from __future__ import annotations

from bot.domain.change_policy import ChangePolicy
from bot.domain.plans import Draft, Refusal
from bot.domain.steps import Stamp
from bot.domain.text import first_line
from bot.engine.evidence import drift
from bot.errors import ClusterThrottled, WriteConflict, WriteRefused, WriteThrottled
from bot.ports import ChangeAsked, ClusterWriter

_SERVER = "The API server"


async def drafted(asked: ChangeAsked, policy: ChangePolicy) -> Draft | Refusal:
    """Read what the verb wants to see, and plan. Raises what the verb's `observe` raises."""
    planned = asked.action.plan(asked.params, await asked.action.observe(asked.params, asked.sources))
    if isinstance(planned, Refusal):
        return planned
    forbidden = policy.refusal(planned.verb, planned.risk, planned.where)
    return Refusal(reason=forbidden[:1].upper() + forbidden[1:]) if forbidden else planned


def server_refusal(error: WriteRefused | WriteThrottled) -> Refusal:
    """Return why a change is not asked for that the server would not make."""
    said = first_line(error.message, 300)
    lead = "" if said.startswith(_SERVER) else f"{_SERVER} would refuse this change: "
    return Refusal(reason=f"{lead}{said}")


async def rehearse(writer: ClusterWriter, draft: Draft, stamp: Stamp, *, timeout_s: float) -> None:
    """Let the API server try every write of a step without doing it.

    Raises `WriteConflict` when the target is not as it was planned for any more, `WriteRefused` with the server's
    reason, and any other `ClusterError` when that cannot be told.
    """
    target = draft.target
    live = await writer.live(target.scope, target.kind, target.name, reads=draft.step.reads)
    moved = drift(draft, live, stamp)
    if moved:
        raise WriteConflict(f"The object was changed while the change was planned: {moved}.")
    for write in draft.step.writes(live, stamp):
        try:
            await writer.write(target.scope, write, dry_run=True, timeout_s=timeout_s)
        except WriteThrottled as error:
            if error.retry_after_s is None:
                raise
            raise ClusterThrottled(error.message, retry_after_s=error.retry_after_s) from error
