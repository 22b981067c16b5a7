"""GraphQL over the billing reader: documents checked and sent by gql, connections by `HttpReader`.

GraphQL servers answer a refusal with HTTP 200 and `errors`; an answer with `errors` is a failure even where
`data` came too, for then a part of it is missing.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from gql import GraphQLRequest
from graphql import GraphQLSyntaxError, print_ast

from generator.billing.body import BodyError, NotAnObjectError, decode_json, members, message_in
from generator.billing.http import Answer, HttpReader
from generator.errors import SourceError

_NO_VARIABLES: Mapping[str, Any] = {}
_NO_HEADERS: Mapping[str, str] = {}
_NO_FIXES: Mapping[int, str] = {}


class QueryRefusedError(SourceError):
    """A refusal with HTTP 200: `messages` are the server's own, not yet safe to show."""

    def __init__(
        self, what: str, *, messages: tuple[str, ...], where: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.messages = messages


def request_of(document: str, variables: Mapping[str, Any] = _NO_VARIABLES) -> dict[str, Any]:
    """The body of a POST for `document`, parsed by gql so that a slip in it fails here and not at the server."""
    try:
        request = GraphQLRequest(document, variable_values=dict(variables) or None)
    except GraphQLSyntaxError as error:
        raise ValueError(f"the query is no GraphQL: {error}") from error
    body: dict[str, Any] = {"query": print_ast(request.document)}
    return body | ({"variables": dict(variables)} if variables else {})


def ask(
    reader: HttpReader,
    path: str,
    document: str,
    *,
    variables: Mapping[str, Any] = _NO_VARIABLES,
    headers: Mapping[str, str] = _NO_HEADERS,
    fixes: Mapping[int, str] = _NO_FIXES,
    fix_for: Callable[[tuple[str, ...]], str] | None = None,
) -> dict[str, msgspec.Raw]:
    """The members of `data`, each still undecoded.

    Raises `QueryRefusedError` for an answer with `errors` (`fix_for` says what to do about those messages),
    `StatusError` or `SourceError` for any other failure. No error shows the data itself.
    """
    body = request_of(document, variables)
    answer = reader.post(path, body, headers=headers, fixes=fixes, private=True)
    try:
        envelope = members(answer.body)
        _refuse_errors(reader, answer, envelope, fix_for)
        return members(envelope.get("data", msgspec.Raw(b"null")))
    except NotAnObjectError as error:
        message = reader.shown(message_in(error.value))
        raise SourceError(
            f"the answer has no data{f': {message}' if message else ''}", where=answer.where,
            fix="check `host` and `port`; look at the billing system's log for this request",
        ) from None  # fmt: skip
    except BodyError as error:
        raise SourceError(
            f"the answer {error}", where=answer.where,
            fix="run again; if it stays so, look at the billing system's log: its answer is cut or broken",
        ) from None  # fmt: skip


def _refuse_errors(
    reader: HttpReader,
    answer: Answer,
    envelope: Mapping[str, msgspec.Raw],
    fix_for: Callable[[tuple[str, ...]], str] | None,
) -> None:
    """Raise for `errors`, or for the single `error` that stands in place of an answer."""
    said = [decode_json(envelope[name]) for name in ("errors", "error") if name in envelope]
    found = [value for value in said if value]
    if not found:
        return
    listed = found[0] if isinstance(found[0], list) else [found[0]]
    messages = tuple(message for each in listed if (message := message_in(each))) or ("no reason given",)
    shown = "; ".join(reader.shown(message) for message in messages[:3])
    raise QueryRefusedError(
        f"the query was refused: {shown}", messages=messages, where=answer.where,
        fix=fix_for(messages) if fix_for else "check what the user or key of `credentials` may read",
    )  # fmt: skip
