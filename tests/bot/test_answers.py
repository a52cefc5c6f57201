from __future__ import annotations

import inspect

import pytest

from bot import answers, errors
from bot.domain.people import Permission
from bot.domain.policy import Authorization
from bot.domain.view import Button, Buttons, Context, Headline, Mark, Paragraph, Span, View
from bot.errors import BotError, ClusterUnreachable, DeliveryUnknown, Fault, SettingsError, UsageError

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BotError)]


def words(view: View) -> str:
    shown = [block for block in view.blocks if isinstance(block, Paragraph | Context)]
    return " ".join(span.text for block in shown for row in block.lines for span in row if isinstance(span, Span))


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in {UsageError, SettingsError}])
def test_every_error_has_a_text_for_the_person(kind: type[BotError]) -> None:
    """One sentence without jargon, and what to do next or that nothing is to be done."""
    error = kind()
    assert error.message[0].isupper()
    assert error.message.endswith(".")
    assert "\n" not in error.message
    assert str(error) == error.message


def test_an_error_may_say_it_better_itself() -> None:
    """With the particulars, and with advice of its own."""
    error = ClusterUnreachable("prod-eu did not answer within 5 s.", advice="Look at the VPN.")
    assert (error.message, error.advice) == ("prod-eu did not answer within 5 s.", "Look at the VPN.")


def test_a_misunderstanding_suggests_the_nearest() -> None:
    """With the usage below."""
    view = answers.misunderstood(UsageError("No such thing.", usage="status [SERVICE]", suggestions=["a", "b"]))
    assert words(view) == "Did you mean  a ,  b ? Usage:  status [SERVICE]"
    assert view.exit_code == 2


def test_a_misunderstanding_without_an_idea_is_one_line() -> None:
    """No empty paragraph."""
    assert answers.misunderstood(UsageError("No.")).blocks == (Headline("No.", Mark.WARNING),)


@pytest.mark.parametrize("reason", ["your groups could not be read (no answer)"])
def test_a_refusal_of_somebody_unknown_offers_no_look_at_roles(reason: str) -> None:
    """There is nothing to show them."""
    view = answers.refused("status", Authorization(allowed=False, permission=Permission.READ, reason=reason), {})
    assert view.summary == f"You can't use status: {reason}."
    assert not any(isinstance(block, Buttons) for block in view.blocks)


def test_a_failure_says_what_was_tried_what_was_not_changed_and_what_is_next() -> None:
    """Those three, and the reference."""
    view = answers.failed(ClusterUnreachable("It did not answer.\nGET /api/v1/pods (3 tries)"), "7KQ2", retry="status")
    assert view.summary == "It did not answer."
    assert words(view) == (
        "GET /api/v1/pods (3 tries)"
        " Nothing was changed. Check that the API server is up and that this machine may reach it."
        " Reference 7KQ2"
    )
    assert view.blocks[-1] == Buttons((Button("Try again", "status", replaces=True),))


def test_an_unknown_outcome_does_not_claim_that_nothing_was_changed() -> None:
    """What is not known is not said."""
    view = answers.failed(DeliveryUnknown(), "7KQ2")
    assert "Nothing was changed" not in words(view)
    assert isinstance(view.blocks[-1], Context)


def test_a_bug_of_ours_is_admitted() -> None:
    """With the reference, and without details."""
    view = answers.broken("7KQ2")
    assert "Reference 7KQ2" in words(view)
    assert (view.summary, view.exit_code) == ("Something in the bot itself went wrong.", 2)


@pytest.mark.parametrize(("count", "head"), [(1, "1 fault;"), (2, "2 faults;")])
def test_all_faults_of_the_configuration_are_told_at_once(count: int, head: str) -> None:
    """One line each, with the place."""
    told = answers.settings_fault(SettingsError([Fault(f"ragops.toml:{n}", "is wrong") for n in range(count)]))
    assert head in told
    assert told.count("\n  ragops.toml:") == count
