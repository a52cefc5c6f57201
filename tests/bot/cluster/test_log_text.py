"""The bytes of a log become lines with times: bounded, redacted, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster.log_text import LONGEST_LINE, masks, read_of
from bot.domain.snapshot import LogRead

START = datetime(2026, 11, 24, 22, tzinfo=UTC)
KEY_BODY = ("-----BEGIN PRIVATE KEY-----", "abc", "def", "-----END PRIVATE KEY-----")


def stamped(*lines: str) -> bytes:
    """One line each second, as the server writes them."""
    return "".join(f"2026-11-24T22:00:{number:02}.000000000Z {line}\n" for number, line in enumerate(lines)).encode()


def told(read: LogRead) -> list[tuple[float | None, str]]:
    return [(None if line.at is None else (line.at - START).total_seconds(), line.text) for line in read.lines]


def test_the_time_of_a_line_is_split_off() -> None:
    """A line without a time keeps all its words; so does one that only looks as if it had one."""
    body = stamped("one", "", "three") + b"no time\n2026-99-24T22:00:00Z x\n"
    assert told(read_of(body, 10)) == [
        (0, "one"),
        (1, ""),
        (2, "three"),
        (None, "no time"),
        (None, "2026-99-24T22:00:00Z x"),
    ]


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_only_the_last_lines_are_given(limit: int) -> None:
    """Oldest first, also when the server sent more, and when the last line has no end."""
    body = stamped("a", "b", "c").removesuffix(b"\n")
    assert [line.text for line in read_of(body, limit).lines] == ["a", "b", "c"][-limit:]


@pytest.mark.parametrize(
    "rest", [(), ("end",), ("password=hunter22", "end"), KEY_BODY, (*KEY_BODY, "end")], ids=lambda rest: str(len(rest))
)
def test_a_secret_over_several_lines_is_one_mask_and_times_stay_right(rest: tuple[str, ...]) -> None:
    """A key is masked as one line; what follows keeps its own time."""
    read = read_of(stamped("start", *KEY_BODY, *rest), 20)
    assert told(read)[:2] == [(0, "start"), (1, "[masked]")]
    if rest and rest[-1] == "end":
        assert told(read)[-1] == (4 + len(rest), "end")
    assert "abc" not in repr(read)
    assert read.masked == masks(read.lines)


def test_what_cleaning_breaks_into_lines_has_one_time() -> None:
    """A carriage return ends a line."""
    assert told(read_of(stamped("one\rtwo"), 10)) == [(0, "one"), (None, "two")]


def test_bytes_that_are_no_text_and_lines_without_end_do_no_harm() -> None:
    """Replacement characters, an ellipsis, no escape sequence."""
    first, second = read_of(b"\xff\xfe\x1b[31mred\n" + b"z" * 50_000, 10).lines
    assert first.text.endswith("red")
    assert "\x1b" not in first.text
    assert len(second.text) == LONGEST_LINE
    assert second.text.endswith("…")


def test_the_answer_for_a_removed_container_is_no_log() -> None:
    """But a program may print such words somewhere in its log."""
    gone = b"unable to retrieve container logs for containerd://abc"
    assert read_of(gone, 5).problem
    assert read_of(b"first\n" + gone, 5).lines[0].text == "first"


def test_an_empty_log_has_no_lines_and_no_problem() -> None:
    """It can be had; there is nothing in it."""
    assert read_of(b"", 5) == LogRead()


LINES = st.one_of(
    st.text(max_size=40), st.sampled_from(["password=hunter22", "\x0b", "Bearer abcdefghijklmnopqrstuvwxyz", *KEY_BODY])
)


@given(st.lists(LINES, max_size=15), st.integers(1, 20))
def test_any_lines_come_in_order_with_times_of_their_own(lines: list[str], limit: int) -> None:
    """Never more than asked for; each is one line within its bound; times never go back."""
    read = read_of(stamped(*lines), limit)
    assert len(read.lines) <= limit
    assert all("\n" not in line.text and len(line.text) <= LONGEST_LINE for line in read.lines)
    times = [line.at for line in read.lines if line.at is not None]
    assert times == sorted(times)
    assert all(START <= at < START + timedelta(seconds=60) for at in times)


@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_make_at_most_the_lines_that_were_asked_for(body: bytes, limit: int) -> None:
    """Whatever a program writes."""
    read = read_of(body, limit)
    assert len(read.lines) <= limit
    assert all("\n" not in line.text for line in read.lines)


@pytest.mark.parametrize(("limit", "first"), [(5, "[masked]"), (4, "[masked]"), (3, "[masked]"), (2, KEY_BODY[-1])])
def test_a_tail_that_begins_within_a_key_shows_none_of_it(limit: int, first: str) -> None:
    """The line that opens it is above; each line has a time before it, which is not part of the key."""
    read = read_of(stamped("start", *KEY_BODY, "end"), limit)
    assert [line.text for line in read.lines] == [first, "end"]


def test_times_stay_right_behind_a_key_without_its_beginning() -> None:
    """What follows keeps its own time."""
    body = stamped("M" * 64, "Q1w2==", "-----END PRIVATE KEY-----", "end")
    assert told(read_of(body, 10)) == [(0, "[masked]"), (3, "end")]
