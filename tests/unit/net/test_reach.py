"""The way to a host, against servers on loopback that bar it at each step."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from generator.net.certificate import Certificate
from generator.net.probe import Probe
from generator.net.reach import reach
from generator.net.serve import free_port
from generator.net.tls import TlsSettings


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers HEAD, with the Date that its server was given."""

    date: str | None = None

    def do_HEAD(self) -> None:
        self.send_response_only(200)
        if self.date:
            self.send_header("Date", self.date)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def served(certificate: Certificate | None, date: str | None = None) -> Iterator[int]:
    server = http.server.HTTPServer(("127.0.0.1", 0), type("Dated", (Handler,), {"date": date}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def steps(port: int, tls: TlsSettings | None, host: str = "127.0.0.1") -> dict[str, Probe]:
    return {each.what: each for each in reach(host, port, tls=tls, timeout_s=5)}


@pytest.mark.parametrize(
    ("date", "detail", "problem"),
    [
        (None, "tells no time", None),
        ("no date at all", "tells no time", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "", "apart"),
    ],
)
def test_a_clock_that_is_wrong_or_silent(
    certificate: Certificate, date: str | None, detail: str, problem: str | None
) -> None:
    with served(certificate, date) as port:
        clock = steps(port, TlsSettings(fingerprint_sha256=certificate.fingerprint_sha256))["clock"]
    assert detail in clock.detail
    assert (clock.problem is None) == (problem is None)
    assert not clock.needed
    if problem:
        assert problem in str(clock.problem)
        assert "NTP" in str(clock.fix)


def test_a_port_without_tls() -> None:
    with served(None) as port:
        found = steps(port, TlsSettings())
    assert "does not speak TLS" in str(found["TLS"].problem)
    assert "clock" not in found


def test_a_certificate_that_is_verified_by_nothing_is_shown(certificate: Certificate) -> None:
    with served(certificate) as port:
        unverified = steps(port, TlsSettings(verify=False))["TLS"]
        unknown = steps(port, TlsSettings())["TLS"]
        known = steps(port, TlsSettings(ca_file=certificate.file), host="localhost")["TLS"]
    assert unverified.problem is None
    assert "NOT verified" in unverified.detail
    assert certificate.fingerprint_sha256 in unverified.detail
    assert certificate.fingerprint_sha256 in str(unknown.fix)
    assert known.problem is None
    assert "verified" in known.detail


def test_nobody_there() -> None:
    found = steps(free_port(), TlsSettings())
    assert "Connection refused" in str(found["TCP"].problem)
    assert list(found) == ["name", "TCP"]


def test_ssh_is_asked_for_name_and_tcp_only(certificate: Certificate) -> None:
    with served(certificate) as port:
        assert list(steps(port, None, host="localhost")) == ["name", "TCP"]


def test_names_that_cannot_be() -> None:
    for name in ("no-such-host.invalid", "a" * 64 + ".example", "ü" * 70):
        found = steps(443, TlsSettings(), host=name)
        assert list(found) == ["name"]
        assert found["name"].problem
