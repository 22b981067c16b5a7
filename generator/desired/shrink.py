"""Refusing an answer that lists far fewer services than last time: a billing fault, not a mass departure."""

import math

from generator.desired.policies import PLAN_RECORD
from generator.errors import RefusedError, SourceError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, DesiredState, Rejected, ServiceRecord, Unread


def check_shrink(
    answer: BillingAnswer, previous: DesiredState | None, host: BillingHost, *, allowed: int | None = None
) -> None:
    """Refuse `answer` when it lists much less than the `previous` state came from.

    Compared are the places services claim: what the previous state holds as subscribers (kept absent ones
    aside) and as rejected records. Raises `SourceError` for an empty list where there were subscribers, and
    `RefusedError` when more than `max_shrink_percent` went and more than `allowed` (`--allow shrink=N`).
    A fall by one is never refused.
    """
    if previous is None:
        return
    were = len(previous.subscribers.keys() - previous.absent.keys()) + _services(previous.rejected)
    listed: tuple[ServiceRecord | Unread, ...] = (*answer.services, *answer.unread)
    now = sum(_places(service, host) for service in listed) + _services(answer.rejected)
    if now == 0 and (were or previous.subscribers):
        raise SourceError(
            f"the list of services is empty, where there were {were}",
            where=f"host {host.name}",
            fix="the files stay as they were; see in the billing system why it lists nobody",
        )
    fewer = were - now
    if fewer <= max(1, allowed or 0) or fewer * 100 <= were * host.max_shrink_percent:
        return
    percent = fewer * 100 / were
    raise RefusedError(
        f"max_shrink_percent: {now} services listed where there were {were}, {percent:.1f} % fewer; "
        f"at most {host.max_shrink_percent} % is accepted",
        where=f"host {host.name}",
        fix=f"if that is right, accept it once with --allow shrink={fewer}, or set in the inventory "
        f"max_shrink_percent: {min(100, math.ceil(percent))} for {host.name}",
    )


def _services(rejected: tuple[Rejected, ...]) -> int:
    """How many of `rejected` are services; rejected plans are none."""
    return sum(not each.record.startswith(PLAN_RECORD) for each in rejected)


def _places(service: ServiceRecord | Unread, host: BillingHost) -> int:
    """How many subscribers or rejected records a service makes: its addresses of the wanted families."""
    addresses = {text.strip() for text in service.addresses} - {""}
    v6 = {text for text in addresses if ":" in text}
    families = {4: addresses - v6, 6: v6}
    wanted = {text for version in host.ip_versions for text in families[version]}
    if host.dual_stack_groups:
        ranges = {text for text in v6 if "/" in text and not text.endswith(f"/{host.ipv6_prefix}")}
        if ranges and wanted == ranges:
            return 0
        wanted -= ranges
    return max(1, len(wanted))
