"""JSON Schemas (draft 2020-12): where they are, and checking data against one, with places and plain words.

The validator is jsonschema-rs: the same draft as jsonschema at about a hundredth of the time
(docs/decisions/0003-speed.md).
"""

import datetime as dt
import math
from collections.abc import Iterator
from functools import cache
from typing import Any, cast
from urllib.parse import unquote, urljoin

import jsonschema_rs
import msgspec

from generator.documents.nearest import suggestion
from generator.documents.resources import resource_dir
from generator.documents.wording import Finding, described, findings, shown
from generator.documents.yaml import Document
from generator.errors import Problem, UsageError


@cache
def schema_names() -> tuple[str, ...]:
    """The names that `schema NAME` takes: paths under schemas/ without their ending."""
    root = resource_dir("schemas")
    return tuple(
        sorted(path.relative_to(root).as_posix().removesuffix(".schema.json") for path in root.rglob("*.schema.json"))
    )


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema called `name`, to be read only; raises `UsageError` for an unknown name."""
    path = resource_dir("schemas") / f"{name}.schema.json"
    if name not in schema_names():
        raise UsageError(
            f"no schema is called {name!r}", fix=suggestion(name, schema_names()) or "bqnctl schema lists them"
        )
    return cast("dict[str, Any]", msgspec.json.decode(path.read_bytes()))


@cache
def _by_id() -> dict[str, dict[str, Any]]:
    return {schema["$id"]: schema for schema in map(load_schema, schema_names())}


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    registry = jsonschema_rs.Registry(list(_by_id().items()))
    return jsonschema_rs.Draft202012Validator(load_schema(name), registry=registry, validate_formats=True)


def schema_problems(document: Document, name: str) -> list[Problem]:
    """Every way in which `document` breaks the schema `name`, each with its place."""
    return [
        document.problem(found.what, found.path, of_key=found.of_key, fix=found.fix)
        for found in schema_findings(document.data, name)
    ]


def schema_findings(data: Any, name: str) -> list[Finding]:
    """Every way in which plain `data` breaks the schema `name`, by its path in the data.

    What JSON does not have (dates, keys that are not text) is found too; the part of the data under the
    same key of the root is then not checked further.
    """
    outside = list(_outside_json(data, ()))
    beyond = {found.path[0] for found in outside if found.path}
    if outside and not isinstance(data, dict):
        return outside
    rest = {key: value for key, value in data.items() if key not in beyond} if beyond else data
    return outside + [
        found
        for error in _validator(name).iter_errors(rest)
        for found in findings(error, _rule(error, name))
        if found.path or found.missing not in beyond
    ]


def resolve_ref(reference: str, name: str) -> dict[str, Any]:
    """The part of a schema that `reference`, a `$ref` in the schema `name`, leads to; `{}` if to nowhere."""
    address, _, pointer = urljoin(load_schema(name)["$id"], reference).partition("#")
    node: Any = _by_id().get(address)
    for part in pointer.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        node = node[int(key)] if isinstance(node, list) else (node or {}).get(key)
    return node if isinstance(node, dict) else {}


def holder(reference: str, name: str) -> str:
    """The name of the schema that `reference`, a `$ref` in the schema `name`, leads into."""
    address = urljoin(load_schema(name)["$id"], reference).partition("#")[0]
    return next((known for known in schema_names() if load_schema(known)["$id"] == address), name)


def _rule(error: jsonschema_rs.ValidationError, name: str) -> dict[str, Any]:
    """The part of a schema that holds the keyword which `error` is about."""
    location = error.absolute_keyword_location or ""
    return resolve_ref(location.rpartition("/")[0], name)


def _outside_json(value: Any, path: tuple[Any, ...]) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                what = "an empty key" if key is None else f"the key {key} is read as {described(key)}, not as text"
                yield Finding(what=what, path=(*path, key), of_key=True, fix="put it in quotes")
            yield from _outside_json(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _outside_json(part, (*path, index))
    elif isinstance(value, dt.date):
        yield Finding(what=f"{value} is read as a date", path=path, fix="put it in quotes")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Finding(what=f"{value} is not a number that JSON has", path=path)
    elif isinstance(value, str) and not _encodable(value):
        yield Finding(what=f"{shown(value)} is not UTF-8 text", path=path)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
