"""Every key of `ragops.toml`, described once: what it means, its type, its default, its bounds, an example.

The defaults are those of the code's own records. The reference page is made from this, and a test drives the reader
with each of it, so that nothing is described that is not read, and nothing is read that is not described.
"""

from __future__ import annotations

from bot.configuration import AuditPublishing, Freshness
from bot.domain.people import RoleName
from bot.domain.policy import RateLimits
from bot.domain.targets import WORKLOAD_KINDS
from bot.setup.keys import Key, Table, number
from bot.setup.reference_changes import CHANGE_TABLES
from bot.setup.reference_watch import HEALTH_KEYS, WATCH_TABLES

_LIMITS, _FRESHNESS, _AUDIT = RateLimits(), Freshness(), AuditPublishing()


def _people(*, everyone: str) -> tuple[Key, ...]:
    return (
        Key(
            name="groups", type="list of `S…`", meaning="user groups, by id", default="none", example='["S0RAGONCALL"]'
        ),
        Key(
            name="users", type="list of `U…` or `W…`", meaning="people, by id", default="none", example='["U0ADMIN001"]'
        ),
        Key(name="everyone", type="true/false", meaning=everyone, default="`false`", example="true"),
    )


_ROLES = ", ".join(f"`{role}`" for role in list(RoleName)[:-1]) + f" or `{list(RoleName)[-1]}`"
_KINDS = ", ".join(f"`{kind.lower()}`" for kind in WORKLOAD_KINDS[:-1]) + f" or `{WORKLOAD_KINDS[-1].lower()}`"

CLUSTERS = Table(
    name="clusters",
    heading="[clusters.NAME]",
    header="[clusters.prod-eu]",
    text="One table for each cluster. `NAME` is what people say after `--cluster`. Without any such table, the cluster"
    " is the\nkubeconfig's current context.",
    keys=(
        Key(
            name="namespaces",
            type="list of names",
            required=True,
            meaning="the namespaces that are watched and open to chat. The first is meant when none is named",
            example='["rag-engine", "rag-engine-jobs"]',
        ),
        Key(
            name="in_cluster",
            type="true/false",
            meaning="reach the cluster that the bot's pod runs in, by its service account",
            default="`false`",
            example="true",
        ),
        Key(
            name="kubeconfig",
            type="path",
            meaning="not together with `in_cluster`",
            default="the environment's",
            example='"~/.kube/config"',
        ),
        Key(
            name="context",
            type="name",
            meaning="not together with `in_cluster`",
            default="the kubeconfig's current one",
            example='"prod-eu-admin"',
        ),
        Key(
            name="default",
            type="true/false",
            meaning="meant when no cluster is named; required of one when there are several",
            default="`false`",
            example="true",
        ),
    ),
    apart=("kubeconfig", "context"),
)

SERVICES = Table(
    name="services",
    heading="[services.ALIAS]",
    header="[services.api]",
    text="The service catalogue: short names that people say, and that answers use. A command that names a service"
    " looks where\nthat service lives: `status ingest` in the `namespace` and `cluster` of `ingest`. Whoever says `-n`"
    " or `--cluster` looks\nthere instead. `container` is the one\nthat is changed where a workload has several.",
    keys=(
        Key(
            name="workload",
            type="`kind/name`",
            required=True,
            meaning=f"kind is {_KINDS}",
            example='"deployment/rag-engine-api"',
        ),
        Key(
            name="namespace",
            type="name",
            meaning="one of the cluster's",
            default="the first of the cluster",
            example='"rag-engine"',
        ),
        Key(
            name="container", type="name", meaning="the one that matters among several", default="none", example='"api"'
        ),
        Key(
            name="cluster",
            type="name",
            meaning="one of `[clusters]`",
            default="the default cluster",
            example='"prod-eu"',
        ),
        number("connections_per_pod", 0, 0, 10_000, "connections to the database that one pod may hold; 0: unknown"),
        number("connections_limit", 0, 0, 100_000, "how many connections the database takes in all; 0: unknown"),
        *HEALTH_KEYS,
    ),
)

