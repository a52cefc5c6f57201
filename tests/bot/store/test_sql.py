from __future__ import annotations

import pytest

from bot.store.sql import QUERIES, parse


def test_statements_are_found_by_name_without_comments() -> None:
    """A comment may hold any sign; it is not sent."""
    queries = parse("-- head\n\n-- name: one\n-- 100 % why\nSELECT 1;\n\n-- name: two\nSELECT\n  2;\n")
    assert queries == {"one": b"SELECT 1;", "two": b"SELECT\n  2;"}


def test_a_name_given_twice_is_refused() -> None:
    """The second would hide the first."""
    with pytest.raises(ValueError, match="one"):
        parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")


def test_the_statements_of_both_files_are_there() -> None:
    """Whoever runs one need not know in which it stands."""
    assert {"inbox_claim", "operation_take"} <= QUERIES.keys()


def test_every_statement_has_a_body() -> None:
    """A name without a statement is a mistake in the file."""
    assert all(statement.strip() for statement in QUERIES.values())
