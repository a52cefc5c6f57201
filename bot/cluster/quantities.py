"""Kubernetes quantities ("250m", "1.5Gi", "99973702n") -> whole millicores and bytes, exactly.

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
_SUFFIXES: dict[str, Fraction] = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}


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
