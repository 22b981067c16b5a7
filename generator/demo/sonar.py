"""A Sonar v2 on loopback: its GraphQL API as far as a shaper reads it (facts: Sonar, 2 to 4, 6 and 9).

The queries are run by a GraphQL library over the real types, so that a wrong query fails as it does there.
Answers are kept until the data changes: resolving a page of 1000 rows takes a quarter of a second.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)
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
from generator.demo.graphql_api import Asked, read_request
from generator.demo.sample import RowDict
from generator.demo.sonar_data import SonarData, sample
from generator.demo.sonar_graph import ROOTS, Graph, Rules
from generator.demo.sonar_schema import SDL
from generator.errors import UsageError

__all__ = ["CREDENTIALS", "DEFAULT_PORT", "SWITCHES", "SonarData", "from_lists", "make_app_for", "sample"]

DEFAULT_PORT = 8107
CREDENTIALS: Mapping[str, str] = {"api_key": "demo-sonar-key"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "ids": "strings or numbers: how ids are written (default strings)",
    "max-records": "never more than so many records in a page, whatever was asked",
    "max-records-hidden": "the same, but page_info goes on telling what was asked, not what was given",
    "forbid": "root fields that the role may not read, separated by commas: errors with HTTP 200",
    "forbid-status": "the HTTP status of what `forbid` names, in place of errors with HTTP 200",
    "unauthenticated-200": "a wrong token is refused with errors and HTTP 200 in place of 401",
    "rate-limit-first-n": "answer the first N requests with 429 and Sonar's own message, without Retry-After",
    "rate-limit-200": "answer every request with Sonar's own message of the limit and HTTP 200",
    "slow-pages": "pages of addresses with more records than this take longer than anybody waits",
    "lost-records": "so many records at the end of each list are counted but never given",
    "moving-records": "once, between the first pages of a list, a record moves from its beginning to its end",
    "ignore-filters": "the filters removed_datetime and type are ignored, as an old release may",
    "empty-total-pages-0": "an empty list has 0 pages in place of 1",
    "items-have-no-addresses": "the schema knows no addresses of inventory items themselves",
    "odd-rows": "accounts with two services, none, a network, IPv6, an address claimed twice, archived and more",
}

_PATH = "/api/graphql"
_LIMITED = {"error": "Request limit of 400/min reached."}


class _Settings(Struct, frozen=True, kw_only=True):
    """The switches of the answers as such, read once; those of the lists are `Rules`."""

    unauthenticated_200: bool
    forbidden: frozenset[str]
    forbid_status: int
    rate_limit_first: int
    rate_limit_200: bool


def from_lists(lists: dict[str, list[RowDict]]) -> SonarData:
    """Data with these lists and nothing else."""
    data = SonarData()
    data.load(lists)
    return data


def make_app_for(data: SonarData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    if is_on(options, "odd-rows"):
        data.add_odd_rows()
    api = _Api(data, _settings(options), _rules(options), _schema(options))
    return Starlette(
        routes=[Route(_PATH, api.answer, methods=["POST"])],
        middleware=[Middleware(Faults, options=options)],
    )


def _settings(options: EmulatorOptions) -> _Settings:
    return _Settings(
        unauthenticated_200=is_on(options, "unauthenticated-200"),
        forbidden=words(options, "forbid"),
        forbid_status=number(options, "forbid-status"),
        rate_limit_first=number(options, "rate-limit-first-n"),
        rate_limit_200=is_on(options, "rate-limit-200"),
    )


def _rules(options: EmulatorOptions) -> Rules:
    forbidden = words(options, "forbid")
    if not forbidden <= ROOTS:
        raise UsageError(f"switch forbid is {sorted(forbidden)}", fix=f"some of: {', '.join(sorted(ROOTS))}")
    return Rules(
        forbidden=forbidden,
        most=number(options, "max-records") or number(options, "max-records-hidden"),
        hidden=bool(number(options, "max-records-hidden")),
        slow_above=number(options, "slow-pages"),
        lost=number(options, "lost-records"),
        moving=is_on(options, "moving-records"),
        ignore_filters=is_on(options, "ignore-filters"),
        empty=is_on(options, "empty-list"),
        pages_when_empty=0 if is_on(options, "empty-total-pages-0") else 1,
    )


def _schema(options: EmulatorOptions) -> GraphQLSchema:
    ids = options.switches.get("ids", "strings")
    if ids not in {"strings", "numbers"}:
        raise UsageError(f"switch ids is {ids!r}", fix="write strings or numbers")
    owners = "IpassignmenthistoryableInterface & IpassignmentableInterface"
    item = f"type InventoryItem implements {owners} {{"
    bare = is_on(options, "items-have-no-addresses")
    sdl = SDL.replace(item, item.replace(f" & {owners.split(' & ')[1]}", "")) if bare else SDL
    return _schema_with(sdl, as_written=str if ids == "strings" else int)


@cache
def _schema_with(sdl: str, *, as_written: type) -> GraphQLSchema:
    """The schema, built once for each way to write ids: it takes longer than all else at the start."""
    schema = build_schema(sdl)
    for name in ("serialize", "coerce_output_value"):  # the older and the newer name of the library for it
        setattr(schema.type_map["Int64Bit"], name, as_written)
    return schema


class _Api:
    """Answers queries over `data`; documents are parsed once, whole answers kept until the data changes."""

    def __init__(self, data: SonarData, settings: _Settings, rules: Rules, schema: GraphQLSchema) -> None:
        self._data, self._settings, self._rules, self._schema = data, settings, rules, schema
        self._documents: dict[str, DocumentNode | list[GraphQLError]] = {}
        self._answers: dict[tuple[str, bytes], bytes] = {}
        self._graph = Graph(data, rules)
        self._limited = settings.rate_limit_first

    async def answer(self, request: Request) -> Response:
        """The answer to one POST: the limit, the token, then the query."""
        if self._settings.rate_limit_200:
            return _json(_LIMITED)
        if self._limited:
            self._limited -= 1
            return _json(_LIMITED, 429)
        if not same(request.headers.get("Authorization", ""), f"Bearer {CREDENTIALS['api_key']}"):
            return self._unauthenticated()
        asked = read_request(await request.body())
        if asked is None:
            return _json({"errors": [{"message": "the body is no GraphQL request"}]}, 400)
        if self._settings.forbid_status and any(f" {root}(" in asked.query for root in self._settings.forbidden):
            return _json({"message": "This action is unauthorized."}, self._settings.forbid_status)
        await self._graph.wait_for(asked.query, asked.variables or {})
        return Response(self._answer(asked), media_type="application/json")

    def _unauthenticated(self) -> Response:
        message = "Unauthenticated."
        if self._settings.unauthenticated_200:
            return _json({"errors": [{"message": message, "extensions": {"category": "authentication"}}]})
        return _json({"message": message}, 401)

    def _answer(self, asked: Asked) -> bytes:
        if self._graph.is_old:
            self._graph = Graph(self._data, self._rules)
            self._answers.clear()
        if self._rules.moving:
            return msgspec.json.encode(self._run(asked))
        key = asked.query, msgspec.json.encode(asked.variables)
        kept = self._answers.get(key)
        if kept is None:
            kept = self._answers[key] = msgspec.json.encode(self._run(asked))
        return kept

    def _run(self, asked: Asked) -> dict[str, Any]:
        document = self._documents.get(asked.query)
        if document is None:
            document = self._documents[asked.query] = self._checked(asked.query)
        if isinstance(document, list):
            return {"errors": [error.formatted for error in document]}
        found = execute_sync(self._schema, document, root_value=self._graph.roots, variable_values=asked.variables)
        return cast("dict[str, Any]", found.formatted)

    def _checked(self, query: str) -> DocumentNode | list[GraphQLError]:
        try:
            document = parse(query)
        except GraphQLError as error:
            return [error]
        return validate(self._schema, document) or document


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
