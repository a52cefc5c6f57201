"""Every key of a TOML text is found on its line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.toml_lines import KeyPath, TomlSyntaxError, line_of, parse_toml


def paths_of(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of each key and item in what `tomllib` read."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_of(inner, (*path, index))


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        pytest.param("a = 1\nb = 2", ("b",), 2, id="key"),
        pytest.param("\n# x = 1\n[a]\n\nb = 2", ("a", "b"), 5, id="key of a table"),
        pytest.param("\n[a.b]\n", ("a",), 2, id="implied table"),
        pytest.param("[a.b]\nx=1\n[a]\ny=1", ("a",), 3, id="table opened after its child"),
        pytest.param("x = 1\na . b.c = 2", ("a", "b", "c"), 2, id="dotted key"),
        pytest.param('[a."b.c"]\n"d e" = 1', ("a", "b.c", "d e"), 2, id="quoted keys"),
        pytest.param('"\\u00e4\\t" = 1', ("ä\t",), 1, id="escapes in a key"),
        pytest.param("a = [\n 1, # one ]\n\n 2,\n]\nb = 1", ("a", 1), 4, id="item"),
        pytest.param("a = [\n [1,\n 2]]\nb = 1", ("a", 0, 1), 3, id="item of an item"),
        pytest.param("[[a]]\nx=1\n[[a]]\n[a.b]\n[[a.c]]\n[[a.c]]\nz=1", ("a", 1, "c", 1, "z"), 7, id="tables in order"),
        pytest.param("[[a]]\n[[a]]", ("a",), 1, id="array of tables"),
        pytest.param("x=1\na = { b = 1, c = { d = 2 } }", ("a", "c", "d"), 2, id="inline table"),
        pytest.param("a = [ {b=1},\n {b=2} ]", ("a", 1, "b"), 2, id="inline tables in a list"),
        pytest.param('a = """\n[x]\ny = "1"\n"""\nb = 1', ("b",), 5, id="text of many lines"),
        pytest.param('a = """x""""\nb = 1', ("b",), 2, id="four quotes at the end"),
        pytest.param("a = '''\n'' # \\'''''\nb = 1", ("b",), 3, id="literal of many lines"),
        pytest.param('a = "x # \\" ]"\nb = [ "]", \'"\', 1 ]\nc = 1', ("c",), 3, id="marks within texts"),
        pytest.param("a = 1\r\nb = 2\r\n", ("b",), 2, id="line ends of Windows"),
        pytest.param("a = 1979-05-27 07:32:00\nb = +inf # x", ("b",), 2, id="dates and numbers"),
        pytest.param("[a]\nb = 1", ("a", "missing", "deep"), 1, id="what is missing is at its table"),
        pytest.param("", ("a",), 1, id="nothing"),
    ],
)
def test_line(text: str, path: KeyPath, line: int) -> None:
    """The line of a key is where its name stands, the line of an item where it begins."""
    _, lines = parse_toml(text)

    assert line_of(lines, path) == line


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        pytest.param("a = 1\nb = \nc = 1", 2, "Invalid value", id="no value"),
        pytest.param("a = 1\n\na = 2", 3, "has a value already", id="key twice"),
        pytest.param("[a.b]\n[x]\n[a.b]", 3, "the table [a.b] stands here a second time", id="table twice"),
        pytest.param('a = 1\nb = "x\n', 2, "", id="text that does not end"),
        pytest.param("a = [1,\n2\n\n", 2, "Unclosed array", id="list that does not end"),
        pytest.param("a = " + "[" * 9000 + "]" * 9000, 1, "nested too deeply", id="depth"),
    ],
)
def test_fault_of_syntax_has_its_line(text: str, line: int, what: str) -> None:
    """What is no TOML is told with the line."""
    with pytest.raises(TomlSyntaxError) as raised:
        parse_toml(text)

    assert raised.value.line == line
    assert what in raised.value.what


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *("[", "]", "[[", "]]", "{", "}", "a", "b", '"c"', "'d'", ".", " = ", ",", "\n", "\n", " ", "#", "1", '"'),
            *("'", '"""', "'''", "\\", "[a]\n", "[[a]]\n", "[[b.a]]\n", "a = 1\n", "b.a = {a = 1}\n", "1\n", "a = ["),
            *("c = [\n1, [2]]\n", "d = '''\n]'''\n", '"e" = """\n\\""""\n', "f = [{a=1},{b=[1]}]\n", "[b.c]\n"),
        ]
    ),
    max_size=12,
)


@given(FRAGMENTS)
def test_exactly_the_keys_that_are_read_have_lines(fragments: list[str]) -> None:
    """For each text that `tomllib` accepts, the scanner finds the same keys and items, no more and no fewer."""
    text = "".join(fragments)
    try:
        expected = set(paths_of(tomllib.loads(text)))
    except tomllib.TOMLDecodeError:
        with pytest.raises(TomlSyntaxError):
            parse_toml(text)
        return

    _, lines = parse_toml(text)

    assert set(lines) == expected


KEYS = st.sampled_from(["alpha", "beta", '"gamma delta"', "'x.y'", "e-1", "_"])
VALUES = st.sampled_from(
    [
        "1",
        '"a # b"',
        "'''\nx\n\n'''",
        '"""\n[t]\n"""',
        "[\n1,\n# c\n2\n]",
        "[]",
        "{}",
        "{ a = 1, b = [1] }",
        "true",
        "1e3",
    ]
)


@given(st.lists(st.tuples(st.integers(0, 3), KEYS, VALUES, st.sampled_from(["", " # note", "\n", "\n# a = 1\n"]))))
def test_lines_are_where_the_text_was_written(rows: list[tuple[int, str, str, str]]) -> None:
    """Tables and keys that are written down one after the other are found where they were written."""
    text = ""
    expected: dict[KeyPath, int] = {}
    for number, (indent, key, value, after) in enumerate(rows):
        name = f"t{number}"
        expected[(name,)] = text.count("\n") + 1
        text += f"[{name}]\n"
        plain = key.strip("\"'")
        expected[(name, plain)] = text.count("\n") + 1
        text += f"{' ' * indent}{key} = {value}{after}\n"

    _, lines = parse_toml(text)

    assert {path: lines[path] for path in expected} == expected
