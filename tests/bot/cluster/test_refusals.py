"""What a write's answer is taken for, held against the answers of a real server."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest

from bot.cluster.faults import LONGEST_SAID, Tried
from bot.cluster.once import NOT_SENT, NotRepeated
from bot.cluster.refusals import from_answer, from_exception
from bot.errors import (
    ClusterError,
    ClusterFault,
    ClusterUnreachable,
    WriteConflict,
    WriteError,
    WriteRefused,
    WriteThrottled,
    WriteUnknown,
)

TRIED = Tried("PATCH", "/apis/apps/v1/namespaces/shop/deployments/api", 0.1)
RESPONSES = json.loads((Path(__file__).parents[2] / "fixtures" / "cluster" / "responses.json").read_bytes())
WRITES = {
    each["name"]: each["response"]
    for each in RESPONSES
    if each["request"]["method"] != "GET" and each["response"]["status"] >= 300
}
BY_STATUS: dict[int, type[ClusterError]] = {409: WriteConflict, 429: WriteThrottled}


def judged(name: str) -> ClusterError:
    """Return what a recorded answer is taken for."""
    answer = WRITES[name]
    body = json.dumps(answer["body"]).encode()
    return from_answer(answer["status"], answer.get("headers", {}), body, TRIED, dry_run=False)


@pytest.mark.parametrize("name", WRITES)
def test_of_every_recorded_refusal_nothing_is_in_doubt(name: str) -> None:
    error = judged(name)
    assert type(error) is BY_STATUS.get(WRITES[name]["status"], WriteRefused)
    assert error.unchanged == "Nothing was changed."
    assert len(error.message) < LONGEST_SAID + 150
    assert error.message.count("\n") == 1
    if isinstance(error, WriteRefused):
        assert error.status == WRITES[name]["status"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown-field-strict-scale", 'refuses this: patch: Invalid value: strict decoding error: unknown field "'),
        ("scale-negative", "refuses this: spec.replicas: Invalid value: -1: must be greater than or equal to 0."),
        ("json-patch-test-failed", "refuses this: the server rejected our request due to an error in our request."),
        ("forbidden-subresource", "The right to patch deployments/scale.apps in namespace "),
        ("quota-exceeded-pod", 'Not allowed: pods "direct" is forbidden: exceeded quota: q, requested: '),
        ("admission-policy-forbidden", 'Not allowed: deployments.apps "a1" is forbidden: ValidatingAdmissionPolicy '),
        ("admission-policy-default-reason", 'this: deployments.apps "a1" is forbidden: ValidatingAdmissionPolicy '),
        ("eviction-pdb-refuses", "Cannot evict pod as it would violate the pod's disruption budget. The disruption b"),
    ],
)
def test_the_reason_is_the_servers_own(name: str, words: str) -> None:
    assert words in judged(name).message


def test_a_budget_tells_to_wait_only_while_it_is_counted() -> None:
    waits = [judged(name) for name in ("eviction-pdb-refuses", "eviction-pdb-not-processed")]
    assert [each.retry_after_s for each in waits if isinstance(each, WriteThrottled)] == [None, 10]


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("", None), ("soon", 1.0), ("9999999", 1.0)])
def test_the_wait_is_the_servers(header: str, wait: float | None) -> None:
    error = from_answer(429, {"Retry-After": header}, b"", TRIED, dry_run=False)
    assert isinstance(error, WriteThrottled)
    assert error.retry_after_s == wait


def test_what_is_quoted_is_left_out_and_secrets_are_masked() -> None:
    """A whole object with the values of its variables, escaped as the server does."""
    whole = json.dumps(json.dumps({"env": [{"name": "DATABASE", "value": 'a "swordfish": }: b'}]} | {"x": "y" * 500}))
    for mark in ("Invalid value", "Duplicate value"):
        cause = {"field": "patch", "message": f"{mark}: {whole}: json: cannot unmarshal string"}
        for body in (
            {"message": f' "" is invalid: patch: {cause["message"]}', "details": {"causes": [cause]}},
            {"message": f' "" is invalid: patch: {cause["message"]}'},
        ):
            error = from_answer(422, {}, json.dumps(body).encode(), TRIED, dry_run=False)
            assert "swordfish" not in error.message
            assert f"{mark}: json: cannot unmarshal string" in error.message
    error = from_answer(422, {}, json.dumps({"message": "denied: DB_PASSWORD=hunter22"}).encode(), TRIED, dry_run=False)
    assert "hunter22" not in error.message


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>login</html>", b'{"broken', b"[]", b"null"])
@pytest.mark.parametrize("status", [302, 418, 500, 502, 503, 504, 499])
def test_whatever_else_answers_leaves_a_write_in_doubt_and_fails_a_dry_run(status: int, body: bytes) -> None:
    unknown = from_answer(status, {}, body, TRIED, dry_run=False)
    assert isinstance(unknown, WriteUnknown)
    assert str(status) in unknown.message
    assert isinstance(from_answer(status, {}, body, TRIED, dry_run=True), ClusterFault)


@pytest.mark.parametrize(
    "raised",
    [
        TimeoutError(),
        ConnectionResetError(),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError("half"),
        NotRepeated("the connection broke off"),
        ValueError("Chunk too big"),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_without_an_answer_a_write_is_in_doubt_and_a_dry_run_is_not(raised: Exception) -> None:
    unknown = from_exception(raised, TRIED, dry_run=False)
    assert isinstance(unknown, WriteUnknown)
    assert "PATCH /apis/apps/v1" in unknown.message
    assert not isinstance(from_exception(raised, TRIED, dry_run=True), WriteError)


def test_who_never_connected_sent_nothing() -> None:
    assert {error.__name__ for error in NOT_SENT} == {
        "ClientConnectorError",
        "ClientConnectorCertificateError",
        "ConnectionTimeoutError",
        "ClientHttpProxyError",
    }
    error = from_exception(aiohttp.ConnectionTimeoutError("slow"), TRIED, dry_run=False)
    assert isinstance(error, ClusterUnreachable)
