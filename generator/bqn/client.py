"""The REST client of one BQN: reads its whole state, writes one object a request.

It speaks urllib3 directly: the appliance takes one request per object, so the cost of each request is the
cost of the first apply (docs/decisions/0004-http.md). What is known of the API, and what is only assumed,
is in the facts on the BQN REST API; numbers of rows below are those of its section 12.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import msgspec
import urllib3
from msgspec import Struct
from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError  # noqa: A004 - urllib3's name for it

from generator.bqn.kinds import Kind, collection_path, object_path
from generator.bqn.live import EMPTY_COLLECTION, LiveState, UnreadableAnswerError, decode_keys, decode_state
from generator.bqn.pacing import Pacing
from generator.errors import AccessDeniedError, ApplianceError
from generator.inventory.secret import Secret
from generator.inventory.settings import BqnHost
from generator.net.bodies import MAX_BODY_BYTES
from generator.net.redirect import redirect_target
from generator.net.retry import RETRIED_STATUSES, RetryPolicy, retry_after_s
from generator.net.tls import TlsSettings, peer_fingerprint, ssl_context

log = logging.getLogger(__name__)

_OK = range(200, 300)
_NOT_FOUND = 404
_DENIED = frozenset({401, 403})
_OVERLOAD = frozenset({429, 500, 503})
_PREVIEW_BYTES = 120
_PIECE_BYTES = 1 << 20
_LONG_WAIT_S = 2.0
"""A wait that a person would wonder about is told without -v."""
_FIRST_DELAY_S = 0.5
"""The first wait before another attempt; less for a host whose `timeout` says that it answers quickly."""


class Endpoint(Protocol):
    """Where a BQN's REST API is and how to use it: a BQN of the inventory, or what a source is read from."""

    @property
    def name(self) -> str:
        """The host's name in the inventory, for messages."""

    @property
    def host(self) -> str:
        """A name or an address."""

    @property
    def port(self) -> int:
        """The TCP port."""

    @property
    def timeout_s(self) -> float:
        """Seconds to connect, and between the parts of an answer."""

    @property
    def tls(self) -> TlsSettings:
        """How the certificate is verified."""

    @property
    def username(self) -> Secret:
        """The REST user."""

    @property
    def password(self) -> Secret:
        """The user's password."""

    @property
    def max_connections(self) -> int:
        """At most so many requests at once."""

    @property
    def ipv6_prefix(self) -> int:
        """The prefix length that is one IPv6 subscriber there."""


