"""Plans to show: made of a real comparison, with names as an enemy would choose them."""

import random
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from generator.bqn.kinds import Kind
from generator.bqn.live import decode_state
from generator.inventory.secret import Secret
from generator.inventory.settings import BqnHost, Guards, Ignore, PlanRates, Select
from generator.model import DesiredState, Group, Limit, Policy, Subscriber
from generator.net.tls import TlsSettings
from generator.reconcile.figures import figures
from generator.reconcile.only import Only
from generator.reconcile.plan import Action, Plan
from generator.reconcile.planner import compare_appliance
from generator.reconcile.target import make_target
from tests.hostile.values import TEXTS

HOSTILE = tuple(
    TEXTS[name] for name in (
        "image", "end of script", "fence", "link", "colour", "bidi override", "table", "mention", "jinja", "formula",
        "long fence",
    )
)  # fmt: skip


def policy(name: str, down: int, up: int) -> Policy:
    return Policy(name=name, id=name, download=Limit(rate=down), upload=Limit(rate=up))


def host(name: str = "bqn-north", **changes: Any) -> BqnHost:
    settings: dict[str, Any] = {
        "name": name, "host": "192.0.2.10", "port": 3443, "timeout_s": 5.0, "tls": TlsSettings(),
        "username": Secret("u"), "password": Secret("p"), "sources": ("splynx", "gestfy"), "select": Select(),
        "max_connections": 4, "prune": True, "ignore": Ignore(), "managed_groups": ("L1-*", "L2-*", "DS-*"),
        "guards": Guards(max_delete_percent=50, max_update_percent=100, max_block_percent=50),
        "group_capacity": {"L1-AP": PlanRates(download=100_000, upload=50_000)}, "ipv6_prefix": 64,
    }  # fmt: skip
    return BqnHost(**{**settings, **changes})


def live(customers: int) -> Any:
    chance = random.Random(1)
    subscribers = [
        {"subscriberIp": f"10.0.{at // 250}.{at % 250 + 1}", "subscriberId": f"c{at}",
         "policyRate": chance.choice(["Home_50M", "Home_100M"]), "policyAssignedBy": "api"}
        for at in range(customers)
    ]  # fmt: skip
    members = [each["subscriberIp"] for each in subscribers[: customers // 2]]
    bodies = {
        Kind.POLICY: [
            {"policyName": name, "policyId": name, "rateLimitDownlink": {"rate": down}, "rateLimitUplink": {"rate": up}}
            for name, down, up in (("Home_50M", 50_000, 10_000), ("Home_100M", 90_000, 20_000))
        ],
        Kind.SUBSCRIBER: subscribers,
        Kind.GROUP: [{"subscriberGroupName": "L1-AP", "subscriberMembers": members, "subscriberRanges": []}],
    }  # fmt: skip
    return decode_state(lambda kind: msgspec.json.encode({"items": bodies[kind]}), ipv6_prefix=64)


def desired(customers: int, hostile: Iterable[str]) -> dict[str, DesiredState]:
    """A third gets another plan, a tenth is blocked, some go, hostile ones come."""
    subscribers = {}
    for at in range(customers - customers // 20):
        ip = f"10.0.{at // 250}.{at % 250 + 1}"
        subscribers[ip] = Subscriber(
            ip=ip, id=f"c{at}", policy="Home_100M" if at % 3 else "Home_50M", blocked=at % 10 == 9,
            reason="status Suspended" if at % 10 == 9 else None, groups=("L1-AP",) if at < customers // 2 else (),
        )  # fmt: skip
    for at, text in enumerate(hostile):
        ip = f"10.9.0.{at + 1}"
        subscribers[ip] = Subscriber(ip=ip, id=text.replace("\n", " "), policy="Home_50M")
    policies = {each.name: each for each in (policy("Home_50M", 50000, 10000), policy("Home_100M", 100_000, 20000))}
    policies["<b>Plan</b>"] = policy("<b>Plan</b>", 1000, 1000)
    one = DesiredState(policies=policies, groups={"L1-AP": Group(name="L1-AP")}, subscribers=subscribers)
    return {"splynx": one, "gestfy": DesiredState(policies={}, groups={}, subscribers={})}


MakePlan = Callable[..., Plan]


@pytest.fixture
def make_plan() -> MakePlan:
    """A plan for one appliance with so many customers; keywords are settings of its host."""

    def make(customers: int = 60, *, hostile: Iterable[str] = HOSTILE, **changes: Any) -> Plan:
        bqn, now = host(**changes), live(customers)
        target = make_target(desired(customers, hostile), bqn)
        plan = compare_appliance(bqn, target, now, allowed={}, only=Only())
        gone = frozenset(
            each.key for each in plan.changes if each.kind is Kind.SUBSCRIBER and each.action is Action.DELETE
        )
        plan = msgspec.structs.replace(plan, figures=figures(target, now, bqn, deleted=gone))
        return Plan(bqnctl="0.1", inventory="main", desired_digests={}, appliances=(plan,))

    return make
