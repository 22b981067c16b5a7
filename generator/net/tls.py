"""TLS settings of a host, and the contexts made of them.

A BQN's certificate is self-signed by default (facts: BQN REST API, section 1), so a pin is the ordinary
way to verify one; billing systems are verified against the system's and certifi's authorities.
"""

import hashlib
import socket
import ssl
from pathlib import Path

from msgspec import Struct

_LEGACY_CIPHERS = "DEFAULT:@SECLEVEL=1"
"""Where a pin stands for the signature, an appliance's old 1024-bit or SHA-1 certificate is acceptable."""


class TlsSettings(Struct, frozen=True, kw_only=True):
    """How a host's certificate is verified: authorities, one file of them, a pin, or not at all."""

    verify: bool = True
    ca_file: Path | None = None
    fingerprint_sha256: str | None = None

    @property
    def pinned(self) -> bool:
        """Whether the certificate is verified by its fingerprint."""
        return self.verify and self.fingerprint_sha256 is not None


def ssl_context(tls: TlsSettings) -> ssl.SSLContext:
    """The client context for `tls`, TLS 1.2 or newer; a pin is checked by the connection itself."""
    if not tls.verify:
        import urllib3  # noqa: PLC0415 - only where there is something to silence

        # Its warning of each request names no host of the inventory, and is no line of our log; ours is both.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    if tls.pinned or not tls.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no authorities: loading them takes longer than a plan
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers(_LEGACY_CIPHERS)
    else:
        context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
        if tls.ca_file is None:
            import certifi  # noqa: PLC0415 - a hundredth of a second that a pinned host saves

            context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def peer_fingerprint(host: str, port: int, *, timeout_s: float) -> str | None:
    """The SHA-256 of the certificate that `host` shows, as hex; None when it shows none in time."""
    context = ssl_context(TlsSettings(verify=False))
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            certificate = wrapped.getpeercert(binary_form=True)
    except OSError:
        return None
    return hashlib.sha256(certificate).hexdigest() if certificate else None
