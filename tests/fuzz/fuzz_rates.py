"""The grammar of Mikrotik-Rate-Limit against a small exact model of it, and rates through their names and back.

Input: the text of the attribute; a first `~` has it read with the directions swapped.
"""

from fractions import Fraction

from generator.billing.radius.rates import RateError, Rates, parse_rate_limit
from generator.desired.rates import MAX_NUMBER, rates_name
from generator.model import Limit
from tests.fuzz.oracle import must

_DIGITS = frozenset("0123456789")
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SUFFIXES = ("bit/s", "bps", "bit", "b")
_TIME, _PRIORITY = 3, 4
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class _NoRateError(ValueError):
    """The model refuses it."""


def check(data: bytes) -> None:
    """One text through the parser, the model, and what is written of it."""
    text = data.decode("utf-8", "replace")
    swapped = text.startswith("~")
    text = text.removeprefix("~")
    ours, theirs = _outcome(text, swapped=swapped), _model(text, swapped=swapped)
    limits = None if ours is None else (ours.download, ours.upload)
    must(limits == theirs, "the model says the same", text, limits, theirs)
    if ours is not None:
        _round_trips(ours)


def _outcome(text: str, *, swapped: bool) -> Rates | None:
    try:
        return parse_rate_limit(text, swapped=swapped)
    except RateError as error:
        must(bool(str(error)), "a refusal says why", text)
        return None


def _round_trips(rates: Rates) -> None:
    directions = (rates.download, rates.upload)
    for limit in directions:
        numbers = [number for name in limit.__struct_fields__ if (number := getattr(limit, name)) is not None]
        must(all(1 <= number <= MAX_NUMBER for number in numbers), "every number fits a BQN, and none blocks", limit)
    again = parse_rate_limit(_written(*directions))
    must((again.download, again.upload) == directions, "written and read, it is the same", directions, again)
    for system in ("aradial", "visp"):
        name = rates_name(system, *directions)
        must(name.isascii() and name.isprintable() and " " not in name, "the name is plain", name)
    named = tuple(map(_from_name, rates_name("aradial", *directions).split("_")))
    must(named == directions, "the name tells every number", directions, named)


def _written(download: Limit, upload: Limit) -> str:
    """The attribute in the router's own units; rx, the upload, first."""
    words = [(limit.rate or 0, limit.burst_rate or 0, limit.burst_threshold or 0) for limit in (upload, download)]
    text = " ".join(f"{up}k/{down}k" for up, down in zip(*words, strict=True))
    return f"{text} {upload.burst_duration or 0}/{download.burst_duration or 0}"


def _from_name(text: str) -> Limit:
    numbers = [None if part in ("", "unlimited") else int(part) for part in text.split("-")]
    return Limit(**dict(zip(Limit.__struct_fields__, numbers, strict=False)))


def _model(text: str, *, swapped: bool) -> tuple[Limit, Limit] | None:
    """Download and upload as the grammar has them, `None` where the text is none of it."""
    try:
        rx, tx = _directions(text)
    except _NoRateError:
        return None
    return (rx, tx) if swapped else (tx, rx)


def _directions(text: str) -> tuple[Limit, Limit]:
    words = text.strip().strip("\"'").split()
    if not 1 <= len(words) <= 6 or len(text) > 253:
        raise _NoRateError
    fields = [_field(word, at) for at, word in enumerate(words)]
    if not any(fields[0]):
        raise _NoRateError
    rx, tx = (_direction([field[side] for field in fields]) for side in (0, 1))
    return rx, tx


def _field(word: str, at: int) -> tuple[Fraction, Fraction]:
    parts = word.split("/", 1)
    if len(parts) == 2 and at == _PRIORITY:
        raise _NoRateError
    numbers = [_number(part, at) for part in parts]
    return numbers[0], numbers[-1]


def _number(text: str, at: int) -> Fraction:
    size = next((place for place, letter in enumerate(text) if letter not in _DIGITS | {"."}), len(text))
    digits, unit = text[:size], text[size:]
    if not set(unit.replace("/s", "")) <= _LETTERS:
        raise _NoRateError
    whole, point, decimals = digits.partition(".")
    if not 1 <= len(whole) <= 18 or "." in decimals or (point and not 1 <= len(decimals) <= 6):
        raise _NoRateError
    number = Fraction(int(whole + decimals), 10 ** len(decimals))
    if at in (_TIME, _PRIORITY):
        if unit not in ("", "s", "S"):
            raise _NoRateError
        return number
    bare = unit.lower()
    bare = next((bare.removesuffix(each) for each in _SUFFIXES if bare.endswith(each)), bare)
    if bare not in _SCALES:
        raise _NoRateError
    return number * _SCALES[bare]


def _direction(numbers: list[Fraction]) -> Limit:
    rate, burst, threshold, seconds = [*numbers, *[Fraction(-1)] * 4][:4]
    if not rate:
        return Limit()
    if _kbps(burst) <= _kbps(rate):
        return Limit(rate=_kbps(rate))
    return Limit(
        rate=_kbps(rate),
        burst_rate=_kbps(burst),
        burst_threshold=_kbps(threshold if threshold > 0 else rate),
        burst_duration=1 if seconds < 0 else min(MAX_NUMBER, max(1, int(seconds))),
    )


def _kbps(bits: Fraction) -> int:
    """Halves go to the even number; at least 1, at most what a BQN takes."""
    return min(MAX_NUMBER, max(1, round(bits / 1000)))
