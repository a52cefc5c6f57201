"""From the id that a command names to the request that is meant, for those who may look where it belongs."""

from __future__ import annotations

from bot.domain.operations import Operation
from bot.errors import UsageError
from bot.ports import Operations, Sources

_LONGEST_SHOWN = 60


async def named_request(said: str, operations: Operations, sources: Sources, *, verb: str) -> Operation:
    """Return the request whose id is `said`, if it belongs to the place that the command names.

    Raises `UsageError`: there is none, or it belongs somewhere else, with the `verb` that leads there. The right to
    look was judged by the place of the command only: to who may not look where the request belongs it is as if there
    were none, so that an id tells nobody which places there are. Needs `Need.RIGHTS`.
    """
    found = await operations.find(said.lower())
    if found is None or not await _shown(found, sources):
        raise UsageError(f'There is no request "{said[:_LONGEST_SHOWN]}".', suggestions=["requests"])
    theirs = found.plan.draft.target.scope
    if theirs != sources.scope:
        raise UsageError(
            f"This request is about another place than {sources.scope}.",
            suggestions=[f"{verb} {said} -n {theirs.namespace} --cluster {theirs.cluster}"],
        )
    return found


async def _shown(operation: Operation, sources: Sources) -> bool:
    theirs = operation.plan.draft.target.scope
    return theirs == sources.scope or theirs in await sources.open_places([theirs], verb="requests")
