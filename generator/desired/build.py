"""Billing records → desired state: the rules of rendering, applied in their order (design section 4)."""

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from generator.desired.absent import Kept, keep_absent
from generator.desired.claims import Candidate, never_read, settle, sort_out
from generator.desired.groups import DualStack, Levels, capped, dual_stack
from generator.desired.names import clean_text, natural_key
from generator.desired.order import by_address, by_name
from generator.desired.overrides.acting import Acted, act
from generator.desired.overrides.model import ABSENT_REASON, NONE, Overrides
from generator.desired.overrides.shared import as_billed
from generator.desired.policies import make_policies
from generator.desired.shrink import check_shrink
from generator.desired.tally import Tally
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, DesiredState, Group, Rejected, Subscriber

__all__ = ["Built", "build", "check_shrink"]


class Built(Struct, frozen=True, kw_only=True):
    """A desired state, and what the operator should know about how it came to be.

    `overrides` names those that matched somebody.
    """

    state: DesiredState
    warnings: tuple[str, ...]
    overrides: frozenset[str] = frozenset()


def build(
    answer: BillingAnswer, host: BillingHost, *, previous: DesiredState | None, now: datetime,
    overrides: Overrides = NONE,
) -> Built:  # fmt: skip
    """The desired state of the source `host`, from all it said and what people decided on top of it.

    `previous` is the state on disk (`None` the first time); `now`, an aware time, dates newly absent
    subscribers and says which overrides have expired. Unusable records are in `state.rejected`, never an error.
    The result does not depend on the order of the records, except between records of equal `rank` that claim
    one address. Raises `DocumentError` for overrides that disagree or name a policy the source does not have.
    """
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
    known_policies = {**kept.policies, **policies.policies}
    known_groups = {**kept.groups, **levels.groups(), **dual.groups}
    # After everything the source says is known, before groups are narrowed to those in use.
    acted = act(
        overrides, {**kept.subscribers, **subscribers}, known_policies, known_groups,
        source=host.name, ipv6_prefix=host.ipv6_prefix, today=now.astimezone(UTC).date(), tally=tally,
    )  # fmt: skip
    rejected = (
        *_made_absent(acted, winners, kept),
        *map(_clean, (*answer.rejected, *never_read(answer, previous, host))),
        *policies.rejected, *records.rejected, *losers, *_without_group(records.candidates, dual, winners),
    )  # fmt: skip
    state = DesiredState(
        policies=by_name({**known_policies, **acted.policies}),
        groups=by_name(_used_groups(acted, known_groups, dual, previous)),
        subscribers=by_address(acted.subscribers),
        rejected=tuple(sorted(rejected, key=rejected_key)),
        absent=by_address({ip: since for ip, since in kept.absent.items() if ip not in acted.absent}),
    )
    return Built(state=state, warnings=tally.warnings(), overrides=frozenset(acted.used))


def _subscriber(ip: str, winner: Candidate, levels: Levels, dual: DualStack, tally: Tally) -> Subscriber:
    names = levels.of(ip, winner)
    own = dual.name_of.get(winner.position)
    if names or own:
        names = capped(names if own is None else (*names, own), tally, example=ip)
    return Subscriber(
        ip=ip,
        id=winner.id,
        policy=winner.policy.name,
        blocked=winner.standing.blocked,
        reason=winner.standing.reason,
        groups=names,
    )


def _made_absent(acted: Acted, winners: Mapping[str, Candidate], kept: Kept) -> list[Rejected]:
    """Whom overrides took out: nobody vanishes without a line that says why."""
    found = []
    for ip, names in acted.absent.items():
        reason = f"{ABSENT_REASON}{', '.join(names)}"
        if ip in winners:
            found.append(winners[ip].rejected(ip, reason))
        else:
            found.append(
                Rejected(record="a subscriber kept though absent", reason=reason, id=kept.subscribers[ip].id, ip=ip)
            )
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


def _used_groups(
    acted: Acted, groups: Mapping[str, Group], dual: DualStack, previous: DesiredState | None
) -> dict[str, Group]:
    """The groups that have a member or a range; one known only by name is made as it was before."""
    before: Mapping[str, Group] = {} if previous is None else previous.groups
    known = {**groups, **acted.shared.groups}
    names = {name for subscriber in acted.subscribers.values() for name in subscriber.groups}
    names |= {name for name, group in dual.groups.items() if group.ranges and name not in acted.shared.emptied}
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
