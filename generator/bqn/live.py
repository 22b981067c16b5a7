"""The live state of a BQN: its dynamic policies, its subscribers and its groups, as read once."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

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
    member_set,
    members_of,
    read_limit,
)
from generator.documents.ready import ready
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

    `answers` are what came, so that the whole of one object can be had when it must be posted anew (`raw`),
    without keeping a hundred thousand of them decoded.
    """

    policies: Mapping[str, Policy]
    subscribers: Mapping[str, LiveSubscriber]
    groups: Mapping[str, LiveGroup]
    answers: Mapping[Kind, "Packed"]
    ipv6_prefix: int

    def raw(self, kind: Kind, keys: frozenset[str]) -> dict[str, dict[str, Any]]:
        """The objects called `keys` with every field the appliance listed, known to us or not."""
        if not keys:
            return {}
        name = _KEY_FIELDS[kind]
        found: dict[str, dict[str, Any]] = {}
        for item in msgspec.json.decode(self.answers[kind].body(), type=_RawItems).items:
            key = str(item.get(name))
            if kind is Kind.SUBSCRIBER:
                key = canonical_ip(key, ipv6_prefix=self.ipv6_prefix)
            if key in keys:
                found[key] = item
        return found


class Packed(Struct, frozen=True):
    """An answer as it came: its SHA-256 (hex), and itself, compressed to about a tenth."""

    digest: str
    data: bytes

    @classmethod
    def of(cls, body: bytes) -> Self:
        """`body`, packed at the quickest level: a list of subscribers is large and hardly ever needed again."""
        return cls(hashlib.sha256(body).hexdigest(), zlib.compress(body, 1))

    def body(self) -> bytes:
        """The answer."""
        return zlib.decompress(self.data)


class _RawItems(Struct):
    items: list[dict[str, Any]]


class _Policies(Struct):
    items: list[WirePolicy]


class _Subscribers(Struct):
    items: list[WireSubscriber]


class _Groups(Struct):
    items: list[WireGroup]


_Shape = TypeVar("_Shape", _Policies, _Subscribers, _Groups)

_Once = Callable[[str, str], str]
"""`once(text, text)` is the first copy of that text, which an appliance says a hundred thousand times."""

ready(_RawItems, _Policies, _Subscribers, _Groups)

_KEY_FIELDS = {
    Kind.POLICY: "policyName",
    Kind.SUBSCRIBER: "subscriberIp",
    Kind.GROUP: "subscriberGroupName",
}

EMPTY_COLLECTION = b'{"items":[]}'


class UnreadableAnswerError(Exception):
    """A collection's answer that is not what a BQN lists: which one, why, and the answer."""

    def __init__(self, kind: Kind, why: str, body: bytes) -> None:
        super().__init__(why)
        self.kind, self.body = kind, body


def decode_keys(kind: Kind, body: bytes) -> list[str]:
    """The keys in one collection answer, as the appliance writes them; raises `UnreadableAnswerError`."""
    try:
        items = msgspec.json.decode(body, type=_RawItems).items
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableAnswerError(kind, str(error), body) from error
    return [str(item.get(_KEY_FIELDS[kind])) for item in items]


def decode_state(answer_of: Callable[[Kind], bytes], *, ipv6_prefix: int) -> LiveState:
    """The state in three collection answers, each asked for when its turn comes, so that one is there at a time.

    Raises `UnreadableAnswerError` when one is not of the shape.
    """
    known: dict[str, str] = {}
    once: _Once = known.setdefault
    answers: dict[Kind, Packed] = {}

    def decoded(kind: Kind, shape: type[_Shape]) -> _Shape:
        body = answer_of(kind)
        answers[kind] = Packed.of(body)
        return _decode(kind, body, shape)

    policies = {wire.name: _policy(wire) for wire in decoded(Kind.POLICY, _Policies).items}
    subscribers = _subscribers(decoded(Kind.SUBSCRIBER, _Subscribers).items, once, ipv6_prefix=ipv6_prefix)
    groups = {
        wire.name: _group(wire, once, ipv6_prefix=ipv6_prefix)
        for wire in decoded(Kind.GROUP, _Groups).items
        if wire.name != ALL_SUBSCRIBERS
    }
    return LiveState(
        policies=policies, subscribers=subscribers, groups=groups, answers=answers, ipv6_prefix=ipv6_prefix
    )


def _subscribers(wires: list[WireSubscriber], once: _Once, *, ipv6_prefix: int) -> dict[str, LiveSubscriber]:
    """The subscribers by address; takes `wires` apart on the way, so that not both are there in full."""
    wires.reverse()
    found: dict[str, LiveSubscriber] = {}
    while wires:
        wire = wires.pop()
        ip, policy, assigned_by = wire.ip, _text(wire.policy), wire.assigned_by
        if ":" in ip:
            ip = canonical_ip(ip, ipv6_prefix=ipv6_prefix)
        found[once(ip, ip)] = LiveSubscriber(
            _text(wire.id),
            once(policy, policy) if policy else None,
            once(assigned_by, assigned_by) if assigned_by else None,
        )
    return found


def _decode(kind: Kind, body: bytes, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableAnswerError(kind, str(error), body) from error


def _policy(wire: WirePolicy) -> Policy:
    return Policy(
        name=wire.name,
        id=_text(wire.id),
        download=read_limit(wire.rateLimitDownlink),
        upload=read_limit(wire.rateLimitUplink),
    )


def _group(wire: WireGroup, once: _Once, *, ipv6_prefix: int) -> LiveGroup:
    return LiveGroup(
        type=_text(wire.type),
        policy=_text(wire.policy),
        members=member_set(once(ip, ip) for ip in members_of(wire, ipv6_prefix=ipv6_prefix)),
        ranges=frozenset(canonical_range(text) for text in wire.ranges or ()),
    )


def _text(value: str | int | None) -> str | None:
    return None if value is None or value == "" else str(value)
