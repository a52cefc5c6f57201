from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bot.domain.requests import Place
from bot.domain.view import LONGEST_POSTED, Block, Code, Context, Headline, Mark, Mention, View, code, line
from bot.errors import UsageError
from bot.ports import Sources
from handlers import share
from tests.support.builders import NOW, SCOPE
from tests.support.service import asked


@dataclass(slots=True)
class Asked:
    """An `Asker` that gives one answer."""

    texts: list[str] = field(default_factory=list)
    blocks: tuple[Block, ...] = (Headline("all is well"),)

    async def view(self, text: str) -> View:
        self.texts.append(text)
        return View("all is well", self.blocks, data={"x": 1})


def sources(*, place: Place = Place("C1", "17.5"), ask: Asked | None = None) -> Sources:  # noqa: B008  # a frozen record
    return Sources(scope=SCOPE, request=asked("share status", place=place), now=NOW, ask=ask)


async def test_the_answer_is_posted_where_it_was_asked_for() -> None:
    """With the person who shares it below and nothing for programs; the person hears that it is on its way."""
    asker = Asked()
    outcome = await share.act(share.Params("status api -n shop"), sources(ask=asker))
    assert asker.texts == ["status api -n shop"]
    [post] = outcome.posts
    assert (post.place, post.kind, post.view.summary) == (Place("C1", "17.5"), "share", "all is well")
    assert post.view.blocks == (Headline("all is well"), Context((line("Shared by ", Mention("U-ann")),)))
    assert post.view.data is None
    assert outcome.view.summary == "On its way to everybody here."
    hint = Context((line("If nothing appears, invite me to the channel: ", code("/invite @rag")),))
    assert outcome.view.blocks == (Headline("On its way to everybody here.", Mark.OK), hint)
    assert outcome.detail == "status api -n shop"


async def test_a_long_text_is_shared_by_its_end() -> None:
    """What is kept is bounded, and what was left out is said."""
    asker = Asked(blocks=(Code("x" * 30 + "\n" + "y" * LONGEST_POSTED),))
    outcome = await share.act(share.Params("logs api"), sources(ask=asker))
    [post] = outcome.posts
    note, text, _ = post.view.blocks
    assert note == Context((line("The first 31 characters of 1,000,031 were left out."),))
    assert text == Code("y" * LONGEST_POSTED)


async def test_without_a_channel_nothing_is_even_asked() -> None:
    """There is nobody to share with."""
    asker = Asked()
    with pytest.raises(UsageError, match="no channel"):
        await share.act(share.Params("status"), sources(place=Place(""), ask=asker))
    assert asker.texts == []


async def test_share_needs_to_ask() -> None:
    """Handed out without it, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs to ask"):
        await share.act(share.Params("status"), sources())
