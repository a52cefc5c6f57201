"""Block Kit's published limits, row by row: the limit is accepted, one over is refused with its pointer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.blocks import check_message, check_view
from sandbox.slack.elements import IN_ACTIONS

Json = dict[str, Any]


def plain(length: int) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def section(**more: Any) -> Json:
    return {"type": "section", **(more or {"text": mrkdwn(1)})}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain(1), **more}


def option(text: int = 1, value: str = "v", **more: Any) -> Json:
    return {"text": plain(text), "value": value, **more}


def select(count: int = 1, **more: Any) -> Json:
    return {"type": "static_select", "options": [option(value=str(i)) for i in range(count)], **more}


def groups(count: int, label: int = 1) -> Json:
    return {
        "type": "static_select",
        "option_groups": [{"label": plain(label), "options": [option()]} for _ in range(count)],
    }


def confirm(title: int = 1, text: int = 1, press: int = 1) -> Json:
    return {"title": plain(title), "text": plain(text), "confirm": plain(press), "deny": plain(press)}


def image(url: int = 20, alt: int = 1, **more: Any) -> Json:
    return {"type": "image", "image_url": "h" * url, "alt_text": "a" * alt, **more}


def entry(label: int = 1, **more: Any) -> Json:
    return {"type": "input", "label": plain(label), "element": {"type": "plain_text_input"}, **more}


def table(rows: int = 1, cells: int = 1, length: int = 1, settings: int = 0) -> Json:
    row = [{"type": "raw_text", "text": "x" * length} for _ in range(cells)]
    return {"type": "table", "rows": [row] * rows, **({"column_settings": [{}] * settings} if settings else {})}


def rich(text: str) -> Json:
    part = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [part]}


def card(title: int = 1, body: int = 1, buttons: int = 1) -> Json:
    return {"type": "card", "title": mrkdwn(title), "body": mrkdwn(body), "actions": [button()] * buttons}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain(1), "blocks": list(blocks or [section()]), **more}


ROWS = [
    ("blocks", [section()] * 50, [section()] * 51, "/blocks"),
    ("section text", [section(text=mrkdwn(3000))], [section(text=mrkdwn(3001))], "/blocks/0/text/text"),
    ("section text least", [section(text=mrkdwn(1))], [section(text=mrkdwn(0))], "/blocks/0/text/text"),
    ("fields", [section(fields=[mrkdwn(1)] * 10)], [section(fields=[mrkdwn(1)] * 11)], "/blocks/0/fields"),
    ("field", [section(fields=[mrkdwn(2000)])], [section(fields=[mrkdwn(2001)])], "/blocks/0/fields/0/text"),
    ("section content", [section(text=plain(1))], [{"type": "section"}], "/blocks/0"),
    (
        "header",
        [{"type": "header", "text": plain(150)}],
        [{"type": "header", "text": plain(151)}],
        "/blocks/0/text/text",
    ),
    (
        "header kind",
        [{"type": "header", "text": plain(1)}],
        [{"type": "header", "text": mrkdwn(1)}],
        "/blocks/0/text/type",
    ),
    (
        "context",
        [{"type": "context", "elements": [mrkdwn(1)] * 10}],
        [{"type": "context", "elements": [mrkdwn(1)] * 11}],
        "/blocks/0/elements",
    ),
    (
        "context text",
        [{"type": "context", "elements": [mrkdwn(3000)]}],
        [{"type": "context", "elements": [mrkdwn(3001)]}],
        "/blocks/0/elements/0/text",
    ),
    (
        "context least",
        [{"type": "context", "elements": [mrkdwn(1)]}],
        [{"type": "context", "elements": []}],
        "/blocks/0/elements",
    ),
    ("actions", [actions(*[button()] * 25)], [actions(*[button()] * 26)], "/blocks/0/elements"),
    ("actions least", [actions(button())], [actions()], "/blocks/0/elements"),
    (
        "button text",
        [actions(button(text=plain(75)))],
        [actions(button(text=plain(76)))],
        "/blocks/0/elements/0/text/text",
    ),
    (
        "button value",
        [actions(button(value="v" * 2000))],
        [actions(button(value="v" * 2001))],
        "/blocks/0/elements/0/value",
    ),
    ("button url", [actions(button(url="u" * 3000))], [actions(button(url="u" * 3001))], "/blocks/0/elements/0/url"),
    (
        "button style",
        [actions(button(style="danger"))],
        [actions(button(style="default"))],
        "/blocks/0/elements/0/style",
    ),
    (
        "action_id",
        [actions(button(action_id="a" * 255))],
        [actions(button(action_id="a" * 256))],
        "/blocks/0/elements/0/action_id",
    ),
    (
        "block_id",
        [section(text=plain(1), block_id="b" * 255)],
        [section(text=plain(1), block_id="b" * 256)],
        "/blocks/0/block_id",
    ),
    (
        "block_id twice",
        [section(text=plain(1), block_id="a"), section(text=plain(1), block_id="b")],
        [section(text=plain(1), block_id="a"), section(text=plain(1), block_id="a")],
        "/blocks/1/block_id",
    ),
    (
        "action_id twice",
        [actions(button(action_id="a"), button(action_id="b"))],
        [actions(button(action_id="a"), button(action_id="a"))],
        "/blocks/0/elements/1/action_id",
    ),
    ("options", [actions(select(100))], [actions(select(101))], "/blocks/0/elements/0/options"),
    ("options least", [actions(select(1))], [actions(select(0))], "/blocks/0/elements/0/options"),
    ("groups", [actions(groups(100))], [actions(groups(101))], "/blocks/0/elements/0/option_groups"),
    (
        "group label",
        [actions(groups(1, 75))],
        [actions(groups(1, 76))],
        "/blocks/0/elements/0/option_groups/0/label/text",
    ),
    (
        "option text",
        [actions(select(options=[option(75)]))],
        [actions(select(options=[option(76)]))],
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        "option value",
        [actions(select(options=[option(value="v" * 150)]))],
        [actions(select(options=[option(value="v" * 151)]))],
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        "option description",
        [actions(select(options=[option(description=plain(75))]))],
        [actions(select(options=[option(description=plain(76))]))],
        "/blocks/0/elements/0/options/0/description/text",
    ),
    (
        "initial option",
        [actions(select(1, initial_option=option(value="0")))],
        [actions(select(1, initial_option=option(value="9")))],
        "/blocks/0/elements/0/initial_option",
    ),
    (
        "overflow",
        [actions({"type": "overflow", "options": [option(value=str(i)) for i in range(5)]})],
        [actions({"type": "overflow", "options": [option(value=str(i)) for i in range(6)]})],
        "/blocks/0/elements/0/options",
    ),
    (
        "checkboxes",
        [actions({"type": "checkboxes", "options": [option(value=str(i)) for i in range(10)]})],
        [actions({"type": "checkboxes", "options": [option(value=str(i)) for i in range(11)]})],
        "/blocks/0/elements/0/options",
    ),
    (
        "confirm title",
        [actions(button(confirm=confirm(100)))],
        [actions(button(confirm=confirm(101)))],
        "/blocks/0/elements/0/confirm/title/text",
    ),
    (
        "confirm text",
        [actions(button(confirm=confirm(1, 300)))],
        [actions(button(confirm=confirm(1, 301)))],
        "/blocks/0/elements/0/confirm/text/text",
    ),
    (
        "confirm button",
        [actions(button(confirm=confirm(press=30)))],
        [actions(button(confirm=confirm(press=31)))],
        "/blocks/0/elements/0/confirm/confirm/text",
    ),
    (
        "placeholder",
        [actions(select(placeholder=plain(150)))],
        [actions(select(placeholder=plain(151)))],
        "/blocks/0/elements/0/placeholder/text",
    ),
    ("input label", [entry(2000)], [entry(2001)], "/blocks/0/label/text"),
    ("input hint", [entry(hint=plain(2000))], [entry(hint=plain(2001))], "/blocks/0/hint/text"),
    (
        "max_length",
        [entry(element={"type": "plain_text_input", "max_length": 3000})],
        [entry(element={"type": "plain_text_input", "max_length": 3001})],
        "/blocks/0/element/max_length",
    ),
    ("image url", [image(3000)], [image(3001)], "/blocks/0/image_url"),
    ("image alt", [image(alt=2000)], [image(alt=2001)], "/blocks/0/alt_text"),
    ("image title", [image(title=plain(2000))], [image(title=plain(2001))], "/blocks/0/title/text"),
    ("table rows", [table(100)], [table(101)], "/blocks/0/rows"),
    ("table cells", [table(1, 20)], [table(1, 21)], "/blocks/0/rows/0"),
    ("table text", [table(10, 10, 100)], [table(11, 10, 100)], "/blocks/0/rows"),
    ("table empty cell", [table(1, 1, 1)], [table(1, 1, 0)], "/blocks/0/rows/0/0/text"),
    ("table settings", [table(settings=20)], [table(settings=21)], "/blocks/0/column_settings"),
    ("alert", [{"type": "alert", "text": plain(200)}], [{"type": "alert", "text": plain(201)}], "/blocks/0/text/text"),
    ("card title", [card(150)], [card(151)], "/blocks/0/title/text"),
    ("card body", [card(body=200)], [card(body=201)], "/blocks/0/body/text"),
    ("card actions", [card(buttons=3)], [card(buttons=4)], "/blocks/0/actions"),
    (
        "carousel",
        [{"type": "carousel", "elements": [card()] * 10}],
        [{"type": "carousel", "elements": [card()] * 11}],
        "/blocks/0/elements",
    ),
    ("block type", [{"type": "divider"}], [{"type": "divide"}], "/blocks/0/type"),
    ("unknown key", [{"type": "divider"}], [{"type": "divider", "text": "x"}], "/blocks/0"),
    ("rich text leaf", [rich("x")], [rich("")], "/blocks/0/elements/0/elements/0/text"),
    (
        "lone surrogate",
        [section(text=plain(1))],
        [section(text={"type": "plain_text", "text": "\ud800"})],
        "/blocks/0/text/text",
    ),
]


@pytest.mark.parametrize(("good", "bad", "pointer"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_message_is_accepted_at_the_limit_and_refused_beyond(good: list[Json], bad: list[Json], pointer: str) -> None:
    """Each row of the published limits holds to the character."""
    assert check_message(good) == []
    found = check_message(bad)
    assert (found[0].code, found[0].pointer) == ("invalid_blocks", pointer)


VIEWS = [
    ("blocks", modal(*[section()] * 100), modal(*[section()] * 101), "/view/blocks"),
    ("title", modal(title=plain(24)), modal(title=plain(25)), "/view/title/text"),
    ("title kind", modal(), modal(title=mrkdwn(1)), "/view/title/type"),
    ("submit", modal(submit=plain(24)), modal(submit=plain(25)), "/view/submit/text"),
    ("close", modal(close=plain(24)), modal(close=plain(25)), "/view/close/text"),
    ("metadata", modal(private_metadata="m" * 3000), modal(private_metadata="m" * 3001), "/view/private_metadata"),
    ("callback_id", modal(callback_id="c" * 255), modal(callback_id="c" * 256), "/view/callback_id"),
    ("external_id", modal(external_id="e" * 255), modal(external_id="e" * 256), "/view/external_id"),
    ("input wants submit", modal(entry(), submit=plain(1)), modal(entry()), "/view/submit"),
    ("no table", modal(), modal(table()), "/view/blocks/0/type"),
    ("missing title", modal(), {"type": "modal", "blocks": [section()]}, "/view"),
    ("home has no title", {"type": "home", "blocks": [section()]}, {**modal(), "type": "home"}, "/view"),
]


@pytest.mark.parametrize(("good", "bad", "pointer"), [row[1:] for row in VIEWS], ids=[row[0] for row in VIEWS])
def test_a_view_is_accepted_at_the_limit_and_refused_beyond(good: Json, bad: Json, pointer: str) -> None:
    """Views answer invalid_arguments, with the pointer below /view."""
    assert check_view(good) == []
    found = check_view(bad)
    assert (found[0].code, found[0].pointer) == ("invalid_arguments", pointer)


def test_a_view_over_250_kilobytes_is_too_large() -> None:
    """Size comes before everything else."""
    huge = modal(*[section(text=mrkdwn(3000)) for _ in range(90)])
    assert [problem.code for problem in check_view(huge)] == ["view_too_large"]
    assert len(json.dumps(huge)) > 250 * 1024


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        pytest.param([section(text=mrkdwn(2640))] * 5, None, id="13,200 together"),
        pytest.param(
            [*[section(text=mrkdwn(2640))] * 5, section(text=mrkdwn(1))], "msg_blocks_too_long", id="one more"
        ),
        pytest.param([rich("x" * 60_000)], "msg_blocks_too_long", id="60,000 in rich text"),
        pytest.param([{"type": "markdown", "text": "x" * 6000}] * 2, None, id="12,000 of markdown"),
        pytest.param([{"type": "markdown", "text": "x" * 6001}] * 2, "markdown_text_too_long", id="markdown summed"),
        pytest.param([table(), table()], "invalid_attachments", id="two tables"),
        pytest.param({"type": "section"}, "invalid_blocks_format", id="no array"),
    ],
)
def test_sums_over_all_blocks_are_limited(blocks: Any, code: str | None) -> None:
    """Some limits hold for the whole message, with codes of their own."""
    found = check_message(blocks)
    assert (found[0].code if found else None) == code


def test_attachments_are_limited_and_take_no_blocks_in_private_messages() -> None:
    """100 attachments; an ephemeral one must not contain blocks."""
    coloured = [{"color": "#f00", "blocks": [section()]}]
    assert check_message([], coloured) == []
    assert check_message([], coloured, ephemeral=True)[0].code == "invalid_attachments"
    assert check_message([], [{"text": "x"}] * 100) == []
    assert check_message([], [{"text": "x"}] * 101)[0].code == "too_many_attachments"


@pytest.mark.parametrize(
    ("text", "fits"),
    [("&" * 15, True), ("&" * 16, False), ("&amp;" * 15, True), ("😀" * 37, True), ("😀" * 38, False)],
    ids=["15 ampersands", "16 ampersands", "escaped ampersands", "37 emoji", "38 emoji"],
)
def test_text_is_counted_escaped_and_in_utf16_units(text: str, fits: bool) -> None:
    """A button of 75 characters holds 15 ampersands or 37 emoji."""
    found = check_message([actions(button(text={"type": "plain_text", "text": text}))])
    assert (found == []) is fits


WORDS = (
    "type text elements fields accessory element options option_groups initial_option initial_options confirm label",
    "rows column_settings blocks title style value url block_id action_id actions placeholder min_length",
)
KEYS = st.sampled_from([word for line in WORDS for word in line.split()])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["plain_text", "mrkdwn"])
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
BROKEN = st.dictionaries(KEYS, ANYTHING, max_size=5)
ELEMENTS = st.builds(lambda kind, body: {**body, "type": kind}, st.sampled_from(sorted(IN_ACTIONS)), BROKEN)
HOLDERS = st.builds(
    lambda holder, body, element: {
        **body,
        "type": holder[0],
        holder[1]: [element] if holder[0] == "actions" else element,
    },
    st.sampled_from([("actions", "elements"), ("section", "accessory"), ("input", "element")]),
    BROKEN,
    ELEMENTS,
)
KINDS = st.sampled_from(["rich_text", "table", "card", "carousel", "context", "image", "markdown", "header", "alert"])
BLOCKS = HOLDERS | st.builds(lambda kind, body: {**body, "type": kind}, KINDS, BROKEN)


@given(BLOCKS | ANYTHING)
def test_no_json_whatsoever_breaks_the_checker(sent: Any) -> None:
    """Nonsense is refused, never an accident of the server."""
    check_message(sent)
    check_message([sent], [sent, {"blocks": sent}])
    check_view(sent)
    check_view({"type": "modal", "title": sent, "blocks": [sent]})
