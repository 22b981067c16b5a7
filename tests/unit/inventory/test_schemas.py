"""The schemas are the one source of names and defaults: whole, documented, and of one mind with the types."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from generator.documents.schema import load_schema, schema_findings, schema_names
from generator.documents.yaml import Dialect, load
from generator.inventory.settings import BillingHost, BlockRates, BqnHost, Guards, Ignore, Scaling, Select
from generator.inventory.shape import filled, known_systems, shape_of
from generator.net.tls import TlsSettings

ROOT = Path(__file__).resolve().parents[3]
DOCS = (ROOT / "docs" / "inventory.md").read_text(encoding="utf-8")
OURS = ["inventory", "notify", "host", "billing-host", "bqn-host", *(f"billing/{name}" for name in known_systems())]


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, rule in (node.get("properties") or {}).items():
        yield f"{path}{name}", rule
        yield from properties(rule, f"{path}{name}.")


@pytest.mark.parametrize("name", OURS)
def test_each_schema_is_valid_and_says_what_it_is(name: str) -> None:
    schema = load_schema(name)
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://bqnctl.dev/schemas/{name}.schema.json"
    assert schema["title"]
    assert schema["description"]
    assert name in schema_names()


@pytest.mark.parametrize(("kind", "system"), [("bqn", None), *(("billing", name) for name in known_systems())])
def test_each_setting_has_a_title_a_description_and_a_valid_default(kind: str, system: str | None) -> None:
    shape = shape_of(kind, system)
    for path, rule in properties({"properties": shape.rules}):
        assert rule["title"], path
        assert rule["description"], path
    defaults = filled({}, shape.rules)
    for schema in shape.schemas:
        missing = [found.missing for found in schema_findings(defaults, schema)]
        assert set(missing) <= {"credentials", "system"}


@pytest.mark.parametrize("system", known_systems())
def test_a_fragment_says_what_only_the_system_knows(system: str) -> None:
    rules = shape_of("billing", system).rules
    assert rules["system"]["const"] == system
    assert rules["credentials"]["additionalProperties"] is False
    by_mode = load_schema(f"billing/{system}").get("then", {}).get("properties", {}).get("credentials", {})
    assert rules["credentials"].get("required") or by_mode["required"]
    for name in ("subscriber_id", "mode", "block_on"):
        rule = load_schema(f"billing/{system}")["properties"].get(name)
        assert rule is None or rule["default"] == rule["enum"][0]
    assert rules["subscriber_id"]["enum"]


def test_the_settings_of_the_schemas_are_those_of_the_types() -> None:
    renamed = {"timeout": "timeout_s", "keep_absent": "keep_absent_s"}
    billing = {renamed.get(name, name) for name in shape_of("billing").rules}
    assert billing | {"name", "options", "folder"} == set(BillingHost.__struct_fields__)
    bqn = {renamed.get(name, name) for name in shape_of("bqn").rules} - {"credentials"}
    assert bqn | {"name", "username", "password"} == set(BqnHost.__struct_fields__)


def test_the_defaults_of_the_schemas_are_those_of_the_types() -> None:
    defaults = filled({}, shape_of("bqn").rules)
    assert Guards(**defaults["guards"]) == Guards()
    assert Select(**{name: tuple(value) for name, value in defaults["select"].items()}) == Select()
    assert Ignore(**{name: tuple(value) for name, value in defaults["ignore"].items()}) == Ignore()
    assert TlsSettings(**defaults["tls"]) == TlsSettings()
    billing = filled({"rate_scaling": {}}, shape_of("billing").rules)
    assert Scaling(**billing["rate_scaling"]) == Scaling()
    assert BlockRates(**billing["block_rates"]) == BlockRates()


@pytest.mark.parametrize(("kind", "heading"), [("billing", "## Billing hosts"), ("bqn", "## BQN hosts")])
def test_every_variable_and_its_default_are_documented(kind: str, heading: str) -> None:
    every = DOCS.partition("## Every host")[2].partition("## ")[0]
    lines = (every + DOCS.partition(heading)[2].partition("\n## ")[0]).splitlines()
    for path, rule in properties({"properties": shape_of(kind).rules}):
        top = path.partition(".")[0]
        rows = [line for line in lines if f"`{path}`" in line or (path != top and f"`{top}`" in line)]
        assert rows or "properties" in rule, path
        default = rule.get("default")
        if rows and isinstance(default, int) and "by system" not in rows[0]:
            told = str(default).lower() if isinstance(default, bool) else str(default)
            assert any(told in row for row in rows), path


@pytest.mark.parametrize("name", ["inventories/example/hosts.yml"])
def test_the_examples_hosts_match_the_schema_of_the_file(name: str) -> None:
    assert schema_findings(load(ROOT / name, Dialect.ANSIBLE).data, "inventory") == []
    assert schema_findings({"bqn": {"hosts": {"n": 5}}}, "inventory") != []


def test_data_that_json_does_not_have_hides_no_other_fault() -> None:
    found = schema_findings(
        {
            "credentials": {},
            "host": dt.date(2024, 5, 6),
            "guards": {1: 2},
            "port": "x",
            "timeout": float("nan"),
        },
        "bqn-host",
    )
    assert sorted((each.path, each.what) for each in found if each.path and each.path != ("credentials",)) == [
        (("guards", 1), "the key 1 is read as the number 1, not as text"),
        (("host",), "2024-05-06 is read as a date"),
        (("port",), "the text 'x' is not a whole number"),
        (("timeout",), "nan is not a number that JSON has"),
    ]
