"""What `ragops.toml` may say about changes: rules, freezes, who is one person, who is on call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.configuration import load_configuration
from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import ChangePolicy
from bot.domain.people import RoleName
from bot.domain.plans import Risk
from bot.domain.targets import ClusterName, Namespace, Scope, Where
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
VERBS = ("evict", "rollback", "restart", "set image")


def changes(text: str) -> ChangePolicy:
    return load_configuration(WORLD + text, SOURCE, verbs=VERBS).changes


def faults_of(text: str) -> list[str]:
    """Return the faults, their lines counted from the first line of `text`."""
    with pytest.raises(SettingsError) as raised:
        changes(text)
    told = [str(fault).removeprefix(f"{SOURCE}:").partition(":") for fault in raised.value.faults]
    return [f"{int(line) - LINES}:{what}" for line, _, what in told]


def at(cluster: str, namespace: str, service: str = "") -> Where:
    return Where(Scope(ClusterName(cluster), Namespace(namespace)), service)


def test_without_a_word_small_things_need_nobody_and_others_approvers() -> None:
    """Low: who asks; medium: one approver; high: two."""
    policy = changes("")

    assert policy.rule_for("restart", Risk.LOW, at("prod", "rag")).empty
    assert policy.rule_for("rollback", Risk.MEDIUM, at("prod", "rag")).places == 1
    assert policy.rule_for("set image", Risk.HIGH, at("prod", "rag")).places == 2
    assert policy.refusal("rollback", Risk.HIGH, at("prod", "rag")) == ""


def test_the_rule_of_a_risk_is_what_stands_there() -> None:
    """Sets with their counts, by role, group, user and on call; the others keep their defaults."""
    policy = changes(
        '[changes]\nmedium = { approvals = [{ name = "@leads", groups = ["S0AB12CD"], count = 2 },'
        " { on_call = true, tier = 2 }], people = 3 }\n"
        '[[on_call]]\npeople = ["U012AB"]\nstarts = "2026-01-05T09:00:00Z"\ntier = 2\n'
    )

    assert policy.rule_for("rollback", Risk.MEDIUM, at("prod", "rag")) == Rule(
        sets=(
            RuleSet(name="@leads", count=2, groups=("S0AB12CD",)),
            RuleSet(name="on call", on_call=True, tiers=(2,)),
        ),
        humans=3,
    )
    assert policy.defaults[Risk.HIGH] == ChangePolicy().defaults[Risk.HIGH]


def test_the_first_rule_that_fits_decides() -> None:
    """By command, risk and place; what no rule is about has the rule of its risk."""
    policy = changes(
        "[changes]\nrules = [\n"
        '{ clusters = ["test"], approvals = [] },\n'
        '{ verbs = ["evict"], services = ["api"], forbidden = "by hand only" },\n'
        '{ risks = ["high"], namespaces = ["jobs"], approvals = [{ roles = ["admin"] }] },\n]\n'
    )

    assert policy.rule_for("evict", Risk.HIGH, at("test", "rag", "api")).empty
    assert policy.refusal("evict", Risk.LOW, at("prod", "rag", "api")) == "by hand only"
    assert policy.refusal("evict", Risk.LOW, at("prod", "rag")) == ""
    [only] = policy.rule_for("restart", Risk.HIGH, at("prod", "jobs")).sets
    assert only == RuleSet(name="admins", roles=(RoleName.ADMIN,))
    assert policy.rule_for("restart", Risk.HIGH, at("prod", "rag")) == policy.defaults[Risk.HIGH]


def test_a_freeze_holds_where_it_says() -> None:
    """It is told before any rule, with its reason."""
    policy = changes('[[freezes]]\nreason = "the big sale"\nclusters = ["prod"]\nverbs = ["rollback"]\n')

    assert policy.refusal("rollback", Risk.LOW, at("prod", "rag")) == "changes are frozen here: the big sale"
    assert policy.refusal("rollback", Risk.LOW, at("test", "rag")) == ""
    assert policy.refusal("restart", Risk.LOW, at("prod", "rag")) == ""


def test_accounts_of_one_person_are_one_person() -> None:
    """Others are a person each; a terminal's name leads to the first account."""
    policy = changes('[people.ann]\naccounts = ["U012AB", "U034CD"]\nterminals = ["ann@example.com"]\n')

    assert {policy.human_of(user) for user in ("U012AB", "U034CD")} == {"ann"}
    assert policy.human_of("U056EF") == "U056EF"
    assert policy.terminals == {"ann@example.com": "U012AB"}


