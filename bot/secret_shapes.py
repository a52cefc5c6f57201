"""What secrets look like: tokens that carry their own mark, and values behind a name that says what they are.

Each search walks the text once: what a rule has read it either masks or never reads again, and every look back or ahead
is bounded. Names are sought in a lower-case copy of the same length, so that no rule has to ignore case.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

MASK = "[masked]"

Span = tuple[int, int]

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
_NAME_HINTS = ("pass", "secret", "token", "key", "credential", "pw")
_WEBHOOK = re.compile(r"/services/T[0-9A-Z]{6,16}/B[0-9A-Z]{6,16}/([0-9A-Za-z]{16,64})")
_PRIVATE_KEY = re.compile(r"-----(?P<side>BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BASE64 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/="
_KEY_LINE = 40  # behind other words a shorter word of these letters is rather a word than a line of a key

# Names behind which a secret stands, in lower case. A name of the group `word` must be a word of its own.
_NAME = (
    r"(?:passw(?:or)?d|passphrase|passcode|credentials?|secret(?:[_-]?(?:access[_-]?)?key)?"
    r"|(?:api|access)[_ -]?key|(?:private|account|signing|encryption|fernet|master|auth|shared)[_-]?keys?"
    r"|client[_-]key[_-]data|(?P<word>token|pass|pwd|pw))"
)
# What may follow a name and leave it the name of a secret: DB_PASSWORD_PROD, SECRET_KEY_BASE, password2, secretValue.
_TAIL = r"(?P<tail>(?:[0-9]{1,2}|value|[_.-][a-z0-9]{1,20}){0,3})"
_HARMLESS_TAIL = re.compile(
    r"(?:^|[_.-])(?:file|path|dir|name|names|type|count|len|length|min|max|ttl|exp|expir[a-z]*|enabled|disabled|required"
    r"|policy|url|uri|endpoint|host|id|ids|version|field|header|mode|ref|size|limit|budget|rate|seconds|s|ms|age|usage"
    r"|created|updated|at|index|selector|provider|class|store|mount|volume|scope|scopes|issuer|audience|status|state"
    r"|encryption|algorithm|method|reset|protected|hashing)$"
)
_CLOSE = r"(?:\\{0,4}[\"'`])?\]?"
_ASSIGN = re.compile(
    rf"{_NAME}(?:{_TAIL}{_CLOSE}[ ]{{0,4}}(?:=>|:=|={{1,2}}|:)[ ]{{0,8}}(?:[|>][+-]?\n[ ]{{1,40}})?"
    # - name: DB_PASSWORD            {"name": "DB_PASSWORD", "value": "…"}
    #   value: …
    rf"|(?P<pair>{_CLOSE},?\s{{0,40}}[\"']?value[\"']?[ ]{{0,4}}[:=][ ]{{0,8}})"
    r"|(?P<element>>)(?=[^<>\n]{3,200}</))"
)
# Names after which a space is enough: flags, .netrc, redis.conf.
_SPACED = re.compile(
    r"(?:(?<![a-z0-9-])--?[a-z-]{0,30}(?:password|passwd|token|secret|api-?key)[ ]+"
    r"|(?<![a-z])login[ ]+\S{1,100}\s+password[ ]+|(?<![a-z])(?:requirepass|masterauth)[ ]+"
    r"|sshpass[ ]+-p[ ]*|redis-cli[ ][^\n]{0,80}?-a[ ]+|passw(?:or)?d[ ]{1,4}(?=[\"'])"
    r"|(?<![a-z0-9-])(?:-u|--user)[ ]+['\"]?(?![0-9]+:)[^\s:'\"/]{1,100}:)(?![-\s])"
)
_ASSIGNED = r"\\{0,4}[\"']?[ ]{0,4}[:=][ ]{0,4}\\{0,4}[\"'\[]?"
_SPACED_HINTS = (
    "password ",
    "passwd ",
    "token ",
    "secret ",
    "key ",
    "requirepass ",
    "masterauth ",
    "-u ",
    "-user ",
    "-p",
    "-a ",
)
_HEADER = re.compile(rf"(?<![a-z])authorization{_ASSIGNED}(?:[a-z][a-z0-9-]{{1,30}}[ ]{{1,4}}(?=[^\s\"']{{8}}))?")
_HEADER_LINE = re.compile(rf"(?<![a-z])(?:authorization{_ASSIGNED}(?:digest|aws4-hmac-sha256)[ ]|cookie{_ASSIGNED})")
_BEARER = re.compile(r"(?<![a-z])(?:bearer|basic)[ ]{1,4}(?=[0-9a-z._~+/=-]{12})")
_QUERY = re.compile(
    r"(?:[?&]|&amp;)(?:access_token|id_token|token|sig|signature|key|api_?key|password|code|x-amz-signature|x-amz-credential"
    r"|x-amz-security-token|x-goog-signature)="
)
_SIGNATURE = re.compile(r"(?<![a-z])signature=(?=[0-9a-f]{32})")
_DOCKER_AUTH = re.compile(r"\b_?auth\\{0,4}\"?[ ]{0,4}[:=][ ]{0,4}\\{0,4}\"?([0-9A-Za-z+/]{8,2000}={0,2})")
_URL_USER = re.compile(r"://[^\s/:@\"'<>]{0,256}:")
_URL_PASSWORD = re.compile(r"(?![0-9]{1,5}[/?#])[^\s@\"'<>]{1,256}@")

_QUOTED = {quote: re.compile(rf"(?:[^{quote}\\\n]|\\[^\n])*") for quote in "\"'`"}
_ESCAPED_QUOTED = re.compile(r"(?:[^\\\n]|\\(?!\\{0,7}[\"'`]))*")
_OPENING = re.compile(r"\\{0,8}[\"'`]")
# A bare value ends at a space or a quote, and at a mark that ends the value rather than stands in it.
_BARE = re.compile(
    r"(?:\[masked\]|[^\s\"'`&,;)\]}<>\\]|\\(?![nrt\s\"'`\\]|\Z)"
    r"|[,;)\]}<>](?![,;)\]}]{0,8}(?:[\s\"'`&<]|\Z)|[\w.-]{1,40}\\?[\"']?[=:]|[\"'\\]))+"
)
_WORD = re.compile(r"[0-9A-Za-z._~+/=:|-]+")
_LINE = re.compile(r"[^\n\"']+")
# Words of which one must be there, what stands before, how the value looks, and how long it is at least.
_BEHIND = (
    (("authorization", "cookie"), _HEADER_LINE, _LINE, 4),
    (("authorization",), _HEADER, _BARE, 4),
    (("bearer ", "basic "), _BEARER, _WORD, 12),
    (("?", "&"), _QUERY, _BARE, 4),
    (("signature=",), _SIGNATURE, _WORD, 32),
)
# Values that are no secrets: a mask, a reference, a place, or a word that tells what is the matter.
_HARMLESS_VALUE = re.compile(
    r"\*+|[xX]{3,}|\.{3}|…|<[^>\n]*>?|\$\{[^}]*|\$\([^)]*|\$[A-Z][A-Z0-9_]+|\{\{[^}]*|%\(?[a-z]+\)?s?"
    r"|(?:file:/*)?/(?:run|var|etc|tmp|opt|usr|home|root|app|mnt|srv|data|secrets?|vault)/\S*|https?://\S*"
)
_HARMLESS_BEGIN = frozenset("*xX.…<${%/hf")
_HARMLESS_WORD = re.compile(
    r"masked|redacted|none|null|nil|true|false|yes|no|unset|missing|not|empty|required|optional|is|was|are"
    r"|has|had|does|did|must|may|can|cannot|could|should|will|would|the|a|an|for|from|in|of|on|to|with|at"
    r"|by|and|or|it|this|that|failed|failure|invalid|expired|wrong|incorrect|denied|revoked|unknown"
    r"|unauthorized|forbidden|error|rejected|enabled|disabled|mismatch|authentication|string|str|bytes|int"
    r"|integer|boolean|bool|opaque|bearer|basic|prompt|auto|default|unable|found|object|secret|token"
    r"|password|field|value|configured|text|varchar|char|changed|rotated|updated|created",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?:access|auth|api|bot|app|id|refresh|session|bearer|csrf|xsrf|user|vault|slack|db)\Z")
_IS_NAME = re.compile(r"[a-z_.-]*(?:password|passwd|secret|token|key|credentials?)[:=]|[{\[(][a-z_.-]+[:=]")
_PROSE = re.compile(r": [a-z]{2,20} [a-z(]")
_SPEECH = re.compile(r"(?:unexpected|next|end|syntax) \Z")


def secret_spans(text: str) -> list[Span]:
    """Return where secrets stand: in order, apart from each other, never empty, never a mask again."""
    # One letter of Unicode grows when it is made small; every other keeps its place.
    low = text.replace("\u0130", "i").lower()
    found = [
        *_tokens(text),
        *_private_keys(text),
        *_urls(text),
        *_named(text, low),
        *_behind(text, low),
        *_spaced(text, low),
        *_docker_auths(text),
    ]
    return _merged(sorted(found)) if found else found


def _merged(spans: list[Span]) -> list[Span]:
    merged = [spans[0]]
    for start, end in spans[1:]:
        if start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _tokens(text: str) -> Iterator[Span]:
    if _any_in(_TOKEN_HINTS, text):
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


def _named(text: str, low: str) -> Iterator[Span]:
    """Find values that stand behind the name of a secret and a sign of assignment."""
    if not _any_in(_NAME_HINTS, low):
        return
    at = 0
    while name := _ASSIGN.search(low, at):
        at = name.end()
        if name["word"] and not _is_word(text, low, name.start("word"), name["word"]):
            continue
        if name["tail"] and _HARMLESS_TAIL.search(name["tail"]):
            continue
        if name[0][:5] != "passw" and _PROSE.match(low, at - 2) and _in_a_sentence(low, name.start()):
            continue  # "failed to fetch token: timed out"
        start, end = _value(text, at)
        value = text[start:end]
        if end - start < 40 and _IS_NAME.fullmatch(low, start, end):
            continue  # "secret: password: …", "secret: {name: …": what is meant stands behind the second name
        at = max(at, end)
        if name["word"] and _is_count(name["word"], value):
            continue
        if end - start >= 3 and not _is_harmless(value):
            yield start, end


def _behind(text: str, low: str) -> Iterator[Span]:
    """Find values that stand behind a header, a flag, or a parameter of a query."""
    for hints, pattern, shape, least in _BEHIND:
        if not _any_in(hints, low):
            continue
        at = 0
        while name := pattern.search(low, at):
            at = name.end()
            bounded = shape.match(text, at)
            if bounded is None:
                continue
            start, end = bounded.span()
            at = max(at, end)
            if end - start >= least and not _is_harmless(text[start:end]):
                yield start, end


def _spaced(text: str, low: str) -> Iterator[Span]:
    """Find values that stand behind a flag or a word of a file that knows only spaces."""
    if not _any_in(_SPACED_HINTS, low):
        return
    at = 0
    while name := _SPACED.search(low, at):
        start, end = _value(text, name.end())
        at = max(name.end(), end)
        if end - start >= 3 and not _is_harmless(text[start:end]):
            yield start, end


def _docker_auths(text: str) -> Iterator[Span]:
    if "auth" in text:
        for match in _DOCKER_AUTH.finditer(text):
            if _is_user_and_password(match[1]):
                yield match.span(1)


def _any_in(words: Iterable[str], text: str) -> bool:
    return any(word in text for word in words)


def _value(text: str, at: int) -> Span:
    """Return where the value that begins here stands, without its quotes. A quote left open ends with the line."""
    opening = _OPENING.match(text, at)
    if opening:
        shape = _QUOTED[opening[0]] if len(opening[0]) == 1 else _ESCAPED_QUOTED
        at = opening.end()
    else:
        shape = _BARE
    match = shape.match(text, at)
    return match.span() if match else (at, at)


def _is_harmless(value: str) -> bool:
    bare = value.rstrip(".,;:!?)]}").lstrip("[(")
    if len(bare) < 16 and _HARMLESS_WORD.fullmatch(bare):
        return True
    return bare[:1] in _HARMLESS_BEGIN and _HARMLESS_VALUE.fullmatch(bare) is not None


def _is_word(text: str, low: str, start: int, word: str) -> bool:
    """Tell whether a short name is a word of its own: `db_pass`, `dbPass`, `accesstoken`; not `bypass`, `compass`."""
    before = low[max(0, start - 12) : start]
    if (word == "token" and _SPEECH.search(before)) or text.startswith("PASS: ", start):
        return before.endswith("_")
    if not before or not before[-1].isalpha():
        return True
    if word == "token" and _JOINED.search(before):
        return True
    return text[start].isupper() and text[start - 1].islower()


def _in_a_sentence(low: str, start: int) -> bool:
    """Tell whether a name follows another word, as it does in prose and not in a file."""
    return start >= 2 and low[start - 1] == " " and low[start - 2].isalpha()


def _is_count(word: str, value: str) -> bool:
    """Tell whether the value of a short name is a number of things rather than a secret."""
    if word == "pwd":
        return value.startswith(("/", "~"))
    return value.isdecimal() and len(value) <= 5


def _is_user_and_password(encoded: str) -> bool:
    """Tell whether this is base64 of `user:password`, as Docker and others keep it."""
    try:
        plain = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    return b":" in plain and plain.isascii() and plain.decode("ascii").isprintable()
