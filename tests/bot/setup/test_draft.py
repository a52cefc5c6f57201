"""The first `ragops.toml`: whatever a cluster holds, the reader finds no fault in it and each workload once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.configuration import Configuration, load_configuration
from bot.domain.findings import Severity
from bot.domain.objects import Meta, TemplateContainer, Workload
from bot.domain.objects.pods import Role
from bot.setup.draft import Draft, configuration_draft, main_container, quoted
from bot.setup.names import is_object_name
from bot.setup.written import Written
from bot.toml_lines import parse_toml


def workload(name: str, *containers: str, kind: str = "Deployment", namespace: str = "rag") -> Workload:
    return Workload(
        kind=kind,
        meta=Meta(name=name, namespace=namespace, uid=name),
        desired=1,
        containers=tuple(TemplateContainer(each, "image") for each in containers or (name,)),
    )


def draft(*workloads: Workload, **more: object) -> Draft:
    return replace(Draft(cluster="prod", namespaces=("rag", "jobs"), workloads=workloads), **more)  # type: ignore[arg-type]  # fields by name


def load(drafted: Draft) -> Configuration:
    return load_configuration(configuration_draft(drafted), "ragops.toml")


_LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
_HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        'x"\n[roles.viewer]\neveryone = true',
        "x'''",
        'x"""',
        "\\",
        "# x",
        "]",
        "\x1b[2J",
        "a\u2028[roles.viewer]",
        "\x00",
    ]
)
_NAME = st.lists(_LABEL, min_size=1, max_size=2).map(".".join) | _LABEL | _HOSTILE
_CONTAINERS = st.lists(
    st.builds(TemplateContainer, _LABEL | _HOSTILE, _HOSTILE, role=st.sampled_from(Role)), max_size=4
).map(tuple)
_META = st.builds(
    Meta,
    name=_NAME,
    namespace=st.sampled_from(("rag", "jobs")),
    uid=st.just("x"),
    labels=st.dictionaries(_HOSTILE, _HOSTILE, max_size=2),
    deleted_at=st.none() | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)
_WORKLOAD = st.builds(
    Workload,
    kind=st.sampled_from(("Deployment", "StatefulSet", "DaemonSet")),
    meta=_META,
    desired=st.just(1),
    containers=_CONTAINERS,
)


def full_name(each: Workload) -> tuple[str, str, str]:
    return each.kind, each.meta.namespace, each.meta.name


@given(
    st.lists(_WORKLOAD, max_size=12, unique_by=full_name),
    st.lists(_HOSTILE, max_size=2),
    _HOSTILE.filter(lambda text: text.strip() != ""),
    st.booleans(),
)
def test_whatever_there_is_the_file_has_no_fault_and_names_each_workload_once(
    workloads: list[Workload], remarks: list[str], words: str, in_cluster: bool
) -> None:
    """Nothing else is in it: no hostile word becomes a table, a key, or a right."""
    drafted = draft(*workloads, remarks=remarks, source=words, context=words, kubeconfig=words, in_cluster=in_cluster)

    configuration = load(drafted)

    entries = configuration.catalogue.entries.values()
    fit = [full_name(each) for each in workloads if is_object_name(each.meta.name) and each.meta.deleted_at is None]
    assert sorted((each.kind, each.namespace, each.name) for each in entries) == sorted(fit)
    assert configuration.policy.bindings == ()
    [cluster] = configuration.clusters.values()
    assert (cluster.name, cluster.namespaces) == ("prod", ("rag", "jobs"))
    assert cluster.in_cluster == in_cluster
    assert (cluster.context, cluster.kubeconfig) == (("", "") if in_cluster else (words, words))


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_a_quoted_text_is_read_as_it_was(text: str) -> None:
    """On one line."""
    assert "\n" not in quoted(text)
    assert parse_toml(f"x = {quoted(text)}")[0] == {"x": text}


