"""Powercode customers, asked one by one: their Internet service, its plan, their status.

One customer that cannot be read keeps the state he had; too many of them, or the first refusal of the key, fail
the source (facts: Powercode REST, 6).
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from generator.billing.http import StatusError
from generator.billing.numbers import NumberError, named, rank_number
from generator.billing.powercode_api.calls import Caller, as_list
from generator.billing.text import shown, text
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.model import Limit, PlanRecord

_progress = logging.getLogger("generator.progress")

INTERNET = "monthly internet"
_NOT_ALLOWED = frozenset({401, 403})
_IN_A_ROW = 5
"""So many customers in a row that cannot be read mean that Powercode cannot be read."""
_SAY_EVERY_S = 10.0

Rates = tuple[int | None, int | None, int | None, int | None]
"""maxIn, maxOut, burstIn, burstOut in kbps."""


class Service(Struct, frozen=True, kw_only=True):
    """A customer's Internet service; `problem` says why its rates cannot be used."""

    id: str
    name: str
    status: str
    rates: Rates = (None, None, None, None)
    problem: str | None = None


class Customer(Struct, frozen=True, kw_only=True):
    """What is known of a customer; without `service` there is none that shapes."""

    service: Service | None
    name: str = ""
    status: str = ""


class Asked(Struct, frozen=True, kw_only=True):
    """The customers that could be read, by id, and why the others could not."""

    customers: Mapping[str, Customer]
    failed: Mapping[str, str]
    several: tuple[str, ...]
    """Customers with more than one Internet service."""


def ask_all(caller: Caller, ids: Iterable[str], host: BillingHost) -> Asked:
    """Every customer of `ids`, each asked once; raises `SourceError` when too many cannot be read."""
    wanted = tuple(dict.fromkeys(ids))
    customers: dict[str, Customer] = {}
    failed: dict[str, str] = {}
    several: list[str] = []
    row = 0
    for customer_id in _told(wanted, host):
        try:
            customers[customer_id] = _ask(caller, customer_id, host, several)
            row = 0
        except SourceError as error:
            row += 1
            if (isinstance(error, StatusError) and error.status in _NOT_ALLOWED) or row >= _IN_A_ROW:
                raise
            failed[customer_id] = shown(error.what)
    if len(failed) > 1 and len(failed) * 100 > len(wanted) * host.max_shrink_percent:
        example = next(iter(failed))
        raise SourceError(
            f"{len(failed)} of {len(wanted)} customers could not be read, for example {shown(example)}: "
            f"{failed[example]}",
            where=host.name, fix="run again; if it stays so, look at Powercode's API log",
        )  # fmt: skip
    return Asked(customers=customers, failed=failed, several=tuple(several))


def _told(ids: tuple[str, ...], host: BillingHost) -> Iterator[str]:
    """`ids`, telling the operator now and then how far it is and how long it will take."""
    requests = 2 if wants_customer(host) else 1
    started_s = said_s = time.monotonic()
    expected_s = len(ids) * requests / (host.requests_per_second or 1000)
    if expected_s > _SAY_EVERY_S:
        _progress.info("%s: %d customers to ask, about %s", host.name, len(ids), _duration(expected_s))
    for done, customer_id in enumerate(ids):
        now_s = time.monotonic()
        if done and now_s - said_s >= _SAY_EVERY_S:
            said_s = now_s
            left_s = (now_s - started_s) / done * (len(ids) - done)
            _progress.info(
                "%s: %d of %d customers read, about %s left", host.name, done, len(ids), _duration(left_s)
            )  # fmt: skip
        yield customer_id


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def wants_customer(host: BillingHost) -> bool:
    """Whether each customer must be asked for beside his services."""
    return host.subscriber_id == "name" or (host.block_inactive and host.block_on == "customer_status")


