from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, Probed, ProbeKind
from bot.probes.certificates import INGRESS_FAKE, Unreadable, is_for, read_certificate
from tests.bot.probes.worlds import Authority, ask, codes, names_at, saying, served, silence, stages, target

OK = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", after=b"\r\n\r\n")
KINDS = pytest.mark.parametrize("kind", [ProbeKind.TLS, ProbeKind.HTTP])


async def asked(context: ssl.SSLContext, kind: ProbeKind = ProbeKind.TLS, *, ca_file: str = "", **more: str) -> Probed:
    async with served(OK, tls=context) as port:
        place = f"localhost:{port}" if kind is ProbeKind.TLS else f"https://localhost:{port}/"
        return await ask(target(kind, place, ca_file=ca_file, **more), resolve=names_at("127.0.0.1"))


@KINDS
async def test_a_right_certificate_is_read_and_no_trouble(kind: ProbeKind, authority: Authority) -> None:
    """Names, issuer, serial and dates, of the address that served it."""
    probed = await asked(authority.context("localhost", "127.0.0.1"), kind, ca_file=authority.file)
    assert (probed.health, codes(probed)) == (Health.OK, [])
    assert [name for name, ok in stages(probed) if ok][:3] == ["DNS", "TCP", "TLS"]
    (certificate,) = probed.certificates
    assert certificate.names == ("localhost", "127.0.0.1")
    assert certificate.issuer == "Our own authority"
    assert certificate.address == "127.0.0.1"
    assert certificate.problem == ""
    assert int(certificate.serial, 16) > 0
    assert certificate.not_after - datetime.now(UTC) > timedelta(days=89)
    assert 89 < dict(probed.figures)["certificate_days"] < 91
    assert "ends in 89 days" in dict(probed.facts)["Certificate"]


@KINDS
async def test_an_expired_certificate_is_named_and_read_all_the_same(kind: ProbeKind, authority: Authority) -> None:
    """When it ended is what people ask first."""
    probed = await asked(authority.context("localhost", days=(-90, -3)), kind, ca_file=authority.file)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["CERTIFICATE_EXPIRED"])
    assert "3 days ago" in probed.troubles[0].words
    assert probed.certificates[0].problem == "certificate has expired"
    assert ("HTTP", True) not in stages(probed)


@pytest.mark.parametrize(("days", "severity"), [(5, Severity.WARNING), (2, Severity.CRITICAL)])
@KINDS
async def test_a_certificate_that_ends_soon_is_named(
    kind: ProbeKind, days: int, severity: Severity, authority: Authority
) -> None:
    """It serves still, so the target is degraded and not failed."""
    probed = await asked(authority.context("localhost", days=(-80, days + 0.01)), kind, ca_file=authority.file)
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["CERTIFICATE_ENDS_SOON"])
    assert probed.troubles[0].severity is severity


@KINDS
async def test_a_certificate_for_another_host_is_named_with_its_names(kind: ProbeKind, authority: Authority) -> None:
    """The host beside the names that the certificate has."""
    probed = await asked(authority.context("other.example.com"), kind, ca_file=authority.file)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["CERTIFICATE_WRONG_HOST"])
    assert "other.example.com, not for localhost" in probed.troubles[0].words


@KINDS
async def test_a_certificate_that_nobody_vouches_for_is_named(kind: ProbeKind, authority: Authority) -> None:
    """Signed by itself, or by an authority that is not trusted here."""
    probed = await asked(authority.context("localhost", by_itself=True), kind)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["CERTIFICATE_UNTRUSTED"])
    assert "self-signed certificate" in probed.troubles[0].words
    assert codes(await asked(authority.context("localhost"), kind)) == ["CERTIFICATE_UNTRUSTED"]


async def test_all_that_is_wrong_is_said_at_once(authority: Authority) -> None:
    """A verification ends at the first fault; people would mend one after the other."""
    probed = await asked(authority.context("other.example.com", days=(-90, -3), by_itself=True))
    assert sorted(codes(probed)) == ["CERTIFICATE_EXPIRED", "CERTIFICATE_UNTRUSTED", "CERTIFICATE_WRONG_HOST"]


async def test_a_certificate_that_is_not_valid_yet_is_not_trusted(authority: Authority) -> None:
    """A clock is wrong somewhere."""
    probed = await asked(authority.context("localhost", days=(2, 90)), ca_file=authority.file)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["CERTIFICATE_UNTRUSTED"])
    assert "not yet valid" in probed.troubles[0].words


async def test_the_ingress_controllers_fake_certificate_is_known_by_name(authority: Authority) -> None:
    """It means that no certificate was found for the host; all else that is wrong with it follows from that."""
    probed = await asked(authority.context("ingress.local", subject=INGRESS_FAKE, by_itself=True))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["CERTIFICATE_FAKE"])


async def test_another_server_name_may_be_asked_for(authority: Authority) -> None:
    """The address leads there, the name is what the certificate is for."""
    context = authority.context("rag.example.com")
    assert (await asked(context, ca_file=authority.file, server_name="rag.example.com")).health is Health.OK


async def test_the_name_is_sent_although_the_connection_goes_to_the_address(authority: Authority) -> None:
    """One address serves many hosts, each with its certificate."""
    asked_for = []
    context = authority.context("localhost")
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    probed = await asked(context, ProbeKind.HTTP, ca_file=authority.file)
    assert probed.health is Health.OK
    assert asked_for == ["localhost", "localhost"]