@pytest.mark.parametrize(
    ("containers", "alias", "main"),
    [
        pytest.param(("api",), "web", "api", id="the only one"),
        pytest.param(("istio-proxy", "server"), "api", "server", id="a mesh stands first"),
        pytest.param(("cache", "api"), "api", "api", id="called like the service"),
        pytest.param(("cache", "rag-api"), "api", "rag-api", id="called like the workload"),
        pytest.param(("server", "cache"), "api", "server", id="the first"),
        pytest.param(("envoy",), "api", "envoy", id="a proxy itself"),
        pytest.param(("Not A Name",), "api", "", id="no name"),
    ],
)
def test_the_container_that_matters(containers: tuple[str, ...], alias: str, main: str) -> None:
    """Helpers give way."""
    assert main_container(workload("rag-api", *containers), alias) == main


def test_containers_that_only_start_are_not_the_one_that_matters() -> None:
    """Neither are sidecars that the API calls init containers."""
    found = replace(
        workload("api"),
        containers=(
            TemplateContainer("migrate", "image", role=Role.INIT),
            TemplateContainer("mesh", "image", role=Role.SIDECAR),
            TemplateContainer("server", "image"),
        ),
    )

    assert main_container(found, "api") == "server"


def test_what_cannot_be_read_and_what_is_left_out_is_said() -> None:
    """In comments: the file stays whole."""
    gone = workload("old")
    gone = replace(gone, meta=replace(gone.meta, deleted_at=datetime(2026, 1, 1, tzinfo=UTC)))
    text = configuration_draft(
        draft(workload("Bad Name"), gone, workload("api"), remarks=["the daemonsets of rag: no\nright."])
    )

    assert "# NOT READ: the daemonsets of rag: no\n" in text
    assert "# Left out: 1 whose names are none.\n" in text
    assert "# Left out: 1 that are being deleted.\n" in text
    assert "Bad Name" not in text


def test_without_workloads_there_is_an_example_in_comments() -> None:
    """So that a person sees what a service looks like."""
    text = configuration_draft(draft())

    assert "# [services.api]" in text
    assert not load(draft()).catalogue.entries


def test_ids_are_left_to_people_and_marked() -> None:
    """Each placeholder is found by the check, with its line."""
    text = configuration_draft(draft(workload("api")))
    left = Written.of(text, "ragops.toml").placeholders()

    assert [word for _, word in left] == [
        "S-FILL-IN-OPERATORS",
        "S-FILL-IN-APPROVERS",
        "U-FILL-IN-ADMIN",
        "C-FILL-IN-AUDIT",
        "C-FILL-IN-ALERTS",
        "C-FILL-IN-DIGEST",
    ]
    for where, word in left:
        assert word in text.splitlines()[int(where.removeprefix("ragops.toml:")) - 1]


def test_the_commented_parts_are_accepted_once_they_are_filled_in() -> None:
    """Taking the marks away and writing ids is all that is left to do."""
    text = configuration_draft(draft(workload("api")))
    head, _, people = text.partition("# Every full member")
    marked = ("# [", "# groups", "# users", "# every", "# channel", "# warning", "# cron", "# time_zone")
    lines = [line.removeprefix("# ") if line.startswith(marked) else line for line in people.splitlines()[1:]]
    filled = "\n".join(lines)
    for placeholder, id_ in (
        ("S-FILL-IN-OPERATORS", "S0RAGONCALL"),
        ("S-FILL-IN-APPROVERS", "S0RAGLEADS"),
        ("U-FILL-IN-ADMIN", "U0ADMIN001"),
        ("C-FILL-IN-AUDIT", "C0RAGAUDIT"),
        ("C-FILL-IN-ALERTS", "C0RAGALERT"),
        ("C-FILL-IN-DIGEST", "C0RAGDAILY"),
    ):
        filled = filled.replace(placeholder, id_)

    configuration = load_configuration(head + filled, "ragops.toml")

    assert len(configuration.policy.bindings) == 4
    assert configuration.audit.channel == "C0RAGAUDIT"
    assert configuration.watch.channels.of(Severity.CRITICAL) == "C0RAGALERT"
    [digest] = configuration.watch.digests
    assert (digest.name, digest.channels) == ("morning", ("C0RAGDAILY",))
