"""The Wispro connector: plans, clients and contracts of its API, one service for each contract (facts: Wispro)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows, not_objects
from generator.billing.http import HttpReader, StatusError
from generator.billing.networks import addresses_of
from generator.billing.numbers import NumberError, named
from generator.billing.secrets import required
from generator.billing.text import shown, text
from generator.billing.wispro.lists import (
    CLIENTS,
    CONTRACTS,
    NODES,
    NOT_READABLE,
    PLANS,
    ClientRow,
    ContractRow,
    Listing,
    NodeRow,
    PlanRow,
    first_row,
    read_list,
)
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, GroupRecord, Limit, PlanRecord, Rejected, ServiceRecord
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_PARALLEL_LISTS = 3
_KNOWN_STATES = frozenset({"enabled", "disabled"})


class _Lists(Struct, frozen=True, kw_only=True):
    plans: Rows[PlanRow]
    clients: Rows[ClientRow]
    contracts: Rows[ContractRow]


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the Wispro of `host` says, whole: plans that somebody has, services for its contracts.

    Raises `SourceError` when a list that is needed cannot be read whole.
    """
    with HttpReader(host, headers={"Authorization": required(host, "api_key")[0]}, retry=retry) as reader:
        lists = _read_lists(reader, retry)
        nodes = _Nodes(reader, host, lists.contracts, retry)
    plans = _Plans(lists.plans, lists.contracts, host)
    services = _Services(lists, plans, nodes, host)
    return BillingAnswer(
        plans=tuple(plans.records),
        services=tuple(services.records),
        rejected=(
            *services.rejected,
            *not_objects(PLANS.noun, lists.plans),
            *not_objects(CLIENTS.noun, lists.clients),
            *not_objects(CONTRACTS.noun, lists.contracts),
        ),
        unread_groups=nodes.unread,
        warnings=(*plans.warnings(), *nodes.warnings, *services.warnings()),
    )


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The token and each list, by its first row."""
    with HttpReader(host, headers={"Authorization": required(host, "api_key")[0]}, retry=retry) as reader:
        listings: list[Listing[Any]] = [PLANS, CLIENTS, CONTRACTS]
        for listing in listings:
            yield tried(f"{listing.path}: read", partial(first_row, reader, listing, retry))
        if host.subscriber_groups:
            yield tried("nodes: read", partial(first_row, reader, NODES, retry), needed=False)


def _read_lists(reader: HttpReader, retry: RetryPolicy) -> _Lists:
    """Plans first, alone: few, and they show at once whether the token is right."""
    plans = read_list(reader, PLANS, retry)
    with ThreadPoolExecutor(max_workers=_PARALLEL_LISTS) as threads:
        clients = threads.submit(read_list, reader, CLIENTS, retry)
        contracts = threads.submit(read_list, reader, CONTRACTS, retry)
        return _Lists(plans=plans, clients=clients.result(), contracts=contracts.result())


class _Plans:
    """The plans that contracts have, by the id that contracts name them by."""

    def __init__(self, rows: Rows[PlanRow], contracts: Rows[ContractRow], host: BillingHost) -> None:
        used = {text(row.plan_id) for row in contracts.rows}
        self._without: list[str] = []
        self._wants_rates = host.zero_rate == "unlimited"
        self.records: list[PlanRecord] = []
        self.id_of: dict[str, str] = {}
        """Plan id as contracts have it → the id of its record, which the BQN gets."""
        for row in rows.rows:
            key = text(row.id)
            if key in used and key not in self.id_of:
                self.id_of[key] = text(row.public_id) or key
                self.records.append(self._record(row, self.id_of[key]))

    def warnings(self) -> tuple[str, ...]:
        """One line for all plans without a rate that somebody has."""
        if not self._without:
            return ()
        names = ", ".join(self._without[:5])
        return (f"{len(self._without)} plans that contracts have lack a rate, taken as unlimited: {names}",)

    def _record(self, row: PlanRow, plan_id: str) -> PlanRecord:
        name = text(row.name) or plan_id
        try:
            down, up = named("ceil_down_kbps", row.ceil_down_kbps), named("ceil_up_kbps", row.ceil_up_kbps)
        except NumberError as error:
            return PlanRecord(id=plan_id, name=name, problem=str(error))
        if self._wants_rates and not (down and up):
            self._without.append(shown(name))
        return PlanRecord(id=plan_id, name=name, download=Limit(rate=down), upload=Limit(rate=up))


class _Nodes:
    """The names of nodes: the contracts' own, and the node list's where a contract has only the id."""

    def __init__(self, reader: HttpReader, host: BillingHost, contracts: Rows[ContractRow], retry: RetryPolicy) -> None:
        self._wanted = host.subscriber_groups
        self._names: dict[str, str] = {}
        self.unread: frozenset[str] = frozenset()
        self.warnings: tuple[str, ...] = ()
        nameless = any(text(row.node_id) and not text(row.node_name) for row in contracts.rows)
        if not self._wanted or not nameless:
            return
        try:
            rows: Rows[NodeRow] = read_list(reader, NODES, retry)
        except StatusError as error:
            if error.status not in NOT_READABLE:
                raise
            self.unread = frozenset({""})
            line = f"the node list cannot be read (status {error.status}): groups stay as they were"
            self.warnings = (f"{line}; let the token read nodes, or set `subscriber_groups: false`",)
        else:
            self._names = {text(row.id): text(row.name) for row in rows.rows}

    def groups(self, row: ContractRow) -> tuple[GroupRecord, ...]:
        """The node's group, which has no prefix (seed); a contract without a node has none."""
        name = text(row.node_name) or self._names.get(text(row.node_id), "")
        return (GroupRecord(level="", name=name),) if self._wanted and name else ()


