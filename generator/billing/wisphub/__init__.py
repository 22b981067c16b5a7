"""The WispHub connector: clients with states and addresses, plans with speeds from their pages; or what it pushed."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from generator.billing import pushed
from generator.billing.body import Rows, not_objects
from generator.billing.http import HttpReader
from generator.billing.secrets import required
from generator.billing.text import shown, text
from generator.billing.wisphub.lists import CLIENTS, PLANS, ClientRow, Listing, PlanRow, first_row, read_list
from generator.billing.wisphub.plans import plans_of
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, GroupRecord, Rejected, ServiceRecord
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_CANCELLED = "cancelado"
_PUSH = "push"


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the WispHub of `host` says, whole: the plans that clients have, a service for each client.

    With `mode: push` what WispHub pushed to a gateway. Raises `SourceError` when it cannot be read whole.
    """
    if host.mode == _PUSH:
        return pushed.read(host, retry=retry)
    with HttpReader(host, headers=_headers(host), retry=retry) as reader:
        plan_rows = read_list(reader, PLANS)
        clients = read_list(reader, CLIENTS)
        join = _Join(plan_rows)
        services = _Services(clients, join, host)
        plans = plans_of(reader, plan_rows, (each.plan for each in services.records if each.plan), host)
    return BillingAnswer(
        plans=plans.records,
        services=tuple(services.records),
        rejected=(*services.rejected, *not_objects(PLANS.noun, plan_rows), *not_objects(CLIENTS.noun, clients)),
        warnings=plans.warnings,
    )


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The key and both lists, by their first rows; or the collections of the gateway."""
    if host.mode == _PUSH:
        yield from pushed.probe(host, retry=retry)
        return
    with HttpReader(host, headers=_headers(host), retry=retry) as reader:
        listings: list[Listing[Any]] = [PLANS, CLIENTS]
        for listing in listings:
            yield tried(f"GET {listing.path}", partial(first_row, reader, listing))


def _headers(host: BillingHost) -> dict[str, str]:
    return {"Authorization": f"Api-Key {required(host, 'api_key')[0]}"}


class _Join:
    """Which plan a client's record names: by id, or by name where an old tenant has only that."""

    def __init__(self, rows: Rows[PlanRow]) -> None:
        self._by_name: dict[str, str] = {}
        for row in rows.rows:
            if text(row.id):
                self._by_name.setdefault(text(row.nombre), text(row.id))

    def plan(self, value: Any) -> str | None:
        """The id of the plan, its name where no plan has that, `None` where none is named."""
        if isinstance(value, dict):
            return text(value.get("id")) or None
        name = text(value)
        return self._by_name.get(name, name) or None


class _Services:
    """Service records of clients, and the clients that are none."""

    def __init__(self, clients: Rows[ClientRow], join: _Join, host: BillingHost) -> None:
        self._join, self._host = join, host
        self._active = frozenset(status.strip().casefold() for status in host.active_statuses)
        self.records: list[ServiceRecord] = []
        self.rejected: list[Rejected] = []
        for row in clients.rows:
            self._add(row)

    def _add(self, row: ClientRow) -> None:
        record = f"service {shown(text(row.id_servicio) or '?')}"
        plan, status, ids = self._join.plan(row.plan_internet), text(row.estado), _ids(row)
        address = text(row.ip)
        if status.casefold() == _CANCELLED:
            # Its address may be another's by now, so it claims none: not in rejected.yml either.
            who, which = ids.get(self._host.subscriber_id), plan
            reason = f"cancelled (estado {shown(status)}), formerly at {shown(address) or 'no address'}"
            self.rejected.append(
                Rejected(record=record, reason=reason, id=shown(who) if who else None, plan=shown(which or "") or None)
            )
            return
        self.records.append(
            ServiceRecord(
                record=record,
                plan=plan,
                ids=ids,
                addresses=(address,) if address else (),
                statuses={"estado": status} if status else {},
                groups=_groups(row) if self._host.subscriber_groups else (),
                rank=(int(not status or status.casefold() in self._active),),
            )
        )


def _ids(row: ClientRow) -> dict[str, str]:
    known = {"service_id": text(row.id_servicio), "name": text(row.nombre), "username": text(row.usuario)}
    return {choice: value for choice, value in known.items() if value}


def _groups(row: ClientRow) -> tuple[GroupRecord, ...]:
    """The sector as L1; the zone, or where there is none the router, as L2."""
    sector, place = _name(row.sectorial), _name(row.zona) or _name(row.router)
    levels = (("L1", sector), ("L2", place))
    return tuple(GroupRecord(level=level, name=name) for level, name in levels if name)


def _name(value: Any) -> str:
    return text(value.get("nombre")) if isinstance(value, dict) else text(value)
