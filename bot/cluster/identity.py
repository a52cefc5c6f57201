"""Who a connection's user is, as the API server itself takes them to be. Nothing is kept of the question."""

from __future__ import annotations

import msgspec

from bot.cluster import faults
from bot.cluster.connection import Connection
from bot.cluster.faults import Tried
from bot.cluster.sending import KubernetesWrites, Sending
from bot.cluster.structs import Read

_PATH = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class _User(Read, frozen=True):
    username: str


class _Status(Read, frozen=True):
    user_info: _User


class _Review(Read, frozen=True):
    status: _Status


_REVIEWS = msgspec.json.Decoder(_Review)


async def user_of(connection: Connection, *, timeout_s: float) -> str:
    """Return the user's name. Raises `ClusterError` when the server does not say it (it does from 1.28 on)."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    # It changes nothing, whatever becomes of the answer: as a dry run, silence means that it could not be read.
    sending = Sending(method="POST", path=_PATH, query={}, body=body, dry_run=True)
    answer = await KubernetesWrites(connection).send(sending, timeout_s=timeout_s)
    try:
        return _REVIEWS.decode(answer).status.user_info.username
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise faults.unreadable(Tried("POST", _PATH), error) from error
