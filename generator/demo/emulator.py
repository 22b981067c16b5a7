"""What the emulators of the billing systems share: options, authentication, faults on demand, a request log.

An emulator is the module `generator.demo.<system>` with `DEFAULT_PORT`, `CREDENTIALS` (as in the inventory),
`SWITCHES` (name to meaning), `sample(customers, seed)`, `from_lists(lists)` and `make_app_for(data, options)`,
an ASGI application. `HOST_VARS`, if there are any, are further variables that the inventory host needs to read it
(`mode`, for example). One that is no HTTPS server has `running(data, options, host, port)` in place of
`make_app_for`: a context manager that yields an `Emulated`.

A switch is a name and a text value. Those of `COMMON_SWITCHES` work on every emulator; each emulator adds
its own. An unknown name, or a value that cannot be read, is an error: a switch never silently does nothing.
"""

import asyncio
import base64
import binascii
import hmac
import time
from collections.abc import Callable, Mapping

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from generator.errors import UsageError

COMMON_SWITCHES: Mapping[str, str] = {
    "slow-ms": "wait so many milliseconds before each answer",
    "status-500-first-n": "answer the first N requests with HTTP 500",
    "status-always": "answer every request with this HTTP status",
    "429-with-retry-after": "N or N:SECONDS: answer the first N requests with 429 and Retry-After (1 s)",
    "html-login": "answer every request with an HTML login page and status 200",
    "html-502": "answer every request as a reverse proxy does whose server is down",
    "redirect": "answer every request with a redirect to this URL",
    "error-object": "answer every request with a JSON error object and status 200",
    "empty-list": "every list of customers, plans and the rest is empty",
    "truncated-json": "leave out the second half of every body",
    "cut-connection": "close the connection in the middle of every body",
}

_OFF = frozenset({"", "0", "false", "no", "off"})
_ON = frozenset({"1", "true", "yes", "on"})
_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Login</title></head><body><form>Password</form></body></html>"
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_ERROR = '{"error":{"message":"Something went wrong","code":500,"internal_code":"INTERNAL_ERROR"}}'


class Seen(Struct, frozen=True):
    """A request that arrived: when (monotonic seconds), and "METHOD /path"."""

    at_s: float
    request: str


class EmulatorOptions(Struct, frozen=True, kw_only=True):
    """How an emulator is set up: so many customers, made from `seed`, and its switches."""

    customers: int = 200
    seed: int = 1
    switches: Mapping[str, str] = {}
    seen: list[Seen] = []
    """What was asked, in order of arrival; give a list of your own to watch it."""


def check_switches(options: EmulatorOptions, known: Mapping[str, str]) -> None:
    """Raise `UsageError` for switches that are not `known`, or common ones whose values cannot be read."""
    check_names(options, known)
    Faults(_nothing, options=options)  # Starlette makes its middleware at the first request only


def check_names(options: EmulatorOptions, known: Mapping[str, str]) -> None:
    """Raise `UsageError` for switches that are not `known`."""
    unknown = sorted(set(options.switches) - set(known))
    if unknown:
        raise UsageError(
            f"no switch is called {', '.join(map(repr, unknown))}", fix=f"one of: {', '.join(sorted(known))}"
        )


def is_on(options: EmulatorOptions, name: str) -> bool:
    """Whether a switch without further value is on; raises `UsageError` for other words."""
    value = options.switches.get(name, "").strip().lower()
    if value not in _ON | _OFF:
        raise UsageError(f"switch {name} is {value!r}", fix="write on or off")
    return value in _ON


def number(options: EmulatorOptions, name: str) -> int:
    """The number of a switch, 0 when it is not set; raises `UsageError` for other text."""
    return _whole(name, options.switches.get(name, "0"))


def words(options: EmulatorOptions, name: str) -> frozenset[str]:
    """The words of a switch that takes a list separated by commas."""
    return frozenset(word.strip() for word in options.switches.get(name, "").split(",") if word.strip())


