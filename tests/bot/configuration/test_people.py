"""What `ragops.toml` may say about people: roles, grants in some places, verbs that few may use."""

from __future__ import annotations

import pytest

from bot.configuration import load_configuration
from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.errors import SettingsError

SOURCE = "ragops.toml"
WORLD = """\
[clusters.prod]
namespaces = ["rag", "jobs"]
default = true
[clusters.test]
namespaces = ["rag"]
[services.api]
workload = "deployment/rag-api"
"""
LINES = WORLD.count("\n")
VERBS = ("logs", "status")


def policy(text: str) -> Policy:
    return load_configuration(WORLD + text, SOURCE, verbs=VERBS).policy


def faults_of(text: str) -> list[str]:
    """Return the faults, their lines counted from the first line of `text`."""
    with pytest.raises(SettingsError) as raised:
        policy(text)
    told = [str(fault).removeprefix(f"{SOURCE}:").partition(":") for fault in raised.value.faults]
    return [f"{int(line) - LINES}:{what}" for line, _, what in told]


def test_roles_are_bound_by_id_everywhere() -> None:
    """Groups, users and everyone arrive in the binding of their role, which holds in every place."""
    text = '[roles]\nviewer.everyone = true\n[roles.admin]\ngroups = ["S0AB12CD"]\nusers = ["U012AB", "W012AB"]\n'

    bindings = policy(text).bindings

    assert list(bindings) == [
        RoleBinding(role=RoleName.VIEWER, everyone=True),
        RoleBinding(role=RoleName.ADMIN, groups=frozenset({"S0AB12CD"}), users=frozenset({"U012AB", "W012AB"})),
    ]
    assert not any(binding.limited for binding in bindings)


def test_a_grant_is_a_role_in_some_places() -> None:
    """Its places and its people arrive together; there may be several of one role."""
    text = (
        '[[grants]]\nrole = "operator"\nclusters = ["test"]\nnamespaces = ["rag"]\ngroups = ["S0AB12CD"]\n'
        '[[grants]]\nrole = "operator"\nservices = ["api"]\nusers = ["U012AB"]\n'
        '[[grants]]\nrole = "viewer"\nnamespaces = ["jobs"]\neveryone = true\n'
    )

    bindings = policy(text).bindings

    assert list(bindings) == [
        RoleBinding(
            role=RoleName.OPERATOR,
            groups=frozenset({"S0AB12CD"}),
            clusters=frozenset({"test"}),
            namespaces=frozenset({"rag"}),
        ),
        RoleBinding(role=RoleName.OPERATOR, users=frozenset({"U012AB"}), services=frozenset({"api"})),
        RoleBinding(role=RoleName.VIEWER, everyone=True, namespaces=frozenset({"jobs"})),
    ]
    assert all(binding.limited for binding in bindings)


def test_a_verb_may_be_kept_for_some_roles() -> None:
    """Their names arrive as roles; a verb that is not listed is not narrowed."""
    assert dict(policy('[verbs]\nlogs = ["admin", "operator"]\n').verbs) == {
        "logs": frozenset({RoleName.ADMIN, RoleName.OPERATOR})
    }


