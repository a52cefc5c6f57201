"""What can go wrong in a call -> one error of `bot.errors`. The only place where a status or an exception is judged.

Every text says what was tried. What the server said is redacted and cut: some answers quote whole objects.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import msgspec

from bot.cluster.structs import Status
from bot.domain.text import first_line
from bot.errors import (
    ClusterError,
    ClusterExpired,
    ClusterFault,
    ClusterForbidden,
    ClusterNotFound,
    ClusterThrottled,
    ClusterUnauthorized,
    ClusterUnreachable,
)
from bot.redaction import redact

LONGEST_SAID = 300
_ANSWERED = "The API server answered"
_READ_OF_BODY = 64 * 1024
_STATUS = msgspec.json.Decoder(Status)
_RIGHT = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)"| at the cluster scope)?'
)

_SHORT_RIGHT = re.compile(r"The right to (?P<verb>\w+) .* is missing for (?P<user>.*)")

TRANSPORT_ERRORS = (TimeoutError, aiohttp.ClientError, OSError, ValueError)
"""What a call may raise instead of answering; `ValueError` is aiohttp's for a line longer than its buffer."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What was asked, for the text of an error."""

    verb: str
    path: str
    seconds: float = 0.0
    tries: int = 1

    def __str__(self) -> str:
        often = f"{self.tries} tries, " if self.tries > 1 else ""
        return f"{self.verb} {self.path} ({often}{self.seconds:.1f} s)"


def from_answer(status: int, headers: Mapping[str, str], body: bytes, tried: Tried) -> ClusterError:  # a table
    """Turn an answer that is no success into our error."""
    said = _said(body)
    match status:
        case 401:
            return ClusterUnauthorized(f"The API server does not accept our credentials.\nTried: {tried}.")
        case 403:
            return ClusterForbidden(f"{_missing_right(said)}.\nTried: {tried}.")
        case 404:
            return ClusterNotFound(f"{said or 'Not found'}.\nTried: {tried}.")
        case 410:
            return ClusterExpired(f"{said or 'The position is too old'}.\nTried: {tried}.")
        case 429:
            wait = _retry_after(headers)
            return ClusterThrottled(f"The API server asks us to wait {wait:g} s.\nTried: {tried}.", retry_after_s=wait)
        case _ if 300 <= status < 400:
            return ClusterFault(f"Something answers with a redirection ({status}), like a login page.\nTried: {tried}.")
        case _:
            return ClusterFault(f"{_ANSWERED} {status}{': ' if said else ''}{said}.\nTried: {tried}.")


def from_status_event(status: Status, tried: Tried) -> ClusterError:
    """Turn an ERROR event of a watch into our error; its code stands for the HTTP status."""
    return from_answer(status.code or 500, {}, msgspec.json.encode(status), tried)


def from_exception(error: Exception, tried: Tried) -> ClusterError:  # a table
    """Turn what the transport raised into our error."""
    certificate = _certificate_fault(error)
    if certificate:
        return ClusterUnreachable(
            f"The API server's certificate is not accepted ({certificate}).\nTried: {tried}.",
            advice="Check the certificate authority and the server name in the kubeconfig.",
        )
    if isinstance(error, (TimeoutError, aiohttp.ServerTimeoutError)):
        return ClusterUnreachable(f"The API server did not answer in time.\nTried: {tried}.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ClusterUnreachable(f"The API server's name {error.host!r} is not known.\nTried: {tried}.")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ClusterUnreachable(
            f"The proxy refused ({error.status}).\nTried: {tried}.", advice="Check HTTPS_PROXY and NO_PROXY."
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or type(error.os_error).__name__
        return ClusterUnreachable(f"No connection to {error.host}:{error.port} ({reason}).\nTried: {tried}.")
    if isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError)):
        return ClusterUnreachable(f"The connection broke off.\nTried: {tried}.")
    if isinstance(error, OSError):
        return ClusterUnreachable(f"No connection ({error.strerror or type(error).__name__}).\nTried: {tried}.")
    return ClusterFault(f"The API server sent what is not understood ({type(error).__name__}).\nTried: {tried}.")


def unreadable(tried: Tried, error: Exception) -> ClusterFault:
    """Say that a body is not what the API promises. Its text is not quoted: it may hold anything."""
    what = first_line(redact(str(error)), 120) if isinstance(error, msgspec.ValidationError) else "not JSON"
    return ClusterFault(f"The API server sent what cannot be read ({what}).\nTried: {tried}.")


def is_answer(error: ClusterError) -> bool:
    """Tell whether a fault is a status that the server answered with, not something that could not be read."""
    return error.message.startswith(_ANSWERED)


def reason_of(error: ClusterError) -> str:
    """Return why a part could not be read, in a few words: without the request, and alike for all parts alike."""
    head = first_line(error.message).rstrip(".")
    right = _SHORT_RIGHT.match(head)
    if right is not None:
        return f"no right to {right['verb']} them for {right['user']}"
    return head[:1].lower() + head[1:]


def _certificate_fault(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        inner: BaseException | None = error.certificate_error
        return getattr(inner, "verify_message", "") or "verification failed"
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return "no TLS, or no common version"
    return ""


def _said(body: bytes) -> str:
    """Return what the server said, on one line: the message of a Status, or the text itself."""
    try:
        message = _STATUS.decode(body).message
    except msgspec.DecodeError:
        head = body[:_READ_OF_BODY].decode("utf-8", "replace").lstrip()
        message = "" if head.startswith(("{", "[", "<")) else head
    return first_line(redact(message[: 4 * LONGEST_SAID]), LONGEST_SAID).rstrip(".")


def _missing_right(said: str) -> str:
    right = _RIGHT.search(said)
    if right is None:
        return f"Not allowed: {said}" if said else "Not allowed"
    where = f"in namespace {right['namespace']}" if right["namespace"] else "in the whole cluster"
    group = f".{right['group']}" if right["group"] else ""
    return f"The right to {right['verb']} {right['resource']}{group} {where} is missing for {right['user']}"


def _retry_after(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 6 else 1.0
