"""The live state of a BQN: its dynamic policies, its subscribers and its groups, as read once."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.wire import (
    ALL_SUBSCRIBERS,
    WireGroup,
    WirePolicy,
    WireSubscriber,
    canonical_ip,
    canonical_range,
    members_of,
    read_limit,
)
from generator.model import Policy


class LiveSubscriber(Struct, frozen=True, gc=False):
    """A subscriber on the appliance: `assigned_by` is api, rules, default, another word, or unknown."""

    id: str | None
    policy: str | None
    assigned_by: str | None


class LiveGroup(Struct, frozen=True, gc=False):
    """A group on the appliance."""

    type: str | None
    policy: str | None
    members: frozenset[str]
    ranges: frozenset[str]


class LiveState(Struct, frozen=True):
    """Everything a plan reads from one appliance, keyed as the appliance keys it.

    `bodies` are the answers as they came, so that the whole of one object can be had when it must be
    posted anew (`raw`), without keeping a hundred thousand of them decoded.
    """

    policies: Mapping[str, Policy]
    subscribers: Mapping[str, LiveSubscriber]
    groups: Mapping[str, LiveGroup]
    bodies: Mapping[Kind, bytes]
    ipv6_prefix: int

    def raw(self, kind: Kind, keys: frozenset[str]) -> dict[str, dict[str, Any]]:
        """The objects called `keys` with every field the appliance listed, known to us or not."""
        if not keys:
            return {}
        name = _KEY_FIELDS[kind]
        found: dict[str, dict[str, Any]] = {}
        for item in msgspec.json.decode(self.bodies[kind], type=_RawItems).items:
            key = str(item.get(name))
            if kind is Kind.SUBSCRIBER:
                key = canonical_ip(key, ipv6_prefix=self.ipv6_prefix)
            if key in keys:
                found[key] = item
        return found


class _RawItems(Struct):
    items: list[dict[str, Any]]


class _Policies(Struct):
    items: list[WirePolicy]


class _Subscribers(Struct):
    items: list[WireSubscriber]


class _Groups(Struct):
    items: list[WireGroup]


_Shape = TypeVar("_Shape", _Policies, _Subscribers, _Groups)

_KEY_FIELDS = {
    Kind.POLICY: "policyName",
    Kind.SUBSCRIBER: "subscriberIp",
    Kind.GROUP: "subscriberGroupName",
}

EMPTY_COLLECTION = b'{"items":[]}'


class UnreadableAnswerError(Exception):
    """A collection's answer that is not what a BQN lists: which one, and why."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


def decode_keys(kind: Kind, body: bytes) -> list[str]:
    """The keys in one collection answer, as the appliance writes them; raises `UnreadableAnswerError`."""
    try:
        items = msgspec.json.decode(body, type=_RawItems).items
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableAnswerError(kind, str(error)) from error
    return [str(item.get(_KEY_FIELDS[kind])) for item in items]


def decode_state(bodies: Mapping[Kind, bytes], *, ipv6_prefix: int) -> LiveState:
    """The state in three collection answers; raises `UnreadableAnswerError` when one is not of the shape."""
    policies = _decode(Kind.POLICY, bodies, _Policies).items
    subscribers = _decode(Kind.SUBSCRIBER, bodies, _Subscribers).items
    groups = _decode(Kind.GROUP, bodies, _Groups).items
    return LiveState(
        policies={wire.name: _policy(wire) for wire in policies},
        subscribers={canonical_ip(wire.ip, ipv6_prefix=ipv6_prefix): _subscriber(wire) for wire in subscribers},
        groups={wire.name: _group(wire, ipv6_prefix=ipv6_prefix) for wire in groups if wire.name != ALL_SUBSCRIBERS},
        bodies=bodies,
        ipv6_prefix=ipv6_prefix,
    )


def _decode(kind: Kind, bodies: Mapping[Kind, bytes], shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(bodies[kind], type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableAnswerError(kind, str(error)) from error


def _policy(wire: WirePolicy) -> Policy:
    return Policy(
        name=wire.name,
        id=_text(wire.id),
        download=read_limit(wire.rateLimitDownlink),
        upload=read_limit(wire.rateLimitUplink),
    )


def _subscriber(wire: WireSubscriber) -> LiveSubscriber:
    return LiveSubscriber(_text(wire.id), _text(wire.policy), wire.assigned_by or None)


def _group(wire: WireGroup, *, ipv6_prefix: int) -> LiveGroup:
    return LiveGroup(
        type=_text(wire.type),
        policy=_text(wire.policy),
        members=members_of(wire, ipv6_prefix=ipv6_prefix),
        ranges=frozenset(canonical_range(text) for text in wire.ranges or ()),
    )


def _text(value: str | int | None) -> str | None:
    return None if value is None or value == "" else str(value)
