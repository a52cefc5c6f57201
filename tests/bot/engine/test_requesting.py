"""From a command to a card: what is kept, what is refused, and what stays as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.operations import State
from bot.store.store import PostgresStore
from tests.support.engine import Scene, scene_on


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path) as set_up:
        yield set_up


async def test_a_request_is_kept_with_its_card_and_an_audit_entry(scene: Scene) -> None:
    """In one transaction; the cluster was only tried."""
    operation = await scene.request("restart api --reason 'it hangs'")
    assert operation.state is State.PENDING
    assert operation.plan.reason == "it hangs"
    [card] = scene.posted
    assert (card.kind, card.version, card.place) == ("card", 1, operation.place)
    [row] = await scene.audit()
    assert (row.action, row.subject, row.result) == ("requested", operation.id, "PENDING")
    assert scene.server.seen.effects == []
    await scene.vote(operation)
    assert (await scene.now(operation)).state is State.APPROVED
