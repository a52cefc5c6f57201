"""Selectors parse and match as the server's do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cluster.api.kinds import find_kind
from sandbox.cluster.api.selectors import (
    FieldTerm,
    LabelSelector,
    Requirement,
    SelectorSyntaxError,
    check_fields,
    field_value,
    parse_fields,
    parse_labels,
    selector_text,
)

_LABELS = {"app": "api", "tier": "web", "level": "7", "empty": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=api", True),
        ("app==api", True),
        ("app = api , tier=web", True),
        ("app=api,tier=db", False),
        ("app!=api", False),
        ("ghost!=x", True),
        ("app", True),
        ("ghost", False),
        ("!ghost", True),
        ("!app", False),
        ("app in (api,worker)", True),
        ("app in (worker)", False),
        ("app notin (worker)", True),
        ("app notin (api)", False),
        ("ghost notin (api)", True),
        ("ghost in (api)", False),
        ("level>6", True),
        ("level<7", False),
        ("tier>1", False),
        ("empty=", True),
        ("empty in (,x)", True),
        ("empty in ()", True),
        ("app in (in,api)", True),
    ],
)
def test_operators(text: str, expected: bool) -> None:
    """Each operator, with keys that are there and that are not."""
    assert parse_labels(text).matches(_LABELS) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("a=b,", "found '', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a==(", "unable to parse requirement: found '(', expected: identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
    ],
)
def test_syntax_errors_name_what_was_found(text: str, message: str) -> None:
    """The messages are the server's."""
    with pytest.raises(SelectorSyntaxError) as raised:
        parse_labels(text)
    assert str(raised.value) == message


@pytest.mark.parametrize("text", ["a/b/c=d", "-a=b", "a=-b", "a>x", "a=" + "x" * 64, "A_/b"])
def test_bad_names_are_refused(text: str) -> None:
    """Keys and values follow the rules for labels, bounds are integers."""
    with pytest.raises(SelectorSyntaxError):
        parse_labels(text)


_NAMES = st.from_regex(r"\A[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?\Z").filter(
    lambda name: name not in {"in", "notin"}
)
_SETS = st.frozensets(_NAMES, min_size=1, max_size=3)
_REQUIREMENTS = st.one_of(
    st.builds(Requirement, _NAMES, st.sampled_from(["exists", "!"])),
    st.builds(Requirement, _NAMES, st.sampled_from(["=", "!="]), _NAMES.map(lambda value: frozenset({value}))),
    st.builds(Requirement, _NAMES, st.sampled_from(["in", "notin"]), _SETS),
    st.builds(
        Requirement,
        _NAMES,
        st.sampled_from([">", "<"]),
        st.integers(-(10**9), 10**9).map(lambda number: frozenset({str(number)})),
    ),
)


def _write(requirement: Requirement, space: str) -> str:
    values = f",{space}".join(sorted(requirement.values))
    match requirement.operator:
        case "exists":
            return requirement.key
        case "!":
            return f"!{space}{requirement.key}"
        case "in" | "notin":
            return f"{requirement.key} {requirement.operator} ({values})"
        case _:
            return f"{requirement.key}{space}{requirement.operator}{space}{values}"


@given(st.lists(_REQUIREMENTS.filter(lambda r: r.operator not in "<>" or "-" not in "".join(r.values)), max_size=4))
def test_what_is_written_is_read(requirements: list[Requirement]) -> None:
    """Parsing gives back the requirements, however much space is between."""
    for space in ("", " ", "\t"):
        text = f"{space},".join(_write(requirement, space) for requirement in requirements)
        assert parse_labels(text) == LabelSelector(tuple(requirements))


@given(st.text(alphabet="ab=!(),<>in \t/-.", max_size=20))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text breaks the parser, and what it accepts can be asked."""
    try:
        selector = parse_labels(text)
    except SelectorSyntaxError:
        return
    assert selector.matches({}) in {True, False}


@given(st.dictionaries(_NAMES, _NAMES, max_size=4), _NAMES, _SETS)
def test_set_operators_are_opposites(labels: dict[str, str], key: str, values: frozenset[str]) -> None:
    """in and notin never agree."""
    assert Requirement(key, "in", values).matches(labels) is not Requirement(key, "notin", values).matches(labels)


def test_fields_are_split_and_unescaped() -> None:
    """Equality in three spellings, escapes in values."""
    assert parse_fields(r"a=1,b==2,c!=3,d=x\,y\=z,e=") == (
        FieldTerm("a", equal=True, value="1"),
        FieldTerm("b", equal=True, value="2"),
        FieldTerm("c", equal=False, value="3"),
        FieldTerm("d", equal=True, value="x,y=z"),
        FieldTerm("e", equal=True, value=""),
    )
    with pytest.raises(SelectorSyntaxError, match="can't understand 'bare'"):
        parse_fields("bare")


@pytest.mark.parametrize(
    ("group", "resource", "message"),
    [
        ("apps", "deployments", '"x.y" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("", "pods", "field label not supported: x.y"),
    ],
)
def test_unknown_fields_are_refused(group: str, resource: str, message: str) -> None:
    """Each kind can be selected by its own fields only."""
    kind = find_kind(group, "v1", resource)
    assert kind is not None
    with pytest.raises(SelectorSyntaxError) as raised:
        check_fields(kind, parse_fields("metadata.name=a,x.y=1"))
    assert str(raised.value) == message


def test_odd_fields() -> None:
    """Booleans default to false, an event's source is its component, whichever field names it."""
    pods, events = find_kind("", "v1", "pods"), find_kind("", "v1", "events")
    assert pods is not None
    assert events is not None
    assert field_value(pods, {"spec": {}}, "spec.hostNetwork") == "false"
    assert field_value(events, {"source": {"component": "kubelet"}}, "source") == "kubelet"
    assert field_value(events, {"source": {}, "reportingComponent": "scheduler"}, "source") == "scheduler"


def test_selector_objects_are_written_as_text() -> None:
    """Labels and expressions, as /scale shows them."""
    expressions = [
        {"key": "b", "operator": "In", "values": ["2", "1"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    assert selector_text({"matchLabels": {"a": "x"}, "matchExpressions": expressions}) == "a=x,b in (1,2),c,!d"
