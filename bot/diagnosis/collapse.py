"""Consequences hang under their cause: one trouble is one finding, however far it is felt.

A finding may name objects that would explain it (`because`). If one of them has a finding of its own, it becomes a
consequence there, and so on up to the root. Naming its own object, it hangs under what names a cause there.
A *general* finding (something is not ready) gives way to any finding that names a cause for the same object, and is
then not told at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.domain.findings import Consequence, Finding
from bot.domain.targets import ObjectRef


def collapse(findings: Sequence[Finding]) -> list[Finding]:
    """Return the roots, each with what follows from it; the order is kept."""
    about: dict[ObjectRef, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        about[finding.target].append(number)
    causes = {number: _cause_of(number, findings, about) for number in range(len(findings))}
    felt_from: dict[int, list[Finding]] = defaultdict(list)
    roots = {number: _root_of(number, causes) for number in causes}
    for number, root in roots.items():
        if root is not None and root != number:
            felt_from[root].append(findings[number])
    named = {finding.target for finding in findings if not finding.general}
    return [
        _with_felt(finding, felt_from[number], named)
        for number, finding in enumerate(findings)
        if roots[number] is None
    ]


def _with_felt(finding: Finding, felt: Sequence[Finding], named: Collection[ObjectRef]) -> Finding:
    """Hang what is felt under its cause; what is general is not told where something is `named`."""
    if not felt:
        return finding
    told = [other for other in felt if not (other.general and other.target in named)]
    consequences = tuple(Consequence(other.code, other.target, other.title, other.summary) for other in told)
    severity = max(finding.severity, *(other.severity for other in felt))
    return replace(finding, severity=severity, consequences=finding.consequences + consequences)


def _cause_of(number: int, findings: Sequence[Finding], about: Mapping[ObjectRef, Sequence[int]]) -> int | None:
    """Return the place of the finding that explains this one, or None when it stands for itself."""
    finding = findings[number]
    if finding.general:
        same = _first([n for n in about[finding.target] if n != number], findings, specific=True)
        if same is not None:
            return same
    for ref in finding.because:
        others = [n for n in about.get(ref, ()) if n != number]
        cause = _first(others, findings, specific=ref == finding.target)
        if cause is not None and finding.target not in findings[cause].because:
            return cause
    return None


def _first(numbers: Sequence[int], findings: Sequence[Finding], *, specific: bool) -> int | None:
    """Return the worst of some findings, a specific one first."""
    if not numbers:
        return None
    named = [n for n in numbers if not findings[n].general]
    chosen = named or ([] if specific else numbers)
    return max(chosen, key=lambda n: (findings[n].severity, -n), default=None)


def _root_of(number: int, causes: dict[int, int | None]) -> int | None:
    """Follow the causes up; None for a root itself and for what only points in a circle."""
    seen = {number}
    at = causes[number]
    while at is not None and causes[at] is not None:
        if at in seen:
            return None
        seen.add(at)
        at = causes[at]
    return at
