"""Consequences hang under their cause: one trouble is one finding, however far it is felt.

A finding may name objects that would explain it (`because`). If one of them has a finding of its own, it becomes a
consequence there, and so on up to the root. Naming its own object, it hangs under what names a cause there.
A *general* finding (something is not ready) gives way to any finding that names a cause for the same object, and is
then not told at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.findings import Consequence, Finding
from bot.domain.targets import ObjectRef


def collapse(findings: Sequence[Finding]) -> list[Finding]:
    """Return the roots, each with what follows from it; the order is kept."""
    causes = {number: _cause_of(number, findings) for number in range(len(findings))}
    roots = {number: _root_of(number, causes) for number in causes}
    found: list[Finding] = []
    for number, finding in enumerate(findings):
        if roots[number] is not None:
            continue
        felt = [other for n, other in enumerate(findings) if n != number and roots[n] == number]
        if not felt:
            found.append(finding)
            continue
        named = {f.target for f in findings if not f.general}
        told = [f for f in felt if not (f.general and f.target in named)]
        consequences = tuple(Consequence(f.code, f.target, f.title, f.summary) for f in told)
        severity = max([finding.severity, *(f.severity for f in felt)])
        found.append(replace(finding, severity=severity, consequences=finding.consequences + consequences))
    return found


def _cause_of(number: int, findings: Sequence[Finding]) -> int | None:
    """Return the place of the finding that explains this one, or None when it stands for itself."""
    finding = findings[number]
    same = _first(number, findings, finding.target, specific=True) if finding.general else None
    if same is not None:
        return same
    for ref in finding.because:
        cause = _first(number, findings, ref, specific=ref == finding.target)
        if cause is not None and finding.target not in findings[cause].because:
            return cause
    return None


def _first(number: int, findings: Sequence[Finding], target: ObjectRef, *, specific: bool) -> int | None:
    """Return the worst finding about `target`, a specific one first."""
    found = [n for n, other in enumerate(findings) if n != number and other.target == target]
    named = [n for n in found if not findings[n].general]
    chosen = named or ([] if specific else found)
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
