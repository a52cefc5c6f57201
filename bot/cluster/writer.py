"""Writes of configured clusters: each is one request, sent once, and says on which state of its object it may act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import msgspec

from bot.cluster.http import KubernetesHttp, connection_of, one_of
from bot.cluster.live import LiveObjects, path_of
from bot.cluster.sending import JSON_PATCH, KubernetesWrites, Sending
from bot.cluster.structs import Read
from bot.domain.steps import Deletion, Eviction, Patch, Write
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import ClusterFault, WriteUnknown
from bot.ports import Clock, Written

MANAGER = "ragops"


class _Meta(Read, frozen=True):
    generation: int = 0
    resource_version: str = ""


class _Answer(Read, frozen=True):
    """The object after the write, or a Status whose metadata say nothing."""

    kind: str
    metadata: _Meta


_ANSWERS = msgspec.json.Decoder(_Answer)


class ClusterWrites(LiveObjects):
    """What `LiveObjects` reads, and writes beside it. A `ClusterWriter`: for the engine alone."""

    def __init__(self, clusters: Mapping[ClusterName, KubernetesHttp], clock: Clock, *, timeout_s: float = 5.0) -> None:
        super().__init__(clusters, clock, timeout_s=timeout_s)
        self._writes = {name: KubernetesWrites(connection_of(http)) for name, http in clusters.items()}

    async def write(self, scope: Scope, write: Write, *, dry_run: bool, timeout_s: float) -> Written:
        """Send a write once. Raises a `WriteError`, or another `ClusterError` when nothing was sent.

        Only after `WriteUnknown` it may have happened. Of a dry run nothing happens: where its answer is missing, it is
        a read that failed.
        """
        one_of(self._clusters, scope.cluster)
        sending = sending_of(scope.namespace, write, dry_run=dry_run)
        body = await self._writes[scope.cluster].send(sending, timeout_s=timeout_s)
        try:
            metadata = _ANSWERS.decode(body).metadata
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"The API server's answer cannot be read.\nTried: {sending.method} {sending.path}."
            raise (ClusterFault(what) if dry_run else WriteUnknown(what)) from error
        return Written(generation=metadata.generation, resource_version=metadata.resource_version)


def sending_of(namespace: Namespace, write: Write, *, dry_run: bool) -> Sending:
    """Return the request of a write, which says that it is a dry run where the server looks for that.

    Raises `ValueError` for a patch that would fit any state of its object.
    """
    match write:
        case Patch():
            _check_precondition(write)
            return Sending(
                method="PATCH",
                path=path_of(write.kind, namespace, write.name),
                query={"fieldManager": MANAGER, "fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})},
                body=[dict(each) for each in write.operations],
                content_type=JSON_PATCH,
                dry_run=dry_run,
            )
        case Eviction():
            return Sending(
                method="POST",
                path=f"{path_of('Pod', namespace, write.name)}/eviction",
                query={"dryRun": "All"} if dry_run else {},
                body={
                    "apiVersion": "policy/v1",
                    "kind": "Eviction",
                    "metadata": {"name": write.name, "namespace": namespace},
                    "deleteOptions": _options(write, dry_run=dry_run),
                },
                dry_run=dry_run,
            )
        case Deletion():
            return Sending(
                method="DELETE",
                path=path_of("Pod", namespace, write.name),
                query={},  # with a body the server does not look at it
                body={
                    "apiVersion": "v1",
                    "kind": "DeleteOptions",
                    "propagationPolicy": "Background",
                    **_options(write, dry_run=dry_run),
                },
                dry_run=dry_run,
            )
        case _:
            assert_never(write)


def _check_precondition(write: Patch) -> None:
    """Refuse a patch that does not begin by naming the state it was made for: an empty one means any."""
    first = write.operations[0]
    if (first["op"], first["path"]) != ("replace", "/metadata/resourceVersion") or not first["value"]:
        raise ValueError(f"a patch of {write.kind} {write.name} without a precondition")


def _options(write: Eviction | Deletion, *, dry_run: bool) -> dict[str, Any]:
    """Return how a pod is to be deleted: this one, in the state that was read."""
    preconditions = {"uid": write.uid, "resourceVersion": write.resource_version}
    return {"preconditions": preconditions, **({"dryRun": ["All"]} if dry_run else {})}