ROLES = Table(
    name="roles",
    heading="[roles.ROLE]",
    header="[roles.viewer]",
    text=f"Who may do what everywhere. `ROLE` is {_ROLES}; what each may use is a table in\n"
    "[commands](commands.md#who-may-what). A person holds every role that names them; only full members of the"
    " workspace\nhold any.",
    keys=_people(everyone="each full member; **`viewer` only**"),
    apart=("groups", "users"),
    after="A role that nobody is bound to is held by nobody. Every role may look and share, so without"
    " `[roles.viewer]` only\nholders of other roles may.",
)

GRANTS = Table(
    name="grants",
    heading="[[grants]]",
    header="[[grants]]",
    text="A role in some places only: as many such tables as there are grants. The role is held where every place"
    " named fits:\n`clusters` **and** `namespaces` **and** `services`, each of them any of its list. A grant names at"
    " least one place and at\nleast somebody. A role that is held for `services` covers commands about one of them,"
    " never one about a whole namespace.",
    keys=(
        Key(name="role", type="name of a role", required=True, meaning=_ROLES, example='"viewer"'),
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
        Key(
            name="services",
            type="list of aliases",
            meaning="of `[services]`",
            default="every one, and whole namespaces",
            example='["api"]',
        ),
        *_people(everyone="each full member; **with the role `viewer` only**"),
    ),
    always=("namespaces", "groups"),
    apart=("clusters", "services", "users", "everyone"),
)

VERBS = Table(
    name="verbs",
    heading="[verbs]",
    header="[verbs]",
    text="Commands that few may use. A command that is listed here may be used by these roles only, as far as they may"
    " use it\nanyway: this narrows, it never grants. The keys are names of [commands](commands.md).",
    keys=(
        Key(
            name="logs",
            type="list of roles",
            meaning="for any command: the only roles that may use it",
            default="every role that may",
            example='["operator", "admin"]',
        ),
    ),
    free="COMMAND",
)

LIMITS = Table(
    name="limits",
    heading="[limits]",
    header="[limits]",
    text="Over a limit, a request is refused in words.",
    keys=(
        number("commands_per_minute", _LIMITS.person, 1, 600, "for each person"),
        number("channel_commands_per_minute", _LIMITS.channel, 1, 6000, "for each channel"),
    ),
)

FRESHNESS = Table(
    name="freshness",
    heading="[freshness]",
    header="[freshness]",
    text="How old an answer may be.",
    keys=(
        number(
            "stale_after_s",
            _FRESHNESS.stale_after_s,
            20,
            600,
            "a watch without a sign of life for longer makes its part of the picture stale; the server sends one a"
            ' minute, so less than 70 may say "stale" of what is not',
        ),
        number(
            "api_timeout_s",
            _FRESHNESS.api_timeout_s,
            1,
            30,
            "how long an API server may take for a log or a one-off read",
        ),
    ),
    after="Samples of use (the metrics API) are stale after 45 s, whatever is set here.",
)

AUDIT = Table(
    name="audit",
    heading="[audit]",
    header="[audit]",
    text="Where the head of the audit chain is published, so that nobody can shorten or rewrite the chain unseen.",
    keys=(
        Key(
            name="channel",
            type="`C…` or `G…`",
            meaning="a channel, by id; the bot must be in it",
            default="none: nothing is published",
            example='"C0RAGAUDIT"',
        ),
        number("every_hours", _AUDIT.every_hours, 1, 168, "how often; needs `channel`", needs=("channel",)),
    ),
)

TABLES = (CLUSTERS, SERVICES, *WATCH_TABLES, ROLES, GRANTS, VERBS, *CHANGE_TABLES, LIMITS, FRESHNESS, AUDIT)

__all__ = ["AUDIT", "CLUSTERS", "FRESHNESS", "GRANTS", "LIMITS", "ROLES", "SERVICES", "TABLES", "VERBS", "Key", "Table"]
