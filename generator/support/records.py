"""Journals, plans and desired states with the people in them hidden: what is not known to be harmless is."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from generator.bqn.kinds import Kind
from generator.model import DesiredState
from generator.reconcile.plan import Plan
from generator.support.pseudonyms import Pseudonyms

_PLAIN = frozenset({
    "event", "run", "inventory", "appliance", "kind", "action", "method", "bqnctl", "format", "rule", "limit", "impact",
    "policy", "policyName", "policyRate", "name", "type", "rate", "groups", "subscriberGroupName",
    "subscriberGroupType", "assigned_by", "policyAssignedBy", "source", "sources", "plan",
})  # fmt: skip
"""Fields with words of ours, names of policies and of the operator's equipment."""

_TEXTS = frozenset({"reason", "error", "what", "warnings", "fix", "cause", "message"})
_OF_A_RUN = frozenset({"run", "end"})
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z?")


def hidden(value: Any, names: Pseudonyms, field: str = "") -> Any:
    """`value`, as JSON has it, with every name and address of a subscriber replaced."""
    if isinstance(value, Mapping):
        return {names.key(str(key)): hidden(below, names, str(key)) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [hidden(each, names, field) for each in value]
    if not isinstance(value, str):
        return value
    if field in _PLAIN or _TIME.fullmatch(value):
        return names.group(value)
    return names.text(value) if field in _TEXTS else names.address(value)


def journal_lines(content: bytes, names: Pseudonyms) -> bytes:
    """A journal with its records hidden; a line that cannot be read is only counted."""
    out = []
    for line in content.split(b"\n"):
        if not line:
            continue
        try:
            record = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            record = {"event": "unreadable", "bytes": len(line)}
        out.append(msgspec.json.encode(_record(record, names)))
    return b"".join(line + b"\n" for line in out)


def _record(record: dict[str, Any], names: Pseudonyms) -> dict[str, Any]:
    """One record of a journal; those of a run as a whole and of policies have nobody in them."""
    if record.get("event") in _OF_A_RUN or record.get("kind") == Kind.POLICY:
        return record
    made: dict[str, Any] = hidden(record, names)
    return made | ({"key": names.key(str(record["key"]))} if "key" in record else {})


def desired_view(state: DesiredState, names: Pseudonyms) -> dict[str, Any]:
    """A whole desired state with its people hidden; policies have none in them."""
    whole = msgspec.to_builtins(state)
    return {**hidden(whole, names), "policies": whole["policies"]}


def learn_from_journal(content: bytes, names: Pseudonyms) -> None:
    """Learn the ids of the subscribers in a journal."""
    for line in content.split(b"\n"):
        try:
            record = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            continue
        for view in (record.get(side) for side in ("before", "after")):
            if record.get("kind") == Kind.SUBSCRIBER and isinstance(view, Mapping) and isinstance(view.get("id"), str):
                names.learn(view["id"])


def learn_from_desired(state: DesiredState, names: Pseudonyms) -> None:
    """Learn the ids of the subscribers of a desired state."""
    for subscriber in state.subscribers.values():
        names.learn(subscriber.id)
    for rejected in state.rejected:
        names.learn(rejected.id)


def desired_counts(state: DesiredState) -> dict[str, int]:
    """How many objects of each kind a desired state has."""
    return {
        "policies": len(state.policies),
        "groups": len(state.groups),
        "subscribers": len(state.subscribers),
        "blocked": sum(1 for each in state.subscribers.values() if each.blocked),
        "rejected": len(state.rejected),
        "absent": len(state.absent),
    }


def plan_summary(plan: Plan, names: Pseudonyms) -> dict[str, Any]:
    """A saved plan as numbers, verdicts and errors: per appliance, with no object in it."""
    return {
        "format": plan.format, "bqnctl": plan.bqnctl, "only": len(plan.only),
        "appliances": [
            {
                "name": each.name, "sources": each.sources, "requests": each.requests,
                "changes": Counter(f"{change.action} {change.kind}" for change in each.changes),
                "totals": msgspec.to_builtins(each.totals),
                "verdicts": [
                    {"rule": verdict.rule, "kind": verdict.kind, "count": verdict.count, "existing": verdict.existing,
                     "limit": verdict.limit, "refused": verdict.refused, "allowed": verdict.allowed}
                    for verdict in each.verdicts
                ],
                "warnings": [names.text(warning) for warning in each.warnings],
                "error": None if each.error is None else names.text(each.error),
            }
            for each in plan.appliances
        ],
    }  # fmt: skip
