"""What changes something is sent once: the transport may repeat and redirect reads, never a write.

By itself it sends a DELETE again when the connection breaks, and any request again to where a redirection points. Then
nobody could tell from the answer whether the first one had been carried out.
"""

from __future__ import annotations

import aiohttp

_READS = frozenset({"GET", "HEAD"})

NOT_SENT = (
    aiohttp.ClientConnectorError,  # nobody listens, the name is not known, no TLS
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
"""What the transport raises while it connects: of the request itself nothing has left."""


class NotRepeated(aiohttp.ClientError):
    """A request that may change something has no answer of the server's own, and was not sent again."""


async def send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request; a middleware of the transport. Raises `NotRepeated` where it would have sent a write again."""
    if request.method in _READS:
        return await send(request)
    try:
        response = await send(request)
    except NOT_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise NotRepeated("the connection broke off") from error
    if 300 <= response.status < 400:
        response.close()
        raise NotRepeated(f"something answers with a redirection ({response.status}), like a login page")
    return response
