"""What a connection's user may do, as the API server itself judges. Nothing is kept of the question."""

from __future__ import annotations

import msgspec

from bot.cluster import faults
from bot.cluster.connection import Connection
from bot.cluster.faults import Tried
from bot.cluster.sending import KubernetesWrites, Sending
from bot.cluster.structs import Read

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class _Status(Read, frozen=True):
    allowed: bool


class _Review(Read, frozen=True):
    status: _Status


_REVIEWS = msgspec.json.Decoder(_Review)


async def may(
    connection: Connection, verb: str, resource: str, group: str, namespace: str, name: str = "", *, timeout_s: float
) -> bool:
    """Tell whether the user may do something in a namespace: of an object, or of all of them without a `name`.

    A subresource is named as `pods/eviction`. Raises `ClusterError` when the server does not say.
    """
    plural, _, subresource = resource.partition("/")
    attributes = {
        "verb": verb,
        "group": group,
        "resource": plural,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    # It changes nothing, whatever becomes of the answer: as a dry run, silence means that it could not be read.
    sending = Sending(method="POST", path=_PATH, query={}, body=body, dry_run=True)
    answer = await KubernetesWrites(connection).send(sending, timeout_s=timeout_s)
    try:
        return _REVIEWS.decode(answer).status.allowed
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise faults.unreadable(Tried("POST", _PATH), error) from error
