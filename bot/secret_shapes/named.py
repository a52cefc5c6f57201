"""Secrets behind a name that says what they are: assigned, in a header, behind a flag, in a query.

Names are sought in a lower-case copy of the same length, so that no rule has to ignore case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.secret_shapes.spans import Span, any_in

_NAME_HINTS = ("pass", "secret", "token", "key", "credential", "pw")
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


def named_secrets(text: str) -> Iterator[Span]:
    """Find what is a secret by the words before it, in no order."""
    # One letter of Unicode grows when it is made small; every other keeps its place.
    low = text.replace("\u0130", "i").lower()
    yield from _named(text, low)
    yield from _behind(text, low)
    yield from _spaced(text, low)


def _named(text: str, low: str) -> Iterator[Span]:
    """Find values that stand behind the name of a secret and a sign of assignment."""
    if not any_in(_NAME_HINTS, low):
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
        if not any_in(hints, low):
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
    if not any_in(_SPACED_HINTS, low):
        return
    at = 0
    while name := _SPACED.search(low, at):
        start, end = _value(text, name.end())
        at = max(name.end(), end)
        if end - start >= 3 and not _is_harmless(text[start:end]):
            yield start, end


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
