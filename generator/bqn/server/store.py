"""What a BQN keeps: policies, subscribers, groups, behind one protocol; here in memory, for the simulator.

Semantics follow the facts on the BQN REST API (2, 4 to 6, and section 12 column "simulator should"). Objects
are the JSON the API speaks; a store answers with a status and, for reads, the object.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.wire import ALL_SUBSCRIBERS, MAX_RATE, UNLIMITED

Object = dict[str, Any]

CREATED, OK, BAD_REQUEST, NOT_FOUND, CONFLICT = 201, 200, 400, 404, 409
_MAX_NAME_BYTES = 128

KEY_FIELDS = {
    Kind.POLICY: "policyName",
    Kind.SUBSCRIBER: "subscriberIp",
    Kind.GROUP: "subscriberGroupName",
}
_ID_FIELDS = {Kind.POLICY: "policyId", Kind.SUBSCRIBER: "subscriberId"}
_LIMITS = ("rateLimitDownlink", "rateLimitUplink")
_BURSTS = ("burstRate", "burstDuration", "burstThreshold", "burstThresholdWindow", "burstTransitionDuration")


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """What a BQN answers to a request it does not accept."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


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
        self._objects[kind][key] = self._fields(kind, body)
        if kind is Kind.SUBSCRIBER:
            self._join(key, body.get("subscriberGroups") or [], reset=True)
        self._encoded.clear()
        return OK if existed else CREATED

    def put(self, kind: Kind, key: str, body: Object) -> int:
        """Update an existing object (200); 404 for a missing one."""
        key, body = self._accept(kind, key, body)
        current = self._objects[kind].get(key)
        if current is None:
            return NOT_FOUND
        fields = self._fields(kind, body)
        if self.behaviour.nested_put_merges:
            fields = {**fields, **{k: {**(current.get(k) or {}), **fields[k]} for k in _LIMITS if k in fields}}
        if kind is Kind.GROUP:
            self._open_group_door(key, body, reset=False)
        self._objects[kind][key] = {**current, **fields}
        if kind is Kind.SUBSCRIBER and "subscriberGroups" in body:
            self._join(key, body["subscriberGroups"] or [], reset=True)
        self._encoded.clear()
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
        elif kind is Kind.SUBSCRIBER:
            self._leave_all(key)
            if self.behaviour.rules_take_over:
                self._objects[kind][key] = {"policyAssignedBy": "rules"}
        self._encoded.clear()
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

    # For the simulator and its tests

    def add(self, kind: Kind, key: str, value: Object) -> None:
        """Put an object there by another door than REST: rules, RADIUS, an operator."""
        if kind is Kind.GROUP:
            self._open_group_door(key, value, reset=True)
            value = {k: v for k, v in value.items() if k != "subscriberMembers"}
        self._objects[kind][self._canonical(kind, key)] = value
        self._encoded.clear()

    def dump(self) -> dict[str, list[Object]]:
        """Everything, as GET shows it."""
        return {kind.plural: self.items(kind) for kind in Kind}

    def load(self, state: Mapping[str, Iterable[Object]]) -> None:
        """Replace everything by what `dump` gave."""
        self._objects = {kind: {} for kind in Kind}
        self._doors = {}
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
        if not isinstance(body, dict):
            raise Refusal(BAD_REQUEST, "the body is not an object")
        key = self._canonical(kind, key)
        if kind is Kind.GROUP and key == ALL_SUBSCRIBERS:
            raise Refusal(CONFLICT, "all-subscribers is built in")
        if kind is Kind.POLICY:
            self._check_rates(body)
        groups = body.get("subscriberGroups") if kind is Kind.SUBSCRIBER else None
        if groups is not None and (not isinstance(groups, list) or len(groups) > self.behaviour.max_groups):
            raise Refusal(BAD_REQUEST, f"at most {self.behaviour.max_groups} groups")
        return key, body

    def _canonical(self, kind: Kind, key: str) -> str:
        if kind is Kind.SUBSCRIBER:
            return self._address(key)
        if self.behaviour.spaces_rewritten:
            key = key.replace(" ", "_")
        size = len(key.encode("utf-8", "surrogateescape"))
        if not 1 <= size <= _MAX_NAME_BYTES or " " in key or not key.isprintable():
            raise Refusal(BAD_REQUEST, "the name is empty, too long, not UTF-8, or has a space or control character")
        return key

    def _address(self, text: str) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise Refusal(BAD_REQUEST, "not an address") from None
        if address.version == 4:  # noqa: PLR2004 - the version of IP
            return str(address)
        network = ipaddress.IPv6Network((address, self.behaviour.ipv6_prefix), strict=False)
        return str(network.network_address)

    def _check_rates(self, body: Object) -> None:
        for name in _LIMITS:
            limit = body.get(name)
            if limit is None:
                continue
            if not isinstance(limit, dict):
                raise Refusal(BAD_REQUEST, f"{name} is not an object")
            for field in ("rate", *_BURSTS):
                self._check_number(limit.get(field))
            if limit.get("rate") == UNLIMITED and self.behaviour.refuses_minus_one:
                raise Refusal(BAD_REQUEST, "rate -1 is out of range")

    def _check_number(self, number: Any) -> None:
        if number is None:
            return
        if not isinstance(number, int) or isinstance(number, bool) or not -1 <= number <= MAX_RATE:
            raise Refusal(BAD_REQUEST, f"{number!r} is out of range")

    def _fields(self, kind: Kind, body: Object) -> Object:
        """What is kept of a body; the path's key, read-only fields and members are kept elsewhere or not."""
        dropped = {KEY_FIELDS[kind], "subscriberAll", "subscriberGroups", "subscriberMembers", "policyAssignedBy"}
        fields = {name: value for name, value in body.items() if name not in dropped}
        if kind is Kind.POLICY:
            fields = {name: fields[name] for name in ("policyId", *_LIMITS) if name in fields}
            self._round_rates(fields)
        if isinstance(fields.get("policyId"), int):
            fields["policyId"] = str(fields["policyId"])
        if kind is Kind.SUBSCRIBER:
            fields["policyAssignedBy"] = "api"
        return fields

    def _round_rates(self, fields: Object) -> None:
        step = self.behaviour.rate_step
        for name in _LIMITS:
            limit = fields.get(name)
            if step > 1 and limit and limit.get("rate", 0) > 0:
                fields[name] = {**limit, "rate": limit["rate"] // step * step}

    # Membership has two doors, the subscriber's groups and the group's members; GET shows their union.

    def _open_group_door(self, name: str, body: Object, *, reset: bool) -> None:
        if "subscriberMembers" in body or reset:
            members = {self._address(str(ip)) for ip in body.get("subscriberMembers") or []}
            self._doors[name] = members

    def _join(self, ip: str, groups: list[str], *, reset: bool) -> None:
        if reset:
            for group in self._objects[Kind.GROUP].values():
                group.get("_joined", set()).discard(ip)
        for name in groups:
            if name != ALL_SUBSCRIBERS:
                self._objects[Kind.GROUP].setdefault(name, {}).setdefault("_joined", set()).add(ip)
                self._doors.setdefault(name, set())

    def _leave_all(self, ip: str) -> None:
        for name, group in self._objects[Kind.GROUP].items():
            group.get("_joined", set()).discard(ip)
            self._doors.get(name, set()).discard(ip)

    def _members(self, name: str) -> set[str]:
        joined: set[str] = self._objects[Kind.GROUP].get(name, {}).get("_joined", set())
        return self._doors.get(name, set()) | joined

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
        filler = dict.fromkeys(_BURSTS, self.behaviour.dense_filler)
        limits = {name: {**filler, **(value.get(name) or {"rate": UNLIMITED})} for name in _LIMITS}
        limits["rateLimitDownlink"].setdefault("congestionMgmt", True)
        return {**value, **limits}

    def _shown_subscriber(self, key: str, value: Object, memberships: Mapping[str, list[str]]) -> Object:
        shown = {"subscriberIp": key, **value, "subscriberGroups": [ALL_SUBSCRIBERS, *memberships.get(key, [])]}
        if self.behaviour.omit_assigned_by:
            del shown["policyAssignedBy"]
        return shown
