"""What a BQN keeps: policies, subscribers, groups, behind one protocol; here in memory, for the simulator.

Semantics follow the facts on the BQN REST API (2, 4 to 6, and section 12 column "simulator should"). Objects
are the JSON the API speaks; a store answers with a status and, for reads, the object.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.server.checks import (
    BAD_REQUEST,
    BURSTS,
    LIMITS,
    Refusal,
    check_address,
    check_body,
    check_name,
    without_spaces,
)
from generator.bqn.wire import ALL_SUBSCRIBERS, UNLIMITED

Object = dict[str, Any]

CREATED, OK, NOT_FOUND, CONFLICT = 201, 200, 404, 409

KEY_FIELDS = {
    Kind.POLICY: "policyName",
    Kind.SUBSCRIBER: "subscriberIp",
    Kind.GROUP: "subscriberGroupName",
}
_ID_FIELDS = {Kind.POLICY: "policyId", Kind.SUBSCRIBER: "subscriberId"}
_MEMBERSHIP = ("subscriberMembers", "subscriberGroups")
"""Kept apart from the objects, for GET shows each from both sides."""


class Behaviour(Struct, frozen=True, kw_only=True):
    """How this BQN behaves where appliances differ or nobody knows; each is a switch of `simulate bqn`."""

    empty_is_404: bool = True
    dense: bool = False
    dense_filler: int = 0
    nested_put_merges: bool = False
    spaces_rewritten: bool = False
    refuses_minus_one: bool = False
    rules_take_over: bool = False
    max_groups: int = 3
    ipv6_prefix: int = 64
    static_policies: tuple[str, ...] = ()
    omit_assigned_by: bool = False
    rate_step: int = 1


class Store(Protocol):
    """What the REST application needs of a store."""

    def encode_all(self, kind: Kind) -> bytes | None:
        """The collection's JSON envelope, None when it is empty."""

    def get(self, kind: Kind, key: str) -> Object | None:
        """One object as GET shows it."""

    def post(self, kind: Kind, key: str, body: Object) -> int:
        """Create an object, or reset an existing one to just what the body has."""

    def put(self, kind: Kind, key: str, body: Object) -> int:
        """Update an existing object; fields not in the body stay."""

    def delete(self, kind: Kind, key: str) -> int:
        """Remove one object."""

    def delete_by_id(self, kind: Kind, identifier: str) -> int:
        """Remove every object with this policyId or subscriberId."""


