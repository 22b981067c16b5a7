"""Helpers for values as SIMPLer's Perl server sends them: objects for lists of one, numbers for texts."""

from typing import Any


def as_list(value: Any) -> list[Any]:
    """`value` as the list that is meant: one thing alone is a list of one, null and "" are an empty one."""
    if isinstance(value, list):
        return value
    return [] if value is None or value in ("", {}) else [value]


def examples(names: list[str], *, most: int = 5) -> str:
    """The first few of `names` for a warning, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
