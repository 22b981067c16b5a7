"""Sonar's assigned addresses as service records (facts: Sonar, 3, 5 and 8)."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.networks import addresses_of
from generator.billing.numbers import digits_of, rank_number
from generator.billing.sonar.lists import HistoryRow, count
from generator.billing.sonar.parents import Parents
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import Rejected, ServiceRecord, Unread

_log = logging.getLogger(__name__)

_DATE_TIME_CHARS = 19
"""`2025-03-02T08:11:40`; what follows, fractions and the zone, differs in length and not in order."""
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_IPV4, _IPV6 = 4, 6


class Found(Struct, frozen=True, kw_only=True):
    """Service records, the assignments that could not be one, and what the operator should know.

    `unread` are the assignments whose service stands in a part of a list that did not come.
    """

    services: tuple[ServiceRecord, ...]
    rejected: tuple[Rejected, ...]
    unread: tuple[Unread, ...]
    warnings: tuple[str, ...]


class _Sold(Struct, frozen=True, gc=False):
    """A data service that an account has: the id of the sale, and of the service that is the plan."""

    id: str
    plan: str


class _Claim(Struct, frozen=True, gc=False):
    """A service record, and whose and for which sold service it is."""

    account: str
    sold: str
    record: ServiceRecord


class _Unusable(Exception):  # noqa: N818 - says what the row is, not that something went wrong
    """Why an assignment is no record."""


class _Cut(Exception):  # noqa: N818 - as above
    """How much of the services of an assignment's account did not come."""


class _Notes:
    """What is told once for all assignments: names of accounts and counts, by kind."""

    def __init__(self) -> None:
        self.several: dict[str, None] = {}
        self.archived: dict[str, None] = {}
        self.others = 0
        self.removed = 0
        self.other_family = 0

    def warnings(self) -> tuple[str, ...]:
        """One line for each kind that there is."""
        kinds = (
            (self.several, "with several data services and an address that names none of them: the lowest id counts"),
            (self.archived, "that are archived and still have addresses: their status decides, as for others"),
        )
        return tuple(
            f"accounts {what}: {len(accounts)} (for example account {shown(next(iter(accounts)))})"
            for accounts, what in kinds
            if accounts
        )

    def log(self, host: BillingHost) -> None:
        """Say how many rows are no customers' addresses, which is as it should be."""
        _log.info(
            "%s: left aside: %d addresses whose owner is no account (network sites, infrastructure), %d that are no "
            "longer assigned, %d of an IP version that is not wanted",
            host.name, self.others, self.removed, self.other_family,
        )  # fmt: skip


def services_of(rows: Rows[HistoryRow], parents: Parents, host: BillingHost) -> Found:
    """Every address assigned to an account now as a service record, the latest assignment ranked highest."""
    notes = _Notes()
    claims: list[_Claim] = []
    rejected: list[Rejected] = []
    unread: list[Unread] = []
    reader = _Reader(parents, host, notes)
    for row in rows.rows:
        try:
            claim = reader.claim(row)
        except _Unusable as why:
            rejected.append(Rejected(record=_name(row), reason=str(why), ip=shown(text(row.subnet)) or None))
            continue
        except _Cut as why:
            unread.append(Unread(record=_name(row), addresses=addresses_of(text(row.subnet)), reason=str(why)))
            continue
        if claim is not None:
            claims.append(claim)
    notes.log(host)
    joined = _joined(claims) if host.dual_stack_groups else (claim.record for claim in claims)
    return Found(services=tuple(joined), rejected=tuple(rejected), unread=tuple(unread), warnings=notes.warnings())


