"""The keys of `ragops.toml` about watching: health URLs, `[dependencies]`, `[watch]`, `[alerts]`, `[digests]`."""

from __future__ import annotations

from bot.configuration.targets import LEAST_S, MOST_S
from bot.configuration.watch import BOUNDS
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.policy import Thresholds, WatchPolicy
from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.domain.watch.schedules import CatchUp, Schedule
from bot.setup.keys import Key, Table, number

_PROBE = ProbeTarget(
    name="", kind=ProbeKind.HTTP, address="", scope=Scope(cluster=ClusterName(""), namespace=Namespace(""))
)
_SCHEDULE = Schedule(name="", cron="")
_POLICY, _THRESHOLDS = WatchPolicy(), Thresholds()
_KINDS = ", ".join(f"`{kind}`" for kind in list(ProbeKind)[:-1]) + f" or `{list(ProbeKind)[-1]}`"
_OF_URL = ("health_url",)


def _seconds(name: str, default: float, meaning: str, *, needs: tuple[str, ...] = ()) -> Key:
    return number(name, default, LEAST_S, MOST_S, meaning, needs=needs)


HEALTH_KEYS = (
    Key(
        name="health_url",
        type="URL",
        meaning="`http://…` or `https://…`, without a credential in it: asked every `every_s` of `[watch]`."
        " Redirects are not followed",
        default="none: it is not asked",
        example='"https://rag.example.com/healthz"',
    ),
    _seconds("health_timeout_s", _PROBE.timeout_s, "how long the answer may take", needs=_OF_URL),
    _seconds("health_slow_s", _PROBE.slow_s, "from when on an answer counts as slow", needs=_OF_URL),
    Key(
        name="health_status",
        type="whole number, 100 to 599",
        meaning="the status that the answer must have",
        default="any 2xx",
        example="200",
        low=100,
        high=599,
        needs=_OF_URL,
    ),
    Key(
        name="health_body",
        type="text",
        meaning="must occur in the answer",
        default="none",
        example='"ready"',
        needs=_OF_URL,
    ),
    Key(
        name="health_json",
        type="table of texts",
        meaning="values that the answer, as JSON, must have, by their dotted paths; `true` and numbers in quotes, too",
        default="none",
        example='{ status = "ok" }',
        needs=_OF_URL,
    ),
    Key(
        name="health_token_env",
        type="name of a variable",
        meaning="the variable of the environment with a bearer token",
        default="none: no token is sent",
        example='"PROBE_API_TOKEN"',
        needs=_OF_URL,
    ),
    Key(
        name="health_ca_file",
        type="path",
        meaning="certificates of the authorities that are trusted instead of the system's",
        default="the system's",
        example='"/etc/ragops/ca.pem"',
        needs=_OF_URL,
    ),
    Key(
        name="depends_on",
        type="list of names",
        meaning="what the service depends on, of `[dependencies]`",
        default="none",
        example='["postgres"]',
    ),
)

DEPENDENCIES = Table(
    name="dependencies",
    heading="[dependencies.NAME]",
    header="[dependencies.postgres]",
    text="What services depend on; each is asked once a minute whether it is well. Nothing else is ever asked."
    " Addresses are\nreached from where ragops runs; link-local ones and those of metadata services are refused.",
    keys=(
        Key(name="kind", type="name of a kind", required=True, meaning=_KINDS, example='"postgresql"'),
        Key(
            name="address",
            type="`host:port` or URL",
            required=True,
            meaning="a URL for `http` and `qdrant`, else `host:port`; an IPv6 address in brackets",
            example='"postgres.rag-engine.svc:5432"',
        ),
        Key(
            name="service",
            type="alias",
            meaning="the service that runs it, of `[services]`; its place is then that of this dependency",
            default="none: it runs elsewhere",
            example='"postgres"',
        ),
        Key(
            name="cluster",
            type="name",
            meaning="one of `[clusters]`; not together with `service`",
            default="the default cluster",
            example='"prod-eu"',
        ),
        Key(
            name="namespace",
            type="name",
            meaning="where it is shown, one of the cluster's; not together with `service`",
            default="the first of the cluster",
            example='"rag-engine-jobs"',
        ),
        Key(
            name="secret_env",
            type="name of a variable",
            meaning="the variable of the environment with the credential: for `postgresql` a DSN, for `redis` a"
            " password or `user:password` (one with a colon in it: `:password`), for `qdrant` an API key, for `http` a"
            " bearer token",
            default="none: it is not signed in to",
            example='"PROBE_POSTGRES_DSN"',
        ),
        Key(
            name="tls",
            type="true/false",
            meaning="speak TLS with it; for `http` and `qdrant` the URL says it",
            default="`false`; `true` for `tls`",
            example="true",
        ),
        Key(
            name="ca_file",
            type="path",
            meaning="certificates of the authorities that are trusted instead of the system's",
            default="the system's",
            example='"/etc/ragops/ca.pem"',
            needs=("tls",),
        ),
        Key(
            name="server_name",
            type="name",
            meaning="the name that its certificate must have",
            default="the host of `address`",
            example='"postgres.example.com"',
            needs=("tls",),
        ),
        _seconds("timeout_s", _PROBE.timeout_s, "how long all of it may take"),
        _seconds("slow_s", _PROBE.slow_s, "from when on it counts as slow"),
    ),
    apart=("cluster", "namespace"),
)

