"""The parts of `ragops.toml` about changes: `[changes]`, `[[freezes]]`, `[people]`, `[[on_call]]`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from bot.configuration.people import Known, channel_id, group_id, one_of, user_id
from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import DEFAULT_RULES, ChangePolicy, Rota, RuleFor
from bot.domain.people import RoleName
from bot.domain.plans import Risk
from bot.domain.text import listed
from bot.toml_tables import Table

# Each change of a card is an edit of every copy, and the platform takes few edits a minute.
MOST_COPIES = 20

_DEFAULT = ChangePolicy()
_DECIDING = ("changes", "freezes", "people", "on_call", "roles", "grants", "verbs")


def read_changes(top: Table, values: Mapping[str, object], known: Known) -> ChangePolicy:
    """Read what it takes to change something. `values` is the whole file, of which the policy's version is made."""
    table = top.table("changes")
    humans, terminals = _people(top.table("people"))
    policy = ChangePolicy(
        version=_version(values),
        rules=tuple(_rule_for(row, known) for row in table.rows("rules")),
        defaults=_defaults(table),
        time_to_live_s=_minutes(table, "minutes_to_live", _DEFAULT.time_to_live_s),
        times_to_live_s=_times(table.table("minutes_to_live_of"), known.verbs),
        execute_within_s=int(
            table.number("execute_within_s", _DEFAULT.execute_within_s, low=10, high=3600, whole=True)
        ),
        frozen=tuple(_freeze(row, known) for row in top.rows("freezes")),
        scale_cap=int(table.number("scale_cap", _DEFAULT.scale_cap, low=1, high=10_000, whole=True)),
        channel=table.text("channel", channel_id),
        direct_messages=int(
            table.number("direct_messages", _DEFAULT.direct_messages, low=0, high=MOST_COPIES, whole=True)
        ),
        humans=humans,
        terminals=terminals,
        rotas=tuple(_rota(row) for row in top.rows("on_call")),
    )
    table.close()
    _on_call_exists(table, policy)
    return policy


def _version(values: Mapping[str, object]) -> str:
    """Return a short digest of all that decides: who could approve yesterday must be tellable from who can today."""
    parts = {key: values[key] for key in _DECIDING if key in values}
    if not parts:
        return _DEFAULT.version
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _defaults(table: Table) -> Mapping[Risk, Rule]:
    rules = dict(DEFAULT_RULES)
    for risk in Risk:
        if table.has(risk):
            entry = table.table(risk)
            rules[risk] = _rule(entry)
            entry.close()
    table.expect(tuple(Risk))
    return MappingProxyType(rules)


def _rule(entry: Table) -> Rule:
    sets = tuple(_set(row) for row in entry.rows("approvals"))
    names = [each.name for each in sets]
    if len(set(names)) < len(names):
        entry.fault("approvals: two sets have the same name", "approvals")
    least = int(entry.number("people", 0, low=0, high=10, whole=True))
    if not entry.has("approvals") and not least:
        entry.fault("says nothing; list approvals, or [] for nobody besides who asks")
    if least and not sets:
        entry.fault("people: without approvals nobody could be one of them", "people")
    return Rule(sets=sets, humans=least)


def _set(row: Table) -> RuleSet:
    roles = row.texts("roles", partial(one_of, what="role", known=tuple(RoleName)))
    groups = row.texts("groups", group_id)
    users = row.texts("users", user_id)
    on_call = row.flag("on_call")
    if not (roles or groups or users or on_call):
        row.fault("names nobody; list roles, groups or users, or set on_call = true")
    tier = int(row.number("tier", 0, low=0, high=9, whole=True))
    if tier and not on_call:
        row.fault("tier: only who is on call has one", "tier")
    found = RuleSet(
        name=row.text("name", _name) or _named(roles, groups, users, on_call=on_call),
        count=int(row.number("count", 1, low=1, high=10, whole=True)),
        roles=tuple(map(RoleName, roles)),
        groups=groups,
        users=users,
        on_call=on_call,
        tiers=(tier,) if tier else (),
    )
    row.close()
    return found


def _named(roles: Collection[str], groups: Collection[str], users: Collection[str], *, on_call: bool) -> str:
    """Name a set for people when the operator did not."""
    words = [f"{role}s" for role in roles] + [f"group {group}" for group in groups]
    words += [f"{len(users)} named people"] if users else []
    return listed([*words, "on call"] if on_call else words) or "nobody"


