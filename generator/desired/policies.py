"""Plans of a billing system → policies of a BQN, each under a name of its own."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from generator.desired.names import (
    SHORT_NAME_BYTES,
    Wanted,
    clean_text,
    name_problem,
    natural_key,
    object_name,
    unique_names,
)
from generator.desired.rates import PlanLimits, plan_limits, rates_name
from generator.desired.tally import Tally
from generator.inventory.settings import BillingHost
from generator.model import BLOCK_POLICY, BLOCK_POLICY_ID, Limit, PlanRecord, Policy, Rejected


class Policies(Struct, frozen=True, kw_only=True):
    """What came of the plans: policies by name, the policy name of each usable plan id, and the rest."""

    policies: Mapping[str, Policy]
    name_of: Mapping[str, str]
    refused: Mapping[str, str]
    """Why a plan id cannot be used."""
    rejected: tuple[Rejected, ...]


def make_policies(plans: Iterable[PlanRecord], host: BillingHost, tally: Tally) -> Policies:
    """The policies of `plans` under the rules of `host`, and `Billing-Block`, which is always there."""
    by_id, refused = _one_per_id(plans)
    static = _static({plan_id: plan for plan_id, plan in by_id.items() if plan.static}, refused)
    limits: dict[str, PlanLimits] = {}
    for plan_id in by_id.keys() - refused.keys() - static.keys():
        plan = by_id[plan_id]
        found = plan_limits(plan, host)
        if isinstance(found, str):
            refused[plan_id] = found
        else:
            limits[plan_id] = found
    reserved = frozenset({BLOCK_POLICY, *static.values()})
    name_of = _names({plan_id: by_id[plan_id] for plan_id in limits}, limits, host, refused, reserved=reserved)
    policies = {BLOCK_POLICY: _block_policy(host)}
    policies |= {name: Policy(name=name, static=True) for name in static.values()}
    for plan_id, name in name_of.items():
        # A name made from rates stands for every plan that has them: no plan's id is its own.
        known_as = plan_id if (given := by_id[plan_id].policy_id) is None else given
        own_id = name if host.policy_names == "rates" else clean_text(known_as) or None
        download, upload = limits[plan_id].applied
        policies[name] = Policy(name=name, id=own_id, download=download, upload=upload)
    for name in policies:
        if len(name.encode()) > SHORT_NAME_BYTES:
            tally.add(f"policy names longer than {SHORT_NAME_BYTES} bytes, which a BQN may refuse", name)
    rejected = tuple(_rejected_plan(by_id[plan_id], why) for plan_id, why in refused.items())
    return Policies(policies=policies, name_of=name_of | static, refused=refused, rejected=rejected)


def _static(plans: Mapping[str, PlanRecord], refused: dict[str, str]) -> dict[str, str]:
    """The names of plans that are policies of the operator's own on the BQN, as they are there."""
    names: dict[str, str] = {}
    for plan_id, plan in plans.items():
        name = object_name(plan.name)
        problem = f"the name {name!r} is reserved" if name == BLOCK_POLICY else name_problem(name)
        if problem:
            refused[plan_id] = problem
        else:
            names[plan_id] = name
    return names


def _id_order(plan_id: str) -> tuple[str, str]:
    return natural_key(plan_id), plan_id


def _one_per_id(plans: Iterable[PlanRecord]) -> tuple[dict[str, PlanRecord], dict[str, str]]:
    by_id: dict[str, PlanRecord] = {}
    refused: dict[str, str] = {}
    for plan in plans:
        if by_id.setdefault(plan.id, plan) != plan:
            refused[plan.id] = "the plan is listed more than once, with different data"
            by_id[plan.id] = min(by_id[plan.id], plan, key=repr)
    return by_id, refused


def _block_policy(host: BillingHost) -> Policy:
    return Policy(
        name=BLOCK_POLICY,
        id=BLOCK_POLICY_ID,
        download=Limit(rate=host.block_rates.download),
        upload=Limit(rate=host.block_rates.upload),
    )


def _names(
    plans: Mapping[str, PlanRecord],
    limits: Mapping[str, PlanLimits],
    host: BillingHost,
    refused: dict[str, str],
    *,
    reserved: frozenset[str],
) -> dict[str, str]:
    """A name for each plan id, none in `reserved`; what has none is added to `refused`."""
    wanted: dict[str, Wanted] = {}
    stands_for: dict[str, str] = {}
    for plan_id in sorted(plans, key=_id_order):
        base = _base_name(plans[plan_id], limits[plan_id], host)
        problem = name_problem(base)
        if problem:
            refused[plan_id] = problem
            continue
        # Under names made from rates, plans sold with equal limits are one policy: no name is ever ambiguous.
        who = repr(limits[plan_id].sold) if host.policy_names == "rates" else plan_id
        wanted.setdefault(who, Wanted(who, base, object_name(plan_id)))
        stands_for[plan_id] = who
    unique = unique_names(wanted.values(), reserved=reserved)
    names = {}
    for plan_id, who in stands_for.items():
        name = unique[who]
        if name is None:
            refused[plan_id] = "its name and id cannot be told apart from another plan's"
        else:
            names[plan_id] = name
    return names


def _base_name(plan: PlanRecord, limits: PlanLimits, host: BillingHost) -> str:
    if host.policy_names == "rates":
        return rates_name(host.system, *limits.sold)
    base = object_name(plan.name)
    return f"{base}-{object_name(plan.id)}" if base and host.policy_names == "service_id" else base


def _rejected_plan(plan: PlanRecord, why: str) -> Rejected:
    return Rejected(record=f"{PLAN_RECORD}{clean_text(plan.id)}", reason=why, plan=clean_text(plan.name) or None)


PLAN_RECORD = "plan "
"""How a rejected record that is a plan, not a service, begins."""
