"""What the service writes down: a request before it is acknowledged, and its end together with all of its effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.people import Actor
from bot.domain.requests import Post, Request
from bot.domain.watch.keeps import Keep
from bot.errors import Lost, NotAccepted, StoreUnavailable, UsageError
from bot.ports import AuditEntry, Claimed, Store


@dataclass(frozen=True, slots=True)
class Journal:
    """Keeps requests in the database, where there is one: a terminal has none."""

    store: Store | None

    async def accept(self, request: Request) -> bool:
        """Write a request down; False when the same delivery came before.

        Raises `NotAccepted`; when the connection broke during the commit its `unchanged` says that this is not known.
        """
        if self.store is None:
            raise NotAccepted("There is no database here, so nothing can be kept.")
        try:
            return await self.store.inbox.accept(request)
        except StoreUnavailable as error:
            in_doubt = error.unchanged != NotAccepted.unchanged
            fate = "may not have been accepted" if in_doubt else "was not accepted"
            refused = NotAccepted(f"The request {fate}: {error.message}")
            refused.unchanged = error.unchanged
            raise refused from error

    async def settle(
        self, claimed: Claimed, posts: Sequence[Post], entry: AuditEntry | None, *, keeps: Sequence[Keep] = ()
    ) -> None:
        """End a request with its effects, all of them or none. Raises `UsageError` when what one is about is gone.

        Raises `Lost` when somebody else carries the request out by now, and `StoreUnavailable`.
        """
        if self.store is None:
            raise StoreUnavailable("There is no database here, so nothing can be kept.")
        async with self.store.transaction() as transaction:
            if not await transaction.finish(claimed):
                raise Lost
            for kept in keeps:
                if not await transaction.keep(kept):
                    raise UsageError("It changed while you asked, so nothing was done. Look again.")
            for post in posts:
                await transaction.put(post)
            if entry is not None:
                await transaction.audit(entry)

    async def note(self, actor: Actor, action: str, subject: str, detail: Mapping[str, str | int | bool]) -> None:
        """Put something on record that was seen, if there is a record. Raises `StoreUnavailable`."""
        if self.store is None:
            return
        async with self.store.transaction() as transaction:
            await transaction.audit(
                AuditEntry(actor=actor.user_id, action=action, subject=subject, result="seen", detail=detail)
            )
