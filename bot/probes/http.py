"""Health URLs: whether they answer, how fast, and with what is expected."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from bot.domain.findings import Severity
from bot.probes.asking import Asking, Stopped
from bot.probes.fetching import MOST_BYTES, Answer, parse, site

_NOTHING = object()
_LONGEST = 120  # of what a target says within a sentence of ours; secrets are masked before it is cut
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADVICE = {
    401: "Name a variable with a token that it takes (secret_env), or a path that is open.",
    403: "Name a variable with a token that it takes (secret_env), or a path that is open.",
    404: "Check the path.",
    429: "It asks for fewer requests; who else asks so often?",
    502: "What stands in front of it cannot reach it: look at its pods and endpoints.",
    503: "Nothing behind it is ready: look at its pods and endpoints.",
    504: "It takes too long for what stands in front of it: look at its log and its dependencies.",
}


async def ask(asking: Asking) -> None:
    """GET the URL once and compare."""
    url = parse(asking.target.address)
    headers = {"Authorization": f"Bearer {asking.secret}"} if asking.secret else {}
    async with site(asking, url, headers) as found:
        if found is None:
            return
        with asking.stage("HTTP") as step:
            answer = await found.get()
            step.words = str(answer.status)
    asking.took_ms = answer.took_s * 1000
    asking.fact("Status", str(answer.status))
    asking.fact("Answer", f"{answer.took_s * 1000:.0f} ms")
    asking.figure("status", answer.status)
    asking.figure("response_ms", answer.took_s * 1000)
    asking.figure("body_bytes", len(answer.body))
    _compare(asking, answer)


def _compare(asking: Asking, answer: Answer) -> None:
    """Raise `Stopped` at the first thing that is not as expected."""
    target = asking.target
    _compare_status(asking, answer)
    if (target.expect_body or target.expect_json) and answer.is_packed:
        raise Stopped("PROBE_BODY", "The answer is compressed, although that was not asked for: it cannot be read.")
    if target.expect_body and target.expect_body not in answer.text:
        where = f" in its first {MOST_BYTES // 1024} KiB" if answer.is_cut else ""
        raise Stopped(
            "PROBE_BODY", f"The answer does not hold the expected text{where}. It begins: {_beginning(answer)}"
        )
    if target.expect_json:
        _compare_json(asking, answer)


def _compare_status(asking: Asking, answer: Answer) -> None:
    target = asking.target
    if answer.status == target.expect_status or (not target.expect_status and 200 <= answer.status < 300):
        return
    if answer.status in _REDIRECTS:
        raise Stopped(
            "PROBE_REDIRECTED",
            f"It answers {answer.status} and sends on to {_destination(asking, answer.headers)}; that is not followed.",
            advice="Give the address that answers by itself; a login page in front of it is no health URL.",
        )
    expected = f", expected was {target.expect_status}" if target.expect_status else ""
    said = _beginning(answer)
    raise Stopped(
        "PROBE_HTTP_STATUS",
        f"It answers {answer.status}{expected}{': ' if said else '.'}{said}",
        severity=Severity.CRITICAL if answer.status >= 500 else Severity.WARNING,
        advice=_ADVICE.get(answer.status, ""),
    )


def _compare_json(asking: Asking, answer: Answer) -> None:
    if answer.is_html:
        raise Stopped(
            "PROBE_HTML",
            f"It answers {answer.status} with a page for people, where JSON is expected.",
            advice="Something else answers in its place: a login page, a front end, or an ingress's default.",
        )
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError) as error:
        why = f"is longer than {MOST_BYTES // 1024} KiB" if answer.is_cut else "is no JSON"
        raise Stopped("PROBE_JSON", f"The answer {why}. It begins: {_beginning(answer)}") from error
    for path, wanted in asking.target.expect_json:
        value = value_at(document, path)
        if value is _NOTHING:
            raise Stopped("PROBE_JSON", f"The answer has nothing at {path}, where {wanted!r} is expected.")
        if text_of(value) != wanted:
            said = asking.words(text_of(value), _LONGEST)
            raise Stopped("PROBE_JSON", f"{path} is {said!r}, expected is {wanted!r}.")


def value_at(document: Any, path: str) -> Any:
    """Follow a dotted path through objects and, by numbers, lists; a key that holds dots itself is found, too."""
    if not path:
        return document
    if isinstance(document, dict):
        if path in document:
            return document[path]
        ends = [at for at, letter in enumerate(path) if letter == "."]
        found = (value_at(document[path[:at]], path[at + 1 :]) for at in ends if path[:at] in document)
        return next((value for value in found if value is not _NOTHING), _NOTHING)
    head, _, rest = path.partition(".")
    if isinstance(document, list) and head.isdecimal() and len(head) < 6 and int(head) < len(document):
        return value_at(document[int(head)], rest)
    return _NOTHING


def text_of(value: Any) -> str:
    """Return the text that a value is compared by: a string as it is, else its JSON (`true`, `null`, `3`)."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _beginning(answer: Answer) -> str:
    return "" if answer.is_packed or answer.is_html else answer.text[:400]


def _destination(asking: Asking, headers: httpx.Headers) -> str:
    """Return where a redirect leads, without what may be a secret in it."""
    try:
        url = httpx.URL(headers.get("location", ""))
    except httpx.InvalidURL:
        return "what is no address"
    return asking.words(str(url.copy_with(query=None, fragment=None, userinfo=b"")), _LONGEST) or "nowhere"
