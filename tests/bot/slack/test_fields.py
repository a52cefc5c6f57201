"""The form of a dialog's answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.forms import Choice, FieldKind, Form, FormField
from bot.slack import fields

values = st.text(st.characters(codec="utf-8"), max_size=200)


def choosing(*given_values: str, name: str = "verb") -> FormField:
    choices = tuple(Choice(value, value or "nothing") for value in given_values)
    return FormField(name=name, label="What?", kind=FieldKind.CHOICE, choices=choices)


@given(st.lists(values, min_size=1, max_size=120, unique=True))
def test_every_choice_comes_back(given_values: list[str]) -> None:
    """Long ones by their number, and each within what an option may hold."""
    choices = choosing(*given_values).choices
    shown = range(min(len(choices), fields.MOST_CHOICES))
    drawn = [fields.option_value(choices, index) for index in shown]
    assert [fields.chosen(choices, value) for value in drawn] == given_values[: fields.MOST_CHOICES]
    assert all(0 < len(value.encode("utf-16-le")) // 2 <= 150 for value in drawn)


@pytest.mark.parametrize("value", ["", "a", "#1", "#x", "=c", "#0", "=a ", "##"])
def test_what_was_not_offered_is_not_chosen(value: str) -> None:
    """Whatever a client sends."""
    assert fields.chosen(choosing("a", "b").choices, value) == ""


def test_what_was_filled_in_is_read_by_field() -> None:
    """Each kind of element has its own place for it; what is not ours is left out."""
    state = {
        "form:verb": {"form:choice": {"type": "static_select", "selected_option": {"value": "=status"}}},
        "form:few": {"form:choice": {"type": "radio_buttons", "selected_option": None}},
        "form:on": {"form:switch": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}},
        "form:off": {"form:switch": {"type": "checkboxes", "selected_options": []}},
        "form:channel": {"form:channel": {"type": "conversations_select", "selected_conversation": "C1"}},
        "form:text": {"form:text": {"type": "plain_text_input", "value": "typed"}},
        "form:empty": {"form:text": {"type": "plain_text_input", "value": None}},
        "another": {"form:text": {"type": "plain_text_input", "value": "x"}},
        "form:broken": "x",
    }
    assert fields.raw_values(state) == {
        "verb": "=status",
        "few": "",
        "on": "yes",
        "off": "",
        "channel": "C1",
        "text": "typed",
        "empty": "",
    }


def test_choices_are_read_as_they_are_meant() -> None:
    """A text that looks like one stays a text."""
    asked = (choosing("status"), FormField(name="text", label="t", kind=FieldKind.TEXT))
    assert fields.meant(asked, {"verb": "=status", "text": "=status"}) == {"verb": "status", "text": "=status"}


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_the_state_comes_back(state: str) -> None:
    """With the mark of the form that was shown."""
    form = Form(title="t", fields=(choosing("a"),), state=state)
    assert fields.decode_state(fields.encode_state(form)) == (fields.fingerprint(form), state)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"form":1,"state":""}', '{"form":"a","state":"","x":1}'])
def test_a_foreign_state_is_not_read(text: str) -> None:
    """It is as if another form had been shown."""
    assert fields.decode_state(text) is None


def test_the_mark_tells_forms_apart() -> None:
    """By what is asked and what is to choose from; not by what was typed."""
    form = Form(title="t", fields=(choosing("a", "b"),))
    others = [
        Form(title="t", fields=(choosing("b", "a"),)),
        Form(title="t", fields=(choosing("a", "b", name="place"),)),
        Form(title="t", fields=(choosing("a", "b"), choosing("c", name="more"))),
    ]
    marks = {fields.fingerprint(each) for each in (form, *others)}
    assert len(marks) == 4
    filled = Form(title="other", fields=(replace(form.fields[0], value="a"),))
    assert fields.fingerprint(filled) == fields.fingerprint(form)
