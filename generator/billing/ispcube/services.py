"""ISPCube connections as services: the customer's ids and status, the connection's plan, address and groups.

Facts: systems that push, 4.3 and 4.5.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from generator.billing.body import Rows
from generator.billing.ispcube.lists import ConnectionRow, CustomerRow
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import GroupRecord, Rejected, ServiceRecord

ACTIVE = "active"
_BLOCKED = "blocked"
_OFF = frozenset({"disabled", "no_service"})
_KNOWN = _OFF | {"enabled", ""}
_NO, _YES = frozenset({"", "0", "false", "no"}), frozenset({"1", "true", "yes"})


def is_deleted(row: ConnectionRow | CustomerRow) -> bool:
    """Whether a row is one that ISPCube only remembers: a flag, or the date since when."""
    return _flag(row.deleted) not in _NO


def _flag(value: Any) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else text(value).casefold()


class Services:
    """Service records of connections, the connections that are none, and what the operator should know."""

    def __init__(
        self, connections: Rows[ConnectionRow], customers: Rows[CustomerRow], nodes: Mapping[str, str],
        host: BillingHost,
    ) -> None:  # fmt: skip
        self._customers = {text(row.id): row for row in customers.rows if text(row.id)}
        self._nodes, self._host = nodes, host
        self._states: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self._slowed: set[str] = set()
        self.unknown = 0
        """Connections of customers that were not listed."""
        self.records: list[ServiceRecord] = []
        self.rejected: list[Rejected] = []
        for row in connections.rows:
            self._add(row)

    def warnings(self) -> tuple[str, ...]:
        """One line for each kind of thing that is not known."""
        lines = []
        for what, found in (("status", self._states), ("block", self._flags)):
            if found:
                some = ", ".join(f"{count} {value!r}" for value, count in sorted(found.items())[:5])
                lines.append(f"connections whose customer's {what} is not known count as active: {some}")
        if self._slowed:
            lines.append(
                f"{len(self._slowed)} customers are speed_limited in ISPCube, to a rate that its API does not tell: "
                "they keep their plan's"
            )
        return tuple(lines)

    def _add(self, row: ConnectionRow) -> None:
        record = f"connection {shown(text(row.id) or '?')}"
        who, plan, address = text(row.customer_id), text(row.plan_id), text(row.ip)
        customer = self._customers.get(who)
        if is_deleted(row) or (customer is not None and is_deleted(customer)):
            # Its address may be another's by now, so it claims none: not in rejected.yml either.
            what = "the connection" if is_deleted(row) else "its customer"
            reason = f"{what} is deleted in ISPCube, formerly at {shown(address) or 'no address'}"
            self.rejected.append(Rejected(record=record, reason=reason, plan=shown(plan) or None))
            return
        if customer is None:
            self.unknown += 1
            reason = f"its customer {shown(who or '(none)')} is not in the list of customers"
            self.rejected.append(
                Rejected(record=record, reason=reason, ip=shown(address) or None, plan=shown(plan) or None)
            )
            return
        status = self._status(customer)
        self.records.append(
            ServiceRecord(
                record=record,
                plan=plan or None,
                ids=_ids(row, customer),
                addresses=(address,) if address else (),
                statuses={"status": status} if status else {},
                groups=self._groups(row),
                rank=(int(status in {"", ACTIVE}),),
            )
        )

    def _status(self, customer: CustomerRow) -> str:
        """`active`, or what blocks: the flag `block`, or a status that is off; "" where neither is told.

        A flag or status that nobody knows cuts nobody off. `temporary` and `speed_limited` do not block.
        """
        block, status = _flag(customer.block), text(customer.status)
        if block in _YES:
            return _BLOCKED
        if status.casefold() in _OFF:
            return status.casefold()
        if block not in _NO:
            self._flags[shown(block, limit=40)] += 1
        if status.casefold() not in _KNOWN:
            self._states[shown(status, limit=40)] += 1
        if _flag(customer.speed_limited) in _YES:
            self._slowed.add(text(customer.id))
        return ACTIVE if block or status else ""

    def _groups(self, row: ConnectionRow) -> tuple[GroupRecord, ...]:
        """The access point as L1, where connections have one, and the node as L2."""
        if not self._host.subscriber_groups:
            return ()
        levels = (("L1", text(row.ap_name)), ("L2", self._nodes.get(text(row.node_id), "")))
        return tuple(GroupRecord(level=level, name=name) for level, name in levels if name)


def _ids(row: ConnectionRow, customer: CustomerRow) -> Mapping[str, str]:
    known = {
        "code": text(customer.code), "customer_id": text(customer.id), "login": text(row.user),
        "name": text(customer.name), "mac_address": text(row.mac),
    }  # fmt: skip
    return {choice: value for choice, value in known.items() if value}
