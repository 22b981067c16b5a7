"""Which AP and which site each SIMPLer customer hangs from, through its CPEs (facts: Azotel, 4 and 6)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from generator.billing.azotel.calls import CpeRow, SiteRow
from generator.billing.azotel.customers import Groups
from generator.billing.azotel.values import as_list, examples
from generator.billing.body import Rows
from generator.billing.text import shown, text
from generator.model import GroupRecord

_NOTHING = frozenset({"", "0"})
_Pair = tuple[GroupRecord, GroupRecord]


class Found(Struct, frozen=True, kw_only=True):
    """The groups of each customer by id, and what the operator should know."""

    groups: Groups
    warnings: tuple[str, ...] = ()


class _Equipment(Struct, frozen=True, kw_only=True):
    """The `L1` and `L2` group of each piece of equipment by id, and what of it was odd."""

    groups: Mapping[str, _Pair]
    warnings: tuple[str, ...]


def groups_of(cpes: Rows[CpeRow], sites: Rows[SiteRow]) -> Found:
    """The groups of each customer: the union over all its CPEs, `L1` before `L2`, each once.

    No answer says which CPE has which address, so all addresses of a customer share them.
    """
    equipment = _equipment(sites)
    found: dict[str, dict[GroupRecord, None]] = {}
    unknown: dict[str, None] = {}
    for row in cpes.rows:
        customer_id, parent = text(row.customerid), text(row.parent)
        if parent in _NOTHING or customer_id in _NOTHING:
            continue
        pair = equipment.groups.get(parent)
        if pair is None:
            unknown[parent] = None
        else:
            found.setdefault(customer_id, {}).update(dict.fromkeys(pair))
    warnings = (*equipment.warnings, *_unknown_parents(list(unknown)))
    return Found(groups={who: _in_order(groups) for who, groups in found.items()}, warnings=warnings)


def _in_order(groups: Mapping[GroupRecord, None]) -> tuple[GroupRecord, ...]:
    return tuple(sorted(groups, key=lambda group: group.level))


def _equipment(sites: Rows[SiteRow]) -> _Equipment:
    """The groups by equipment id; of two pieces with one id, the first."""
    groups: dict[str, _Pair] = {}
    twins: dict[str, None] = {}
    strange = 0
    for site in sites.rows:
        upper = GroupRecord(level="L2", name=text(site.sitename))
        for piece in as_list(site.equipment):
            equipment_id = _field(piece, "equipid")
            if equipment_id in _NOTHING:
                strange += 1
                continue
            pair = (GroupRecord(level="L1", name=_field(piece, "nickname")), upper)
            if groups.setdefault(equipment_id, pair) != pair:
                twins[equipment_id] = None
    return _Equipment(groups=groups, warnings=(*_twins(list(twins)), *_without_id(strange)))


def _field(piece: Any, name: str) -> str:
    return text(piece.get(name)) if isinstance(piece, dict) else ""


def _unknown_parents(parents: list[str]) -> tuple[str, ...]:
    if not parents:
        return ()
    names = examples([shown(parent) for parent in parents])
    return (f"listSiteData has no equipment {names}, which CPEs name as their parent: no groups from those",)


def _twins(ids: list[str]) -> tuple[str, ...]:
    if not ids:
        return ()
    return (f"several pieces of equipment have one id ({examples([shown(each) for each in ids])}): the first counts",)


def _without_id(count: int) -> tuple[str, ...]:
    return (f"pieces of equipment in listSiteData without equipid, left out: {count}",) if count else ()
