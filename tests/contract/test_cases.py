"""Every billing system against its cases: adding a case is adding a folder."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.demo.run import emulator_of, systems
from generator.documents.resources import resource_dir

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "billing"
CASES = sorted({file.parent for name in ("data.json", "responses.json") for file in HERE.glob(f"*/*/{name}")})
REQUIRED = {
    "clean", "blocked-off", "scaling-90", "scaling-150", "duplicates", "zero-rates", "empty-list", "truncated-list",
    "html-200", "401", "403", "429", "500", "slow", "hostile-names",
}  # fmt: skip
GROUPS = {"groups-on", "groups-off"}
WITHOUT_GROUPS: set[str] = set()


def fragment(system: str) -> dict[str, dict[str, list[str]]]:
    file = resource_dir("schemas") / "billing" / f"{system}.schema.json"
    properties: dict[str, dict[str, list[str]]] = json.loads(file.read_text(encoding="utf-8"))["properties"]
    return properties


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(case: Path, run_case: Callable[[Path], None]) -> None:
    run_case(case)


def test_every_case_folder_is_run() -> None:
    assert {file.parent for file in HERE.glob("*/*/expected.yml")} == set(CASES)
    assert {case.parent.name for case in CASES} <= set(systems())


@pytest.mark.parametrize("system", systems())
def test_every_system_has_the_cases_that_all_must_have(system: str) -> None:
    ids = {f"id-{choice}" for choice in fragment(system)["subscriber_id"]["enum"]}
    required = REQUIRED | ids | (set() if system in WITHOUT_GROUPS else GROUPS)
    assert required - {case.name for case in CASES if case.parent.name == system} == set()


@pytest.mark.parametrize("system", systems())
def test_every_system_has_a_connector_an_emulator_and_a_page_that_names_their_switches(system: str) -> None:
    emulator = emulator_of(system)
    page = (DOCS / f"{system}.md").read_text(encoding="utf-8")
    for name in (*emulator.SWITCHES, *(fragment(system).keys() - {"system", "credentials"})):
        assert f"`{name}`" in page, name
    assert f"port {emulator.DEFAULT_PORT}" in page
    assert f"simulate {system}" in page


def test_every_emulator_has_a_port_of_its_own() -> None:
    ports = [emulator_of(system).DEFAULT_PORT for system in systems()]
    assert len(set(ports)) == len(ports)
