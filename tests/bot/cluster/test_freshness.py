"""What may be claimed about a watched copy, and as of when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster.freshness import REPLAY, Server, State, Watched, judge
from bot.domain.snapshot import Freshness
from bot.errors import ClusterForbidden, ClusterUnreachable

NOW = datetime(2026, 11, 24, 22, tzinfo=UTC)
SILENCE = timedelta(seconds=90)
DOWN = ClusterUnreachable("down")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("watched", "server", "expected", "as_of", "reason"),
    [
        (Watched(State.STARTING), Server(), Freshness.MISSING, None, "not read yet"),
        (Watched(State.STARTING), Server(None, DOWN), Freshness.MISSING, None, "down"),
        (Watched(State.BROKEN, error=DOWN), Server(), Freshness.MISSING, None, "down"),
        (Watched(State.REFUSED, error=ClusterForbidden("no")), Server(), Freshness.MISSING, None, "no"),
        (Watched(State.WATCHING, ago(50), ago(300)), Server(ago(3)), Freshness.LIVE, ago(3), ""),
        (Watched(State.WATCHING, ago(1), ago(300)), Server(ago(3)), Freshness.LIVE, ago(1), ""),
        (Watched(State.WATCHING, ago(91), ago(300)), Server(ago(0)), Freshness.STALE, ago(91), "silent for 91 s"),
        (Watched(State.WATCHING, ago(50), ago(300)), Server(ago(40), DOWN), Freshness.STALE, ago(50), "down"),
        (Watched(State.WATCHING, ago(200), ago(5)), Server(ago(1)), Freshness.LIVE, ago(1), ""),
        (Watched(State.WATCHING, ago(200), ago(0.1)), Server(ago(0)), Freshness.STALE, ago(200), "opened again"),
        (Watched(State.RENEWING, ago(0.2)), Server(ago(0)), Freshness.LIVE, ago(0.2), ""),
        (Watched(State.RENEWING, ago(3)), Server(ago(0)), Freshness.STALE, ago(3), "opened again"),
        (Watched(State.STARTING, ago(1)), Server(ago(1), DOWN), Freshness.STALE, ago(1), "down"),
        (Watched(State.STARTING, ago(9), listed_at=ago(1)), Server(ago(1)), Freshness.LIVE, ago(9), ""),
        (Watched(State.STARTING, ago(9), listed_at=ago(3)), Server(ago(1)), Freshness.STALE, ago(9), "opened again"),
        (Watched(State.WATCHING, ago(9), ago(0.1), listed_at=ago(1)), Server(ago(0)), Freshness.LIVE, ago(9), ""),
        (Watched(State.RENEWING, ago(3), None, None, ago(99)), Server(), Freshness.STALE, ago(3), "opened again"),
        (Watched(State.BROKEN, ago(9), ago(99), DOWN), Server(ago(0)), Freshness.STALE, ago(9), "down"),
        (Watched(State.REFUSED, ago(9), None, ClusterForbidden("no")), Server(ago(0)), Freshness.STALE, ago(9), "no"),
    ],
    ids=[
        "never listed",
        "never listed, server down",
        "first list failed",
        "forbidden",
        "quiet watch, living server",
        "event after the server's sign",
        "bookmark missed",
        "server gives no sign",
        "open again long enough",
        "just opened after a break",
        "renewal in its time",
        "renewal takes too long",
        "listed, then down",
        "a list that took long",
        "listed, and no watch came",
        "just opened after a list that took long",
        "listed long ago, renewal takes too long",
        "broken",
        "right taken away",
    ],
)
def test_each_situation_has_its_claim(
    watched: Watched, server: Server, expected: Freshness, as_of: datetime | None, reason: str
) -> None:
    """The table of the rule."""
    status = judge(watched, server, NOW, silence=SILENCE)
    assert (status.freshness, status.as_of) == (expected, as_of)
    assert reason in status.reason


MOMENTS = st.none() | st.floats(0, 300).map(ago)


@given(
    st.builds(Watched, st.sampled_from(State), MOMENTS, MOMENTS, st.none() | st.just(DOWN), MOMENTS),
    st.builds(Server, MOMENTS, st.none() | st.just(DOWN)),
)
def test_no_claim_goes_beyond_a_sign_of_life(watched: Watched, server: Server) -> None:
    """Live needs a copy, a server without trouble and a recent sign; everything else has a reason."""
    status = judge(watched, server, NOW, silence=SILENCE)
    signs = [moment for moment in (watched.alive_at, server.heard_at) if moment is not None]
    if status.freshness is Freshness.LIVE:
        assert server.trouble is None
        assert watched.state not in (State.BROKEN, State.REFUSED)
        assert status.as_of in signs
        return
    assert status.reason
    assert status.as_of == watched.alive_at
    assert (status.freshness is Freshness.MISSING) == (watched.alive_at is None)
    assert timedelta() < REPLAY
