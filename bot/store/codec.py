"""Requests and posts <-> JSON text, so that rows outlive the process and the version that wrote them.

Records carry their tag, the whole carries a version. What an older version left out takes its default; what a newer one
wrote is refused, never guessed. Text is ASCII: every character that JSON can hold can be stored.
"""

from __future__ import annotations

import json
from typing import TypeVar, get_args

from bot.domain.charts import Chart, Moment, Panel, Series
from bot.domain.people import Actor
from bot.domain.records import Records
from bot.domain.requests import Place, Post, Request
from bot.domain.view import Block, Button, Confirm, Mention, Span, View
from bot.errors import StoreRefused

VERSION = 1
# What may be stored, by tag. The tags are the class names of version 1; a class that is renamed keeps its tag.
RECORDS = Records(
    (Request, Actor, Place, Post, View, Button, Confirm, Mention, Span, Chart, Panel, Series, Moment, *get_args(Block))
)

T = TypeVar("T", Request, Post)


def encode(record: Request | Post) -> str:
    """Write a request or a post as JSON. Raises `StoreRefused` when a view's data is no JSON."""
    try:
        return json.dumps({"v": VERSION, "record": RECORDS.encoded(record)}, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreRefused(f"This cannot be stored: its data is no JSON ({error}).") from error


def decode(text: str, kind: type[T]) -> T:
    """Read what `encode` wrote. Raises `StoreRefused` when another version wrote it or it is damaged."""
    try:
        outer = json.loads(text)
        version = outer["v"]
        if version != VERSION:
            raise StoreRefused(
                f"A stored {kind.__name__} has format {version}; this program reads {VERSION}.",
                advice="A newer version of ragops wrote it: let that version finish its work.",
            )
        record = RECORDS.decoded(outer["record"], kind)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StoreRefused(f"A stored {kind.__name__} cannot be read ({error}).") from error
    if not isinstance(record, kind):
        raise StoreRefused(f"A stored {kind.__name__} is a {type(record).__name__}.")
    return record
