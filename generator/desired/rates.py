"""What a plan allows, in kbps: rates that are missing, scaling, bursts, and names made from speeds."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from generator.desired.names import clean_text
from generator.inventory.settings import BillingHost, Scaling
from generator.model import Limit, PlanRecord

MAX_NUMBER = 2_147_483_647
"""The greatest rate a BQN is sure to take (facts: BQN REST API, 12.10)."""

Directions = tuple[Limit, Limit]
"""Download and upload."""

_AS_SOLD = Scaling()
"""100 percent."""


class PlanLimits(Struct, frozen=True, kw_only=True, gc=False):
    """What a plan allows: `sold` as the billing has it, `applied` after scaling, for the BQN.

    Names made from speeds come from `sold`, so that another `rate_scaling` renames no policy
    (facts: Visp, mapping).
    """

    sold: Directions
    applied: Directions


def plan_limits(plan: PlanRecord, host: BillingHost) -> PlanLimits | str:
    """The limits of `plan` under the operator's rules, or why it has none.

    The order is the design's: the rates of `plan_rates` where the billing has none, then `zero_rate`, then
    scaling, after the bursts were worked out, rounded down to whole kbps.
    """
    if plan.problem:
        return clean_text(plan.problem, max_bytes=300)
    given = host.plan_rates.get(plan.name)
    download = _filled(plan.download, given.download if given else None)
    upload = _filled(plan.upload, given.upload if given else None)
    if (download.rate or 0) < 0 or (upload.rate or 0) < 0:
        return "a rate is below 0"
    if host.zero_rate == "reject" and not plan.exact:
        missing = [name for name, limit in (("download", download), ("upload", upload)) if not limit.rate]
        if missing:
            return f"no {' and no '.join(missing)} rate (zero_rate: reject)"
    if not plan.exact:
        zero = 0 if host.zero_rate == "block" else None
        download, upload = _meant(download, zero=zero), _meant(upload, zero=zero)
    return PlanLimits(
        sold=_both_scaled(download, upload, _AS_SOLD), applied=_both_scaled(download, upload, host.rate_scaling)
    )


def _meant(limit: Limit, *, zero: int | None) -> Limit:
    """`limit` with the billing's 0 or null as what it means."""
    return limit if limit.rate else Limit(rate=zero)


def _filled(limit: Limit, rate: int | None) -> Limit:
    return Limit(rate=rate) if rate is not None and not limit.rate else limit


def _both_scaled(download: Limit, upload: Limit, scaling: Scaling) -> Directions:
    return _scaled(download, scaling.download), _scaled(upload, scaling.upload)


def _scaled(limit: Limit, percent: int) -> Limit:
    """`limit` at `percent`; no burst without a rate, nor one that is not above it."""
    if not limit.rate:
        return Limit(rate=limit.rate)
    rate = scale(limit.rate, percent)
    burst = scale(limit.burst_rate, percent) if limit.burst_rate else 0
    if burst <= rate:
        return Limit(rate=rate)
    return Limit(
        rate=rate,
        burst_rate=burst,
        burst_duration=_seconds(limit.burst_duration),
        burst_threshold=limit.burst_threshold and scale(limit.burst_threshold, percent),
        burst_threshold_window=_seconds(limit.burst_threshold_window),
        burst_transition_duration=_seconds(limit.burst_transition_duration),
    )


def _seconds(value: int | None) -> int | None:
    return None if value is None or value < 0 else min(value, MAX_NUMBER)


def scale(rate_kbps: int, percent: int) -> int:
    """`rate_kbps` at `percent`, rounded down, never 0 (a slow rate must not become a block), capped."""
    return min(MAX_NUMBER, max(1, rate_kbps * percent // 100))


def rates_name(system: str, download: Limit, upload: Limit) -> str:
    """A policy's name made from its speeds, in the system's own form where there is one."""
    return RATE_NAMES.get(system, _plain_rates_name)(download, upload)


def _plain_rates_name(download: Limit, upload: Limit) -> str:
    """`<down>_<up>` in kbps; a burst's numbers follow its rate, so that no two limits share a name."""
    return f"{_plain_direction(download)}_{_plain_direction(upload)}"


def _plain_direction(limit: Limit) -> str:
    numbers = (
        limit.burst_rate,
        limit.burst_duration,
        limit.burst_threshold,
        limit.burst_threshold_window,
        limit.burst_transition_duration,
    )
    rate = "unlimited" if limit.rate is None else str(limit.rate)
    return "-".join([rate, *("" if number is None else str(number) for number in numbers)]).rstrip("-")


def _visp_name(download: Limit, upload: Limit) -> str:
    """`VP-<up>/<down>[-<burst up>/<burst down>][-<seconds>]` (facts: Visp, mapping).

    The vendor rounds to whole M; here a rate that is not whole M stays in K, so that 1,500 and 1,900 kbps do
    not share a name.
    """
    name = f"VP-{_short(upload.rate)}/{_short(download.rate)}"
    if download.burst_rate or upload.burst_rate:
        up, down = upload.burst_rate or upload.rate, download.burst_rate or download.rate
        name += f"-{_short(up)}/{_short(down)}"
        seconds = download.burst_duration or upload.burst_duration
        name += f"-{seconds}" if seconds else ""
    return name


def _short(rate: int | None) -> str:
    if rate is None:
        return "unlimited"
    for size, unit in ((1_000_000, "G"), (1_000, "M")):
        if rate and rate % size == 0:
            return f"{rate // size}{unit}"
    return f"{rate}K"


RATE_NAMES: Mapping[str, Callable[[Limit, Limit], str]] = {"visp": _visp_name}
"""The systems whose vendor integration has a form of its own: names survive a move from it."""
