"""What a host may set and what holds when it does not: names and defaults, from the JSON Schemas.

A billing system's fragment (schemas/billing/<system>) overrides the general schema, property by property,
so that a new system is one new file.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from generator.documents.schema import holder, load_schema, resolve_ref, schema_names

BILLING, BQN = "billing", "bqn"
_FRAGMENTS = "billing/"


class Shape(Struct, frozen=True, kw_only=True):
    """The settings of one kind of host: the schemas that check them, and each setting's rules by name."""

    kind: str
    schemas: tuple[str, ...]
    rules: Mapping[str, Mapping[str, Any]]

    def credential_names(self) -> tuple[str, ...]:
        """The credentials that must be there."""
        return tuple(self.rules["credentials"].get("required", ()))

    def known_credentials(self) -> tuple[str, ...]:
        """The credentials that may be there."""
        return tuple(self.rules["credentials"].get("properties", ()))


def known_systems() -> list[str]:
    """The billing systems that a host may have: those with a fragment in schemas/billing/."""
    return [name.removeprefix(_FRAGMENTS) for name in schema_names() if name.startswith(_FRAGMENTS)]


@cache
def own_settings(system: str) -> tuple[str, ...]:
    """The settings that only billing hosts of this `system` have."""
    own, general = load_schema(f"{_FRAGMENTS}{system}"), load_schema(f"{BILLING}-host")
    return tuple(name for name in own["properties"] if name not in general["properties"])


@cache
def shape_of(kind: str, system: str | None = None) -> Shape:
    """The shape of a BQN, of a billing host of a known `system`, or of any billing host."""
    schemas = [f"{kind}-host"]
    if system is not None:
        schemas.append(f"{_FRAGMENTS}{system}")
    rules: dict[str, dict[str, Any]] = {}
    for name in schemas:
        for setting, rule in load_schema(name)["properties"].items():
            rules[setting] = {**rules.get(setting, {}), **_resolved(rule, name)}
    return Shape(kind=kind, schemas=tuple(schemas), rules=rules)


def _resolved(rule: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`rule` with its reference put in, and those of its properties; what stands beside one wins."""
    whole = dict(rule)
    if "$ref" in rule:
        whole = {**_resolved(resolve_ref(rule["$ref"], name), holder(rule["$ref"], name)), **rule}
    if "properties" in rule:
        whole["properties"] = {key: _resolved(below, name) for key, below in rule["properties"].items()}
    return whole


def filled(values: Mapping[str, Any], rules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`values` with the default of every setting that is not there, mappings inside filled likewise."""
    whole = {name: rule["default"] for name, rule in rules.items() if "default" in rule} | dict(values)
    return {
        name: filled(value, rules[name]["properties"])
        if isinstance(value, Mapping) and "properties" in rules.get(name, {})
        else value
        for name, value in whole.items()
    }
