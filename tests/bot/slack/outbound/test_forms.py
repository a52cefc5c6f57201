"""Dialogs as they are drawn: whatever a form holds, the platform takes it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.forms import Choice, FieldKind, Form, FormField, Purpose
from bot.slack import fields
from bot.slack.outbound.forms import draw
from sandbox.slack.blocks import check_view
from tests.support import hostile

words = st.one_of(st.text(max_size=200), st.sampled_from((*hostile.WORDS, *hostile.LARGE, *hostile.EMPTY, "\ud800")))
lows, highs = (st.one_of(st.none(), st.integers(*bounds)) for bounds in ((-(10**6), 0), (0, 10**6)))
choices = st.lists(st.builds(Choice, words, words, words), max_size=120, unique_by=lambda choice: choice.value)
asked = st.builds(
    FormField,
    name=st.sampled_from("abcdefgh"),
    label=words,
    kind=st.sampled_from(FieldKind),
    hint=words,
    value=words,
    required=st.booleans(),
    choices=choices.map(tuple),
    redraws=st.booleans(),
    minimum=lows,
    maximum=highs,
)
forms = st.builds(
    Form,
    title=words.filter(str.strip).map(lambda text: "a" + text),
    submit=words,
    words=words.map(lambda text: "w" + text),
    fields=st.lists(asked, max_size=8, unique_by=lambda field: field.name).map(tuple),
    purpose=st.sampled_from(Purpose),
)


def field(kind: FieldKind, **more: Any) -> FormField:
    return FormField(name="one", label="One", kind=kind, **more)


def element(drawn: FormField) -> dict[str, Any]:
    [block] = draw(Form(title="t", fields=(drawn,)))["blocks"]
    found: dict[str, Any] = block["element"]
    return found


@settings(max_examples=60, deadline=None)
@given(forms)
def test_every_form_is_taken(form: Form) -> None:
    """By a checker that shares no code with the one that draws."""
    assert [str(problem) for problem in check_view(draw(form))] == []


def test_a_form_without_fields_cannot_be_sent() -> None:
    """It only says something."""
    drawn = draw(Form(title="Build a command", words="One moment…"))
    assert "submit" not in drawn
    assert drawn["blocks"] == [
        {"type": "section", "text": {"type": "plain_text", "text": "One moment…", "emoji": False}}
    ]


def test_a_question_without_a_button_gets_one() -> None:
    """The platform wants one wherever something is asked."""
    assert draw(Form(title="t", fields=(field(FieldKind.TEXT),)))["submit"]["text"] == "Continue"


@pytest.mark.parametrize(
    ("count", "required", "kind"),
    [(10, True, "radio_buttons"), (11, True, "static_select"), (10, False, "static_select")],
)
def test_few_choices_are_all_shown(count: int, *, required: bool, kind: str) -> None:
    """What may be left out stands in a list, which can be left alone."""
    some = tuple(Choice(f"v{number}", f"Label {number}") for number in range(count))
    assert element(field(FieldKind.CHOICE, choices=some, required=required))["type"] == kind


def test_more_choices_than_fit_are_said_to_be() -> None:
    """They can still be typed."""
    some = tuple(Choice(f"v{number}", f"Label {number}") for number in range(120))
    drawn = draw(Form(title="t", fields=(field(FieldKind.CHOICE, choices=some),)))["blocks"][0]
    assert len(drawn["element"]["options"]) == 100
    assert drawn["hint"]["text"] == "20 more cannot be shown: type the command to use them."


def test_nothing_to_choose_from_is_said() -> None:
    """An empty list is refused."""
    [block] = draw(Form(title="t", fields=(field(FieldKind.CHOICE),)))["blocks"]
    assert block["text"]["text"] == "One: there is nothing to choose from."


def test_a_long_value_goes_by_its_number() -> None:
    """And is filled in as such."""
    long = "x" * 200
    drawn = element(field(FieldKind.CHOICE, choices=(Choice("a", "A"), Choice(long, "Long")), value=long))
    assert drawn["initial_option"]["value"] == "#1"
    assert fields.chosen((Choice("a", "A"), Choice(long, "Long")), "#1") == long


@pytest.mark.parametrize(("value", "shown"), [("5", "5"), ("0", None), ("11", None), ("five", None), ("", None)])
def test_only_a_number_that_is_allowed_is_filled_in(value: str, shown: str | None) -> None:
    """Another would have the whole dialog refused."""
    drawn = element(field(FieldKind.NUMBER, value=value, minimum=1, maximum=10))
    assert drawn.get("initial_value") == shown
    assert (drawn["min_value"], drawn["max_value"]) == ("1", "10")


def test_words_have_lines_and_a_length() -> None:
    """The client keeps to the length; what is filled in keeps its lines."""
    drawn = element(field(FieldKind.WORDS, value="one\ntwo", maximum=500))
    assert drawn == {
        "type": "plain_text_input",
        "action_id": "form:words",
        "multiline": True,
        "max_length": 500,
        "initial_value": "one\ntwo",
    }


def test_a_dialog_is_known_again_by_what_it_is_for() -> None:
    """One builds a command, the other asks for its last words."""
    drawn = [draw(Form(title="t", words="w", purpose=purpose))["callback_id"] for purpose in Purpose]
    assert drawn == ["rag_form", "rag_ask"]


def test_a_switch_is_a_box_that_may_stay_empty() -> None:
    """Even where the form wants an answer."""
    [block] = draw(Form(title="t", fields=(field(FieldKind.SWITCH, required=True, value="yes"),)))["blocks"]
    assert block["optional"]
    assert block["element"]["initial_options"] == block["element"]["options"]


@pytest.mark.parametrize(
    ("value", "where"),
    [("", {"default_to_current_conversation": True}), ("C1", {"initial_conversation": "C1"})],
)
def test_a_conversation_is_chosen_among_our_own(value: str, where: dict[str, object]) -> None:
    """Not those shared with other companies, and none with bots."""
    drawn = element(field(FieldKind.CHANNEL, value=value))
    assert drawn == {
        "type": "conversations_select",
        "action_id": "form:channel",
        "response_url_enabled": True,
        "filter": {"exclude_external_shared_channels": True, "exclude_bot_users": True},
        **where,
    }
