"""What people write for memory and CPU becomes what the API server would write, or they are told how to write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.quantities import canonical
from bot.errors import UsageError
from bot.planning.amounts import CPU, MEMORY, amount_for, understood, value_of


@pytest.mark.parametrize(
    ("resource", "said", "quantity"),
    [
        (MEMORY, "512Mi", "512Mi"),
        (MEMORY, "1024Mi", "1Gi"),
        (MEMORY, "1.5Gi", "1536Mi"),
        (MEMORY, "1.5G", "1500M"),
        (MEMORY, "512M", "512M"),
        (MEMORY, "512MB", "512M"),
        (MEMORY, "512MiB", "512Mi"),
        (MEMORY, "8192KB", "8192k"),
        (MEMORY, "none", ""),
        (MEMORY, "NONE", ""),
        (CPU, "500m", "500m"),
        (CPU, "0.5", "500m"),
        (CPU, "1000m", "1"),
        (CPU, "1.5", "1500m"),
        (CPU, "2", "2"),
        (CPU, "2cores", "2"),
        (CPU, "256", "256"),
        (CPU, "none", ""),
    ],
)
def test_an_amount_is_understood(resource: str, said: str, quantity: str) -> None:
    assert understood(resource, said) == quantity


@pytest.mark.parametrize(
    ("resource", "said", "hint"),
    [
        (MEMORY, "500m", r"m is milli\): write 500Mi or 500M$"),
        (MEMORY, "512", "512 bytes: write 512Mi or 512M$"),
        (MEMORY, "1", "1 byte: write 1Mi or 1M$"),
        (MEMORY, "1gi", "write 1Gi$"),
        (MEMORY, "512mib", "write 512Mi$"),
        (MEMORY, "1g", "write 1Gi or 1G$"),
        (MEMORY, "512mb", "write 512Mi or 512M$"),
        (MEMORY, "2K", "write 2Ki or 2k$"),
        (MEMORY, "10Qi", "write 10Mi or 10Gi$"),
        (MEMORY, "1,5Gi", "write 1.5Gi$"),
        (MEMORY, "1.3Gi", "write 1331Mi$"),
        (MEMORY, "1Mi", "less than any container needs"),
        (MEMORY, "0Gi", "write none to have no limit"),
        (MEMORY, "-1Gi", "write 512Mi or 2Gi"),
        (MEMORY, "lots", "write 512Mi or 2Gi"),
        (MEMORY, "1e9", "write 1Mi or 1Gi|no amount"),
        (CPU, "500M", "write 500m"),
        (CPU, "500", "500 whole CPUs: write 500m"),
        (CPU, "257", "write 257m"),
        (CPU, "0", "write none"),
        (CPU, "0.0005", "write 1m$"),
        (CPU, "0.5m", "write 1m$"),
        (CPU, "2Gi", "write 500m or 2$"),
        (CPU, "", "write 500m or 2"),
    ],
)
def test_what_is_likely_a_slip_is_refused_with_the_right_spelling(resource: str, said: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        understood(resource, said)


@given(st.sampled_from([MEMORY, CPU]), st.text(max_size=12))
def test_any_text_is_an_amount_or_a_usage_error(resource: str, text: str) -> None:
    """What is understood is in the server's own form, of the same value, and is understood again."""
    try:
        quantity = amount_for(resource, text)
    except UsageError:
        return
    assert quantity == (canonical(quantity) if quantity else "")
    assert understood(resource, quantity or "none") == quantity


@given(st.integers(1, 4096), st.sampled_from(["Mi", "Gi", "M", "G"]))
def test_memory_keeps_its_value(number: int, unit: str) -> None:
    """In bytes, whatever the server makes of the spelling."""
    factor = {"Mi": 1 << 20, "Gi": 1 << 30, "M": 10**6, "G": 10**9}[unit]
    if number * factor >= 4 << 20:
        assert value_of(MEMORY, understood(MEMORY, f"{number}{unit}")) == number * factor


@given(st.integers(1, 256_000))
def test_cpu_keeps_its_value(millicores: int) -> None:
    """In thousandths, written as such or as a fraction."""
    assert value_of(CPU, understood(CPU, f"{millicores}m")) == millicores
    assert understood(CPU, f"{millicores / 1000:.3f}") == understood(CPU, f"{millicores}m")
