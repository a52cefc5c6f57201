"""Short names: what people would say, all of them different, all of them names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.setup.names import Named, aliases, cluster_name, is_label, is_object_name, slug


def of(namespace: str, *names: str, kind: str = "Deployment") -> list[Named]:
    return [Named(kind, namespace, name) for name in names]


@pytest.mark.parametrize(
    ("workloads", "short"),
    [
        pytest.param(of("rag", "rag-api", "rag-web", "redis"), ["api", "web", "redis"], id="namespace in front"),
        pytest.param(of("prod", "acme-api", "acme-web", "acme-db"), ["api", "web", "db"], id="shared words in front"),
        pytest.param(of("prod", "acme-api", "acme-app"), ["acme-api", "acme-app"], id="two share by chance"),
        pytest.param(of("prod", "acme-api", "acme-app", "acme-apx"), ["api", "app", "apx"], id="whole words only"),
        pytest.param(of("rag", "rag", "rag-api"), ["rag", "api"], id="called like its namespace"),
        pytest.param(of("rag", "api", "rag-api"), ["api", "rag-api"], id="short form taken"),
        pytest.param([*of("a", "web"), *of("b", "web")], ["web", "web-b"], id="two namespaces"),
        pytest.param([*of("a", "db"), *of("a", "db", kind="StatefulSet")], ["db", "db-statefulset"], id="two kinds"),
        pytest.param(of("a", "db.v1"), ["db-v1"], id="dots"),
    ],
)
def test_an_alias_is_what_people_would_say(workloads: list[Named], short: list[str]) -> None:
    """In the order of the workloads: who comes later with a name that is taken gets a longer one."""
    assert list(aliases(workloads).values()) == short


_LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
_NAME = st.lists(_LABEL, min_size=1, max_size=3).map(".".join)
_WORKLOADS = st.lists(
    st.builds(Named, st.sampled_from(("Deployment", "StatefulSet", "DaemonSet")), _LABEL, _NAME), unique=True
)


@given(_WORKLOADS)
def test_each_workload_has_an_alias_of_its_own(workloads: list[Named]) -> None:
    """Whatever they are called."""
    chosen = aliases(workloads)

    assert list(chosen) == workloads
    assert len(set(chosen.values())) == len(workloads)
    assert all(map(is_label, chosen.values()))


@pytest.mark.parametrize(
    ("said", "short"),
    [
        ("gke_acme-1_europe-west1-b_prod-eu", "prod-eu"),
        ("arn:aws:eks:eu-west-1:123456789012:cluster/prod_EU", "prod-eu"),
        ("kubernetes-admin@staging", "staging"),
        ("sandbox", "sandbox"),
        ("…", "main"),
    ],
)
def test_a_cluster_is_called_by_the_last_part_of_its_name(said: str, short: str) -> None:
    """Clouds put the account, the region and more in front."""
    assert cluster_name(said) == short


@given(st.text())
def test_a_slug_is_a_name_or_nothing(text: str) -> None:
    """And so is the name of a cluster, always."""
    assert slug(text) == "" or is_label(slug(text))
    assert is_label(cluster_name(text))


@pytest.mark.parametrize("text", ["", "A", "-a", "a-", "a_b", "a\n", "é", "a" * 64])
def test_what_is_no_name(text: str) -> None:
    assert not is_label(text)
    assert not is_object_name(text)