async def test_every_address_is_looked_at(authority: Authority) -> None:
    """One of two replicas that did not load the new certificate is found; the other one serves."""
    new, old = authority.context("localhost"), authority.context("localhost", days=(-90, -3))
    async with served(OK, tls=new) as port, served(OK, host="127.0.0.2", port=port, tls=old):
        it = target(ProbeKind.HTTP, f"https://localhost:{port}/", ca_file=authority.file)
        probed = await ask(it, resolve=names_at("127.0.0.2", "127.0.0.1"))
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["CERTIFICATE_EXPIRED"])
    assert {one.address: bool(one.problem) for one in probed.certificates} == {"127.0.0.1": False, "127.0.0.2": True}
    assert ("HTTP", True) in stages(probed)


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 600])
@KINDS
async def test_a_port_that_speaks_no_tls_is_said(kind: ProbeKind, words: bytes) -> None:
    """Plain HTTP at the port of HTTPS."""
    async with served(saying(words)) as port:
        place = f"localhost:{port}" if kind is ProbeKind.TLS else f"https://localhost:{port}/"
        probed = await ask(target(kind, place), resolve=names_at("127.0.0.1"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TLS"])
    assert stages(probed)[-1] == ("TLS", False)


async def test_a_handshake_that_hangs_costs_the_targets_own_time() -> None:
    """The stage at which it hangs is named."""
    async with served(silence) as port:
        probed = await ask(target(ProbeKind.TLS, f"127.0.0.1:{port}", timeout_s=0.3))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TIMEOUT"])
    assert stages(probed) == [("TCP", True), ("TLS", False)]


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_of_authorities_that_cannot_be_read_is_a_fault_of_the_configuration(
    content: str | None, tmp_path: Path, authority: Authority
) -> None:
    """Nothing is asked without the verification that was wanted."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    probed = await asked(authority.context("localhost"), ca_file=str(path))
    assert (probed.health, codes(probed)) == (Health.UNKNOWN, ["PROBE_MISCONFIGURED"])


async def test_a_token_is_not_sent_to_whom_nobody_vouches_for(authority: Authority) -> None:
    """The verification comes first."""
    heard = []

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))

    async with served(listen, tls=authority.context("localhost", by_itself=True)) as port:
        it = target(ProbeKind.HTTP, f"https://localhost:{port}/", secret_env="TOKEN")
        probed = await ask(it, {"TOKEN": "planted-token"}, resolve=names_at("127.0.0.1"))
    assert codes(probed) == ["CERTIFICATE_UNTRUSTED"]
    assert not any(heard)


async def test_plain_tcp_says_whether_the_port_is_open() -> None:
    """Nothing is sent."""
    async with served(silence) as port:
        probed = await ask(target(ProbeKind.TCP, f"localhost:{port}"), resolve=names_at("127.0.0.1"))
    assert (probed.health, stages(probed)) == (Health.OK, [("DNS", True), ("TCP", True)])
    probed = await ask(target(ProbeKind.TCP, f"127.0.0.1:{port}"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_CONNECT"])


async def test_one_of_two_addresses_that_refuses_is_said() -> None:
    """Half of those who use the name fail."""
    async with served(silence) as port:
        it = target(ProbeKind.TCP, f"db.example.com:{port}")
        probed = await ask(it, resolve=names_at("127.0.0.1", own_address()))
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["PROBE_ADDRESS_DOWN"])
    assert stages(probed) == [("DNS", True), ("TCP", True), ("TCP", False)]


async def test_a_loopback_address_that_refuses_is_no_trouble_beside_another() -> None:
    """`localhost` often has an address that nobody listens at."""
    async with served(silence) as port:
        probed = await ask(target(ProbeKind.TCP, f"localhost:{port}"), resolve=names_at("127.0.0.9", "127.0.0.1"))
    assert (probed.health, codes(probed)) == (Health.OK, [])


def own_address() -> str:
    """Return an address of this machine at which a server of loopback does not listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bare:
        try:
            bare.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(bare.getsockname()[0])


@pytest.mark.parametrize("address", ["", ":5432", "db", "db:0", "db:port", "db:70000", "[::1]"])
async def test_an_address_without_a_port_is_a_fault_of_the_configuration(address: str) -> None:
    """There is no usual port for TCP."""
    probed = await ask(target(ProbeKind.TCP, address))
    assert (probed.health, codes(probed)) == (Health.UNKNOWN, ["PROBE_MISCONFIGURED"])


@pytest.mark.parametrize(
    ("names", "host", "fits"),
    [
        (["rag.example.com"], "rag.example.com", True),
        (["RAG.example.com"], "rag.Example.com.", True),
        (["*.example.com"], "rag.example.com", True),
        (["*.example.com"], "a.rag.example.com", False),
        (["*.example.com"], "example.com", False),
        (["*.com"], "example.com", False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["*.0.0.1"], "10.0.0.1", False),
        ([], "rag.example.com", False),
    ],
)
def test_a_wildcard_covers_one_label(names: list[str], host: str, fits: bool) -> None:
    """As browsers judge."""
    assert is_for(names, host) is fits


@given(st.binary(max_size=300))
def test_what_is_no_certificate_is_said_to_be_none(der: bytes) -> None:
    """A server may send anything."""
    with pytest.raises(Unreadable):
        read_certificate(der)


def test_a_certificate_of_a_version_that_there_is_not_cannot_be_read(authority: Authority) -> None:
    """It is the target's fault, not ours."""
    der = x509.load_pem_x509_certificate(Path(authority.file).read_bytes()).public_bytes(Encoding.DER)
    with pytest.raises(Unreadable):
        read_certificate(der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020109"), 1))
