"""What is never written, whatever a plan says: looked at once more before each request leaves."""

import fnmatch

from generator.bqn.kinds import Kind
from generator.bqn.wire import ALL_SUBSCRIBERS
from generator.inventory.settings import BqnHost
from generator.model import BLOCK_POLICY
from generator.reconcile.plan import Action, Change
from generator.reconcile.target import in_networks


def protection(change: Change, bqn: BqnHost) -> str | None:
    """Why this change must not be sent to `bqn`, or None if it may."""
    if change.key in ("", ".", ".."):
        return "the name cannot stand in a path"
    if change.kind is Kind.GROUP and change.key == ALL_SUBSCRIBERS:
        return "all-subscribers is built in"
    if _ignored(change, bqn):
        return "ignored by the inventory"
    return _undeletable(change, bqn) if change.action is Action.DELETE else None


def _ignored(change: Change, bqn: BqnHost) -> bool:
    if change.kind is Kind.SUBSCRIBER:
        return in_networks(change.key, bqn.ignore.subscribers)
    patterns = bqn.ignore.policies if change.kind is Kind.POLICY else bqn.ignore.groups
    return any(fnmatch.fnmatchcase(change.key, pattern) for pattern in patterns)


def _undeletable(change: Change, bqn: BqnHost) -> str | None:
    if not bqn.prune:
        return "prune is off"
    if change.kind is Kind.POLICY and change.key == BLOCK_POLICY:
        return "the block policy stays"
    if change.kind is Kind.SUBSCRIBER and (change.before or {}).get("assigned_by") != "api":
        return "not assigned by the API"
    if change.kind is Kind.GROUP and not any(
        fnmatch.fnmatchcase(change.key, pattern) for pattern in bqn.managed_groups
    ):
        return "not a managed group"
    return None
