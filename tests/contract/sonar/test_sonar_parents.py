"""The groups of devices, from rows of shapes that no schema allows but that a server may send."""

from typing import Any

import pytest

from generator.billing.body import Rows
from generator.billing.sonar.lists import AssignmentRow
from generator.billing.sonar.parents import parents_of


def entities(name: str, *rows: Any) -> dict[str, Any]:
    return {name: {"entities": list(rows)}}


def parent(*descriptions: Any) -> dict[str, Any]:
    addresses = [{"description": each} for each in descriptions]
    data = entities("inventory_model_field_data", entities("ip_assignments", *addresses))
    return {"parent_inventory_item": {"id": "1", **data}}


def row(number: Any, subnet: str, owner: Any) -> AssignmentRow:
    return AssignmentRow(id=number, subnet=subnet, ipassignmentable=owner)


def names(rows: list[AssignmentRow], assignment: str, subnet: str) -> list[str]:
    return [group.name for group in parents_of(Rows(rows=tuple(rows))).groups(assignment, subnet)]


@pytest.mark.parametrize(
    "owner",
    [
        None, {}, [], "x", {"inventory_item": None}, {"inventory_item": []}, {"inventory_item": {}},
        {"parent_inventory_item": None}, {"parent_inventory_item": "x"}, parent(), parent(None, "", " "),
        {"parent_inventory_item": {"inventory_model_field_data": []}},
        {"parent_inventory_item": {"inventory_model_field_data": {"entities": None}}},
        {"parent_inventory_item": entities("inventory_model_field_data", None, "x", {"ip_assignments": {}})},
    ],
)  # fmt: skip
def test_owners_without_a_described_parent_have_no_group_and_cost_nobody_else_his(owner: Any) -> None:
    rows = [row("11", "100.70.1.1", owner), row("12", "100.70.1.2", {"inventory_item": parent("Silo 7")})]
    assert names(rows, "11", "100.70.1.1") == []
    assert names(rows, "12", "100.70.1.2") == ["Silo 7"]


def test_an_item_may_own_an_address_itself() -> None:
    assert names([row("12", "100.70.1.2", parent("Silo 7"))], "12", "") == ["Silo 7"]


def test_an_address_is_found_however_its_length_is_written() -> None:
    owner = {"inventory_item": parent("Silo 7")}
    rows = [row("12", "100.70.1.2/32", owner), row("13", "2001:DB8::1/128", owner), row("14", "100.70.2.8/29", owner)]
    for subnet in ("100.70.1.2", " 100.70.1.2/32 ", "2001:db8::1", "100.70.2.8/29"):
        assert names(rows, "", subnet) == ["Silo 7"]
    assert names(rows, "", "100.70.2.8") == []


def test_the_first_description_names_the_group() -> None:
    assert names([row("12", "100.70.1.2", parent(None, " ", "Silo 7", "Later"))], "12", "") == ["Silo 7"]
