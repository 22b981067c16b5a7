"""The schemas of the desired state are sound, titled and described throughout."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from generator.desired.reading import KINDS
from generator.documents.schema import load_schema, schema_names


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_sound_schema(kind: str) -> None:
    schema = load_schema(f"desired-{kind}")
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$id"] == f"https://bqnctl.dev/schemas/desired-{kind}.schema.json"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert f"desired-{kind}" in schema_names()
    assert not [path for path, part in fields(schema, ()) if "$ref" not in part and not part.get("description")]


def fields(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every field of every object in a schema."""
    for name, part in schema.get("properties", {}).items():
        yield (*path, name), part
        yield from fields(part, (*path, name))
    for name, part in schema.get("$defs", {}).items():
        yield (*path, name), part
        yield from fields(part, (*path, name))
