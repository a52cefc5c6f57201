"""The API's types: quantities, what is left out, who owns what. A real server's own answers are in the contract."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sandbox.cluster.schema.decode import Unreadable, decode
from sandbox.cluster.schema.fieldsets import read, written
from sandbox.cluster.schema.managed import Manager, updated, without_replicas
from sandbox.cluster.schema.quantities import Malformed, amount, canonical
from sandbox.cluster.schema.strategic import BadPatch, merged
from sandbox.cluster.schema.types import struct_of

DEPLOYMENT = struct_of("apps/v1", "Deployment")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("100000", "100k"),
        ("16777216", "16777216"),
        ("1e3", "1e3"),
        ("-1", "-1"),
        ("0", "0"),
        (2, "2"),
    ],
)
def test_a_quantity_has_one_form(text: str | int, form: str) -> None:
    """Equal amounts of one kind are written alike."""
    assert canonical(text) == form
    assert amount(form) == amount(text)


def test_amounts_are_exact() -> None:
    """Nothing is rounded but what is smaller than a nano, and that upwards."""
    assert amount("0.1") == Fraction(1, 10)
    assert amount("0.0000000001") == Fraction(1, 10**9)


@pytest.mark.parametrize("text", ["abc", "", "1.2.3", "5 Mi", "1Zi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """The words are the server's."""
    with pytest.raises(Malformed, match="quantities must match the regular expression"):
        canonical(text)


def test_what_says_nothing_is_left_out() -> None:
    """Nulls, empty lists and a False that nobody tells from silence; but not a zero that means something."""
    spec = {"replicas": 0, "paused": False, "minReadySeconds": 0, "template": {"spec": {"volumes": []}}}
    read_spec = decode(DEPLOYMENT, {"spec": spec}).obj["spec"]
    assert read_spec == {"replicas": 0, "strategy": {}, "template": {"metadata": {}, "spec": {}}}


def test_unknown_fields_are_dropped_and_told() -> None:
    """Each with its place."""
    decoded = decode(DEPLOYMENT, {"spec": {"replica": 1, "template": {"spec": {"containers": [{"imag": "x"}]}}}})
    assert decoded.unknown == ["spec.replica", "spec.template.spec.containers[0].imag"]


def test_a_value_of_another_type_is_refused() -> None:
    """The message names the field with its struct."""
    with pytest.raises(Unreadable, match=r"Go struct field DeploymentSpec\.spec\.replicas of type int32"):
        decode(DEPLOYMENT, {"spec": {"replicas": "three"}})


def test_an_entry_without_its_key_cannot_be_merged() -> None:
    """The words are the server's."""
    patch = {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}
    with pytest.raises(BadPatch, match=r"map: map\[image:x\] does not contain declared merge key: name"):
        merged(DEPLOYMENT, {"spec": {"template": {"spec": {"containers": []}}}}, patch)


def test_what_is_retained_must_name_what_is_patched() -> None:
    """A patch that contradicts itself is refused."""
    with pytest.raises(BadPatch):
        merged(
            DEPLOYMENT,
            {"spec": {"strategy": {"type": "X"}}},
            {"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {}}}},
        )


def test_sets_of_fields_survive_being_written() -> None:
    """The tree holds a dot where a path is in the set and others are below it."""
    fields = frozenset({("f:spec",), ("f:spec", "f:replicas"), ("f:metadata", "f:labels", "f:a")})
    assert written(fields) == {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {".": {}, "f:replicas": {}}}
    assert read(written(fields)) == fields


def test_whoever_sets_a_field_takes_it_from_the_others() -> None:
    """A manager without a field left is forgotten."""
    first, second = Manager("first", "apps/v1"), Manager("second", "apps/v1")
    made = {"metadata": {"name": "d"}, "spec": {"replicas": 1}}
    made["metadata"]["managedFields"] = updated(DEPLOYMENT, None, made, first, "T1")  # type: ignore[assignment]
    changed = {**made, "spec": {"replicas": 2}}
    entries = updated(DEPLOYMENT, made, changed, second, "T2")
    assert [entry["manager"] for entry in entries] == ["second"]


def test_a_scale_that_changes_nothing_takes_the_number_away_in_two_steps() -> None:
    """So does a real server, and the version rises each time."""
    entry = {
        "manager": "m",
        "operation": "Update",
        "apiVersion": "apps/v1",
        "time": "T",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:paused": {}, "f:replicas": {}}},
    }
    once = without_replicas([entry])
    assert [("time" in found, found["fieldsV1"]) for found in once] == [
        (False, {"f:spec": {"f:replicas": {}}}),
        (True, {"f:spec": {"f:paused": {}}}),
    ]
    assert [found["fieldsV1"] for found in without_replicas(once)] == [{"f:spec": {"f:paused": {}}}]
