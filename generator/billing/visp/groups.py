"""The L1 groups of Visp's customers: the access points of their CPEs (facts: Visp, 4.2 and 6)."""

from collections.abc import Mapping
from typing import Any

from generator.billing.body import Rows
from generator.billing.text import text
from generator.billing.visp.lists import CpeRow
from generator.model import GroupRecord

_NO_ACCESS_POINT = frozenset({"", "0"})


def groups_of(cpes: Rows[CpeRow]) -> Mapping[str, tuple[GroupRecord, ...]]:
    """The groups of each customer id: one for each access point of any of its CPEs, in their order."""
    points: dict[str, dict[str, None]] = {}
    for row in cpes.rows:
        customer_id = text(row.customer_id)
        for device in one_or_many(row.equipment):
            point = text(device.get("access_point_id")) if isinstance(device, dict) else ""
            if customer_id and point not in _NO_ACCESS_POINT:
                points.setdefault(customer_id, {})[point] = None
    return {
        customer_id: tuple(GroupRecord(level="L1", name=point) for point in found)
        for customer_id, found in points.items()
    }


def one_or_many(value: Any) -> list[Any]:
    """The elements of a list, of which a single one may stand for itself; null is none."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
