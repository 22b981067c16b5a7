"""The plan: per appliance, every write that would make the live state the desired one, and what it leaves.

A plan is data. It is computed by `planner`, judged by `guards`, shown by the renderers in report/, saved as
canonical JSON and carried out by `execute`; what it says is all that is ever written.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.reconcile.figures import Figures

FORMAT = "bqnctl-plan/1"

REQUEST_S = 0.02
"""What one write takes on an appliance over a management network, for the estimate."""


Shown = str | int | list[str] | None
"""A field's value in a plan."""


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Difference(Struct, frozen=True, gc=False):
    """One field that changes; `field` is dotted (`download.rate`), for sets the members that come or go."""

    field: str
    before: Shown
    after: Shown


class Change(Struct, frozen=True, kw_only=True):
    """One object that changes, and the one request that changes it.

    `before` and `after` are views in the desired state's own words (kbps, seconds), None where the object
    is not there. `body` is the JSON sent by `method`. `live_digest` stands for every field of the live
    object where the request replaces it whole, None where only the viewed fields matter. `impact` is
    `blocked` or `unblocked` where a subscriber's service stops or starts.
    """

    kind: Kind
    key: str
    action: Action
    method: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    body: dict[str, Any] | None = None
    differences: tuple[Difference, ...] = ()
    live_digest: str | None = None
    impact: str | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """What one guard says of one kind on one appliance.

    `count` of `existing` objects would change; `limit` is the rule in words; `fix` is the flag or line
    that would let it through. `allowed` is the number given with --allow, if it was.
    """

    rule: str
    kind: Kind
    count: int
    existing: int
    limit: str
    refused: bool
    allowed: int | None = None
    examples: tuple[str, ...] = ()
    fix: str | None = None


class KindTotals(Struct, frozen=True, kw_only=True):
    """How many objects of one kind stand, and how many are left alone, by the reason."""

    desired: int
    live: int
    unchanged: int
    untouched: Mapping[str, int] = {}


class AppliancePlan(Struct, frozen=True, kw_only=True):
    """Everything planned for one BQN. With `error` set nothing could be planned, and `changes` is empty."""

    name: str
    address: str
    sources: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    totals: Mapping[Kind, KindTotals] = {}
    verdicts: tuple[Verdict, ...] = ()
    warnings: tuple[str, ...] = ()
    untouched: Mapping[Kind, tuple[str, ...]] = {}
    live_digests: Mapping[Kind, str] = {}
    requests: int = 0
    """Requests it takes to carry it out: reading before and after, and one write for each change."""
    seconds: float = 0.0
    """About how long that takes, at `REQUEST_S` a request and as many at once as the appliance may get."""
    error: str | None = None
    figures: Figures | None = None
    """For reports; None where the plan was made without them."""

    @property
    def refused(self) -> bool:
        """Whether a guard refuses this appliance's plan."""
        return any(verdict.refused for verdict in self.verdicts)


class Plan(Struct, frozen=True, kw_only=True):
    """The plans of all appliances of one run, and a digest of the desired files of each source."""

    format: str = FORMAT
    bqnctl: str
    inventory: str
    desired_digests: Mapping[str, str]
    appliances: tuple[AppliancePlan, ...]
    only: tuple[str, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Whether any appliance would be written to."""
        return any(appliance.changes for appliance in self.appliances)

    @property
    def refused(self) -> bool:
        """Whether a guard refuses any appliance."""
        return any(appliance.refused for appliance in self.appliances)

    @property
    def failed(self) -> bool:
        """Whether any appliance could not be planned."""
        return any(appliance.error for appliance in self.appliances)
