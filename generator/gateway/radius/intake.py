"""What accounting says, made subscribers of the store: address, id, policy, group."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from generator.billing.radius.attributes import Chosen, choose, known_attributes
from generator.bqn.kinds import Kind
from generator.bqn.server.store import MemoryStore, Object
from generator.bqn.wire import policy_body
from generator.desired.names import clean_text, object_name
from generator.desired.rates import rates_name
from generator.gateway.radius.packet import Accounting
from generator.gateway.radius.sessions import Effects, Session, Sessions
from generator.model import Policy

_log = logging.getLogger(__name__)
SESSION = "session"
"""The kind under which sessions are stored."""

_IDS = {
    "user_name": "User-Name",
    "calling_station_id": "Calling-Station-Id",
    "class": "Class",
    "nas_port_id": "NAS-Port-Id",
}
_GROUPS = {
    "nas_identifier": "NAS-Identifier",
    "nas_ip_address": "NAS-IP-Address",
    "called_station_id": "Called-Station-Id",
    "class": "Class",
}
_FIELDS = {
    "userName": "User-Name",
    "callingStationId": "Calling-Station-Id",
    "nasIdentifier": "NAS-Identifier",
    "nasIpAddress": "NAS-IP-Address",
}
_RATES = known_attributes()
_MAX_ROW_NAME = 200


class IntakeOptions(Struct, frozen=True, kw_only=True):
    """What a source says about its accounting; names as in the inventory."""

    system: str
    subscriber_id: str = "user_name"
    group_attribute: str | None = "nas_identifier"
    rate_attributes: tuple[str, ...] = ()
    swapped: bool = False
    session_timeout_s: float | None = None


class Kept(Struct, frozen=True):
    """A row for the store: the session as JSON, or None when it is gone."""

    key: str
    body: bytes | None


class AccountingIntake:
    """Follows accounting records and keeps the subscribers in `store` as the sessions say."""

    def __init__(self, store: MemoryStore, options: IntakeOptions) -> None:
        self._store, self._options = store, options
        self.sessions = Sessions(timeout_s=options.session_timeout_s)
        self._policy_at: dict[str, str] = {}
        self._uses: Counter[str] = Counter()
        self._complained: set[str] = set()

    def load(self, rows: Iterator[bytes], *, now_s: float) -> None:
        """Take over stored sessions; the subscribers are made anew by the options of today."""
        self._policy_at, self._uses = {}, Counter()
        self.sessions.load((msgspec.json.decode(row, type=Session) for row in rows), now_s=now_s)
        for session in self.sessions:
            if session.address:
                self._show(session.address)

    def take(self, record: Accounting, *, source: str) -> list[Kept]:
        """Follow one record that came from `source`; the rows to be stored before it is answered."""
        nas = record.first("NAS-IP-Address") or record.first("NAS-Identifier") or source
        return self._settle(self.sessions.apply(self._with_valid_rates(record), nas=nas))

    def expire(self, now_s: float) -> list[Kept]:
        """Let go of the sessions that ended without a word; the rows to be stored."""
        return self._settle(self.sessions.expire(now_s))

    def _with_valid_rates(self, record: Accounting) -> Accounting:
        """The record without rate attributes of which none is valid: the session keeps what it had."""
        if not any(name in record.values for name in _RATES):
            return record
        chosen = self._choose(record.values)
        for complaint in chosen.complaints:
            self._complain(f"{record.first('User-Name') or 'a session'}: {complaint}", kind=complaint)
        if chosen.rates is not None or chosen.static is not None:
            return record
        values = {name: value for name, value in record.values.items() if name not in _RATES}
        return replace(record, values=values)

    def _complain(self, text: str, *, kind: str) -> None:
        """Warn of each kind of fault once, for it comes with every packet."""
        if kind not in self._complained and len(self._complained) < 1000:  # noqa: PLR2004 - enough for a person
            self._complained.add(kind)
            _log.warning("RADIUS: %s", text)

    def _choose(self, values: Mapping[str, Sequence[str]]) -> Chosen:
        order = self._options.rate_attributes
        return choose(values, order=order, swapped=self._options.swapped)

    def _settle(self, effects: Effects) -> list[Kept]:
        for address in effects.addresses:
            self._show(address)
        rows = [Kept(_row_name(key), None) for key in effects.gone]
        return rows + [Kept(_row_name(session.key), msgspec.json.encode(session)) for session in effects.kept]

    def _show(self, address: str) -> None:
        """Let the store's subscriber at an address be what its session says."""
        session = self.sessions.owner(address)
        policy = None
        if session is None:
            if (self._store.get(Kind.SUBSCRIBER, address) or {}).get("policyAssignedBy") == "radius":
                self._store.delete(Kind.SUBSCRIBER, address)
        else:
            policy, fields = self._subscriber(session)
            if self._store.record(Kind.SUBSCRIBER, address) != fields:
                self._store.add(Kind.SUBSCRIBER, address, fields)
        self._use(address, policy)

    def _subscriber(self, session: Session) -> tuple[Policy | None, Object]:
        chosen = self._choose(session.values)
        policy = None
        if chosen.rates is not None:
            download, upload = chosen.rates.download, chosen.rates.upload
            name = rates_name(self._options.system, download, upload)
            policy = Policy(name=name, id=name, download=download, upload=upload)
        fields: Object = {
            field: text for field, name in _FIELDS.items() if (text := clean_text(_first(session, name)))
        }  # fmt: skip
        fields["policyAssignedBy"] = "radius"
        identity = clean_text(_first(session, _IDS[self._options.subscriber_id]))
        if identity:
            fields["subscriberId"] = identity
        static = object_name(chosen.static or "")
        if policy is not None or static:
            fields["policyRate"] = policy.name if policy else static
        if _first(session, "NAS-Port"):
            fields["nasPort"] = int(_first(session, "NAS-Port"))
        group = object_name(_first(session, _GROUPS.get(self._options.group_attribute or "", "")))
        if group:
            fields["subscriberGroups"] = [object_name(f"L2-{group}")]
        return policy, fields

    def _use(self, address: str, policy: Policy | None) -> None:
        """Keep the policies made of rates for as long as an address has them."""
        before = self._policy_at.pop(address, None)
        if policy is not None:
            self._policy_at[address] = policy.name
            self._uses[policy.name] += 1
            if self._store.record(Kind.POLICY, policy.name) is None:
                self._store.add(Kind.POLICY, policy.name, policy_body(policy))
        if before is not None:
            self._uses[before] -= 1
            if not self._uses[before]:
                del self._uses[before]
                self._store.delete(Kind.POLICY, before)


def _row_name(key: str) -> str:
    """The name under which a session is stored: its key, or a digest of one that a database might not take."""
    if key.isascii() and key.isprintable() and len(key) <= _MAX_ROW_NAME:
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _first(session: Session, name: str) -> str:
    return session.values.get(name, ("",))[0]
