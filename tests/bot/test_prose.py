"""What people say to a request is prose: it is read as it was typed."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.actions import Decision, DecisionKind, DecisionParams
from bot.errors import UsageError
from bot.parser import parse
from bot.registry import Registry
from tests.support.verbs import VERBS as OTHERS

DENY = Decision(name="deny", summary="Deny a request", kind=DecisionKind.DENY)
VERBS = Registry([*OTHERS.all(), DENY])


def said(text: str) -> DecisionParams:
    parsed = parse(text, VERBS)
    assert (parsed.namespace, parsed.cluster) == ("", "")
    assert isinstance(parsed.params, DecisionParams)
    return parsed.params


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", ""),
        ("wait for the hotfix", "wait for the hotfix"),
        ("  wait\n for   it ", "wait for it"),
        ("it's bad", "it's bad"),
        ("don't, we can't", "don't, we can't"),
        ("it is 'too' late", "it is 'too' late"),
        ('"wait"', "wait"),
        ("“wait” — really", "“wait” — really"),
        ("-n shop is down", "-n shop is down"),
        ("--force breaks it", "--force breaks it"),
        ("see --help", "see --help"),
        ("a \\ b", "a \\ b"),
    ],
)
def test_it_is_read_as_it_was_typed(typed: str, words: str) -> None:
    """Neither quotes nor dashes mean anything in it; line ends are spaces."""
    assert said(f"deny 3f9a12c0 {typed}") == DecisionParams("3f9a12c0", words)


@pytest.mark.parametrize("arguments", [["it's bad"], ["it's", "bad"], ["it's bad"] * 2, ["--force", "is bad"]])
def test_what_a_shell_took_apart_is_put_together(arguments: list[str]) -> None:
    """A terminal's arguments come quoted by the program."""
    assert said(f"deny 3f9a12c0 {shlex.join(arguments)}").words == " ".join(arguments)


def test_help_is_still_there() -> None:
    """Where nothing was said."""
    assert parse("deny --help", VERBS).text == "help deny"


def test_the_request_must_be_named() -> None:
    with pytest.raises(UsageError, match="deny needs REQUEST"):
        parse("deny", VERBS)


@given(st.text(max_size=60))
@example("''")
@example("'x'")
@example("\\")
@example("'\"'\"'")
def test_what_was_understood_is_understood_again(words: str) -> None:
    """The canonical text says the same, however often it is read."""
    try:
        parsed = parse(f"deny 4f {words}", VERBS)
    except UsageError:
        return
    assert parse(parsed.text, VERBS) == replace(parsed, text=parsed.text)
