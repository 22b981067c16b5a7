"""The typed settings of every host: what the other rooms see of the inventory (design section 2)."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from msgspec import Struct

from generator.inventory.secret import Secret
from generator.net.tls import TlsSettings

Network = IPv4Network | IPv6Network


class Scaling(Struct, frozen=True, kw_only=True):
    """Percent of the billing's rates and bursts, 1 to 200."""

    download: int = 100
    upload: int = 100


class BlockRates(Struct, frozen=True, kw_only=True):
    """The rates of Billing-Block in kbps: 0 blocks, others make a slow lane."""

    download: int = 0
    upload: int = 0


class PlanRates(Struct, frozen=True, kw_only=True):
    """Rates in kbps of a plan whose billing system has no speeds."""

    download: int
    upload: int


class BillingHost(Struct, frozen=True, kw_only=True):
    """A billing system; every default is already filled in from its schema fragment."""

    name: str
    system: str
    host: str
    port: int
    timeout_s: float
    tls: TlsSettings
    credentials: Mapping[str, Secret]
    mode: str
    subscriber_id: str
    block_inactive: bool
    active_statuses: tuple[str, ...]
    block_on: str | None
    rate_scaling: Scaling
    policy_names: str
    subscriber_groups: bool
    dual_stack_groups: bool
    ip_versions: tuple[int, ...]
    ipv6_prefix: int
    zero_rate: str
    block_rates: BlockRates
    networks: tuple[Network, ...]
    keep_absent_s: int
    services_per_ip: str
    plan_rates: Mapping[str, PlanRates]
    equipment_categories: tuple[int, ...]
    requests_per_second: float | None
    max_shrink_percent: int
    max_block_percent: int = 10
    options: Mapping[str, Any] = {}
    """The settings that only this system has, by their names in the inventory."""
    folder: Path = Path()
    """The inventory's folder, which files named in it are relative to."""


class Select(Struct, frozen=True, kw_only=True):
    """Which subscribers live on a BQN; both empty: all of its sources'."""

    cidrs: tuple[Network, ...] = ()
    groups: tuple[str, ...] = ()


class Ignore(Struct, frozen=True, kw_only=True):
    """What is never touched on a BQN: globs of names, networks of addresses."""

    policies: tuple[str, ...] = ()
    subscribers: tuple[Network, ...] = ()
    groups: tuple[str, ...] = ()


class Guards(Struct, frozen=True, kw_only=True):
    """How much one run may change on a BQN, of each kind (design section 6)."""

    max_delete_percent: int = 10
    max_update_percent: int = 50
    max_block_percent: int = 10
    min_existing: int = 10
    max_delete: int = 3
    max_create: int | None = None


class BqnHost(Struct, frozen=True, kw_only=True):
    """A BQN appliance; `sources` are names of billing hosts, in order of precedence."""

    name: str
    host: str
    port: int
    timeout_s: float
    tls: TlsSettings
    username: Secret
    password: Secret
    sources: tuple[str, ...]
    select: Select
    max_connections: int
    prune: bool
    ignore: Ignore
    managed_groups: tuple[str, ...]
    guards: Guards
    group_capacity: Mapping[str, PlanRates]
    ipv6_prefix: int


class Inventory(Struct, frozen=True, kw_only=True):
    """A read and validated inventory: all its hosts, by name in the order of the file."""

    folder: Path
    billing: Mapping[str, BillingHost]
    bqn: Mapping[str, BqnHost]
    groups: Mapping[str, tuple[str, ...]]
    """Every inventory group with the names of its hosts, children included: what `--limit` matches."""
