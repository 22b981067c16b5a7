"""What goes over the wire to a BQN, and how its answers are read (facts: BQN REST API, 4 to 6).

Rates are kbps, times seconds. Unlimited is written as -1 and read as -1, null, missing or at least
100,000,000; "no burst" is read as missing, 0 or -1 (facts, section 12, rows 7 and 9).
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from generator.model import Limit, Policy

UNLIMITED = -1
_UNLIMITED_FROM = 100_000_000
MAX_RATE = 2_147_483_647
"""The largest rate a BQN is known to take (facts, section 12, row 10)."""

ALL_SUBSCRIBERS = "all-subscribers"
"""The built-in group: never written, never compared."""

_BURST_FIELDS = {
    "burst_rate": "burstRate",
    "burst_duration": "burstDuration",
    "burst_threshold": "burstThreshold",
    "burst_threshold_window": "burstThresholdWindow",
    "burst_transition_duration": "burstTransitionDuration",
}


class WireLimit(Struct, frozen=True, gc=False):
    """`rateLimitDownlink` or `rateLimitUplink` as a BQN renders it, sparse or dense."""

    rate: int | float | None = None
    burstRate: int | float | None = None  # noqa: N815 - the API's own name
    burstDuration: int | float | None = None  # noqa: N815 - the API's own name
    burstThreshold: int | float | None = None  # noqa: N815 - the API's own name
    burstThresholdWindow: int | float | None = None  # noqa: N815 - the API's own name
    burstTransitionDuration: int | float | None = None  # noqa: N815 - the API's own name


class WirePolicy(Struct, frozen=True, gc=False, rename={"name": "policyName", "id": "policyId"}):
    """A rate policy as a BQN lists it; `policyId` and both limits may be missing."""

    name: str
    id: str | int | None = None
    rateLimitDownlink: WireLimit | None = None  # noqa: N815 - the API's own name
    rateLimitUplink: WireLimit | None = None  # noqa: N815 - the API's own name


class WireSubscriber(
    Struct,
    frozen=True,
    gc=False,
    rename={
        "ip": "subscriberIp",
        "id": "subscriberId",
        "policy": "policyRate",
        "assigned_by": "policyAssignedBy",
    },
):
    """A subscriber as a BQN lists it; its groups are read from the groups' side only."""

    ip: str
    id: str | int | None = None
    policy: str | int | None = None  # who pushes to a gateway may write a plan called 100 as a number
    assigned_by: str | None = None


class WireGroup(
    Struct,
    frozen=True,
    gc=False,
    rename={
        "name": "subscriberGroupName",
        "type": "subscriberGroupType",
        "policy": "policyRate",
        "members": "subscriberMembers",
        "ranges": "subscriberRanges",
    },
):
    """A subscriber group as a BQN lists it."""

    name: str
    type: str | int | None = None
    policy: str | int | None = None
    members: list[str] | None = None
    ranges: list[str] | None = None


def read_limit(wire: WireLimit | None) -> Limit:
    """The limit a BQN's rendering means: unset burst fillers and unlimited forms made one."""
    if wire is None:
        return Limit()
    rate = None if wire.rate is None else effective_rate(int(wire.rate))
    bursts = {name: _set_or_none(getattr(wire, key)) for name, key in _BURST_FIELDS.items()}
    return Limit(rate=rate, **(bursts if bursts["burst_rate"] else {}))


def effective_rate(rate: int | None) -> int | None:
    """A rate as a BQN means it: from 100,000,000 kbps on, and below 0, it is unlimited (None)."""
    return None if rate is None or rate < 0 or rate >= _UNLIMITED_FROM else rate


def bqn_name(text: str) -> str:
    """`text` as the BQN compares names: each blank a `_` (facts: BQN REST API, 9)."""
    return text.replace(" ", "_")


def blocks(policy: Policy) -> bool:
    """Whether a policy stops its subscribers: a rate of 0 in either direction."""
    return 0 in (policy.download.rate, policy.upload.rate)


def _set_or_none(value: float | None) -> int | None:
    return int(value) if value is not None and value > 0 else None


def limit_body(limit: Limit, *, omit_unlimited: bool = False) -> dict[str, Any]:
    """The JSON of one direction; always whole, because how deep a PUT merges is unknown (facts, row 6).

    `omit_unlimited` leaves an unlimited rate out, for releases that refuse -1.
    """
    body: dict[str, Any] = {}
    if limit.rate is not None:
        body["rate"] = min(limit.rate, MAX_RATE)
    elif not omit_unlimited:
        body["rate"] = UNLIMITED
    if limit.burst_rate:
        for name, key in _BURST_FIELDS.items():
            value = getattr(limit, name)
            if value is not None:
                body[key] = min(value, MAX_RATE)
    return body


def policy_body(policy: Policy, *, omit_unlimited: bool = False) -> dict[str, Any]:
    """The JSON of a policy. `congestionMgmt` is the operator's: never sent, never compared (facts, row 8)."""
    body: dict[str, Any] = {} if policy.id is None else {"policyId": policy.id}
    body["rateLimitDownlink"] = limit_body(policy.download, omit_unlimited=omit_unlimited)
    body["rateLimitUplink"] = limit_body(policy.upload, omit_unlimited=omit_unlimited)
    return body


def without_unlimited(body: dict[str, Any]) -> dict[str, Any] | None:
    """`body` of a policy with every -1 left out, or None if it holds none."""
    slimmed = {
        key: {name: number for name, number in value.items() if (name, number) != ("rate", UNLIMITED)}
        if isinstance(value, dict)
        else value
        for key, value in body.items()
    }
    return None if slimmed == body else slimmed


def canonical_ip(text: str, *, ipv6_prefix: int) -> str:
    """The key under which a BQN keeps an address: IPv6 masked to the global prefix and compressed.

    A text that is no address is returned as it is: it matches nothing, and nothing is lost.
    """
    if ":" not in text:
        return text
    try:
        network = ipaddress.IPv6Network((text, ipv6_prefix), strict=False)
    except ValueError:
        return text
    return str(network.network_address)


def canonical_range(text: str) -> str:
    """A group's range as `addr/len`, compressed and masked; a text that is none is returned as it is."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text


def member_set(addresses: Iterable[str]) -> frozenset[str]:
    """A group's members as a set; a copy of a set has half the room of one that grew item by item."""
    return frozenset(set(addresses))


def members_of(group: WireGroup, *, ipv6_prefix: int) -> list[str]:
    """The member addresses of a listed group, canonical."""
    members = group.members or []
    if ":" not in "".join(members):
        return members
    return [canonical_ip(address, ipv6_prefix=ipv6_prefix) for address in members]
