"""JSON Schemas (draft 2020-12): where they are, and checking a YAML document against one.

The validator is jsonschema-rs: the same draft as jsonschema at about a hundredth of the time
(docs/decisions/0003-speed.md).
"""

from functools import cache
from typing import Any, cast

import jsonschema_rs
import msgspec

from generator.documents.resources import resource_dir
from generator.documents.yaml import Document
from generator.errors import Problem, UsageError


def schema_names() -> list[str]:
    """The names that `schema NAME` takes: paths under schemas/ without their ending."""
    root = resource_dir("schemas")
    return sorted(
        path.relative_to(root).as_posix().removesuffix(".schema.json") for path in root.rglob("*.schema.json")
    )


def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema called `name`; raises `UsageError` for an unknown name."""
    path = resource_dir("schemas") / f"{name}.schema.json"
    if name not in schema_names():
        raise UsageError(f"no schema is called {name!r}", fix=f"one of: {', '.join(schema_names())}")
    return cast("dict[str, Any]", msgspec.json.decode(path.read_bytes()))


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    registry = jsonschema_rs.Registry([(schema["$id"], schema) for schema in map(load_schema, schema_names())])
    return jsonschema_rs.Draft202012Validator(load_schema(name), registry=registry, validate_formats=True)


def schema_problems(document: Document, name: str) -> list[Problem]:
    """Every way in which `document` breaks the schema `name`, each with its place."""
    return [
        document.problem(_message(error), tuple(error.instance_path))
        for error in _validator(name).iter_errors(document.data)
    ]


def _message(error: jsonschema_rs.ValidationError) -> str:
    return str(error.message)
