"""The emulated Sonar's lists joined to a graph, and its connections with their pages (facts: Sonar, 3 and 4)."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import GraphQLError
from msgspec import Struct

from generator.demo.sample import RowDict
from generator.demo.sonar_data import SonarData

ROOTS = frozenset({"accounts", "account_statuses", "services", "ip_assignments", "ip_assignment_histories"})
_DEFAULT_PAGE = 25
_LONG_S = 3600.0

Node = dict[str, Any]
"""An object of the graph: its fields, those that take arguments as functions."""
Connection = Callable[..., Node]


class Rules(Struct, frozen=True, kw_only=True):
    """How lists are shown, from the switches."""

    forbidden: frozenset[str] = frozenset()
    most: int = 0
    hidden: bool = False
    slow_above: int = 0
    lost: int = 0
    moving: bool = False
    ignore_filters: bool = False
    empty: bool = False
    pages_when_empty: int = 1


class Graph:
    """The objects of `data` as they are now; `roots` are the root fields."""

    def __init__(self, data: SonarData, rules: Rules) -> None:
        self._data, self._rules = data, rules
        self._revision = data.revision
        self._moved: set[str] = set()
        lists = _joined(data, self._connection, typed=not rules.ignore_filters)
        self._lists: dict[str, list[Node]] = {name: [] for name in lists} if rules.empty else lists
        self.roots: Mapping[str, Connection] = {name: self._root(name) for name in self._lists}

    @property
    def is_old(self) -> bool:
        """Whether the data has changed since."""
        return self._revision != self._data.revision

    async def wait_for(self, query: str, variables: Mapping[str, Any]) -> None:
        """Wait as long as a page of addresses of the size that `variables` ask for takes."""
        if " ip_assignment" not in query:
            return
        asked = max((value for value in variables.values() if isinstance(value, int)), default=0)
        if 0 < self._rules.slow_above < asked:
            await asyncio.sleep(_LONG_S)

    def _root(self, name: str) -> Connection:
        def field(_: Any, paginator: Mapping[str, int] | None = None, **filters: Any) -> Node:
            if name in self._rules.forbidden:
                raise GraphQLError("You do not have permission to perform this action.")
            rows = self._lists[name]
            if filters and not self._rules.ignore_filters:
                rows = [row for row in rows if all(row.get(key) == value for key, value in filters.items())]
            page = self._page(rows, paginator, lost=self._rules.lost)
            if self._rules.moving and name not in self._moved:
                self._moved.add(name)
                self._lists[name] = [*self._lists[name][1:], *self._lists[name][:1]]
            return page

        return field

    def _connection(self, rows: list[Node]) -> Connection:
        """A nested list; it is paged like any other."""

        def field(_: Any, paginator: Mapping[str, int] | None = None) -> Node:
            return self._page(rows, paginator)

        return field

    def _page(self, rows: list[Node], paginator: Mapping[str, int] | None, *, lost: int = 0) -> Node:
        asked = (paginator or {}).get("records_per_page") or _DEFAULT_PAGE
        number = (paginator or {}).get("page") or 1
        size = min(asked, self._rules.most) if self._rules.most else asked
        told = asked if self._rules.hidden else size
        pages = -(-len(rows) // told) if rows else self._rules.pages_when_empty
        given = rows[: len(rows) - lost] if lost else rows
        return {
            "entities": given[(number - 1) * size : number * size],
            "page_info": {
                "page": number, "total_pages": pages, "total_count": len(rows), "records_per_page": told,
            },
        }  # fmt: skip


def _joined(data: SonarData, connection: Callable[[list[Node]], Connection], *, typed: bool) -> dict[str, list[Node]]:
    """The root lists, each row with the objects that it names; `typed`: links obey their filter.

    A service that is not `enabled` is sold still, but no row of the list of services (facts: Sonar, 8).
    """
    statuses, services, items = _nodes(data.statuses), _nodes(data.services), _nodes(data.items)
    accounts, fields = _nodes(data.accounts), _nodes(data.field_data)
    sold = _grouped(data.account_services, "account_id")
    for node in accounts.values():
        node["account_status"] = statuses.get(node.get("account_status_id"))
        node["account_services"] = connection([_sale(row, services, typed=typed) for row in sold.get(node["id"], ())])
    assignments = [{**row, "soft": row.get("soft", False)} for row in data.assignments]
    on = _grouped(assignments, "ipassignmentable_type", "ipassignmentable_id")
    for number, node in fields.items():
        node["inventory_item"] = items.get(node.get("inventory_item_id"))
        node["ip_assignments"] = connection(on.get(("InventoryModelFieldData", number), []))
    of_item = _grouped(fields.values(), "inventory_item_id")
    for number, node in items.items():
        node["parent_inventory_item"] = items.get(node.get("parent_inventory_item_id"))
        node["inventory_model_field_data"] = connection(of_item.get(number, []))
        node["ip_assignments"] = connection(on.get(("InventoryItem", number), []))
    owners = {"Account": accounts, "InventoryItem": items, "InventoryModelFieldData": fields}
    histories = [dict(row) for row in data.histories]
    _link(assignments, "ipassignmentable", owners)
    _link(histories, "ipassignmenthistoryable", owners)
    on_sale = [node for node in services.values() if node.get("enabled", True)]
    return {
        "accounts": list(accounts.values()), "account_statuses": list(statuses.values()),
        "services": on_sale, "ip_assignments": assignments, "ip_assignment_histories": histories,
    }  # fmt: skip


def _nodes(rows: list[RowDict]) -> dict[Any, Node]:
    return {row["id"]: dict(row) for row in rows}


def _grouped(rows: Iterable[RowDict], *fields: str) -> dict[Any, list[Node]]:
    """The rows by one field, or by several as a tuple."""
    found: dict[Any, list[Node]] = defaultdict(list)
    for row in rows:
        key = tuple(row.get(field) for field in fields)
        found[key if len(key) > 1 else key[0]].append(row)
    return found


def _sale(row: RowDict, services: Mapping[Any, Node], *, typed: bool) -> Node:
    """A sold service; `service(type:)` is null where the service has another type."""
    found = services.get(row.get("service_id"))

    def service(_: Any, **filters: Any) -> Node | None:
        wanted = filters.get("type") if typed else None
        return found if found is None or wanted in {None, found["type"]} else None

    return {**row, "service": service}


def _link(rows: list[Node], name: str, owners: Mapping[str, Mapping[Any, Node]]) -> None:
    """Add to each row the object that `<name>_type` and `<name>_id` name; null where it is gone."""
    for row in rows:
        kind, number = str(row.get(f"{name}_type")), row.get(f"{name}_id")
        if kind in owners:
            found = owners[kind].get(number)
            row[name] = None if found is None else {**found, "__typename": kind}
        else:
            row[name] = None if number is None else {"id": number, "__typename": kind}
