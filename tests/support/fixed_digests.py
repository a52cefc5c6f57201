"""A `Digests` that needs no database: the digest of one morning, whatever there is to see."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.requests import Place, Post
from bot.domain.view import View
from bot.domain.watch.checkups import Attention
from bot.domain.watch.policy import WatchPolicy
from bot.watching.digest_view import digest_view
from bot.watching.digests import Digest
from tests.support.digests import digest, ground


class FixedDigests:
    """Tells of the same attentions each time."""

    def __init__(self, watch: WatchPolicy, *attentions: Attention) -> None:
        self.watch, self.attentions = watch, attentions

    def _digest(self, name: str) -> Digest:
        plan = next(plan for plan in self.watch.digests if plan.name == name)
        return digest(ground(*self.attentions), plan=plan)

    async def preview(self, name: str) -> View:
        return digest_view(self._digest(name))

    async def posts(self, name: str, *, asked_by: str = "") -> Sequence[Post]:
        made = self._digest(name)
        view = digest_view(made, asked_by=asked_by)
        return [Post(Place(channel), view, kind="digest", asked_by=asked_by) for channel in made.plan.channels]
