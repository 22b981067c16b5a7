"""The gateway's REST door: who may write, what is noted of it, and no answer before the disk has it."""

import logging
import math
from collections.abc import Awaitable, Callable

import msgspec

from generator.bqn.kinds import Kind
from generator.bqn.server.app import (
    Access,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    error_response,
    json_object,
    make_app,
    send_response,
)
from generator.bqn.server.store import KEY_FIELDS, MemoryStore
from generator.documents.resources import resource_dir
from generator.gateway.commit import GroupCommit
from generator.gateway.keep import StoreError
from generator.gateway.metrics import Metrics
from generator.gateway.settings import GatewaySettings
from generator.gateway.throttle import Failures, Turns
from generator.net.ops import health_response

_log = logging.getLogger(__name__)
_audit = logging.getLogger("generator.progress.audit")
"""Who changed what: always shown, like all that reports the work itself."""

_TURNS_EACH = 16
_WRITES = frozenset({"POST", "PUT", "DELETE"})
_UNAUTHORIZED, _TOO_MANY, _UNAVAILABLE, _REFUSED = 401, 429, 503, 400
_MAX_SHOWN_BYTES = 400
_KNOWN = {
    Kind.POLICY: {"policyName", "policyId", "rateLimitDownlink", "rateLimitUplink"},
    Kind.SUBSCRIBER: {
        "subscriberIp", "subscriberId", "policyRate", "policyAssignedBy", "subscriberGroups", "quota",
        "callingStationId", "nasIdentifier", "nasIpAddress", "nasPort", "userName",
    },
    Kind.GROUP: {
        "subscriberGroupName", "subscriberGroupType", "subscriberMembers", "subscriberRanges", "policyRate",
        "subscriberAll",
    },
}  # fmt: skip

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Keep = Callable[[str], None]


class RestDoor:
    """Lets requests of the REST API through one by one: throttled, noted, stored, and only then answered."""

    def __init__(self, store: MemoryStore, *, keep: Keep, commit: GroupCommit, metrics: Metrics) -> None:
        self._store, self._keep, self._commit, self._metrics = store, keep, commit, metrics
        self._failures = Failures()

    async def around(self, request: Request, scope: Scope, act: Callable[[], Response]) -> Response | None:  # noqa: ARG002 - an observer's signature
        """Answer one request."""
        response = self._throttled(request) or await self._stored(request, act)
        if response.status == _UNAUTHORIZED:
            self._failures.failed(request.client)
        self._metrics.requests.labels(_method(request), str(response.status)).inc()
        if request.method in _WRITES:
            self._note(request, response)
        return response

    def _throttled(self, request: Request) -> Response | None:
        """Nobody learns whether a password is right while the address has too many wrong ones."""
        wait_s = self._failures.wait_s(request.client)
        if not wait_s:
            return None
        self._metrics.throttled.inc()
        retry = ((b"retry-after", str(math.ceil(wait_s)).encode()),)
        return error_response(_TOO_MANY, "too many wrong passwords from this address", retry)

    async def _stored(self, request: Request, act: Callable[[], Response]) -> Response:
        if self._commit.failed is not None:
            return _unavailable()
        response = act()
        self._keep(f"{request.user}@{request.client}")
        try:
            await self._commit.settled()
        except StoreError:
            return _unavailable()
        return response

    def _note(self, request: Request, response: Response) -> None:
        """The log of who changed what, and of what no BQN knows."""
        body = request.body[:_MAX_SHOWN_BYTES].decode("utf-8", "replace")
        more = " …" if len(request.body) > _MAX_SHOWN_BYTES else ""
        query = request.query.decode("ascii", "replace")
        _audit.info(
            "%s %s %s%s %d %s%s",
            request.client, request.user or "-", _line(request), f"?{query}" if query else "", response.status,
            body, more,
        )  # fmt: skip
        if response.status < _REFUSED and request.kind is not None and request.body:
            self._note_unknown(request, request.kind)

    def _note_unknown(self, request: Request, kind: Kind) -> None:
        members = json_object(request.body).keys() - _KNOWN[kind]
        if members:
            self._metrics.unknown_members.labels(kind.value).inc()
            names = ", ".join(sorted(members))[:_MAX_SHOWN_BYTES]
            _log.info("%s %s: members that no BQN is known to have: %s", request.client, _line(request), names)


def make_rest_app(
    settings: GatewaySettings, store: MemoryStore, door: RestDoor, *, trouble: Callable[[], str | None]
) -> App:
    """The whole REST side: the API behind the door, `/healthz`, and the API's description, `/openapi.json`."""
    access = Access(
        users={name: password.reveal() for name, password in settings.users.items()}, clients=settings.clients
    )
    api = make_app(store, access, observer=door, max_body_bytes=settings.max_body_bytes)
    turns = Turns(_TURNS_EACH)
    description = (resource_dir("schemas") / "bqn-rest.openapi.json").read_bytes()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["raw_path"] == b"/healthz":
            await health_response(trouble())(scope, receive, send)
        elif scope["raw_path"] == b"/openapi.json":
            await send_response(send, Response(200, description))
        else:
            async with turns.turn(scope["client"][0]):
                await api(scope, receive, send)

    return app


def stored_form(store: MemoryStore, kind: Kind, key: str) -> bytes | None:
    """One object as it is kept on disk, None when it is gone."""
    record = store.record(kind, key)
    return None if record is None else msgspec.json.encode({KEY_FIELDS[kind]: key, **record})


def _line(request: Request) -> str:
    return f"{request.method} {request.decoded_path}"


def _method(request: Request) -> str:
    return request.method if request.method in {*_WRITES, "GET"} else "other"


def _unavailable() -> Response:
    return error_response(_UNAVAILABLE, "the store cannot be written now", ((b"retry-after", b"1"),))
