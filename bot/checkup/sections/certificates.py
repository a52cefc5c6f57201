"""Certificates: how long those that are served, and those that cert-manager keeps, are good for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen, unread
from bot.diagnosis import duration
from bot.domain.findings import NextStep, Severity, StepKind
from bot.domain.snapshot import Part
from bot.domain.text import count
from bot.domain.watch.checkups import Attention, Section
from bot.domain.watch.extras import IssuedCertificate
from bot.domain.watch.probes import Probed, ServedCertificate
from bot.redaction import redact

NAME = "certificates"


@dataclass(frozen=True, slots=True)
class _Served:
    """A certificate that some target served, and the one of cert-manager for the same names, where there is one."""

    probed: Probed
    certificate: ServedCertificate
    issued: IssuedCertificate | None

    @property
    def name(self) -> str:
        return next(iter(self.certificate.names), self.probed.target.name)


def look(seen: Seen) -> Section:
    issued = _ours(seen, seen.certificates.seen or ())
    served = _served(seen, issued)
    problem = "" if seen.certificates.absent or seen.certificates.seen is not None else seen.certificates.problem
    if problem and served:
        problem = f"those of cert-manager: {problem}"
    if not problem and seen.service and seen.certificates.seen:
        unknown = unread(seen, (Part.INGRESSES,))
        problem = f"whose they are: {unknown}" if unknown else ""
    if not served and not issued:
        return Section(name=NAME, problem=problem, absent=not problem)
    beside = {each.issued.name for each in served if each.issued}
    alone = [each for each in issued if each.name not in beside]
    attentions = (
        *(found for each in served if (found := _of_served(seen, each)) is not None),
        *(found for each in alone if (found := _of_issued(seen, each)) is not None),
    )
    ends = [each.certificate.not_after for each in served]
    ends += [each.not_after for each in alone if each.not_after is not None]
    return Section(
        name=NAME,
        words=_words(ends, seen.now) or f"{count(len(alone), 'certificate')}, none made yet",
        problem=problem,
        noted=bool(attentions),
        attentions=attentions,
    )


def _words(ends: Sequence[datetime], now: datetime) -> str:
    if not ends:
        return ""
    first, which = min(ends), f"the first of {len(ends)}" if len(ends) > 1 else "the only one"
    if first <= now:
        return f"{which} has ended"
    return f"{which} ends in {duration((first - now).total_seconds())}"


def _served(seen: Seen, issued: Sequence[IssuedCertificate]) -> list[_Served]:
    """Return each certificate once, however many targets and addresses serve it."""
    found: dict[tuple[str, str], _Served] = {}
    for probed in seen.probed:
        for each in probed.certificates:
            match = next((i for i in issued if set(i.names) & set(each.names)), None)
            found.setdefault((each.issuer, each.serial), _Served(probed, each, match))
    return list(found.values())


def _ours(seen: Seen, issued: Sequence[IssuedCertificate]) -> Sequence[IssuedCertificate]:
    """Leave out what no ingress of the one service that is meant serves."""
    looks = seen.cluster.seen
    if not seen.service:
        return issued
    secrets = {secret for each in looks.extent.ingresses for secret in each.tls_secrets} if looks else set()
    return [each for each in issued if each.secret_name in secrets]


def _of_served(seen: Seen, served: _Served) -> Attention | None:
    certificate, issued = served.certificate, served.issued
    if not _ends_soon(seen, certificate.not_after):
        return _of_issued(seen, issued) if issued else None
    return _attention(seen, served.name, certificate.not_after, " ".join(_renewal(seen, certificate, issued)))


def _renewal(seen: Seen, served: ServedCertificate, issued: IssuedCertificate | None) -> Iterator[str]:
    """Say who renews it and how that stands."""
    if served.address:
        yield f"It is served at {served.address}, made by {served.issuer or 'an unnamed issuer'}."
    if issued is None:
        yield "No Certificate of cert-manager is known for it."
    elif issued.not_after is not None and issued.not_after > served.not_after:
        yield (
            f"cert-manager has a newer one ({issued.secret_name}, good for"
            f" {duration((issued.not_after - seen.now).total_seconds())}), and the old one is still served: what serves"
            " it has not read the Secret again."
        )
    else:
        yield _state(issued)


def _state(issued: IssuedCertificate) -> str:
    if issued.failed_attempts or issued.ready is False:
        tries = (
            f" after {count(issued.failed_attempts, 'failed try', 'failed tries')}" if issued.failed_attempts else ""
        )
        said = f": {issued.words}" if issued.words else ""
        return f"cert-manager cannot renew it{tries}{said}"
    return f"cert-manager renews it ({issued.name})."


def _of_issued(seen: Seen, issued: IssuedCertificate) -> Attention | None:
    if issued.not_after is not None and _ends_soon(seen, issued.not_after):
        return _attention(seen, issued.name, issued.not_after, _state(issued), issued.name)
    if issued.ready is False or issued.failed_attempts:
        name = next(iter(issued.names), issued.name)
        return Attention(
            key=f"CERTIFICATE_NOT_READY:{issued.name}",
            severity=Severity.WARNING,
            service=name,
            title="its certificate is not ready",
            words=redact(_state(issued)),
            next=_describe(seen, issued.name),
        )
    return None


def _ends_soon(seen: Seen, at: datetime) -> bool:
    return at - seen.now <= timedelta(days=seen.watch.thresholds.certificate_days)


def _attention(seen: Seen, name: str, ends: datetime, words: str, issued: str = "") -> Attention:
    is_over = ends <= seen.now
    left = duration(abs((ends - seen.now).total_seconds()))
    return Attention(
        key=f"CERTIFICATE_ENDS:{name}",
        severity=Severity.CRITICAL if is_over else Severity.WARNING,
        service=name,
        title=f"its certificate ended {left} ago" if is_over else f"its certificate ends in {left}",
        words=redact(words),
        next=_describe(seen, issued),
    )


def _describe(seen: Seen, name: str) -> NextStep:
    text = f"kubectl -n {seen.scope.namespace} describe certificate {name}".rstrip()
    return NextStep(StepKind.MANUAL, text, "says why it is not renewed")


SECTION = SectionKind(order=60, reading="certificates", look=look)
