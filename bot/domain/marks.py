"""The mark that stands beside a severity, wherever one is shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.domain.findings import Severity
from bot.domain.view import Mark

MARKS: Mapping[Severity, Mark] = MappingProxyType(
    {Severity.CRITICAL: Mark.CRITICAL, Severity.WARNING: Mark.WARNING, Severity.INFO: Mark.INFO}
)
