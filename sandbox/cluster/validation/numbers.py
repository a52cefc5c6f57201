"""Numbers that may be a share: ``3`` or ``25%``."""

from __future__ import annotations

import re

from sandbox.cluster.validation.faults import Faults, invalid, not_negative

_TEXT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for"
    " validation is '[0-9]+%')"
)


def percent_faults(path: str, value: int | str) -> Faults:
    """Return what is wrong with a number or a share."""
    if isinstance(value, str):
        return [] if re.fullmatch(r"[0-9]+%", value) else [invalid(path, value, _TEXT)]
    return not_negative(path, value)