class _Reader:
    """Reads one assignment after the other."""

    def __init__(self, parents: Parents, host: BillingHost, notes: _Notes) -> None:
        self._parents, self._notes = parents, notes
        self._versions = frozenset(host.ip_versions)
        # desired/ blocks whoever has a status that `active_statuses` does not list. Those are names of account
        # statuses, which say nothing about delinquency: who is not delinquent gets one of them.
        self._not_delinquent = next((status for status in host.active_statuses if status.strip()), "active")

    def claim(self, row: HistoryRow) -> _Claim | None:
        """The claim of `row`; `None` for what is no customer's address; raises `_Unusable` or `_Cut`."""
        if text(row.removed_datetime):
            self._notes.removed += 1
            return None
        account = _account(row)
        if account is None:
            self._notes.others += 1
            return None
        subnet = text(row.subnet)
        if _version(subnet) not in self._versions:
            self._notes.other_family += 1
            return None
        account_id, name = text(account.get("id")), text(account.get("name"))
        sold = self._sold(account_id, account.get("account_services"), text(row.account_service_id))
        if text(account.get("archived_at")):
            self._notes.archived[account_id] = None
        ids = {"customer_id": account_id, "name": name}
        record = ServiceRecord(
            record=_name(row),
            plan=sold.plan if sold else None,
            ids={choice: value for choice, value in ids.items() if value},
            addresses=addresses_of(subnet),
            statuses={
                "account_status": _status(account.get("account_status")),
                "delinquent": self._delinquency(account.get("is_delinquent")),
            },
            groups=self._parents.groups(text(row.ip_assignment_id), subnet),
            rank=(digits_of(text(row.assigned_datetime)[:_DATE_TIME_CHARS]), rank_number(text(row.id)) or 0),
        )
        return _Claim(account_id, sold.id if sold else "", record)

    def _sold(self, account_id: str, connection: Any, wanted: str) -> _Sold | None:
        """The data service that `wanted` names, else the account's first; `None` when it has none."""
        fields = connection if isinstance(connection, dict) else {}
        entities = _elements(fields.get("entities"))
        if entities is None:
            raise _Unusable("the services of its account are not shown")
        sold = [each for entity in entities if (each := _data_service(entity)) is not None]
        named = next((each for each in sold if wanted and each.id == wanted), None)
        if named is not None:
            return named
        total = _total(fields.get("page_info"))
        if len(entities) < total:
            raise _Cut(f"only {len(entities)} of the {total} services of account {shown(account_id)} came")
        if len({each.plan for each in sold}) > 1:
            self._notes.several[account_id] = None
        return min(sold, key=_sale_order, default=None)

    def _delinquency(self, value: Any) -> str:
        """`delinquent`, a status that is not blocked, or "" when it is not known."""
        word = str(value).strip().lower()
        return "delinquent" if word in _TRUE else self._not_delinquent if word in _FALSE else ""


def _name(row: HistoryRow) -> str:
    return f"IP assignment {shown(text(row.id)) or '?'}"


def _version(subnet: str) -> int:
    """The IP version that `subnet` looks like; an IPv4 address mapped into IPv6 is IPv4."""
    return _IPV6 if ":" in subnet and "." not in subnet else _IPV4


def _account(row: HistoryRow) -> dict[str, Any] | None:
    """The account that has the address; `None` for another owner or none; raises `_Unusable`."""
    owner = row.ipassignmenthistoryable
    if isinstance(owner, dict) and text(owner.get("id")):
        return owner
    # Of an owner that is no account nothing was asked: it is {} (facts: Sonar, 3).
    if text(row.ipassignmenthistoryable_type).lower() == "account":
        raise _Unusable("its account is not shown")
    if owner is not None and owner != {}:
        raise _Unusable("its owner is not an object with an id")
    return None


def _elements(value: Any) -> list[Any] | None:
    """A list; of one element, where a server gives that itself."""
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else None


def _total(page_info: Any) -> int:
    """How many elements a nested list has; 0 where the server does not say."""
    return count(page_info.get("total_count")) or 0 if isinstance(page_info, dict) else 0


def _id(entity: Any) -> str:
    return text(entity.get("id")) if isinstance(entity, dict) else ""


def _data_service(entity: Any) -> _Sold | None:
    """The data service in an entity of `account_services`; `None` for services of other types."""
    service = entity.get("service") if isinstance(entity, dict) else None
    if not isinstance(service, dict) or text(service.get("type")).lower() not in {"data", ""}:
        return None
    plan = text(service.get("id"))
    return _Sold(_id(entity), plan) if plan else None


def _sale_order(sold: _Sold) -> tuple[bool, int, str]:
    number = rank_number(sold.id)
    return number is None, number or 0, sold.id


def _status(value: Any) -> str:
    return text(value.get("name")) if isinstance(value, dict) else text(value)


def _joined(claims: Iterable[_Claim]) -> Iterator[ServiceRecord]:
    """One record for each service of an account, with all its addresses, as dual-stack groups need it.

    A claim that is not the latest on an address stays alone, so that it cannot win there by what its account
    was given later.
    """
    listed = list(claims)
    latest: dict[str, _Claim] = {}
    for claim in listed:
        for address in claim.record.addresses:
            if claim.record.rank >= latest.setdefault(address, claim).record.rank:
                latest[address] = claim
    together: dict[tuple[str, str], list[ServiceRecord]] = defaultdict(list)
    for claim in listed:
        whose = (claim.account, claim.sold)
        winners = [latest[address] for address in claim.record.addresses]
        if all((winner.account, winner.sold) == whose for winner in winners):
            together[whose].append(claim.record)
        else:
            yield claim.record
    for (account, sold), records in together.items():
        yield records[0] if len(records) == 1 else _one(account, sold, records)


def _one(account: str, sold: str, records: list[ServiceRecord]) -> ServiceRecord:
    """The records of one sold service as one, with the state of its latest assignment."""
    latest = max(records, key=lambda record: record.rank)
    groups = dict.fromkeys(group for record in records for group in record.groups)
    return ServiceRecord(
        record=f"account {shown(account)}" + (f", account service {shown(sold)}" if sold else ""),
        plan=latest.plan,
        ids=latest.ids,
        addresses=tuple(dict.fromkeys(address for record in records for address in record.addresses)),
        statuses=latest.statuses,
        groups=tuple(groups),
        rank=latest.rank,
    )
