"""How people write memory and CPU -> the quantity as the API server writes it, or the right spelling. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.domain.quantities import canonical, millicores, parse_quantity, whole
from bot.domain.text import either
from bot.errors import UsageError

MEMORY, CPU = "memory", "cpu"
# What people call them.
NAMES: Mapping[str, str] = MappingProxyType({MEMORY: "memory", CPU: "CPU"})
# What people say to have no limit, or no request, at all.
NONE = "none"

_SHAPE = re.compile(r"(?P<number>[0-9]{1,12}(?:[.,][0-9]{1,9})?)(?P<unit>[A-Za-z]{0,6})")
_MEBI = 1 << 20
# Less than this starts no container: the runtime itself needs some.
_LEAST_MEMORY = 4 * _MEBI
# More than any node has: whoever writes it has left out the "m".
_MOST_CPUS = 256
_WRITTEN = ("Ki", "k", "Mi", "M", "Gi", "G", "Ti", "T")
_MEMORY_UNITS: Mapping[str, str] = MappingProxyType(
    {unit: unit for unit in _WRITTEN} | {f"{unit}B": unit for unit in _WRITTEN} | {"KB": "k"}
)
_CPU_UNITS: Mapping[str, str] = MappingProxyType(
    {"": "", "m": "m"} | dict.fromkeys(("cpu", "cpus", "CPU", "CPUs", "core", "cores"), "")
)


def understood(resource: str, text: str) -> str:
    """Return an amount of `memory` or `cpu` in the form that the API server gives it; empty for `none`.

    Raises `ValueError`, whose text says how to write it.
    """
    if text.lower() == NONE:
        return ""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        example = "512Mi or 2Gi" if resource == MEMORY else "500m or 2"
        raise ValueError(f'"{text[:40]}" is no amount of {NAMES[resource]}: write {example}, or none')
    number, unit = shape["number"], shape["unit"]
    if "," in number:
        raise ValueError(f'"{text}" has a comma: write {number.replace(",", ".")}{unit}')
    return _memory(text, number, unit) if resource == MEMORY else _cpu(text, number, unit)


def amount_for(resource: str, text: str) -> str:
    """Return an amount that a person wrote, as `understood` does. Raises `UsageError`."""
    try:
        return understood(resource, text)
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def value_of(resource: str, quantity: str) -> int:
    """Return a quantity in bytes, or in millicores. Raises `ValueError`."""
    return whole(quantity) if resource == MEMORY else millicores(quantity)


def _memory(text: str, number: str, unit: str) -> str:
    if unit not in _MEMORY_UNITS:
        raise ValueError(_wrong_memory(text, number, unit))
    quantity = f"{number}{_MEMORY_UNITS[unit]}"
    exact = parse_quantity(quantity)
    if exact < _LEAST_MEMORY:
        raise ValueError(f'"{text}" is less than any container needs: write {NONE} to have no limit')
    if exact.denominator != 1:
        raise ValueError(f'"{text}" is no whole number of bytes: write {round(exact / _MEBI)}Mi')
    return canonical(quantity)


def _wrong_memory(text: str, number: str, unit: str) -> str:
    """Say what a unit really means, and how to write what is likely meant."""
    if not unit:
        return f'"{text}" means {"1 byte" if text == "1" else f"{text} bytes"}: write {number}Mi or {number}M'
    if unit == "m":
        return f'"{text}" means thousandths of a byte (m is milli): write {number}Mi or {number}M'
    bare = unit.lower().removesuffix("b").removesuffix("i")
    units = [known for known in _WRITTEN if known.lower().removesuffix("i") == bare] or ["Mi", "Gi"]
    if unit.lower().removesuffix("b").endswith("i"):
        units = [known for known in units if known.endswith("i")]
    return f'"{text}" has a unit that Kubernetes does not know: write {either([number + each for each in units])}'


def _cpu(text: str, number: str, unit: str) -> str:
    if unit not in _CPU_UNITS:
        hint = f"write {number}m (thousandths of a CPU)" if unit == "M" else "write 500m or 2"
        raise ValueError(f'"{text}" is no amount of CPU: {hint}')
    exact = parse_quantity(f"{number}{_CPU_UNITS[unit]}")
    if not exact:
        raise ValueError(f'"{text}" is no CPU at all: write {NONE} to have no limit')
    if exact > _MOST_CPUS:
        raise ValueError(f'"{text}" means {number} whole CPUs: write {number}m for thousandths')
    if (exact * 1000).denominator != 1:
        raise ValueError(f'"{text}" is finer than a thousandth of a CPU: write {max(round(exact * 1000), 1)}m')
    return canonical(f"{exact * 1000}m")
