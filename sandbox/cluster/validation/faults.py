"""The faults in the server's words, one function for each of its reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sandbox.cluster.api.errors import Cause

Faults = list[Cause]
NOT_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"


def required(path: str, text: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {text}" if text else "Required value", path)


def invalid(path: str, value: Any, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {quoted(value)}: {text}", path)


def forbidden(path: str, text: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {text}", path)


def duplicate(path: str, value: Any) -> Cause:
    return Cause("FieldValueDuplicate", f"Duplicate value: {quoted(value)}", path)


def unsupported(path: str, value: Any, known: Iterable[str]) -> Cause:
    listed = ", ".join(f'"{name}"' for name in known)
    return Cause("FieldValueNotSupported", f"Unsupported value: {quoted(value)}: supported values: {listed}", path)


def too_long(path: str, limit: int) -> Cause:
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", path)


def not_negative(path: str, value: Any) -> Faults:
    """Return the fault of a number below zero, if it is one."""
    return [invalid(path, value, NOT_NEGATIVE)] if isinstance(value, int) and value < 0 else []


def quoted(value: Any) -> str:
    """Write a value as messages show it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
