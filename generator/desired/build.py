"""Billing records → desired state: the rules of rendering, applied in their order (design section 4)."""

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from generator.desired.absent import Kept, keep_absent
from generator.desired.claims import Candidate, Sorted, never_read, settle, sort_out
from generator.desired.groups import DualStack, Levels, capped, dual_stack, own_groups
from generator.desired.names import clean_text, natural_key
from generator.desired.order import by_address, by_name
from generator.desired.overrides.acting import Acted, act
from generator.desired.overrides.model import ABSENT_REASON, NONE, Overrides
from generator.desired.overrides.shared import as_billed
from generator.desired.policies import Policies, make_policies
from generator.desired.shrink import check_shrink
from generator.desired.tally import Tally
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, DesiredState, Group, Policy, Rejected, Subscriber

__all__ = ["Built", "Working", "build", "check_shrink", "work"]


class Built(Struct, frozen=True, kw_only=True):
    """A desired state, and what the operator should know about how it came to be.

    `overrides` names those that matched somebody.
    """

    state: DesiredState
    warnings: tuple[str, ...]
    overrides: frozenset[str] = frozenset()


class Working(Struct, frozen=True, kw_only=True):
    """Everything a render finds out on its way, for the state it makes and for who asks why it is so."""

    policies: Policies
    records: Sorted
    winners: Mapping[str, Candidate]
    losers: tuple[Rejected, ...]
    dual: DualStack
    kept: Kept
    billed: Mapping[str, Subscriber]
    """Every subscriber as the billing alone has it."""
    known_policies: Mapping[str, Policy]
    known_groups: Mapping[str, Group]
    own_groups: Mapping[str, Group]
    """Groups that the source itself gives a limit or ranges."""
    acted: Acted
    previous: DesiredState | None
    tally: Tally


def build(
    answer: BillingAnswer,
    host: BillingHost,
    *,
    previous: DesiredState | None,
    now: datetime,
    overrides: Overrides = NONE,
) -> Built:
    """The desired state of the source `host`, from all it said and what people decided on top of it.

    `previous` is the state on disk (`None` the first time); `now`, an aware time, dates newly absent
    subscribers and says which overrides have expired. Unusable records are in `state.rejected`, never an error.
    The result does not depend on the order of the records, except between records of equal `rank` that claim
    one address. Raises `DocumentError` for overrides that disagree or name a policy the source does not have.
    """
    working = work(answer, host, previous=previous, now=now, overrides=overrides)
    acted, kept = working.acted, working.kept
    rejected = (
        *_made_absent(working),
        *map(_clean, (*answer.rejected, *never_read(answer, working.previous, host))),
        *working.policies.rejected, *working.records.rejected, *working.losers,
        *_without_group(working.records.candidates, working.dual, working.winners),
    )  # fmt: skip
    state = DesiredState(
        policies=by_name({**working.known_policies, **acted.policies}),
        groups=by_name(_used_groups(working)),
        subscribers=by_address(acted.subscribers),
        rejected=tuple(sorted(rejected, key=rejected_key)),
        absent=by_address({ip: since for ip, since in kept.absent.items() if ip not in acted.absent}),
    )
    return Built(state=state, warnings=working.tally.warnings(), overrides=frozenset(acted.used))


