"""How Redis is reached: short timeouts, few connections, the plainest protocol."""

from __future__ import annotations

from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

SOCKET_TIMEOUT_S: Final = 0.2
ANSWER_TIMEOUT_S: Final = 0.5
"""The longest that one use waits, connecting and signing in included."""
MOST_CONNECTIONS: Final = 32
FAILURES: Final = (RedisError, OSError, TimeoutError)
"""What a Redis that is away, late or odd looks like."""


def connect(url: str, *, retries: int, connections: int = MOST_CONNECTIONS) -> Redis:
    """Return a client that connects when it is used; more uses at once than `connections` wait for one another.

    `retries` is how often a broken connection is opened anew within one use: one that lay idle may have been closed
    by the other side.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=ANSWER_TIMEOUT_S,
        encoding_errors="surrogatepass",
        protocol=2,  # what is done here needs nothing newer, and proxies know it
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), retries, supported_errors=(RedisConnectionError,)),
    )
    return Redis.from_pool(pool)
