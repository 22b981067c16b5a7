"""Sources that are read as a BQN is: the gateway that a billing system pushes to, or a real BQN.

What is pushed is in a BQN's own terms, so 0 blocks and -1 is no limit. A subscriber whose policy has a rate of
0, or is named in `blocked_policies`, is one that the billing blocks; the policy itself is then only its way to
say so (facts: systems that push, 1 and 2).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial

from msgspec import Struct

from generator.billing.secrets import required
from generator.bqn.client import BqnClient, Endpoint
from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState, LiveSubscriber
from generator.bqn.probe import look
from generator.bqn.wire import blocks, bqn_name
from generator.errors import ApplianceError, SourceError
from generator.inventory.globs import matches_any
from generator.inventory.secret import Secret
from generator.inventory.settings import BillingHost
from generator.model import (
    BLOCK_POLICY,
    BillingAnswer,
    GroupRecord,
    PlanRecord,
    Rejected,
    ServiceRecord,
    address_order,
)
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy
from generator.net.tls import TlsSettings

STATUS = "policy"
"""The one status of a pushed subscriber: `ACTIVE`, or what blocks it."""
ACTIVE = "active"
_OWN_ASSIGNMENTS = frozenset({"rules", "default"})
"""What a BQN itself assigned: no billing system said it (facts: BQN REST API, 5.4)."""
_CONNECTIONS = 4


class _Source(Struct, frozen=True, kw_only=True):
    """The endpoint of a source, for the BQN client."""

    name: str
    host: str
    port: int
    timeout_s: float
    tls: TlsSettings
    username: Secret
    password: Secret
    ipv6_prefix: int
    max_connections: int = _CONNECTIONS


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that was pushed, whole; raises `SourceError`."""
    try:
        with BqnClient(endpoint(host), retry=retry) as client:
            live = client.read_state()
    except ApplianceError as error:
        raise SourceError(error.what, where=error.where, fix=error.fix) from error
    return _Reading(host, live).answer()


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The read of each collection, one by one."""
    with BqnClient(endpoint(host), retry=retry) as client:
        for kind in Kind:
            yield tried(f"read {kind.plural}", partial(look, client, kind))


def endpoint(host: BillingHost) -> Endpoint:
    """Where a source is read from, for the BQN client."""
    username, password = required(host, "username", "password")
    return _Source(
        name=host.name, host=host.host, port=host.port, timeout_s=host.timeout_s, tls=host.tls,
        username=Secret(username), password=Secret(password), ipv6_prefix=host.ipv6_prefix,
    )  # fmt: skip


class _Reading:
    """One answer while it is made."""

    def __init__(self, host: BillingHost, live: LiveState) -> None:
        self._host, self._live = host, live
        self._blocked = self._names_that_block()
        self._static = {
            name for name in self._used() - live.policies.keys() if matches_any(name, host.options["static_policies"])
        }

    def answer(self) -> BillingAnswer:
        live = self._live
        own = [ip for ip, each in live.subscribers.items() if each.assigned_by not in _OWN_ASSIGNMENTS]
        groups = self._groups_of()
        return BillingAnswer(
            plans=tuple(self._plans()),
            services=tuple(self._service(ip, live.subscribers[ip], groups) for ip in sorted(own, key=address_order)),
            groups=tuple(self._groups()),
            rejected=tuple(self._unusable_policies()),
            warnings=tuple(self._warnings(len(own))),
        )

    def _names_that_block(self) -> frozenset[str]:
        """The policies that stop their subscribers, by their rates or by their names."""
        if not self._host.block_inactive:
            return frozenset()
        named = {name for name in self._used() if matches_any(name, self._host.options["blocked_policies"])}
        return frozenset(named | {name for name, policy in self._live.policies.items() if blocks(policy)})

    def _used(self) -> set[str]:
        live = self._live
        names = {each.policy for each in live.subscribers.values()} | {each.policy for each in live.groups.values()}
        return {bqn_name(name) for name in names if name}

    def _plans(self) -> Iterator[PlanRecord]:
        for name, policy in self._live.policies.items():
            if name not in self._blocked:
                yield PlanRecord(
                    id=name, name=name, download=policy.download, upload=policy.upload, exact=True,
                    policy_id=policy.id or "",
                )  # fmt: skip
        for name in sorted(self._used() - self._live.policies.keys() - self._blocked):
            if name in self._host.plan_rates:
                yield PlanRecord(id=name, name=name, policy_id="")
            elif name in self._static:
                yield PlanRecord(id=name, name=name, static=True)

    def _service(self, ip: str, live: LiveSubscriber, groups: Mapping[str, list[GroupRecord]]) -> ServiceRecord:
        policy = bqn_name(live.policy) if live.policy else None
        blocked = policy in self._blocked
        return ServiceRecord(
            record=f"subscriber {ip}",
            plan=BLOCK_POLICY if blocked else policy,
            ids={} if live.id is None else {self._host.subscriber_id: live.id},
            addresses=(f"{ip}/{self._host.ipv6_prefix}" if ":" in ip else ip,),
            statuses={STATUS: self._why_blocked(policy) if blocked and policy else ACTIVE},
            groups=tuple(groups.get(ip, ())),
        )

    def _why_blocked(self, policy: str) -> str:
        known = self._live.policies.get(policy)
        return f"{policy} (rate 0)" if known is not None and blocks(known) else policy

    def _groups_of(self) -> dict[str, list[GroupRecord]]:
        found: dict[str, list[GroupRecord]] = defaultdict(list)
        for name in sorted(self._live.groups):
            record = GroupRecord(level="", name=name, type=self._type(name))
            for ip in self._live.groups[name].members:
                found[ip].append(record)
        return found

    def _groups(self) -> Iterator[GroupRecord]:
        """The groups with a limit or ranges of their own."""
        for name, group in sorted(self._live.groups.items()):
            if group.policy or group.ranges:
                plan = bqn_name(group.policy) if group.policy else None
                yield GroupRecord(
                    level="", name=name, type=self._type(name), ranges=tuple(sorted(group.ranges)),
                    plan=BLOCK_POLICY if plan in self._blocked else plan,
                )  # fmt: skip

    def _type(self, name: str) -> str | None:
        kind = self._live.groups[name].type
        return None if kind == "generic" else kind

    def _unusable_policies(self) -> Iterator[Rejected]:
        """A group's limit that is not defined anywhere: the group stands without it, and that is told."""
        known = {plan.id for plan in self._plans()} | self._blocked
        for name, group in sorted(self._live.groups.items()):
            if group.policy and bqn_name(group.policy) not in known:
                yield Rejected(
                    record=f"group {name}", plan=group.policy,
                    reason=f"its policy {group.policy} is not defined: the group is kept without a limit",
                )  # fmt: skip

    def _warnings(self, taken: int) -> Iterator[str]:
        left = len(self._live.subscribers) - taken
        if left:
            yield f"subscribers that the BQN itself assigned (rules, default), left out: {left}"
