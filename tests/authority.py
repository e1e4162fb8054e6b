"""A certificate authority that only the tests know, and servers with its certificates."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


class Authority:
    """One authority.

    Attributes:
        file: its own certificate.
        tls: what a server at `HOST` shows.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.file = folder / "authority.pem"
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name("Of tests")
        public = self._key.public_key()
        own = _certificate(self._name, public, self._name).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        own = own.add_extension(_key_usage(), critical=True)
        own = own.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        self.file.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))
        both = folder / "server.pem"
        both.write_bytes(b"".join(self.issued(HOST)))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(both)

    def issued(self, host: str) -> tuple[bytes, bytes]:
        """A certificate for an address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
        issued = _certificate(_name(host), key.public_key(), self._name)
        issued = issued.add_extension(names, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        issued = issued.add_extension(issuer, critical=False)
        return _pem(issued.sign(self._key, hashes.SHA256())), _private(key)


def _name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
