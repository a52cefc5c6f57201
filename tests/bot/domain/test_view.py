from __future__ import annotations

import pytest

from bot.domain.view import Block, Code, Context, Headline, View, line, posted


def note(cut: int, whole: int) -> Context:
    return Context((line(f"The first {cut} characters of {whole} were left out."),))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", (Code("", title="t"),)),
        ("0123456789", (Code("0123456789", title="t"),)),
        ("0123456789a", (note(1, 11), Code("123456789a", title="t"))),
        ("aaaa\nbbbb\ncccc", (note(5, 14), Code("bbbb\ncccc", title="t"))),
        ("aaa\nbbbbb\ncccc", (note(4, 14), Code("bbbbb\ncccc", title="t"))),
        ("aaaaaaaaaaaaaa\n", (note(5, 15), Code("aaaaaaaaa\n", title="t"))),
    ],
    ids=["nothing", "as much as fits", "one line", "whole lines", "cut between lines", "one line with its end"],
)
def test_a_long_text_keeps_its_end(text: str, kept: tuple[Block, ...]) -> None:
    """The end of a log is its newest part; what was left out is said before it."""
    view = View("s", (Headline("h"), Code(text, title="t")))
    assert posted(view, longest=10).blocks == (Headline("h"), *kept)


def test_what_is_posted_has_nothing_for_programs() -> None:
    """The same content would be kept twice."""
    view = View("s", (Headline("h"),), data={"text": "s"}, exit_code=1)
    assert posted(view) == View("s", (Headline("h"),), exit_code=1)
