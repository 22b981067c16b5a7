"""ISPCube by its own API: plans, connections, customers and nodes, and how many requests that took."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct

from generator.billing.body import not_objects
from generator.billing.http import HttpReader, StatusError
from generator.billing.ispcube.calls import TOKEN_PATH, Calls
from generator.billing.ispcube.lists import (
    CONNECTIONS,
    CUSTOMERS,
    NODES,
    ConnectionRow,
    first_row,
    plan_members,
    plans_listing,
    read_customers,
    read_list,
)
from generator.billing.ispcube.plans import plan_records
from generator.billing.ispcube.services import Services, is_deleted
from generator.billing.text import text
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_progress = logging.getLogger("generator.progress")

_ALLOWANCE = 2.5
"""Requests a month for each active connection of a cloud installation (facts: systems that push, 4.4)."""
_NOT_READABLE = frozenset({401, 403, 404, 405})
"""Refusals of a list that serves groups only."""


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the API of `host` says, whole: the plans that connections have, a service for each connection.

    One list after the other: requests are metered, and a refusal then costs no further ones. How many were made is
    said also when it fails. Raises `SourceError` when a list that is needed cannot be read whole.
    """
    with HttpReader(host, headers={}, retry=retry) as reader:
        reading = _Reading(host)
        try:
            return reading.read(Calls(reader, host))
        finally:
            reading.say(reader.sent)


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The account, then each list, of which only the customers' can be asked for one row."""
    with HttpReader(host, headers={}, retry=retry) as reader:
        calls = Calls(reader, host)
        login = tried(f"POST {TOKEN_PATH}", partial(_logged_in, calls))
        yield login
        if login.problem:
            return  # more attempts would only lock the user out
        yield tried(f"GET {plans_listing(None).path}", partial(plan_members, calls))
        yield tried(f"GET {CUSTOMERS.path}", partial(first_row, calls, CUSTOMERS, limit=True))
        yield tried(f"GET {CONNECTIONS.path}", partial(first_row, calls, CONNECTIONS))
        if host.subscriber_groups:
            yield tried(f"GET {NODES.path}", partial(first_row, calls, NODES), needed=False)


def _logged_in(calls: Calls) -> str:
    calls.log_in()
    return "a token came"


class _Nodes(Struct, frozen=True, kw_only=True):
    """Node names by id; or which groups then stay as they were, and the warning that says so."""

    names: Mapping[str, str] = {}
    unread: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


class _Reading:
    """One reading of the lists."""

    def __init__(self, host: BillingHost) -> None:
        self._host = host
        self._connections = 0
        """Those that are not deleted."""

    def read(self, calls: Calls) -> BillingAnswer:
        """The lists joined; raises `SourceError`."""
        plans = read_list(calls, plans_listing(self._host.options["plan_speed_members"]))
        connections = read_list(calls, CONNECTIONS)
        present = [row for row in connections.rows if not is_deleted(row)]
        self._connections = len(present)
        customers = read_customers(calls, frozenset(text(row.customer_id) for row in present) - {""})
        nodes = self._nodes(calls, present)
        services = Services(connections, customers, nodes.names, self._host)
        self._check_whole(services.unknown, calls.where(CUSTOMERS.path))
        return BillingAnswer(
            plans=plan_records(plans, (each.plan for each in services.records if each.plan), self._host),
            services=tuple(services.records),
            rejected=(
                *services.rejected, *not_objects("plan", plans), *not_objects(CUSTOMERS.noun, customers),
                *not_objects(CONNECTIONS.noun, connections),
            ),
            unread_groups=nodes.unread,
            warnings=(*nodes.warnings, *services.warnings()),
        )  # fmt: skip

    def say(self, sent: int) -> None:
        """Tell the operator how many requests were made, and how many such runs an allowance lasts for."""
        name, allowance = self._host.name, int(self._connections * _ALLOWANCE)
        if not allowance:
            _progress.info("%s: %d requests to ISPCube's API", name, sent)
            return
        _progress.info(
            "%s: %d requests to ISPCube's API; a cloud installation with %d active connections has %d a month: "
            "%d runs like this one",
            name, sent, self._connections, allowance, allowance // sent,
        )  # fmt: skip

    def _nodes(self, calls: Calls, connections: Sequence[ConnectionRow]) -> _Nodes:
        """The nodes, last of all lists: when it is refused, it is known that the account is good for the others."""
        if not self._host.subscriber_groups or not any(text(row.node_id) for row in connections):
            return _Nodes()
        try:
            rows = read_list(calls, NODES)
        except StatusError as error:
            if error.status not in _NOT_READABLE:
                raise
            line = f"the list of nodes cannot be read (HTTP {error.status}): L2 groups stay as they were"
            fix = "let the user of `username` see nodes, or set `subscriber_groups: false`"
            return _Nodes(unread=frozenset({"L2"}), warnings=(f"{line}; {fix}",))
        return _Nodes(names={text(row.id): text(row.name) for row in rows.rows if text(row.id) and text(row.name)})

    def _check_whole(self, unknown: int, where: str) -> None:
        """Refuse a list of customers that lacks those of many connections: a limit in ISPCube has cut it."""
        if unknown > 1 and unknown * 100 > self._connections * self._host.max_shrink_percent:
            raise SourceError(
                f"the list of customers is cut short: {unknown} of {self._connections} connections are of customers "
                "that are not in it",
                where=where, fix="run again; if it stays so, ask ISPCube what limits customers_list: nothing was used",
            )  # fmt: skip
