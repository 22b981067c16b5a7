"""The GraphQL schema of the Visp emulator (facts: Visp, 4): types, fields, and which type has which.

Fields that a server fills from its database are of the scalar `Any`, so that hand-made data may be as wrong as
real data is; what is a list, an object or a union is one here too.
"""

from collections.abc import Iterable
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema, GraphQLUnionType, build_schema

from generator.demo.sample import RowDict
from generator.demo.visp_data import VispData

_SPEEDS = (
    "up_speed", "up_speed_unit", "down_speed", "down_speed_unit", "up_burst", "up_burst_unit", "down_burst",
    "down_burst_unit", "burst_seconds", "burst_time_unit",
)  # fmt: skip
_WITH_SPEEDS: dict[str, tuple[str, ...]] = {
    "ServiceTypeWifi": (*_SPEEDS, "ip_address", "mac_address", "multiple_mac"),
    "ServiceTypeHotspot": (*_SPEEDS, "ip_address", "mac_address", "multiple_mac"),
    "ServiceTypeOtherConnection": (*_SPEEDS, "ip_address", "mac_address"),
    "ServiceTypeVpn": _SPEEDS,
}
_OTHERS = ("FiberCircuit", "Cable", "Dsl", "AttDsl", "Bpl", "Lte", "Voip")
_TYPES = {**_WITH_SPEEDS, **{f"ServiceType{name}": ("description",) for name in _OTHERS}}


def _object(name: str, fields: Iterable[str]) -> str:
    typed = (f"{each}: {'[Device]' if each == 'multiple_mac' else 'Any'}" for each in fields)
    return f"type {name} {{ {' '.join(typed)} }}"


_FIXED_SDL = """
scalar Any
scalar JSON
type Device { ip_address: Any mac_address: Any }
type Service { status: Any service_number: Any service_details: ServiceDetails }
type Package { package_id: Any package_name: Any status: Any service_instances: [Service] }
type Customer {
  customer_id: Any first_name: Any last_name: Any username: Any status: Any package_instances: [Package]
}
type Query {
  customers(status: [Int!]): [Customer]
  customer(customer_id: Int!): Customer
  customerCPEwithWirelessServiceSpeeds(isp_id: Int): JSON
}
"""


def visp_schema() -> GraphQLSchema:
    """The schema, built."""
    objects = [_object(name, fields) for name, fields in _TYPES.items()]
    schema = build_schema("\n".join([_FIXED_SDL, *objects, f"union ServiceDetails = {' | '.join(_TYPES)}"]))
    union = schema.get_type("ServiceDetails")
    if isinstance(union, GraphQLUnionType):
        union.resolve_type = _type_of
    return schema


def _type_of(details: RowDict, *_: Any) -> str:
    """The type of a service's details; details without any are of one that has no speeds."""
    name: str = details.get("__typename", f"ServiceType{_OTHERS[0]}")
    return name


class Root:
    """The root of a query over `data`: no list has pages.

    `null_lists` shows an empty list as null, `all_statuses` ignores the filter.
    """

    def __init__(self, data: VispData, *, null_lists: bool, all_statuses: bool) -> None:
        self._data, self._null_lists, self._all_statuses = data, null_lists, all_statuses

    def customers(self, _: GraphQLResolveInfo[Any], status: list[int] | None = None) -> list[RowDict] | None:
        """The customers of these account statuses."""
        wanted = None if status is None or self._all_statuses else set(map(str, status))
        rows = self._data.customers
        chosen = rows if wanted is None else [row for row in rows if str(row.get("status")) in wanted]
        return None if self._null_lists and not chosen else chosen

    def customer(self, _: GraphQLResolveInfo[Any], customer_id: int) -> RowDict | None:
        """One customer."""
        found = (row for row in self._data.customers if str(row.get("customer_id")) == str(customer_id))
        return next(found, None)

    def cpes(self, _: GraphQLResolveInfo[Any], isp_id: int | None = None) -> list[RowDict] | None:  # noqa: ARG002 - one ISP
        """The CPEs, as one JSON value."""
        return None if self._null_lists and not self._data.cpes else self._data.cpes

    customerCPEwithWirelessServiceSpeeds = cpes  # noqa: N815 - the API's own name
