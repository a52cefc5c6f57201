"""Kubernetes quantities ("250m", "1.5Gi", "99973702n") -> whole millicores and bytes, exactly, and back.

Rounding follows the API server's own `Quantity.MilliValue` and `Quantity.Value`: away from zero, so that a tiny request
never reads as none. Values are capped at 2^63 - 1, as the server caps them.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

LARGEST = 2**63 - 1

_SHAPE = re.compile(r"(?P<sign>[+-]?)(?P<number>[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?P<suffix>\S{0,6})")
_EXPONENT = re.compile(r"[eE](?P<power>[+-]?[0-9]{1,3})")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_SUFFIXES: dict[str, Fraction] = {
    **{suffix: Fraction(10) ** power for suffix, power in _DECIMAL.items()},
    **{suffix: Fraction(1024) ** power for power, suffix in enumerate(_BINARY) if suffix},
}
_SMALLEST = Fraction(1, 10**9)


def parse_quantity(text: str) -> Fraction:
    """Return the exact value of a quantity. Raises `ValueError` when it is none."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError(f"not a quantity: {text[:40]!r}")
    value = Fraction(shape["number"]) * _scale(shape["suffix"], text)
    return -value if shape["sign"] == "-" else value


def _scale(suffix: str, text: str) -> Fraction:
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None:
        raise ValueError(f"not a quantity: {text[:40]!r}")
    return Fraction(10) ** int(exponent["power"])


@lru_cache(maxsize=4096)
def millicores(text: str) -> int:
    """Return an amount of CPU in millicores, rounded away from zero. Raises `ValueError`."""
    return _whole(parse_quantity(text) * 1000)


@lru_cache(maxsize=4096)
def whole(text: str) -> int:
    """Return an amount in its own unit (bytes of memory or storage), rounded away from zero. Raises `ValueError`."""
    return _whole(parse_quantity(text))


def _whole(value: Fraction) -> int:
    magnitude = min(math.ceil(abs(value)), LARGEST)
    return -magnitude if value < 0 else magnitude


def canonical(text: str) -> str:
    """Return a quantity that is not negative in the one form that the API server gives it: `1024Mi` is `1Gi`.

    No fraction, the largest suffix of its kind that leaves a whole number. Raises `ValueError`, also for one with an
    exponent: that has a form of its own.
    """
    value = parse_quantity(text)
    suffix = text.lstrip("+-0123456789.")
    if suffix not in _SUFFIXES or value < 0:
        raise ValueError(f"not a quantity that can be written plainly: {text[:40]!r}")
    value = math.ceil(value / _SMALLEST) * _SMALLEST
    # Below 1024, and where it is not whole, the server writes powers of ten.
    if suffix in _BINARY[1:] and value >= 1024 and value.denominator == 1:
        return _shortest(int(value), 1024, _BINARY)
    return _shortest(int(value / _SMALLEST), 1000, tuple(_DECIMAL)) if value else "0"


def _shortest(number: int, base: int, suffixes: tuple[str, ...]) -> str:
    level = 0
    while number % base == 0 and level < len(suffixes) - 1:
        number, level = number // base, level + 1
    return f"{number}{suffixes[level]}"
