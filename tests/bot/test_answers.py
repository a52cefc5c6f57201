from __future__ import annotations

import inspect
from datetime import timedelta

import pytest

from bot import answers, errors
from bot.domain.people import Actor, Membership, Permission, RoleBinding, RoleName, Standing
from bot.domain.policy import REFUSALS, Asked, Policy
from bot.domain.targets import ClusterName, Namespace, Scope, Where
from bot.domain.view import Button, Buttons, Context, Headline, Mark, Paragraph, Span, View
from bot.errors import (
    BotError,
    ClusterUnreachable,
    DeliveryUnknown,
    DirectoryUnavailable,
    Fault,
    FormFaults,
    NotAccepted,
    SettingsError,
    StoreUnavailable,
    UsageError,
)
from bot.rights import DirectoryRights
from tests.support.twins import READ_AT, TEAM, TableDirectory, member

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BotError)]


def words(view: View) -> str:
    shown = [block for block in view.blocks if isinstance(block, Paragraph | Context)]
    return " ".join(span.text for block in shown for row in block.lines for span in row if isinstance(span, Span))


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in {UsageError, SettingsError, FormFaults}])
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


def test_what_may_have_been_meant_can_be_pressed() -> None:
    """Three at most, in the place of this answer; an option alone is no command."""
    view = answers.misunderstood(UsageError("No.", suggestions=["-n shop", "status a", "status b", "logs a", "logs b"]))
    assert view.blocks[-1] == Buttons(
        tuple(Button(text, text, replaces=True) for text in ("status a", "status b", "logs a"))
    )
    assert not any(isinstance(block, Buttons) for block in answers.misunderstood(UsageError("No.")).blocks)


def test_a_word_that_is_no_command_leads_to_help() -> None:
    """That is no way to use the command, so it is not called its usage."""
    view = answers.misunderstood(UsageError("No.", usage="help lists what there is"))
    assert words(view) == "help  lists what there is."
    assert view.blocks[-1] == Buttons((Button("Help", "help", replaces=True),))


def test_people_are_named_as_they_were_typed() -> None:
    """The platform puts an id in the place of a name; without a label it stays as it came."""
    said = 'audit does not know what to do with "<@U012AB|vic>" and "<@U012AB>".'
    view = answers.misunderstood(UsageError(said))
    assert view.summary == 'audit does not know what to do with "@vic" and "<@U012AB>".'


def test_a_misunderstanding_without_an_idea_is_one_line() -> None:
    """No empty paragraph."""
    assert answers.misunderstood(UsageError("No.")).blocks == (Headline("No.", Mark.WARNING),)


SHOP = Where(Scope(ClusterName("prod-eu"), Namespace("shop")), "api")
ROLES = (
    RoleBinding(RoleName.VIEWER, groups=frozenset({"S0"})),
    RoleBinding(RoleName.OPERATOR, groups=frozenset({"S1"}), users=frozenset({"U-boss"})),
    RoleBinding(RoleName.OPERATOR, groups=frozenset({"S2"}), namespaces=frozenset({"lab"})),
)


async def refusal(*people: Membership, asked: Asked = Asked(Permission.OPERATE, "roll", SHOP)) -> View:  # noqa: B008  # frozen
    """Refuse the first of `people`; nobody at all is a look-up that failed."""
    directory = TableDirectory(*people)
    directory.problem = None if people else DirectoryUnavailable("Slack did not answer.")
    rights = DirectoryRights(directory, Policy(bindings=ROLES))
    decision = await rights.of(Actor("U-ann", TEAM), asked)
    return answers.refused("roll", decision, now=READ_AT + timedelta(seconds=40))


async def test_a_refusal_says_what_is_missing_what_is_held_and_who_could() -> None:
    """And how old the look at the person's groups is."""
    view = await refusal(member("U-ann", "S0"))
    assert view.summary == (
        "You can't use roll: that needs the role operator for api in shop on prod-eu (you have: viewer)."
    )
    assert words(view) == (
        "Operators are @rag-oncall and 1 person by name."
        " Nothing was changed. Your groups were read 40 s ago.  whoami  shows more."
    )
    assert view.blocks[-1] == Buttons((Button("Who am I", "whoami"),))
    assert (view.exit_code, view.data) == (2, {"error": view.summary, "permission": "operate"})


async def test_a_refusal_names_roles_that_are_held_elsewhere() -> None:
    """So that the person sees why this place differs."""
    view = await refusal(member("U-ann", "S0", "S2"))
    assert view.summary.endswith("(you have: viewer, operator in lab).")


async def test_whoever_holds_no_role_is_not_told_where_it_would_have_gone() -> None:
    """The names of places are for those who may look at one."""
    view = await refusal(member("U-ann"))
    assert view.summary == "You can't use roll: that needs the role operator (you have: no role)."
    assert not any(word in f"{view.summary} {words(view)}" for word in ("shop", "prod-eu", "lab"))
    assert "@rag-oncall" in words(view)


@pytest.mark.parametrize("kind", [each for each in Standing if each is not Standing.MEMBER])
async def test_whoever_is_no_member_learns_neither_places_nor_roles(kind: Standing) -> None:
    """Only that this kind of account may not; and no button leads on."""
    view = await refusal(member("U-ann", "S1", standing=kind))
    assert view.summary == f"You can't use roll: {REFUSALS[kind]}."
    assert words(view) == "Nothing was changed. Ask a full member of the workspace that this bot belongs to."
    assert not any(isinstance(block, Buttons) for block in view.blocks)


async def test_somebody_who_could_not_be_looked_up_learns_why_and_no_more() -> None:
    """It may be anybody: a guest, too."""
    view = await refusal()
    assert view.summary == "You can't use roll: your groups could not be read (Slack did not answer)."
    assert words(view) == "Nothing was changed. Nobody is let in on a guess: try again in a minute."
    assert not any(isinstance(block, Buttons) for block in view.blocks)


async def test_a_verb_that_no_role_may_use_is_said_to_be_one() -> None:
    """Nobody is named who could not either."""
    policy = Policy(bindings=ROLES, verbs={"roll": frozenset({RoleName.VIEWER})})
    rights = DirectoryRights(TableDirectory(member("U-ann", "S1")), policy)
    view = answers.refused("roll", await rights.of(Actor("U-ann", TEAM), Asked(Permission.OPERATE, "roll", SHOP)))
    assert view.summary == "You can't use roll: no role may use roll here (you have: operator)."
    assert words(view) == "Nothing was changed.  whoami  shows more."


async def test_the_terminal_is_told_that_it_only_reads() -> None:
    """There is nobody to ask."""
    rights = DirectoryRights(None, Policy(bindings=ROLES))
    view = answers.refused("audit", await rights.of(Actor("", "", local=True), Asked(Permission.AUDIT, "audit")))
    assert (view.summary, words(view)) == (
        "You can't use audit: the terminal may only read.",
        "Nothing was changed.",
    )


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


def test_what_only_operators_should_read_is_not_told_in_chat() -> None:
    """Neither by the error itself, nor by one that quotes it; the data and the log have it."""
    away = StoreUnavailable("The database at db:5432 gave no connection (timeout).", in_chat="My database is away.")
    quoting = NotAccepted(f"It was not accepted: {away.message}")
    quoting.__cause__ = away
    assert answers.failed(away, "7KQ2").summary == "My database is away."
    assert answers.failed(quoting, "7KQ2").summary == "It was not accepted: My database is away."
    assert "db:5432" in str(answers.failed(quoting, "7KQ2").data)


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
