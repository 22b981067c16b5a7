"""FreeRADIUS's database → records: open sessions that are fresh, users with a fixed address, rates by priority.

A user's own reply attributes come first, then his groups by their priority; the first that has a rate counts
(facts: RADIUS systems, 6).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from generator.billing.radius.attributes import ORDER, Chosen, choose, known_attributes
from generator.billing.radius.database import (
    NAS,
    RADACCT,
    RADCHECK,
    RADGROUPREPLY,
    RADREPLY,
    RADUSERGROUP,
    Database,
    DatabaseError,
    Row,
    Table,
    connected,
)
from generator.billing.text import shown, text
from generator.inventory.convert import seconds
from generator.inventory.globs import matches_any
from generator.inventory.settings import BillingHost
from generator.model import BLOCK_POLICY, BillingAnswer, GroupRecord, PlanRecord, ServiceRecord
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_ACTIVE = "active"
_STATUS = "policy"
_LEVEL = "L2"
_TABLES = (RADACCT, RADREPLY, RADCHECK, RADUSERGROUP, RADGROUPREPLY)
_FIXED, _FALL_THROUGH = "Framed-IP-Address", "Fall-Through"
_NO_ADDRESSES = frozenset({"", "0.0.0.0", "255.255.255.254", "255.255.255.255"})  # noqa: S104 - no socket is bound
_FALLBACK_GROUP = {"nas_identifier": "nasipaddress", "nas_ip_address": "nasipaddress",
                   "called_station_id": "calledstationid", "class": "class"}  # fmt: skip


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All customers that are online or have a fixed address, whole; raises `SourceError`."""
    with connected(host, retry=retry) as database:
        now = database.now()
        sessions = database.open_sessions()
        replies, checks, memberships, group_replies = (
            database.rows(table) for table in (RADREPLY, RADCHECK, RADUSERGROUP, RADGROUPREPLY)
        )
        routers, unread = _routers(database, host)
    users = _Users(host, replies, checks, memberships, group_replies)
    return _Reading(host, users, routers).answer(sessions, now=now, unread=unread)


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """Each table, by the number of its rows."""
    for table in _TABLES:
        yield tried(f"SELECT from {table.name}", partial(_look, host, table, retry))
    if _by_router_name(host):
        yield tried(f"SELECT from {NAS.name}", partial(_look, host, NAS, retry), needed=False)


def _look(host: BillingHost, table: Table, retry: RetryPolicy) -> str:
    with connected(host, retry=retry) as database:
        rows = database.rows(table)
    key = "nasname" if table is NAS else table.needed[0] if table is not RADACCT else "username"
    return f"{len(rows)} rows, for example {shown(text(rows[0].get(key)))}" if rows else "no rows; no example"


def _by_router_name(host: BillingHost) -> bool:
    return host.subscriber_groups and _group_attribute(host) == "nas_identifier"


def _group_attribute(host: BillingHost) -> str | None:
    return None if host.options["radius"] is None else host.options["radius"]["group_attribute"]


def _routers(database: Database, host: BillingHost) -> tuple[dict[str, str], bool]:
    """The short names of routers by address, and whether they may not be read."""
    if not _by_router_name(host):
        return {}, False
    try:
        rows = database.rows(NAS)
    except DatabaseError as error:
        if not error.denied:
            raise
        return {}, True
    return {text(row["nasname"]): text(row.get("shortname")) or text(row["nasname"]) for row in rows}, False


class _Standing(Struct, frozen=True, kw_only=True):
    """What is known of one user: rate attributes, fixed addresses, and why he is blocked if he is."""

    chosen: Chosen
    fixed: tuple[str, ...]
    blocked: str | None


