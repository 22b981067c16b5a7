"""Who is blocked: the status rule ("Block Inactive/Not Paying Subscribers")."""

from collections.abc import Mapping
from functools import cache, lru_cache

from msgspec import Struct

from generator.desired.names import clean_text
from generator.desired.tally import Tally
from generator.inventory.settings import BillingHost


class Standing(Struct, frozen=True, gc=False):
    """Whether a subscriber is blocked, and by which status."""

    blocked: bool = False
    reason: str | None = None


_GOOD = Standing()


def standing(statuses: Mapping[str, str], host: BillingHost, tally: Tally, *, example: str) -> Standing:
    """The standing of a record with `statuses`.

    A record without the status is taken as active, and counted: nobody is blocked for what is not known.
    """
    if not host.block_inactive:
        return _GOOD
    found = _judged(status_of(statuses, host), host.active_statuses)
    if found is None:
        tally.add("records without a status, taken as active", example)
        return _GOOD
    return found


@lru_cache(maxsize=1024)
def _judged(written: str, active: tuple[str, ...]) -> Standing | None:
    """The standing of a status as the billing writes it; None for no status. There are few of them."""
    status = clean_text(written)
    if not status:
        return None
    return _GOOD if status.casefold() in _folded(active) else Standing(blocked=True, reason=f"status {status}")


@cache
def _folded(statuses: tuple[str, ...]) -> frozenset[str]:
    return frozenset(clean_text(status).casefold() for status in statuses)


def status_of(statuses: Mapping[str, str], host: BillingHost) -> str:
    """The status that `block_on` chooses; the only one, where the system leaves no choice."""
    if host.block_on is not None:
        return statuses.get(host.block_on, "")
    return next(iter(statuses.values())) if len(statuses) == 1 else ""
