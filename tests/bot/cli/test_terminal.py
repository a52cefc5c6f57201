from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.cli.terminal import Terminal, as_json
from bot.domain.charts import Panel, Series
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Code,
    Context,
    Fields,
    Headline,
    Item,
    Mark,
    Mention,
    Paragraph,
    Picture,
    Span,
    Table,
    View,
    bold,
    code,
    line,
)
from tests.support.charts import a_day, charts

STYLE = re.compile(r"\x1b\[\d+m")


def shown(*blocks: Block, width: int = 100, colour: bool = False) -> str:
    return Terminal(width=width, colour=colour).text(View("", blocks))


def test_a_picture_is_a_few_characters() -> None:
    """A line for each series, as wide as the terminal lets it be; its figures are beside it."""
    narrow, wide = shown(Picture(a_day()), width=60), shown(Picture(a_day()), width=120)
    assert "Ready pods" in narrow
    assert "  api " in narrow
    assert max(map(len, narrow.splitlines())) < max(map(len, wide.splitlines()))
    assert set("▁█") < set(wide)


def test_a_limit_of_next_to_nothing_is_a_limit() -> None:
    """A share of it may be more than a number can hold, either way."""
    chart = replace(a_day(), panels=(Panel("", "", (Series("low", (-1.0,)),), limit=2e-309),))
    assert "  low  ▁  -1 to -1, now -1" in shown(Picture(chart))


def test_blocks_come_in_their_order() -> None:
    """The same content as in chat, without buttons: nothing can be pressed here."""
    assert shown(
        Headline("shop is degraded", Mark.CRITICAL),
        Item(
            line(bold("1  api"), ": crashes"), "critical, for 6 min", Mark.CRITICAL, (line("It ends with ", code("1")),)
        ),
        Item(line("no mark")),
        Code("one\ntwo"),
        Paragraph((line("a"), line(), line("b ", Mention("U1")))),
        Fields((("Roles", "operator"), ("You may", "look"))),
        Table(("NAME", "READY"), (("api", "3/3"), ("worker", "0/1"))),
        Context((line("shop on prod-eu"),)),
        Buttons((Button("Refresh", "status"),)),
    ).splitlines() == [
        "✖ shop is degraded",
        "",
        "✖ 1  api: crashes  (critical, for 6 min)",
        "   It ends with 1",
        "",
        "no mark",
        "   │ one",
        "   │ two",
        "a",
        "",
        "b @U1",
        "Roles    operator",
        "You may  look",
        "NAME    READY",
        "api     3/3",
        "worker  0/1",
        "",
        "shop on prod-eu",
    ]


@pytest.mark.parametrize(
    ("mark", "begins"),
    [(Mark.OK, "✔ "), (Mark.WARNING, "▲ "), (Mark.CRITICAL, "✖ "), (Mark.UNKNOWN, "? "), (Mark.INFO, "text")],
)
def test_every_mark_has_a_sign(mark: Mark, begins: str) -> None:
    """Beside the word that carries the meaning."""
    assert shown(Headline("text", mark)).startswith(begins)


def test_colour_only_paints() -> None:
    """The words are the same without it."""
    blocks = (
        Headline("down", Mark.CRITICAL),
        Item(line("api"), "now", Mark.OK),
        Code("log"),
        Context((line("where"),)),
    )
    painted = shown(*blocks, colour=True)
    assert STYLE.sub("", painted) == shown(*blocks)
    assert painted.startswith("\x1b[31m✖ down\x1b[0m")


@pytest.mark.parametrize(("asked", "width"), [(20, 40), (60, 60), (400, 120)])
def test_lines_are_wrapped_at_the_width(asked: int, width: int) -> None:
    """Within what can be read; the indent stays."""
    text = shown(Item(line("t"), lines=(line("word " * 80),)), width=asked)
    rows = text.splitlines()[1:]
    assert max(len(row) for row in rows) <= width
    assert len(rows) > 2
    assert all(row.startswith("   word") for row in rows[1:])


def test_names_are_not_broken() -> None:
    """A name of a pod can be copied, however narrow the terminal is."""
    name = "rag-engine-api-" + "x" * 60
    assert name in shown(Paragraph((line("pod ", name, " is gone"),)), width=40)


def test_an_empty_view_is_no_text() -> None:
    """Not even a newline."""
    assert shown() == ""


texts = st.text(max_size=12) | st.sampled_from(
    [
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x9b31m",
        "a\rb",
        "\x08\x08",
        "\x7f",
        "\u202eevil",
        "\x00",
        "\x1b",
        "\ud800",
        "\x85",
    ]
)
lines_ = st.lists(st.builds(Span, texts, st.booleans(), st.booleans()) | st.builds(Mention, texts), max_size=3).map(
    tuple
)
blocks_ = (
    st.builds(Headline, texts, st.sampled_from(Mark))
    | st.builds(Paragraph, st.lists(lines_, max_size=2).map(tuple))
    | st.builds(Item, lines_, texts, st.none() | st.sampled_from(Mark), st.lists(lines_, max_size=2).map(tuple))
    | st.builds(Fields, st.lists(st.tuples(texts, texts), max_size=2).map(tuple))
    | st.builds(Code, texts, texts)
    | st.builds(Picture, charts(texts))
    | st.builds(Context, st.lists(lines_, max_size=2).map(tuple))
    | st.tuples(texts, texts).map(lambda row: Table(row, (row,)))
)


@settings(deadline=None)
@given(st.lists(blocks_, max_size=4), st.booleans())
def test_nothing_that_steers_reaches_the_terminal(blocks: list[Block], colour: bool) -> None:
    """Whatever the words: no controls, no sequences, no turned text; only our own colours."""
    text = shown(*blocks, colour=colour)
    if colour:
        text = STYLE.sub("", text)
    bad = {char for char in text if unicodedata.category(char) in {"Cc", "Cs", "Cf"} and char != "\n"}
    assert not {char for char in bad if char < "\xa0" or "\u200b" <= char <= "\u206f" or "\ud800" <= char <= "\udfff"}
    text.encode()


@settings(deadline=None)
@given(st.recursive(texts | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
@example("\x7f")
def test_json_is_one_document_of_plain_characters(data: object) -> None:
    """It reads back as it was, and can be printed anywhere."""
    said = as_json(View("", (), data=data))
    assert json.loads(said) == data
    assert all(char == "\n" or " " <= char <= "~" for char in said)


def test_json_keeps_the_order_of_keys() -> None:
    """The verdict stands first."""
    assert as_json(View("", (), data={"verdict": "down", "as_of": 1})) == '{\n  "verdict": "down",\n  "as_of": 1\n}'