class MemoryStore:
    """A BQN's objects in memory; lost at the end, unless somebody saves `dump()`."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self._objects: dict[Kind, dict[str, Object]] = {kind: {} for kind in Kind}
        self._doors: dict[str, set[str]] = {}
        self._joined: dict[str, set[str]] = {}
        self._touched: set[tuple[Kind, str]] = set()
        self._encoded: dict[Kind, bytes | None] = {}

    # Reading

    def encode_all(self, kind: Kind) -> bytes | None:
        """The collection's JSON envelope, None when it is empty and that is 404; kept until the next write."""
        if kind not in self._encoded:
            items = self.items(kind)
            shown = bool(items) or not self.behaviour.empty_is_404
            self._encoded[kind] = msgspec.json.encode({"items": items}) if shown else None
        return self._encoded[kind]

    def items(self, kind: Kind) -> list[Object]:
        """Every object of a kind as GET shows it."""
        if kind is Kind.SUBSCRIBER:
            memberships = self._memberships()
            return [self._shown_subscriber(key, value, memberships) for key, value in self._objects[kind].items()]
        return [self._shown(kind, key, value) for key, value in self._objects[kind].items()]

    def get(self, kind: Kind, key: str) -> Object | None:
        """One object as GET shows it."""
        key = self._canonical(kind, key)
        found = self._objects[kind].get(key)
        if found is None:
            return None
        if kind is Kind.SUBSCRIBER:
            return self._shown_subscriber(key, found, self._memberships(only=key))
        return self._shown(kind, key, found)

    # Writing

    def post(self, kind: Kind, key: str, body: Object) -> int:
        """Create an object (201), or reset an existing one to just what the body has (200)."""
        key, body = self._accept(kind, key, body)
        if kind is Kind.POLICY and key in self.behaviour.static_policies:
            return OK
        existed = key in self._objects[kind]
        if kind is Kind.GROUP:
            self._open_group_door(key, body, reset=True)
            for ip in self._joined.pop(key, set()):
                self._touch(Kind.SUBSCRIBER, ip)
        self._objects[kind][key] = self._fields(kind, body)
        if kind is Kind.SUBSCRIBER:
            self._join(key, body.get("subscriberGroups") or [])
        self._touch(kind, key)
        return OK if existed else CREATED

    def put(self, kind: Kind, key: str, body: Object) -> int:
        """Update an existing object (200); 404 for a missing one."""
        key, body = self._accept(kind, key, body)
        current = self._objects[kind].get(key)
        if current is None:
            return NOT_FOUND
        fields = self._fields(kind, body)
        if self.behaviour.nested_put_merges:
            fields = {**fields, **{k: {**(current.get(k) or {}), **fields[k]} for k in LIMITS if k in fields}}
        if kind is Kind.GROUP:
            self._open_group_door(key, body, reset=False)
        self._objects[kind][key] = {**current, **fields}
        if kind is Kind.SUBSCRIBER and "subscriberGroups" in body:
            self._join(key, body["subscriberGroups"] or [])
        self._touch(kind, key)
        return OK

    def delete(self, kind: Kind, key: str) -> int:
        """Remove one object (200); 404 for a missing one."""
        key = self._canonical(kind, key)
        if kind is Kind.GROUP and key == ALL_SUBSCRIBERS:
            raise Refusal(CONFLICT, "all-subscribers is built in")
        if self._objects[kind].pop(key, None) is None:
            return NOT_FOUND
        if kind is Kind.GROUP:
            self._doors.pop(key, None)
            for ip in self._joined.pop(key, set()):
                self._touch(Kind.SUBSCRIBER, ip)
        elif kind is Kind.SUBSCRIBER:
            self._leave_all(key)
            if self.behaviour.rules_take_over:
                self._objects[kind][key] = {"policyAssignedBy": "rules"}
        self._touch(kind, key)
        return OK

    def delete_by_id(self, kind: Kind, identifier: str) -> int:
        """Remove every policy or subscriber with this id (200); 404 when none has it."""
        if kind not in _ID_FIELDS:
            raise Refusal(BAD_REQUEST, "groups have no id")
        field = _ID_FIELDS[kind]
        keys = [key for key, value in self._objects[kind].items() if value.get(field) == identifier]
        for key in keys:
            self.delete(kind, key)
        return OK if keys else NOT_FOUND

    # Other doors than REST

    def add(self, kind: Kind, key: str, value: Object) -> None:
        """Put an object there as it is: from rules, RADIUS, an operator, or what `record` gave."""
        if kind is Kind.GROUP:
            self._open_group_door(key, value, reset=True)
        key = self._canonical(kind, key)
        self._objects[kind][key] = {k: v for k, v in value.items() if k not in _MEMBERSHIP}
        if kind is Kind.SUBSCRIBER:
            self._join(key, value.get("subscriberGroups") or [])
        self._touch(kind, key)

    def record(self, kind: Kind, key: str) -> Object | None:
        """All that is kept of one object, for `add` at another time; None for one that is gone."""
        kept = self._objects[kind].get(key)
        if kept is None:
            return None
        if kind is Kind.GROUP:
            return {**kept, "subscriberMembers": sorted(self._doors.get(key, ()))}
        if kind is Kind.SUBSCRIBER:
            joined = sorted(name for name, members in self._joined.items() if key in members)
            return {**kept, "subscriberGroups": joined} if joined else kept
        return kept

    def count(self, kind: Kind) -> int:
        """How many objects of a kind there are."""
        return len(self._objects[kind])

    def take_touched(self) -> set[tuple[Kind, str]]:
        """The objects written or removed since this was last asked."""
        touched, self._touched = self._touched, set()
        return touched

    # For the simulator and its tests

    def dump(self) -> dict[str, list[Object]]:
        """Everything, as GET shows it."""
        return {kind.plural: self.items(kind) for kind in Kind}

    def load(self, state: Mapping[str, Iterable[Object]]) -> None:
        """Replace everything by what `dump` gave."""
        self._objects = {kind: {} for kind in Kind}
        self._doors, self._joined = {}, {}
        self._encoded.clear()
        for kind in Kind:
            for item in state.get(kind.plural, ()):
                fields = {
                    name: value for name, value in item.items() if name not in (KEY_FIELDS[kind], "subscriberAll")
                }
                if kind is Kind.SUBSCRIBER:
                    fields.setdefault("policyAssignedBy", "api")
                    fields.pop("subscriberGroups", None)
                self.add(kind, str(item[KEY_FIELDS[kind]]), fields)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Behave differently from now on."""
        self.behaviour = behaviour
        self._encoded.clear()

    # Inside

    def _accept(self, kind: Kind, key: str, body: Object) -> tuple[str, Object]:
        """The key and body as this BQN takes them; raises `Refusal` for what it does not."""
        key = self._canonical(kind, key)
        if kind is Kind.GROUP and key == ALL_SUBSCRIBERS:
            raise Refusal(CONFLICT, "all-subscribers is built in")
        behaviour = self.behaviour
        if behaviour.spaces_rewritten:
            body = without_spaces(body)
        check_body(kind, body, max_groups=behaviour.max_groups, minus_one=not behaviour.refuses_minus_one)
        return key, body

    def _canonical(self, kind: Kind, key: str) -> str:
        if kind is Kind.SUBSCRIBER:
            return self._address(key)
        if self.behaviour.spaces_rewritten:
            key = key.replace(" ", "_")
        check_name(key)
        return key

    def _address(self, text: str) -> str:
        return check_address(text, ipv6_prefix=self.behaviour.ipv6_prefix)

    def _fields(self, kind: Kind, body: Object) -> Object:
        """What is kept of a body; the path's key, read-only fields and members are kept elsewhere or not."""
        dropped = {KEY_FIELDS[kind], "subscriberAll", "subscriberGroups", "subscriberMembers", "policyAssignedBy"}
        fields = {name: value for name, value in body.items() if name not in dropped}
        if kind is Kind.POLICY:
            fields = {name: _whole(fields[name]) for name in ("policyId", *LIMITS) if name in fields}
            self._round_rates(fields)
        if isinstance(fields.get("policyId"), int):
            fields["policyId"] = str(fields["policyId"])
        if kind is Kind.SUBSCRIBER:
            fields["policyAssignedBy"] = "api"
        return fields

    def _round_rates(self, fields: Object) -> None:
        step = self.behaviour.rate_step
        for name in LIMITS:
            limit = fields.get(name)
            if step > 1 and limit and limit.get("rate", 0) > 0:
                fields[name] = {**limit, "rate": limit["rate"] // step * step}

    # Membership has two doors, the subscriber's groups and the group's members; GET shows their union.

    def _open_group_door(self, name: str, body: Object, *, reset: bool) -> None:
        if "subscriberMembers" in body or reset:
            members = {self._address(str(ip)) for ip in body.get("subscriberMembers") or []}
            self._doors[name] = members

    def _join(self, ip: str, groups: list[str]) -> None:
        """Be in just these groups by the subscriber's door; a group that is not there is made."""
        for members in self._joined.values():
            members.discard(ip)
        for name in groups:
            if name != ALL_SUBSCRIBERS:
                if name not in self._objects[Kind.GROUP]:
                    self._objects[Kind.GROUP][name] = {}
                    self._touch(Kind.GROUP, name)
                self._joined.setdefault(name, set()).add(ip)

    def _leave_all(self, ip: str) -> None:
        for members in self._joined.values():
            members.discard(ip)
        for name, members in self._doors.items():
            if ip in members:
                members.discard(ip)
                self._touch(Kind.GROUP, name)

    def _members(self, name: str) -> set[str]:
        return self._doors.get(name, set()) | self._joined.get(name, set())

    def _touch(self, kind: Kind, key: str) -> None:
        self._touched.add((kind, key))
        self._encoded.clear()

    def _memberships(self, only: str | None = None) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self._objects[Kind.GROUP]:
            members = self._members(name)
            for ip in members if only is None else members & {only}:
                found.setdefault(ip, []).append(name)
        return found

    # What GET shows

    def _shown(self, kind: Kind, key: str, value: Object) -> Object:
        if kind is Kind.POLICY:
            return {"policyName": key, **self._shown_policy(value)}
        members = sorted(self._members(key))
        return {
            "subscriberGroupName": key,
            "subscriberGroupType": value.get("subscriberGroupType", "generic"),
            "subscriberMembers": members,
            "subscriberRanges": value.get("subscriberRanges") or [],
            **({"policyRate": value["policyRate"]} if value.get("policyRate") else {}),
            "subscriberAll": members,
        }

    def _shown_policy(self, value: Object) -> Object:
        if not self.behaviour.dense:
            return value
        filler = dict.fromkeys(BURSTS, self.behaviour.dense_filler)
        limits = {name: {**filler, **(value.get(name) or {"rate": UNLIMITED})} for name in LIMITS}
        limits["rateLimitDownlink"].setdefault("congestionMgmt", True)
        return {**value, **limits}

    def _shown_subscriber(self, key: str, value: Object, memberships: Mapping[str, list[str]]) -> Object:
        shown = {"subscriberIp": key, **value, "subscriberGroups": [ALL_SUBSCRIBERS, *memberships.get(key, [])]}
        if self.behaviour.omit_assigned_by:
            del shown["policyAssignedBy"]
        return shown


def _whole(value: Any) -> Any:
    """A limit with its numbers as integers, which some languages write 5000.0; anything else as it is."""
    if not isinstance(value, dict):
        return value
    return {name: int(number) if isinstance(number, float) else number for name, number in value.items()}
