"""What was read is kept for a while, and read once for all who ask."""

from __future__ import annotations

import asyncio

import pytest

from bot.cluster.kept import Kept
from bot.errors import ClusterError, ClusterForbidden, ClusterNotFound, ClusterUnreachable
from tests.support.clocks import SteppedClock


class Source:
    """Says what it is told to, and counts."""

    def __init__(self) -> None:
        self.times = 0
        self.error: ClusterError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, key: str) -> str:
        self.times += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"{key} {self.times}"


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(clock: SteppedClock, source: Source) -> Kept[str, str]:
    return Kept(clock, source.read)


async def test_it_is_read_again_after_half_a_minute(kept: Kept[str, str], clock: SteppedClock) -> None:
    assert [await kept.get("a"), await kept.get("a"), await kept.get("b")] == ["a 1", "a 1", "b 2"]
    clock.step(29.9)
    assert await kept.get("a") == "a 1"
    clock.step(0.1)
    assert await kept.get("a") == "a 3"


async def test_a_clock_that_is_set_back_keeps_nothing(kept: Kept[str, str], clock: SteppedClock) -> None:
    await kept.get("a")
    clock.step(-3600)
    assert await kept.get("a") == "a 2"


async def test_all_who_ask_meanwhile_get_the_same_answer(kept: Kept[str, str], source: Source) -> None:
    source.gate.clear()
    asked = [asyncio.create_task(kept.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    source.gate.set()
    assert set(await asyncio.gather(*asked)) == {"a 1"}


async def test_who_gives_up_does_not_take_the_others_along(kept: Kept[str, str], source: Source) -> None:
    """The next one in the row reads."""
    source.gate.clear()
    first, second = asyncio.create_task(kept.get("a")), asyncio.create_task(kept.get("a"))
    await asyncio.sleep(0)
    first.cancel()
    source.gate.set()
    assert await second == "a 2"


@pytest.mark.parametrize(
    ("error", "seconds"), [(ClusterNotFound("none"), 300), (ClusterForbidden("no"), 30), (ClusterUnreachable("?"), 5)]
)
async def test_an_error_is_kept_as_well(
    kept: Kept[str, str], source: Source, clock: SteppedClock, error: ClusterError, seconds: float
) -> None:
    """An API that is not there for long; a break-down only as long as those who waited for it need to hear of it."""
    source.error = error
    told = []
    for _ in range(3):
        with pytest.raises(type(error)) as raised:
            await kept.get("a")
        told.append(raised.value)
    assert (source.times, {each.message for each in told}) == (1, {error.message})
    assert len({id(each) for each in told}) == 3  # each has a traceback of its own
    clock.step(seconds)
    source.error = None
    assert await kept.get("a") == "a 2"
