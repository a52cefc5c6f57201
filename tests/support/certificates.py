"""Certificate authorities and servers' certificates for tests, made on the spot."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_LONG = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority that lies in a folder of the test; `file` is its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    folder: Path

    @classmethod
    def make(cls, folder: Path, name: str = "the cluster's own") -> Authority:
        """Make one."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_named(name), _named(name), key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(key, certificate, folder)
        made.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return made

    @property
    def file(self) -> Path:
        return self.folder / "ca.crt"

    def server(self, *addresses: str, ended: bool = False) -> ssl.SSLContext:
        """Return how a server shows a certificate for these addresses; one that `ended` is no longer good."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(each)) for each in addresses])
        until = -timedelta(hours=1) if ended else _LONG
        certificate = (
            _builder(_named("system:node:one"), self.certificate.subject, key, until)
            .add_extension(names, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, until: timedelta = _LONG
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LONG)
        .not_valid_after(now + until)
    )
