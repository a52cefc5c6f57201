from __future__ import annotations

import pytest

from bot.diagnosis.probe_answers import answer_in_words, quoted_answer
from bot.domain.objects import Probe

PROBE = Probe("GET :8080/health", timeout_s=1, kind="http", port="8080", path="/health")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("HTTP probe failed with statuscode: 503", "it answers 503: the program says itself that it is not well"),
        ("HTTP probe failed with statuscode: 404", "it answers 404: there is no such path"),
        ("HTTP probe failed with statuscode: 401", "it answers 401: the probe is not let in"),
        ('Get "http://10.0.0.1:8080/": dial tcp: connect: connection refused', "nothing listens on port 8080"),
        ('Get "http://10.0.0.1/": context deadline exceeded (Client.Timeout exceeded)', "no answer within 1 s"),
        ('command timed out: "sh check" timed out after 1s', "no answer within 1 s"),
        ('timeout: failed to connect service "10.0.0.1:80" within 1s', "no answer within 1 s"),
        ('service unhealthy (responded with "NOT_SERVING")', "it says NOT_SERVING"),
        ("dial tcp 10.0.0.1:80: connect: no route to host", "the pod's address cannot be reached"),
        ("http: server gave HTTP response to HTTPS client", "one side speaks HTTP, the other HTTPS"),
        ('exec: "check": executable file not found in $PATH', "the probe's command does not exist in the image"),
        ("queue is full", ""),
    ],
)
def test_the_answer_in_words(said: str, words: str) -> None:
    """A command's own output is left to speak for itself."""
    assert answer_in_words(said, PROBE) == words


def test_without_the_probe_no_number_is_made_up() -> None:
    """The specification may not have been read."""
    assert answer_in_words("i/o timeout", None) == "no answer in time"
    assert answer_in_words("connection refused", None) == "nothing listens there"


@pytest.mark.parametrize(
    ("message", "quoted"),
    [
        ("Readiness probe failed: HTTP probe failed with statuscode: 503", "HTTP probe failed with statuscode: 503"),
        ("Liveness probe errored: rpc error", "rpc error"),
        ("Readiness probe failed: ", ""),
        ("odd", "odd"),
    ],
)
def test_the_probes_own_words_are_quoted(message: str, quoted: str) -> None:
    """Without what the kubelet puts before them."""
    assert quoted_answer(message) == quoted
