"""Secrets that carry a mark of their own: tokens, private keys, passwords of URLs, what Docker keeps of a registry."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from bot.secret_shapes.spans import MASK, Span, any_in

# Tokens with a mark of their own. What stands before must not be a part of the same word.
_TOKEN = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"xox[a-z](?:\.xox[a-z])?-[0-9A-Za-z-]{8,}|(?:xapp|xwfp)-[0-9A-Za-z-]{8,}"  # Slack
    r"|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Za-z])"  # AWS
    r"|gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{22,}"
    r"|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[0-9A-Za-z_.-]{20,}"  # GitLab
    r"|sk-(?:proj|svcacct|admin|ant|or|lf)-[0-9A-Za-z_-]{16,}|sk-[0-9A-Za-z]{32,}|pk-lf-[0-9a-f-]{30,}"
    r"|(?:gsk|r8|hf|fw|jina|tvly|pcsk|lsv2_pt|lsv2_sk)_[0-9A-Za-z_]{24,}|(?:nvapi|xai|pplx|voy)-[0-9A-Za-z_-]{32,}"
    r"|[srp]k_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{20,}"  # Stripe
    r"|AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,}"  # Google
    r"|npm_[0-9A-Za-z]{30,}|pypi-[0-9A-Za-z_-]{40,}|dckr_(?:pat|oat)_[0-9A-Za-z_-]{20,}|rubygems_[0-9a-f]{40,}"
    r"|hv[sbr]\.[0-9A-Za-z_-]{20,}|glsa_[0-9A-Za-z_]{30,}|glc_[0-9A-Za-z+/=]{30,}|do[opr]_v1_[0-9a-f]{40,}"
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{30,}|AGE-SECRET-KEY-1[0-9A-Z]{40,}"
    # These two are read on to a dot that may be missing, so they begin no second time in the same run of letters.
    r"|(?<![_-])SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"
    r"|(?<![_-])eyJ[0-9A-Za-z_-]{5,}\.[0-9A-Za-z_-]{5,}(?:\.[0-9A-Za-z_-]*){0,3}"  # a JSON web token
    r"|LS0tLS1CRUdJTi(?:BSU0Eg|BQUklW|BFQyBQ|BFTkNS|BPUEVO|BEU0Eg)[0-9A-Za-z+/=]*"  # a private key in base64
    r")"
)
# Words without which a search would be in vain. Looking for plain words is many times faster than the search itself.
_TOKEN_HINTS = (
    *("xox", "xapp-", "xwfp-", "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-"),
    *("sk-", "pk-lf-", "gsk_", "r8_", "hf_", "fw_", "jina_", "tvly_", "pcsk_", "lsv2_", "nvapi-", "xai-", "pplx-"),
    *("voy-", "k_live_", "k_test_", "whsec_", "AIza", "ya29.", "GOCSPX-", "npm_", "pypi-", "dckr_", "rubygems_"),
    *("hvs.", "hvb.", "hvr.", "glsa_", "glc_", "_v1_", "shpat_", "shpca_", "shppa_", "shpss_", "AGE-SECRET-KEY-1"),
    *("SG.", "eyJ", "LS0tLS1CRUdJTi"),
)
_WEBHOOK = re.compile(r"/services/T[0-9A-Z]{6,16}/B[0-9A-Z]{6,16}/([0-9A-Za-z]{16,64})")
_PRIVATE_KEY = re.compile(r"-----(?P<side>BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BASE64 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/="
_KEY_LINE = 40  # behind other words a shorter word of these letters is rather a word than a line of a key
_DOCKER_AUTH = re.compile(r"\b_?auth\\{0,4}\"?[ ]{0,4}[:=][ ]{0,4}\\{0,4}\"?([0-9A-Za-z+/]{8,2000}={0,2})")
_URL_USER = re.compile(r"://[^\s/:@\"'<>]{0,256}:")
_URL_PASSWORD = re.compile(r"(?![0-9]{1,5}[/?#])[^\s@\"'<>]{1,256}@")


def marked_secrets(text: str) -> Iterator[Span]:
    """Find what is a secret whatever stands around it, in no order."""
    yield from _tokens(text)
    yield from _private_keys(text)
    yield from _urls(text)
    yield from _docker_auths(text)


def _tokens(text: str) -> Iterator[Span]:
    if any_in(_TOKEN_HINTS, text):
        for match in _TOKEN.finditer(text):
            yield match.span()
    if "/services/T" in text:
        for match in _WEBHOOK.finditer(text):
            yield match.span(1)


def _private_keys(text: str) -> Iterator[Span]:
    """Find keys between their armour lines; one without an end reaches to the end of the text.

    The tail of a log may begin within a key: an end without a beginning takes the lines of base64 above it along.
    """
    if "PRIVATE KEY" not in text:
        return
    begun: int | None = None
    at = 0
    for line in _PRIVATE_KEY.finditer(text):
        if line["side"] == "BEGIN":
            begun = line.start() if begun is None else begun
            continue
        start = _key_above(text, at, line.start()) if begun is None else begun
        begun, at = None, line.end()
        if start < line.start():
            yield start, at
    if begun is not None:
        yield begun, len(text)


def _key_above(text: str, floor: int, end: int) -> int:
    """Return where the base64 directly above the end of a key begins; `end` if there is none.

    It may be indented, stand behind a time and the like, or have backslashes for its line ends.
    """
    *above, here = text[floor:end].split("\n")
    before = here.rstrip(_BASE64 + "\\")
    start, line_start = end - len(here) + len(before), end - len(here)
    if before.strip() and start < end:
        return start
    is_prefixed = bool(before.strip())
    for line in reversed(above):
        line_start -= len(line) + 1
        body = line.rstrip(" \"',\\")
        words = body.rstrip(_BASE64)
        length = len(body) - len(words)
        if not length or (words.strip(" \"'") and length < _KEY_LINE and not is_prefixed):
            break
        start = line_start + len(words)
        is_prefixed = False
    return start


def _urls(text: str) -> Iterator[Span]:
    if "@" not in text or "://" not in text:
        return
    at = 0
    while user := _URL_USER.search(text, at):
        at = user.end()
        password = _URL_PASSWORD.match(text, at)
        if password and password[0] != f"{MASK}@":
            at = password.end()
            yield user.end(), at - 1


def _docker_auths(text: str) -> Iterator[Span]:
    if "auth" in text:
        for match in _DOCKER_AUTH.finditer(text):
            if _is_user_and_password(match[1]):
                yield match.span(1)


def _is_user_and_password(encoded: str) -> bool:
    """Tell whether this is base64 of `user:password`, as Docker and others keep it."""
    try:
        plain = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    return b":" in plain and plain.isascii() and plain.decode("ascii").isprintable()
