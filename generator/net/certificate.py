"""The self-signed certificates of simulator and emulators, made at start as an appliance has one."""

import datetime as dt
import hashlib
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

from generator.documents.files import write_atomically


class Certificate(Struct, frozen=True, kw_only=True):
    """A certificate with its key in one PEM file; `fingerprint_sha256` is what a client pins (hex)."""

    file: Path
    fingerprint_sha256: str


def ensure_certificate(file: Path, *, common_name: str = "localhost") -> Certificate:
    """The certificate in `file`, made first if it is missing: P-256, ten years, for loopback names."""
    if not file.is_file():
        write_atomically(file, _self_signed(common_name), mode=0o600)
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    der = certificate.public_bytes(serialization.Encoding.DER)
    return Certificate(file=file, fingerprint_sha256=hashlib.sha256(der).hexdigest())


def _self_signed(common_name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
