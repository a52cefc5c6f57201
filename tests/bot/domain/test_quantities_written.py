"""Quantities are written as the API server writes them: a digest of what is to be must be that of what will be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.quantities import canonical, parse_quantity
from sandbox.cluster.schema import quantities as server

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5", "500m"),
        ("1000M", "1G"),
        ("0.5Ki", "512"),
        ("0Mi", "0"),
        ("1.3Gi", "1395864371200m"),
    ],
)
def test_the_form_is_the_shortest_of_its_kind(text: str, written: str) -> None:
    assert canonical(text) == written


@given(st.decimals(0, 10**6, places=4), st.sampled_from(SUFFIXES))
def test_the_form_is_the_servers(number: object, suffix: str) -> None:
    """What it is made from does not change its value, down to the smallest that the server keeps."""
    text = f"{number:f}{suffix}"
    if not suffix.endswith("i") or parse_quantity(text).denominator == 1:
        assert canonical(text) == server.canonical(text)
    assert 0 <= parse_quantity(canonical(text)) - parse_quantity(text) < parse_quantity("1n")


@pytest.mark.parametrize("text", ["1e3", "-1", "one", "1 Gi", ""])
def test_what_has_no_plain_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        canonical(text)