def test_the_rota_turns_at_the_handover() -> None:
    """Each turn is as long as it says, over and over; before the first there is nobody."""
    policy = changes(
        '[[on_call]]\npeople = ["U012AB", "U034CD"]\nstarts = "2026-01-05T09:00:00+01:00"\nturn_days = 2\n'
    )
    first = datetime(2026, 1, 5, 8, tzinfo=UTC)

    def who(moment: datetime) -> str:
        return ", ".join(user for user, _ in policy.on_call(moment).people)

    assert who(first - timedelta(seconds=1)) == ""
    assert [who(first + timedelta(days=days)) for days in (0, 1, 2, 3, 4)] == [
        "U012AB",
        "U012AB",
        "U034CD",
        "U034CD",
        "U012AB",
    ]
    assert who(first + timedelta(days=2, seconds=-1)) == "U012AB"


def test_the_version_changes_with_what_decides_and_with_nothing_else() -> None:
    """Rules, people and roles are in it, limits are not."""
    nothing = changes("").version
    a_rule = changes("[changes]\nlow = { approvals = [] }\n").version
    a_role = changes('[roles.admin]\nusers = ["U012AB"]\n').version

    assert len({nothing, a_rule, a_role}) == 3
    assert changes("[limits]\ncommands_per_minute = 5\n").version == nothing


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "[changes]\nlow = {}\n",
            ["2: says nothing; list approvals, or [] for nobody besides who asks"],
            id="an empty rule",
        ),
        pytest.param(
            "[changes]\nlow = { approvals = [{}] }\n",
            ["2: names nobody; list roles, groups or users, or set on_call = true"],
            id="an empty set",
        ),
        pytest.param(
            "[changes]\nlow = { people = 2 }\n",
            ["2: people: without approvals nobody could be one of them"],
            id="people without sets",
        ),
        pytest.param(
            '[changes]\nlow = { approvals = [{ roles = ["admin"] }, { roles = ["admin"] }] }\n',
            ["2: approvals: two sets have the same name"],
            id="two sets of one name",
        ),
        pytest.param(
            "[changes]\nlow = { approvals = [{ on_call = true }] }\n",
            ["1: a rule asks for who is on call, but there is no [[on_call]]"],
            id="on call without a rota",
        ),
        pytest.param(
            '[changes]\nlow = { approvals = [{ roles = ["admin"], tier = 1 }] }\n',
            ["2: tier: only who is on call has one"],
            id="a tier of a role",
        ),
        pytest.param(
            '[changes]\nrules = [{ forbidden = "no", approvals = [] }]\n',
            ["2: forbidden: what nobody may do needs no approvals"],
            id="forbidden and approved",
        ),
        pytest.param(
            '[changes]\nrules = [{ verbs = ["rolback"], approvals = [] }]\n',
            ["2: verbs: there is no command 'rolback'; did you mean rollback?"],
            id="no such command",
        ),
        pytest.param(
            "[changes]\nrules = [{ clusters = [], approvals = [] }]\n",
            ["2: clusters: list at least one"],
            id="an empty place would be everywhere",
        ),
        pytest.param("[[freezes]]\n", ["1: reason is missing"], id="a freeze without a reason"),
        pytest.param(
            '[people.ann]\naccounts = ["U012AB"]\n[people.bob]\naccounts = ["U012AB"]\n',
            ["4: accounts: U012AB belongs to ann already"],
            id="an account of two",
        ),
        pytest.param(
            '[people.a]\naccounts = ["U01"]\nterminals = ["x"]\n[people.b]\naccounts = ["U02"]\nterminals = ["x"]\n',
            ["6: terminals: 'x' belongs to somebody else already"],
            id="a terminal of two",
        ),
        pytest.param(
            '[[on_call]]\npeople = ["U012AB"]\nstarts = "2026-01-05T09:00:00"\n',
            ["3: starts: '2026-01-05T09:00:00' lacks its offset from UTC, such as +01:00 or Z"],
            id="a moment without its offset",
        ),
        pytest.param(
            "[changes.minutes_to_live_of]\nrolback = 20\n",
            ["2: there is no command 'rolback'; did you mean rollback?"],
            id="the time of no command",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_line(text: str, told: list[str]) -> None:
    """Each fault alone."""
    assert faults_of(text) == told
