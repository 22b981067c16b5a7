"""The BQN's REST API from the server's side, over a store: an ASGI application, for simulator and gateway.

Routed on the raw path, because names may hold `%2F`. Plain ASGI rather than a framework's routes: an
appliance takes one request per object, so each costs a fraction of a millisecond or the tests take minutes.
"""

import asyncio
import base64
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote_to_bytes

import msgspec
from msgspec import Struct

from generator.bqn.kinds import API_ROOT, Kind, collection_path
from generator.bqn.server.checks import BAD_REQUEST, Refusal
from generator.bqn.server.store import NOT_FOUND, OK, Store
from generator.inventory.settings import Network

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 1 << 20
BODY_TIMEOUT_S = 30.0
_UNAUTHORIZED, _FORBIDDEN, _NOT_ALLOWED, _TIMEOUT, _TOO_LARGE = 401, 403, 405, 408, 413
_CLOSE = ((b"connection", b"close"),)
_COLLECTIONS = {collection_path(kind).encode(): kind for kind in Kind}


class Access(Struct, frozen=True, kw_only=True):
    """Who may use the API: Basic credentials by user, and client networks (empty: any)."""

    users: dict[str, str]
    clients: tuple[Network, ...] = ()


class Request(Struct, frozen=True):
    """One request, taken apart: `key` is None for a collection, `query` the raw query string.

    `client` is the address it came from, `user` who it proved to be, None for nobody.
    """

    method: str
    path: bytes
    kind: Kind | None
    key: str | None
    query: bytes
    body: bytes
    client: str
    user: str | None

    @property
    def decoded_path(self) -> str:
        """The path under /api/v1, percent-decoded, for logs and fault patterns."""
        return unquote_to_bytes(self.path).decode("utf-8", "replace").removeprefix(API_ROOT)


class Response(Struct, frozen=True):
    """An answer: status, body, further headers."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Observer(Protocol):
    """Stands between the door and the store: the simulator's faults and record of requests."""

    async def around(self, request: Request, scope: Scope, act: Callable[[], Response]) -> Response | None:
        """Answer `request`, by `act` or otherwise; None when the connection was cut."""


