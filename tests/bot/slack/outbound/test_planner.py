"""Views become messages that are accepted, and nothing is lost silently."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.view import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
    Context,
    Fields,
    Headline,
    Item,
    Line,
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
from bot.redaction import clean
from bot.slack.outbound import limits
from bot.slack.outbound.checker import check
from bot.slack.outbound.flatten import blocks_text
from bot.slack.outbound.planner import Message, Plan, plan_view, text_only
from sandbox.slack.blocks import check_message
from sandbox.slack.mentions import Names, read_message
from tests.support.charts import charts

CORPUS = Path(__file__).with_name("hostile.json")
HOSTILE = tuple(text * times for text, times in json.loads(CORPUS.read_text()))
NAMES = Names({"ann": "UANN"}, {"rag-oncall": "SONCALL"}, {"general": "CGENERAL"})
NOTE = re.compile(r"… [\d,]+ (?:lines|characters) (?:in the file \S+|more: share)")


def lines(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Line]:
    spans = st.builds(Span, texts, bold=st.booleans(), code=st.booleans())
    ids = ["U0AB12CD3", "W0AB12CD3", "C0AB12CD3", "<!channel>", "", "u1", "U1> <!here", "C1> <!here"]
    people = st.builds(Mention, st.sampled_from(ids), is_channel=st.booleans())
    return st.lists(st.one_of(spans, people), max_size=4).map(tuple)


def rows(wide: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(TEXTS, min_size=wide, max_size=wide).map(tuple)


TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
LINES = st.lists(lines(TEXTS), max_size=5).map(tuple)
CONFIRMS = st.none() | st.builds(Confirm, TEXTS, TEXTS, TEXTS)
BUTTONS = st.builds(
    Button, TEXTS, TEXTS, st.sampled_from(ButtonStyle), st.booleans(), asks=st.just("") | TEXTS, confirm=CONFIRMS
)
BLOCKS: st.SearchStrategy[Block] = st.one_of(
    st.builds(Headline, TEXTS, st.sampled_from(Mark)),
    st.builds(Paragraph, LINES),
    st.builds(Item, lines(TEXTS), TEXTS, st.none() | st.sampled_from(Mark), LINES),
    st.builds(Fields, st.lists(st.tuples(TEXTS, TEXTS), max_size=6).map(tuple)),
    *(st.builds(Table, rows(wide), st.lists(rows(wide), max_size=8).map(tuple)) for wide in (1, 2, 4)),
    st.builds(Code, TEXTS, TEXTS),
    st.builds(Context, LINES),
    st.builds(Buttons, st.lists(BUTTONS, max_size=60).map(tuple)),
    st.builds(Picture, charts(TEXTS)),
)
VIEWS = st.builds(View, TEXTS, st.lists(BLOCKS, max_size=8).map(tuple))


def fragments(view: View) -> list[str]:
    """What a view says, by itself: every text in its order, without blanks."""
    return [part for block in view.blocks for part in map(squeeze, map(clean, texts_of(block))) if part]


def texts_of(node: object) -> Iterator[str]:
    """Every text of a block but button labels and a picture's words, which may be cut, and file names."""
    if isinstance(node, StrEnum | Buttons | Picture):
        return
    if isinstance(node, str):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from texts_of(item)
    elif is_dataclass(node):
        for field in fields(node):
            if field.name != "title" or not isinstance(node, Code):
                yield from texts_of(getattr(node, field.name))


def squeeze(text: str) -> str:
    return "".join(text.split())


def holds_in_order(text: str, parts: list[str]) -> bool:
    position = 0
    for part in parts:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return True


def assert_accepted(plan: Plan) -> None:
    """Ask both lookers-on: ours, and the workspace's own, which knows nothing of ours."""
    for message in plan.messages:
        assert check(message) == []
        assert check_message(list(message.blocks), ephemeral=True) == []
        assert message.text
        expected = set(re.findall(r'"user_id": "([UW][A-Z0-9]+)"', str(message.blocks).replace("'", '"')))
        sent = {"text": message.text, "blocks": list(message.blocks), "parse": "none", "link_names": False}
        reading = read_message(sent, NAMES)
        assert set(reading.pings) <= expected | {"U0AB12CD3", "W0AB12CD3"}
        assert set(reading.links) <= {"C0AB12CD3"}
    for file in plan.files:
        assert 0 < len(file.content.encode()) <= limits.SNIPPET_BYTES
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,100}", file.filename)
    assert len({file.filename for file in plan.files}) == len(plan.files) <= limits.FILES


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(VIEWS, st.booleans())
def test_every_view_is_accepted_and_nothing_is_lost(view: View, files_allowed: bool) -> None:
    """Every message passes both checkers; what is not shown is in a file, or a note says how much it is."""
    plan = plan_view(view, nonce="n", files_allowed=files_allowed)
    assert_accepted(plan)
    shown = "\n".join(blocks_text(message.blocks) for message in plan.messages)
    places = [squeeze(shown), *(squeeze(file.content) for file in plan.files)]
    parts = fragments(view)
    missing = [part for part in parts if not any(part in place for place in places)]
    if files_allowed and not any("left out here" in file.content for file in plan.files):
        assert missing == []
    elif missing:
        assert NOTE.search(shown)
    if not plan.files and not NOTE.search(shown):
        assert holds_in_order(squeeze(shown), parts)


