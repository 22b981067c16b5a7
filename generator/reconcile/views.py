"""Views: what a plan shows and keeps of an object, in the desired state's own words, and back."""

import hashlib
from typing import Any

import msgspec

from generator.bqn.kinds import Kind
from generator.bqn.live import LiveGroup, LiveSubscriber
from generator.documents.ready import ready
from generator.model import Limit, Policy
from generator.reconcile.target import WantedGroup, WantedSubscriber

ready(WantedSubscriber, WantedGroup, Limit)

Wanted = Policy | WantedSubscriber | WantedGroup
Live = Policy | LiveSubscriber | LiveGroup


def view(thing: Wanted | Live) -> dict[str, Any]:
    """The fields of an object that are set; `rate: unlimited` is spelled out, sets are sorted lists."""
    fields: dict[str, Any]
    if isinstance(thing, Policy):
        fields = {
            "id": thing.id,
            "download": _limit_view(thing.download),
            "upload": _limit_view(thing.upload),
        }
    elif isinstance(thing, WantedGroup | LiveGroup):
        fields = {
            "type": thing.type, "policy": thing.policy,
            "members": sorted(thing.members), "ranges": sorted(thing.ranges),
        }  # fmt: skip
    elif isinstance(thing, LiveSubscriber):
        fields = {"id": thing.id, "policy": thing.policy, "assigned_by": thing.assigned_by}
    else:
        fields = {"id": thing.id, "policy": thing.policy}
    return {name: value for name, value in fields.items() if value is not None}


def _limit_view(limit: Limit) -> dict[str, Any]:
    fields = {name: getattr(limit, name) for name in limit.__struct_fields__}
    fields["rate"] = "unlimited" if limit.rate is None else limit.rate
    return {name: value for name, value in fields.items() if value is not None}


def wanted_from_view(kind: Kind, key: str, fields: dict[str, Any]) -> Wanted:
    """The wanted object a plan's `after` stands for; raises `msgspec.ValidationError` if it is none."""
    if kind is Kind.POLICY:
        return _policy_from_view(key, fields)
    shape: type[WantedSubscriber | WantedGroup] = WantedSubscriber if kind is Kind.SUBSCRIBER else WantedGroup
    return msgspec.convert(fields, shape)


def _policy_from_view(name: str, fields: dict[str, Any]) -> Policy:
    limits = {}
    for side in ("download", "upload"):
        shown = msgspec.convert(fields.get(side, {}), dict[str, Any])
        limits[side] = msgspec.convert(
            {field: None if value == "unlimited" else value for field, value in shown.items()}, Limit
        )
    id_ = msgspec.convert(fields.get("id"), str | None)
    return Policy(name=name, id=id_, download=limits["download"], upload=limits["upload"])


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value's canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
