"""The way to a host, step by step: its name, TCP, TLS with the pin to set, and its clock."""

import datetime as dt
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from functools import partial

from generator.net.probe import Probe
from generator.net.tls import TlsSettings, peer_fingerprint, ssl_context

_CLOCK_TOLERANCE_S = 300.0
_ADDRESS_FIX = "check `host` and this machine's DNS"
_TCP_FIX = "check `host` and `port`, firewalls between here and there, and that the service runs"


def reach(host: str, port: int, *, tls: TlsSettings | None, timeout_s: float) -> Iterator[Probe]:
    """The steps to `host`, up to the first that fails; without `tls` (SSH) name and TCP only."""
    steps = [partial(_name, host), partial(_tcp, host, port, timeout_s)]
    if tls is not None:
        steps += [partial(_tls, host, port, tls, timeout_s), partial(_clock, host, port, timeout_s)]
    for take in steps:
        step = take()
        yield step
        if step.problem:
            return


def _name(host: str) -> Probe:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return Probe(what="name", detail="an address, no name")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        return Probe(what="name", problem=f"{host} does not resolve ({reason})", fix=_ADDRESS_FIX)
    addresses = sorted({str(each[4][0]) for each in found})
    return Probe(what="name", detail=f"resolves to {', '.join(addresses)}")


def _tcp(host: str, port: int, timeout_s: float) -> Probe:
    started_s = time.monotonic()
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            there = connection.getpeername()[0]
    except TimeoutError:
        return Probe(what="TCP", problem=f"port {port} does not answer within {timeout_s:g} s", fix=_TCP_FIX)
    except OSError as error:
        return Probe(what="TCP", problem=f"port {port}: {error.strerror or error}", fix=_TCP_FIX)
    return Probe(what="TCP", detail=f"{there} port {port} in {(time.monotonic() - started_s) * 1000:.0f} ms")


def _tls(host: str, port: int, tls: TlsSettings, timeout_s: float) -> Probe:
    pin = peer_fingerprint(host, port, timeout_s=timeout_s)
    if pin is None:
        return Probe(
            what="TLS", problem=f"port {port} does not speak TLS 1.2 or newer", fix="set `port` to the HTTPS port"
        )
    shown = f"SHA-256 fingerprint {pin}"
    if tls.pinned:
        if tls.fingerprint_sha256 == pin:
            return Probe(what="TLS", detail=f"the pinned certificate, {shown}")
        return Probe(
            what="TLS", problem=f"not the pinned certificate: {shown}",
            fix=f"find out who changed it; if it was renewed: `tls: {{fingerprint_sha256: {pin}}}`",
        )  # fmt: skip
    if not tls.verify:
        return Probe(what="TLS", detail=f"NOT verified (verify: false); to verify it, pin its {shown}")
    problem = _verified(host, port, tls, timeout_s)
    if problem is None:
        return Probe(what="TLS", detail=f"verified, {shown}")
    return Probe(
        what="TLS", problem=f"its certificate is not trusted ({problem}); {shown}",
        fix=f"compare the fingerprint on the server, then pin it: `tls: {{fingerprint_sha256: {pin}}}`",
    )  # fmt: skip


def _verified(host: str, port: int, tls: TlsSettings, timeout_s: float) -> str | None:
    """Why the certificate is not trusted; `None` when it is."""
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            ssl_context(tls).wrap_socket(plain, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError as error:
        return str(error.strerror or error)


def _clock(host: str, port: int, timeout_s: float) -> Probe:
    """The difference of clocks, by the Date of an answer to nobody in particular."""
    connection = http.client.HTTPSConnection(
        host, port, timeout=timeout_s, context=ssl_context(TlsSettings(verify=False))
    )
    try:
        connection.request("HEAD", "/")
        date = connection.getresponse().getheader("Date")
    except (OSError, http.client.HTTPException):
        date = None
    finally:
        connection.close()
    try:
        there = parsedate_to_datetime(date or "")
    except ValueError:
        return Probe(what="clock", detail="the server tells no time", needed=False)
    there = there if there.tzinfo else there.replace(tzinfo=dt.UTC)
    apart_s = abs((there - dt.datetime.now(dt.UTC)).total_seconds())
    if apart_s > _CLOCK_TOLERANCE_S:
        return Probe(
            what="clock", problem=f"its clock and this machine's are {apart_s:.0f} s apart", needed=False,
            fix="let both follow NTP: dates in absent.yml and tokens that end depend on it",
        )  # fmt: skip
    return Probe(what="clock", detail=f"{apart_s:.0f} s apart")
