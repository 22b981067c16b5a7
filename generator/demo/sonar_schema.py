"""The GraphQL schema of the Sonar emulator, and its links between lists (facts: Sonar, 3).

Polymorphic links are interfaces: a fragment on a type that does not implement the interface is an error of
validation, and one that does not match leaves an empty object.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema

from generator.demo.sample import Lists, RowDict

_CONNECTIONS = (
    "Account", "AccountStatus", "AccountService", "Service", "IpAssignmentHistory", "IpAssignment",
    "InventoryModelFieldData",
)  # fmt: skip
_SDL = """
scalar Int64Bit
scalar SubnetScalar
scalar Datetime
enum ServiceType { DATA RECURRING VOICE OVERDUE EXPIRING ONE_TIME }
input Paginator { page: Int records_per_page: Int }
type PageInfo { page: Int! total_pages: Int! total_count: Int! records_per_page: Int! }
interface IpassignmenthistoryableInterface { id: Int64Bit! }
interface IpassignmentableInterface { id: Int64Bit! }
type AccountStatus { id: Int64Bit! name: String! activates_account: Boolean! color: String icon: String }
type Account implements IpassignmenthistoryableInterface & IpassignmentableInterface {
  id: Int64Bit! name: String account_status_id: Int64Bit account_status: AccountStatus archived_at: Datetime
  is_delinquent: Boolean! parent_account_id: Int64Bit
  account_services(paginator: Paginator): AccountServiceConnection
}
type NetworkSite implements IpassignmenthistoryableInterface & IpassignmentableInterface { id: Int64Bit! name: String }
type RadiusAccount implements IpassignmentableInterface { id: Int64Bit! username: String }
type DataServiceDetail {
  id: Int64Bit! download_speed_kilobits_per_second: Int64Bit upload_speed_kilobits_per_second: Int64Bit
}
type Service {
  id: Int64Bit! name: String type: ServiceType! enabled: Boolean! data_service_detail: DataServiceDetail
}
type AccountService {
  id: Int64Bit! account_id: Int64Bit! service_id: Int64Bit! quantity: Int! name_override: String
  service(type: ServiceType): Service
}
type IpAssignmentHistory {
  id: Int64Bit! subnet: SubnetScalar assigned_datetime: Datetime removed_datetime: Datetime description: String
  soft: Boolean unique_identifier: String account_service_id: Int64Bit ipassignmenthistoryable_id: Int64Bit
  ipassignmenthistoryable_type: String ipassignmenthistoryable: IpassignmenthistoryableInterface
}
type IpAssignment {
  id: Int64Bit! subnet: SubnetScalar description: String soft: Boolean account_service_id: Int64Bit
  ipassignmentable_id: Int64Bit ipassignmentable_type: String ipassignmentable: IpassignmentableInterface
}
type InventoryItem ITEM_IMPLEMENTS {
  id: Int64Bit! status: String parent_inventory_item_id: Int64Bit parent_inventory_item: InventoryItem
  inventory_model_field_data(paginator: Paginator): InventoryModelFieldDataConnection
}
type InventoryModelFieldData implements IpassignmentableInterface {
  id: Int64Bit! value: String inventory_item: InventoryItem ip_assignments(paginator: Paginator): IpAssignmentConnection
}
type Query {
  accounts(paginator: Paginator): AccountConnection!
  account_statuses(paginator: Paginator): AccountStatusConnection!
  services(paginator: Paginator, type: ServiceType): ServiceConnection!
  ip_assignment_histories(paginator: Paginator, removed_datetime: Datetime): IpAssignmentHistoryConnection!
  ip_assignments(paginator: Paginator): IpAssignmentConnection!
}
"""
_NESTED_ROWS = 25
Page = Callable[[list[RowDict], Any, int], RowDict]


def sonar_schema(links: "Links", *, items_have_addresses: bool) -> GraphQLSchema:
    """The schema over `links`; without `items_have_addresses` an item is no owner of addresses."""
    implements = "implements IpassignmentableInterface" if items_have_addresses else ""
    connections = [f"type {name}Connection {{ entities: [{name}]! page_info: PageInfo! }}" for name in _CONNECTIONS]
    schema = build_schema("\n".join([_SDL.replace("ITEM_IMPLEMENTS", implements), *connections]))
    for name in ("IpassignmenthistoryableInterface", "IpassignmentableInterface"):
        interface = schema.get_type(name)
        if isinstance(interface, GraphQLInterfaceType):
            interface.resolve_type = _type_of
    for type_name, fields in links.resolvers().items():
        found = schema.get_type(type_name)
        if isinstance(found, GraphQLObjectType):
            for field, resolve in fields.items():
                found.fields[field].resolve = resolve
    return schema


def _type_of(row: RowDict, *_: Any) -> str:
    name: str = row["__typename"]
    return name


class Links:
    """The way from one list to another, by ids, over indices made anew when the data changed.

    `root_page` cuts a list as the paginator and the emulator's switches want; `removed_too` ignores a filter.
    """

    def __init__(self, data: Lists, *, empty: bool, removed_too: bool, root_page: Page) -> None:
        self._data, self._empty, self._root_page = data, empty, root_page
        self._removed_too = removed_too
        self._revision = -1
        self._index: dict[tuple[str, str], dict[str, list[RowDict]]] = {}

    def resolvers(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        """Type → field → resolver, for fields that are no plain values."""
        return {
            "Query": {
                "accounts": self._root("accounts"),
                "account_statuses": self._root("account_statuses"),
                "services": self._services,
                "ip_assignment_histories": self._histories,
                "ip_assignments": self._root("ip_assignments"),
            },
            "Account": {
                "account_status": self._one("account_statuses", "account_status_id"),
                "account_services": self._many("account_services", "account_id"),
            },
            "AccountService": {"service": self._service},
            "IpAssignmentHistory": {"ipassignmenthistoryable": self._owner("ipassignmenthistoryable")},
            "IpAssignment": {"ipassignmentable": self._owner("ipassignmentable")},
            "InventoryItem": {
                "parent_inventory_item": self._one("inventory_items", "parent_inventory_item_id"),
                "inventory_model_field_data": self._many("inventory_model_field_data", "inventory_item_id"),
            },
            "InventoryModelFieldData": {
                "inventory_item": self._one("inventory_items", "inventory_item_id"),
                "ip_assignments": self._assignments_of,
            },
        }

    def _rows(self, name: str) -> list[RowDict]:
        rows: list[RowDict] = [] if self._empty else getattr(self._data, name)
        return rows

    def _found(self, name: str, field: str, value: Any) -> list[RowDict]:
        """The rows of a list whose `field` is `value`."""
        if self._revision != self._data.revision:
            self._revision, self._index = self._data.revision, {}
        index = self._index.get((name, field))
        if index is None:
            index = self._index[name, field] = {}
            for row in self._rows(name):
                index.setdefault(str(row.get(field)), []).append(row)
        return index.get(str(value), [])

    def _root(self, name: str) -> Callable[..., RowDict]:
        def resolve(_: Any, __: GraphQLResolveInfo[Any], paginator: Any = None) -> RowDict:
            return self._root_page(self._rows(name), paginator, _NESTED_ROWS)

        return resolve

    def _services(
        self,
        _: Any,
        __: GraphQLResolveInfo[Any],
        paginator: Any = None,
        type: str | None = None,  # noqa: A002 - the API's
    ) -> RowDict:
        rows = [row for row in self._rows("services") if type is None or row.get("type") == type]
        return self._root_page(rows, paginator, _NESTED_ROWS)

    def _histories(self, _: Any, __: GraphQLResolveInfo[Any], paginator: Any = None, **filters: Any) -> RowDict:
        rows = self._rows("ip_assignment_histories")
        if "removed_datetime" in filters and not self._removed_too:
            rows = [row for row in rows if row.get("removed_datetime") == filters["removed_datetime"]]
        return self._root_page(rows, paginator, _NESTED_ROWS)

    def _one(self, name: str, field: str) -> Callable[..., RowDict | None]:
        def resolve(row: RowDict, _: GraphQLResolveInfo[Any]) -> RowDict | None:
            found = self._found(name, "id", row.get(field)) if row.get(field) is not None else []
            return found[0] if found else None

        return resolve

    def _many(self, name: str, field: str) -> Callable[..., RowDict]:
        def resolve(row: RowDict, _: GraphQLResolveInfo[Any], paginator: Any = None) -> RowDict:
            return cut(self._found(name, field, row.get("id")), paginator, _NESTED_ROWS)

        return resolve

    def _service(self, row: RowDict, _: GraphQLResolveInfo[Any], type: str | None = None) -> RowDict | None:  # noqa: A002 - same
        """The service, if it is of the type that was asked for (facts: Sonar, 4)."""
        found = self._found("services", "id", row.get("service_id"))
        return found[0] if found and (type is None or found[0].get("type") == type) else None

    def _owner(self, field: str) -> Callable[..., RowDict | None]:
        lists = {
            "Account": "accounts", "NetworkSite": "network_sites", "InventoryItem": "inventory_items",
            "InventoryModelFieldData": "inventory_model_field_data",
        }  # fmt: skip

        def resolve(row: RowDict, _: GraphQLResolveInfo[Any]) -> RowDict | None:
            kind = row.get(f"{field}_type")
            if kind not in lists:
                return None
            found = self._found(lists[kind], "id", row.get(f"{field}_id"))
            return {**found[0], "__typename": kind} if found else None

        return resolve

    def _assignments_of(self, row: RowDict, _: GraphQLResolveInfo[Any], paginator: Any = None) -> RowDict:
        mine = self._found("ip_assignments", "ipassignmentable_id", row.get("id"))
        rows = [each for each in mine if each.get("ipassignmentable_type") == "InventoryModelFieldData"]
        return cut(rows, paginator, _NESTED_ROWS)


def cut(rows: list[RowDict], paginator: Any, usual: int) -> RowDict:
    """A connection: the page of `rows` that the paginator wants, and its `page_info`."""
    paginator = paginator or {}
    page, size = max(1, paginator.get("page") or 1), max(1, paginator.get("records_per_page") or usual)
    info = {"page": page, "total_pages": -(-len(rows) // size), "total_count": len(rows), "records_per_page": size}
    return {"entities": rows[(page - 1) * size : page * size], "page_info": info}
