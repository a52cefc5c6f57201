"""The comparer finds what differs, and does not let a field go unnamed."""

from __future__ import annotations

import pytest

from tests.contract.compare import Rules, differences, form, parse


def test_equal_paths_must_have_equal_values() -> None:
    """A value that differs is told with its path and both values."""
    found = differences({"a": {"b": 1}}, {"a": {"b": 2}}, Rules(equal=("a",)))
    assert found == ["a.b: 1, not 2"]


def test_equal_paths_must_have_equal_types() -> None:
    """1 and True, 1 and 1.0 are equal in Python, and not in an answer."""
    assert differences({"a": 1}, {"a": True}, Rules(equal=("a",))) == ["a: 1, not True"]


def test_a_place_that_no_list_names_is_a_difference_even_when_equal() -> None:
    """Nothing is ignored in silence."""
    assert differences({"a": 1}, {"a": 1}, Rules(equal=("b",))) == ["a: named by no list (1, 1)"]


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [({"a": 1}, {}, "a: only ours: 1"), ({}, {"a": 1}, "a: only theirs: 1")],
    ids=["ours", "theirs"],
)
def test_a_key_on_one_side_only_is_told(ours: object, theirs: object, said: str) -> None:
    """Whether it is listed as equal or alike, absence is a difference."""
    assert differences(ours, theirs, Rules(equal=("a",))) == [said]
    assert differences(ours, theirs, Rules(alike=("a",))) == [said]


def test_free_paths_may_differ_and_be_absent() -> None:
    """What is volatile is named, with all that is below it."""
    assert differences({"a": {"b": 1}, "c": 2}, {"a": 7}, Rules(free=("a", "c"))) == []


def test_a_longer_path_wins_over_the_one_above_it() -> None:
    """A part of a free subtree can be demanded, and a part of an equal one set free."""
    rules = Rules(equal=("a.b", "c"), free=("a", "c.d"))
    assert differences({"a": {"b": 1, "x": 2}, "c": {"d": 1}}, {"a": {"b": 3}, "c": {}}, rules) == ["a.b: 1, not 3"]


def test_alike_paths_need_the_same_form() -> None:
    """Two versions fit; a version and a time do not."""
    rules = Rules(alike=("v",))
    assert differences({"v": "17"}, {"v": "99123"}, rules) == []
    assert differences({"v": "17"}, {"v": ""}, rules) == ["v: version '17', not empty ''"]


def test_lists_that_are_alike_may_differ_in_length_but_not_be_empty_on_one_side() -> None:
    """Equal ones have as many entries."""
    assert differences([1], [1, 2], Rules(alike=("",))) == []
    assert differences([], [1], Rules(alike=("",))) == ["(the whole): 0 entries, not 1"]
    assert differences([1], [1, 2], Rules(equal=("",))) == ["(the whole): 1 entries, not 2"]


def test_the_same_path_in_two_lists_is_refused() -> None:
    """A contract that contradicts itself proves nothing."""
    with pytest.raises(ValueError, match="two demands for a"):
        differences({}, {}, Rules(equal=("a",), free=("a",)))


def test_a_star_stands_for_any_one_key() -> None:
    """Maps whose keys nobody knows beforehand."""
    assert differences({"m": {"x": 1}}, {"m": {"x": 2}}, Rules(alike=("m.*",))) == []


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("", ()),
        ("body", ("body",)),
        ("body.items[].metadata", ("body", "items", "[]", "metadata")),
        ('labels."app.io/name".x', ("labels", "app.io/name", "x")),
        ("rows[].cells[]", ("rows", "[]", "cells", "[]")),
    ],
)
def test_paths_are_read_as_written(written: str, path: tuple[str, ...]) -> None:
    """Dots part keys, brackets step into a list."""
    assert parse(written) == path


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("123", "version"),
        ("2026-11-24T22:00:00Z", "time in seconds"),
        ("2026-11-24T22:00:00.123456Z", "time in microseconds"),
        ("2026-11-24T22:00:00.123456789Z", "time in nanoseconds"),
        ("99973702n", "nanocores"),
        ("23m", "age"),
        ("2m30s", "age"),
        (None, "NoneType"),
        ("anything else", "text"),
    ],
)
def test_forms_are_told_apart(value: object, name: str) -> None:
    """The form is what a reader relies on when the value is not known beforehand."""
    assert form(value) == name
