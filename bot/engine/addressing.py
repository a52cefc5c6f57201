"""Which request a person means: by the address on a button of its card, or by its id."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import DecisionKind
from bot.domain.operations import Operation
from bot.domain.requests import Request, Surface
from bot.engine.keeping import subject
from bot.engine.tokens import hashed, is_address
from bot.errors import UsageError
from bot.ports import Operations

# Whence a button's address may come: the button itself, or the dialog that it opens.
_PRESSED = frozenset({Surface.BUTTON, Surface.FORM})


class Misaddressed(Exception):
    """A button's address that is not valid where it was used; the text is for the person."""

    def __init__(self, message: str, operation_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.operation_id = operation_id


@dataclass(frozen=True, slots=True)
class Addressed:
    """A request as it is now, and the digest of the plan that the person had before their eyes."""

    operation: Operation
    digest: str


async def addressed(operations: Operations, request: Request, kind: DecisionKind, said: str) -> Addressed:
    """Find the request that is meant. An address counts on the card's own message, for its own purpose.

    Raises `Misaddressed`, and `UsageError` for an id of which there is no request, or more than one.
    """
    if not is_address(said):
        return await _by_id(operations, said)
    token = await operations.token(hashed(said))
    if token is None:
        raise Misaddressed("This is no button of mine, or its request is long over.")
    found = await operations.find(token.operation_id)
    if found is None:
        raise Misaddressed("The request of this button is long over.", token.operation_id)
    if request.surface not in _PRESSED or token.purpose != kind or token.channel != request.place.channel:
        raise Misaddressed("This belongs to a button of a request's card, and does nothing elsewhere.", found.id)
    shown = await operations.message(subject(found), token.channel)
    if not shown:
        raise Misaddressed("The card is only just being posted; press again in a moment.", found.id)
    if request.message != shown:
        raise Misaddressed("This message does not show the request any more; use the newer one.", found.id)
    return Addressed(found, token.digest)


async def _by_id(operations: Operations, said: str) -> Addressed:
    found = await operations.find(said.lower())
    if found is None:
        raise UsageError(f'There is no request "{said[:60]}".', suggestions=["requests"])
    return Addressed(found, found.digest)
