"""Who gets an address: billing records made into candidates, and the rule for one claimed twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from msgspec import Struct

from generator.desired.addresses import AddressRules, Use
from generator.desired.blocking import Standing, standing
from generator.desired.names import clean_text
from generator.desired.policies import Policies
from generator.desired.tally import Tally
from generator.inventory.settings import BillingHost
from generator.model import BLOCK_POLICY, BillingAnswer, DesiredState, Policy, Rejected, ServiceRecord, Unread

_UNLIMITED = 1 << 62


class Candidate(Struct, frozen=True, kw_only=True, gc=False, eq=False):
    """A billing record that can be used: what it claims, and what it would have there."""

    position: int
    """Where it stands in the answer: the last thing that decides between two."""
    record: ServiceRecord
    name: str
    id: str | None
    policy: Policy | None
    """None for one that is blocked and of whose plan nothing is known."""
    standing: Standing
    keys: tuple[str, ...]
    ranges: tuple[str, ...]

    def rejected(self, address: str, reason: str, *, kept: str | None = None) -> Rejected:
        """The record, left out at `address`."""
        return Rejected(
            record=self.name, reason=reason, id=self.id, ip=address, kept=kept,
            plan=clean_text(self.record.plan or "") or None,
        )  # fmt: skip


class Sorted(Struct, frozen=True, kw_only=True):
    """The records of an answer, sorted out: usable ones, the rest with reasons, all addresses named."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]
    claimed: frozenset[str]
    """Every address and range that any record names, used or not."""
    unread: frozenset[str] = frozenset()
    """The addresses of services that could not be read, and that no other record names."""


def sort_out(answer: BillingAnswer, policies: Policies, host: BillingHost, tally: Tally) -> Sorted:
    """Which services of `answer` can be used, and why the others cannot."""
    rules = AddressRules(host)
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    claimed = {rules.parse(each.ip).text for each in answer.rejected if each.ip}
    for position, record in enumerate(answer.services):
        keys, ranges, refused = _addresses(record, rules)
        claimed.update(keys, ranges, (written for written, _ in refused if written))
        identity = _subscriber_id(record, host)
        name = clean_text(record.record) or "a record without a name"
        policy, why_not = _policy(record, policies)
        if not why_not or record.plan == BLOCK_POLICY:
            judged = standing(record.statuses, host, tally, example=name)
            why_not = "" if judged.blocked else why_not
        if why_not:
            refused += [(address, why_not) for address in (*keys, *ranges)]
        if refused:
            plan = clean_text(record.plan or "") or None
            left_out = partial(Rejected, record=name, id=identity, plan=plan)
            rejected += [left_out(ip=written, reason=why) for written, why in refused]
        if why_not or not (keys or ranges):
            continue
        if identity is None:
            tally.add(f"subscribers without the {host.subscriber_id} that subscriber_id asks for", name)
        candidates.append(
            Candidate(
                position=position,
                record=record,
                name=name,
                id=identity,
                policy=policy,
                standing=judged,
                keys=keys,
                ranges=ranges,
            )
        )
    unread = frozenset(_unread(answer.unread, rules, tally)) - claimed
    return Sorted(
        candidates=tuple(candidates), rejected=tuple(rejected), claimed=frozenset(claimed), unread=unread
    )  # fmt: skip


def _unread(services: Iterable[Unread], rules: AddressRules, tally: Tally) -> Iterator[str]:
    """The usable addresses of services that could not be read; each service is reported."""
    for service in services:
        tally.add("services that could not be read and stay as they were", f"{service.record}: {service.reason}")
        yield from (rules.parse(written).text for written in service.addresses if written.strip())


def never_read(answer: BillingAnswer, previous: DesiredState | None, host: BillingHost) -> list[Rejected]:
    """The addresses of services that could not be read and of which nothing is known from before."""
    rules = AddressRules(host)
    known: Mapping[str, object] = {} if previous is None else previous.subscribers
    return [
        Rejected(record=service.record, reason=service.reason, ip=text)
        for service in answer.unread
        for written in service.addresses
        if (text := rules.parse(written).text) not in known
    ]


def _subscriber_id(record: ServiceRecord, host: BillingHost) -> str | None:
    return clean_text(record.ids.get(host.subscriber_id, "")) or None


def _policy(record: ServiceRecord, policies: Policies) -> tuple[Policy | None, str]:
    if record.plan is None:
        return None, "it has no plan"
    name = policies.name_of.get(record.plan)
    if name is not None:
        return policies.policies[name], ""
    plan = clean_text(record.plan)
    why = policies.refused.get(record.plan)
    if why is None:
        return None, f"its plan {plan} is not in the list of plans"
    return None, f"its plan {plan} cannot be used: {why}"


def _addresses(
    record: ServiceRecord, rules: AddressRules
) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[str | None, str]]]:
    """The keys, the ranges, and what is refused (address as written, reason); each once."""
    keys: dict[str, None] = {}
    ranges: dict[str, None] = {}
    other: list[str] = []
    refused: dict[tuple[str | None, str], None] = {}
    for written in filter(str.strip, record.addresses):
        parsed = rules.parse(written)
        if parsed.use is Use.KEY:
            keys[parsed.text] = None
        elif parsed.use is Use.RANGE:
            ranges[parsed.text] = None
        elif parsed.use is Use.OTHER_FAMILY:
            other.append(parsed.text)
        else:
            refused[parsed.text or None, parsed.reason] = None
    if not keys and not ranges and not refused:
        if other:
            refused[other[0], "ip_versions leaves out its only address"] = None
        else:
            refused[None, "no address"] = None
    return tuple(keys), tuple(ranges), list(refused)


def settle(candidates: Iterable[Candidate], rule: str) -> tuple[Mapping[str, Candidate], tuple[Rejected, ...]]:
    """The winner of every address and range, and the losers, each naming who won.

    `first` and `last` both keep the newest (the greatest `rank`); only where ranks are equal does the order
    of the answer decide, and there they differ. `fastest` compares downloads, then uploads. `reject` keeps
    none.
    """
    claims: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        for address in (*candidate.keys, *candidate.ranges):
            claims.setdefault(address, []).append(candidate)
    winners: dict[str, Candidate] = {}
    rejected: list[Rejected] = []
    for address, claimants in claims.items():
        if len(claimants) == 1:
            winners[address] = claimants[0]
        elif rule == "reject":
            why = f"the address is claimed by {len(claimants)} records (services_per_ip: reject)"
            rejected += [each.rejected(address, why) for each in claimants]
        else:
            winner = winners[address] = max(claimants, key=_preference(rule))
            why = f"the address is claimed by another record too (services_per_ip: {rule})"
            rejected += [each.rejected(address, why, kept=winner.name) for each in claimants if each is not winner]
    return winners, tuple(rejected)


def _preference(rule: str) -> Callable[[Candidate], tuple[tuple[int, ...], tuple[int, ...], int]]:
    """The sort key of a rule: the greatest wins."""
    sign = 1 if rule == "last" else -1

    def key(claimant: Candidate) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        policy = claimant.policy if rule == "fastest" else None
        limits = (policy.download, policy.upload) if policy else ()
        speeds = tuple(_UNLIMITED if limit.rate is None else limit.rate for limit in limits)
        return speeds, claimant.record.rank, sign * claimant.position

    return key
