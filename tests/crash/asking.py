"""A worker dies while somebody asks for a change, or approves it: the words were kept, and count once."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack

import psycopg

from bot.domain.operations import Operation, State
from bot.domain.targets import ObjectRef
from bot.ports import OperationQuery
from tests.crash.rig import Blow, Lane, is_over
from tests.support.changing import NAMESPACE, deploy
from tests.support.engine import ANN, BOB, asked
from tests.support.waiting import until

WORDS = ("restart", "scale", "rollback", "set image")
_PASS_LEASES = "UPDATE inbox SET lease_until = clock_timestamp() WHERE lease_until > clock_timestamp()"
_numbers = itertools.count()


async def asked_round(lane: Lane, words: str, blow: Blow) -> str:
    """Ask and approve while the first worker is struck and a second one takes over; return what must not be."""
    name = f"asked-{next(_numbers)}"
    deploy(lane.world, name, "v1", "v2")
    target = ObjectRef("Deployment", NAMESPACE, name)

    async def found() -> list[Operation]:
        return list(await lane.store.operations.search(OperationQuery(target=target)))

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(lane.worker("first", blow, struck=True))
        await lane.store.inbox.accept(asked(f"{words} {name}", by=ANN, key=f"ask-{name}"))
        if blow.point.startswith("requested"):
            await first.says("struck")
            await stack.enter_async_context(lane.worker("second", blow))
            await _pass_leases(lane)
        (operation,) = await until(found, bool)
        await lane.store.inbox.accept(asked(f"approve {operation.id}", by=BOB, key=f"vote-{name}"))
        if blow.point.startswith("voted"):
            await first.says("struck")
            await stack.enter_async_context(lane.worker("second", blow))
            await _pass_leases(lane)
        ended = await lane.until(operation, is_over)
        seen = (
            "struck" in first.events,
            len(await found()),
            ended.state,
            [vote.user_id for vote in ended.votes],
            len(lane.server.seen.of(name)),
        )
    lane.clear(name)
    wanted = (True, 1, State.SUCCEEDED, [BOB], 1)
    return "" if seen == wanted else f"{words}, {blow}: {seen} instead of {wanted}"


async def _pass_leases(lane: Lane) -> None:
    """Let the time pass that a killed worker's lease on what was said would still last."""
    async with await psycopg.AsyncConnection.connect(lane.database_url) as connection:
        await connection.execute(_PASS_LEASES)
