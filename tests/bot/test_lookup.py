"""From the words people use to the objects they mean, and back."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.snapshot import Part
from bot.domain.targets import Namespace, ObjectRef
from bot.errors import UsageError
from bot.lookup import (
    find_pod,
    find_thing,
    find_workload,
    look_command,
)
from tests.support.builders import (
    autoscaler,
    claim,
    cron_job,
    deployment,
    ingress,
    job,
    missing,
    node,
    pod,
    replica_set,
    service,
    snapshot,
    stateful_set,
)

API = deployment("api")
WORLD = snapshot(
    API,
    stateful_set("db"),
    stateful_set("api"),
    pod(name="api-1"),
    service("api"),
    node("node-1"),
    claim("data"),
    autoscaler(API),
    job("backfill"),
    cron_job("nightly"),
    ingress("web"),
)
CATALOGUE = Catalogue(
    MappingProxyType(
        {
            "search": CatalogueEntry("search", "Deployment", "api"),
            "db": CatalogueEntry("db", "StatefulSet", "db"),
            "billing": CatalogueEntry("billing", "Deployment", "billing", namespace=Namespace("money")),
            "ghost": CatalogueEntry("ghost", "Deployment", "ghost"),
        }
    )
)


# --- workloads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        ("search", "Deployment", "api"),
        ("api", "Deployment", "api"),
        ("deployment/api", "Deployment", "api"),
        ("deploy/api", "Deployment", "api"),
        ("Deployments/api", "Deployment", "api"),
        ("sts/api", "StatefulSet", "api"),
        ("statefulset/db", "StatefulSet", "db"),
    ],
)
def test_a_workload_is_found_by_its_names(word: str, kind: str, name: str) -> None:
    """By alias, by name, by kind and name as kubectl takes them."""
    assert find_workload("status", word, WORLD, CATALOGUE) == ObjectRef(kind, "shop", name)


def test_an_alias_that_is_the_name_of_another_workload_is_asked_back() -> None:
    """A button carries names: one must never act on the namesake of what was meant."""
    catalogue = Catalogue({"db": CatalogueEntry("db", "Deployment", "api")})
    with pytest.raises(UsageError, match='"db" is the alias of deployment/api and the name of statefulset/db') as error:
        find_workload("restart db -n shop", "db", WORLD, catalogue)
    assert error.value.suggestions == ("restart deployment/api -n shop", "restart statefulset/db -n shop")
    assert find_workload("restart statefulset/db", "statefulset/db", WORLD, catalogue).name == "db"


@pytest.mark.parametrize("word", ["ds/api", "pod/api", "ghost", "", "/", "x/y/api-0", "API"])
def test_what_is_no_workload_is_not_found(word: str) -> None:
    """Neither another kind nor an alias that leads nowhere; names are what they are."""
    with pytest.raises(UsageError, match="There is no workload"):
        find_workload(f"status {word}", word, WORLD, CATALOGUE)


@pytest.mark.parametrize(
    ("said_", "word", "suggestions"),
    [
        ("status serch", "serch", ("status search",)),
        ("logs apii --tail 5 -n shop", "apii", ("logs api --tail 5 -n shop",)),
        ("share pods apii", "apii", ("share pods api",)),
        ("status deploy/apii", "deploy/apii", ("status api",)),
        ("logs 'apii'", "apii", ("logs api",)),
        ("status biling", "biling", ("status billing",)),
        ("status ghos", "ghos", ()),
        ("status zzz", "zzz", ()),
    ],
    ids=["alias", "options", "shared", "kind", "quoted", "of another place", "leads nowhere", "nothing near"],
)
def test_an_unknown_name_is_answered_with_complete_commands(
    said_: str, word: str, suggestions: tuple[str, ...]
) -> None:
    """The one that was typed, with the name mended."""
    with pytest.raises(UsageError) as raised:
        find_workload(said_, word, WORLD, CATALOGUE)
    assert raised.value.suggestions == suggestions


def test_a_name_that_is_near_to_nothing_is_answered_with_what_there_is() -> None:
    """By the names that people use; the first dozen of them."""
    with pytest.raises(UsageError) as raised:
        find_workload("status zzz", "zzz", WORLD, CATALOGUE)
    assert raised.value.message == 'There is no workload "zzz" in shop. There are api, db and search.'
    crowd = snapshot(*(deployment(f"w{number:02}") for number in range(14)))
    with pytest.raises(UsageError, match=r"w10, w11 and 2 more\.$"):
        find_workload("status zzz", "zzz", crowd, CATALOGUE)


def test_workloads_that_could_not_be_read_are_not_said_to_be_missing() -> None:
    """The one that is meant may be among them."""
    unread = snapshot(API, parts={Part.STATEFUL_SETS: missing("no right"), Part.NODES: missing("no right")})
    with pytest.raises(UsageError, match=r'I see no workload "x", but I could not read the stateful sets of shop\.'):
        find_workload("status x", "x", unread, CATALOGUE)


# --- anything ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        ("search", "Deployment", "api"),
        ("api", "Deployment", "api"),
        ("service/api", "Service", "api"),
        ("svc/api", "Service", "api"),
        ("services/api", "Service", "api"),
        ("api-1", "Pod", "api-1"),
        ("po/api-1", "Pod", "api-1"),
        ("node-1", "Node", "node-1"),
        ("no/node-1", "Node", "node-1"),
        ("nodes/node-1", "Node", "node-1"),
        ("data", "PersistentVolumeClaim", "data"),
        ("pvc/data", "PersistentVolumeClaim", "data"),
        ("claim/data", "PersistentVolumeClaim", "data"),
        ("claims/data", "PersistentVolumeClaim", "data"),
        ("hpa/api-hpa", "HorizontalPodAutoscaler", "api-hpa"),
        ("autoscaler/api-hpa", "HorizontalPodAutoscaler", "api-hpa"),
        ("job/backfill", "Job", "backfill"),
        ("cj/nightly", "CronJob", "nightly"),
        ("CronJobs/nightly", "CronJob", "nightly"),
        ("ing/web", "Ingress", "web"),
        ("ingress/web", "Ingress", "web"),
        ("ingresses/web", "Ingress", "web"),
    ],
)
def test_an_object_is_found_by_its_names(word: str, kind: str, name: str) -> None:
    """A workload wins where only a name is said."""
    found = find_thing("describe", word, WORLD, CATALOGUE).ref
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize("word", ["secret/db", "cm/settings", "networkpolicy/api"])
def test_an_object_of_a_kind_that_is_not_read_is_not_said_to_be_missing(word: str) -> None:
    """It may well be there."""
    with pytest.raises(UsageError, match=r'of the kind "\w+" are not read here\. These are: cronjob, daemonset, '):
        find_thing(f"describe {word}", word, WORLD, CATALOGUE)


def test_an_unknown_object_is_answered_with_complete_commands() -> None:
    """Of every kind."""
    with pytest.raises(UsageError, match=r'There is no "node/node-2" in shop\.') as raised:
        find_thing("describe node/node-2 -n shop", "node/node-2", WORLD, CATALOGUE)
    assert raised.value.suggestions == ("describe node/node-1 -n shop",)


def test_objects_that_could_not_be_read_are_not_said_to_be_missing() -> None:
    """Nodes are often forbidden."""
    with pytest.raises(UsageError, match=r"I could not read the nodes of shop\."):
        find_thing("describe n", "n", snapshot(API, parts={Part.NODES: missing("no right")}), CATALOGUE)


# --- onward -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "command"),
    [
        ("Deployment", "api", "status search"),
        ("StatefulSet", "cache", "status cache"),
        ("PersistentVolumeClaim", "data", "describe persistentvolumeclaim/data"),
        ("CronJob", "nightly", "describe cronjob/nightly"),
        ("Rollout", "x", "describe pod/x-1"),
    ],
)
def test_each_finding_has_a_command_that_looks_closer(kind: str, name: str, command: str) -> None:
    """For a kind that we do not know, at one of its pods."""
    assert look_command(ObjectRef(kind, "shop", name), CATALOGUE, ["x-1", "x-2"]) == command


def test_what_has_no_pods_either_is_looked_at_from_afar() -> None:
    """The button must lead somewhere."""
    assert look_command(ObjectRef("Rollout", "shop", "x"), CATALOGUE) == "status"


# --- pods -------------------------------------------------------------------------------------------------------------

PODS = snapshot(
    *(pod(None, name=name) for name in ("api-6d5f-w7zlb", "api-6d5f-aaaaa", "web-77aa-aaaaa", "web-77aa-b7zlb", "db-0"))
)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("api-6d5f-w7zlb", "api-6d5f-w7zlb"),
        ("pod/db-0", "db-0"),
        ("po/db-0", "db-0"),
        ("w7zlb", "api-6d5f-w7zlb"),
        ("…-w7zlb", "api-6d5f-w7zlb"),
        ("...-w7zlb", "api-6d5f-w7zlb"),
        ("api-…-aaaaa", "api-6d5f-aaaaa"),
        ("web-...aaaaa", "web-77aa-aaaaa"),
        ("77aa-b7zlb", "web-77aa-b7zlb"),
    ],
)
def test_a_pod_is_found_by_its_name_or_its_end(word: str, name: str) -> None:
    """As answers shorten it."""
    assert find_pod(f"evict {word}", word, PODS, CATALOGUE).meta.name == name


def test_an_end_that_several_share_is_asked_back() -> None:
    """With each of them as a command."""
    with pytest.raises(UsageError, match='"aaaaa" is the end of 2 pods in shop') as raised:
        find_pod("evict aaaaa -n shop", "aaaaa", PODS, CATALOGUE)
    assert raised.value.suggestions == ("evict api-6d5f-aaaaa -n shop", "evict web-77aa-aaaaa -n shop")


@pytest.mark.parametrize("word", ["api", "search", "deployment/api", "deploy/api"])
def test_a_workload_that_is_named_for_a_pod_is_answered_with_its_pods(word: str) -> None:
    """Those first that are not ready: they are what people want to be rid of."""
    owner = replica_set(API)
    well, ill = pod(owner, name="api-6d5f-aaaaa"), pod(owner, name="api-6d5f-bbbbb")
    here = snapshot(API, owner, well, replace(ill, conditions=()))
    with pytest.raises(UsageError, match=rf'"{word}" is a workload, not a pod: it has 2 pods\.') as raised:
        find_pod(f"evict {word} -n shop", word, here, CATALOGUE)
    assert raised.value.suggestions == ("evict api-6d5f-bbbbb -n shop", "evict api-6d5f-aaaaa -n shop")


@pytest.mark.parametrize("word", ["7zlb", "api-…-zzzzz", "…", "-", "deployment/db-0", "node-1"])
def test_what_is_no_end_of_a_name_is_no_pod(word: str) -> None:
    """Ends are whole words of a name."""
    with pytest.raises(UsageError, match="There is no pod"):
        find_pod(f"evict {word}", word, PODS, CATALOGUE)


def test_pods_that_could_not_be_read_are_not_said_to_be_missing() -> None:
    """Nobody looked."""
    with pytest.raises(UsageError, match=r'I see no pod "x", but I could not read the pods of shop\.'):
        find_pod("evict x", "x", snapshot(parts={Part.PODS: missing("no right")}), CATALOGUE)