WATCH = Table(
    name="watch",
    heading="[watch]",
    header="[watch]",
    text="How often is looked, and how long is remembered what was seen.",
    keys=(
        number("every_s", int(_POLICY.every_s), 5, 300, "seconds from look to look at a namespace, over all replicas"),
        number("history_days", _POLICY.history_days, 1, 400, "how long samples are kept, one a workload and minute"),
    ),
)


def _threshold(name: str, meaning: str) -> Key:
    low, high = BOUNDS[name]
    return number(name, getattr(_THRESHOLDS, name), low, high, meaning)


def _channel(name: str, default: str) -> Key:
    return Key(
        name=name,
        type="`C…` or `G…`",
        meaning=f"where {name} alerts go, by id; the bot must be in it",
        default=default,
        example='"C0RAGALERT"',
    )


ALERTS = Table(
    name="alerts",
    heading="[alerts]",
    header="[alerts]",
    text="Where alerts go, and from when on something is worth one. Without any channel nothing is sent; alerts are"
    " still\nkept and listed. An alert ends a tenth of its threshold below it.",
    keys=(
        _channel("critical", "the channel of `warning`"),
        _channel("warning", "the channel of `info`"),
        _channel("info", "none: not sent"),
        _threshold("restarts", "restarts of a workload"),
        _threshold("restarts_minutes", "the minutes in which so many restarts are an alert"),
        _threshold("down_s", "seconds without an answer of a health URL, or without a ready endpoint"),
        _threshold("cpu_percent", "of a container's limit of CPU"),
        _threshold("cpu_minutes", "the minutes for which so much CPU is an alert"),
        _threshold("memory_percent", "of a container's limit of memory"),
        _threshold("response_s", "seconds that a health URL takes to answer"),
        _threshold("certificate_days", "days that a certificate is still valid"),
        _threshold("disk_percent", "of a node's disk or of a volume, where the kubelets may be read"),
        _threshold("backup_hours", "hours since the last completed backup, where there is Velero"),
        _threshold("clear_s", "seconds for which something has to be well again before its alert ends"),
        _threshold("unheard_hours", "hours without a word of Alertmanager after which an alert of it says so"),
        _threshold("forgotten_hours", "hours more after which it ends as unknown"),
    ),
)

DIGESTS = Table(
    name="digests",
    heading="[digests.NAME]",
    header="[digests.morning]",
    text="Messages that say how everything is, by the clock. `NAME` is what people say to pause one.",
    keys=(
        Key(
            name="cron",
            type="five fields",
            required=True,
            meaning="when: minute, hour, day of the month, month, day of the week",
            example='"0 9 * * 1-5"',
        ),
        Key(
            name="time_zone",
            type="name of a zone",
            meaning="whose clock is meant, such as `Europe/Berlin`",
            default=f"`{_SCHEDULE.time_zone}`",
            example='"Europe/Berlin"',
        ),
        Key(
            name="channels",
            type="list of `C…` or `G…`",
            required=True,
            meaning="where it goes, by id; the bot must be in them",
            example='["C0RAGDAILY"]',
        ),
        Key(
            name="namespaces",
            type="list of names",
            meaning="that a cluster lists",
            default="every one",
            example='["rag-engine"]',
        ),
        Key(
            name="clusters", type="list of names", meaning="of `[clusters]`", default="every one", example='["prod-eu"]'
        ),
        number(
            "late_after_s",
            _SCHEDULE.late_after_s,
            10,
            86_400,
            "from when on it says that it is late",
        ),
        Key(
            name="catch_up",
            type=" or ".join(f"`{way}`" for way in CatchUp),
            meaning="what becomes of moments that nobody was there for: the latest is sent late, or none is",
            default=f"`{_SCHEDULE.catch_up}`",
            example=f'"{CatchUp.LATEST}"',
        ),
    ),
)

WATCH_TABLES = (DEPENDENCIES, WATCH, ALERTS, DIGESTS)
