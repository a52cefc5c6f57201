"""Grounds to plan on: live objects as the API server tells them, beside a snapshot that fits.

The workload is called `api` unless told otherwise. Times are seconds before `NOW`, as in the builders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.diagnosis import Index, diagnose
from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.live import Json, Live, Target, revision_template, template_digest, template_of
from bot.domain.objects import Node, NodeLoad, Owner, Pod, ReplicaSet, Workload
from bot.domain.steps.rollback import number_of
from bot.planning.ground import Ground, about, service_of
from bot.ports import Surroundings, WorkedRevision
from tests.support.builders import DAY_S, NOW, SCOPE, ago, container, deployment, node, pod, replica_set, snapshot

EMPTY = Catalogue()


def stamp(seconds: float) -> str:
    """Return a time as the API server writes it."""
    return ago(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- live objects -----------------------------------------------------------------------------------------------------


def json_container(image: str = "rag-engine:v1.2", *, name: str = "api", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": image, "resources": {}, **fields}


def json_template(*containers: Json, annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a pod template; `spec` are its other settings."""
    meta: dict[str, Any] = {"labels": {"app": "api"}, **({"annotations": dict(annotations)} if annotations else {})}
    return {"metadata": meta, "spec": {"containers": list(containers or (json_container(),)), **spec}}


def released(image: str, **fields: Any) -> dict[str, Any]:
    """Return the template of a release of one container."""
    return json_template(json_container(image, **fields))


def json_workload(
    template: Json,
    *,
    kind: str = "Deployment",
    name: str = "api",
    annotations: Mapping[str, str] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": SCOPE.namespace,
            "uid": f"uid-{name}",
            "resourceVersion": "10",
            "generation": 4,
            "annotations": dict(annotations or {}),
        },
        "spec": {"replicas": 3, "template": template, **spec},
        "status": {
            "observedGeneration": 4,
            "replicas": 3,
            "updatedReplicas": 3,
            "readyReplicas": 3,
            **(status or {}),
        },
    }


def json_revision(
    template: Json, number: int, *, made_s: float = DAY_S, former: str = "", of: str = "api"
) -> dict[str, Any]:
    """Return a ReplicaSet, named as the builders name it."""
    notes = {"deployment.kubernetes.io/revision": str(number)}
    notes |= {"deployment.kubernetes.io/revision-history": former} if former else {}
    labels = {**template["metadata"]["labels"], "pod-template-hash": f"hash{number}"}
    name = f"{of}-rs{number}"
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": stamp(made_s),
            "annotations": notes,
        },
        "spec": {"template": {**template, "metadata": {**template["metadata"], "labels": labels}}},
    }


def json_controller_revision(template: Json, number: int, *, made_s: float = DAY_S, of: str = "api") -> Json:
    """Return a ControllerRevision, as those of StatefulSets and DaemonSets are."""
    mark = f"hash{number}"
    return {
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{of}-{mark}",
            "uid": f"uid-{of}-{mark}",
            "creationTimestamp": stamp(made_s),
            "labels": {"controller-revision-hash": mark},
        },
        "revision": number,
        "data": {"spec": {"template": {"$patch": "replace", **template}}},
    }


# --- what the record knows --------------------------------------------------------------------------------------------


def worked(key: str, *, first_s: float = 4 * DAY_S, last_s: float = 360, minutes: int = 4320) -> WorkedRevision:
    """Return that a revision was seen to work, for three days unless told otherwise."""
    return WorkedRevision(
        workload_uid="uid-api",
        revision_uid=key,
        number=0,
        version="v",
        first_at=ago(first_s),
        last_at=ago(last_s),
        minutes=minutes,
    )


def worked_set(number: int, **seen: Any) -> WorkedRevision:
    """Return that the ReplicaSet of a revision was seen to work."""
    return worked(f"uid-api-rs{number}", **seen)


# --- the ground -------------------------------------------------------------------------------------------------------


def ground(
    live: Json,
    *objects: object,
    revisions: Sequence[Json] = (),
    worked: Iterable[WorkedRevision] = (),
    surroundings: Surroundings | None = None,
    catalogue: Catalogue = EMPTY,
    load: Mapping[str, NodeLoad] | None = MappingProxyType({}),
    said: str = "",
    **changed: Any,
) -> Ground:
    """Return the ground of a live workload; `objects` are the snapshot's, what is not said of them is made from `live`.

    Without another node there is a large one that is empty.
    """
    workload = next((each for each in objects if isinstance(each, Workload)), None) or seen_workload(live, revisions)
    others = [each for each in objects if each is not workload]
    others += [] if any(isinstance(each, Node) for each in objects) else [node()]
    others += [seen_revision(each, workload) for each in revisions if each["kind"] == "ReplicaSet"]
    report = diagnose(snapshot(workload, *others, load=load))
    ref = Index(report.snapshot).ref(workload)
    made = Ground(
        said=said or f"verb {workload.meta.name}",
        word=workload.meta.name,
        now=NOW,
        scope=SCOPE,
        service=service_of(catalogue, ref),
        name=catalogue.alias_of(ref.kind, ref.name),
        workload=workload,
        target=Target(scope=SCOPE, kind=ref.kind, name=ref.name, uid=live["metadata"]["uid"]),
        live=Live(read_at=NOW, object=live, revisions=tuple(revisions)),
        report=report,
        findings=about(report, workload),
        surroundings=surroundings or Surroundings(),
        policy=ChangePolicy(),
        catalogue=catalogue,
        worked=tuple(worked),
    )
    return replace(made, **changed)


def seen_workload(live: Json, revisions: Sequence[Json] = ()) -> Workload:
    """Return the record of a live workload, as the snapshot has it."""
    status, wanted = live["status"], template_digest(template_of(live))
    desired = int(live["spec"].get("replicas", 1))
    now = next((number_of(each) for each in revisions if template_digest(revision_template(each)) == wanted), None)
    made = deployment(
        live["metadata"]["name"], desired=desired, ready=int(status.get("readyReplicas", 0)), revision=now
    )
    return replace(made, kind=live["kind"], updated=desired, observed_generation=4)


def seen_revision(revision: Json, of: Workload) -> ReplicaSet:
    """Return the record of a ReplicaSet, as the snapshot has it."""
    made = replica_set(of, number_of(revision), desired=0)
    return replace(made, meta=replace(made.meta, name=revision["metadata"]["name"], uid=revision["metadata"]["uid"]))


def pods_of_set(number: int, *, count: int = 1, age_s: float = DAY_S, **made: Any) -> list[Pod]:
    """Return pods of a revision of the Deployment `api`."""
    owner = Owner("ReplicaSet", f"api-rs{number}", f"uid-api-rs{number}")
    containers = made.pop("containers", (container(),))
    return [pod(owner, *containers, name=f"api-rs{number}-{n}", age_s=age_s, **made) for n in range(count)]
