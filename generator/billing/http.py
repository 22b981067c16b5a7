"""Reads a billing system's HTTP API whole or not at all: the one way to the wire for every connector."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlencode

import msgspec
import requests
import urllib3
from msgspec import Struct

from generator.billing.body import error_message, looks_like_html, preview
from generator.billing.transport import Failure, base_url, explain, open_session, proxies_for
from generator.errors import SourceError
from generator.inventory.secret import Secret
from generator.inventory.settings import BillingHost
from generator.net.bodies import MAX_BODY_BYTES
from generator.net.pace import Pace
from generator.net.redirect import redirect_target
from generator.net.retry import DEFAULT_RETRY, RETRIED_STATUSES, RetryPolicy, retry_after_s

_log = logging.getLogger(__name__)

_MAX_ERROR_BYTES = 65536
_CHUNK_BYTES = 1 << 18
_LONGEST_READS = 10
"""How many times `timeout` one whole answer may take: a server that drips bytes ends some day."""

Params = tuple[tuple[str, str], ...]
_PAGE = "HTML page"
_NO_FIXES: Mapping[int, str] = {}
_NO_HEADERS: Mapping[str, str] = {}
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class StatusError(SourceError):
    """A refusal by the billing system with an HTTP status: a connector may live without that list."""

    def __init__(self, what: str, *, status: int, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status


class PageError(SourceError):
    """An HTML page with status 200 where JSON was asked for: a connector may know another place to ask."""


class Answer(Struct, frozen=True, kw_only=True):
    """A successful answer: its headers (names in any case), its whole body, and where it came from."""

    headers: Mapping[str, str]
    body: bytes
    where: str


class _Call(Struct, frozen=True, kw_only=True):
    method: str
    path: str
    params: Params = ()
    document: bytes | None = None
    headers: Mapping[str, str] = _NO_HEADERS
    fixes: Mapping[int, str] = _NO_FIXES
    private: bool = False


class HttpReader:
    """Asks one billing host, from several threads if need be; close it, or use it in a `with`.

    `headers` carry the authentication and are neither logged nor shown. Requests are paced to
    `requests_per_second` and tried again by `retry` on 408, 429, 5xx, time-outs and lost connections.
    Redirects are never followed: credentials go to the host of the inventory only.
    """

    def __init__(self, host: BillingHost, *, headers: Mapping[str, str], retry: RetryPolicy = DEFAULT_RETRY) -> None:
        self._host, self._retry = host, retry
        self._base, self._proxies = base_url(host), proxies_for(host)
        self._session = open_session(host)
        self._session.headers.clear()
        self._session.headers.update(
            {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "bqnctl", **headers}
        )
        self._secrets = [*host.credentials.values(), *(Secret(value) for value in headers.values())]
        self._pace = Pace(host.requests_per_second)
        self._sent, self._counting = 0, threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(
        self,
        path: str,
        *,
        params: Params = (),
        headers: Mapping[str, str] = _NO_HEADERS,
        fixes: Mapping[int, str] = _NO_FIXES,
        private: bool = False,
    ) -> Answer:
        """GET `path` (from the root, no query) with status 200; raises `StatusError` or `SourceError`.

        `headers` are those of this request alone. `fixes` maps an HTTP status to what the operator should do
        about it. Of a `private` body (it holds passwords or personal data) no error shows anything.
        """
        return self._persist(
            _Call(method="GET", path=path, params=params, headers=headers, fixes=fixes, private=private)
        )

    def post(
        self,
        path: str,
        document: Any,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        fixes: Mapping[int, str] = _NO_FIXES,
        private: bool = False,
    ) -> Answer:
        """POST a JSON document to an API that reads that way (GraphQL, RPC); as `get` otherwise."""
        body = msgspec.json.encode(document)
        return self._persist(
            _Call(
                method="POST", path=path, document=body, headers={**_JSON, **headers}, fixes=fixes, private=private
            )
        )  # fmt: skip

    def post_form(
        self, path: str, fields: Params, *, fixes: Mapping[int, str] = _NO_FIXES, private: bool = False
    ) -> Answer:
        """POST form fields to an API that reads that way; as `get` otherwise."""
        body = urlencode(fields).encode()
        return self._persist(
            _Call(method="POST", path=path, document=body, headers=_FORM, fixes=fixes, private=private)
        )

    def keep_secret(self, value: str) -> None:
        """Never show `value`, a token got on the way, in an error."""
        self._secrets.append(Secret(value))

    def head(self, path: str, *, params: Params = ()) -> Mapping[str, str] | None:
        """The headers of one HEAD, or `None` if it failed in any way: for hints, never for data."""
        call = _Call(method="HEAD", path=path, params=params, private=True)
        outcome = self._attempt(call)
        if isinstance(outcome, Answer):
            return outcome.headers
        _log.debug("%s: HEAD %s: %s", self._host.name, path, outcome.brief)
        return None

    @property
    def sent(self) -> int:
        """How many requests were sent so far, each repetition included: some systems meter them."""
        return self._sent

    def where(self, path: str) -> str:
        """How messages name a path of this host."""
        return f"{self._host.name}: {self._base}{path}"

    def shown(self, content: str) -> str:
        """The beginning of a text from this host, safe to show."""
        return preview(content, self._secrets)

    def _persist(self, call: _Call) -> Answer:
        attempt = 1
        while True:
            outcome = self._attempt(call)
            if isinstance(outcome, Answer):
                return outcome
            if not outcome.transient or attempt >= self._retry.attempts:
                raise self._error(call, outcome, attempt)
            delay_s = self._retry.delay_s(attempt, outcome.retry_after_s)
            attempt += 1
            _log.info(
                "%s: %s, waiting %.1f s, attempt %d of %d",
                self._host.name, outcome.brief, delay_s, attempt, self._retry.attempts,
            )  # fmt: skip
            time.sleep(delay_s)

    def _error(self, call: _Call, failure: Failure, attempts: int) -> SourceError:
        what = f"{failure.what} (after {attempts} attempts)" if attempts > 1 else failure.what
        where = self.where(call.path)
        if failure.brief == _PAGE:
            return PageError(what, where=where, fix=failure.fix)
        if failure.status is None:
            return SourceError(what, where=where, fix=failure.fix)
        return StatusError(what, status=failure.status, where=where, fix=failure.fix)

    def _attempt(self, call: _Call) -> Answer | Failure:
        with self._counting:
            self._sent += 1
        try:
            with self._pace.turn(), self._session.request(
                call.method, self._base + call.path, params=call.params, data=call.document, headers=call.headers,
                timeout=(self._host.timeout_s, self._host.timeout_s), proxies=self._proxies,
                stream=True, allow_redirects=False,
            ) as response:  # fmt: skip
                return self._judge(call, response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return explain(error, self._host, proxied=bool(self._proxies))

    def _judge(self, call: _Call, response: requests.Response) -> Answer | Failure:
        if call.method == "HEAD":
            return self._headers_only(call, response)
        if response.status_code != requests.codes.ok:
            return self._refused(call, response)
        body = self._read(response, MAX_BODY_BYTES)
        if isinstance(body, Failure):
            return body
        if looks_like_html(body, response.headers.get("Content-Type", "")):
            return self._page(call, body)
        return Answer(headers=response.headers, body=body, where=self.where(call.path))

    def _headers_only(self, call: _Call, response: requests.Response) -> Answer | Failure:
        if response.status_code in {requests.codes.ok, requests.codes.no_content}:
            return Answer(headers=response.headers, body=b"", where=self.where(call.path))
        return Failure(what="", fix="", brief=str(response.status_code))

    def _read(self, response: requests.Response, limit: int) -> bytes | Failure:
        """The body, decompressed; read piece by piece so that neither size nor time is without bound."""
        deadline_s = time.monotonic() + _LONGEST_READS * self._host.timeout_s
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                return Failure(
                    what=f"the answer is larger than {limit} bytes", brief="too large",
                    fix="this is not a list of customers: check `host` and `port`",
                )  # fmt: skip
            if time.monotonic() > deadline_s:
                return Failure(
                    what=f"the answer was not whole after {_LONGEST_READS * self._host.timeout_s:g} s",
                    brief="time-out", fix="look at the load of the server, or set a larger `timeout`",
                )  # fmt: skip
        return b"".join(chunks)

    def _refused(self, call: _Call, response: requests.Response) -> Failure:
        status = response.status_code
        location = response.headers.get("Location")
        if requests.codes.multiple_choices <= status < requests.codes.bad_request and location:
            return self._redirected(call, status, location)
        body = response.raw.read1(_MAX_ERROR_BYTES, decode_content=True) or b""
        return Failure(
            what=f"answered HTTP {status}" + self._quoted(call, body),
            fix=call.fixes.get(status) or _usual_fix(status),
            brief=str(status), status=status, transient=status in RETRIED_STATUSES,
            retry_after_s=retry_after_s(response.headers.get("Retry-After"), now_s=time.time()),
        )  # fmt: skip

    def _redirected(self, call: _Call, status: int, location: str) -> Failure:
        target, fix = redirect_target(self._base + call.path, location)
        return Failure(
            what=f"answered HTTP {status}, a redirect to {self.shown(target)}, which is not followed",
            fix=self.shown(fix), brief=str(status), status=status,
        )  # fmt: skip

    def _page(self, call: _Call, body: bytes) -> Failure:
        return Failure(
            what="answered an HTML page instead of JSON" + self._quoted(call, body),
            fix="this is a login page or another site: check `host` and `port`, and what stands "
            "between this machine and the billing system",
            brief=_PAGE,
        )

    def _quoted(self, call: _Call, body: bytes) -> str:
        """What the server said, to stand behind the sentence; of private data only a page or a message."""
        content = error_message(body) if call.private else ""
        if not call.private or looks_like_html(body, ""):
            content = error_message(body) or body[:_MAX_ERROR_BYTES].decode("utf-8", "replace")
        return f": {self.shown(content)}" if content.strip() else ""


def _usual_fix(status: int) -> str:
    if status in {401, 403}:
        return "check `credentials`, their permissions, and which client addresses the system allows"
    if status == requests.codes.not_found:
        return "check `host` and `port`, and the release of the billing system"
    if status in RETRIED_STATUSES:
        return "the billing system or a proxy before it is in trouble: look at its log, then run again"
    return "look at the billing system's log for this request"
