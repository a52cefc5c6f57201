"""Requests for changes in short calls, and objects as the API server tells them. What is not said is ordinary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.approval import Rule, RuleSet
from bot.domain.live import Json, Live, Target, revision_template, template_digest, template_of
from bot.domain.operations import Operation, State, Vote
from bot.domain.people import Actor, RoleName
from bot.domain.plans import FORMAT, Difference, Draft, Fact, Plan, PlanWords, Risk, Symptom, canonical, digest_of
from bot.domain.requests import Place
from bot.domain.steps import AnyStep, Rollback
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from sandbox.cluster.api.writes.documents import json_patched

NOW = datetime(2026, 11, 24, 14, 12, 5, tzinfo=UTC)
SCOPE = Scope(ClusterName("prod-eu"), Namespace("shop"))
ANN, BOB, EVE = "U0000ANN0", "U0000BOB0", "U0000EVE0"
APPROVERS = RuleSet(name="approvers", roles=(RoleName.APPROVER,))
LEADS = RuleSet(name="@rag-leads", groups=("SRAGLEADS0",))
ONE_APPROVER = Rule(sets=(APPROVERS,), humans=1)
ID = "7f3a9c1e-5d52-4b6a-9f0e-0c1d2e3f4a5b"
UID = "d-uid"


# --- objects of the cluster -------------------------------------------------------------------------------------------


def template(image: str = "app:v2", **more: Any) -> dict[str, Any]:
    """Return a pod template with one container; `more` stands in its spec."""
    container = {"name": "main", "image": image, "resources": {}}
    labels = {"app": "api"}
    return {"metadata": {"creationTimestamp": None, "labels": labels}, "spec": {"containers": [container], **more}}


def workload(
    kind: str = "Deployment",
    *,
    of: Json | None = None,
    annotations: Mapping[str, str] | None = None,
    generation: int = 4,
    uid: str = UID,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """Return a workload whose template is `of`; `spec` are its other settings."""
    meta: dict[str, Any] = {"name": "api", "namespace": "shop", "uid": uid, "resourceVersion": "10"}
    meta |= {"generation": generation} | ({"annotations": dict(annotations)} if annotations else {})
    return {
        "kind": kind,
        "metadata": meta,
        "spec": {"replicas": 3, "template": of or template(), **spec},
        "status": dict(status or {}),
    }


def replica_set(of: Json, number: int, **annotations: str) -> dict[str, Any]:
    """Return a ReplicaSet with a template, as the controller labels it."""
    labels = {**of["metadata"]["labels"], "pod-template-hash": f"hash{number}"}
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"api-{number}",
            "uid": f"rs-{number}",
            "annotations": {"deployment.kubernetes.io/revision": str(number), **annotations},
        },
        "spec": {"template": {**of, "metadata": {**of["metadata"], "labels": labels}}},
    }


def controller_revision(of: Json, number: int) -> dict[str, Any]:
    """Return a ControllerRevision as a controller keeps it, nulls and directive included."""
    held = {"$patch": "replace", **of}
    return {
        "kind": "ControllerRevision",
        "metadata": {"name": f"api-{number}", "uid": f"cr-{number}"},
        "revision": number,
        "data": {"spec": {"template": held}},
    }


def live(of: Json | None, *revisions: Json, pods: Sequence[Json] = ()) -> Live:
    """Return what was read just now."""
    return Live(read_at=NOW, object=of, revisions=revisions, pods=tuple(pods))


def after(before: Live, step: AnyStep, plan: Plan, operation_id: str = ID) -> Live:
    """Return what the patches of a step make of what was read, as the API server applies them."""
    document = before.object
    for write in step.writes(before, plan.stamp(operation_id, (BOB,))):
        document = json_patched(document, list(write.operations))  # type: ignore[union-attr]  # only patches are asked for
    return replace(before, object=document)


# --- requests ---------------------------------------------------------------------------------------------------------


def rollback_step(before: Json | None = None, source: Json | None = None) -> Rollback:
    """Return the step from `app:v2` back to `app:v1`."""
    before, source = before or workload(), source or replica_set(template("app:v1"), 7)
    return Rollback(
        kind="Deployment",
        template=template_digest(template_of(before)),
        revision=7,
        revision_name="api-7",
        revision_uid="rs-7",
        to_template=template_digest(revision_template(source)),
    )


def draft(step: AnyStep | None = None, **changed: Any) -> Draft:
    """Return the plan to roll back `api`."""
    words = PlanWords(
        title="Roll back api to revision 7",
        done="api is at revision 7 again",
        differences=(Difference("image", "app:v2", "app:v1"), Difference("env", "FEATURE_X", "")),
        facts=(Fact("pods", "3 move, at least 3 stay ready, about 40 s"),),
        warnings=("Revision 7 is 3 days old.",),
        not_undone=("config maps", "database migrations"),
        reverts=("Argo CD (application rag) sets it back: suspend its automatic sync first, and change Git",),
    )
    made = Draft(
        verb="rollback",
        target=Target(scope=SCOPE, kind="Deployment", name="api", uid=UID),
        step=step or rollback_step(),
        risk=Risk.MEDIUM,
        words=words,
        service="api",
        inverse="rollback api --to 8",
        symptoms=(Symptom("crash-loop", "new release crashes"),),
    )
    return replace(made, **changed)


def plan(of: Draft | None = None, **changed: Any) -> Plan:
    """Return Ann's plan, which one approver has to agree to within 15 minutes."""
    made = Plan(
        v=FORMAT,
        draft=of or draft(),
        rule=ONE_APPROVER,
        policy_version="p1",
        requester=Actor(ANN, "T1"),
        human="ann",
        command="rollback api",
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        reason="500s since 14:02",
        seal="00ff",
    )
    return replace(made, **changed)


def operation(of: Plan | None = None, **changed: Any) -> Operation:
    """Return Ann's request as it waits."""
    of = of or plan()
    made = Operation(
        id=ID,
        plan=of,
        digest=digest_of(canonical(of)),
        state=State.PENDING,
        place=Place("C1"),
        created_at=of.created_at,
        expires_at=of.expires_at,
    )
    return replace(made, **changed)


def vote(of: Operation, user_id: str = BOB, **changed: Any) -> Vote:
    """Return an approval that counts for every set of the rule."""
    made = Vote(
        human=changed.pop("human", user_id),
        user_id=user_id,
        team_id="T1",
        sets=tuple(each.name for each in of.plan.rule.sets),
        digest=of.digest,
        cast_at=NOW,
    )
    return replace(made, **changed)


def ref(kind: str, name: str) -> ObjectRef:
    """Return an object of the namespace by its name."""
    return ObjectRef(kind, "shop", name)
