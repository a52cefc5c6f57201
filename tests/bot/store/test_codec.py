from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.charts import Chart, Moment, Panel, Series
from bot.domain.people import Actor
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import Block, Fields, Headline, Picture, View
from bot.errors import StoreRefused
from bot.store.codec import decode, encode

# Any string that Python can hold, lone surrogates and NUL too.
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIGURES = st.none() | st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.integers(0, 4 * 10**9).map(lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
PANELS = st.builds(
    Panel,
    title=TEXT,
    unit=TEXT,
    series=st.lists(st.builds(Series, TEXT, st.lists(FIGURES, max_size=3).map(tuple)), max_size=2).map(tuple),
    limit=FIGURES,
    bars=st.booleans(),
)
CHARTS = st.builds(
    Chart,
    title=TEXT,
    alt=TEXT,
    starts_at=MOMENTS,
    step_s=st.integers(),
    panels=st.lists(PANELS, max_size=2).map(tuple),
    moments=st.lists(st.builds(Moment, MOMENTS, TEXT), max_size=2).map(tuple),
)
BLOCKS = st.one_of(
    [st.builds(Picture, CHARTS) if kind is Picture else st.from_type(kind) for kind in get_args(Block)],
)
VIEWS = st.builds(
    View, summary=TEXT, blocks=st.lists(BLOCKS, max_size=4).map(tuple), data=JSON, exit_code=st.integers(0, 4)
)
POST = Post(Place("C1", "1.2"), View("s", (Headline("h"), Fields((("a", "b"),))), data={"is": "View", "n": [1, None]}))


@given(
    st.builds(
        Post, place=st.builds(Place, TEXT, TEXT), view=VIEWS, kind=TEXT, subject=TEXT, version=st.integers(), under=TEXT
    )
)
def test_a_post_comes_back_as_it_was(post: Post) -> None:
    """Every block, every text and any data survive the store."""
    assert decode(encode(post), Post) == post


def test_a_whole_figure_of_a_chart_comes_back() -> None:
    """Whether it was counted or measured; what is not known stays so."""
    series = Series("restarts", (1, None, 2.5))
    chart = Chart(
        title="Restarts",
        alt="Three restarts.",
        starts_at=datetime(2030, 1, 1, tzinfo=UTC),
        step_s=60,
        panels=(Panel("Restarts", "", (series,)),),
    )
    post = Post(Place("C1"), View("s", (Picture(chart),)))
    assert decode(encode(post), Post) == post


@given(st.builds(Request))
def test_a_request_comes_back_as_it_was(request_: Request) -> None:
    """Every field survives the store."""
    assert decode(encode(request_), Request) == request_


def test_the_text_is_ascii() -> None:
    """What PostgreSQL cannot keep in a text column (NUL, lone surrogates) is escaped."""
    post = Post(Place("C1"), View("\x00\ud800é", ()))
    assert encode(post).isascii()
    assert decode(encode(post), Post) == post


def test_data_that_looks_like_a_record_stays_data() -> None:
    """A view's data is never taken for one of our records."""
    assert decode(encode(POST), Post) == POST


def test_what_has_its_default_is_left_out_and_taken_for_it() -> None:
    """So that a version which does not know a field yet reads what does not use it."""
    stored = json.loads(encode(POST))
    assert not {"kind", "asked_by", "subject", "version", "under"} & stored["record"].keys()
    assert "exit_code" not in stored["record"]["view"]
    assert decode(json.dumps(stored), Post) == POST
    assert json.loads(encode(replace(POST, asked_by="U1")))["record"]["asked_by"] == "U1"


def test_what_an_older_version_wrote_in_full_is_read() -> None:
    """It wrote every field."""
    stored = json.loads(encode(POST))
    stored["record"] |= {"kind": "answer"}
    stored["record"]["view"] |= {"exit_code": 0}
    assert decode(json.dumps(stored), Post) == POST


def _changed(path: list[str | int], value: object) -> str:
    stored = json.loads(encode(POST))
    inner = stored
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(stored)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(_changed(["v"], 2), id="newer format"),
        pytest.param(_changed(["record", "colour"], "red"), id="unknown field"),
        pytest.param(_changed(["record", "is"], "Poster"), id="unknown record"),
        pytest.param(_changed(["record", "view", "blocks", 0, "is"], "Place"), id="record in the wrong place"),
        pytest.param(_changed(["record", "view", "blocks", 0, "mark"], "loud"), id="unknown choice"),
        pytest.param(_changed(["record", "view", "summary"], 3), id="number where text belongs"),
        pytest.param(_changed(["record", "view", "exit_code"], True), id="truth where a number belongs"),
        pytest.param(_changed(["record", "view", "blocks"], "x"), id="text where a list belongs"),
        pytest.param(_changed(["record", "view", "blocks", 1, "pairs"], [["a"]]), id="half a pair"),
        pytest.param(_changed(["record", "place"], None), id="nothing where a record belongs"),
        pytest.param("{}", id="no version"),
        pytest.param("[]", id="no record"),
        pytest.param("{", id="no JSON"),
        pytest.param("[" * 100_000, id="endless nesting"),
    ],
)
def test_what_is_not_known_is_refused(stored: str) -> None:
    """What a newer version wrote, or damage, is never guessed."""
    with pytest.raises(StoreRefused):
        decode(stored, Post)


@pytest.mark.parametrize("surface", list(Surface))
def test_every_surface_can_be_stored(surface: Surface) -> None:
    """A request that must not be lost may come from anywhere."""
    request = Request(key="k", actor=Actor("U1", "T1"), surface=surface, text="share status", opens_thread=True)
    assert f'"surface":"{surface.value}"' in encode(request)
    assert decode(encode(request), Request) == request


def test_a_surface_of_a_newer_version_is_refused() -> None:
    """What it would mean for who sees the answer is not known here."""
    request = Request(key="k", actor=Actor("U1", "T1"), surface=Surface.FORM, text="status")
    with pytest.raises(StoreRefused, match="hologram"):
        decode(encode(request).replace('"form"', '"hologram"'), Request)


def test_a_request_is_not_a_post() -> None:
    """Each is read as what it was written as."""
    request = Request(key="k", actor=Actor("U1", "T1"), surface=Surface.COMMAND, text="status")
    with pytest.raises(StoreRefused):
        decode(encode(request), Post)


@pytest.mark.parametrize("data", [{1, 2}, float("nan"), object()], ids=["set", "no number", "object"])
def test_data_that_is_no_json_is_refused(data: object) -> None:
    """It is refused when it is put, not when it is read."""
    with pytest.raises(StoreRefused, match="no JSON"):
        encode(Post(Place("C1"), View("s", (), data=data)))
