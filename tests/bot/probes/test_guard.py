from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.watch.probes import Health, ProbeKind
from bot.probes.guard import refusal
from tests.bot.probes.worlds import ask, codes, names_at, served, silence, target

FORBIDDEN = (
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd20:ce::254",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "0.1.2.3",
    "255.255.255.255",
    "::",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "not an address",
)
ALLOWED = ("127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "fd12::1", "8.8.8.8", "2001:4860:4860::8888")


@pytest.mark.parametrize("address", FORBIDDEN)
def test_credentials_of_machines_and_addresses_of_many_are_never_asked(address: str) -> None:
    """Link-local, metadata, multicast and unspecified, in every spelling."""
    assert refusal(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_private_loopback_and_public_addresses_may_be_asked(address: str) -> None:
    """Most dependencies live at private addresses."""
    assert refusal(address) == ""


@given(st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_no_spelling_of_a_link_local_address_gets_through(address: object) -> None:
    """An IPv6 address may carry an IPv4 one in several ways."""
    assert all(refusal(spelling) for spelling in (f"{address}", f"::ffff:{address}", f"64:ff9b::{address}"))


@given(st.text(max_size=60))
def test_any_text_is_judged_without_raising(text: str) -> None:
    """A resolver may hand out anything."""
    assert isinstance(refusal(text), str)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        (ProbeKind.HTTP, "http://169.254.169.254/latest/meta-data/"),
        (ProbeKind.HTTP, "http://[fd00:ec2::254]/"),
        (ProbeKind.QDRANT, "http://169.254.169.254:6333"),
        (ProbeKind.POSTGRESQL, "169.254.169.254:5432"),
        (ProbeKind.REDIS, "169.254.169.254:6379"),
        (ProbeKind.TCP, "169.254.169.254:80"),
        (ProbeKind.TLS, "169.254.169.254:443"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_every_kind_refuses_a_forbidden_address(kind: ProbeKind, address: str) -> None:
    """The refusal comes before any packet."""
    probed = await ask(target(kind, address))
    assert (probed.health, codes(probed)) == (Health.UNKNOWN, ["PROBE_ADDRESS_FORBIDDEN"])
    assert probed.stages == ()


async def test_a_name_is_refused_for_any_forbidden_address_among_its_own() -> None:
    """A name that also leads to a metadata address is not to be trusted at all."""
    resolve = names_at("127.0.0.1", "169.254.169.254")
    async with served(silence) as port:
        probed = await ask(target(ProbeKind.TCP, f"rag.example.com:{port}"), resolve=resolve)
    assert (probed.health, codes(probed)) == (Health.UNKNOWN, ["PROBE_ADDRESS_FORBIDDEN"])
    assert "169.254.169.254" in probed.troubles[0].words


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that is pointed elsewhere after the check gains nothing: it is looked up once."""
    asked: list[str] = []
    hosts: list[bytes] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ("127.0.0.1",) if len(asked) == 1 else ("169.254.169.254",)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hosts.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    async with served(answer) as port:
        probed = await ask(target(ProbeKind.HTTP, f"http://rebound.example.com:{port}/"), resolve=rebinding)
    assert (probed.health, asked) == (Health.OK, ["rebound.example.com"])
    assert f"host: rebound.example.com:{port}\r\n".encode() in hosts[0].lower()
