"""What kubelets measure of disks and volumes, asked of each of them directly: `/stats/summary`, and nothing else.

Their rights are nodes/stats; never nodes/proxy, by which the API server would pass on whatever is asked of a kubelet,
commands in containers included. A kubelet gets our credentials only after its certificate was found to be one of the
cluster's own authority, for its own address.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import aiohttp
import msgspec

from bot.cluster.connection import Credentials, user_agent
from bot.cluster.convert_extras import to_disks
from bot.cluster.faults import LONGEST_SAID, TRANSPORT_ERRORS
from bot.cluster.http import KubernetesHttp, credentials_of
from bot.cluster.structs_extras import KubeletNode, Summary
from bot.domain.text import first_line
from bot.domain.watch.extras import DiskUse
from bot.errors import (
    ClusterError,
    ClusterFault,
    ClusterForbidden,
    ClusterUnauthorized,
    ClusterUnreachable,
)
from bot.redaction import clean, redact

PATH = "/stats/summary"
MOST = 500
AT_ONCE = 8
_LARGEST = 32 * 1024 * 1024
_PORT = 10250
_SUMMARIES = msgspec.json.Decoder(Summary)
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_USER = re.compile(r"user=(?P<user>[^,\s)]{1,200}),")
_RIGHT_ADVICE = "Grant the right that is named (components/kubelet-metrics), or go without disks."
_TRUST_ADVICE = (
    "Give the kubelets certificates of the cluster (serverTLSBootstrap, and approve their requests), or go without"
    " disks."
)


@dataclass(frozen=True, slots=True)
class _Kubelet:
    node: str
    url: str


class Kubelets:
    """The kubelets of one cluster. One that does not answer holds up no others, and all of them `total_s` at most."""

    def __init__(self, http: KubernetesHttp, *, timeout_s: float = 3.0, total_s: float = 20.0) -> None:
        self._http = http
        self._timeout_s = timeout_s
        self._total_s = total_s

    async def disks(self, nodes: Sequence[KubeletNode]) -> tuple[DiskUse, ...]:
        """Ask those of the first `MOST` nodes. A volume that several pods have mounted is told once.

        Kubelets that cannot be read are left out. Raises the reason when none can be.
        """
        kubelets = [kubelet for node in nodes if (kubelet := _kubelet_of(node)) is not None][:MOST]
        if not kubelets:
            raise ClusterUnreachable("No node that is in touch names the address of its kubelet.", advice="")
        known = await credentials_of(self._http)
        context = _context(known)
        headers = {**known.headers, "Accept": "application/json", "User-Agent": user_agent()}
        read: dict[str, Summary | ClusterError] = {}
        connector = aiohttp.TCPConnector(ssl=context, limit=AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False) as session:
            try:
                async with asyncio.timeout(self._total_s):
                    at_once = asyncio.Semaphore(AT_ONCE)
                    async with asyncio.TaskGroup() as group:
                        for kubelet in kubelets:
                            group.create_task(self._keep(session, at_once, kubelet, read))
            except TimeoutError:
                pass  # those that answered are there; none is the same as all being silent
        return _told(read, len(kubelets))

    async def _keep(
        self,
        session: aiohttp.ClientSession,
        at_once: asyncio.Semaphore,
        kubelet: _Kubelet,
        read: dict[str, Summary | ClusterError],
    ) -> None:
        async with at_once:
            try:
                read[kubelet.node] = await self._ask(session, kubelet)
            except ClusterError as error:
                read[kubelet.node] = error

    async def _ask(self, session: aiohttp.ClientSession, kubelet: _Kubelet) -> Summary:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                session.get(kubelet.url + PATH, allow_redirects=False) as response,
            ):
                body = await _body(response, kubelet)
                if response.status != 200:
                    raise _refused(response.status, body, kubelet)
        except TRANSPORT_ERRORS as error:
            raise _unreached(error, kubelet) from error
        try:
            return await self._http.turns.take(partial(_SUMMARIES.decode, body))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ClusterFault(f"The kubelet of {kubelet.node} sent what cannot be read.") from error


def _kubelet_of(node: KubeletNode) -> _Kubelet | None:
    """Return where a node's kubelet listens; None where it is out of touch, or the node does not say."""
    status = node.status
    if status is None or any(each.type == "Ready" and each.status == "Unknown" for each in status.conditions or ()):
        return None
    inside = [each.address for each in status.addresses or () if each.type == "InternalIP"]
    endpoint = status.daemon_endpoints.kubelet_endpoint if status.daemon_endpoints is not None else None
    port = (endpoint.port if endpoint is not None else 0) or _PORT
    if not inside or not _ADDRESS.fullmatch(inside[0]) or not 0 < port < 65536:
        return None
    host = f"[{inside[0]}]" if ":" in inside[0] else inside[0]
    return _Kubelet(clean(node.metadata.name), f"https://{host}:{port}")


