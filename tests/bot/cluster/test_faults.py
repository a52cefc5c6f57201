"""Every answer and every broken connection has its error, with what was tried and no secrets."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.faults import LONGEST_SAID, Tried, from_answer, from_exception, from_status_event, unreadable
from bot.cluster.structs import Status
from bot.errors import (
    ClusterError,
    ClusterExpired,
    ClusterFault,
    ClusterForbidden,
    ClusterNotFound,
    ClusterThrottled,
    ClusterUnauthorized,
    ClusterUnreachable,
)

TRIED = Tried("GET", "/api/v1/pods", 1.25, 3)
RESPONSES = json.loads((Path(__file__).parents[2] / "fixtures" / "cluster" / "responses.json").read_bytes())
BY_STATUS: dict[int, type[ClusterError]] = {
    401: ClusterUnauthorized,
    403: ClusterForbidden,
    404: ClusterNotFound,
    410: ClusterExpired,
    429: ClusterThrottled,
}
FAILED = [r for r in RESPONSES if r["response"]["status"] >= 300]


@pytest.mark.parametrize("pair", FAILED, ids=[pair["name"] for pair in FAILED])
def test_every_recorded_error_has_its_class_and_says_what_was_tried(pair: dict[str, Any]) -> None:
    """Held against the error bodies of a real server."""
    answer = pair["response"]
    body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])

    error = from_answer(answer["status"], answer.get("headers", {}), body.encode(), TRIED)

    assert type(error) is BY_STATUS.get(answer["status"], ClusterFault)
    assert "GET /api/v1/pods (3 tries, 1.2 s)" in error.message
    assert len(error.message) < LONGEST_SAID + 150
    assert error.message.count("\n") == 1


def refusal(user: str, verb: str, resource: str, group: str, where: str) -> str:
    """What the server says to who lacks a right."""
    return f'x is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group "{group}" {where}'


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            refusal("system:serviceaccount:a:b", "list", "pods", "", 'in the namespace "shop"'),
            "The right to list pods in namespace shop is missing for system:serviceaccount:a:b",
        ),
        (
            refusal("eva", "watch", "nodes", "", "at the cluster scope"),
            "The right to watch nodes in the whole cluster is missing for eva",
        ),
        (
            refusal("eva", "list", "deployments", "apps", 'in the namespace "shop"'),
            "The right to list deployments.apps in namespace shop is missing for eva",
        ),
        ("quota exceeded", "Not allowed: quota exceeded"),
        ("", "Not allowed"),
    ],
)
def test_a_refusal_names_the_right_that_is_missing(said: str, expected: str) -> None:
    """An administrator can grant what he reads."""
    body = json.dumps({"kind": "Status", "message": said, "code": 403}).encode()
    assert from_answer(403, {}, body, TRIED).message.startswith(expected)


def test_what_the_server_quotes_is_masked_and_cut() -> None:
    """Some messages quote whole objects; five megabytes of them stay one line."""
    message = "denied: DB_PASSWORD=hunter22 " + "x" * 5_000_000
    error = from_answer(500, {}, json.dumps({"message": message}).encode(), TRIED)
    assert "hunter22" not in error.message
    assert len(error.message) < 500


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>login</html>", b'{"broken', b"[]", b"404 page not found\n"])
def test_any_body_makes_an_error(body: bytes) -> None:
    """Proxies and old servers answer with anything."""
    assert isinstance(from_answer(503, {}, body, TRIED), ClusterFault)


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("", 1.0), ("soon", 1.0), ("9999999", 1.0), ("-3", 1.0)])
def test_the_wait_is_the_servers(header: str, wait: float) -> None:
    """Retry-After in seconds, one second when it is not said."""
    error = from_answer(429, {"Retry-After": header}, b"", TRIED)
    assert isinstance(error, ClusterThrottled)
    assert error.retry_after_s == wait


def test_an_error_event_of_a_watch_is_judged_by_its_code() -> None:
    """410 inside a 200 stream means that the position is too old."""
    event = Status(kind="Status", message="too old resource version: 1 (2)", code=410)
    assert isinstance(from_status_event(event, TRIED), ClusterExpired)


@pytest.mark.parametrize(
    ("raised", "expected", "part"),
    [
        (TimeoutError(), ClusterUnreachable, "did not answer in time"),
        (ConnectionResetError(), ClusterUnreachable, "broke off"),
        (OSError(113, "No route to host"), ClusterUnreachable, "No route to host"),
        (ssl.SSLError(1, "wrong version number"), ClusterUnreachable, "certificate is not accepted"),
        (ValueError("Chunk too big"), ClusterFault, "not understood"),
    ],
    ids=["timeout", "reset", "no route", "tls", "too big"],
)
def test_what_the_transport_raises_is_told_in_words(raised: Exception, expected: type[ClusterError], part: str) -> None:
    """A person reads what happened to the connection."""
    error = from_exception(raised, TRIED)
    assert type(error) is expected
    assert part in error.message


def test_a_body_that_cannot_be_read_is_not_quoted() -> None:
    """It may hold anything."""
    assert "hunter22" not in unreadable(TRIED, ValueError("hunter22")).message