def _name(value: str) -> str:
    return "" if 0 < len(value.strip()) <= 40 else "expected 1 to 40 characters"


def _rule_for(row: Table, known: Known) -> RuleFor:
    places = _places(row, known)
    risks = frozenset(map(Risk, row.texts("risks", partial(one_of, what="risk", known=tuple(Risk)))))
    forbidden = row.text("forbidden", _name_of_reason)
    if row.has("forbidden"):
        row.expect(("approvals", "people"))
        if row.has("approvals") or row.has("people"):
            row.fault("forbidden: what nobody may do needs no approvals", "forbidden")
        rule = Rule()
    else:
        rule = _rule(row)
    row.close()
    return RuleFor(rule=rule, forbidden=forbidden, risks=risks, **places)


def _freeze(row: Table, known: Known) -> RuleFor:
    places = _places(row, known)
    reason = row.text("reason", _name_of_reason, required=True)
    row.close()
    return RuleFor(forbidden=reason, **places)


def _places(row: Table, known: Known) -> dict[str, Any]:
    """Read where a rule holds. An empty list is a fault: it would hold everywhere."""
    kinds = (("clusters", known.clusters), ("namespaces", known.namespaces), ("services", known.services))
    places = {
        key: frozenset(
            row.texts(key, partial(one_of, what=key.removesuffix("s"), known=tuple(names)), required=row.has(key))
        )
        for key, names in kinds
    }
    verbs = known.verbs
    check = partial(one_of, what="command", known=tuple(verbs)) if verbs is not None else _name
    return {**places, "verbs": frozenset(row.texts("verbs", check, required=row.has("verbs")))}


def _name_of_reason(value: str) -> str:
    return "" if 0 < len(value.strip()) <= 200 else "expected 1 to 200 characters: people read it"


def _minutes(table: Table, key: str, default_s: int) -> int:
    return int(table.number(key, default_s // 60, low=1, high=1440, whole=True)) * 60


def _times(table: Table, verbs: Collection[str] | None) -> Mapping[str, int]:
    times = {}
    for verb in table.names():
        if verbs is not None and (wrong := one_of(verb, what="command", known=tuple(verbs))):
            table.fault(wrong, verb)
        times[verb] = _minutes(table, verb, _DEFAULT.time_to_live_s)
    table.close()
    return MappingProxyType(times)


def _people(table: Table) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Read who is one person: their accounts, and their names in kubeconfigs."""
    humans: dict[str, str] = {}
    terminals: dict[str, str] = {}
    for person, entry in table.tables():
        accounts = entry.texts("accounts", user_id, required=True)
        for account in accounts:
            if account in humans:
                entry.fault(f"accounts: {account} belongs to {humans[account]} already", "accounts")
            humans[account] = person
        for name in entry.texts("terminals", _name_of_reason):
            if name in terminals:
                entry.fault(f"terminals: {name!r} belongs to somebody else already", "terminals")
            elif accounts:
                terminals[name] = accounts[0]
        entry.close()
    return MappingProxyType(humans), MappingProxyType(terminals)


def _rota(row: Table) -> Rota:
    starts = row.text("starts", _moment, required=True)
    rota = Rota(
        people=row.texts("people", user_id, required=True),
        starts=datetime.fromisoformat(starts) if starts else None,
        turn_days=int(row.number("turn_days", 7, low=1, high=90, whole=True)),
        tier=int(row.number("tier", 1, low=1, high=9, whole=True)),
    )
    row.close()
    return rota


def _moment(value: str) -> str:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return f"{value!r} is no moment; expected one such as 2026-01-05T09:00:00+01:00"
    return "" if found.tzinfo is not None else f"{value!r} lacks its offset from UTC, such as +01:00 or Z"


def _on_call_exists(table: Table, policy: ChangePolicy) -> None:
    """Report a rule that asks for who is on call where nobody ever is: it could never be met."""
    asked = any(
        each.on_call for rule in (*policy.defaults.values(), *(r.rule for r in policy.rules)) for each in rule.sets
    )
    if asked and not policy.rotas:
        table.fault("a rule asks for who is on call, but there is no [[on_call]]")
