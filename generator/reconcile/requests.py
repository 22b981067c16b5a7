"""The one request that makes an object as wanted.

POST for new ones, PUT for existing ones with whole nested objects, POST of the full object where a field
must go away (a PUT keeps what it does not carry). What others own in a live object (`congestionMgmt`,
quotas, fields we do not know) goes back as it was.
"""

from typing import Any

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.live import LiveGroup, LiveSubscriber
from generator.bqn.wire import ALL_SUBSCRIBERS, policy_body
from generator.model import Policy
from generator.reconcile.target import WantedGroup, WantedSubscriber

_READ_ONLY = {
    Kind.POLICY: frozenset({"policyName"}),
    Kind.SUBSCRIBER: frozenset({"subscriberIp", "policyAssignedBy"}),
    Kind.GROUP: frozenset({"subscriberGroupName", "subscriberAll"}),
}
_OWN = {
    Kind.POLICY: frozenset({"policyId", "rateLimitDownlink", "rateLimitUplink"}),
    Kind.SUBSCRIBER: frozenset({"subscriberId", "policyRate", "subscriberGroups"}),
    Kind.GROUP: frozenset({"subscriberMembers", "subscriberRanges", "subscriberGroupType", "policyRate"}),
}
_LIMIT_FIELDS = frozenset(
    {
        "rate",
        "burstRate",
        "burstDuration",
        "burstThreshold",
        "burstThresholdWindow",
        "burstTransitionDuration",
    }
)


class Request(Struct, frozen=True):
    """A method and its JSON body; `replaces` says that the object is posted whole over a live one."""

    method: str
    body: dict[str, Any]
    replaces: bool = False


def create_request(
    kind: Kind, wanted: Policy | WantedSubscriber | WantedGroup, whole: dict[str, Any] | None = None
) -> Request:
    """The POST of an object the appliance does not have.

    `whole` is the object as it was there before: fields that are not ours come back with it. Membership does
    not: it stands on the group's side, and the group may not be there yet.
    """
    body = _body(wanted)
    if whole is None:
        return Request("POST", body)
    kept = {key: value for key, value in whole.items() if key not in _OWN[kind] | _READ_ONLY[kind]}
    return Request("POST", {**kept, **_with_other_limits(body, whole)})


def policy_request(wanted: Policy, live: Policy, raw: dict[str, Any]) -> Request:
    """The update of a policy; `raw` is the live object with all its fields."""
    body = _with_other_limits(_body(wanted), raw)
    goes = (live.id is not None and not wanted.id) or any(
        _burst_goes(getattr(wanted, side), getattr(live, side)) for side in ("download", "upload")
    )
    if not goes:
        return Request("PUT", body)
    return _replacing(Kind.POLICY, raw, body, _OWN[Kind.POLICY])


def _with_other_limits(body: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """`body` with those fields of the rate limits in `raw` that are not ours (`congestionMgmt`)."""
    merged = dict(body)
    for key in ("rateLimitDownlink", "rateLimitUplink"):
        kept = raw.get(key)
        if key in body and isinstance(kept, dict):
            merged[key] = {**{k: v for k, v in kept.items() if k not in _LIMIT_FIELDS}, **body[key]}
    return merged


def subscriber_request(
    wanted: WantedSubscriber, live: LiveSubscriber, raw: dict[str, Any] | None, leaves: frozenset[str]
) -> Request:
    """The update of a subscriber; `raw` is given where a field goes, `leaves` are groups not to rejoin."""
    body = _body(wanted)
    if raw is None or not clears_subscriber(wanted, live):
        return Request("PUT", body)
    groups = raw.get("subscriberGroups")
    if isinstance(groups, list):
        raw = {**raw, "subscriberGroups": [g for g in groups if g != ALL_SUBSCRIBERS and g not in leaves]}
    return _replacing(Kind.SUBSCRIBER, raw, body, {"subscriberId", "policyRate"})


def clears_subscriber(wanted: WantedSubscriber, live: LiveSubscriber) -> bool:
    """Whether an update must take a field away, so that the whole live object is needed."""
    return (live.id is not None and wanted.id is None) or (live.policy is not None and wanted.policy is None)


def group_request(wanted: WantedGroup, live: LiveGroup, raw: dict[str, Any]) -> Request:
    """The update of a group; members and ranges are always sent whole."""
    body = _body(wanted)
    if live.policy is None or wanted.policy is not None:
        return Request("PUT", body)
    return _replacing(Kind.GROUP, raw, body, {"policyRate"})


def _replacing(kind: Kind, raw: dict[str, Any], body: dict[str, Any], managed: frozenset[str] | set[str]) -> Request:
    kept = {key: value for key, value in raw.items() if key not in managed | _READ_ONLY[kind]}
    return Request("POST", {**kept, **body}, replaces=True)


def _burst_goes(wanted: Any, live: Any) -> bool:
    return bool(live.burst_rate) and not wanted.burst_rate


def _body(wanted: Policy | WantedSubscriber | WantedGroup) -> dict[str, Any]:
    if isinstance(wanted, Policy):
        return policy_body(wanted)
    if isinstance(wanted, WantedSubscriber):
        fields = {"subscriberId": wanted.id, "policyRate": wanted.policy}
        return {key: value for key, value in fields.items() if value is not None}
    body: dict[str, Any] = {
        "subscriberMembers": sorted(wanted.members),
        "subscriberRanges": sorted(wanted.ranges),
    }
    if wanted.type:
        body["subscriberGroupType"] = wanted.type
    if wanted.policy:
        body["policyRate"] = wanted.policy
    return body
