"""The connection under the billing reader: verified as the inventory says, and its failures explained."""

import ipaddress
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import requests
import urllib3
from msgspec import Struct
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from generator.billing.text import shown
from generator.errors import UsageError
from generator.inventory.settings import BillingHost
from generator.net.tls import TlsSettings, peer_fingerprint, ssl_context

_log = logging.getLogger(__name__)

MAX_CONNECTIONS = 4
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LONGEST_HOST = 253
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_Wanted = TypeVar("_Wanted", bound=BaseException)


class Failure(Struct, frozen=True, kw_only=True):
    """One request that did not bring an answer: what a person is told, and whether to try again.

    `brief` is for the log line of a retry ("503", "time-out").
    """

    what: str
    fix: str
    brief: str
    transient: bool = False
    status: int | None = None
    retry_after_s: float | None = None


class _Session(requests.Session):
    """A session that never follows a redirect, nor prepares to (which would read its whole body)."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the library's signature
        return None


class _Adapter(HTTPAdapter):
    """Verifies by our TLS context and pin alone, whatever the library or its environment would choose."""

    def __init__(self, tls: TlsSettings) -> None:
        self._tls: dict[str, Any] = {"ssl_context": ssl_context(tls)}
        if tls.pinned:
            self._tls["assert_fingerprint"] = tls.fingerprint_sha256
        super().__init__(pool_connections=1, pool_maxsize=MAX_CONNECTIONS, max_retries=0)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        where, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return where, dict(self._tls)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the context decides."""


def open_session(host: BillingHost) -> requests.Session:
    """A session for `host`: no cookies, no netrc, no CA bundle from the environment, HTTPS only."""
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.adapters.clear()
    session.mount("https://", _Adapter(host.tls))
    if not host.tls.verify:
        _log.warning("%s: its certificate is not verified (tls: {verify: false})", host.name)
    return session


def base_url(host: BillingHost) -> str:
    """`https://HOST:PORT` of a billing system; raises `UsageError` when `host` is no name or address."""
    try:
        address = ipaddress.ip_address(host.host)
    except ValueError:
        if len(host.host) > _LONGEST_HOST or not _HOST_NAME.fullmatch(host.host):
            raise UsageError(
                f"host {shown(host.host)!r} is not a host name or address",
                where=host.name,
                fix="write only the name: no https://, port (that is `port`) or path",
            ) from None
        return f"https://{host.host}:{host.port}"
    return f"https://[{address}]:{host.port}" if address.version == 6 else f"https://{address}:{host.port}"  # noqa: PLR2004 - IP version


def proxies_for(host: BillingHost) -> dict[str, str]:
    """The proxies that HTTPS_PROXY and NO_PROXY name for `host`; none for this machine itself."""
    if host.host == "localhost" or _is_loopback(host.host):
        return {}
    return get_environ_proxies(base_url(host))


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def explain(error: Exception, host: BillingHost, *, proxied: bool = False) -> Failure:
    """Why a request to `host` failed before it had an answer, told by the types of the causes."""
    causes = tuple(_causes(error, set()))
    if proxied and _first(causes, requests.exceptions.ProxyError) is not None:
        return _unreachable("cannot be reached through the proxy", "check HTTPS_PROXY and NO_PROXY")
    if (untrusted := _first(causes, ssl.SSLCertVerificationError)) is not None:
        return _untrusted(host, untrusted, proxied=proxied)
    if (tls := _first(causes, ssl.SSLError)) is not None:
        return _tls_failed(host, tls)
    if host.tls.pinned and _first(causes, urllib3.exceptions.SSLError) is not None:
        return _wrong_pin(host, proxied=proxied)
    return _disconnected(host, causes)


def _disconnected(host: BillingHost, causes: tuple[BaseException, ...]) -> Failure:
    if (unknown := _first(causes, socket.gaierror)) is not None:
        return Failure(
            what=f"the name {host.host} does not resolve ({unknown.strerror})", brief="name not resolved",
            fix="check `host` in the inventory and this machine's DNS",
            transient=unknown.errno != socket.EAI_NONAME,
        )  # fmt: skip
    # Before time-outs: urllib3 counts a refused connection among the connect time-outs.
    refused = next((cause for cause in causes if isinstance(cause, OSError) and cause.strerror), None)
    if refused is not None:
        return _unreachable(f"cannot be reached ({refused.strerror})", "check `host`, `port` and firewalls")
    if any(isinstance(cause, _TIMEOUTS) for cause in causes):
        return Failure(
            what=f"no answer within {host.timeout_s:g} s", brief="time-out", transient=True,
            fix="check that it is up and reachable from here; slow servers need a larger `timeout`",
        )  # fmt: skip
    if any(isinstance(cause, requests.exceptions.InvalidSchema | requests.exceptions.InvalidProxyURL)
           for cause in causes):  # fmt: skip
        return Failure(
            what="the proxy of the environment cannot be used", brief="proxy",
            fix="HTTPS_PROXY must be an http:// or https:// URL",
        )  # fmt: skip
    return _unreachable("the connection ended before the answer was whole", "run again; look at the server's own log")


def _unreachable(what: str, fix: str) -> Failure:
    return Failure(what=what, fix=fix, brief="connection error", transient=True)


def _untrusted(host: BillingHost, error: ssl.SSLCertVerificationError, *, proxied: bool) -> Failure:
    seen = None if proxied else peer_fingerprint(host.host, host.port, timeout_s=host.timeout_s)
    line = f"`tls: {{fingerprint_sha256: {seen}}}`" if seen else "`tls: {fingerprint_sha256: HEX}`"
    return Failure(
        what=f"its certificate is not trusted ({error.verify_message})"
        + (f"; SHA-256 fingerprint {seen}" if seen else ""),
        fix=f"compare the fingerprint on the server, then pin it for host {host.name}: {line}; "
        "or name its authority: `tls: {ca_file: PATH}`",
        brief="certificate",
    )


def _wrong_pin(host: BillingHost, *, proxied: bool) -> Failure:
    seen = None if proxied else peer_fingerprint(host.host, host.port, timeout_s=host.timeout_s)
    shows = f"it shows {seen}" if seen else "it shows another"
    return Failure(
        what=f"its certificate is not the pinned one: {shows}, pinned is {shown(host.tls.fingerprint_sha256)}",
        fix="find out who changed the certificate; if it was renewed, correct "
        f"`tls: {{fingerprint_sha256: {seen or 'HEX'}}}` of host {host.name}",
        brief="certificate",
    )


def _tls_failed(host: BillingHost, error: ssl.SSLError) -> Failure:
    if error.reason in _NOT_TLS:
        return Failure(
            what=f"port {host.port} does not speak TLS", brief="no TLS",
            fix=f"set `port` of host {host.name} to its HTTPS port",
        )  # fmt: skip
    return _unreachable(
        f"TLS failed ({shown(error.reason or 'no reason given')})",
        "check `port`; the server must offer TLS 1.2 or newer",
    )


def _causes(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    if id(error) in seen:
        return
    seen.add(id(error))
    yield error
    linked = (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__)
    for cause in linked:
        if isinstance(cause, BaseException):
            yield from _causes(cause, seen)


def _first(causes: tuple[BaseException, ...], kind: type[_Wanted]) -> _Wanted | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)
