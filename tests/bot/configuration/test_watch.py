"""What `ragops.toml` may say about watching: health URLs, dependencies, alerts, digests."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.configuration import load_configuration
from bot.configuration.watch import BOUNDS
from bot.domain.findings import Severity
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.policy import AlertChannels, Thresholds, WatchPolicy
from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.domain.watch.schedules import CatchUp, DigestPlan, Schedule
from bot.errors import SettingsError

SOURCE = "ragops.toml"
WORLD = """\
[clusters.test]
namespaces = ["rag"]
[clusters.prod]
namespaces = ["rag", "jobs"]
default = true
[services.db]
workload = "statefulset/db"
namespace = "jobs"
[services.api]
workload = "deployment/rag-api"
"""
LINES = WORLD.count("\n")


def scope(cluster: str, namespace: str) -> Scope:
    return Scope(ClusterName(cluster), Namespace(namespace))


RAG, JOBS, TEST = scope("prod", "rag"), scope("prod", "jobs"), scope("test", "rag")


def watch(text: str) -> WatchPolicy:
    """Read what stands below the table of the service `api`."""
    return load_configuration(WORLD + text, SOURCE).watch


def faults_of(text: str) -> list[str]:
    """Return the faults, their lines counted from the first line of `text`."""
    with pytest.raises(SettingsError) as raised:
        watch(text)
    told = [str(fault).removeprefix(f"{SOURCE}:").partition(":") for fault in raised.value.faults]
    return [f"{int(line) - LINES}:{what}" for line, _, what in told]


def test_without_a_word_nothing_is_probed_and_nothing_sent() -> None:
    """The figures are those of the code."""
    assert watch("") == WatchPolicy()


def test_a_health_url_is_a_target_called_like_its_service() -> None:
    """Where the service is, with all that its answer must have."""
    [target] = watch(
        'health_url = "https://rag.example.com/healthz"\nhealth_timeout_s = 3\nhealth_slow_s = 0.5\n'
        'health_status = 204\nhealth_body = "ready"\nhealth_json = { status = "ok", db.state = "up", "a.b" = "c" }\n'
        'health_token_env = "PROBE_API"\nhealth_ca_file = "ca.pem"\n'
    ).targets

    assert target == ProbeTarget(
        name="api",
        kind=ProbeKind.HTTP,
        address="https://rag.example.com/healthz",
        scope=RAG,
        service="api",
        secret_env="PROBE_API",
        tls=True,
        ca_file="ca.pem",
        timeout_s=3.0,
        slow_s=0.5,
        expect_status=204,
        expect_body="ready",
        expect_json=(("status", "ok"), ("db.state", "up"), ("a.b", "c")),
    )
    assert not target.is_dependency


def test_a_dependency_knows_who_uses_it_and_who_runs_it() -> None:
    """It is where the service that runs it is; those that use it may be elsewhere."""
    policy = watch(
        'depends_on = ["postgres", "cache"]\n[services.ingest]\nworkload = "deployment/ingest"\ncluster = "test"\n'
        'depends_on = ["postgres"]\n'
        '[dependencies.postgres]\nkind = "postgresql"\naddress = "db.jobs.svc:5432"\nservice = "db"\ntls = true\n'
        'secret_env = "PROBE_DSN"\nca_file = "ca.pem"\nserver_name = "db.example.com"\ntimeout_s = 2\nslow_s = 1\n'
        '[dependencies.cache]\nkind = "redis"\naddress = "[2001:db8::7]:6379"\n'
        '[dependencies.vectors]\nkind = "qdrant"\naddress = "https://qdrant:6333"\ncluster = "test"\n'
        '[dependencies.mail]\nkind = "tls"\naddress = "mail:465"\nnamespace = "jobs"\n'
    )
    postgres, cache, vectors, mail = policy.targets

    assert postgres == ProbeTarget(
        name="postgres",
        kind=ProbeKind.POSTGRESQL,
        address="db.jobs.svc:5432",
        scope=JOBS,
        service="db",
        used_by=("api", "ingest"),
        secret_env="PROBE_DSN",
        tls=True,
        ca_file="ca.pem",
        server_name="db.example.com",
        timeout_s=2.0,
        slow_s=1.0,
    )
    assert (cache.scope, cache.used_by, cache.tls) == (RAG, ("api",), False)
    assert (vectors.scope, vectors.tls) == (TEST, True)
    assert (mail.scope, mail.tls, mail.is_dependency) == (JOBS, True, True)
    assert policy.targets_of(RAG) == (cache,)
    assert policy.targets_of(RAG, "api") == (postgres, cache)
    assert policy.targets_of(JOBS, "db") == (postgres,)
    assert policy.targets_of(TEST, "ingest") == (postgres,)
    assert policy.targets_of(RAG, "db") == ()


def test_alerts_have_channels_and_figures() -> None:
    """A severity without a channel goes where the next milder one goes."""
    policy = watch(
        '[watch]\nevery_s = 30\nhistory_days = 7\n[alerts]\nwarning = "C0WARN"\nrestarts = 5\ndown_s = 60\n'
        "cpu_percent = 72.5\n"
    )

    assert (policy.every_s, policy.history_days) == (30.0, 7)
    assert policy.thresholds == Thresholds(restarts=5, down_s=60.0, cpu_percent=72.5)
    assert policy.channels == AlertChannels(warning="C0WARN")
    assert [policy.channels.of(severity) for severity in (Severity.CRITICAL, Severity.INFO)] == ["C0WARN", ""]


def test_every_threshold_of_the_code_can_be_set() -> None:
    """And no other; the default lies between the bounds."""
    default = Thresholds()

    assert list(BOUNDS) == list(Thresholds.__dataclass_fields__)
    assert all(low <= getattr(default, name) <= high for name, (low, high) in BOUNDS.items())


def test_how_long_alertmanager_may_be_silent_is_the_operators() -> None:
    """Whoever has it repeat once a day says so."""
    hearing = watch("[alerts]\nunheard_hours = 48\nforgotten_hours = 24\n").thresholds.hearing

    assert (hearing.quiet, hearing.more) == (timedelta(hours=48), timedelta(hours=24))


def test_a_digest_is_about_every_place_unless_it_says_less() -> None:
    """The places of the default cluster come first."""
    morning, evening = watch(
        '[digests.morning]\ncron = "0 9 * * 1-5"\ntime_zone = "Europe/Berlin"\nchannels = ["C0DAILY", "C0OPS"]\n'
        'late_after_s = 60\ncatch_up = "skip"\n'
        '[digests.evening]\ncron = "0 18 * * *"\nchannels = ["C0OPS"]\nnamespaces = ["rag"]\nclusters = ["prod"]\n'
    ).digests

    assert morning == DigestPlan(
        schedule=Schedule(
            name="morning",
            cron="0 9 * * 1-5",
            time_zone="Europe/Berlin",
            catch_up=CatchUp.SKIP,
            late_after_s=60.0,
        ),
        channels=("C0DAILY", "C0OPS"),
        scopes=(RAG, JOBS, TEST),
    )
    assert evening.schedule == Schedule(name="evening", cron="0 18 * * *")
    assert evening.scopes == (RAG,)


def test_without_clusters_the_place_is_settled_when_it_is_known() -> None:
    """Only the kubeconfig's context knows its namespace; what names one keeps it."""
    policy = load_configuration(
        '[services.api]\nworkload = "deployment/api"\nhealth_url = "http://api/"\n'
        '[services.job]\nworkload = "deployment/job"\nnamespace = "jobs"\nhealth_url = "http://job/"\n'
        '[digests.day]\ncron = "0 9 * * *"\nchannels = ["C0OPS"]\n',
        SOURCE,
    ).watch
    home = scope("current", "default")

    settled = policy.settled(home)

    assert [target.scope for target in policy.targets] == [scope("current", ""), scope("current", "jobs")]
    assert [target.scope for target in settled.targets] == [home, scope("current", "jobs")]
    assert settled.digests[0].scopes == (home,)
    assert settled.targets_of(home) == settled.targets[:1]


