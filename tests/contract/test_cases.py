"""Every billing system against its cases: adding a case is adding a folder."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.demo.pushed import FAMILIES
from generator.demo.run import emulator_of, systems
from generator.documents.resources import resource_dir

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "billing"
FOLDERS = sorted({file.parent for name in ("data.json", "responses.json") for file in HERE.glob(f"*/*/{name}")})
CASES = [(case, system) for case in FOLDERS for system in FAMILIES.get(case.parent.name, (case.parent.name,))]
REQUIRED = {
    "clean", "blocked-off", "scaling-90", "scaling-150", "duplicates", "zero-rates", "empty-list", "truncated-list",
    "html-200", "401", "403", "429", "500", "slow", "hostile-names",
}  # fmt: skip
GROUPS = {"groups-on", "groups-off"}


def fragment(system: str) -> dict[str, dict[str, list[str]]]:
    file = resource_dir("schemas") / "billing" / f"{system}.schema.json"
    properties: dict[str, dict[str, list[str]]] = json.loads(file.read_text(encoding="utf-8"))["properties"]
    return properties


@pytest.mark.parametrize(("case", "system"), CASES, ids=[f"{system}/{case.name}" for case, system in CASES])
def test_case(case: Path, system: str, run_case: Callable[[Path, str], None]) -> None:
    run_case(case, system)


def test_every_case_folder_is_run() -> None:
    assert {file.parent for file in HERE.glob("*/*/expected.yml")} == set(FOLDERS)
    assert {system for _, system in CASES} <= set(systems())


@pytest.mark.parametrize("system", systems())
def test_every_system_has_the_cases_that_all_must_have(system: str) -> None:
    by_gateway = system in FAMILIES["radius"]  # the gateway makes the id: tests/integration proves each choice
    ids = set() if by_gateway else {f"id-{choice}" for choice in fragment(system)["subscriber_id"]["enum"]}
    assert (REQUIRED | GROUPS | ids) - {case.name for case, each in CASES if each == system} == set()


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
