"""What answers mean for a delivery."""

from __future__ import annotations

import pytest

from bot.errors import DeliveryError, DeliveryRefused, DeliveryThrottled, DeliveryUnknown
from bot.slack.outbound.faults import AddressGone, BlocksRefused, from_code, from_webhook


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "ok", None),
        (200, "", None),
        (200, '{"ok":true}', None),
        (200, '{"ok":false,"error":"used_url"}', AddressGone),
        (404, "expired_url", AddressGone),
        (404, '{"ok":false,"error":"used_url"}', AddressGone),
        (400, "invalid_blocks", BlocksRefused),
        (400, '{"ok":false,"error":"invalid_blocks"}', BlocksRefused),
        (403, "action_prohibited", DeliveryRefused),
        (429, "", DeliveryThrottled),
        (500, "", DeliveryUnknown),
        (502, "<html>bad gateway</html>", DeliveryUnknown),
        (200, "<html>sign in</html>", DeliveryUnknown),
        (200, "{broken", DeliveryUnknown),
    ],
)
def test_answers_to_private_replies(status: int, body: str, kind: type[DeliveryError] | None) -> None:
    """What cannot be read leaves doubt; every code has its meaning."""
    error = from_webhook(status, body, {})
    assert (type(error) if error else None) is kind


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), (None, 1.0), ("soon", 1.0), ("-3", 1.0), ("nan", 1.0), ("999999", 3_600.0)]
)
def test_wait_is_sane(header: str | None, seconds: float) -> None:
    """A strange Retry-After cannot stop a channel for ever."""
    error = from_code("ratelimited", {}, status=429, retry_after=header)
    assert isinstance(error, DeliveryThrottled)
    assert error.retry_after_s == seconds
