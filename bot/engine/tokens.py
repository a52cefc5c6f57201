"""The addresses on a card's buttons: opaque, unguessable, each for one plan, one purpose and one channel.

An address says what a button is about, never who may press it. It is derived from the plan's seal, so that every
picture of the same card carries the same ones; the store looks them up by their hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from bot.domain.actions import DecisionKind
from bot.domain.operations import WAITING, Operation
from bot.ports import Token

# What a card may ask for with one press; a doubt is resolved by its id, in words.
PURPOSES = (DecisionKind.APPROVE, DecisionKind.DENY, DecisionKind.CANCEL, DecisionKind.WITHDRAW)
_LENGTH = 40  # hexadecimal digits: 160 bits
_ADDRESS = re.compile(rf"[0-9a-f]{{{_LENGTH}}}")


def is_address(text: str) -> bool:
    """Tell whether a text has the form of an address; the ids of requests are shorter."""
    return _ADDRESS.fullmatch(text) is not None


def address(operation: Operation, purpose: DecisionKind, channel: str) -> str:
    """Return what the button for a purpose carries in the message of a channel."""
    bound = f"{operation.id}\n{operation.digest}\n{purpose}\n{channel}"
    return hmac.digest(bytes.fromhex(operation.plan.seal), bound.encode(), hashlib.sha256).hex()[:_LENGTH]


def addresses(operation: Operation, channel: str) -> Mapping[str, str]:
    """Return the address for each purpose in a channel, by its name; none once nobody can decide any more."""
    if operation.state not in WAITING:
        return {}
    return {purpose.value: address(operation, purpose, channel) for purpose in PURPOSES}


def tokens(operation: Operation) -> tuple[Token, ...]:
    """Return what the store keeps of the addresses of an operation's card and of its copies."""
    channels = (operation.place.channel, *(each.channel for each in operation.copies))
    return tuple(
        Token(
            hash=hashed(address(operation, purpose, channel)),
            operation_id=operation.id,
            digest=operation.digest,
            purpose=purpose.value,
            channel=channel,
        )
        for channel in channels
        for purpose in PURPOSES
    )


def hashed(text: str) -> str:
    """Return the SHA-256 of an address, in hexadecimal: what the store knows it by."""
    return hashlib.sha256(text.encode()).hexdigest()
