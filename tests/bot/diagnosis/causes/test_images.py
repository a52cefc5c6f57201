from __future__ import annotations

import pytest

from bot.diagnosis import diagnose
from bot.diagnosis.causes.images import classify
from bot.domain.findings import Finding
from bot.domain.objects import Event, Pod
from tests.support.builders import container, deployment, event, pod, replica_set, snapshot, waiting

REF = "reg.example/team/api:v9"
FAILED = f'failed to pull and unpack image "{REF}": '
RESOLVE = f'{FAILED}failed to resolve reference "{REF}": '
HEAD = f'{RESOLVE}failed to do request: Head "https://reg.example/v2/team/api/manifests/v9": '
STATUS = f"{RESOLVE}pulling from host reg.example failed with status code [manifests v9]: "

MESSAGES = {
    "not found": (f"rpc error: code = NotFound desc = {RESOLVE}{REF}: not found", "not found"),
    "no platform": (
        f"rpc error: code = NotFound desc = {FAILED}no match for platform in manifest: not found",
        "platform",
    ),
    "401": (f"{STATUS}401 Unauthorized", "unauthorized"),
    "403": (f"{STATUS}403 Forbidden", "unauthorized"),
    "token": (
        f"{RESOLVE}failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden",
        "unauthorized",
    ),
    "access denied": (f"{RESOLVE}pull access denied, repository does not exist", "unauthorized"),
    "429": (f"{STATUS}429 Too Many Requests", "rate limit"),
    "docker hub": (f"{RESOLVE}toomanyrequests: You have reached your pull rate limit.", "rate limit"),
    "500": (f"{STATUS}500 Internal Server Error", "registry fault"),
    "503": (f"{STATUS}503 Service Unavailable", "registry fault"),
    "dns": (f"{HEAD}dial tcp: lookup reg.example on 10.0.0.10:53: no such host", "name resolution"),
    "dns fault": (f"{HEAD}dial tcp: lookup reg.example on 10.0.0.10:53: server misbehaving", "name resolution"),
    "refused": (f"{HEAD}dial tcp 10.1.2.3:443: connect: connection refused", "unreachable"),
    "no answer": (f"{HEAD}dial tcp 10.1.2.3:443: i/o timeout", "unreachable"),
    "no handshake": (f"{HEAD}net/http: TLS handshake timeout", "unreachable"),
    "http": (f"{HEAD}http: server gave HTTP response to HTTPS client", "tls"),
    "certificate": (f"{HEAD}x509: cannot validate certificate for 10.1.2.3", "tls"),
    "odd": (f"{FAILED}the disk is full of cats", "unknown"),
}
messages = pytest.mark.parametrize(("message", "kind"), MESSAGES.values(), ids=list(MESSAGES))


def found(reason: str, message: str = "", *, image: str = REF, told: str = "") -> Finding:
    """Diagnose one pod whose image cannot be pulled; `told` is what an event says of it."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    lacking = pod(replicas, container(waiting(reason, message), image=image))
    events: tuple[Event, ...] = (event(lacking, "Failed", told), event(lacking, "Failed", "Error: ErrImagePull"))
    [finding] = diagnose(snapshot(workload, replicas, lacking, *(events if told else ()))).findings
    return finding


@messages
def test_each_class_of_failure_is_told_apart(message: str, kind: str) -> None:
    """Each needs another remedy."""
    finding = found("ErrImagePull", message)
    assert (finding.code, finding.title) == ("IMAGE_PULL_FAILED", f"image cannot be pulled ({kind})")
    assert finding.summary.endswith(f": {REF}.")


@messages
def test_the_back_off_is_read_like_the_failure(message: str, kind: str) -> None:
    """Both states alternate; the answer must not."""
    finding = found("ImagePullBackOff", f'Back-off pulling image "{REF}": ErrImagePull: {message}')
    assert finding.title == f"image cannot be pulled ({kind})"


@messages
def test_a_back_off_without_the_reason_is_explained_by_events(message: str, kind: str) -> None:
    """Older kubelets say only that they wait."""
    finding = found(
        "ImagePullBackOff", f'Back-off pulling image "{REF}"', told=f'Failed to pull image "{REF}": {message}'
    )
    assert finding.title == f"image cannot be pulled ({kind})"


@pytest.mark.parametrize("tag", ["401", "403", "429", "500", "503"])
def test_a_number_in_the_image_is_no_status(tag: str) -> None:
    """A tag may be any number, and stands in every message."""
    name = f"reg.example/api:{tag}"
    missing = f'failed to resolve reference "{name}": {name}: not found'
    looked_up = f'Head "https://reg.example/v2/api/manifests/{tag}": dial tcp: lookup reg.example: no such host'
    assert classify("ErrImagePull", missing)[0] == "not found"
    assert classify("ErrImagePull", looked_up)[0] == "name resolution"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("InvalidImageName", "invalid name"), ("ErrImageNeverPull", "never pull"), ("ImageInspectError", "unknown")],
)
def test_reasons_of_their_own_need_no_message(reason: str, kind: str) -> None:
    """The kubelet's reason is enough."""
    assert found(reason).title == f"image cannot be pulled ({kind})"


def test_the_way_to_mend_it_fits_the_class() -> None:
    """The first advice is about what failed."""
    assert found("ErrImagePull", MESSAGES["429"][0]).next[0].reason.startswith("wait, or pull through a mirror")


def test_other_reasons_to_wait_are_not_image_failures() -> None:
    """A container that is being created is not accused."""
    workload = deployment()
    replicas = replica_set(workload)
    creating: Pod = pod(replicas, container(waiting("ContainerCreating")), age_s=10)
    assert diagnose(snapshot(workload, replicas, creating)).findings == ()
