"""RADIUS rate attributes → limits: Mikrotik-Rate-Limit with its whole grammar, and pairs of numbers.

All directions are the subscriber's: `download` is what the router transmits to them (facts: RADIUS systems,
3.4 and 3.5). A rate of 0, which is unlimited to a NAS and would block on a BQN, is no rate at all.
"""

import re
from decimal import Decimal

from msgspec import Struct

from generator.model import Limit

MAX_KBPS = 2_147_483_647
_MAX_TEXT = 253
_NUMBER = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)\s*([a-zA-Z]*)")
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_FIELDS = ("rate", "burst rate", "burst threshold", "burst time", "priority", "minimum rate")
_RATE, _BURST, _THRESHOLD, _TIME, _PRIORITY, _MINIMUM = range(6)
_HIGHEST_PRIORITY = 8
_LEAST_PLAUSIBLE_BPS = 64_000


class RateError(ValueError):
    """A rate attribute that says no rate; the text says why."""


class Rates(Struct, frozen=True, kw_only=True):
    """What a subscriber may have in both directions, and what is odd about how it was said."""

    download: Limit
    upload: Limit
    odd: str | None = None


def parse_rate_limit(text: str, *, swapped: bool = False) -> Rates:
    """The rates of a Mikrotik-Rate-Limit; raises `RateError`.

    `rx[/tx] [rx-burst/tx-burst [rx-threshold/tx-threshold [rx-time/tx-time [priority [rx-min/tx-min]]]]]`, by
    position, rx being the subscriber's upload; a tx left out is the rx. `swapped` is for a source whose
    operators write download first.
    """
    words = text.strip().strip("\"'").split()
    if not words or len(text) > _MAX_TEXT:
        raise RateError("it is empty" if not words else "it is too long")
    if len(words) > len(_FIELDS):
        raise RateError(f"it has {len(words)} parts, {len(_FIELDS)} at most")
    pairs = [_pair(word, field) for field, word in enumerate(words)]
    odd = _priority(pairs[_PRIORITY][0]) if len(words) > _PRIORITY else None
    odd = odd or _odd_unit(text)
    if not any(pairs[_RATE]):
        raise RateError("a rate of 0 is no rate (unlimited to a router, a block to a BQN)")
    rx, tx = (_limit(pairs, side) for side in (0, 1))
    download, upload = (rx, tx) if swapped else (tx, rx)
    return Rates(download=download, upload=upload, odd=odd)


def from_bps(download: int, upload: int, *, name: str) -> Rates:
    """The rates of a pair of numbers in bit/s; raises `RateError` when neither is a rate."""
    if download <= 0 and upload <= 0:
        raise RateError("0 is no rate")
    odd = None
    least = min(number for number in (download, upload) if number > 0)
    if least < _LEAST_PLAUSIBLE_BPS:
        odd = f"{name} of {least} bit/s: is it meant in kbit/s?"
    return Rates(download=_of_bps(download), upload=_of_bps(upload), odd=odd)


def _of_bps(number: int) -> Limit:
    return Limit(rate=kbps(Decimal(number))) if number > 0 else Limit()


def kbps(bps: Decimal) -> int:
    """Bit/s as kbps, rounded, never to 0 (a slow rate must not become a block), never beyond what a BQN takes."""
    return min(MAX_KBPS, max(1, int((bps / 1000).to_integral_value())))


def _pair(word: str, field: int) -> tuple[Decimal, Decimal]:
    """Both sides of a word like `5M/25M`, in bit/s or seconds; a priority has one."""
    first, slash, second = word.partition("/")
    left = _number(first, word, field)
    if not slash:
        return left, left
    if field == _PRIORITY:
        raise RateError(f"the priority {word!r} is a pair")
    return left, _number(second, word, field)


def _number(text: str, word: str, field: int) -> Decimal:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise RateError(f"the {_FIELDS[field]} {word!r} is no rate" if field != _TIME else f"the time {word!r} is none")
    digits, unit = found.groups()
    if field in (_TIME, _PRIORITY):
        if unit.lower() not in ("", "s"):
            raise RateError(f"the {_FIELDS[field]} {word!r} has a unit")
        return Decimal(digits)
    factor = _UNITS.get(_unit(unit))
    if factor is None:
        raise RateError(f"the {_FIELDS[field]} {word!r} has the unknown unit {unit!r}")
    return Decimal(digits) * factor


def _unit(written: str) -> str:
    """`k`, `m` or `g` of what people write: Mbps, mbit, kb, M."""
    unit = written.lower()
    for ending in ("bit/s", "bps", "bit", "b"):
        if unit.endswith(ending) and len(unit) > len(ending) - 1:
            unit = unit.removesuffix(ending)
            break
    return unit


def _priority(number: Decimal) -> str | None:
    return None if 1 <= number <= _HIGHEST_PRIORITY else f"the priority {number} is not 1 to {_HIGHEST_PRIORITY}"


def _odd_unit(text: str) -> str | None:
    """Units that the router's manual does not have, though people write them."""
    odd = sorted({unit for unit in re.findall(r"[a-zA-Z]+", text) if unit not in ("k", "M")})
    return f"units other than k and M: {', '.join(odd)}" if odd else None


def _limit(pairs: list[tuple[Decimal, Decimal]], side: int) -> Limit:
    """One direction. No burst unless it is above the rate; a threshold left out is the rate, a time 1 s.

    0 beside a rate in the other direction is no limit in this one.
    """
    rate = pairs[_RATE][side]
    if not rate:
        return Limit()
    burst = pairs[_BURST][side] if len(pairs) > _BURST else Decimal(0)
    if kbps(burst) <= kbps(rate):
        return Limit(rate=kbps(rate))
    threshold = pairs[_THRESHOLD][side] if len(pairs) > _THRESHOLD else rate
    seconds = int(pairs[_TIME][side]) if len(pairs) > _TIME else 1
    return Limit(
        rate=kbps(rate),
        burst_rate=kbps(burst),
        burst_threshold=kbps(threshold or rate),
        burst_duration=min(MAX_KBPS, max(1, seconds)),
    )
