"""UISP's services as service records: who, which speeds, which addresses, which status (facts: UISP, 5 and 7)."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.text import shown, text
from generator.billing.uisp.lists import ClientRow, ServiceRow, is_on
from generator.billing.uisp.network import Network, Place
from generator.billing.uisp.plans import INTERNET, Plans, Special, special_ids, special_plan, special_record
from generator.inventory.settings import BillingHost
from generator.model import PlanRecord, Rejected, ServiceRecord

STATUSES: Mapping[str, str] = {
    "0": "prepared",
    "1": "active",
    "2": "ended",
    "3": "suspended",
    "4": "prepared blocked",
    "5": "obsolete",
    "6": "deferred",
    "7": "quoted",
    "8": "inactive",
}
_NO_SITE = "no client site: in UISP, link the service to a site of the network"
_MOST_COUNTED = 10


class _Sold(Struct, frozen=True, kw_only=True, gc=False):
    """A service with addresses, before its plan has an id."""

    row: ServiceRow
    place: Place
    special: Special | None


class Services:
    """The service records of a CRM, the services that are none, and what the operator should know."""

    def __init__(
        self,
        rows: Rows[ServiceRow],
        clients: Rows[ClientRow],
        plans: Plans,
        network: Network,
        host: BillingHost,
    ) -> None:
        self._clients = {text(row.id): row for row in clients.rows if text(row.id)}
        self._plans, self._network = plans, network
        self._active = frozenset(status.casefold() for status in host.active_statuses)
        self._wanted_id = host.subscriber_id
        self._left_out: Counter[str] = Counter()
        self._strange: Counter[str] = Counter()
        self._unknown_clients = 0
        self.on_sites = 0
        """How many active services have a site in the NMS."""
        self.rejected: list[Rejected] = []
        sold = [each for each in map(self._sold, rows.rows) if each is not None]
        plan_ids = special_ids((text(each.row.id), each.special) for each in sold if each.special is not None)
        self.own_plans: tuple[PlanRecord, ...] = tuple(special_record(each, plan_ids[each]) for each in plan_ids)
        self.records: tuple[ServiceRecord, ...] = tuple(self._record(each, plan_ids) for each in sold)

    def warnings(self) -> tuple[str, ...]:
        """One line for each kind."""
        lines = []
        if self._left_out:
            lines.append(f"left out, for they are no subscribers: services {_counted(self._left_out)}")
        if self._strange:
            lines.append(f"services in statuses that are not known count as active: {_counted(self._strange)}")
        if self._unknown_clients:
            lines.append(
                f"{self._unknown_clients} services belong to clients that the CRM does not list (archived ones are "
                "not): their name, custom_id and username are unknown"
            )
        return tuple(lines)

    def _sold(self, row: ServiceRow) -> _Sold | None:
        """The service with its place, or `None` where it is no subscriber: counted, or rejected with the reason."""
        site_id = text(row.unms_client_site_id)
        if not self._is_internet(row):
            self._left_out["that are not Internet"] += 1
            return None
        if self._is_lead(row, site_id):
            self._left_out["of leads"] += 1
            return None
        is_active = self._is_active(row)
        self.on_sites += is_active and bool(site_id)
        place = self._network.place(site_id) if site_id else None
        if place is not None and place.addresses:
            return _Sold(row=row, place=place, special=special_plan(row, self._plans.by_id))
        if is_active:
            self.rejected.append(self._rejected(row, place.problem if place else _NO_SITE))
        else:
            self._left_out[f"without an address that are {_status(row)}"] += 1
        return None

    def _is_internet(self, row: ServiceRow) -> bool:
        """By the service's own type, else by that of its plan."""
        kind = text(row.service_plan_type).casefold()
        return kind == INTERNET if kind else text(row.service_plan_id) in self._plans.by_id

    def _is_lead(self, row: ServiceRow, site_id: str) -> bool:
        client = self._clients.get(text(row.client_id))
        return self._network.is_lead(site_id) if client is None else is_on(client.is_lead)

    def _is_active(self, row: ServiceRow) -> bool:
        """Whether the operator counts the status as active; one that is not known does."""
        status = _status(row)
        return not status or status in self._active

    def _record(self, sold: _Sold, plan_ids: Mapping[Special, str]) -> ServiceRecord:
        row = sold.row
        status = _status(row)
        if not status and text(row.status):
            self._strange[repr(shown(text(row.status), limit=20))] += 1
        if text(row.client_id) not in self._clients:
            self._unknown_clients += 1
        return ServiceRecord(
            record=_name(row),
            plan=text(row.service_plan_id) if sold.special is None else plan_ids[sold.special],
            ids=self._ids(row),
            addresses=sold.place.addresses,
            statuses={"service_status": status} if status else {},
            groups=sold.place.groups,
            rank=(int(self._is_active(row)), int(status in {"", "active"})),
        )

    def _rejected(self, row: ServiceRow, why: str) -> Rejected:
        plan = text(row.service_plan_name) or text(row.service_plan_id)
        identity = shown(self._ids(row).get(self._wanted_id, ""))
        return Rejected(record=_name(row), reason=why, id=identity or None, plan=shown(plan) or None)

    def _ids(self, row: ServiceRow) -> dict[str, str]:
        client = self._clients.get(text(row.client_id)) or ClientRow()
        known = {
            "name": client_name(client),
            "client_id": text(row.client_id),
            "custom_id": text(client.user_ident),
            "username": text(client.username),
            "service_id": text(row.id),
        }
        return {choice: value for choice, value in known.items() if value}


def client_name(client: ClientRow) -> str:
    """First and last name; else the company; else whichever name there is (facts: UISP, 7)."""
    first, last, company = text(client.first_name), text(client.last_name), text(client.company_name)
    return f"{first} {last}" if first and last else company or last or first


def _name(row: ServiceRow) -> str:
    return f"service {shown(text(row.id) or '?')}"


def _status(row: ServiceRow) -> str:
    """The status as a text; "" where there is none, or one that nobody knows."""
    return STATUSES.get(text(row.status), "")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items())[:_MOST_COUNTED])
