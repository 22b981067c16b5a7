"""The Powercode connector by REST: equipment by category, then each customer's services, three requests a second.

For small providers without SQL access (facts: Powercode REST). A customer whose services cannot be read keeps
the state he had.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from msgspec import Struct

from generator.billing.http import HttpReader
from generator.billing.numbers import rank_number
from generator.billing.powercode_api.calls import Caller, CallError, as_list
from generator.billing.powercode_api.customers import Asked, Customer, Plans, ask_all, wants_customer
from generator.billing.text import shown, text
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, GroupRecord, Rejected, ServiceRecord, Unread
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_NOBODY = frozenset({"", "0", "1"})
"""Owners of equipment that is no customer's: unassigned, or the provider itself."""
_NO_LOCATION = frozenset({"", "0"})


class _Equipment(Struct, frozen=True, kw_only=True):
    """A piece of equipment of a customer."""

    id: str
    customer_id: str
    address: str
    location: str


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the Powercode of `host` says, whole: plans and services of those who have equipment.

    Raises `SourceError` when the equipment cannot be read, or too many customers.
    """
    with HttpReader(host, headers={}, retry=retry) as reader:
        caller = Caller(reader, host, retry)
        equipment, rejected = _all_equipment(caller, host)
        asked = ask_all(caller, (each.customer_id for each in equipment), host)
    plans = Plans(asked.customers)
    made = [_record(each, asked, plans, host) for each in equipment]
    return BillingAnswer(
        plans=plans.records(),
        services=tuple(each for each in made if isinstance(each, ServiceRecord)),
        rejected=(*rejected, *(each for each in made if isinstance(each, Rejected))),
        unread=tuple(each for each in made if isinstance(each, Unread)),
        warnings=(*plans.warnings(), *_several(asked)),
    )


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The key and each category of equipment, and one customer of them."""
    found: list[_Equipment] = []
    with HttpReader(host, headers={}, retry=retry) as reader:
        caller = Caller(reader, host, retry)
        for category in host.equipment_categories:
            yield tried(f"getEquipmentByCategory {category}", partial(_probe_category, caller, host, category, found))
        for action in ("readCustomerService", *(["readCustomer"] if wants_customer(host) else [])):
            if found:
                yield tried(action, partial(_probe_customer, caller, action, found[0].customer_id))


def _probe_category(caller: Caller, host: BillingHost, category: int, found: list[_Equipment]) -> str:
    equipment, _ = _category(caller, host, category)
    found += equipment
    return f"{len(equipment)} of customers, for example equipment {shown(equipment[0].id)}" if equipment else "none"


def _probe_customer(caller: Caller, action: str, customer_id: str) -> str:
    caller.call(action, customerID=customer_id)
    return f"for example customer {shown(customer_id)}"


def _all_equipment(caller: Caller, host: BillingHost) -> tuple[list[_Equipment], list[Rejected]]:
    equipment: dict[str, _Equipment] = {}
    rejected: list[Rejected] = []
    for category in host.equipment_categories:
        found, refused = _category(caller, host, category)
        for each in found:
            equipment.setdefault(each.id or repr(each), each)
        rejected += refused
    return list(equipment.values()), rejected


def _category(caller: Caller, host: BillingHost, category: int) -> tuple[list[_Equipment], list[Rejected]]:
    """The customers' equipment of one category, and what is none."""
    try:
        rows = as_list(caller.call("getEquipmentByCategory", equipmentCategory=str(category)).get("equipment"))
    except CallError as error:
        if _says_none(error.message):
            return [], []
        raise
    if rows is None:
        raise SourceError(
            f"the equipment of category {category} is no list", where=host.name, fix="look at Powercode's API log"
        )
    equipment = [_equipment(row) for row in rows if isinstance(row, dict)]
    rejected = [
        Rejected(record=f"equipment at position {position} of category {category}", reason="not a JSON object")
        for position, row in enumerate(rows, 1)
        if not isinstance(row, dict)
    ]
    return [each for each in equipment if each.customer_id not in _NOBODY], rejected


def _says_none(message: str) -> bool:
    """Whether a refusal says that a category has no equipment, rather than that the key is wrong."""
    words = message.lower()
    return "equipment" in words and ("no " in words or "not found" in words) and "key" not in words


def _equipment(row: dict[str, Any]) -> _Equipment:
    return _Equipment(
        id=text(row.get("equipmentid")),
        customer_id=text(row.get("enduserid")),
        address=text(row.get("ipaddress")),
        location=text(row.get("locationid")),
    )


def _record(each: _Equipment, asked: Asked, plans: Plans, host: BillingHost) -> ServiceRecord | Rejected | Unread:
    record = f"equipment {shown(each.id or '?')}"
    addresses = (each.address,) if each.address else ()
    if each.customer_id in asked.failed:
        reason = f"customer {shown(each.customer_id)} could not be read: {asked.failed[each.customer_id]}"
        if addresses:
            return Unread(record=record, addresses=addresses, reason=reason)
        return Rejected(record=record, reason="no address", id=shown(each.customer_id))
    customer = asked.customers[each.customer_id]
    if customer.service is None:
        return Rejected(
            record=record, reason="its customer has no service of the type Monthly Internet",
            id=shown(each.customer_id), ip=shown(each.address) or None,
        )  # fmt: skip
    statuses = _statuses(customer)
    active = {status.casefold() for status in host.active_statuses}
    is_active = statuses.get(host.block_on or "", "").casefold() in active
    return ServiceRecord(
        record=record,
        plan=plans.id_of(customer.service),
        ids={"customer_id": each.customer_id} | ({"name": customer.name} if customer.name else {}),
        addresses=addresses,
        statuses=statuses,
        groups=_groups(each, host),
        rank=(int(is_active), -(rank_number(each.id) or 0)),
    )


def _statuses(customer: Customer) -> dict[str, str]:
    service = customer.service.status if customer.service else ""
    known = {"service_status": service, "customer_status": customer.status}
    return {choice: status for choice, status in known.items() if status}


def _groups(each: _Equipment, host: BillingHost) -> tuple[GroupRecord, ...]:
    if not host.subscriber_groups or each.location in _NO_LOCATION:
        return ()
    return (GroupRecord(level="L1", name=each.location),)


def _several(asked: Asked) -> tuple[str, ...]:
    if not asked.several:
        return ()
    some = ", ".join(map(shown, asked.several[:5]))
    line = f"{len(asked.several)} customers have several services of the type Monthly Internet"
    return (f"{line}: the first active one counts (for example {some})",)
