"""A Visp on loopback: its token and its GraphQL as far as a shaper reads them (facts: Visp, 2 to 5, 7 and 10)."""

import asyncio
import base64
import itertools
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.demo.emulator import (
    COMMON_SWITCHES,
    EmulatorOptions,
    Faults,
    check_switches,
    is_on,
    number,
    same,
    words,
)
from generator.demo.graphql_api import Answers, read_request, root_fields, with_errors
from generator.demo.sample import RowDict
from generator.demo.visp_data import VispData, sample
from generator.demo.visp_schema import Root, visp_schema
from generator.errors import UsageError

__all__ = ["CREDENTIALS", "DEFAULT_PORT", "SWITCHES", "VispData", "from_lists", "make_app_for", "sample"]

DEFAULT_PORT = 8106
CREDENTIALS: Mapping[str, str] = {
    "client_id": "demo-visp-client",
    "client_secret": "demo-visp-secret",
    "username": "demo-visp-user",
    "password": "demo-visp-password",
}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "token-life": "each token lives so many seconds (172800)",
    "token-queries": "each token expires after so many queries",
    "expired-answer": "how an expired token is refused: 401, 403, or errors (HTTP 200 with `errors`)",
    "expiry-in": "where a token's expiry is told: payload (and token), jwt (the token alone), nowhere",
    "no-token": "GET /token answers HTTP 200 without a token",
    "graphql-errors": "queries answered with `errors` beside their data, separated by commas: customers cpes",
    "forbid": "queries answered with HTTP 403, separated by commas: customers cpes",
    "503-first-n": "answer the first N queries with HTTP 503",
    "null-lists": "an empty list is shown as null",
    "all-statuses": "the filter of account statuses is ignored: deleted customers come too",
    "odd-rows": "services without address, speeds or details, of other types, with shared addresses, and more",
}

_FIELDS = {"customers": "customers", "cpes": "customerCPEwithWirelessServiceSpeeds"}
_EXPIRED_ANSWERS = ("401", "403", "errors")
_EXPIRIES = ("payload", "jwt", "nowhere")
_LIFE_S = 172_800


class _Settings(Struct, frozen=True, kw_only=True):
    """The switches of this emulator, read once."""

    life_s: int
    queries: int
    expired_answer: str
    expiry_in: str
    no_token: bool
    failing: frozenset[str]
    forbidden: frozenset[str]
    unavailable: int
    root: Root


class _Token(Struct):
    """A token that was given out: when it expires (Unix seconds), and for how many queries it is good."""

    expires_s: int
    queries: int


def from_lists(lists: dict[str, list[RowDict]]) -> VispData:
    """Data with these lists and nothing else."""
    data = VispData()
    data.load(lists)
    return data


def make_app_for(data: VispData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    if is_on(options, "odd-rows"):
        data.add_odd_rows()
    api = _Api(data, _settings(data, options))
    return Starlette(
        routes=[
            Route("/token", api.token, methods=["GET"]),
            Route("/graphql", api.graphql, methods=["POST"]),
        ],
        middleware=[Middleware(Faults, options=options)],
        exception_handlers={404: _not_found, 405: _not_found},
    )


def _settings(data: VispData, options: EmulatorOptions) -> _Settings:
    failing, forbidden = words(options, "graphql-errors"), words(options, "forbid")
    if not failing | forbidden <= _FIELDS.keys():
        raise UsageError(
            f"switches graphql-errors and forbid are {sorted(failing)} and {sorted(forbidden)}",
            fix=f"some of {', '.join(_FIELDS)}",
        )
    shown = VispData() if is_on(options, "empty-list") else data
    return _Settings(
        life_s=number(options, "token-life") if "token-life" in options.switches else _LIFE_S,
        queries=number(options, "token-queries"),
        expired_answer=_one_of(options, "expired-answer", _EXPIRED_ANSWERS),
        expiry_in=_one_of(options, "expiry-in", _EXPIRIES),
        no_token=is_on(options, "no-token"),
        failing=failing,
        forbidden=forbidden,
        unavailable=number(options, "503-first-n"),
        root=Root(shown, null_lists=is_on(options, "null-lists"), all_statuses=is_on(options, "all-statuses")),
    )


def _one_of(options: EmulatorOptions, name: str, known: tuple[str, ...]) -> str:
    value = options.switches.get(name, known[0])
    if value not in known:
        raise UsageError(f"switch {name} is {value!r}", fix=f"one of {', '.join(known)}")
    return value


class _Api:
    """Gives out tokens and answers queries; the bytes of an answer are kept until the data changes."""

    def __init__(self, data: VispData, settings: _Settings) -> None:
        self._settings = settings
        self._unavailable = settings.unavailable
        self._answers = Answers(visp_schema(), settings.root, data)
        self._tokens: dict[str, _Token] = {}
        self._numbers = itertools.count(1)

    async def token(self, request: Request) -> Response:
        """A new token for the four headers."""
        given = {name: request.headers.get(f"x-visp-{name.replace('_', '-')}", "") for name in CREDENTIALS}
        right = [same(given[name], value) for name, value in CREDENTIALS.items()]
        if not all(right):
            return _json({"message": "Invalid client or user credentials"}, 401)
        if self._settings.no_token:
            return _json({"token": None, "payload": {"mfaEnabled": True}})
        return _json(self._new_token())

    def _new_token(self) -> RowDict:
        expires_s = int(time.time()) + self._settings.life_s
        payload: RowDict = {
            "clientId": "demo", "environment": "production", "appuserId": 77, "loggedInAs": CREDENTIALS["username"],
            "ispId": [123], "mfaEnabled": False, "exp": expires_s,
        }  # fmt: skip
        if self._settings.expiry_in == "nowhere":
            del payload["exp"]
        claims = {**payload, "jti": next(self._numbers), "appuserRole": "api"}
        token = ".".join(_base64(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims, "not a signature"))
        self._tokens[token] = _Token(expires_s, self._settings.queries)
        return {"token": token, "payload": payload} if self._settings.expiry_in == "payload" else {"token": token}

    async def graphql(self, request: Request) -> Response:
        """The answer to a query, with HTTP 200 even where GraphQL refuses it."""
        if self._unavailable:
            self._unavailable -= 1
            return _json({"message": "Service Unavailable"}, 503)
        refused = self._refused(request.headers.get("authorization", ""))
        if refused is not None:
            return refused
        asked = read_request(await request.body())
        if asked is None:
            return _json({"errors": [{"message": "the body is no GraphQL request"}]}, 400)
        fields = root_fields(asked.query)
        if fields & {_FIELDS[name] for name in self._settings.forbidden}:
            return _json({"message": "Forbidden"}, 403)
        body = await asyncio.to_thread(self._answers.of, asked)
        if fields & {_FIELDS[name] for name in self._settings.failing}:
            body = with_errors(body, "Internal server error")
        return Response(body, media_type="application/json")

    def _refused(self, token: str) -> Response | None:
        """The bare token is wanted, with no `Bearer` before it; an expired one may be refused in other ways."""
        known = self._tokens.get(token)
        if known is None:
            return _json({"message": "Invalid token"}, 401)
        limited = self._settings.queries > 0
        if time.time() >= known.expires_s or (limited and known.queries == 0):
            return self._expired()
        known.queries -= limited
        return None

    def _expired(self) -> Response:
        if self._settings.expired_answer == "errors":
            return _json({"errors": [{"message": "The Token has expired"}], "data": None})
        return _json({"message": "Session expired"}, int(self._settings.expired_answer))


def _base64(part: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=")


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def _not_found(_: Request, __: Exception) -> Response:
    return _json({"message": "Not Found"}, 404)
