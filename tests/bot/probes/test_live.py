from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, ProbeKind
from bot.ports import Probes
from bot.probes import LiveProbes
from bot.probes.asking import Asking
from bot.probes.way import SystemResolver
from bot.probes.words import lasting, sized, spoken
from tests.bot.probes.worlds import ask, codes, names_at, served, silence, stages, target
from tests.support.clocks import SteppedClock, WallClock
from tests.support.hostile import SECRETS, WORDS, controls_in, secrets_in


def test_it_is_the_port() -> None:
    """The type checker agrees."""
    probes: Probes = LiveProbes({}, WallClock())
    assert probes is not None


@pytest.mark.parametrize("words", [*WORDS, *(text for text, _ in SECRETS)])
def test_what_a_target_says_is_fit_to_be_shown_where_it_enters(words: str) -> None:
    """Whatever it says, and wherever: masked, on one line, without what steers. Nobody behind does it once more."""
    asking = Asking(target(ProbeKind.TCP, "db.example.com:1"), WallClock(), names_at(), secret="own-credential")
    said = f"{words}\n own-credential"
    asking.note_stage("TCP", 1.0, ok=False, words=said)
    asking.trouble("PROBE_CONNECT", Severity.CRITICAL, said, advice=said)
    asking.fact(said, said)
    asking.line(said)
    probed = asking.probed()
    (stage,), (trouble,), (fact,) = probed.stages, probed.troubles, probed.facts
    texts = [stage.words, trouble.words, trouble.advice, *fact, *probed.lines]
    assert len(texts) == 6
    for text in texts:
        assert controls_in(text) == []
        assert secrets_in(text) == []
        assert "\n" not in text
        assert "own-credential" not in text


def test_there_is_not_more_than_a_screen_of_it() -> None:
    """However much a target has to say."""
    asking = Asking(target(ProbeKind.TCP, "db.example.com:1"), WallClock(), names_at())
    for number in range(1000):
        asking.fact(f"Collection {number}", "x" * 1000)
        asking.line("x" * 1000)
    probed = asking.probed()
    assert (len(probed.facts), len(probed.lines)) == (12, 16)
    assert max(len(text) for text in (*probed.lines, *(value for _, value in probed.facts))) <= 240


async def test_a_fault_of_ours_is_unknown_and_gives_nothing_away(caplog: pytest.LogCaptureFixture) -> None:
    """The kind and the place of the fault are logged, its text is not."""
    caplog.set_level("DEBUG")

    async def broken(_host: str, _port: int) -> Sequence[str]:
        raise RuntimeError("planted-secret")

    probed = await ask(target(ProbeKind.TCP, "db.example.com:1"), resolve=broken)
    assert (probed.health, codes(probed)) == (Health.UNKNOWN, ["PROBE_BROKEN"])
    assert "planted" not in repr(probed) + caplog.text
    assert any(getattr(record, "event", "") == "probe_broken" for record in caplog.records)


async def test_a_resolver_that_hangs_costs_the_targets_own_time() -> None:
    """The stage at which it hangs is named."""

    async def hang(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return ()

    probed = await ask(target(ProbeKind.TCP, "db.example.com:1", timeout_s=0.2), resolve=hang)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TIMEOUT"])
    assert stages(probed) == [("DNS", False)]
    assert "DNS" in probed.troubles[0].words


async def test_a_name_without_addresses_is_said() -> None:
    """An empty answer is no address."""
    probed = await ask(target(ProbeKind.TCP, "db.example.com:1"), resolve=names_at())
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_DNS"])


async def test_names_are_looked_up_in_threads_of_their_own() -> None:
    """One that hangs must not hold up the rest of the bot, which shares the loop's own threads."""
    resolve = SystemResolver()
    assert "127.0.0.1" in await resolve("localhost", 80)
    assert any(thread.name.startswith("probes-dns") for thread in threading.enumerate())


async def test_it_is_dated_by_the_clock_that_was_handed_in() -> None:
    """No other clock is asked for the date."""
    clock = SteppedClock()
    probed = await LiveProbes({}, clock).probe(target(ProbeKind.TCP, "127.0.0.1:1"))
    assert probed.at == clock.now()


@pytest.mark.parametrize("kind", list(ProbeKind))
async def test_every_kind_answers_for_a_port_that_nobody_listens_at(kind: ProbeKind) -> None:
    """None raises, none waits."""
    scheme = "http://" if kind in {ProbeKind.HTTP, ProbeKind.QDRANT} else ""
    async with served(silence) as port:
        pass
    probed = await ask(target(kind, f"{scheme}127.0.0.1:{port}"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_CONNECT"])


_AROUND = st.text(alphabet="ab =:/@\n\x1b\u200b", max_size=300)


@given(_AROUND, st.text(alphabet="QXZ", min_size=4, max_size=20), _AROUND)
def test_no_secret_survives_in_words(before: str, secret: str, after: str) -> None:
    """Wherever it stands, and wherever the text is cut."""
    words = spoken(before + secret + after, secrets=[secret])
    assert len(words) <= 240
    assert not set("QXZ") & set(words)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (40, "40 s"), (119, "119 s"), (720, "12 min"), (18000, "5 h"), (3e5, "3 days")],
)
def test_spans_are_said_in_their_largest_unit(seconds: float, words: str) -> None:
    """As people say them."""
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (1536, "1.5 KiB"), (3 * 2**30, "3.0 GiB"), (2**50, "1048576.0 GiB")]
)
def test_sizes_are_said_in_their_unit(size: float, words: str) -> None:
    """As disks and memory are counted."""
    assert sized(size) == words