def make_app(
    store: Store,
    access: Access,
    *,
    observer: Observer | None = None,
    empty_errors: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application over `store`; `empty_errors` leaves the bodies of errors empty.

    A body of more than `max_body_bytes`, or not whole after `body_timeout_s`, is refused and not kept.
    """
    check = _Door(access)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        user = check.user(scope)
        unwelcome = check.refuses(scope, user)
        body = b"" if unwelcome else await _read_body(scope, receive, max_body_bytes, body_timeout_s)
        unread = body if isinstance(body, Response) else None
        request = _take_apart(scope, body if isinstance(body, bytes) else b"", user)

        def act() -> Response:
            if unwelcome or unread:
                return unwelcome or unread or Response(OK)
            try:
                return _answer(store, request)
            except Refusal as refusal:
                return error_response(refusal.status, str(refusal))

        response = act() if observer is None else await observer.around(request, scope, act)
        if response is not None:
            if empty_errors and response.status >= BAD_REQUEST:
                response = Response(response.status, b"", response.headers)
            await send_response(send, response)

    return app


async def send_response(send: Send, response: Response, *, promised_length: int | None = None) -> None:
    """Send a whole answer; `promised_length` is a Content-Length that need not be true."""
    length = len(response.body) if promised_length is None else promised_length
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(length).encode()),
    ]
    given = {name for name, _ in response.headers}
    headers = [pair for pair in headers if pair[0] not in given]
    await send({"type": "http.response.start", "status": response.status, "headers": [*headers, *response.headers]})
    await send({"type": "http.response.body", "body": response.body})


class _Door:
    """Checks client address and credentials; comparisons take the same time whatever is wrong."""

    def __init__(self, access: Access) -> None:
        self._clients: Sequence[Network] = access.clients
        self._accepted = [
            (user, base64.b64encode(f"{user}:{password}".encode())) for user, password in access.users.items()
        ]

    def user(self, scope: Scope) -> str | None:
        """Who the request proves to be."""
        scheme, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        matching = [user for user, known in self._accepted if hmac.compare_digest(given.strip(), known)]
        return matching[0] if matching and scheme.lower() == b"basic" else None

    def refuses(self, scope: Scope, user: str | None) -> Response | None:
        """Why the request is not let in."""
        if self._clients and not self._knows(scope["client"][0]):
            return error_response(_FORBIDDEN, "this client is not in the allow list")
        if user is not None:
            return None
        challenge = ((b"www-authenticate", b'Basic realm="BQN"'),)
        return error_response(_UNAUTHORIZED, "credentials are needed", challenge)

    def _knows(self, client: str) -> bool:
        address = ipaddress.ip_address(client)
        address = getattr(address, "ipv4_mapped", None) or address  # as a socket for both families shows IPv4
        return any(address.version == network.version and address in network for network in self._clients)


async def _read_body(scope: Scope, receive: Receive, most: int, timeout_s: float) -> bytes | Response:
    """The whole body, or the answer to one that is too large or does not come; the connection then ends."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced) > most:
        return error_response(_TOO_LARGE, f"the body has more than {most} bytes", _CLOSE)
    try:
        async with asyncio.timeout(timeout_s):
            return await _gather(receive, most)
    except TimeoutError:
        return error_response(_TIMEOUT, f"the body was not whole after {timeout_s:g} s", _CLOSE)


async def _gather(receive: Receive, most: int) -> bytes | Response:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":  # half a body must not pass for an empty one, which resets
            return error_response(BAD_REQUEST, "the body ended early", _CLOSE)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            return error_response(_TOO_LARGE, f"the body has more than {most} bytes", _CLOSE)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _take_apart(scope: Scope, body: bytes, user: str | None) -> Request:
    path: bytes = scope["raw_path"].partition(b"?")[0]
    query: bytes = scope["query_string"]
    kind, key = _COLLECTIONS.get(path), None
    if kind is None:
        collection, _, last = path.rpartition(b"/")
        kind = _COLLECTIONS.get(collection)
        key = unquote_to_bytes(last).decode("utf-8", "surrogateescape") if kind else None
        if key == "" and (scope["method"] != "DELETE" or not query):
            kind = None  # a trailing slash on a collection is an invalid URI since R4.14
    return Request(scope["method"], path, kind, key or None, query, body, scope["client"][0], user)


def _answer(store: Store, request: Request) -> Response:
    if request.kind is None:
        return error_response(NOT_FOUND, "no such resource")
    if request.key is None:
        return _answer_collection(store, request, request.kind)
    return _answer_object(store, request, request.kind, request.key)


def _answer_collection(store: Store, request: Request, kind: Kind) -> Response:
    if request.method == "GET":
        encoded = store.encode_all(kind)
        return error_response(NOT_FOUND, "the collection is empty") if encoded is None else Response(OK, encoded)
    if request.method == "DELETE":
        values = parse_qs(request.query.decode("ascii", "replace"))
        wanted = values.get("policyId" if kind is Kind.POLICY else "subscriberId")
        if wanted and kind is not Kind.GROUP:
            return _written(store.delete_by_id(kind, wanted[0]))
    allowed = ((b"allow", b"GET, DELETE" if kind is not Kind.GROUP else b"GET"),)
    return error_response(_NOT_ALLOWED, f"{request.method} is not for a collection", allowed)


def _answer_object(store: Store, request: Request, kind: Kind, key: str) -> Response:
    if request.method == "GET":
        found = store.get(kind, key)
        return error_response(NOT_FOUND, "not found") if found is None else Response(OK, msgspec.json.encode(found))
    if request.method == "DELETE":
        return _written(store.delete(kind, key))
    if request.method not in ("POST", "PUT"):
        allowed = ((b"allow", b"GET, POST, PUT, DELETE"),)
        return error_response(_NOT_ALLOWED, f"{request.method} is not known", allowed)
    return _written((store.post if request.method == "POST" else store.put)(kind, key, json_object(request.body)))


def json_object(body: bytes) -> dict[str, Any]:
    """The object in a body; an empty body is an empty object."""
    try:
        value = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(BAD_REQUEST, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refusal(BAD_REQUEST, "the body is not an object")
    return value


def _written(status: int) -> Response:
    return error_response(status, "not found") if status >= BAD_REQUEST else Response(status)


def error_response(status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
    """A refusal with its reason; the format of a BQN's own is unknown (facts: BQN REST API, 12, row 5)."""
    return Response(status, msgspec.json.encode({"error": text}), headers)
