"""The keys of `ragops.toml` about changes: `[changes]`, `[[freezes]]`, `[people]`, `[[on_call]]`."""

from __future__ import annotations

from bot.configuration.changes import MOST_COPIES
from bot.domain.change_policy import ChangePolicy
from bot.domain.plans import Risk
from bot.setup.keys import Key, Table, number

_DEFAULT = ChangePolicy()
_RISKS = ", ".join(f"`{risk}`" for risk in Risk)


def _rule(name: Risk, meaning: str, default: str, example: str) -> Key:
    return Key(name=name, type="rule", meaning=meaning, default=default, example=example)


def _places(what: str) -> tuple[Key, ...]:
    return (
        Key(
            name="clusters", type="list of names", meaning="of `[clusters]`", default="every one", example='["prod-eu"]'
        ),
        Key(
            name="namespaces",
            type="list of names",
            meaning="that a cluster lists",
            default="every one",
            example='["rag-engine-jobs"]',
        ),
        Key(name="services", type="list of aliases", meaning="of `[services]`", default="every one", example='["api"]'),
        Key(
            name="verbs",
            type="list of commands",
            meaning=f"the changes that are {what}",
            default="every one",
            example='["rollback"]',
        ),
    )


CHANGES = Table(
    name="changes",
    heading="[changes]",
    header="[changes]",
    text="Who has to agree to a change. A rule is `{ approvals = [SET, …], people = N }`: every set has to be filled,"
    " by at least `people`\ndistinct people, and nobody agrees to their own request. `approvals = []` asks nobody."
    " A set is `{ name, count, roles, groups,\nusers, on_call, tier }`: `count` (1) people who hold one of the `roles`"
    " there, are in one of the `groups` (by id), are one of the\n`users` (by id), or are on call with `on_call = true`"
    " (in `tier`, if it is named). `name` is what people read.",
    keys=(
        Key(
            name="channel",
            type="`C…` or `G…`",
            meaning="where requests are shown that were made in a direct message or at a terminal",
            default="none: such requests are refused",
            example='"C0RAGCHNGE"',
        ),
        number(
            "direct_messages",
            _DEFAULT.direct_messages,
            0,
            MOST_COPIES,
            "to how many approvers at most a request's card is sent as a direct message, too. Where the rule names more"
            " people, nobody gets one, and the card stands in its channel alone; `0`: nobody ever does",
        ),
        _rule(
            Risk.LOW,
            "for one reversible step on one object, such as a restart while others serve",
            "nobody",
            "{ approvals = [] }",
        ),
        _rule(
            Risk.MEDIUM,
            "for what needs a second look, such as a rollback",
            "one approver",
            '{ approvals = [{ name = "@rag-leads", groups = ["S0RAGLEADS"] }] }',
        ),
        _rule(
            Risk.HIGH,
            "for what could do harm, such as an image from elsewhere",
            "two approvers",
            '{ approvals = [{ roles = ["approver"], count = 2 }], people = 2 }',
        ),
        Key(
            name="rules",
            type="list of rules",
            meaning="rules for some changes; the first that fits decides. Beside the rule stand `verbs`, `risks`"
            f" ({_RISKS}), `clusters`, `namespaces`, `services`: left out means any. `forbidden` instead of `approvals`"
            " says why nobody may",
            default="none",
            example='[{ namespaces = ["rag-engine-jobs"], approvals = [{ roles = ["approver"] }] }]',
        ),
        number(
            "minutes_to_live",
            _DEFAULT.time_to_live_s // 60,
            1,
            1440,
            "how long a request waits for its approvals",
        ),
        Key(
            name="minutes_to_live_of",
            type="table of minutes",
            meaning="the same for single commands",
            default="none",
            example="{ rollback = 20 }",
        ),
        number(
            "execute_within_s",
            _DEFAULT.execute_within_s,
            10,
            3600,
            "how long after its approval a change may begin; then it expires",
        ),
        number(
            "scale_cap",
            _DEFAULT.scale_cap,
            1,
            10_000,
            "scaling to more pods than this is no small matter: it counts as `medium`",
        ),
    ),
)

FREEZES = Table(
    name="freezes",
    heading="[[freezes]]",
    header="[[freezes]]",
    text="Where nothing may be changed now. A request that is approved already does not begin any more.",
    keys=(
        Key(
            name="reason",
            type="text",
            required=True,
            meaning="why; people read it",
            example='"the year\'s busiest week"',
        ),
        *_places("frozen"),
    ),
)

PEOPLE = Table(
    name="people",
    heading="[people.NAME]",
    header="[people.ann]",
    text="Who is one person. Accounts that are not listed are a person each. Nobody approves their own request under"
    " any of their\naccounts.",
    keys=(
        Key(
            name="accounts",
            type="list of `U…` or `W…`",
            required=True,
            meaning="the person's users, by id; the first is the one who asks at a terminal",
            example='["U0ANN00001", "U0ANN00002"]',
        ),
        Key(
            name="terminals",
            type="list of texts",
            meaning="user names of kubeconfigs, as the cluster tells them: who asks with `--apply`",
            default="none",
            example='["ann@example.com"]',
        ),
    ),
)

ON_CALL = Table(
    name="on_call",
    heading="[[on_call]]",
    header="[[on_call]]",
    text="A static rota, one table for each tier: the `people` take turns of `turn_days` days, the first from `starts`"
    " on.",
    keys=(
        Key(
            name="people",
            type="list of `U…` or `W…`",
            required=True,
            meaning="in the order of their turns, by id",
            example='["U0ANN00001", "U0BOB00001"]',
        ),
        Key(
            name="starts",
            type="moment",
            required=True,
            meaning="the first handover, with its offset from UTC",
            example='"2026-01-05T09:00:00+01:00"',
        ),
        number("turn_days", 7, 1, 90, "how long a turn is"),
        number("tier", 1, 1, 9, "the first that is called is 1"),
    ),
)

CHANGE_TABLES = (CHANGES, FREEZES, PEOPLE, ON_CALL)