class _Services:
    """Service records of contracts, the contracts that are none, and what the operator should know."""

    def __init__(self, lists: _Lists, plans: _Plans, nodes: _Nodes, host: BillingHost) -> None:
        self._clients = {text(row.id): row for row in lists.clients.rows}
        self._plans, self._nodes, self._host = plans, nodes, host
        self._states: Counter[str] = Counter()
        self._without_id = 0
        self.records: list[ServiceRecord] = []
        self.rejected: list[Rejected] = []
        for row in lists.contracts.rows:
            self._add(row)

    def warnings(self) -> tuple[str, ...]:
        """One line for unknown states, one for clients without the id that is wanted."""
        lines = []
        if self._states:
            states = ", ".join(f"{count} {state!r}" for state, count in sorted(self._states.items())[:5])
            lines.append(f"contracts in states that are not known count as active: {states}")
        if self._without_id:
            lines.append(
                f"{self._without_id} contracts have no {self._host.subscriber_id}: their subscriber id is the public_id"
            )
        return tuple(lines)

    def _add(self, row: ContractRow) -> None:
        record = f"contract {shown(text(row.public_id) or text(row.id) or '?')}"
        client = self._clients.get(text(row.client_id))
        plan = text(row.plan_id)
        if client is None:
            reason = f"its client {shown(text(row.client_id) or '(none)')} is not in the list of clients"
            self.rejected.append(Rejected(record=record, reason=reason, ip=shown(text(row.ip)) or None))
            return
        self.records.append(
            ServiceRecord(
                record=record,
                plan=self._plans.id_of.get(plan, plan) or None,
                ids=self._ids(row, client),
                addresses=addresses_of(text(row.ip), text(row.netmask)) if text(row.ip) else (),
                statuses=self._statuses(text(row.state)),
                groups=self._nodes.groups(row),
            )
        )

    def _ids(self, row: ContractRow, client: ClientRow) -> Mapping[str, str]:
        known = {
            "public_id": text(client.public_id), "name": text(client.name), "mac_address": text(row.mac_address),
            "login": text(client.email),
        }  # fmt: skip
        if not known[self._host.subscriber_id] and known["public_id"]:
            self._without_id += 1
            known[self._host.subscriber_id] = known["public_id"]
        return {choice: value for choice, value in known.items() if value}

    def _statuses(self, state: str) -> dict[str, str]:
        """Only `disabled` blocks (seed); a state that nobody knows does not cut anybody off."""
        if not state:
            return {}
        if state.casefold() not in _KNOWN_STATES:
            self._states[shown(state, limit=40)] += 1
        return {"state": "disabled" if state.casefold() == "disabled" else "active"}
