"""Quantities of CPU and memory, as far as manifests of this world write them."""

from __future__ import annotations

from functools import lru_cache

_FACTORS = {
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
    "Ti": 1024**4,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
}
MEBI = 1024**2


@lru_cache(maxsize=1024)
def millicores(text: str) -> int:
    """Read a CPU quantity as thousandths of a core, rounded up as the scheduler does."""
    if text.endswith("n"):
        return -(-int(text[:-1]) // 1_000_000)
    if text.endswith("m"):
        return int(text[:-1])
    return round(float(text) * 1000)


@lru_cache(maxsize=1024)
def memory_bytes(text: str) -> int:
    """Read a memory quantity as bytes."""
    for suffix, factor in _FACTORS.items():
        if text.endswith(suffix):
            return int(float(text.removesuffix(suffix)) * factor)
    return int(float(text))