class _Users:
    """Who may have what, by user name; in MySQL names that differ in case are one user."""

    def __init__(
        self,
        host: BillingHost,
        replies: Iterable[Row],
        checks: Iterable[Row],
        memberships: Iterable[Row],
        group_replies: Iterable[Row],
    ) -> None:
        self._host = host
        self._fold = str.casefold if host.options["sql"]["dialect"] == "mysql" else str
        self._names: dict[str, str] = {}
        self._replies = self._attributes(replies, "username")
        self._groups_of = self._memberships(memberships)
        self._group_replies = self._attributes(group_replies, "groupname")
        self._rejected = {
            self.key(row["username"])
            for row in checks
            if text(row["attribute"]).casefold() == "auth-type" and text(row["value"]).casefold() == "reject"
        }
        self._known: dict[str, _Standing] = {}
        self.complaints: dict[str, str] = {}

    def key(self, name: Any) -> str:
        """The key of a user name; the way it is written first is how it is shown."""
        written = text(name)
        folded = self._fold(written)
        self._names.setdefault(folded, written)
        return folded

    def shown_name(self, key: str) -> str:
        """A user's name as it is written."""
        return self._names[key]

    def with_fixed_address(self) -> Iterator[str]:
        """The keys of the users that have an address of their own."""
        return (key for key in self._replies if self.of(key).fixed)

    def of(self, key: str) -> _Standing:
        """What is known of a user."""
        if key not in self._known:
            self._known[key] = self._judge(key)
        return self._known[key]

    def _judge(self, key: str) -> _Standing:
        own = self._replies.get(key, {})
        radius = self._host.options["radius"] or {}
        order, swapped = tuple(radius.get("rate_attributes") or ORDER), bool(radius.get("swapped"))
        chosen = Chosen()
        for values in (own, *self._walk(key, own)):
            chosen = choose(values, order=order, swapped=swapped)
            for complaint in chosen.complaints:
                self.complaints.setdefault(complaint, self.shown_name(key))
            if chosen.rates is not None or chosen.static is not None:
                break
        return _Standing(
            chosen=chosen, blocked=self._why_blocked(key, chosen),
            fixed=tuple(address for address in own.get(_FIXED, ()) if address not in _NO_ADDRESSES),
        )  # fmt: skip

    def _walk(self, key: str, own: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, Sequence[str]]]:
        """The reply attributes of a user's groups, by priority, as far as Fall-Through lets."""
        values = own
        for _, name in sorted(self._groups_of.get(key, ())):
            if any(each.casefold() == "no" for each in values.get(_FALL_THROUGH, ())):
                return
            values = self._group_replies.get(self._fold(name), {})
            yield values

    def _why_blocked(self, key: str, chosen: Chosen) -> str | None:
        if key in self._rejected:
            return "Auth-Type Reject"
        blocking = self._host.options["sql"]["blocked_groups"]
        for _, name in sorted(self._groups_of.get(key, ())):
            if matches_any(name, blocking):
                return f"group {name}"
        if chosen.static is not None and matches_any(chosen.static, self._host.options["blocked_policies"]):
            return chosen.static
        return None

    def _attributes(self, rows: Iterable[Row], owner: str) -> dict[str, dict[str, list[str]]]:
        """The values of known attributes by owner; `:=` replaces, `=` sets what is not there, `+=` adds."""
        wanted = {name.casefold(): name for name in (*known_attributes(), _FIXED, _FALL_THROUGH)}
        found: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for row in sorted(rows, key=lambda row: int(row["id"] or 0)):
            name = wanted.get(text(row["attribute"]).casefold())
            if name is None:
                continue
            values, op = found[self.key(row[owner])], text(row["op"])
            if op == "+=":
                values.setdefault(name, []).append(text(row["value"]))
            elif op == ":=" or name not in values:
                values[name] = [text(row["value"])]
        return found

    def _memberships(self, rows: Iterable[Row]) -> dict[str, list[tuple[int, str]]]:
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for row in rows:
            found[self.key(row["username"])].append((int(row.get("priority") or 0), text(row["groupname"])))
        return found


