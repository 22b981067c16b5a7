"""Appliances, states and live answers for the reconciler's tests."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import msgspec
import pytest

from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState, decode_state
from generator.inventory.secret import Secret
from generator.inventory.settings import BqnHost, Guards, Ignore, Select
from generator.model import DesiredState, Group, Limit, Policy, Subscriber
from generator.net.tls import TlsSettings

MakeHost = Callable[..., BqnHost]
MakeState = Callable[..., DesiredState]
MakeLive = Callable[..., LiveState]


@pytest.fixture
def make_host() -> MakeHost:
    def make(**changes: Any) -> BqnHost:
        settings: dict[str, Any] = {
            "name": "bqn", "host": "127.0.0.1", "port": 3443, "timeout_s": 5.0, "tls": TlsSettings(),
            "username": Secret("user"), "password": Secret("password"), "sources": ("billing",),
            "select": Select(), "max_connections": 4, "prune": True, "ignore": Ignore(),
            "managed_groups": ("L1-*", "L2-*", "DS-*"), "guards": Guards(), "group_capacity": {},
            "ipv6_prefix": 64,
        }  # fmt: skip
        return BqnHost(**{**settings, **changes})

    return make


@pytest.fixture
def make_state() -> MakeState:
    """A desired state from `{ip: policy or Subscriber}`; policies not given get 1000/500 kbps."""

    def make(
        subscribers: dict[str, Any], *, policies: dict[str, Policy] | None = None, groups: tuple[Group, ...] = ()
    ) -> DesiredState:
        lines = {
            ip: Subscriber(ip=ip, id=f"id-{ip}", policy=value) if isinstance(value, str) else value
            for ip, value in subscribers.items()
        }
        names = {line.policy for line in lines.values() if line.policy}
        known = {name: Policy(name=name, id=name, download=Limit(rate=1000), upload=Limit(rate=500)) for name in names}
        return DesiredState(
            policies={**known, **(policies or {})},
            groups={group.name: group for group in groups},
            subscribers=lines,
        )

    return make


@pytest.fixture
def make_live() -> MakeLive:
    """A live state from the objects a BQN would list."""

    def make(
        policies: list[dict[str, Any]] | None = None,
        subscribers: list[dict[str, Any]] | None = None,
        groups: list[dict[str, Any]] | None = None,
    ) -> LiveState:
        items = {Kind.POLICY: policies, Kind.SUBSCRIBER: subscribers, Kind.GROUP: groups}
        bodies = {kind: msgspec.json.encode({"items": found or []}) for kind, found in items.items()}
        return decode_state(bodies.__getitem__, ipv6_prefix=64)

    return make


@pytest.fixture
def network() -> Callable[[str], Any]:
    return ip_network
