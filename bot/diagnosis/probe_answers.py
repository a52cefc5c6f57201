"""What a probe got for an answer, in words: a status, a refusal, silence, or a command's output."""

from __future__ import annotations

import re

from bot.domain.objects import Probe
from bot.domain.text import first_line

_STATUS = re.compile(r"HTTP probe failed with statuscode: (\d{3})")
_REFUSED = re.compile(r"connect(?:ion)?: connection refused|connection refused")
_NO_ANSWER = re.compile(
    r"Client\.Timeout exceeded|context deadline exceeded|i/o timeout|timed out after|command timed out"
    r"|failed to connect service .* within|health rpc did not complete within"
)
_UNROUTABLE = re.compile(r"no route to host|network is unreachable")
_NOT_SERVING = re.compile(r"responded with \"?(\w+)\"?")
_SPOKE_TLS = re.compile(r"malformed HTTP response|server gave HTTP response to HTTPS client|first record does not look")
_NO_COMMAND = re.compile(r"executable file not found|no such file or directory")


def answer_in_words(said: str, probe: Probe | None) -> str:
    """Say what the probe's failure means; empty where its own words have to do."""
    status = _STATUS.search(said)
    if status:
        return _status_in_words(int(status.group(1)))
    if _NO_ANSWER.search(said):
        within = f" within {probe.timeout_s} s" if probe else " in time"
        return f"no answer{within}"
    if _REFUSED.search(said):
        return f"nothing listens on port {probe.port}" if probe and probe.port else "nothing listens there"
    if _UNROUTABLE.search(said):
        return "the pod's address cannot be reached"
    if _SPOKE_TLS.search(said):
        return "one side speaks HTTP, the other HTTPS"
    serving = _NOT_SERVING.search(said)
    if serving:
        return f"it says {serving.group(1)}"
    if _NO_COMMAND.search(said):
        return "the probe's command does not exist in the image"
    return ""


def _status_in_words(status: int) -> str:
    if status in (401, 403):
        return f"it answers {status}: the probe is not let in"
    if status == 404:
        return "it answers 404: there is no such path"
    if status >= 500:
        return f"it answers {status}: the program says itself that it is not well"
    return f"it answers {status}"


def quoted_answer(message: str) -> str:
    """Return the probe's own words from the event's message, as they are quoted in a sentence; may be empty."""
    _, separator, rest = message.partition("probe failed: ")
    if not separator:
        _, separator, rest = message.partition("probe errored: ")
    return first_line(rest if separator else message, 200)


def probe_in_words(probe: Probe) -> str:
    """Say how a probe asks: `GET :8080/health, every 3 s, 1 s to answer, 3 failures in a row count`."""
    return f"{probe.target}, every {probe.period_s} s, {probe.timeout_s} s to answer"
