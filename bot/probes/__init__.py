"""Probes: asks configured targets whether they are well, each in its own language.

Knows the port `Probes`, the injected clock and what is spoken with targets: httpx, psycopg and `cryptography` are used
here; Redis is spoken by hand on a connection whose address was checked. Who may be asked is decided by the
configuration and, after DNS, by `guard`; a connection goes to the very address that was checked. Nothing here writes:
HTTP is GET, SQL is a fixed catalogue in transactions that are read only, Redis is asked PING and INFO.

What a target says is hostile: it is redacted, put on one line and cut before it is kept, and its size is bounded as it
is read. Credentials come from the mapping that was handed in, and are masked wherever a target repeats them. This room
must not import other adapters, the service, or handlers.
"""

from bot.probes.live import LiveProbes

__all__ = ["LiveProbes"]