class _Reading:
    """One answer while it is made."""

    def __init__(self, host: BillingHost, users: _Users, routers: Mapping[str, str]) -> None:
        self._host, self._users, self._routers = host, users, routers
        self._plans: dict[str, PlanRecord] = {}
        self._stale = 0

    def answer(self, sessions: Iterable[Row], *, now: datetime, unread: bool) -> BillingAnswer:
        with_address = (row for row in sessions if _bare(row["framedipaddress"]) not in _NO_ADDRESSES)
        fresh = [row for row in with_address if self._fresh(row, now)]
        services = [self._session(row) for row in sorted(fresh, key=lambda row: int(row["radacctid"]))]
        online = {(self._users.key(row["username"]), _bare(row["framedipaddress"])) for row in fresh}
        services += self._offline(online)
        return BillingAnswer(
            plans=tuple(self._plans.values()),
            services=tuple(services),
            unread_groups=frozenset({_LEVEL}) if unread else frozenset(),
            warnings=tuple(self._warnings(unread=unread)),
        )

    def _warnings(self, *, unread: bool) -> Iterator[str]:
        if self._stale:
            yield f"open sessions not updated for {self._host.options['sql']['fresh']}, left out: {self._stale}"
        if unread:
            yield "the table nas may not be read: L2- groups stay as they were"
        for complaint, user in self._users.complaints.items():
            yield f"{shown(complaint)} (for example user {shown(user)})"

    def _fresh(self, row: Row, now: datetime) -> bool:
        allowed_s = seconds(self._host.options["sql"]["fresh"])
        heard = row.get("acctupdatetime") or row["acctstarttime"]
        fresh = not allowed_s or (isinstance(heard, datetime) and _apart(now, heard) <= timedelta(seconds=allowed_s))
        self._stale += not fresh
        return fresh

    def _session(self, row: Row) -> ServiceRecord:
        key = self._users.key(row["username"])
        started = row["acctstarttime"]
        began = int(started.timestamp()) if isinstance(started, datetime) else 0
        return self._service(
            key, f"session {text(row.get('acctsessionid')) or text(row['radacctid'])}", _bare(row["framedipaddress"]),
            row=row, rank=(1, began),
        )  # fmt: skip

    def _offline(self, online: set[tuple[str, str]]) -> Iterator[ServiceRecord]:
        """The users with an address of their own, where no session of theirs shows it."""
        for key in self._users.with_fixed_address():
            for address in self._users.of(key).fixed:
                if (key, address) not in online:
                    yield self._service(key, f"user {self._users.shown_name(key)}", address, row={}, rank=(0, 0))

    def _service(self, key: str, record: str, address: str, *, row: Row, rank: tuple[int, ...]) -> ServiceRecord:
        standing = self._users.of(key)
        plan = self._plan(standing.chosen)
        ids = {
            "user_name": self._users.shown_name(key),
            "calling_station_id": text(row.get("callingstationid")),
            "class": text(row.get("class")),
            "nas_port_id": text(row.get("nasportid")),
        }
        return ServiceRecord(
            record=record,
            plan=plan or (BLOCK_POLICY if standing.blocked else None),
            ids={name: value for name, value in ids.items() if value},
            addresses=(address,),
            statuses={_STATUS: standing.blocked or _ACTIVE},
            groups=self._groups(row),
            rank=rank,
        )

    def _plan(self, chosen: Chosen) -> str | None:
        """The id of the plan that the attributes give; it is listed the first time."""
        if chosen.rates is not None:
            download, upload = chosen.rates.download, chosen.rates.upload
            plan = f"{chosen.attribute} {download} {upload}"
            if plan not in self._plans:
                pair = f"{upload.rate}/{download.rate}"
                self._plans[plan] = PlanRecord(
                    id=plan, name=pair, download=download, upload=upload, exact=True, policy_id=pair
                )
            return plan
        name = chosen.static
        if name is None or (self._host.block_inactive and matches_any(name, self._host.options["blocked_policies"])):
            return None
        return self._named_plan(name)

    def _named_plan(self, name: str) -> str:
        """The id of a plan of which the attributes have only the name."""
        static = name not in self._host.plan_rates and matches_any(name, self._host.options["static_policies"])
        if static or name in self._host.plan_rates:
            self._plans.setdefault(name, PlanRecord(id=name, name=name, static=static))
        return name

    def _groups(self, row: Row) -> tuple[GroupRecord, ...]:
        attribute = _group_attribute(self._host)
        if attribute is None or not row:
            return ()
        value = _bare(row.get(_FALLBACK_GROUP[attribute]))
        if attribute == "nas_identifier":
            value = self._routers.get(value, value)
        return (GroupRecord(level=_LEVEL, name=value),) if value else ()


def _bare(value: Any) -> str:
    """An address as text; PostgreSQL's inet may show a length."""
    written = str(value) if value is not None else ""
    return written.removesuffix("/32").strip()


def _apart(now: datetime, then: datetime) -> timedelta:
    if (now.tzinfo is None) != (then.tzinfo is None):
        now, then = now.replace(tzinfo=None), then.replace(tzinfo=None)
    return now - then
