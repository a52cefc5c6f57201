"""What changed between two pod templates."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.revisions import Difference, differences, is_restart, version_of
from bot.domain.objects import Port, Probe, Reference, ReplicaSet, Role, TemplateContainer
from tests.support.builders import GI, MI, ago, deployment, replica_set, template

API = deployment()


def revision(*containers: TemplateContainer, number: int = 1) -> ReplicaSet:
    return replica_set(API, number, containers=containers)


def labelled(**labels: str) -> ReplicaSet:
    return replace(revision(BASE), template_labels=MappingProxyType(labels))


def said(before: TemplateContainer, after: TemplateContainer) -> list[str]:
    return [str(difference) for difference in differences(revision(before), revision(after, number=2))]


BASE = replace(
    template(image="reg:5000/team/api:v1.1", env=("A", "DATABASE_URL")),
    memory_limit=512 * MI,
    readiness=Probe("GET :8080/health"),
    ports=(Port(8080, "http"),),
    command=("serve", "--port", "8080"),
    references=(Reference("Secret", "db", "url", "DATABASE_URL"),),
)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (BASE, []),
        (replace(BASE, image="reg:5000/team/api:v1.2"), ["image v1.1 → v1.2"]),
        (
            replace(BASE, image="reg:5000/other/api:v1.1"),
            ["image reg:5000/team/api:v1.1 → reg:5000/other/api:v1.1"],
        ),
        (replace(BASE, image="reg:5000/team/api:v1.1@sha256:abcdef0123456789"), ["image by tag → sha256:abcdef012345"]),
        (replace(BASE, env_names=("A", "B")), ["env: DATABASE_URL removed, B added"]),
        (replace(BASE, env_names=("DATABASE_URL", "A")), []),
        (replace(BASE, env_names=("A",)), ["env: DATABASE_URL removed"]),
        (replace(BASE, memory_limit=GI), ["memory limit 512 Mi → 1 Gi"]),
        (replace(BASE, memory_limit=None), ["memory limit 512 Mi → none"]),
        (replace(BASE, cpu_request_m=250), ["cpu request none → 250m CPU"]),
        (
            replace(BASE, readiness=Probe("GET :8080/ready", initial_delay_s=5)),
            [
                (
                    "readiness probe GET :8080/health every 10 s, 1 s to answer, 3 times"
                    " → GET :8080/ready every 10 s, 1 s to answer, 3 times, first after 5 s"
                )
            ],
        ),
        (replace(BASE, ports=(Port(9090, "http"),)), ["ports http:8080 → http:9090"]),
        (replace(BASE, command=("serve",)), ["command serve --port 8080 → serve"]),
        (
            replace(BASE, references=(Reference("Secret", "db", "uri", "DATABASE_URL"),)),
            ["references: DATABASE_URL from secret/db:url removed, DATABASE_URL from secret/db:uri added"],
        ),
        (replace(BASE, role=Role.SIDECAR), ["role container → sidecar"]),
    ],
    ids=lambda value: None if isinstance(value, list) else "after",
)
def test_a_difference_in_words(after: TemplateContainer, words: list[str]) -> None:
    """From what to what, and nothing that is the same."""
    assert said(BASE, after) == words


def test_several_containers_are_told_apart_by_name() -> None:
    """An image alone would not say whose."""
    proxy = template(name="proxy", image="envoy:1")
    before, after = revision(BASE, proxy), revision(BASE, replace(proxy, image="envoy:2"), number=2)
    assert [str(difference) for difference in differences(before, after)] == ["image of proxy 1 → 2"]


def test_a_container_comes_or_goes() -> None:
    """By name and version."""
    proxy = template(name="proxy", image="envoy:1")
    come, gone = differences(revision(BASE), revision(BASE, proxy)), differences(revision(BASE, proxy), revision(BASE))
    assert [str(d) for d in (*come, *gone)] == ["container none → proxy (1)", "container proxy (1) → none"]


def test_labels_count_but_for_the_mark_of_the_revision() -> None:
    """A service may select by them."""
    before = labelled(**{"app": "api", "pod-template-hash": "aa"})
    after = labelled(**{"app": "api2", "pod-template-hash": "bb"})
    assert [str(difference) for difference in differences(before, after)] == ["labels: app=api removed, app=api2 added"]


def test_a_restart_by_hand_is_told_when_nothing_else_differs() -> None:
    """Beside a real change it is no news."""
    before = revision(BASE)
    restarted = replace(revision(BASE), template_restarted_at=ago(60))
    released = replace(revision(replace(BASE, image="reg:5000/team/api:v2")), template_restarted_at=ago(60))
    found = differences(before, restarted)
    assert is_restart(found)
    assert [str(difference) for difference in found] == ["restarted by hand, nothing else"]
    assert not is_restart(differences(before, released))
    assert not is_restart(())


def test_long_commands_are_shown_where_they_differ() -> None:
    """Their beginnings are the same and fill the line."""
    words = tuple(f"--option-{n}=x" for n in range(20))
    [difference] = differences(
        revision(replace(BASE, command=(*words, "--pool=5"))), revision(replace(BASE, command=(*words, "--pool=50")))
    )
    assert difference.before.endswith("--pool=5")
    assert difference.after.endswith("--pool=50")
    assert max(len(difference.before), len(difference.after)) <= 80


def test_a_workload_is_compared_with_its_revision() -> None:
    """What waits in a paused Deployment is its template against the one that runs."""
    waiting = replace(API, containers=(replace(BASE, image="reg:5000/team/api:v2"),))
    assert differences(revision(BASE), waiting) == (Difference("image", "api", "v1.1", "v2"),)


templates = st.builds(
    TemplateContainer,
    st.sampled_from(["api", "proxy"]),
    st.sampled_from(["", "a", "a:1", "a:2", "r:5/a@sha256:abc", "r:5/a:1@sha256:abd"]),
    st.sampled_from([(), ("A",), ("B", "A")]),
    st.none() | st.integers(0, 1 << 40),
    command=st.lists(st.text(max_size=60), max_size=3).map(tuple),
)


@given(st.lists(templates, max_size=3), st.lists(templates, max_size=3))
def test_any_two_templates_can_be_compared(before: list[TemplateContainer], after: list[TemplateContainer]) -> None:
    """A template does not differ from itself, and each difference has words."""
    old, new = revision(*before), revision(*after, number=2)
    assert differences(old, old) == ()
    assert all(str(difference).strip() for difference in differences(old, new))


def test_a_version_is_that_of_the_regular_container() -> None:
    """Init containers stand first."""
    init = replace(template(name="init", image="busybox:1"), role=Role.INIT)
    assert version_of(replica_set(API, containers=(init, template(image="reg:5000/api:v2")))) == "v2"
    assert version_of(replica_set(API)) == "unknown"
    assert not version_of(replica_set(API), unknown="")
