"""A simulated BQN: the REST application over a memory store, with switches, faults and a record of requests.

Out of /api/v1 it has a control door, `/_simulator/…`, with the same credentials: GET and PUT `state`, GET and
DELETE `requests`, PUT `faults`, PUT `behaviour`, for tests and people when it runs in a process of its own.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from generator.bqn.server.app import Access, Receive, Request, Response, Scope, Send, make_app, send_response
from generator.bqn.server.faults import Fault, FaultKind, Faults
from generator.bqn.server.store import OK, Behaviour, MemoryStore
from generator.documents.files import write_atomically
from generator.errors import BqnctlError
from generator.net.certificate import Certificate
from generator.net.serve import Listening, serving

_LOGIN_PAGE = b"<!DOCTYPE html><html><body><form action='/login'>Please log in</form></body></html>"
_CONTROL = b"/_simulator/"
_MAX_STATE_BYTES = 1 << 30


class SimulatorOptions(Struct, frozen=True, kw_only=True):
    """What a simulator is started with; `state_file` is loaded at start and written at the end."""

    username: str = "demo"
    password: str = "demo"  # noqa: S105 - a loopback simulator's own
    clients: tuple[str, ...] = ()
    behaviour: Behaviour = Behaviour()
    faults: tuple[Fault, ...] = ()
    empty_errors: bool = False
    state_file: Path | None = None


class Seen(Struct, frozen=True):
    """One request the simulator got, and the status it answered (0: the connection was cut)."""

    method: str
    path: str
    status: int
    body: Any


class Simulator:
    """A BQN in memory; `after_request` is called after every request was done, to look at the state then."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.store = MemoryStore(options.behaviour)
        self.faults = Faults(options.faults)
        self.requests: list[Seen] = []
        self.after_request: Callable[[Seen], None] | None = None
        self._parallel = 0
        self.cleared = 0
        """How often the record of requests was begun anew."""
        clients = tuple(ip_network(text) for text in options.clients)
        access = Access(users={options.username: options.password}, clients=clients)
        self._api = make_app(self.store, access, observer=self, empty_errors=options.empty_errors)
        self._control = make_app(_NoStore(), access, observer=_Control(self), max_body_bytes=_MAX_STATE_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request: the control door or the API."""
        if scope["type"] == "http" and scope["raw_path"].startswith(_CONTROL):
            await self._control(scope, receive, send)
        else:
            scope["bqnctl.send"] = send
            await self._api(scope, receive, send)

    async def around(self, request: Request, scope: Scope, act: Callable[[], Response]) -> Response | None:
        """Answer a request of the API as the faults let it, and note it."""
        self._parallel += 1
        try:
            return await self._with_faults(request, scope, act)
        finally:
            self._parallel -= 1

    async def _with_faults(self, request: Request, scope: Scope, act: Callable[[], Response]) -> Response | None:
        struck = self.faults.strike(request.method, request.decoded_path, parallel=self._parallel)
        after: list[Fault] = []
        for fault in struck:
            if fault.kind is FaultKind.LATENCY:
                await asyncio.sleep(fault.seconds + self.faults.uniform(fault.jitter))
            elif fault.kind is FaultKind.REBOOT:
                self.store.load({})
            elif fault.kind in _INSTEAD:
                return await self._instead(fault, request, scope)
            else:
                after.append(fault)
        response = act()
        return await self._after(after[0], request, scope, response) if after else self._note(request, response)

    async def _instead(self, fault: Fault, request: Request, scope: Scope) -> Response | None:
        if fault.kind is FaultKind.STATUS:
            return self._note(request, _status(fault))
        if fault.kind is FaultKind.HTML:
            return self._note(request, Response(OK, _LOGIN_PAGE, ((b"content-type", b"text/html"),)))
        cleared = self.cleared
        if fault.kind is FaultKind.STALL:
            self._parallel -= 1  # it hangs, perhaps long after its client has gone: no load
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                self._parallel += 1
        if self.cleared == cleared:  # else it belongs to a record that somebody has closed
            return self._cut(request, scope)
        scope["state"]["transport"].abort()
        return None

    async def _after(self, fault: Fault, request: Request, scope: Scope, response: Response) -> Response | None:
        if fault.kind is FaultKind.STATUS_AFTER:
            return self._note(request, _status(fault))
        if fault.kind is FaultKind.RESET_AFTER:
            return self._cut(request, scope)
        half = Response(response.status, response.body[: len(response.body) // 2], response.headers)
        self._note(request, half)
        if fault.kind is FaultKind.CUT_JSON:
            return half
        await send_response(scope["bqnctl.send"], half, promised_length=len(response.body) + 1)
        scope["state"]["transport"].close()
        return None

    def _cut(self, request: Request, scope: Scope) -> Response | None:
        self._note(request, Response(0))
        scope["state"]["transport"].abort()
        return None

    def _note(self, request: Request, response: Response) -> Response:
        try:
            body = msgspec.json.decode(request.body) if request.body else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            body = request.body.decode("utf-8", "replace")
        seen = Seen(request.method, request.decoded_path, response.status, body)
        self.requests.append(seen)
        if self.after_request is not None:
            self.after_request(seen)
        return response


_INSTEAD = frozenset({FaultKind.STATUS, FaultKind.RESET, FaultKind.STALL, FaultKind.HTML})


def _status(fault: Fault) -> Response:
    retry = ((b"retry-after", str(fault.retry_after).encode()),) if fault.retry_after is not None else ()
    return Response(fault.status, b'{"error":"on demand"}', retry)


class _NoStore(MemoryStore):
    """The control door has no objects of its own."""


class _Control:
    """Answers the control door once the credentials were checked."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def around(self, request: Request, scope: Scope, act: Callable[[], Response]) -> Response | None:  # noqa: ARG002 - an observer's signature
        denied = act()
        if denied.status in (401, 403, 413):
            return denied
        name = request.path.removeprefix(_CONTROL).decode("ascii", "replace")
        try:
            return self._do(request.method, name, request.body)
        except msgspec.MsgspecError as error:
            return Response(400, msgspec.json.encode({"error": str(error)}))

    def _do(self, method: str, name: str, body: bytes) -> Response:
        simulator = self._simulator
        if (method, name) == ("GET", "state"):
            return Response(OK, msgspec.json.encode(simulator.store.dump()))
        if (method, name) == ("PUT", "state"):
            simulator.store.load(msgspec.json.decode(body, type=dict[str, list[dict[str, Any]]]))
        elif (method, name) == ("GET", "requests"):
            return Response(OK, msgspec.json.encode(simulator.requests))
        elif (method, name) == ("DELETE", "requests"):
            simulator.requests.clear()
            simulator.cleared += 1
        elif (method, name) == ("PUT", "faults"):
            simulator.faults.set(msgspec.json.decode(body, type=list[Fault]))
        elif (method, name) == ("PUT", "behaviour"):
            simulator.store.set_behaviour(msgspec.json.decode(body, type=Behaviour))
        else:
            return Response(404, b'{"error":"no such door"}')
        return Response(OK)


@contextmanager
def running(
    options: SimulatorOptions, *, certificate: Certificate | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[tuple[Simulator, Listening]]:
    """Run a simulator in a thread for as long as the block lasts."""
    simulator = Simulator(options)
    file = options.state_file
    if file is not None and file.is_file():
        try:
            state = msgspec.json.decode(file.read_bytes(), type=dict[str, list[dict[str, Any]]])
        except msgspec.MsgspecError as error:
            raise BqnctlError(f"not a simulator's state: {error}", where=str(file)) from error
        simulator.store.load(state)
    try:
        with serving(simulator, host=host, port=port, certificate=certificate) as listening:
            yield simulator, listening
    finally:
        if file is not None:
            write_atomically(file, msgspec.json.encode(simulator.store.dump()))
