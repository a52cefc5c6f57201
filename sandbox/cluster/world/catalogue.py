"""Which image or workload behaves how, and which images a registry has."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world.behaviours import Behaviour, Exits, PullFailure, Serves
from sandbox.cluster.world.containers import Role
from sandbox.cluster.world.images import normalized, repository_of
from sandbox.cluster.world.index import controller_of

_INIT = Exits(exit_code=0, after=1.0, voice="silent")


class Catalogue:
    """Behaviours by ``workload/container``, workload or image, looked up in this order.

    A workload's behaviour is that of its first regular container. A repository of which one tag is known has no others:
    their pull is "not found". Images of unknown repositories exist and serve.
    """

    def __init__(self) -> None:
        self._behaviours: dict[str, Behaviour] = {}
        self._tags: dict[str, set[str]] = {}

    def add(self, subject: str, behaviour: Behaviour) -> None:
        """Let an image (it has a tag) or a workload behave so from now on."""
        self._behaviours[subject] = behaviour
        if ":" in subject and behaviour.pull_failure is None:
            self.publish(subject)

    def publish(self, image: str) -> None:
        """Put an image into its registry."""
        self._tags.setdefault(repository_of(image), set()).add(normalized(image))

    def behaviour_of(self, pod: Json, container: Json, role: Role) -> Behaviour:
        """Return what a container does."""
        workload = workload_of(pod)
        subjects = [f"{workload}/{container['name']}"]
        if container["name"] == pod["spec"]["containers"][0]["name"]:
            subjects.append(workload)
        subjects.append(container["image"])
        for subject in subjects:
            if subject in self._behaviours:
                return self._behaviours[subject].for_container(container)
        return _INIT if role == "init" else Serves()

    def pull_failure(self, image: str) -> PullFailure | None:
        """Return how the pull of an image fails, or None."""
        known = self._behaviours.get(image)
        if known is not None:
            return known.pull_failure
        tags = self._tags.get(repository_of(image))
        return None if tags is None or normalized(image) in tags else "not_found"


def workload_of(pod: Json) -> str:
    """Return the name of the workload that a pod belongs to: its owner's, without the hash of a ReplicaSet."""
    owner = controller_of(pod)
    if owner is None:
        return str(pod["metadata"]["name"])
    name: str = owner["name"]
    return name.rpartition("-")[0] if owner["kind"] == "ReplicaSet" else name
