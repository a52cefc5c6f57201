"""What is believed to come from the platform: the signature over raw bytes and its age, at every edge."""

from __future__ import annotations

import pytest

from bot.slack.inbound.signature import SIGNATURE, TIMESTAMP, credentials, is_signed
from tests.support.signing import SECRET, sign

NOW = 1_760_000_000.4
BODY = b"command=%2Frag&text=status"
GOOD = sign(BODY, NOW)


def believed(timestamp: bytes, signature: bytes, *, body: bytes = BODY, secret: str = SECRET) -> bool:
    found = credentials([(b"X-Slack-Request-Timestamp", timestamp), (b"X-Slack-Signature", signature)])
    return found is not None and found.fresh(NOW) and found.genuine(secret, body)


def at(seconds: int) -> tuple[bytes, bytes]:
    """Return the headers of a request that was signed so many seconds from now."""
    stamp = str(int(NOW) + seconds)
    return stamp.encode(), sign(BODY, stamp).encode()


@pytest.mark.parametrize("seconds", [0, 1, -1, 299, -299])
def test_a_request_of_the_present_is_believed(seconds: int) -> None:
    assert believed(*at(seconds))


@pytest.mark.parametrize("seconds", [301, -300, 302, -302, 3600, -86400])
def test_an_older_one_or_one_of_the_future_is_not(seconds: int) -> None:
    assert not believed(*at(seconds))


def test_no_request_is_good_for_longer_than_its_repeat_is_remembered() -> None:
    """From the first moment at which it is believed to the last one: less than 600 s."""
    stamp, signature = at(0)
    found = credentials([(TIMESTAMP, stamp), (SIGNATURE, signature.lower())])
    assert found is not None
    good = [moment for moment in range(int(stamp) - 400, int(stamp) + 401) if found.fresh(moment)]
    assert good[-1] - good[0] < 600


@pytest.mark.parametrize(
    "timestamp",
    [
        b"",
        b"now",
        b"1760000000.0",
        b"-1760000000",
        b"+1760000000",
        b" 1760000000",
        b"1760000000 ",
        b"1760000000\n",
        b"1_760_000_000",
        b"0x68e77c00",
        b"9" * 13,
        b"9" * 5000,
        "١٧٦٠".encode(),
        b"\xff",
    ],
)
def test_a_timestamp_that_is_no_short_number_is_refused(timestamp: bytes) -> None:
    assert not believed(timestamp, sign(BODY, timestamp.decode("latin-1")).encode())


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v0=",
        GOOD[3:],
        GOOD.upper(),
        "v0=" + GOOD[3:].upper(),
        "V0=" + GOOD[3:],
        "v1=" + GOOD[3:],
        GOOD[:-1],
        GOOD + "0",
        GOOD + " ",
        " " + GOOD,
        GOOD + "\n",
        GOOD + "," + GOOD,
        GOOD.replace(GOOD[10], "ａ", 1),  # a full-width letter
        "v0=" + "é" * 64,
        "v0=" + "0" * 64,
    ],
)
def test_any_other_signature_is_refused(signature: str) -> None:
    assert not believed(str(int(NOW)).encode(), signature.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    assert not believed(str(int(NOW)).encode(), b"v0=" + b"\xff\x00" * 32)


def test_another_secret_another_body_and_another_time_are_refused() -> None:
    stamp, signature = at(0)
    assert not believed(stamp, signature, secret="f" * 32)
    assert not believed(stamp, signature, body=BODY + b" ")
    assert not believed(at(1)[0], signature)


def test_a_header_that_is_there_twice_or_not_at_all_is_refused() -> None:
    stamp, signature = at(0)
    pair = [(TIMESTAMP, stamp), (SIGNATURE, signature)]
    assert credentials(pair) is not None
    assert credentials([*pair, (b"x-slack-signature", signature)]) is None
    assert credentials([*pair, (b"X-SLACK-REQUEST-TIMESTAMP", stamp)]) is None
    assert credentials(pair[:1]) is None
    assert credentials(pair[1:]) is None
    assert credentials([]) is None


def test_what_claims_to_be_signed_is_told_from_what_does_not() -> None:
    assert is_signed([(b"X-Slack-Signature", b"")])
    assert not is_signed([(b"Host", b"bot.example")])


def test_the_key_of_a_request_is_its_own_and_does_not_hold_the_signature() -> None:
    first, second = (credentials([(TIMESTAMP, at(s)[0]), (SIGNATURE, at(s)[1])]) for s in (0, 1))
    assert first is not None
    assert second is not None
    assert first.key != second.key
    assert GOOD[3:] not in first.key
