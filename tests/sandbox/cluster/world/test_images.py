from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sandbox.cluster.world.behaviours import PullFails, PullFailure, Serves
from sandbox.cluster.world.images import normalized, pull_error

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny

_FAILED = 'failed to pull and unpack image "r.example/a:v9": failed to resolve reference "r.example/a:v9": '


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("not_found", f"rpc error: code = NotFound desc = {_FAILED}r.example/a:v9: not found"),
        (
            "unauthorized",
            f"{_FAILED}pulling from host r.example failed with status code [manifests v9]: 401 Unauthorized",
        ),
        (
            "rate_limit",
            f"{_FAILED}pulling from host r.example failed with status code [manifests v9]: 429 Too Many Requests",
        ),
        (
            "token_refused",
            f"{_FAILED}failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden",
        ),
        (
            "dns",
            (
                f'{_FAILED}failed to do request: Head "https://r.example/v2/a/manifests/v9": dial tcp: lookup r.example'
                " on 10.96.0.10:53: no such host"
            ),
        ),
        (
            "tls",
            (
                f'{_FAILED}failed to do request: Head "https://r.example/v2/a/manifests/v9": tls: failed to verify'
                " certificate: x509: certificate signed by unknown authority"
            ),
        ),
    ],
)
def test_each_class_of_failure_has_its_words(failure: PullFailure, message: str) -> None:
    """Only "not found" carries the prefix of an RPC code."""
    assert pull_error("r.example/a:v9", failure) == message


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
        ("127.0.0.1:5000/ingest:v9", "127.0.0.1:5000/ingest:v9"),
        ("r.example/a@sha256:ab", "r.example/a@sha256:ab"),
    ],
)
def test_references_are_completed(image: str, full: str) -> None:
    """The runtime reports the full reference."""
    assert normalized(image) == full


def test_failed_pulls_alternate_between_two_reasons(tiny: Tiny) -> None:
    """ErrImagePull shows for about twelve seconds, then ImagePullBackOff until the next try."""
    tiny.world.behave("r.example/app:v9", PullFails(failure="not_found"))
    tiny.deploy(image="r.example/app:v9")
    seen: list[tuple[str, float]] = []
    for _ in range(240):
        if not seen or seen[-1][0] != tiny.state:
            seen.append((tiny.state, tiny.world.clock.seconds))
        tiny.world.advance(1)
    assert [state for state, _ in seen[:5]] == [
        "ContainerCreating",
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImagePull",
        "ImagePullBackOff",
    ]
    lasted = [later[1] - earlier[1] for earlier, later in pairwise(seen) if earlier[0] == "ErrImagePull"]
    assert all(9 <= seconds <= 15 for seconds in lasted)
    assert tiny.pod["status"]["phase"] == "Pending"


def test_back_off_quotes_the_failure(tiny: Tiny) -> None:
    """The message of ImagePullBackOff is the failure's, with a prefix."""
    tiny.world.behave("r.example/app:v9", PullFails(failure="unauthorized"))
    tiny.deploy(image="r.example/app:v9")
    tiny.until(lambda: tiny.state == "ErrImagePull")
    failure = tiny.container["state"]["waiting"]["message"]
    tiny.until(lambda: tiny.state == "ImagePullBackOff")
    message = tiny.container["state"]["waiting"]["message"]
    assert message == f'Back-off pulling image "r.example/app:v9": ErrImagePull: {failure}'
    assert [event["type"] for event in tiny.events("BackOff")] == ["Normal"]


def test_an_unpublished_tag_of_a_known_repository_is_not_found(tiny: Tiny) -> None:
    """What a person mistypes cannot be pulled."""
    tiny.world.behave("r.example/app:v1", Serves())
    tiny.deploy(image="r.example/app:v2")
    tiny.until(lambda: tiny.state == "ErrImagePull")
    assert "r.example/app:v2: not found" in tiny.container["state"]["waiting"]["message"]


def test_publishing_the_image_heals_the_pod(tiny: Tiny) -> None:
    """The next try after the image was pushed succeeds."""
    tiny.world.behave("r.example/app:v1", Serves())
    tiny.deploy(image="r.example/app:v2")
    tiny.world.advance(30)
    tiny.world.catalogue.publish("r.example/app:v2")
    tiny.until(lambda: tiny.state == "running", within=320)
