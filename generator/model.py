"""The data every room shares: what a billing system says, and what a BQN should have.

All types are frozen. They are `msgspec.Struct`s rather than dataclasses because a render or a plan makes
hundreds of thousands of them: construction and comparison run in C (docs/decisions/0003-speed.md).
"""

import ipaddress
from collections.abc import Mapping

from msgspec import Struct

BLOCK_POLICY = "Billing-Block"
"""The policy of blocked subscribers, by the vendor's convention (facts: BQN REST API, 4.4)."""

BLOCK_POLICY_ID = "block"


class Limit(Struct, frozen=True, kw_only=True, gc=False):
    """What one direction of a policy allows; names as in the desired-state YAML.

    Rates are kbps (`None`: unlimited, 0: blocked), times are seconds. A burst is whole or absent: without
    `burst_rate` the other burst fields are `None` too.
    """

    rate: int | None = None
    burst_rate: int | None = None
    burst_duration: int | None = None
    burst_threshold: int | None = None
    burst_threshold_window: int | None = None
    burst_transition_duration: int | None = None


class Policy(Struct, frozen=True, kw_only=True, gc=False):
    """A rate policy. `name` is its key on the BQN; `id` is free text and need not be unique.

    A `static` one is made on the appliance itself: it may be referred to, and is never written; what it
    allows is not known here.
    """

    name: str
    id: str | None = None
    download: Limit = Limit()
    upload: Limit = Limit()
    static: bool = False


class Billed(Struct, frozen=True, kw_only=True, gc=False):
    """What the billing alone gives a subscriber that an override changes; fields as in `Subscriber`."""

    policy: str | None = None
    blocked: bool = False
    reason: str | None = None
    groups: tuple[str, ...] = ()


class Subscriber(Struct, frozen=True, kw_only=True, gc=False):
    """A subscriber address and what it should have.

    `ip` is canonical: IPv4 dotted, IPv6 as the compressed network address of its prefix. `policy` is the
    one it has or, when `blocked`, would have; `reason` says why it is blocked. `overrides` names the human
    decisions that acted, and `billed` is what held without them; both are empty for nearly everybody.
    """

    ip: str
    id: str | None = None
    policy: str | None = None
    blocked: bool = False
    reason: str | None = None
    groups: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    billed: Billed | None = None


class Group(Struct, frozen=True, kw_only=True, gc=False):
    """A subscriber group; which subscribers are in it stands on the subscribers."""

    name: str
    type: str | None = None
    policy: str | None = None
    ranges: tuple[str, ...] = ()


class Rejected(Struct, frozen=True, kw_only=True, gc=False):
    """A billing record that is left out of the desired state, and why.

    `record` names it as the billing does ("session 98213"); `id`, `ip`, `plan` are what is known of it;
    `kept` names the record that won where two claimed one address.
    """

    record: str
    reason: str
    id: str | None = None
    ip: str | None = None
    plan: str | None = None
    kept: str | None = None


class DesiredState(Struct, frozen=True, kw_only=True):
    """What one source wants: the content of `desired/<source>/`.

    `policies` and `groups` are keyed by name, `subscribers` by canonical address. `absent` holds the
    subscribers that the source did not list this time but that are kept (`keep_absent`): address to the
    UTC time, ISO 8601 to the minute, from which they were missed.
    """

    policies: Mapping[str, Policy]
    groups: Mapping[str, Group]
    subscribers: Mapping[str, Subscriber]
    rejected: tuple[Rejected, ...] = ()
    absent: Mapping[str, str] = {}


class PlanRecord(Struct, frozen=True, kw_only=True, gc=False):
    """A tariff as the billing system has it, before any rule of ours.

    In `download` and `upload` a rate of 0 or `None` is the billing's own 0 or null: what it means is the
    operator's `zero_rate`; where `exact` they mean what they mean on a BQN, 0 blocks and `None` is no limit.
    Bursts are already worked out to kbps and seconds. `problem` says why the record cannot be used
    ("speed_download 'fast' is not a number"). `policy_id` is the policy's id where that is not `id`. A
    `static` plan is a policy that the operator made on the BQN itself.
    """

    id: str
    name: str
    download: Limit = Limit()
    upload: Limit = Limit()
    problem: str | None = None
    exact: bool = False
    policy_id: str | None = None
    static: bool = False


class GroupRecord(Struct, frozen=True, kw_only=True, gc=False):
    """A group a service belongs to.

    `level` is the prefix without its dash (`L1`, `L2`), or "" for a group that is named without one. Where
    the source has groups with limits of their own, `plan` is the id of that plan, and `ranges` are prefixes.
    """

    level: str
    name: str
    type: str | None = None
    plan: str | None = None
    ranges: tuple[str, ...] = ()


class ServiceRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One sold service as the billing system has it: who, which plan, which addresses, which state.

    `record` names it for people ("session 98213"). `ids` holds every choice of `subscriber_id` that is
    known. `addresses` are texts as the billing has them, IPv4 or IPv6, with or without a prefix length.
    `statuses` maps each choice of `block_on` to the status under it. `rank` orders claims on one address:
    the greatest is the newest. The plan of one that the source
    blocks in a way that leaves no plan to see is `BLOCK_POLICY`.
    """

    record: str
    plan: str | None
    ids: Mapping[str, str]
    addresses: tuple[str, ...]
    statuses: Mapping[str, str]
    groups: tuple[GroupRecord, ...] = ()
    rank: tuple[int, ...] = ()


class Unread(Struct, frozen=True, kw_only=True, gc=False):
    """A service that is there but could not be read this time: whoever has its addresses stays as he was.

    `record` and `addresses` as in `ServiceRecord`; `reason` says what went wrong.
    """

    record: str
    addresses: tuple[str, ...]
    reason: str


class BillingAnswer(Struct, frozen=True, kw_only=True):
    """All that one billing system said, whole.

    `rejected` are records that the connector itself could not use (no address, not an object). `unread` are
    services that failed one by one. `unread_groups` are the levels (`L1`, `L2`, "") whose lists the key may
    not read: their groups stay as they were. `groups` are groups with a plan or ranges of their own, members
    or not. `warnings` are for the operator's log.
    """

    plans: tuple[PlanRecord, ...]
    services: tuple[ServiceRecord, ...]
    groups: tuple[GroupRecord, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    unread: tuple[Unread, ...] = ()
    unread_groups: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


def address_order(text: str) -> tuple[int, int, str]:
    """A sort key that puts addresses in numeric order, IPv4 before IPv6, and other texts last."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return (9, 0, text)
    return (address.version, int(address), "")
