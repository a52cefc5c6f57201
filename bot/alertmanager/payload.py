"""A webhook's body -> records. Pure, strict and bounded: what is not as Alertmanager promises is refused in a sentence.

Fields that are not needed are not looked at, so that a newer Alertmanager may send more. What is wrong is never quoted:
only its place is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bot.domain.text import NO_TEXT, Redacted
from bot.domain.watch.received import ReceivedAlert, ReceivedStatus
from bot.redaction import redact

LARGEST = 1024 * 1024
MOST_ALERTS = 2000
MOST_PAIRS = 128
LONGEST_NAME = 128
LONGEST_VALUE = 2000
LONGEST_LINK = 2000
_VERSION = "4"
_FINGERPRINT = re.compile(r"[0-9A-Za-z_-]{1,64}")
_NOT_PLAIN = re.compile(r"[^0-9A-Za-z_.:/-]")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")


class NotUnderstood(Exception):
    """The body is no webhook of Alertmanager, or more than is taken. Its text is a sentence for who sent it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook. `alerts` is read one by one, and may raise; `left_out` are those that Alertmanager did not send."""

    alerts: Iterator[ReceivedAlert]
    left_out: int = 0


def read_webhook(body: bytes) -> Webhook:
    """Read a body. Raises `NotUnderstood`, at once or by an alert that comes later."""
    if len(body) > LARGEST:
        raise NotUnderstood(f"The body is larger than {LARGEST} bytes.")
    whole = _object(_json(body), "The body")
    if whole.get("version") != _VERSION:
        raise NotUnderstood(f"This is no webhook of Alertmanager of version {_VERSION}.")
    alerts = whole.get("alerts")
    if not isinstance(alerts, list):
        raise NotUnderstood("There is no list of alerts.")
    if len(alerts) > MOST_ALERTS:
        raise NotUnderstood(f"There are {len(alerts)} alerts; at most {MOST_ALERTS} are taken (max_alerts).")
    left_out = whole.get("truncatedAlerts", 0)
    if not isinstance(left_out, int) or isinstance(left_out, bool) or not 0 <= left_out < 2**31:
        raise NotUnderstood("truncatedAlerts is no number.")
    group = _words(_text(whole.get("groupKey", ""), "groupKey"))
    return Webhook((_alert(sent, f"Alert {number}", group) for number, sent in enumerate(alerts, start=1)), left_out)


def _json(body: bytes) -> object:
    try:
        read: object = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise NotUnderstood("The body is no JSON.") from None
    return read


def _alert(sent: object, place: str, group: Redacted) -> ReceivedAlert:
    alert = _object(sent, place)
    try:
        status = ReceivedStatus(_text(alert.get("status"), f"The status of {place}"))
    except ValueError:
        raise NotUnderstood(f"The status of {place} is neither firing nor resolved.") from None
    fingerprint = alert.get("fingerprint")
    if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
        raise NotUnderstood(f"{place} has no fingerprint.")
    return ReceivedAlert(
        status=status,
        fingerprint=fingerprint,
        labels=_pairs(alert.get("labels"), f"The labels of {place}"),
        annotations=_pairs(alert.get("annotations"), f"The annotations of {place}"),
        starts_at=_moment(alert.get("startsAt"), f"startsAt of {place}"),
        ends_at=_moment(alert.get("endsAt"), f"endsAt of {place}") if status is ReceivedStatus.RESOLVED else None,
        link=_link(alert.get("generatorURL")),
        group=group,
    )


def _object(sent: object, place: str) -> Mapping[str, Any]:
    if not isinstance(sent, dict):
        raise NotUnderstood(f"{place} is no object.")
    return sent


def _text(sent: object, place: str) -> str:
    if not isinstance(sent, str):
        raise NotUnderstood(f"{place} is no text.")
    return sent


def _pairs(sent: object, place: str) -> tuple[tuple[str, Redacted], ...]:
    """Read labels or annotations, ordered by name; one that is empty is as good as none. Null is none."""
    found = _object({} if sent is None else sent, place)
    if len(found) > MOST_PAIRS:
        raise NotUnderstood(f"{place} are {len(found)}; at most {MOST_PAIRS} are taken.")
    named = {_plain(name): _words(_text(value, place)) for name, value in sorted(found.items())}
    return tuple((name, value) for name, value in sorted(named.items()) if name and value)


def _plain(name: str) -> str:
    return _NOT_PLAIN.sub("_", name[:LONGEST_NAME])


def _words(text: str) -> Redacted:
    """Redact and cut; what is cut off before that lies well behind what is kept, so no secret is halved."""
    if not text:
        return NO_TEXT
    seen = redact(text[: 2 * LONGEST_VALUE])
    return seen if len(seen) <= LONGEST_VALUE else Redacted(seen[: LONGEST_VALUE - 1] + "…")


def _moment(sent: object, place: str) -> datetime | None:
    """Read a time; none, and the year 1 with which Alertmanager says so, are None."""
    if sent is None:
        return None
    text = _text(sent, place)
    if not _TIME.fullmatch(text):
        raise NotUnderstood(f"{place} is no time.")
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        if text.startswith("0001-01-01T"):
            return None  # before the first moment that there is, in UTC
        raise NotUnderstood(f"{place} is no time.") from None
    return moment if moment.year > 1970 else None


def _link(sent: object) -> str:
    """Return an address of the web, redacted; anything else is no link, and no reason to refuse an alert."""
    if not isinstance(sent, str) or not 0 < len(sent) <= LONGEST_LINK:
        return ""
    link = redact(sent)
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    usable = parts.scheme in {"http", "https"} and parts.netloc and link.isprintable() and " " not in link
    return link if usable else ""