@pytest.mark.parametrize("files_allowed", [True, False])
@pytest.mark.parametrize(
    "block",
    [
        Code("a line of a log\n" * 330_000, "api.log"),
        Code("x" * 5_000_000),
        Paragraph((line("word " * 1_000_000),)),
        Paragraph((line("a short line"),) * 20_000),
        Context((line("small " * 800_000),)),
        Headline("h" * 5_000_000),
        Table(("NAME", "STATE"), (("pod-1", "Running"),) * 50_000),
        Buttons((Button("Go", "status"),) * 3_000),
        Item(line("title " * 200_000), "note " * 200_000, lines=(line("below " * 200_000),)),
    ],
    ids=["log", "one-line", "prose", "lines", "context", "headline", "table", "buttons", "item"],
)
def test_enormous_blocks_are_bounded_and_say_so(block: Block, *, files_allowed: bool) -> None:
    """Five megabytes become a handful of messages, at most one file of its own, and a note on the rest."""
    last = Buttons((Button("Refresh", "status"),))
    plan = plan_view(View("big", (block, last)), nonce="n", files_allowed=files_allowed)
    assert_accepted(plan)
    shown = "\n".join(blocks_text(message.blocks) for message in plan.messages)
    assert len(plan.messages) <= limits.PUBLIC_MESSAGES
    assert NOTE.search(shown)
    assert "[Refresh]" in blocks_text(plan.messages[-1].blocks)
    assert len(plan.files) == (1 if files_allowed else 0)
    if files_allowed and len(plan.files[0].content) > 900_000:
        assert "left out here" in plan.files[0].content
        assert "left out" in shown


def test_every_hostile_text_is_shown_literally(hostile: tuple[str, ...]) -> None:
    """Each text of the corpus stands in each kind of block, cleaned and nothing else."""
    for text in hostile:
        short = text[:100]
        blocks: tuple[Block, ...] = (
            Headline(short),
            Paragraph((line(short, bold(short), code(short)),)),
            Item(line(short), short, lines=(line(short),)),
            Fields(((short, short),)),
            Table((short,), ((short,),)),
            Code(short),
            Context((line(short, Mention("U0AB12CD3")), line(short))),
        )
        plan = plan_view(View(text, blocks), nonce="n", files_allowed=True)
        assert_accepted(plan)
        shown = squeeze("".join(blocks_text(message.blocks) for message in plan.messages))
        assert holds_in_order(shown, fragments(View("", blocks)))


def test_long_log_shows_its_ends_and_becomes_a_file() -> None:
    """A long log shows head and tail, and how many lines are in the file, which holds all of them."""
    text = "\n".join(f"line {number}" for number in range(40_000))
    plan = plan_view(View("logs", (Code(text, "api …-w7zlb.log"),)), nonce="n", files_allowed=True)
    (message,) = plan.messages
    shown = blocks_text(message.blocks)
    assert "line 0\n" in shown
    assert "line 39999" in shown
    assert re.search(r"… 39,9\d\d lines in the file api-w7zlb\.log", shown)
    assert [(file.filename, file.content) for file in plan.files] == [("api-w7zlb.log", text)]


def test_private_answers_have_no_files() -> None:
    """Where files are impossible the note says how to get the rest."""
    text = "\n".join(f"line {number}" for number in range(40_000))
    plan = plan_view(View("logs", (Code(text),)), nonce="n", files_allowed=False)
    assert plan.files == ()
    assert "lines more: share the answer" in blocks_text(plan.messages[0].blocks)


def test_six_long_texts_make_at_most_five_files() -> None:
    """Texts beyond the number of files are in the file of the whole answer."""
    blocks = tuple(Code(f"text {number}\n" * 1_000, "same.log") for number in range(8))
    plan = plan_view(View("logs", blocks), nonce="n", files_allowed=True)
    assert [file.filename for file in plan.files] == [
        "same.log",
        "same-2.log",
        "same-3.log",
        "same-4.log",
        "answer.txt",
    ]
    assert "text 7" in plan.files[-1].content