def _ask(caller: Caller, customer_id: str, host: BillingHost, several: list[str]) -> Customer:
    answer = caller.call("readCustomerService", customerID=customer_id)
    services = as_list(answer.get("services"))
    if services is None:
        raise SourceError("its services are no list", where=host.name, fix="look at Powercode's API log")
    mine = [row for row in services if isinstance(row, dict) and text(row.get("type")).casefold() == INTERNET]
    if len(mine) > 1:
        several.append(customer_id)
    active = {status.casefold() for status in host.active_statuses}
    chosen = next((row for row in mine if text(row.get("status")).casefold() in active), mine[0] if mine else None)
    service = None if chosen is None else _service(chosen)
    if not wants_customer(host):
        return Customer(service=service)
    found = caller.call("readCustomer", customerID=customer_id)
    inner = found.get("customer")
    row = inner[0] if isinstance(inner, list) and inner else inner
    row = row if isinstance(row, dict) else found
    return Customer(service=service, name=text(row.get("companyname")), status=text(row.get("status")))


def _service(row: Mapping[str, Any]) -> Service:
    number, status = text(row.get("serviceid")), text(row.get("status"))
    name = text(row.get("description")) or number
    info = row.get("internetinfo")
    if not isinstance(info, dict):
        return Service(id=number, name=name, status=status, problem="it has no internetInfo")
    try:
        down, up, burst_down, burst_up = (
            named(field, info.get(field.lower())) for field in ("maxIn", "maxOut", "burstIn", "burstOut")
        )
    except NumberError as error:
        return Service(id=number, name=name, status=status, problem=str(error))
    return Service(id=number, name=name, status=status, rates=(down, up, burst_down, burst_up))


class Plans:
    """The plans that customers have: one for each service, and one more for each that differs for a customer."""

    def __init__(self, customers: Mapping[str, Customer]) -> None:
        services = [each.service for each in customers.values() if each.service is not None]
        count: dict[tuple[str, Rates, str | None], int] = {}
        self._names: dict[str, str] = {}
        for service in services:
            key = (service.id, service.rates, service.problem)
            count[key] = count.get(key, 0) + 1
            self._names.setdefault(service.id, service.name)
        usual: dict[str, tuple[str, Rates, str | None]] = {}
        for key in sorted(count, key=repr):
            best = usual.get(key[0])
            if best is None or count[key] > count[best]:
                usual[key[0]] = key
        self._id_of = {key: key[0] if usual[key[0]] == key else _own_id(key) for key in count}

    def id_of(self, service: Service) -> str:
        """The id of the plan that a customer with `service` has."""
        return self._id_of[service.id, service.rates, service.problem]

    def records(self) -> tuple[PlanRecord, ...]:
        """The plans; a customer's own rates are named after them, so that the usual plan keeps its name."""
        return tuple(self._record(key, plan_id) for key, plan_id in sorted(self._id_of.items(), key=_by_id))

    def warnings(self) -> tuple[str, ...]:
        """One line for all plans that some customers have with other rates."""
        own = sorted({key[0] for key, plan_id in self._id_of.items() if plan_id != key[0]})
        if not own:
            return ()
        some = ", ".join(shown(service) for service in own[:5])
        return (f"{len(own)} services have other rates for some customers, who get a policy of their own: {some}",)

    def _record(self, key: tuple[str, Rates, str | None], plan_id: str) -> PlanRecord:
        service, (down, up, burst_down, burst_up), problem = key
        name = self._names[service] + plan_id.removeprefix(service)
        return PlanRecord(
            id=plan_id, name=name, download=_limit(down, burst_down), upload=_limit(up, burst_up), problem=problem
        )  # fmt: skip


def _own_id(key: tuple[str, Rates, str | None]) -> str:
    service, rates, problem = key
    return f"{service}-{'unusable' if problem else '-'.join(str(rate or 0) for rate in rates)}"


def _by_id(item: tuple[tuple[str, Rates, str | None], str]) -> tuple[int, str]:
    return rank_number(item[0][0]) or 0, item[1]


def _limit(rate: int | None, burst: int | None) -> Limit:
    """One direction; Powercode's API tells no burst time, so the BQN's own default holds."""
    return Limit(rate=rate, burst_rate=burst) if rate and burst and burst > rate else Limit(rate=rate)
