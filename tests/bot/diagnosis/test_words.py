from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis import words
from tests.support.builders import GI, MI, NOW
from tests.support.builders import ago as before


@pytest.mark.parametrize(
    ("code", "signal", "said"),
    [
        (0, 0, "exit code 0 (no error)"),
        (1, 0, "exit code 1 (a general error of the program)"),
        (3, 0, "exit code 3"),
        (127, 0, "exit code 127 (the command was not found)"),
        (137, 0, "exit code 137 (SIGKILL, killed from outside)"),
        (143, 0, "exit code 143 (SIGTERM, asked to stop)"),
        (165, 0, "exit code 165 (ended by signal 37)"),
        (200, 0, "exit code 200"),
        (255, 0, "exit code 255 (a general error of the program)"),
        (0, 11, "signal 11 (SIGSEGV, a bad memory access)"),
        (0, 40, "signal 40 (a signal)"),
    ],
)
def test_an_exit_code_is_explained(code: int, signal: int, said: str) -> None:
    """Only where there is a known meaning."""
    assert words.exit_code(code, signal) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "less than 1 s"),
        (0.4, "less than 1 s"),
        (1, "1 s"),
        (89, "89 s"),
        (90, "2 min"),
        (89 * 60, "89 min"),
        (90 * 60, "2 h"),
        (35 * 3600, "35 h"),
        (36 * 3600, "2 days"),
        (9 * 86400, "9 days"),
    ],
)
def test_a_length_of_time_has_one_unit(seconds: float, said: str) -> None:
    """A person reads it at a glance."""
    assert words.duration(seconds) == said


def test_when_something_was() -> None:
    """An unknown time is said to be one; a clock that runs ahead does not make a future."""
    assert words.ago(None, NOW) == "at an unknown time"
    assert words.ago(before(-3), NOW) == "just now"
    assert words.ago(before(0.5), NOW) == "just now"
    assert words.ago(before(360), NOW) == "6 min ago"


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (900, "900 B"),
        (2048, "2 Ki"),
        (512 * MI, "512 Mi"),
        (3 * GI // 2, "1.5 Gi"),
        (16384 * GI, "16 Ti"),
        (1 << 51, "2 Pi"),
    ],
)
def test_bytes_are_written_as_limits_are(size: int, said: str) -> None:
    """In the units of the manifest."""
    assert words.amount(size) == said


@pytest.mark.parametrize(
    ("millicores", "said"), [(0, "0m CPU"), (250, "250m CPU"), (1000, "1 CPU"), (2000, "2 CPUs"), (1500, "1500m CPU")]
)
def test_cpu_is_written_as_requests_are(millicores: int, said: str) -> None:
    """In the units of the manifest."""
    assert words.cpu(millicores) == said


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("reg.example:5000/team/api:v1.2", "v1.2"),
        ("reg.example:5000/team/api", "latest"),
        ("api", "latest"),
        ("api:v1@sha256:0123456789abcdef0123", "v1"),
        ("reg.example/api@sha256:0123456789abcdef0123", "sha256:0123456789ab"),
    ],
)
def test_the_tag_of_an_image_is_what_tells_it_apart(image: str, tag: str) -> None:
    """The port of a registry is no tag."""
    assert words.tag_of(image) == tag


@given(st.floats(-1e6, 1e12))
def test_a_length_of_time_is_a_short_word(seconds: float) -> None:
    """Whatever it is: a whole number and one unit."""
    assert re.fullmatch(r"less than 1 s|\d+ (s|min|h|days?)", words.duration(seconds))


@given(st.integers(0, 1 << 60))
def test_an_amount_is_near_what_it_says(size: int) -> None:
    """Four digits and a unit, never a power of ten."""
    number, unit = words.amount(size).split()
    factor = {"B": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50}[unit]
    assert "e" not in number
    assert float(number) * factor == pytest.approx(size, rel=1e-3)


@given(st.integers(-300, 300), st.integers(0, 70))
def test_every_exit_code_has_words(code: int, signal: int) -> None:
    """A number that is not known is still said."""
    assert str(signal or code) in words.exit_code(code, signal)