def _context(known: Credentials) -> ssl.SSLContext:
    """Return how kubelets are checked: against the authority that the connection names for the cluster, no other.

    Also where the connection itself is not checked: who may read that far does not get a token for it.
    """
    if not known.authority:
        raise ClusterUnreachable(
            "The way to the cluster names no certificate authority, so no kubelet can be told from an impostor: none"
            " is asked.",
            advice="Name the cluster's certificate authority in the kubeconfig, or go without disks.",
        )
    try:
        context = ssl.create_default_context(cafile=known.authority)
        if known.certificate:
            context.load_cert_chain(known.certificate, known.key or None)
    except (OSError, ValueError) as error:
        raise ClusterUnreachable("The certificates of the way to the cluster cannot be read.") from error
    return context


async def _body(response: aiohttp.ClientResponse, kubelet: _Kubelet) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST:
            raise ClusterFault(f"The kubelet of {kubelet.node} sends more than {_LARGEST} bytes.")
    return bytes(body)


def _refused(status: int, body: bytes, kubelet: _Kubelet) -> ClusterError:
    text = body[: 4 * LONGEST_SAID].decode("utf-8", "replace")
    match status:
        case 401:
            return ClusterUnauthorized(
                f"The kubelet of {kubelet.node} does not accept our credentials.",
                advice="Let kubelets ask the API server about tokens (authentication.webhook), or go without disks.",
            )
        case 403:
            user = _USER.search(text)
            whom = f" for {clean(user['user'])}" if user is not None else ""
            return ClusterForbidden(
                f"The right to get nodes/stats in the whole cluster is missing{whom}.", advice=_RIGHT_ADVICE
            )
        case _:
            said = first_line(redact(text), LONGEST_SAID).rstrip(".")
            return ClusterFault(f"The kubelet of {kubelet.node} answered {status}{': ' if said else ''}{said}.")


def _unreached(error: Exception, kubelet: _Kubelet) -> ClusterError:
    whose = f"the kubelet of {kubelet.node}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or "verification failed"
        return ClusterUnreachable(
            f"The certificate of {whose} is not one of the cluster's own ({why}): it gets no token.",
            advice=_TRUST_ADVICE,
        )
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return ClusterUnreachable(f"There is no TLS with {whose}: it gets no token.", advice=_TRUST_ADVICE)
    if isinstance(error, TimeoutError):
        return ClusterUnreachable(f"No answer in time from {whose}.", advice=_NETWORK_ADVICE)
    if isinstance(error, aiohttp.ClientConnectorError):
        why = error.os_error.strerror or type(error.os_error).__name__
        return ClusterUnreachable(f"No connection to {whose} ({why}).", advice=_NETWORK_ADVICE)
    return ClusterUnreachable(f"The connection to {whose} broke off.", advice=_NETWORK_ADVICE)


_NETWORK_ADVICE = "Check that this machine may reach the nodes' port 10250 (network policies), or go without disks."


def _told(read: Mapping[str, Summary | ClusterError], asked: int) -> tuple[DiskUse, ...]:
    """Return what the readable ones say. Raises the first reason where none is."""
    summaries = {node: said for node, said in sorted(read.items()) if isinstance(said, Summary)}
    if not summaries:
        errors = [said for _, said in sorted(read.items()) if isinstance(said, ClusterError)]
        raise errors[0] if errors else ClusterUnreachable(f"None of {asked} kubelets answered in time.")
    uses = {
        (use.kind, use.namespace, use.name, use.what): use
        for node, summary in summaries.items()
        for use in to_disks(node, summary)
    }
    return tuple(uses[key] for key in sorted(uses))
