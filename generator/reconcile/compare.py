"""When a live object is as wanted, field by field; the fields compared are the fields written.

Missing, null and empty are the same; a burst field that the desired state does not give is the
appliance's own default and is not compared (facts: BQN REST API, section 12, row 9).
"""

from generator.bqn.live import LiveGroup, LiveSubscriber
from generator.bqn.wire import effective_rate
from generator.model import Limit, Policy
from generator.reconcile.target import WantedGroup, WantedSubscriber

REASSIGNED = frozenset({"rules", "default"})
"""Assignments that are the appliance's own: a subscriber the desired state names is provisioned over them."""


def same_limit(wanted: Limit, live: Limit) -> bool:
    """Whether one direction is as wanted."""
    if effective_rate(wanted.rate) != live.rate or bool(wanted.burst_rate) != bool(live.burst_rate):
        return False
    if not wanted.burst_rate:
        return True
    return all(
        value in (None, getattr(live, name))
        for name in ("burst_rate", "burst_duration", "burst_threshold", "burst_threshold_window",
                     "burst_transition_duration")
        for value in (getattr(wanted, name),)
    )  # fmt: skip


def same_policy(wanted: Policy, live: Policy) -> bool:
    """Whether a policy is as wanted."""
    return (
        (wanted.id or None) == live.id
        and same_limit(wanted.download, live.download)
        and same_limit(wanted.upload, live.upload)
    )


def same_subscriber(wanted: WantedSubscriber, live: LiveSubscriber) -> bool:
    """Whether a subscriber is as wanted, and provisioned rather than matched by the appliance's rules."""
    return wanted.id == live.id and wanted.policy == live.policy and live.assigned_by not in REASSIGNED


def same_group(wanted: WantedGroup, live: LiveGroup) -> bool:
    """Whether a group is as wanted; a type the desired state does not give is not compared."""
    return (
        wanted.members == live.members
        and wanted.ranges == live.ranges
        and wanted.policy == live.policy
        and wanted.type in (None, live.type)
    )
