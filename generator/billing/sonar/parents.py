"""The L1 group of each address: the description of its device's parent (facts: Sonar, 5 and 7.1).

Sonar's inventory items have neither name nor description. What operators describe is the address of the parent,
typically that of an access point, whose description is the name of the sector.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.sonar.lists import AssignmentRow
from generator.billing.text import text
from generator.model import GroupRecord

Groups = tuple[GroupRecord, ...]


class Parents(Struct, frozen=True, kw_only=True):
    """The groups of addresses, by the id of the assignment and, second, by the address as `plain` has it."""

    by_assignment: Mapping[str, Groups]
    by_subnet: Mapping[str, Groups]

    def groups(self, assignment_id: str, subnet: str) -> Groups:
        """The groups of an address, which the list of histories and that of assignments both have."""
        return self.by_assignment.get(assignment_id) or self.by_subnet.get(plain(subnet), ())


NO_PARENTS = Parents(by_assignment={}, by_subnet={})


def plain(subnet: str) -> str:
    """A subnet as a key: one list may write the length of a single address, the other not."""
    return subnet.strip().lower().removesuffix("/32").removesuffix("/128")


def parents_of(rows: Rows[AssignmentRow]) -> Parents:
    """The groups of all addresses whose device has a parent with a described address.

    Of several described addresses of one parent the first counts.
    """
    by_assignment: dict[str, Groups] = {}
    by_subnet: dict[str, Groups] = {}
    for row in rows.rows:
        name = next(_descriptions(row.ipassignmentable), "")
        if name:
            groups = (GroupRecord(level="L1", name=name),)
            by_assignment[text(row.id)] = groups
            by_subnet.setdefault(plain(text(row.subnet)), groups)
    return Parents(by_assignment=by_assignment, by_subnet=by_subnet)


def _descriptions(owner: Any) -> Iterator[str]:
    """The descriptions of the addresses of the parent of the device behind an address, blank ones left out.

    The device is the owner itself, or what the owner is a field of (facts: Sonar, 7.2).
    """
    item = owner.get("inventory_item", owner) if isinstance(owner, dict) else None
    parent = item.get("parent_inventory_item") if isinstance(item, dict) else None
    for holder in (*_entities(parent, "inventory_model_field_data"), parent):
        for assignment in _entities(holder, "ip_assignments"):
            description = text(assignment.get("description"))
            if description:
                yield description


def _entities(owner: Any, name: str) -> Iterator[dict[str, Any]]:
    """The objects of a nested connection; none where anything on the way is missing."""
    connection = owner.get(name) if isinstance(owner, dict) else None
    entities = connection.get("entities") if isinstance(connection, dict) else None
    yield from (each for each in (entities if isinstance(entities, list) else ()) if isinstance(each, dict))