class Answer(Struct, frozen=True):
    """What came back: the status and the body, unread; for a redirect, where to."""

    status: int
    body: bytes
    location: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the appliance says it did what was asked; a login page with status 200 says nothing of it."""
        return self.status in _OK and not self.is_page

    def preview(self) -> str:
        """The first bytes of the body, fit to print; the format of error bodies is unknown (row 5)."""
        return _printable(self.body[:_PREVIEW_BYTES].decode("utf-8", "replace"))

    @property
    def is_page(self) -> bool:
        """Whether this is an HTML page, as logins and proxies show."""
        return self.body.lstrip().startswith(b"<")


class BqnClient:
    """One appliance, over at most `max_connections` kept-alive connections; safe to use from threads.

    A request is tried again on 408, 429, 5xx and connection errors, with back-off and jitter and at least as
    long as Retry-After asks; never on other 4xx. 401 and 403 raise `AccessDeniedError` and make every later
    request fail at once, so that a wrong password is not tried a thousand times (row 19).
    """

    def __init__(
        self,
        host: Endpoint,
        *,
        retry: RetryPolicy | None = None,
        stop: threading.Event | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.host = host
        self._max_body_bytes = max_body_bytes
        self._retry = retry or RetryPolicy(first_delay_s=min(_FIRST_DELAY_S, host.timeout_s / 10))
        self._stop = stop or threading.Event()
        self._pacing = Pacing(host.max_connections)
        self._denied: AccessDeniedError | None = None
        credentials = f"{host.username.reveal()}:{host.password.reveal()}"
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what comes compressed is not taken: it may be a thousand times as large
            "Content-Type": "application/json; charset=utf-8",
            **urllib3.make_headers(basic_auth=credentials, keep_alive=True),
        }
        self._pool = urllib3.HTTPSConnectionPool(
            host.host,
            host.port,
            maxsize=host.max_connections,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=host.timeout_s, read=host.timeout_s),
            ssl_context=ssl_context(host.tls),
            assert_fingerprint=host.tls.fingerprint_sha256 if host.tls.pinned else None,
            assert_hostname=None if host.tls.verify and not host.tls.pinned else False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    @property
    def address(self) -> str:
        """`host:port`, which names the appliance for its lock and in messages."""
        return f"{self.host.host}:{self.host.port}"

    def read_state(self) -> LiveState:
        """The whole live state; raises `ApplianceError` unless all three collections were read whole.

        404 on a collection is an empty one (row 1); any other status is an error, never an empty BQN.
        """
        try:
            return decode_state(self._collection, ipv6_prefix=self.host.ipv6_prefix)
        except UnreadableAnswerError as error:
            raise self._no_list(error) from error

    def read_keys(self, kind: Kind) -> list[str]:
        """The keys of one collection; raises `ApplianceError` as `read_state` does."""
        body = self._collection(kind)
        try:
            return decode_keys(kind, body)
        except UnreadableAnswerError as error:
            raise self._no_list(error) from error

    def read_object(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """One object with all its fields, or None if the appliance has none of that name (row 2)."""
        path = object_path(kind, key)
        answer = self.request("GET", path)
        if answer.status == _NOT_FOUND:
            return None
        if not answer.ok:
            raise self._refused("GET", path, answer)
        try:
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApplianceError(
                f"its answer is not an object: {answer.preview()!r}", where=self._where("GET", path)
            ) from error

    def write(self, method: str, kind: Kind, key: str, body: Mapping[str, Any] | None) -> Answer:
        """Send one write and return the answer, a refusal included; raises only if none can be had."""
        encoded = None if body is None else msgspec.json.encode(body)
        return self.request(method, object_path(kind, key), encoded)

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request, tried again as the class says; raises `ApplianceError` when nothing answers."""
        attempt = 0
        while True:
            attempt += 1
            self._raise_if_denied()
            outcome = self._attempt(method, path, body)
            if isinstance(outcome, Answer):
                self._raise_if_access_denied(method, path, outcome)
                return outcome
            if attempt >= self._retry.attempts or self._stop.is_set():
                return self._give_up(outcome, method=method, path=path, attempts=attempt)
            self._wait(outcome, method=method, path=path, attempt=attempt)
            if self._stop.is_set():  # asked to stop while waiting: nothing new is begun
                return self._give_up(outcome, method=method, path=path, attempts=attempt)

    def _attempt(self, method: str, path: str, body: bytes | None) -> "Answer | _Failure":
        with self._pacing.slot():
            try:
                response = self._pool.urlopen(
                    method, path, body=body, headers=self._headers, redirect=False, retries=False,
                    preload_content=False, decode_content=False,
                )  # fmt: skip
                content = self._read(response)
            except (HTTPError, OSError) as error:
                return self._connection_failure(error)
        if content is None:
            raise ApplianceError(
                f"its answer is larger than {self._max_body_bytes} bytes", where=self._where(method, path),
                fix="check that this host and port are a BQN's REST API; nothing is taken from this answer",
            )  # fmt: skip
        answer = Answer(response.status, content, response.headers.get("Location"))
        if answer.status not in RETRIED_STATUSES:
            self._pacing.succeeded()
            return answer
        if answer.status in _OVERLOAD and self._pacing.overloaded():
            log.info("%s: complains of load, now %d connections", self.host.name, self._pacing.limit)
        return _Failure(answer, retry_after_s(response.headers.get("Retry-After"), now_s=time.time()), None)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes | None:
        """The body as it came, None if it is too large; piece by piece, for it may have no end."""
        pieces: list[bytes] = []
        size = 0
        for piece in response.stream(_PIECE_BYTES, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > self._max_body_bytes:
                response.close()
                return None
        response.release_conn()
        return b"".join(pieces)

    def _connection_failure(self, error: Exception) -> "_Failure":
        cause = error.args[0] if error.args else None
        if isinstance(error, urllib3.exceptions.SSLError) and (isinstance(cause, (str, ssl.SSLCertVerificationError))):
            raise self._untrusted() from error
        return _Failure(None, None, error)

    def _untrusted(self) -> ApplianceError:
        seen = peer_fingerprint(self.host.host, self.host.port, timeout_s=self.host.timeout_s)
        if self.host.tls.pinned:
            what = f"its certificate is not the pinned one: it shows {seen}"
            fix = "if the certificate was renewed on purpose, pin the new one; otherwise somebody is in between"
        else:
            what = f"its certificate is not signed by a known authority (SHA-256 {seen})"
            fix = f"compare that on the appliance, then set tls: {{fingerprint_sha256: {seen}}}"
        return AccessDeniedError(what, where=f"{self.host.name}: https://{self.address}", fix=fix)

    def _wait(self, failure: "_Failure", *, method: str, path: str, attempt: int) -> None:
        delay = self._retry.delay_s(attempt, failure.retry_after_s)
        level = logging.WARNING if delay >= _LONG_WAIT_S else logging.INFO
        log.log(
            level,
            "%s: %s %s: %s, waiting %.1f s, attempt %d of %d",
            self.host.name, method, path, failure.reason(), delay, attempt + 1, self._retry.attempts,
        )  # fmt: skip
        self._stop.wait(delay)

    def _give_up(self, failure: "_Failure", *, method: str, path: str, attempts: int) -> Answer:
        if failure.answer is not None:
            return failure.answer
        if isinstance(failure.error, NewConnectionError):
            fix = "check host and port, and that the REST API is switched on in the BQN (off by default)"
        elif isinstance(failure.error, TimeoutError):
            fix = f"the appliance did not answer in {self.host.timeout_s:g} s; raise timeout if it is only slow"
        else:
            fix = "check the network between here and the appliance"
        raise ApplianceError(
            f"{failure.reason()}, after {attempts} attempts", where=self._where(method, path), fix=fix
        ) from failure.error

    def _collection(self, kind: Kind) -> bytes:
        path = collection_path(kind)
        answer = self.request("GET", path)
        if answer.status == _NOT_FOUND:
            return EMPTY_COLLECTION
        if not answer.ok or not answer.body:
            raise self._refused("GET", path, answer)
        return answer.body

    def _no_list(self, error: UnreadableAnswerError) -> ApplianceError:
        return ApplianceError(
            f"its list of {error.kind.plural} is not whole, valid JSON of that shape ({error}): "
            f"{Answer(200, error.body).preview()!r}",
            where=self._where("GET", collection_path(error.kind)),
            fix="check that this host and port are a BQN's REST API; nothing is taken from this answer",
        )

    def _refused(self, method: str, path: str, answer: Answer) -> ApplianceError:
        tried = f" (after {self._retry.attempts} attempts)" if answer.status in RETRIED_STATUSES else ""
        what, fix = f"answered HTTP {answer.status}", "nothing is taken from this answer; try again when it is well"
        if answer.location:
            target, fix = map(_printable, redirect_target(f"https://{self.address}{path}", answer.location))
            what += f", a redirect to {target}, which is not followed"
        elif answer.is_page and answer.status in _OK:
            what = "answered an HTML page instead of JSON"
            fix = "this is a login page or another site: check `host` and `port`"
        return ApplianceError(f"{what}{tried}: {answer.preview()!r}", where=self._where(method, path), fix=fix)

    def _raise_if_denied(self) -> None:
        if self._denied is not None:
            raise self._denied

    def _raise_if_access_denied(self, method: str, path: str, answer: Answer) -> None:
        if answer.status not in _DENIED:
            return
        what = (
            "the user or password is wrong (HTTP 401)"
            if answer.status == 401  # noqa: PLR2004 - named in the text
            else "this client may not use the REST API (HTTP 403)"
        )
        self._denied = AccessDeniedError(
            what,
            where=self._where(method, path),
            fix="check credentials, and the REST users and allowed clients in the BQN's GUI",
        )
        raise self._denied

    def _where(self, method: str, path: str) -> str:
        return f"{self.host.name}: {method} https://{self.address}{path}"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text).strip()


class _Failure(Struct, frozen=True):
    """An attempt that is worth another: an answer that asks for patience, or no answer."""

    answer: Answer | None
    retry_after_s: float | None
    error: Exception | None

    def reason(self) -> str:
        if self.answer is not None:
            return f"answered {self.answer.status}"
        if isinstance(self.error, NewConnectionError):
            return "cannot be reached"
        if isinstance(self.error, TimeoutError):
            return "did not answer in time"
        return "the connection ended"


ClientFactory = Callable[[BqnHost], BqnClient]
