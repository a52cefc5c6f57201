"""The options of a write, from its query or from the body of a DELETE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.cluster.api.calls import Call
from sandbox.cluster.api.errors import Cause, Refusal, bad_request, conflict, details_of, invalid
from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.api.writes.bodies import json_fault
from sandbox.cluster.schema.decode import Unreadable, decode
from sandbox.cluster.schema.managed import Manager
from sandbox.cluster.schema.types import struct_of
from sandbox.cluster.store import Json
from sandbox.cluster.validation.faults import Faults, forbidden, too_long, unsupported
from sandbox.cluster.validation.faults import invalid as wrong

_POLICIES = ("Foreground", "Background", "Orphan")
_MANAGER_BYTES = 128
_KINDS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How an object is to be written."""

    dry_run: bool
    manager: Manager
    is_strict: bool
    warns: bool


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How an object is to be deleted; an empty policy is the kind's own."""

    dry_run: bool = False
    grace: int | None = None
    policy: str = ""
    uid: str = ""
    resource_version: str = ""


def write_options(call: Call, subresource: str = "") -> WriteOptions:
    """Read the options of a create, an update or a patch. Raises Refusal (422)."""
    query = call.query
    faults = _dry_run_faults([query["dryRun"]] if query.get("dryRun") else [])
    manager, checks = query.get("fieldManager", ""), query.get("fieldValidation", "")
    if "force" in query and call.target.verb == "patch":
        faults.append(forbidden("force", "may not be specified for non-apply patch"))
    if len(manager.encode()) > _MANAGER_BYTES:
        faults.append(too_long("fieldManager", _MANAGER_BYTES))
    if checks not in {"", "Ignore", "Strict", "Warn"}:
        faults.append(unsupported("fieldValidation", checks, ("", "Ignore", "Strict", "Warn")))
    if faults:
        raise _refused(_KINDS[call.target.verb], faults)
    name = manager or call.payload.agent.split("/", maxsplit=1)[0] or "unknown"
    return WriteOptions(
        dry_run=bool(query.get("dryRun")),
        manager=Manager(name, call.kind.api_version, subresource),
        is_strict=checks == "Strict",
        warns=checks != "Ignore",
    )


def delete_options(call: Call) -> DeleteOptions:
    """Read the options of a delete: of its body if it has one, else of its query. Raises Refusal (422, 500)."""
    if call.payload.data:
        return parsed_delete_options(_delete_body(call))
    query: Mapping[str, str] = call.query
    body: Json = {}
    if query.get("dryRun"):
        body["dryRun"] = [query["dryRun"]]
    if query.get("gracePeriodSeconds"):
        body["gracePeriodSeconds"] = call.number("gracePeriodSeconds")
    if query.get("propagationPolicy"):
        body["propagationPolicy"] = query["propagationPolicy"]
    return parsed_delete_options(body)


def parsed_delete_options(body: Json) -> DeleteOptions:
    """Read the options from their object. Raises Refusal (422)."""
    policy, orphans, asked = (
        body.get("propagationPolicy"),
        body.get("orphanDependents"),
        body.get("preconditions") or {},
    )
    faults: Faults = []
    if policy is not None and orphans is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        faults.append(wrong("propagationPolicy", policy, text))
    if policy is not None and policy not in _POLICIES:
        faults.append(unsupported("propagationPolicy", policy, (*_POLICIES, "nil")))
    faults += _dry_run_faults(body.get("dryRun") or [])
    if faults:
        raise _refused("DeleteOptions", faults)
    if orphans is not None:
        policy = "Orphan" if orphans else "Background"
    return DeleteOptions(
        dry_run=bool(body.get("dryRun")),
        grace=body.get("gracePeriodSeconds"),
        policy=policy or "",
        uid=asked.get("uid") or "",
        resource_version=asked.get("resourceVersion") or "",
    )


def check_preconditions(kind: Kind, obj: Json, options: DeleteOptions) -> None:
    """Refuse to delete another object, or another state of it, than was meant. Raises Refusal (409)."""
    metadata = obj["metadata"]
    details = details_of(kind.group, kind.kind, metadata["name"])
    for asked, held, word, what in (
        (options.uid, metadata["uid"], "UID", "deleted and then recreated"),
        (options.resource_version, metadata["resourceVersion"], "ResourceVersion", "modified"),
    ):
        if asked and asked != held:
            reason = (
                f"the {word} in the precondition ({asked}) does not match the {word} in record ({held})."
                f" The object might have been {what}"
            )
            raise conflict(kind.type_name, details, reason)


def _delete_body(call: Call) -> Json:
    body = json_fault(call.payload.data)
    if isinstance(body, str):
        raise Refusal(500, "", f"couldn't get version/kind; json parse error: {body}")
    named = body.get("kind", "DeleteOptions")
    if named != "DeleteOptions":
        where = body.get("apiVersion", "meta.k8s.io/v1")
        raise Refusal(
            500, "", f'no kind "{named}" is registered for version "{where}" in scheme "pkg/runtime/scheme.go:110"'
        )
    try:
        return decode(struct_of("v1", "DeleteOptions"), body).obj
    except Unreadable as error:
        raise bad_request(str(error)) from None


def _dry_run_faults(values: list[str]) -> list[Cause]:
    return [unsupported("dryRun", values, ("All",))] if any(value != "All" for value in values) else []


def _refused(kind: str, faults: list[Cause]) -> Refusal:
    return invalid(f"{kind}.meta.k8s.io", "", *faults, details={"group": "meta.k8s.io", "kind": kind})
