"""Splynx sessions and Internet services as service records (facts: Splynx, 4.2, 4.5 and 5)."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct

from generator.billing.body import Rows
from generator.billing.numbers import digits_of, rank_number
from generator.billing.splynx.customers import Customer
from generator.billing.splynx.lists import InternetServiceRow, OnlineRow
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import Rejected, ServiceRecord

_NO_ADDRESS = frozenset({"", "0.0.0.0"})  # noqa: S104 - an address to refuse, not one to bind
_NO_IPV6 = frozenset({"", "::"})
_BLOCKED = frozenset({"1", "true"})
_ACTIVE = frozenset({"0", "false"})
_BLOCKED_CUSTOMERS = frozenset({"blocked", "disabled"})
_NO_ADDRESS_REASON = "no IPv4 address"
_LONGEST_PREFIX = 128
_IPV6 = 6
_NO_PLAN = frozenset({"", "0"})
_NOBODY = Customer(ids={}, status="", groups=())


class Found(Struct, frozen=True, kw_only=True):
    """Service records, the rows that could not be one, and what the operator should know."""

    services: tuple[ServiceRecord, ...]
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[str, ...] = ()


class _Blocks:
    """Reads the field `blocked` of each session, and counts the values that it could not judge."""

    def __init__(self) -> None:
        self._missing = 0
        self._strange: dict[str, int] = {}

    def status(self, value: Any) -> str:
        """`blocked` or `active`; a customer is not cut off for a value that nobody knows."""
        if value is UNSET or value is None or value == "":
            self._missing += 1
            return "active"
        word = str(value).strip().lower()
        if word in _BLOCKED:
            return "blocked"
        if word not in _ACTIVE:
            self._strange[shown(word, limit=20)] = self._strange.get(shown(word, limit=20), 0) + 1
        return "active"

    def warnings(self) -> tuple[str, ...]:
        """One line for all sessions without the field, one for all odd values together."""
        lines = []
        if self._missing:
            lines.append(f"{self._missing} sessions have no field `blocked`: taken as not blocked")
        if self._strange:
            values = ", ".join(repr(word) for word in sorted(self._strange)[:5])
            count = sum(self._strange.values())
            lines.append(f"{count} sessions have an unknown value in `blocked` ({values}): taken as not blocked")
        return tuple(lines)


def sessions_of(rows: Rows[OnlineRow], customers: Mapping[str, Customer], host: BillingHost) -> Found:
    """Every session with an address as a service record; those without are rejected."""
    blocks = _Blocks()
    services: list[ServiceRecord] = []
    rejected: list[Rejected] = []
    for row in rows.rows:
        addresses = _addresses(row, host)
        customer_id = text(row.customer_id)
        customer = customers.get(customer_id, _NOBODY)
        ids = _ids(text(row.login), customer_id, customer)
        session = text(row.id)
        record = f"session {shown(session or '?')}"
        if not addresses:
            rejected.append(_rejected(record, row, ids.get(host.subscriber_id)))
            continue
        services.append(
            ServiceRecord(
                record=record,
                plan=_plan(row.tariff_id),
                ids=ids,
                addresses=addresses,
                statuses=_statuses(blocks.status(row.blocked), customer.status),
                groups=customer.groups,
                rank=_session_rank(session, row),
            )
        )
    return Found(services=tuple(services), rejected=tuple(rejected), warnings=blocks.warnings())


def services_of(
    rows: Rows[InternetServiceRow], sessions: Found, customers: Mapping[str, Customer], host: BillingHost
) -> Found:
    """The active services with a fixed address that no session has: customers who are offline now.

    Services whose address comes from a pool (`taking_ipv4` 2) or that have none (0) are no records: their
    address is known while they are online only.
    """
    online = {_bare(address) for session in sessions.services for address in session.addresses}
    services: list[ServiceRecord] = []
    rejected: list[Rejected] = []
    for row in rows.rows:
        address = text(row.ipv4)
        if text(row.status).lower() != "active" or _bare(address) in online:
            continue
        customer_id = text(row.customer_id)
        customer = customers.get(customer_id, _NOBODY)
        ids = _ids(text(row.login), customer_id, customer)
        if address not in _NO_ADDRESS:
            services.append(_service(row, address, ids, customer))
        elif text(row.taking_ipv4) == "1":
            record = f"service {shown(text(row.id) or '?')}"
            rejected.append(_rejected(record, row, ids.get(host.subscriber_id)))
    return Found(services=tuple(services), rejected=tuple(rejected))


def _service(row: InternetServiceRow, address: str, ids: Mapping[str, str], customer: Customer) -> ServiceRecord:
    """A service has no `blocked` of its own: the status of its customer stands for it."""
    blocked = "blocked" if customer.status in _BLOCKED_CUSTOMERS else "active"
    return ServiceRecord(
        record=f"service {shown(text(row.id) or '?')}", plan=_plan(row.tariff_id), ids=ids,
        addresses=(address,), statuses=_statuses(blocked, customer.status), groups=customer.groups,
        rank=(-1, rank_number(text(row.id)) or 0),
    )  # fmt: skip


def unknown_customers(services: Iterable[ServiceRecord], customers: Mapping[str, Customer]) -> tuple[str, ...]:
    """A warning when services belong to customers that the customer list does not have."""
    unknown = sum(service.ids.get("customer_id", "") not in customers for service in services)
    if not unknown:
        return ()
    line = (
        f"{unknown} sessions or services belong to customers that admin/customers/customer does not list: "
        "their name, email, status and groups are unknown (a key of one partner sees only its customers)"
    )
    return (line,)


def _plan(tariff_id: Any) -> str | None:
    plan = text(tariff_id)
    return None if plan in _NO_PLAN else plan


def _ids(login: str, customer_id: str, customer: Customer) -> dict[str, str]:
    ids = dict(customer.ids)
    if login:
        ids["login"] = login
    if customer_id:
        ids["customer_id"] = customer_id
    return ids


def _statuses(session: str, customer: str) -> dict[str, str]:
    return {"session_blocked": session, "customer_status": customer} if customer else {"session_blocked": session}


def _session_rank(session: str, row: OnlineRow) -> tuple[int, ...]:
    """Greatest session id is the newest; where ids are no numbers, the latest start."""
    number = rank_number(session)
    return (0, 0, digits_of(text(row.start_session))) if number is None else (0, number)


def _addresses(row: OnlineRow, host: BillingHost) -> tuple[str, ...]:
    ipv4 = text(row.ipv4)
    first = () if ipv4 in _NO_ADDRESS else (ipv4,)
    return first + _ipv6(row) if _IPV6 in host.ip_versions else first


def _ipv6(row: OnlineRow) -> tuple[str, ...]:
    """The IPv6 prefix; with the prefix length 0 Splynx says that it knows none."""
    address = text(row.ipv6)
    if address in _NO_IPV6:
        return ()
    length = rank_number(text(row.ipv6_prefix)) or 0
    if "/" in address or not 0 < length <= _LONGEST_PREFIX:
        return (address,)
    return (f"{address}/{length}",)


def _bare(address: str) -> str:
    return address.removesuffix("/32")


def _rejected(record: str, row: OnlineRow | InternetServiceRow, subscriber: str | None) -> Rejected:
    return Rejected(
        record=record, reason=_NO_ADDRESS_REASON, id=shown(subscriber) if subscriber else None,
        ip=shown(text(row.ipv4)) or None, plan=shown(_plan(row.tariff_id) or "") or None,
    )  # fmt: skip