def work(
    answer: BillingAnswer, host: BillingHost, *, previous: DesiredState | None, now: datetime, overrides: Overrides
) -> Working:
    """The rules of rendering, applied in their order; arguments and errors as those of `build`."""
    previous = None if previous is None else as_billed(previous)
    tally = Tally()
    policies = make_policies(answer.plans, host, tally)
    records = sort_out(answer, policies, host, tally)
    winners, losers = settle(records.candidates, host.services_per_ip)
    dual = dual_stack(records.candidates, winners, host, tally)
    levels = Levels(host, tally, previous=previous, unread=answer.unread_groups)
    subscribers = {ip: _subscriber(ip, winner, levels, dual, tally) for ip, winner in winners.items() if "/" not in ip}
    kept = keep_absent(
        previous,
        claimed=records.claimed,
        unread=records.unread,
        policies=policies.policies,
        keep_s=host.keep_absent_s,
        now=now,
    )
    billed = {**kept.subscribers, **subscribers}
    known_policies = {**kept.policies, **policies.policies}
    own = own_groups(answer, host, policies)
    known_groups = {**kept.groups, **levels.groups(), **own, **dual.groups}
    # After everything the source says is known, before groups are narrowed to those in use.
    acted = act(
        overrides, billed, known_policies, known_groups,
        source=host.name, ipv6_prefix=host.ipv6_prefix, today=now.astimezone(UTC).date(), tally=tally,
    )  # fmt: skip
    return Working(
        policies=policies, records=records, winners=winners, losers=losers, dual=dual, kept=kept, billed=billed,
        known_policies=known_policies, known_groups=known_groups, own_groups=own, acted=acted, previous=previous,
        tally=tally,
    )  # fmt: skip


def _subscriber(ip: str, winner: Candidate, levels: Levels, dual: DualStack, tally: Tally) -> Subscriber:
    names = levels.of(ip, winner)
    own = dual.name_of.get(winner.position)
    if names or own:
        names = capped(names if own is None else (*names, own), tally, example=ip)
    return Subscriber(
        ip=ip,
        id=winner.id,
        policy=None if winner.policy is None else winner.policy.name,
        blocked=winner.standing.blocked,
        reason=winner.standing.reason,
        groups=names,
    )


def _made_absent(working: Working) -> list[Rejected]:
    """Whom overrides took out: nobody vanishes without a line that says why."""
    found = []
    for ip, names in working.acted.absent.items():
        reason = f"{ABSENT_REASON}{', '.join(names)}"
        if ip in working.winners:
            found.append(working.winners[ip].rejected(ip, reason))
        else:
            identity = working.billed[ip].id
            found.append(Rejected(record="a subscriber kept though absent", reason=reason, id=identity, ip=ip))
    return found


def _without_group(
    candidates: tuple[Candidate, ...], dual: DualStack, winners: Mapping[str, Candidate]
) -> list[Rejected]:
    """Ranges that were won by a record which has no group to put them in."""
    return [
        candidate.rejected(text, "a range needs a DS- group, and the record has no id to name one by")
        for candidate in candidates
        if candidate.position not in dual.name_of
        for text in candidate.ranges
        if winners.get(text) is candidate
    ]


def _used_groups(working: Working) -> dict[str, Group]:
    """The groups that have a member or a range; one known only by name is made as it was before."""
    acted, dual = working.acted, working.dual
    before: Mapping[str, Group] = {} if working.previous is None else working.previous.groups
    known = {**working.known_groups, **acted.shared.groups}
    names = {name for subscriber in acted.subscribers.values() for name in subscriber.groups}
    with_ranges = {name for groups in (working.own_groups, dual.groups) for name in groups if groups[name].ranges}
    names |= with_ranges - set(acted.shared.emptied)
    return {name: known.get(name) or before.get(name) or Group(name=name) for name in names}


def rejected_key(each: Rejected) -> tuple[str, ...]:
    """The order of rejected records: by their name with numbers as numbers, then by all they say."""
    rest = (each.record, each.ip, each.reason, each.id, each.plan, each.kept)
    return natural_key(each.record), *(text or "" for text in rest)


def _clean(each: Rejected) -> Rejected:
    def known(text: str | None) -> str | None:
        return None if text is None else clean_text(text) or None

    return Rejected(
        record=clean_text(each.record) or "a record without a name",
        reason=clean_text(each.reason, max_bytes=300) or "no reason given",
        id=known(each.id),
        ip=known(each.ip),
        plan=known(each.plan),
        kept=known(each.kept),
    )
