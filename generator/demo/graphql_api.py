"""What the emulators with GraphQL share: reading a request, and answers made once for each revision of the data."""

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import FieldNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, graphql_sync, parse
from msgspec import Struct

from generator.demo.sample import Lists


class Asked(Struct, kw_only=True, rename={"operation": "operationName"}):
    """The body of a GraphQL request."""

    query: str
    variables: dict[str, Any] | None = None
    operation: str | None = None


def read_request(body: bytes) -> Asked | None:
    """The request in `body`; `None` for what is no GraphQL request."""
    try:
        return msgspec.json.decode(body, type=Asked)
    except msgspec.MsgspecError:
        return None


class Answers:
    """Encoded answers over `data`: each query is executed once for each revision, for graphql-core takes its time."""

    def __init__(self, schema: GraphQLSchema, root: Any, data: Lists) -> None:
        self._schema, self._root, self._data = schema, root, data
        self._lock = threading.Lock()
        self._encoded: dict[tuple[str, bytes], tuple[int, bytes]] = {}

    def of(self, asked: Asked) -> bytes:
        """The answer, `errors` of validation included; blocks while it is made."""
        key = (asked.query, msgspec.json.encode(asked.variables, order="sorted"))
        with self._lock:
            revision, body = self._encoded.get(key, (-1, b""))
            if revision != self._data.revision:
                revision = self._data.revision
                result = graphql_sync(
                    self._schema, asked.query, self._root,
                    variable_values=asked.variables, operation_name=asked.operation,
                )  # fmt: skip
                body = msgspec.json.encode(result.formatted)
                self._encoded[key] = (revision, body)
        return body


def root_fields(query: str) -> frozenset[str]:
    """The fields that a query asks of the root; none for what is no GraphQL."""
    try:
        document = parse(query)
    except GraphQLError:
        return frozenset()
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    chosen = (field for each in operations for field in each.selection_set.selections)
    return frozenset(field.name.value for field in chosen if isinstance(field, FieldNode))


def with_errors(body: bytes, message: str) -> bytes:
    """An answer with `errors` beside its data, as servers send when a part of it failed."""
    errors: Mapping[str, Any] = {"errors": [{"message": message}]}
    return msgspec.json.encode(errors)[:-1] + b"," + body.removeprefix(b"{")
