"""Quantities are read exactly, as the API server reads them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.quantities import LARGEST, millicores, parse_quantity, whole

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
POWERS = dict(zip(SUFFIXES, [0, -9, -6, -3, 3, 6, 9, 12, 15, 18], strict=False))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2000),
        ("250m", 250),
        ("0.1", 100),
        (".5", 500),
        ("1.", 1000),
        ("99973702n", 100),
        ("1n", 1),
        ("0", 0),
        ("1e3", 1_000_000),
        ("1E-3", 1),
        ("-1500u", -2),
    ],
)
def test_cpu_is_read_in_millicores_rounded_away_from_zero(text: str, expected: int) -> None:
    """A nanocore is never nothing."""
    assert millicores(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("64Mi", 67_108_864),
        ("1Gi", 1_073_741_824),
        ("1.5Gi", 1_610_612_736),
        ("128M", 128_000_000),
        ("24581696Ki", 24_581_696 * 1024),
        ("100m", 1),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("9999Ei", LARGEST),
        ("12e6", 12_000_000),
    ],
)
def test_memory_is_read_in_bytes(text: str, expected: int) -> None:
    """Binary and decimal suffixes, capped where the server caps them."""
    assert whole(text) == expected


@pytest.mark.parametrize("text", ["", "Mi", "1 Mi", "1mi", "1KiB", "0x10", "--1", "1e", "1e9999", "1.2.3", "٣", "nan"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


@given(number=st.decimals(0, 10**6, places=6), suffix=st.sampled_from(list(POWERS)))
def test_decimal_suffixes_are_powers_of_ten(number: Decimal, suffix: str) -> None:
    """The value is the number times its power, without a rounding error."""
    assert parse_quantity(f"{number:f}{suffix}") == Fraction(number) * Fraction(10) ** POWERS[suffix]


@given(st.integers(0, 2**40), st.sampled_from(["Ki", "Mi", "Gi"]))
def test_binary_suffixes_are_powers_of_1024(number: int, suffix: str) -> None:
    """Whole numbers stay whole."""
    power = 1 + ["Ki", "Mi", "Gi"].index(suffix)
    assert whole(f"{number}{suffix}") == min(number * 1024**power, LARGEST)


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    """No other error comes out, and no text takes long."""
    try:
        assert abs(whole(text)) <= LARGEST
    except ValueError as error:
        assert "not a quantity" in str(error)  # noqa: PT017  # both outcomes are right; only their shape is tested
