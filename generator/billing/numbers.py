"""Numbers from a billing system, which may be JSON numbers or strings: read exactly, or refused."""

import re
from decimal import Decimal
from typing import Any

from generator.billing.text import shown

INT32_MAX = 2**31 - 1
"""The largest rate in kbps, and time in seconds, that a BQN can hold."""

_DIGITS = re.compile(r"\+?([0-9]{1,40})(?:\.[0-9]*)?", re.ASCII)
_RANK_DIGITS = 18


class NumberError(ValueError):
    """A value that is no usable number; the text says why and fits behind the field's name."""


def whole(value: Any) -> int | None:
    """A count, rate or time as a whole number from 0 to 2³¹-1; fractions are cut; `None` for null or "".

    Takes `14336`, `"14336"` and `"14336.0"` (facts: Splynx, 4). Raises `NumberError` for anything else:
    text, booleans, NaN, negative or too large numbers.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = _number(value)
    if number < 0:
        raise NumberError(f"is {shown(value)}, below 0")
    if number > INT32_MAX:
        raise NumberError(f"is {shown(value, limit=40)}, more than {INT32_MAX}")
    return number


def named(field: str, value: Any) -> int | None:
    """`whole(value)` of a field whose name stands in the error."""
    try:
        return whole(value)
    except NumberError as error:
        raise NumberError(f"{field} {error}") from None


def _number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float | Decimal):
        return _cut(Decimal(repr(value)) if isinstance(value, float) else value)
    if isinstance(value, str):
        return _from_text(value.strip())
    raise NumberError(f"is {shown(value, limit=40)!r}, not a number")


def _cut(number: Decimal) -> int:
    """The whole part; huge exponents are compared, never expanded."""
    if not number.is_finite():
        raise NumberError(f"is {number}, not a number")
    if number < 0:
        return -1
    return INT32_MAX + 1 if number > INT32_MAX else int(number)


def _from_text(value: str) -> int:
    negative = value.startswith("-")
    digits = _DIGITS.fullmatch(value[1:] if negative else value)
    if digits is None:
        raise NumberError(f"is {shown(value, limit=40)!r}, not a number")
    return -int(digits[1]) if negative else int(digits[1])


def rank_number(value: str) -> int | None:
    """A row id as a number to order by; `None` when it is no plain number."""
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _RANK_DIGITS else None


def digits_of(value: str) -> int:
    """The digits of a date and time as one number, so that later is greater; 0 when there are none."""
    digits = "".join(character for character in value[:40] if "0" <= character <= "9")
    return int(digits[:_RANK_DIGITS]) if digits else 0
