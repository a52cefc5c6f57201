"""Whether a request is the platform's own: its signature over the raw bytes, and how old it may be. Pure.

Nothing of the body is parsed here: whoever cannot sign is told so before anything looks at what was sent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Less than this, ahead or behind: then no request is good for the 600 s or longer that its repeat is remembered.
WINDOW_S: Final = 300
TIMESTAMP: Final = b"x-slack-request-timestamp"
SIGNATURE: Final = b"x-slack-signature"
_TIMESTAMP_FORM: Final = re.compile(rb"[0-9]{1,12}")
_SIGNATURE_FORM: Final = re.compile(rb"v0=[0-9a-f]{64}")

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The two headers that sign a request, well-formed but not yet believed."""

    timestamp: bytes
    signature: bytes

    def fresh(self, now: float) -> bool:
        """Tell whether the request is of the present, `now` being seconds since the epoch."""
        return abs(now - int(self.timestamp)) < WINDOW_S

    def genuine(self, secret: str, body: bytes) -> bool:
        """Tell whether `body`, as it came over the wire, was signed with `secret` at that time."""
        base = b"v0:" + self.timestamp + b":" + body
        expected = b"v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest().encode()
        return hmac.compare_digest(expected, self.signature)

    @property
    def key(self) -> str:
        """Name this one request, so that its repeat is recognised; the signature itself is kept nowhere."""
        return f"signature:{hashlib.sha256(self.signature).hexdigest()}"


def credentials(headers: RawHeaders) -> Credentials | None:
    """Read the two headers; None when one is missing, malformed, or there more than once."""
    found: dict[bytes, list[bytes]] = {TIMESTAMP: [], SIGNATURE: []}
    for name, value in headers:
        if (lower := name.lower()) in found:
            found[lower].append(value)
    if any(len(values) != 1 for values in found.values()):
        return None
    timestamp, signature = found[TIMESTAMP][0], found[SIGNATURE][0]
    if not _TIMESTAMP_FORM.fullmatch(timestamp) or not _SIGNATURE_FORM.fullmatch(signature):
        return None
    return Credentials(timestamp, signature)


def is_signed(headers: RawHeaders) -> bool:
    """Tell whether a request claims to be signed at all."""
    return any(name.lower() in {TIMESTAMP, SIGNATURE} for name, _ in headers)