def _whole(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise UsageError(f"switch {name} is {value!r}", fix="write a whole number")
    return int(value)


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """User and password of a Basic Authorization header; `None` without a readable one."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def same(given: str, expected: str) -> bool:
    """Whether two credentials are equal, in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


class Faults:
    """ASGI middleware that breaks answers as the common switches say, and logs what arrives.

    `empty` is the body of an empty list, where all lists of a system look the same; an emulator that gives
    `None` obeys `empty-list` itself.
    """

    def __init__(self, app: ASGIApp, *, options: EmulatorOptions, empty: bytes | None = None) -> None:
        self._app = app
        self._seen = options.seen
        self._slow_s = number(options, "slow-ms") / 1000
        self._failing = number(options, "status-500-first-n")
        self._throttled, self._retry_after_s = _throttle(options)
        self._instead = _answer_instead(options)
        self._body = _body_change(options, empty)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, broken or as the application does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._seen.append(Seen(time.monotonic(), f"{scope['method']} {scope['path']}"))
        await asyncio.sleep(self._slow_s)
        answer = self._early() or (self._instead() if self._instead else None)
        if answer is not None:
            await answer(scope, receive, send)
            return
        changed = send if self._body is None else _Changed(send, scope, self._body)
        await self._app(scope, receive, changed)

    def _early(self) -> Response | None:
        if self._failing:
            self._failing -= 1
            return Response(_ERROR, status_code=500, media_type="application/json")
        if self._throttled:
            self._throttled -= 1
            headers = {"Retry-After": str(self._retry_after_s)}
            return Response("slow down", status_code=429, headers=headers)
        return None


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing: stands for an application where only the switches are looked at."""


def _throttle(options: EmulatorOptions) -> tuple[int, int]:
    name = "429-with-retry-after"
    times, colon, seconds = options.switches.get(name, "0").partition(":")
    return _whole(name, times), _whole(name, seconds) if colon else 1


def _answer_instead(options: EmulatorOptions) -> Callable[[], Response] | None:
    """What every request gets in place of its answer, if such a switch is on."""
    if status := number(options, "status-always"):
        return lambda: Response(_ERROR, status_code=status, media_type="application/json")
    if target := options.switches.get("redirect"):
        return lambda: Response(status_code=301, headers={"Location": target})
    pages = {
        "html-login": (_LOGIN_PAGE, 200, "text/html"),
        "html-502": (_BAD_GATEWAY, 502, "text/html"),
        "error-object": (_ERROR, 200, "application/json"),
    }
    for name, (content, status, media_type) in pages.items():
        if is_on(options, name):
            return lambda: Response(content, status_code=status, media_type=media_type)
    return None


class _BodyChange(Struct, frozen=True, kw_only=True):
    """`change` makes the body that is sent; `cut` announces the whole length and hangs up."""

    change: Callable[[bytes], bytes]
    cut: bool = False


def _body_change(options: EmulatorOptions, empty: bytes | None) -> _BodyChange | None:
    if is_on(options, "empty-list") and empty is not None:
        return _BodyChange(change=lambda _: empty)
    if is_on(options, "truncated-json"):
        return _BodyChange(change=lambda body: body[: len(body) // 2])
    if is_on(options, "cut-connection"):
        return _BodyChange(change=lambda body: body[: len(body) // 2], cut=True)
    return None


class _Changed:
    """Sends another body than the application did, where that succeeded with one."""

    def __init__(self, send: Send, scope: Scope, change: _BodyChange) -> None:
        self._send, self._scope, self._change = send, scope, change
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Keep what the application sends until it is whole, then send the changed answer."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._finish()

    async def _finish(self) -> None:
        whole = self._scope["method"] not in {"GET", "POST"} or self._start["status"] != 200  # noqa: PLR2004 - OK
        body = self._body if whole else self._change.change(self._body)
        if not whole and not self._change.cut:
            self._start["headers"] = _with_length(self._start["headers"], len(body))
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body, "more_body": not whole and self._change.cut})
        if not whole and self._change.cut:
            self._scope["state"]["transport"].close()


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    others = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*others, (b"content-length", str(length).encode())]
