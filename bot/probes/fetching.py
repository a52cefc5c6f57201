"""One GET to an address that was checked. No redirect is followed, no proxy used, nothing of the environment read."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from bot.probes import tls, way
from bot.probes.asking import Asking, Stopped, misconfigured

MOST_BYTES = 64 * 1024
_AGENT = "ragops-probe"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `is_cut`: there was more than the body that is kept."""

    status: int
    headers: httpx.Headers
    body: bytes
    took_s: float
    is_cut: bool = False

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Tell whether a page for people came back."""
        named = self.headers.get("content-type", "").lower()
        return "html" in named or self.body[:512].lstrip().lower().startswith((b"<!doctype", b"<html"))

    @property
    def is_packed(self) -> bool:
        """Tell whether the body is compressed, although that was not asked for."""
        return self.headers.get("content-encoding", "identity").lower() not in ("", "identity")


@dataclass(frozen=True, slots=True)
class Site:
    """A server that was found, connected to and, over HTTPS, trusted."""

    url: httpx.URL
    name: str
    address: str
    timeout_s: float
    headers: Mapping[str, str]
    _transport: httpx.AsyncHTTPTransport = field(repr=False)

    async def get(self, path: str = "", *, most: int = MOST_BYTES) -> Answer:
        """Ask for a path below the target's own URL (empty: the URL itself). Raises `Stopped` or TimeoutError."""
        began = time.monotonic()
        try:
            response = await self._transport.handle_async_request(self._request(path))
            try:
                body, is_cut = await _read(response, most)
            finally:
                await response.aclose()
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise _broken(error, self.name) from error
        return Answer(response.status_code, response.headers, body, time.monotonic() - began, is_cut)

    def _request(self, path: str) -> httpx.Request:
        url = self.url.copy_with(host=self.address)
        if path:
            url = url.copy_with(raw_path=self.url.raw_path.partition(b"?")[0].rstrip(b"/") + path.encode("ascii"))
        phases = dict.fromkeys(("connect", "read", "write", "pool"), self.timeout_s)
        return httpx.Request(
            "GET", url, headers=self.headers, extensions={"timeout": phases, "sni_hostname": self.name}
        )


def parse(address: str) -> httpx.URL:
    """Read the URL of a target. Raises `Stopped`."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise misconfigured("The address is no URL.") from error
    if url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 65536:
        raise misconfigured("The address is no URL of http or https.")
    if url.userinfo:
        raise misconfigured("The address holds a user or a password.", "Name a variable with the token (secret_env).")
    return url


@asynccontextmanager
async def site(asking: Asking, url: httpx.URL, headers: Mapping[str, str]) -> AsyncIterator[Site | None]:
    """Go to a server and yield it; None where its certificate cannot be trusted: then nothing is sent to it."""
    host = url.raw_host.decode("ascii").removeprefix("[").removesuffix("]")
    port = url.port or (443 if url.scheme == "https" else 80)
    name = asking.target.server_name or host
    addresses = await way.find(asking, host, port)
    async with way.knock(asking, addresses, port) as doors:
        ready = [door.address for door in doors]
        if url.scheme == "https":
            ready = list(await tls.shake(asking, doors, name, ca_file=asking.target.ca_file))
    if not ready:
        yield None
        return
    known = {
        "Host": _host_header(url, asking.target.server_name),
        "User-Agent": _AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    limits = httpx.Limits(max_connections=4, max_keepalive_connections=4)
    context: ssl.SSLContext = tls.trusting(asking.target.ca_file)
    async with httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits) as transport:
        yield Site(url, name, ready[0], asking.target.timeout_s, known | dict(headers), transport)


def _host_header(url: httpx.URL, server_name: str) -> str:
    if not server_name:
        return url.netloc.decode("ascii")
    return server_name if url.port is None else f"{server_name}:{url.port}"


async def _read(response: httpx.Response, most: int) -> tuple[bytes, bool]:
    """Read up to `most` bytes as they came: unpacking could make any number of bytes of them."""
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > most:
            return bytes(body[:most]), True
    return bytes(body), False


def _broken(error: httpx.TransportError, name: str) -> Stopped:
    if isinstance(error, httpx.ProtocolError):
        return Stopped(
            "PROBE_NOT_HTTP",
            f"{name} does not answer as HTTP does: it closed the connection, or speaks something else.",
            advice="Check the port, and whether it wants HTTPS.",
        )
    return Stopped("PROBE_CONNECT", f"The connection to {name} broke off.", advice="Look at its log and its restarts.")
