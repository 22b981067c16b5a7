"""Texts from a billing system: as values to join on, and made safe to show to a person."""

from decimal import Decimal
from typing import Any

SHOWN_CHARS = 120
"""How much of a foreign text an error or a warning shows."""

_LONGEST_INTEGRAL = 18


def text(value: Any) -> str:
    """A JSON scalar as stripped text, so that `61`, `61.0` and `"61"` are one id; "" for all else.

    Real installations send the same id as a number in one list and as a string in the other
    (facts: Splynx, 4).
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return ""
    if isinstance(value, int):
        return str(value)
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if number.is_finite() and number.adjusted() <= _LONGEST_INTEGRAL and number == number.to_integral_value():
        return str(int(number))
    return str(number)


def shown(value: object, *, limit: int = SHOWN_CHARS) -> str:
    """`value` for a message: one line, cut, without control, invisible or direction-changing characters."""
    if isinstance(value, str) and len(value) <= limit and value.isprintable() and " " not in value:
        return value  # nearly all are, and there are hundreds of thousands
    start = str(value)[: limit * 4]
    printable = "".join(character if character.isprintable() else " " for character in start)
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
