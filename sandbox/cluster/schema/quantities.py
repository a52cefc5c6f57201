"""Quantities, exactly: read, compared, added, and written in the one form that the server gives them."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from math import ceil

MALFORMED = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_SHAPE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_SMALLEST = Fraction(1, 10**9)


class Malformed(ValueError):
    """The text is no quantity."""

    def __init__(self) -> None:
        super().__init__(MALFORMED)


@lru_cache(maxsize=4096)
def amount(text: str | float) -> Fraction:
    """Read a quantity as an exact number; parts below a nano round up. Raises Malformed."""
    value, _ = _read(str(text))
    return value


@lru_cache(maxsize=4096)
def canonical(text: str | float) -> str:
    """Return a quantity in the server's form: 1024Mi is 1Gi, 0.5 is 500m. Raises Malformed."""
    value, suffix = _read(str(text))
    if suffix in _BINARY:
        return written(value, binary=True)
    if suffix[:1] in {"e", "E"} and len(suffix) > 1:
        mantissa, exponent = _decimal(value)
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return written(value)


def written(value: Fraction, *, binary: bool = False) -> str:
    """Write a number as a quantity, in powers of 1024 if wanted and if it is large enough for them."""
    if binary and abs(value) >= 1024:
        whole, power = ceil(value), 0
        while whole % 1024 == 0 and power < 6:
            whole, power = whole // 1024, power + 1
        return f"{whole}{next((suffix for suffix, level in _BINARY.items() if level == power), '')}"
    mantissa, exponent = _decimal(value)
    return f"{mantissa}{_SUFFIXES[exponent]}"


def is_binary(text: str) -> bool:
    """Tell whether a quantity is written in powers of 1024."""
    return text[-2:] in _BINARY


def _read(text: str) -> tuple[Fraction, str]:
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise Malformed
    number, suffix = Fraction(found[1]), found[2]
    if suffix in _BINARY:
        value = number * 1024 ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        value = number * Fraction(10) ** _DECIMAL[suffix]
    else:
        value = number * Fraction(10) ** int(suffix[1:])
    return Fraction(ceil(value / _SMALLEST)) * _SMALLEST, suffix


def _decimal(value: Fraction) -> tuple[int, int]:
    """Return the whole mantissa and the largest exponent, a multiple of three, that make the value."""
    if not value:
        return 0, 0
    exponent = -9
    scaled = value * 10**9
    while exponent < 18 and scaled.numerator % 1000 == 0:
        scaled, exponent = scaled / 1000, exponent + 3
    return int(scaled), exponent
