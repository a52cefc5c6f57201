"""What the API server says of an object, and when two templates are the same."""

from __future__ import annotations

import copy

from bot.domain.live import (
    MARKER,
    annotations_of,
    bare,
    metadata_of,
    revision_template,
    template_digest,
    template_of,
    without_nulls,
)
from tests.support.changes import controller_revision, live, replica_set, template, workload


def test_an_object_that_is_not_there_has_nothing() -> None:
    """No uid, no version, no mark; nothing raises."""
    gone = live(None)
    assert (gone.uid, gone.resource_version, gone.generation, gone.marker) == ("", "", 0, "")
    assert (metadata_of(None), annotations_of(None), template_of(None)) == ({}, {}, {})


def test_an_object_tells_its_identity_and_its_mark() -> None:
    """The mark is the annotation that our patches set."""
    there = live(workload(annotations={MARKER: "op-1"}))
    assert (there.uid, there.resource_version, there.generation, there.marker) == ("d-uid", "10", 4, "op-1")


def test_annotations_are_handed_out_as_a_copy() -> None:
    """Whoever adds to them does not change what was read."""
    read = workload(annotations={"a": "1"})
    annotations_of(read)["b"] = "2"
    assert annotations_of(read) == {"a": "1"}


def test_the_digest_of_a_template_is_fixed() -> None:
    """Plans of yesterday are compared with objects of today: the encoding never changes."""
    assert template_digest(template()) == "a3cb88cc3ceaa571f00cfdaf78a696ce5a96bd9ea865a16664039be70b285fe9"


def test_what_does_not_matter_does_not_change_the_digest() -> None:
    """The controller's label, the order of members, nulls at every depth."""
    plain = template()
    labelled = copy.deepcopy(plain)
    labelled["metadata"]["labels"]["pod-template-hash"] = "5d4f"
    nulls = copy.deepcopy(plain)
    nulls["spec"]["containers"][0]["lifecycle"] = None
    nulls["spec"]["affinity"] = None
    turned = {"spec": plain["spec"], "metadata": dict(reversed(plain["metadata"].items()))}
    assert {template_digest(each) for each in (plain, labelled, nulls, turned)} == {template_digest(plain)}


def test_what_matters_changes_the_digest() -> None:
    """An image, a label of somebody else, the order of containers, an annotation."""
    plain = template()
    other_label = copy.deepcopy(plain)
    other_label["metadata"]["labels"]["version"] = "2"
    annotated = copy.deepcopy(plain)
    annotated["metadata"]["annotations"] = {"a": "b"}
    second = {"name": "proxy", "image": "proxy:v1"}
    one, two = copy.deepcopy(plain), copy.deepcopy(plain)
    one["spec"]["containers"] = [plain["spec"]["containers"][0], second]
    two["spec"]["containers"] = [second, plain["spec"]["containers"][0]]
    different = [plain, template("app:v3"), other_label, annotated, one, two]
    assert len({template_digest(each) for each in different}) == len(different)


def test_the_label_is_taken_off_without_touching_the_original() -> None:
    """What was read stays as it was read."""
    held = replica_set(template(), 7)["spec"]["template"]
    assert bare(held)["metadata"]["labels"] == {"app": "api"}
    assert held["metadata"]["labels"]["pod-template-hash"] == "hash7"
    assert bare(template()) == template()


def test_revisions_give_back_the_template_that_a_workload_would_carry() -> None:
    """A ReplicaSet without its label; a ControllerRevision without directive and nulls."""
    wanted = without_nulls(template("app:v1"))
    assert revision_template(replica_set(template("app:v1"), 7)) == wanted
    assert revision_template(controller_revision(template("app:v1"), 7)) == wanted
    assert template_digest(revision_template(controller_revision(template(), 2))) == template_digest(template())
