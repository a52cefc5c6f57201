"""Image references, and what the runtime says when a pull fails (containerd's words, by class of failure)."""

from __future__ import annotations

from sandbox.cluster.world.behaviours import PullFailure

_RESOLVED = "10.111.0.5"
_RESOLVER = "10.96.0.10:53"


def split(image: str) -> tuple[str, str, str]:
    """Return registry host, repository and tag (or digest) of a reference, as the runtime completes it."""
    first, slash, rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = first, rest
    else:
        host, path = "docker.io", image if slash else f"library/{image}"
    if "@" in path:
        repository, _, tag = path.partition("@")
    else:
        repository, _, tag = path.partition(":")
    return host, repository, tag or "latest"


def normalized(image: str) -> str:
    """Return the full reference that the runtime reports."""
    host, repository, tag = split(image)
    return f"{host}/{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def repository_of(image: str) -> str:
    """Return the reference without its tag."""
    host, repository, _ = split(image)
    return f"{host}/{repository}"


def _dialled(host: str) -> str:
    """Return the address that the runtime dials: the host's own if it is one, else what its name resolves to."""
    name, _, port = host.partition(":")
    return f"{name if name.replace('.', '').isdigit() else _RESOLVED}:{port or 443}"


def pull_error(image: str, failure: PullFailure) -> str:
    """Return the message of a failed pull. Only "not found" carries the prefix of an RPC code."""
    full = normalized(image)
    host, repository, tag = split(image)
    host = "registry-1.docker.io" if host == "docker.io" else host
    opening = f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": '
    scheme = "http" if host.startswith(("127.", "localhost")) else "https"
    request = f'failed to do request: Head "{scheme}://{host}/v2/{repository}/manifests/{tag}": '
    status = f"pulling from host {host} failed with status code [manifests {tag}]: "
    endings: dict[PullFailure, str] = {
        "not_found": f"{full}: not found",
        "unauthorized": f"{status}401 Unauthorized",
        "rate_limit": f"{status}429 Too Many Requests",
        "token_refused": "failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden",
        "dns": f"{request}dial tcp: lookup {host.partition(':')[0]} on {_RESOLVER}: no such host",
        "refused": f"{request}dial tcp {_dialled(host)}: connect: connection refused",
        "tls": f"{request}tls: failed to verify certificate: x509: certificate signed by unknown authority",
    }
    prefix = "rpc error: code = NotFound desc = " if failure == "not_found" else ""
    return prefix + opening + endings[failure]
