from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.probes.statements import masked
from tests.support.endless import ends

Quoted = Callable[[str], str]
SECRET = "plantedsecret"


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT * FROM items WHERE id = 42", "SELECT * FROM items WHERE id = ?"),
        ("SELECT 'it''s', name2 FROM t1", "SELECT ?, name2 FROM t1"),
        ("SELECT $1, $2::int", "SELECT $1, $2::int"),
        ("SELECT E'it\\'s plantedsecret', 1", "SELECT ?, ?"),
        ("SELECT $$plantedsecret$$, $tag$ plantedsecret $$ $tag$", "SELECT ?, ?"),
        ("SELECT -1.5e10, .5, 0xFF, 1_000", "SELECT -?, ?, ?, ?"),
        ('SELECT "weird" FROM "a""b"', 'SELECT "weird" FROM "a""b"'),
        ("SELECT \"it's\", 'plantedsecret'", 'SELECT "it\'s", ?'),
        ("SELECT 1 -- plantedsecret's\n, 'x'", "SELECT ? , ?"),
        ("SELECT /* plantedsecret's */ 1", "SELECT ?"),
        ("SELECT /* a /* plantedsecret */ plantedsecret */ 1", "SELECT …"),
        ("SELECT 'C:\\', 'plantedsecret'", "SELECT …"),
        ("SELECT 'cut off in plantedsec", "SELECT ?"),
        ("SELECT $$cut off in plantedsec", "SELECT …"),
        ("SELECT U&'plantedsecret', B'101', X'FF'", "SELECT U&?, B?, X?"),
        ("SELECT date'2026-01-01'", "SELECT date?"),
        ("", ""),
    ],
)
def test_the_shape_stays_and_every_literal_goes(statement: str, shown: str) -> None:
    """Also a literal whose end or kind is not clear."""
    assert masked(statement) == shown
    assert "planted" not in masked(statement)


_AROUND = st.text(alphabet="ab ,=()'\"$\\-/*1\nE", max_size=20)


def _standard(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _dollar(text: str) -> str:
    return f"$q$ {text.replace('$', '')} $q$"


@given(st.sampled_from((_standard, _escaped, _dollar)), _AROUND, _AROUND, st.text(alphabet="xy '\\$\"-/*", max_size=10))
def test_no_literal_of_a_well_formed_statement_is_shown(quoted: Quoted, before: str, after: str, between: str) -> None:
    """Whatever stands in it or in the literals beside it."""
    literals = map(quoted, (before + SECRET + after, between, between + SECRET))
    statement = " , ".join(literals)
    assert SECRET not in masked(statement)


@given(st.text(max_size=200))
def test_any_text_is_masked_without_raising(text: str) -> None:
    """Statements may be anything."""
    assert "'" not in masked(text) or '"' in masked(text)


@pytest.mark.parametrize("piece", ["'", "\\'", "E'\\", "/*", "$$", "$a", '"', "--", "1e", "a" * 10, "''"])
def test_masking_takes_time_by_the_length_alone(piece: str) -> None:
    """A made-up statement costs no more than a real one."""
    with ends():
        masked(piece * 20_000)