HEALTH = 'health_url = "http://api/healthz"\n'
TCP = '[dependencies.x]\nkind = "tcp"\naddress = "x:1"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "health_timeout_s = 2\n",
            ["1: health_timeout_s: says something of a health_url, and there is none"],
            id="url",
        ),
        pytest.param(
            HEALTH + 'health_ca_file = "x"\n',
            ["2: health_ca_file: the health_url begins with http://, so no certificate is looked at"],
            id="authorities without TLS",
        ),
        pytest.param(
            HEALTH + "health_json = { a = 1, b.c = '' }\n",
            ["2: health_json: a: expected a text in quotes", "2: health_json: b.c: expected a text in quotes"],
            id="json",
        ),
        pytest.param(
            HEALTH + "helth_body = 'x'\n", ["2: unknown key 'helth_body'; did you mean health_body?"], id="key"
        ),
        pytest.param(HEALTH + "health_body = ' '\n", ["2: health_body: is empty; leave it out instead"], id="empty"),
        pytest.param(
            HEALTH + f"health_body = '{'x' * 201}'\n", ["2: health_body: expected at most 200 characters"], id="long"
        ),
        pytest.param(HEALTH + "health_status = 99\n", ["2: health_status: expected 100 to 599, got 99"], id="status"),
        pytest.param(
            'depends_on = ["y", "x", "x"]\n' + TCP,
            ["1: depends_on: there is no dependency 'y'; known are x", "1: depends_on: 'x' stands here twice"],
            id="dependencies of a service",
        ),
        pytest.param(
            '[dependencies.x]\nkind = "postgres"\n',
            ["1: address is missing", "2: kind: there is no kind of dependency 'postgres'; did you mean postgresql?"],
            id="kind",
        ),
        pytest.param(
            '[dependencies.X]\naddress = "anything"\n',
            [
                "1: 'X' is no name: small letters, digits and '-' only, at most 63, a letter or digit at both ends",
                "1: kind is missing",
            ],
            id="name",
        ),
        pytest.param(
            TCP + 'service = "dbs"\n', ["4: service: there is no service 'dbs'; did you mean db?"], id="who runs it"
        ),
        pytest.param(
            TCP + 'service = "db"\nnamespace = "rag"\n',
            ["5: namespace: the service db says where it is; leave this out"],
            id="two places",
        ),
        pytest.param(
            TCP + 'cluster = "tst"\n', ["4: cluster: there is no cluster 'tst'; did you mean test?"], id="place"
        ),
        pytest.param(
            TCP + 'secret_env = "PROBE_X"\n',
            ["4: secret_env stands beside kind tcp, which signs in to nothing"],
            id="credential for nothing",
        ),
        pytest.param(
            TCP + 'ca_file = "x"\nserver_name = "y"\n',
            [
                "4: ca_file: without tls = true no certificate is looked at",
                "5: server_name: without tls = true no certificate is looked at",
            ],
            id="certificate without TLS",
        ),
        pytest.param(
            '[dependencies.q]\nkind = "qdrant"\naddress = "http://q:6333"\ntls = true\n',
            ["4: tls: the address of kind qdrant says it, by http:// or https://"],
            id="TLS of a URL",
        ),
        pytest.param(
            '[dependencies.q]\nkind = "qdrant"\naddress = "q:6333"\n',
            ["3: address: expected a URL such as https://api.example.com/healthz, got 'q:6333'"],
            id="URL",
        ),
        pytest.param(
            '[dependencies.h]\nkind = "http"\naddress = "http://h/"\n',
            ["1: no service has it in its depends_on; a service's own URL is its health_url"],
            id="URL of nobody",
        ),
        pytest.param(
            HEALTH + 'depends_on = ["api"]\n[dependencies.api]\nkind = "tcp"\naddress = "x:1"\n',
            ["3: the health URL of the service api is called so already; name this one otherwise"],
            id="name of a health URL",
        ),
        pytest.param(
            "[watch]\nevery_s = 1.5\nhistory_days = 401\n",
            ["2: every_s: expected a whole number, got the number 1.5", "3: history_days: expected 1 to 400, got 401"],
            id="watch",
        ),
        pytest.param(
            '[alerts]\ncritical = "#ops"\ninfo = "U0ABC"\ndisc_percent = 1\n',
            [
                "2: critical: '#ops' is no id of a channel; expected C… (or G…), not its name",
                "3: info: 'U0ABC' is no id of a channel; expected C… (or G…), not its name (this looks like a user)",
                "4: unknown key 'disc_percent'; did you mean disk_percent?",
            ],
            id="alerts",
        ),
        pytest.param("[digests.d]\n", ["1: cron is missing", "1: channels is missing"], id="digest of nothing"),
        pytest.param(
            '[digests.d]\ncron = "0 9 * * *"\nchannels = []\ncatch_up = "last"\n',
            ["3: channels: list at least one", "4: catch_up: there is no way to catch up 'last'; did you mean latest?"],
            id="digest",
        ),
        pytest.param(
            '[digests.d]\ncron = "0 9 * * *"\nchannels = ["C0OPS"]\nnamespaces = ["jobs"]\nclusters = ["test"]\n',
            ["4: namespaces: none of them is in one of the clusters"],
            id="no place",
        ),
        pytest.param(
            '[digests.d]\ncron = "0 9 * * *"\nchannels = ["C0OPS"]\nnamespaces = []\nclusters = ["tst"]\n',
            ["4: namespaces: list at least one", "5: clusters: there is no cluster 'tst'; did you mean test?"],
            id="places",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, told: list[str]) -> None:
    """What contradicts, what is missing, what is no name."""
    assert faults_of(text) == told


def test_what_the_calendar_says_of_a_digest_is_told_where_it_stands() -> None:
    """The fields and the zone each have a line, whatever is wrong with the other."""
    fields, zone = faults_of(
        '[digests.d]\nchannels = ["C0OPS"]\ncron = "0 25 * * *"\ntime_zone = "Europe/Berln"\n',
    )

    assert fields.startswith('3: cron: "0 25 * * *": "25" is no hour')
    assert zone.startswith('4: time_zone: There is no time zone "Europe/Berln". Did you mean Europe/Berlin')


def test_a_credential_in_the_file_is_not_repeated() -> None:
    """The fault says where it belongs."""
    told = faults_of(
        '[dependencies.p]\nkind = "postgresql"\naddress = "p:5432"\nsecret_env = "postgresql://a:hunter2@p/x"\n'
        '[dependencies.r]\nkind = "redis"\naddress = "redis://:hunter2@r:6379"\nsecret_env = "hunter2"\n'
    )

    assert [fault.partition(":")[0] for fault in told] == ["4", "7", "8"]
    assert "into the environment" in told[0]
    assert "hunter2" not in "".join(told)
