"""What probes are tried on: an authority with its certificates, servers that say what a test wants, and a resolver."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.probes import Probed, ProbeKind, ProbeTarget
from bot.probes import LiveProbes
from tests.support.clocks import WallClock

_PEM = serialization.Encoding.PEM
SCOPE = Scope(ClusterName("prod"), Namespace("rag"))
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def target(kind: ProbeKind, address: str, **more: Any) -> ProbeTarget:
    """Return a target with a limit that keeps tests quick."""
    return ProbeTarget(**{"name": "it", "kind": kind, "address": address, "scope": SCOPE, "timeout_s": 2.0, **more})


async def ask(it: ProbeTarget, environ: Mapping[str, str] | None = None, **how: Any) -> Probed:
    """Ask it once."""
    return await LiveProbes(environ or {}, WallClock(), **how).probe(it)


def codes(probed: Probed) -> list[str]:
    return [trouble.code for trouble in probed.troubles]


def stages(probed: Probed) -> list[tuple[str, bool]]:
    return [(stage.name, stage.ok) for stage in probed.stages]


def names_at(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Return a resolver to which every name is at these addresses."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


@asynccontextmanager
async def served(
    handler: Handler, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve TCP on a port, which is yielded; at the end every connection is cut."""
    ongoing: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ongoing.add(task)
        try:
            with suppress(ConnectionError):
                await handler(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            ongoing.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in ongoing:
            task.cancel()
        await server.wait_closed()
        await asyncio.sleep(0)


async def silence(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take the connection and say nothing."""
    await asyncio.sleep(60)


def saying(words: bytes, *, after: bytes = b"") -> Handler:
    """Return who waits for a text, answers with these bytes and closes."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after:
            await reader.readuntil(after)
        writer.write(words)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    return say


@dataclass(frozen=True)
class Authority:
    """Issues certificates into a folder."""

    folder: Path
    name: str = "Our own authority"
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def file(self) -> str:
        """The file with its own certificate."""
        path = self.folder / "authority.pem"
        if not path.exists():
            path.write_bytes(self._made(self.name, (), days=(-900, 900), authority=True).public_bytes(_PEM))
        return str(path)

    def context(
        self,
        *names: str,
        days: tuple[float, float] = (-30, 90),
        subject: str = "",
        by_itself: bool = False,
    ) -> ssl.SSLContext:
        """Return what a server needs to serve such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.key_file(*names, days=days, subject=subject, by_itself=by_itself))
        return context

    def key_file(
        self,
        *names: str,
        days: tuple[float, float] = (-30, 90),
        subject: str = "",
        by_itself: bool = False,
    ) -> Path:
        """Return a file with a key and its certificate for these names, valid between two days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._made(subject or names[0], names, days=days, key=key, by_itself=by_itself)
        path = self.folder / f"{made.serial_number}.pem"
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(private + made.public_bytes(_PEM))
        return path

    def _made(
        self,
        subject: str,
        names: Sequence[str],
        *,
        days: tuple[float, float],
        key: ec.EllipticCurvePrivateKey | None = None,
        by_itself: bool = False,
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        owner, signer = key or self._key, key if by_itself and key else self._key
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(subject if by_itself else self.name))
            .public_key(owner.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(each) for each in names]), critical=False
            )
        return builder.sign(signer, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
