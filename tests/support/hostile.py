"""Words that try to do something: ping, link, break out, imitate, overflow, or give secrets away.

Each is written once here, and sent through every way in. Whoever shows one must show it literally or cleaned.
"""

from __future__ import annotations

import re
import unicodedata

from bot.redaction import redact
from sandbox.slack.control import Shown

PINGS = (
    "<!channel>",
    "<!here|here>",
    "<!everyone>",
    "<!subteam^S0123ABCD|@oncall>",
    "<!subteam^SRAGLEADS0>",
    "<@U0123ABCD>",
    "<@W0123ABCD|bob>",
    "<@U0000BOB0>",
    "@channel",
    "@here",
    "@everyone",
    "@bob",
    "&lt;!channel&gt;",
    "&amp;lt;!channel&amp;gt;",
    "@\u200bchannel",
    "<!chan\u200bnel>",
)
LINKS = (
    "<#C0123ABCD|general>",
    "#general",
    "<!date^0^{date_num}|now>",
    "<mailto:a@b.example|mail>",
    "<https://evil.example|https://grafana.internal>",
    "https://evil.example/x",
    "evil.example",
    "[ok](https://evil.example)",
    "![p](https://evil.example/p.png)",
    "<https://evil.example",
)
MARKS = (
    ">|<",
    "<>",
    "<||>",
    "<!",
    "&amp;lt;",
    "& &amp; &#60;",
    "``` closing fence",
    "`tick`",
    "*bold* _it_ ~no~",
    "> quote",
    ">>> rest",
    ":rotating_light: :siren:",
    "| a | b |",
    '{"type":"section"}',
    '"],"blocks":[',
    "{{7*7}}",
    "${jndi:x}",
    "%s%n",
    "$(reboot)",
    "; rm -rf /",
    "' OR 1=1--",
    "../../etc/passwd",
)
DISGUISES = (
    "\u202etext reversed",
    "c\u0336rossed",
    "one\u2028two",
    "nul \x00 bel \x07 bs \x08 vt \x0b",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31mred",
    "return\rover",
    "\ufeffmark at the start",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family",
    "e" + "\u0301" * 500,
    "tab\there",
)
IMITATIONS = (
    "APPROVED by @lead",
    "✅ done",
    "✔ rag-engine is healthy",
    "Reference 7KQ2",
    "Nothing was changed.",
)
LARGE = ("&" * 3_001, "x" * 3_000, "y " * 1_500, "z" * 40_000)
EMPTY = ("", "   ", "\n", "\n\n\n")

WORDS = (*PINGS, *LINKS, *MARKS, *DISGUISES, *IMITATIONS)
"""What fits on a line."""

SECRETS = (
    ("xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx", "AbCdEfGhIjKlMnOpQrStUvWx"),
    ("xapp-1-A012ABCD-1234567890-0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    ("Authorization: Bearer s3cr3tS3cr3tS3cr3tS3cr3t", "s3cr3tS3cr3tS3cr3tS3cr3t"),
    ("postgres://rag:hunter2hunter2@postgres:5432/rag", "hunter2hunter2"),
    ("AKIAIOSFODNN7EXAMPLF", "IOSFODNN7EXAMPLF"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlb2ZpdA", "c2lnbmF0dXJlb2ZpdA"),
    ("DB_PASSWORD=correct-horse-battery", "correct-horse-battery"),
    ("-----BEGIN RSA PRIVATE KEY-----MIIEowIBAAKCAQEAplanted", "MIIEowIBAAKCAQEAplanted"),
)
"""Secrets in the words around them, and the part of each that must never be seen again."""

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2064\u2066-\u2069\ufeff]"
)


def controls_in(text: str) -> list[str]:
    """Return what could steer a terminal or disguise a text, by name."""
    return [unicodedata.name(found, repr(found)) for found in _CONTROLS.findall(text)]


def secrets_in(text: str) -> list[str]:
    """Return the planted secrets that a text gives away."""
    return [core for _, core in SECRETS if core in text]


def as_seen(sample: str, *, most: int = 40) -> str:
    """Return the beginning of a sample as a person must see it, every run of spaces as one."""
    return " ".join(redact(sample).split())[:most].strip()


def assert_harmless(shown: Shown, *, pings: tuple[str, ...] = ()) -> None:
    """Assert that a message pings nobody else, links nowhere, steers nothing and gives no planted secret away."""
    assert shown.pings == list(pings), shown.text
    assert shown.links == [], shown.text
    assert controls_in(shown.text) == []
    assert secrets_in(shown.text) == []


def shape(shown: Shown) -> tuple[list[str], list[str]]:
    """Return what words must not change: the kinds of the blocks and the buttons."""
    return [block["type"] for block in shown.raw.get("blocks", ())], shown.buttons
