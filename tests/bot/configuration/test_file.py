"""What `ragops.toml` may say, and how its faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.configuration import (
    AuditPublishing,
    Configuration,
    Freshness,
    default_configuration,
    load_configuration,
    open_configuration,
    read_configuration,
)
from bot.domain.catalogue import CatalogueEntry
from bot.domain.people import RoleName
from bot.domain.policy import RateLimits
from bot.errors import SettingsError

ROOT = Path(__file__).parents[3]
SOURCE = "ragops.toml"
ONE_CLUSTER = '[clusters.prod]\nnamespaces = ["rag", "jobs"]\n'
TWO_CLUSTERS = ONE_CLUSTER + 'default = true\n[clusters.test]\nnamespaces = ["rag"]\n'

TABLES = (
    "alerts, audit, changes, clusters, dependencies, digests, freezes, freshness, grants, limits, on_call, people,"
    " roles, services, verbs, watch"
)


def load(text: str) -> Configuration:
    return load_configuration(text, SOURCE)


def faults_of(text: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(text)
    return [str(fault).removeprefix(f"{SOURCE}:") for fault in raised.value.faults]


def test_example_file_is_a_good_configuration() -> None:
    """The example that is shipped loads, and every part of it arrives."""
    configuration = read_configuration(ROOT / "docs" / "ragops.example.toml")

    assert configuration.default_cluster == "prod-eu"
    assert configuration.clusters["prod-eu"].in_cluster  # type: ignore[index]  # a name is a word of the file
    assert configuration.clusters["staging"].context == "staging-admin"  # type: ignore[index]  # the same
    assert configuration.clusters["staging"].kubeconfig == "~/.kube/config"  # type: ignore[index]  # the same
    assert configuration.catalogue.entries["ingest"].namespace == "rag-engine-jobs"
    everywhere = [binding.role for binding in configuration.policy.bindings if not binding.limited]
    somewhere = [binding.role for binding in configuration.policy.bindings if binding.limited]
    assert everywhere == list(RoleName)
    assert somewhere == [RoleName.OPERATOR, RoleName.APPROVER]
    assert set(configuration.policy.verbs) == {"logs"}
    assert (configuration.limits, configuration.freshness) == (RateLimits(), Freshness())
    assert configuration.audit == AuditPublishing(channel="C0RAGAUDIT", every_hours=24)


def test_an_empty_file_is_the_default() -> None:
    """A file that decides nothing changes nothing."""
    assert load("") == default_configuration()
    assert load("").clusters[load("").default_cluster].namespaces == ()


def test_the_only_cluster_is_the_default() -> None:
    """One cluster needs no mark."""
    assert load(ONE_CLUSTER).default_cluster == "prod"


def test_services_take_what_they_leave_out_from_the_cluster() -> None:
    """Cluster and namespace of a service are the default cluster and its first namespace."""
    text = TWO_CLUSTERS + (
        '[services]\napi.workload = "deployment/rag-api"\n'
        'db = { workload = "statefulset/a.b", namespace = "rag", cluster = "test", container = "pg" }\n'
    )

    entries = load(text).catalogue.entries

    assert dict(entries) == {
        "api": CatalogueEntry(alias="api", kind="Deployment", name="rag-api", namespace="rag", cluster="prod"),
        "db": CatalogueEntry(
            alias="db", kind="StatefulSet", name="a.b", namespace="rag", cluster="test", container="pg"
        ),
    }


def test_numbers_may_be_at_their_bounds() -> None:
    """Both bounds are allowed, and seconds may have a fraction."""
    configuration = load(
        "[limits]\ncommands_per_minute = 1\nchannel_commands_per_minute = 6000\n"
        "[freshness]\nstale_after_s = 600\napi_timeout_s = 1.5\n"
    )

    assert configuration.limits == RateLimits(person=1, channel=6000)
    assert configuration.freshness == Freshness(stale_after_s=600.0, api_timeout_s=1.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("a = 1\n[limits]\nx = ", ["3: not TOML: Invalid value"], id="syntax"),
        pytest.param("[limits]\n\n[limits]", ["3: not TOML: the table [limits] stands here a second time"], id="twice"),
        pytest.param("[limit]\n", ["1: unknown key 'limit'; did you mean limits?"], id="unknown table"),
        pytest.param(
            "[x]",
            [f"1: unknown key 'x'; known are {TABLES}"],
            id="unknown, nothing near",
        ),
        pytest.param(
            "[limits]\n\ncommand_per_minute = 1",
            ["3: unknown key 'command_per_minute'; did you mean commands_per_minute?"],
            id="unknown key",
        ),
        pytest.param("limits = 3", ["1: limits: expected a table, got the number 3"], id="no table"),
        pytest.param(
            "[clusters]\nprod = 'x'", ["2: prod: expected a table such as [clusters.prod], got the text 'x'"], id="text"
        ),
        pytest.param("[[services]]\n", ["1: services: expected a table, got a list"], id="array of tables"),
        pytest.param(
            "[limits]\ncommands_per_minute = true",
            ["2: commands_per_minute: expected a whole number, got true"],
            id="bool is no number",
        ),
        pytest.param(
            "[limits]\ncommands_per_minute = 1.0",
            ["2: commands_per_minute: expected a whole number, got the number 1.0"],
            id="fraction is no whole number",
        ),
        pytest.param(
            "[limits]\ncommands_per_minute = 0",
            ["2: commands_per_minute: expected 1 to 600, got 0"],
            id="below the bound",
        ),
        pytest.param(
            "[limits]\nchannel_commands_per_minute = 6001",
            ["2: channel_commands_per_minute: expected 1 to 6000, got 6001"],
            id="above the bound of a channel",
        ),
        pytest.param(
            "[audit]\nevery_hours = 24",
            ["2: every_hours: needs a channel to publish in"],
            id="how often, but not where",
        ),
        pytest.param(
            "[audit]\nchannel = '#audit'\nevery_hours = 0",
            [
                "2: channel: '#audit' is no id of a channel; expected C… (or G…), not its name",
                "3: every_hours: expected 1 to 168, got 0",
            ],
            id="name of a channel",
        ),
        pytest.param(
            "[freshness]\nstale_after_s = 19.9\napi_timeout_s = nan",
            ["2: stale_after_s: expected 20 to 600, got 19.9", "3: api_timeout_s: expected 1 to 30, got nan"],
            id="no number at all",
        ),
        pytest.param(
            "[freshness]\napi_timeout_s = 07:30:00",
            ["2: api_timeout_s: expected a number, got a date or time"],
            id="time",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, told: list[str]) -> None:
    """Syntax, unknown keys, types and bounds are told where they stand."""
    assert faults_of(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[clusters.prod]\n", "1: namespaces is missing", id="no namespaces"),
        pytest.param("[clusters.prod]\nnamespaces = []", "2: namespaces: list at least one", id="empty list"),
        pytest.param("[clusters.prod]\nnamespaces = 'rag'", "2: namespaces: expected a list", id="no list"),
        pytest.param("[clusters.p]\nnamespaces = ['a',\n'B_']", "3: namespaces: 'B_' is no name", id="namespace"),
        pytest.param("[clusters.p]\nnamespaces = ['a',\n'a']", "3: namespaces: 'a' stands here twice", id="twice"),
        pytest.param("[clusters.p]\nnamespaces = ['a', 3]", "2: namespaces: expected a text in quotes", id="number"),
        pytest.param("[clusters.Prod]\nnamespaces = ['a']", "1: 'Prod' is no name", id="name of a cluster"),
        pytest.param("[clusters.p]\nnamespaces = ['a']\ncontext = ' '", "3: context: is empty", id="blank context"),
        pytest.param(
            "[clusters.p]\nnamespaces = ['a']\nin_cluster = true\ncontext = 'x'",
            "4: context: a pod's own cluster (in_cluster = true) is reached without it",
            id="pod's own cluster with a context",
        ),
        pytest.param(TWO_CLUSTERS + "default = true", "6: default: prod is the default already", id="two defaults"),
        pytest.param(
            TWO_CLUSTERS.replace("default = true\n", ""),
            "1: none of the clusters prod, test has default = true",
            id="no default",
        ),
    ],
)
def test_a_fault_of_a_cluster(text: str, told: str) -> None:
    """What is wrong with a cluster is told at its line, once."""
    (fault,) = faults_of(text)

    assert fault.startswith(told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        pytest.param("", "3: workload is missing", id="no workload"),
        pytest.param("workload = 'api'", "4: workload: expected kind/name such as deployment/api", id="no kind"),
        pytest.param("workload = ''", "4: workload: expected kind/name such as deployment/api", id="empty"),
        pytest.param(
            "workload = 'deploy/api'",
            "4: workload: there is no kind of workload 'deploy'; did you mean deployment?",
            id="short kind",
        ),
        pytest.param(
            "workload = 'pod/api'",
            "4: workload: there is no kind of workload 'pod'; known are daemonset, deployment, statefulset",
            id="kind that is no workload",
        ),
        pytest.param("workload = 'deployment/-a'", "4: workload: '-a' is no name of a deployment", id="bad name"),
        pytest.param("workload = 'deployment/a..b'", "4: workload: 'a..b' is no name of a deployment", id="dots"),
        pytest.param("workload = 'deployment/a'\ncontainer = 'a.b'", "5: container: 'a.b' is no name", id="container"),
        pytest.param(
            "workload = 'deployment/a'\ncluster = 'prd'\nnamespace = 'x'",
            "5: cluster: there is no cluster 'prd'; did you mean prod?",
            id="unknown cluster",
        ),
        pytest.param(
            "workload = 'deployment/a'\nnamespace = 'job'",
            "5: namespace: there is no namespace of prod 'job'; did you mean jobs?",
            id="namespace that is not looked at",
        ),
    ],
)
def test_a_fault_of_a_service(line: str, told: str) -> None:
    """What is wrong with a service is told at its line, once."""
    (fault,) = faults_of(f"{ONE_CLUSTER}[services.api]\n{line}")

    assert fault.startswith(told)


def test_every_fault_is_told_at_once_in_the_order_of_lines() -> None:
    """One run tells everything."""
    text = (
        "[roles.admin]\nusers = ['ann',\n'bob']\n[freshness]\nstale = 1\n"
        "[clusters.prod]\nnamespaces = ['A']\ndefalt = true\n[services.api]\ncluster = 'x'\n"
    )

    assert [fault.split(":")[0] for fault in faults_of(text)] == ["2", "3", "5", "7", "8", "9", "10"]


def test_a_secret_in_the_wrong_place_is_not_told() -> None:
    """A token that somebody pasted where an id belongs stays out of the fault."""
    (fault,) = faults_of("[roles.admin]\nusers = ['xoxb-123456789012-abcdefgh']")

    assert "abcdefgh" not in fault


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param(b"\xef\xbb\xbf[limits]\n", ":1: starts with a byte order mark", id="byte order mark"),
        pytest.param("[limits]\n".encode("utf-16"), ":1: this is UTF-16; save it as UTF-8", id="UTF-16"),
        pytest.param(b"# a\n# \xe4\n", ":2: byte 0xe4 is not UTF-8", id="Latin-1"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, raw: bytes, told: str) -> None:
    """A file of another encoding is told with what to do."""
    path = tmp_path / "ragops.toml"
    path.write_bytes(raw)

    with pytest.raises(SettingsError) as raised:
        read_configuration(path)

    assert str(raised.value).startswith(f"{path}{told}")


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A named file that is missing, a folder, or behind a file is a fault."""
    (tmp_path / "file").write_text("")

    for name, told in (("none.toml", "no such file"), (".", "this is a folder"), ("file/x", "cannot be read: Not a")):
        with pytest.raises(SettingsError) as raised:
            open_configuration(tmp_path / name, folder=tmp_path)

        assert told in raised.value.faults[0].what


def test_the_file_of_the_folder_is_taken_when_it_is_there(tmp_path: Path) -> None:
    """Without a name, the folder's file counts; without that, the default."""
    assert open_configuration(None, folder=tmp_path) == default_configuration()

    (tmp_path / "ragops.toml").write_text(ONE_CLUSTER)

    assert open_configuration(None, folder=tmp_path).default_cluster == "prod"
