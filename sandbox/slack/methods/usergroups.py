"""usergroups.*: read only; a paid plan is needed for any of it."""

from __future__ import annotations

from sandbox.slack.errors import SlackError
from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.payloads import group_json
from sandbox.slack.records import Json


def list_groups(call: Call) -> Json:
    """List the groups, on demand with their members and the disabled ones."""
    _paid(call)
    groups = [g for g in call.world.groups.values() if not g.disabled or call.args.flag("include_disabled")]
    users = call.args.flag("include_users")
    return {"usergroups": [group_json(call.world, group, users=users) for group in groups]}


def list_users(call: Call) -> Json:
    """List the members of one group."""
    _paid(call)
    wanted = call.args.required("usergroup", "no_such_subteam")
    group = next((group for group in call.world.groups.values() if group.id == wanted), None)
    if group is None or (group.disabled and not call.args.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _paid(call: Call) -> None:
    if not call.world.paid_plan:
        raise SlackError("plan_upgrade_required")


METHODS = (
    Method("usergroups.list", list_groups, Tier.T2, ("usergroups:read",)),
    Method("usergroups.users.list", list_users, Tier.T2, ("usergroups:read",)),
)