def test_long_commands_are_shown_to_be_typed() -> None:
    """A command that no button can carry is text."""
    long = "logs " + "x" * 2_500
    plan = plan_view(View("v", (Buttons((Button("Go", long), Button("Ok", "status"))),)), nonce="n", files_allowed=True)
    row, typed = plan.messages[0].blocks
    assert [element["text"]["text"] for element in row["elements"]] == ["Ok"]
    assert long in blocks_text([typed])


def test_more_buttons_than_a_row_takes_make_rows() -> None:
    """Thirty buttons are two rows, action ids unique in each."""
    buttons = tuple(Button(f"b{number}", "status", ButtonStyle.DANGER, replaces=True) for number in range(30))
    plan = plan_view(View("v", (Buttons(buttons),)), nonce="n", files_allowed=True)
    rows = plan.messages[0].blocks
    assert [len(row["elements"]) for row in rows] == [25, 5]
    first: dict[str, Any] = rows[0]["elements"][0]
    assert (first["action_id"], first["value"], first["style"]) == ("rag:0", "=status", "danger")


def test_block_ids_follow_the_nonce() -> None:
    """The same view gets new block ids with a new nonce, and the same ones with the same."""
    view = View("v", (Headline("h"), Paragraph((line("p"),))))

    def ids(nonce: str) -> list[str]:
        return [block["block_id"] for block in plan_view(view, nonce=nonce, files_allowed=True).messages[0].blocks]

    assert ids("a") == ids("a")
    assert not set(ids("a")) & set(ids("b"))


@pytest.mark.parametrize("summary", ["", "  ", "words"])
def test_a_view_without_blocks_is_its_summary(summary: str) -> None:
    """There is always a message with a text."""
    (message,) = plan_view(View(summary, ()), nonce="n", files_allowed=True).messages
    assert message.text == (summary.strip() or "(nothing to show)")


def test_marks_and_numbers() -> None:
    """A headline carries its mark, entries their mark or a running number, the words stay."""
    view = View(
        "v",
        (
            Headline("degraded", Mark.CRITICAL),
            Item(line("api"), "critical, 6 min"),
            Item(line("disk"), mark=Mark.WARNING),
            Item(line("worker"), lines=(line("killed 9 times"),)),
        ),
    )
    (message,) = plan_view(view, nonce="n", files_allowed=True).messages
    assert blocks_text(message.blocks).splitlines() == [
        "✖ degraded",
        "1  api  ·  critical, 6 min",
        "⚠  disk",
        "2  worker",
        "killed 9 times",
    ]


def test_tables_are_aligned_by_what_a_character_takes() -> None:
    """Wide characters count twice, so that columns stand under each other."""
    table = Table(("NAME", "STATE"), (("数据", "ok"), ("api", "bad")))
    (message,) = plan_view(View("v", (table,)), nonce="n", files_allowed=True).messages
    assert blocks_text(message.blocks) == "NAME  STATE\n数据  ok\napi   bad"


@pytest.mark.parametrize("words", ["short <!channel>", "<" * 9_000], ids=["short", "long"])
def test_a_message_without_blocks_keeps_its_words(words: str) -> None:
    """When blocks are refused the words go out as escaped text, cut with a note."""
    (message, *_) = plan_view(View("v", (Paragraph((line(words),)),)), nonce="n", files_allowed=True).messages
    text = text_only(message)
    assert text.blocks == ()
    assert len(text.text) <= limits.MESSAGE_TEXT
    assert "<" not in text.text
    assert ("more could not be shown" in text.text) == (len(words) > 1_000)


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([{"type": "divider", "block_id": str(number)} for number in range(51)], "51 blocks"),
        ([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "used twice"),
        ([{"type": "video", "block_id": "a"}], "unknown type"),
        ([{"type": "actions", "block_id": "a", "elements": []}], "0 elements"),
        ([{"type": "section", "block_id": "a"}], "neither text nor fields"),
        ([{"type": "rich_text", "block_id": "a", "elements": []}], "no elements"),
        ([{"type": "header", "block_id": "a", "text": {"type": "mrkdwn", "text": "x"}}], "not a text object"),
        ([{"type": "header", "block_id": "a", "text": {"type": "plain_text", "text": "&" * 31}}], "155 characters"),
        ([{"type": "context", "block_id": "a", "elements": [{"type": "plain_text", "text": ""}]}], "empty text"),
    ],
    ids=["51", "same-id", "type", "no-buttons", "empty-section", "empty-rich", "markup-header", "escaped", "empty"],
)
def test_checker_names_what_is_wrong(blocks: list[dict[str, Any]], problem: str) -> None:
    """The last look finds what the platform's library lets pass."""
    assert any(problem in found for found in check(Message("text", tuple(blocks))))
