"""Sessions as accounting tells them, and which of them has an address.

An address belongs to the session that began last; a late record of another changes nothing (facts: RADIUS
systems, 4). A record without an address or a rate leaves what was known.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from generator.billing.radius.attributes import Values, known_attributes
from generator.gateway.radius.packet import Accounting

_TOMBSTONE_S = 900.0
_LEAST_EXPIRY_S = 900.0
_INTERVALS = 3
_MAX_TOMBSTONES = 200_000
_RETRANSMISSION_S = 60.0
_NO_ADDRESSES = frozenset({"0.0.0.0", "255.255.255.254", "255.255.255.255"})  # noqa: S104 - no socket is bound
_KEPT = (
    "User-Name", "NAS-IP-Address", "NAS-Identifier", "NAS-Port", "NAS-Port-Id", "Called-Station-Id",
    "Calling-Station-Id", "Class", "Acct-Session-Id", *sorted(known_attributes()),
)  # fmt: skip
_RATES = known_attributes()


class Session(Struct, frozen=True, kw_only=True):
    """One session of a subscriber: what its attributes last said, and when (s since 1970).

    `interval_s` is the greatest time between its records so far; 0 while there was one only.
    """

    nas: str
    address: str
    values: dict[str, tuple[str, ...]]
    started_s: float
    updated_s: float
    interval_s: float = 0.0

    @property
    def key(self) -> str:
        """What tells it from all others: its router and its id there."""
        return session_key(self.nas, self.values["Acct-Session-Id"][0])


class Effects(Struct, kw_only=True):
    """What one record did: sessions to keep as they now are, keys of those that are gone, addresses to look at."""

    kept: list[Session] = []
    gone: list[str] = []
    addresses: set[str] = set()


def session_key(nas: str, session_id: str) -> str:
    """The key of a session under which it is stored."""
    return f"{nas}|{session_id}"


class Sessions:
    """All open sessions, by key and by address."""

    def __init__(self, *, timeout_s: float | None = None) -> None:
        self._timeout_s = timeout_s
        self._open: dict[str, Session] = {}
        self._owner: dict[str, str] = {}
        self._closed: dict[str, float] = {}
        self._since_s = 0.0

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Session]:
        return iter(self._open.values())

    def load(self, sessions: Iterator[Session], *, now_s: float) -> None:
        """Take over what was stored; nothing expires before it had the time to be heard of again."""
        self._open = {session.key: session for session in sessions}
        self._owner = {}
        self._since_s = now_s
        for session in sorted(self._open.values(), key=lambda each: (each.started_s, each.key)):
            if session.address:
                self._owner[session.address] = session.key

    def owner(self, address: str) -> Session | None:
        """The session that has an address."""
        key = self._owner.get(address)
        return None if key is None else self._open.get(key)

    def apply(self, record: Accounting, *, nas: str) -> Effects:
        """Follow one record from the router `nas`."""
        if record.status in ("on", "off"):
            return self._close_all(nas, record)
        key = session_key(nas, record.first("Acct-Session-Id"))
        if record.status == "stop":
            return self._stop(key, record)
        if record.event_s <= self._closed.get(key, -1.0):
            return Effects()  # a Start or Interim that was overtaken by its Stop
        return self._update(key, nas, record)

    def expire(self, now_s: float) -> Effects:
        """Close the sessions that should have been heard of again; who never sends interims is waited for."""
        effects = Effects()
        for session in list(self._open.values()):
            allowed_s = self._allowed_s(session)
            heard_s = max(session.updated_s, self._since_s)
            if allowed_s is not None and now_s - heard_s > allowed_s:
                self._forget(session, effects, at_s=session.updated_s)
        self._closed = {key: at_s for key, at_s in self._closed.items() if now_s - at_s < _TOMBSTONE_S}
        return effects

    def _allowed_s(self, session: Session) -> float | None:
        if self._timeout_s is not None:
            return self._timeout_s
        return max(_LEAST_EXPIRY_S, _INTERVALS * session.interval_s) if session.interval_s else None

    def _update(self, key: str, nas: str, record: Accounting) -> Effects:
        before = self._open.get(key)
        if before is None or _begun_anew(before, record):
            after = Session(
                nas=nas, address=_address(record.values), values=_kept(record.values),
                started_s=record.started_s, updated_s=record.event_s,
            )  # fmt: skip
        else:
            after = _merged(before, record)
        self._open[key] = after
        effects = Effects(kept=[after], gone=[], addresses=set())
        if before is not None and before.address != after.address:
            self._release(before, effects)
        if after.address:
            self._claim(after, effects)
        return effects

    def _claim(self, session: Session, effects: Effects) -> None:
        """Give a session its address, unless one that began later has it; who had it before is gone."""
        effects.addresses.add(session.address)
        other = self.owner(session.address)
        if other is None or other.key == session.key:
            self._owner[session.address] = session.key
            return
        if other.started_s > session.started_s:
            self._forget(session, effects, at_s=session.updated_s)
            effects.kept.remove(session)
        else:
            self._forget(other, effects, at_s=session.started_s)
            self._owner[session.address] = session.key

    def _stop(self, key: str, record: Accounting) -> Effects:
        effects = Effects(kept=[], gone=[], addresses=set())
        self._remember_closed(key, record.event_s)
        session = self._open.get(key)
        if session is not None:
            self._forget(session, effects, at_s=record.event_s)
        return effects

    def _close_all(self, nas: str, record: Accounting) -> Effects:
        """A router that went up or down has no sessions of before."""
        effects = Effects(kept=[], gone=[], addresses=set())
        for session in [each for each in self._open.values() if each.nas == nas and each.started_s <= record.event_s]:
            self._forget(session, effects, at_s=record.event_s)
        return effects

    def _forget(self, session: Session, effects: Effects, *, at_s: float) -> None:
        self._open.pop(session.key, None)
        self._remember_closed(session.key, at_s)
        self._release(session, effects)
        effects.gone.append(session.key)

    def _release(self, session: Session, effects: Effects) -> None:
        if session.address and self._owner.get(session.address) == session.key:
            del self._owner[session.address]
            effects.addresses.add(session.address)

    def _remember_closed(self, key: str, at_s: float) -> None:
        if len(self._closed) >= _MAX_TOMBSTONES:
            self._closed.pop(next(iter(self._closed)))
        self._closed[key] = max(at_s, self._closed.get(key, 0.0))


def _kept(values: Values) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values[name]) for name in _KEPT if name in values}


def _begun_anew(before: Session, record: Accounting) -> bool:
    """Whether a router that restarted uses an id again; a Start sent twice tells the same time."""
    return record.status == "start" and record.started_s > before.updated_s + _RETRANSMISSION_S


def _address(values: Mapping[str, tuple[str, ...]]) -> str:
    """The subscriber's address, "" where there is none, or one that only says how it is to be chosen."""
    address = values.get("Framed-IP-Address", ("",))[0]
    return "" if address in _NO_ADDRESSES else address


def _merged(before: Session, record: Accounting) -> Session:
    """A session after another of its records; an older one that comes late adds only what was not known."""
    late = record.event_s < before.updated_s
    new = _kept(record.values)
    old = before.values
    if not late and any(new.get(name) for name in _RATES):
        old = {name: value for name, value in old.items() if name not in _RATES}
    values = {**new, **old} if late else {**old, **new}
    address = _address(record.values)
    return replace(
        before,
        values=values,
        address=(before.address or address) if late else (address or before.address),
        started_s=min(before.started_s, record.started_s),
        updated_s=max(before.updated_s, record.event_s),
        interval_s=max(before.interval_s, abs(record.event_s - before.updated_s)),
    )
