"""Certificates that targets serve: what stands in one, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from bot.domain.findings import Severity
from bot.domain.text import count, in_short
from bot.domain.watch.probes import ServedCertificate
from bot.probes.words import lasting, spoken

INGRESS_FAKE: Final = "Kubernetes Ingress Controller Fake Certificate"
SOON: Final = timedelta(days=14)
VERY_SOON: Final = timedelta(days=3)
_MOST_NAMES = 20
_LONGEST_NAME = 120
_MISMATCHES = frozenset({62, 64})  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED


class Unreadable(ValueError):
    """A certificate that is none."""


@dataclass(frozen=True, slots=True)
class Mistrust:
    """Why a verification failed: OpenSSL's number and words; 0 for one that did not fail."""

    code: int = 0
    words: str = ""


TRUSTED: Final = Mistrust()


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a certificate. `code` is that of the trouble that it makes."""

    code: str
    severity: Severity
    words: str
    advice: str


def read_certificate(der: bytes, *, address: str = "", problem: str = "") -> ServedCertificate:
    """Read a certificate as it went over the wire. Raises `Unreadable`."""
    try:
        leaf = x509.load_der_x509_certificate(der)
        return ServedCertificate(
            names=_names(leaf),
            issuer=_issuer(leaf),
            serial=f"{leaf.serial_number:x}",
            not_after=leaf.not_valid_after_utc,
            address=address,
            problem=spoken(problem),
        )
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Unreadable("the certificate cannot be read") from error


def flaws(served: ServedCertificate, host: str, mistrust: Mistrust, now: datetime) -> Sequence[Flaw]:
    """Return all that is wrong with a certificate for a host: several things may be, OpenSSL names the first only."""
    if INGRESS_FAKE in (served.issuer, *served.names):
        return (_fake(host),)
    ended = _ended(served, host, now)
    elsewhere = _for_others(served, host) if mistrust.code and not is_for(served.names, host) else None
    is_explained = (mistrust.code == _EXPIRED and ended) or (mistrust.code in _MISMATCHES and elsewhere)
    distrusted = untrusted(host, mistrust) if mistrust.code and not is_explained else None
    return tuple(flaw for flaw in (ended, elsewhere, distrusted) if flaw is not None)


def untrusted(host: str, mistrust: Mistrust) -> Flaw:
    """Say that a verification failed, in OpenSSL's words."""
    words = f"({mistrust.words})" if mistrust.words else ""
    return Flaw(
        "CERTIFICATE_UNTRUSTED",
        Severity.CRITICAL,
        f"The certificate of {host} is not trusted {words}".rstrip() + ".",
        "Serve the whole chain with its intermediates, or name the authority's file (ca_file).",
    )


def is_for(names: Sequence[str], host: str) -> bool:
    """Tell whether a certificate's names cover a host: exactly, or with `*` for one whole first label."""
    wanted = host.rstrip(".").lower()
    try:
        address = ip_address(wanted)
    except ValueError:
        _, _, parent = wanted.partition(".")
        known = {name.rstrip(".").lower() for name in names}
        return wanted in known or ("." in parent and f"*.{parent}" in known)
    return str(address) in names


def days_left(served: ServedCertificate, now: datetime) -> float:
    """Return for how many days more it holds; negative when it has ended."""
    return (served.not_after - now) / timedelta(days=1)


def summary(served: ServedCertificate, now: datetime) -> str:
    """Say until when it holds and who issued it."""
    left = days_left(served, now)
    when = f"ends in {count(int(left), 'day')}" if left >= 1 else "ends within a day" if left >= 0 else "has ended"
    return f"{when} ({served.not_after:%Y-%m-%d %H:%M} UTC), issued by {served.issuer or 'nobody'}"


def _ended(served: ServedCertificate, host: str, now: datetime) -> Flaw | None:
    left, when = served.not_after - now, f"{served.not_after.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if left <= timedelta():
        return Flaw(
            "CERTIFICATE_EXPIRED",
            Severity.CRITICAL,
            f"The certificate of {host} ended {lasting(-left.total_seconds())} ago ({when}).",
            "Renew it; where it was renewed already, have the server load the new one.",
        )
    if left > SOON:
        return None
    return Flaw(
        "CERTIFICATE_ENDS_SOON",
        Severity.CRITICAL if left < VERY_SOON else Severity.WARNING,
        f"The certificate of {host} ends in {lasting(left.total_seconds())} ({when}).",
        "See why it was not renewed: its Certificate's conditions, or whoever renews it by hand.",
    )


def _for_others(served: ServedCertificate, host: str) -> Flaw:
    known = in_short(served.names, 5) or "no name at all"
    return Flaw(
        "CERTIFICATE_WRONG_HOST",
        Severity.CRITICAL,
        f"The certificate is for {known}, not for {host}.",
        "Compare the host with the ingress's rules and with the names in its TLS secret.",
    )


def _fake(host: str) -> Flaw:
    return Flaw(
        "CERTIFICATE_FAKE",
        Severity.CRITICAL,
        f"The ingress controller serves its own fake certificate for {host}: it found none for this host.",
        "Look at the ingress's tls hosts, and whether their secret is there and readable.",
    )


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """Return the alternative names, which alone count; of the ingress's fake one its common name, to know it by."""
    try:
        found = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        names = []
    else:
        if not isinstance(found, x509.SubjectAlternativeName):
            raise Unreadable("the certificate cannot be read")
        names = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    if INGRESS_FAKE in _common(leaf.subject):
        names.insert(0, INGRESS_FAKE)
    return tuple(spoken(name, limit=_LONGEST_NAME) for name in names[:_MOST_NAMES])


def _issuer(leaf: x509.Certificate) -> str:
    found = _common(leaf.issuer)
    return spoken(found[0] if found else leaf.issuer.rfc4514_string(), limit=_LONGEST_NAME)


def _common(name: x509.Name) -> list[str]:
    values = (each.value for each in name.get_attributes_for_oid(NameOID.COMMON_NAME))
    return [value if isinstance(value, str) else value.decode("utf-8", "replace") for value in values]