def test_a_verb_that_does_not_exist_is_a_fault_where_verbs_are_known() -> None:
    """Without knowing them, the reader cannot tell."""
    assert faults_of("[verbs]\nlgos = ['admin']") == ["2: there is no command 'lgos'; did you mean logs?"]
    assert load_configuration("[verbs]\nlgos = ['admin']", SOURCE).policy.verbs


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[roles.viewers]", "1: unknown key 'viewers'; did you mean viewer?", id="role"),
        pytest.param(
            "[roles.admin]\neveryone = true", "2: everyone: only viewer may be everyone, admin", id="everyone"
        ),
        pytest.param("[roles.admin]\ngroups = ['@ops']", "2: groups: '@ops' is no id of a user group", id="handle"),
        pytest.param("[roles.admin]\nusers = ['ann']", "2: users: 'ann' is no id of a user", id="name"),
        pytest.param(
            "[roles.admin]\ngroups = ['U012AB']",
            "2: groups: 'U012AB' is no id of a user group; expected S…, not its handle (this looks like a user)",
            id="user as group",
        ),
        pytest.param(
            "[roles.admin]\nusers = [\n'C012AB']",
            "3: users: 'C012AB' is no id of a user; expected U… or W…, not a name (this looks like a channel)",
            id="channel as user",
        ),
        pytest.param("[roles.admin]\nusers = ['U012AB', 'U012AB']", "2: users: 'U012AB' stands here twice", id="twice"),
    ],
)
def test_a_fault_of_a_role(text: str, told: str) -> None:
    """What is wrong with a role is told at its line, once."""
    (fault,) = faults_of(text)

    assert fault.startswith(told)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param("namespaces = ['rag']\nusers = ['U012AB']", "1: role is missing", id="no role"),
        pytest.param(
            "role = 'operater'\nnamespaces = ['rag']\nusers = ['U012AB']",
            "2: role: there is no role 'operater'; did you mean operator?",
            id="unknown role",
        ),
        pytest.param(
            "role = 'operator'\nusers = ['U012AB']",
            "1: names no place (clusters, namespaces, services); a role that holds everywhere belongs into [roles]",
            id="no place",
        ),
        pytest.param(
            "role = 'admin'\nnamespaces = []\nusers = ['U012AB']",
            "3: namespaces: list at least one",
            id="an empty list of places, which would be everywhere",
        ),
        pytest.param("role = 'operator'\nnamespaces = ['rag']", "1: names nobody; list groups or users", id="nobody"),
        pytest.param(
            "role = 'operator'\nnamespaces = ['rga']\nusers = ['U012AB']",
            "3: namespaces: there is no namespace 'rga'; did you mean rag?",
            id="namespace that is not looked at",
        ),
        pytest.param(
            "role = 'operator'\nclusters = ['prd']\nusers = ['U012AB']",
            "3: clusters: there is no cluster 'prd'; did you mean prod?",
            id="cluster that is not configured",
        ),
        pytest.param(
            "role = 'operator'\nservices = [\n'api',\n'db']\nusers = ['U012AB']",
            "5: services: there is no service 'db'; known are api",
            id="service that is not in the catalogue",
        ),
        pytest.param(
            "role = 'operator'\nnamespaces = ['rag']\neveryone = true\nusers = ['U012AB']",
            "4: everyone: only viewer may be everyone, operator may not; list groups or users",
            id="everyone",
        ),
        pytest.param(
            "role = 'operator'\nnamespace = ['rag']\nclusters = ['prod']\nusers = ['U012AB']",
            "3: unknown key 'namespace'; did you mean namespaces?",
            id="unknown key",
        ),
    ],
)
def test_a_fault_of_a_grant(lines: str, told: str) -> None:
    """What is wrong with a grant is told at its line, once."""
    (fault,) = faults_of(f"[[grants]]\n{lines}")

    assert fault == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("grants = 3", "1: grants: expected tables such as [[grants]], got the number 3", id="a number"),
        pytest.param("grants = [3]", "1: grants: expected a table such as [[grants]], got the number 3", id="numbers"),
        pytest.param("[grants]", "1: grants: expected tables such as [[grants]], got a table", id="one table"),
        pytest.param("[verbs]\nlogs = []", "2: logs: list at least one", id="verb for nobody"),
        pytest.param(
            "[verbs]\nlogs = ['root']", "2: logs: there is no role 'root'; known are admin, approver", id="role"
        ),
        pytest.param("[verbs]\nlogs = 'admin'", "2: logs: expected a list such as", id="no list"),
    ],
)
def test_a_fault_of_what_is_no_table_or_list(text: str, told: str) -> None:
    """Types are told where they stand. A key without a table must stand before the tables."""
    with pytest.raises(SettingsError) as raised:
        load_configuration(text, SOURCE, verbs=VERBS)
    (fault,) = raised.value.faults

    assert str(fault).startswith(f"{SOURCE}:{told}")
