"""A plan held against the live state: which of its changes are due, already there, or overtaken (stale).

The same comparison serves `apply PLAN` before it writes and the read-back after it wrote.
"""

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.live import LiveGroup, LiveState, LiveSubscriber
from generator.model import Policy
from generator.reconcile.compare import same_group, same_policy, same_subscriber
from generator.reconcile.outcome import Mismatch, Outcome, Result
from generator.reconcile.plan import Action, Change
from generator.reconcile.target import WantedGroup, WantedSubscriber
from generator.reconcile.views import Live, Wanted, digest, view, wanted_from_view


class Settled(Struct, frozen=True):
    """The changes of a plan by what the live state says of them."""

    due: tuple[Change, ...]
    already: tuple[Change, ...]
    stale: tuple[Change, ...]


def settle(changes: tuple[Change, ...], live: LiveState) -> Settled:
    """Sort `changes` by whether they are still due against `live`."""
    raws = {
        kind: live.raw(kind, frozenset(c.key for c in changes if c.kind is kind and c.live_digest)) for kind in Kind
    }
    due, already, stale = [], [], []
    for change in changes:
        current = live_object(live, change.kind, change.key)
        if _as_wanted(change, current):
            already.append(change)
        elif _as_before(change, current) and (
            change.live_digest is None or digest(raws[change.kind].get(change.key)) == change.live_digest
        ):
            due.append(change)
        else:
            stale.append(change)
    return Settled(tuple(due), tuple(already), tuple(stale))


def live_object(live: LiveState, kind: Kind, key: str) -> Live | None:
    """One object of the live state, or None."""
    if kind is Kind.POLICY:
        return live.policies.get(key)
    return live.subscribers.get(key) if kind is Kind.SUBSCRIBER else live.groups.get(key)


def read_back(results: list[Result], live: LiveState) -> tuple[Mismatch, ...]:
    """Every object that was written and is not as written, with the likely cause."""
    return tuple(
        Mismatch(result.change.kind, result.change.key, _cause(result.change, current))
        for result in results
        if result.outcome in (Outcome.DONE, Outcome.ALREADY)
        for current in (live_object(live, result.change.kind, result.change.key),)
        if not _as_wanted(result.change, current)
    )


def _as_wanted(change: Change, current: Live | None) -> bool:
    if change.after is None:
        # A deleted subscriber with traffic comes back by the appliance's own rules: gone as far as we own it.
        return current is None or (isinstance(current, LiveSubscriber) and current.assigned_by != "api")
    return current is not None and _same(wanted_from_view(change.kind, change.key, change.after), current)


def _same(wanted: Wanted, live: Live) -> bool:
    if isinstance(wanted, Policy) and isinstance(live, Policy):
        return same_policy(wanted, live)
    if isinstance(wanted, WantedSubscriber) and isinstance(live, LiveSubscriber):
        return same_subscriber(wanted, live)
    if isinstance(wanted, WantedGroup) and isinstance(live, LiveGroup):
        return same_group(wanted, live)
    raise TypeError("a wanted object is compared with a live one of another kind")


def _as_before(change: Change, current: Live | None) -> bool:
    if current is None or change.before is None:
        return current is None and change.before is None
    return view(current) == change.before


def _cause(change: Change, current: Live | None) -> str:
    if change.action is Action.DELETE:
        return "it is still there: the appliance kept it, or another system made it again"
    if current is None and change.kind is Kind.POLICY:
        return "it is not listed: a static policy made in the GUI owns this name, and swallowed the write"
    if current is None and ":" in change.key:
        return "it is not listed: the appliance's IPv6 prefix length may differ from ipv6_prefix"
    if current is None:
        return "it is not listed: the appliance dropped it"
    return f"it is {view(current)}, wanted {change.after}: the appliance changed the values or another wrote them"
