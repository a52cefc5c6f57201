"""The parts of `ragops.toml` about people: roles, grants that hold in some places, and verbs that few may use."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.toml_tables import Table, a_list, did_you_mean

_USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP_ID = re.compile(r"S[A-Z0-9]{2,20}")
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,20}")
_PLACES = ("clusters", "namespaces", "services")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names that places and verbs may have; `verbs` is None where nobody knows them."""

    clusters: Collection[str]
    namespaces: Collection[str]
    services: Collection[str]
    verbs: Collection[str] | None


def read_policy(top: Table, known: Known) -> Policy:
    """Read `[roles]`, `[[grants]]` and `[verbs]`."""
    places = dict(zip(_PLACES, (known.clusters, known.namespaces, known.services), strict=True))
    bindings = [*_roles(top.table("roles")), *(_grant(entry, places) for entry in top.rows("grants"))]
    return Policy(bindings=tuple(bindings), verbs=_verbs(top.table("verbs"), known.verbs))


def _roles(table: Table) -> list[RoleBinding]:
    bindings = []
    for name in RoleName:
        if table.has(name):
            entry = table.table(name)
            bindings.append(_binding(name, entry))
            entry.close()
    table.expect(tuple(RoleName))
    table.close()
    return bindings


def _grant(entry: Table, known: Mapping[str, Collection[str]]) -> RoleBinding:
    """Read one grant: a role that its people hold in some places only."""
    role = entry.text("role", partial(one_of, what="role", known=tuple(RoleName)), required=True)
    places = {key: _listed(entry, key, known[key]) for key in _PLACES}
    if not any(entry.has(key) for key in _PLACES):
        entry.fault(f"names no place ({a_list(_PLACES)}); a role that holds everywhere belongs into [roles]")
    bound = _binding(RoleName(role) if role else RoleName.VIEWER, entry)
    if not (bound.groups or bound.users or bound.everyone):
        entry.fault("names nobody; list groups or users")
    entry.close()
    return RoleBinding(role=bound.role, groups=bound.groups, users=bound.users, everyone=bound.everyone, **places)


def _listed(entry: Table, key: str, known: Collection[str]) -> frozenset[str]:
    """Read a list of places. An empty one is a fault: it would hold everywhere."""
    check = partial(one_of, what=key.removesuffix("s"), known=tuple(known))
    return frozenset(entry.texts(key, check, required=entry.has(key)))


def _binding(role: RoleName, entry: Table) -> RoleBinding:
    everyone = entry.flag("everyone")
    if everyone and role is not RoleName.VIEWER:
        entry.fault(f"everyone: only viewer may be everyone, {role} may not; list groups or users", "everyone")
    return RoleBinding(
        role=role,
        groups=frozenset(entry.texts("groups", group_id)),
        users=frozenset(entry.texts("users", user_id)),
        everyone=everyone and role is RoleName.VIEWER,
    )


def _verbs(table: Table, known: Collection[str] | None) -> Mapping[str, frozenset[RoleName]]:
    admitted: dict[str, frozenset[RoleName]] = {}
    check = partial(one_of, what="role", known=tuple(RoleName))
    for verb in table.names():
        roles = table.texts(verb, check, required=True)
        if known is not None and verb not in known:
            table.fault(f"there is no command {verb!r}{did_you_mean(verb, known)}", verb)
        admitted[verb] = frozenset(map(RoleName, roles))
    table.close()
    return MappingProxyType(admitted)


def one_of(value: str, *, what: str, known: Collection[str]) -> str:
    """Judge a word that must be one of those known."""
    if value in known:
        return ""
    return f"there is no {what} {value!r}{did_you_mean(value, known) or f'; known are {a_list(known)}'}"


def group_id(value: str) -> str:
    """Judge the id of a user group."""
    return _id(value, _GROUP_ID, "a user group; expected S…, not its handle")


def user_id(value: str) -> str:
    """Judge the id of a user."""
    return _id(value, _USER_ID, "a user; expected U… or W…, not a name")


def channel_id(value: str) -> str:
    """Judge the id of a channel."""
    return _id(value, _CHANNEL_ID, "a channel; expected C… (or G…), not its name")


def _id(value: str, shape: re.Pattern[str], what: str) -> str:
    return "" if shape.fullmatch(value) else f"{value!r} is no id of {what}{_looks_like(value)}"


def _looks_like(value: str) -> str:
    """Say what an id is when it is one of another kind."""
    kinds = ((_GROUP_ID, "a user group"), (_USER_ID, "a user"), (_CHANNEL_ID, "a channel"))
    return next((f" (this looks like {kind})" for shape, kind in kinds if shape.fullmatch(value)), "")
