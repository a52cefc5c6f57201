"""Cluster text -> Redacted: the one way in for words that others wrote.

Two things happen here and nowhere else: secrets are masked, and what could steer a terminal or disguise text (control
characters, ANSI sequences, bidirectional and zero-width marks, lone surrogates) is removed. Escaping is not done here:
that belongs to whoever renders. Masking is by named shapes, not by entropy: entropy rules fire on pod hashes and uids.
"""

from __future__ import annotations

import re

from bot.domain.text import Redacted

MASK = "[masked]"

_ANSI = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]?")
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85]")

# Each rule keeps what names the secret and masks the secret itself (group "secret").
_RULES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<secret>-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.|\n)*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z))",
        r"(?P<secret>\bxox[abeoprs]-[0-9A-Za-z-]{8,})",
        r"(?P<secret>\bxapp-[0-9A-Za-z-]{8,})",
        r"(?P<secret>\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b)",
        r"(?P<secret>\bgh[pousr]_[0-9A-Za-z]{30,})",
        r"(?P<secret>\bgithub_pat_[0-9A-Za-z_]{22,})",
        r"(?P<secret>\bglpat-[0-9A-Za-z_-]{20,})",
        r"(?P<secret>\bsk-[0-9A-Za-z_-]{20,})",
        r"(?P<secret>\b[sr]k_(?:live|test)_[0-9A-Za-z]{10,})",
        r"(?P<secret>\bAIza[0-9A-Za-z_-]{35})",
        r"(?P<secret>\beyJ[0-9A-Za-z_-]{5,}\.[0-9A-Za-z_-]{5,}(?:\.[0-9A-Za-z_-]*)?)",
        r"(?i:\bauthorization\b[\"']?\s*[:=]\s*[\"']?)(?P<secret>(?i:(?:bearer|basic|token|digest)\s+)?[^\s\"',;]{4,})",
        r"(?i:\bbearer\s+)(?P<secret>[0-9A-Za-z._~+/=-]{12,})",
        r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,256}:(?P<secret>[^\s/@\"'<>]{1,256})@",
        (
            r"(?i:\b[A-Z0-9_.-]{0,64}(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|"
            r"client[_-]?secret|credentials?)[\"']?\s{0,4}[:=]\s{0,4})"
            r"(?:\"(?P<secret>[^\"\n]{3,})\"|'(?P<secret2>[^'\n]{3,})'|(?P<secret3>[^\s\"',;&}\])]{3,}))"
        ),
        (
            r"(?i:[?&](?:access_token|token|sig|signature|key|api_key|password|x-amz-signature|x-amz-credential)=)"
            r"(?P<secret>[^\s&\"'<>]{4,})"
        ),
    )
)
# A cheap look before the rules: a text that holds none of these holds no secret that the rules know.
_SUSPICIOUS = re.compile(
    r"(?i)-----begin|xox[abeoprs]-|xapp-|A[KSBC][ICS]A|gh[pousr]_|github_pat_|glpat-|[sr]k[-_]|AIza|eyJ|authorization|"
    r"bearer|://[^\s/]*@|pass|secret|token|key|credential|[?&]sig"
)
_KEEP = re.compile(
    r"(?i)\A(?:\[masked\]|\*+|<[^>]*>|none|null|true|false|nil|unset|missing|not|empty|required|is|was)\Z"
)


def clean(text: str) -> str:
    """Remove what is not text: controls, ANSI sequences, direction and zero-width marks. Tabs become four spaces."""
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    text = _ANSI.sub("", text)
    return _UNWANTED.sub("", text.replace("\t", "    "))


def redact_counted(text: str) -> tuple[Redacted, int]:
    """Clean and mask; return the text and how many secrets were masked. Idempotent."""
    text = clean(text)
    if not _SUSPICIOUS.search(text):
        return Redacted(text), 0
    masked = 0

    def mask(match: re.Match[str]) -> str:
        nonlocal masked
        group = next(g for g, value in match.groupdict().items() if value is not None)
        secret = match.group(group)
        if _KEEP.match(secret):
            return match.group(0)
        masked += 1
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        whole = match.group(0)
        return whole[:start] + MASK + whole[end:]

    for rule in _RULES:
        text = rule.sub(mask, text)
    return Redacted(text), masked


def redact(text: str) -> Redacted:
    """Clean and mask a text of the cluster."""
    return redact_counted(text)[0]
