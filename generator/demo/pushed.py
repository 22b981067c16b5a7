"""A gateway on loopback as a billing system that pushes leaves it: what `bqnctl render` reads of such a system."""

import random
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.types import ASGIApp

from generator.bqn.kinds import Kind
from generator.bqn.server.app import Access, make_app
from generator.bqn.server.store import KEY_FIELDS, Behaviour, MemoryStore
from generator.demo.emulator import COMMON_SWITCHES, EmulatorOptions, Faults, check_switches, is_on
from generator.demo.sample import PLANS, SITES, Lists, RowDict, address, mac, person

CREDENTIALS: Mapping[str, str] = {"username": "demo-gateway-user", "password": "demo-gateway-password"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "empty-is-404": "an empty collection is answered with 404, as a BQN may",
    "dense": "every policy shows every field, as newer BQNs do",
}
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "pushed": ("gestfy", "ispcube", "ispsolution", "wisphub"),
    "radius": ("aradial", "microwisp", "wispcontrol"),
}
"""The systems that are read from a gateway: those that push, and those whose routers send accounting."""
_EMPTY = b'{"items":[]}'
_BLOCKED_EVERY = 20
_BLOCKING = "Suspendidos"


class PushedData(Lists):
    """What was pushed, in the JSON of the BQN REST API."""

    NAMES: ClassVar[tuple[str, ...]] = ("policies", "subscribers", "groups")
    policies: list[RowDict]
    subscribers: list[RowDict]
    groups: list[RowDict]


def from_lists(lists: dict[str, list[RowDict]]) -> PushedData:
    """Data with these lists and nothing else."""
    data = PushedData()
    data.load(lists)
    return data


def sample(customers: int, seed: int) -> PushedData:
    """So many customers with plans by name, some suspended by a policy of rate 0, in groups of access points."""
    chance, data = random.Random(seed), PushedData()  # noqa: S311 - sample data, the same for the same seed
    for at, (name, down, up) in enumerate(PLANS, 1):
        data.policies.append(_policy(name.strip().replace(" ", "_"), str(at), down, up))
    data.policies.append(_policy(_BLOCKING, "corte", 0, 0))
    members: dict[str, list[str]] = {f"AP_{site.replace(' ', '_')}": [] for site in SITES}
    for at in range(customers):
        given, family = person(chance)
        suspended = at % _BLOCKED_EVERY == _BLOCKED_EVERY - 1
        policy = _BLOCKING if suspended else chance.choice(data.policies[:-1])["policyName"]
        data.subscribers.append({
            "subscriberIp": address(at), "subscriberId": f"{given}_{family}_{at}".replace(" ", "_"),
            "policyRate": policy,
        })  # fmt: skip
        members[chance.choice(sorted(members))].append(address(at))
    data.groups += [
        {"subscriberGroupName": name, "subscriberGroupType": "access-point", "subscriberMembers": ips}
        for name, ips in members.items()
    ]
    return data


def radius_sample(customers: int, seed: int) -> PushedData:
    """So many sessions as routers told them: policies made of rates, ids from User-Name, groups of routers."""
    chance, data = random.Random(seed), PushedData()  # noqa: S311 - sample data, the same for the same seed
    for _, down, up in PLANS:
        data.policies.append(_policy(f"{down}_{up}", f"{down}_{up}", down, up))
    for at in range(customers):
        given, _ = person(chance)
        data.subscribers.append({
            "subscriberIp": address(at), "subscriberId": f"{given.lower().replace(' ', '.')}{at}",
            "policyRate": chance.choice(data.policies)["policyName"], "policyAssignedBy": "radius",
            "callingStationId": mac(at).upper(), "subscriberGroups": [f"L2-{chance.choice(SITES).replace(' ', '_')}"],
        })  # fmt: skip
    return data


def _policy(name: str, identifier: str, down: int, up: int) -> RowDict:
    limits = {"rateLimitDownlink": {"rate": down}, "rateLimitUplink": {"rate": up}}
    return {"policyName": name, "policyId": identifier, **limits}


def make_app_for(data: PushedData, options: EmulatorOptions) -> ASGIApp:
    """The BQN REST API over `data`; raises `UsageError` for a switch that cannot be."""
    check_switches(options, SWITCHES)
    behaviour = Behaviour(
        empty_is_404=is_on(options, "empty-is-404"), dense=is_on(options, "dense"), spaces_rewritten=True
    )  # fmt: skip
    store = MemoryStore(behaviour)
    fill(store, data)
    access = Access(users={CREDENTIALS["username"]: CREDENTIALS["password"]})
    return Faults(make_app(store, access), options=options, empty=_EMPTY)


def fill(store: MemoryStore, data: PushedData) -> None:
    """Put the lists into a store as they would have come."""
    for kind in (Kind.POLICY, Kind.SUBSCRIBER, Kind.GROUP):
        rows: list[dict[str, Any]] = getattr(data, kind.plural)
        for row in rows:
            fields = {name: value for name, value in row.items() if name != KEY_FIELDS[kind]}
            if kind is Kind.SUBSCRIBER:
                fields.setdefault("policyAssignedBy", "api")
            store.add(kind, str(row[KEY_FIELDS[kind]]), fields)
