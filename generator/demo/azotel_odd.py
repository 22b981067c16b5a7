"""What real SIMPLer servers send besides the usual: values of other types, odd statuses, ids without a match."""

from collections.abc import Callable, Mapping
from typing import Any

from generator.demo.sample import RowDict

VALUES = ("as-is", "strings", "numbers", "mixed")
CHANGES: Mapping[str, str] = {
    "bucket-ids": "buckets carry an `id`, which no public text shows",
    "custom-statuses": "every third customer has a status that an operator made up",
    "mixed-case-status": "the status `current` is written ` Current `",
    "duplicate-ips": "the second customer has the addresses of the first too",
    "ipv6": "the first customer has an IPv6 address too",
    "odd-parents": "the parents of the first CPEs are empty, null, 0, and an id that no site has",
    "twin-equipment": "the last site has another piece of equipment under the first site's first id",
    "zero-rates": "the buckets of the first customers have the rates 0, empty and null",
}

_STATUSES = ("waiting for install", "Disconnected", "Seasonal hold")
_ODD_PARENTS = ("", None, "0", "999999")
_NO_RATES: tuple[Any, ...] = ("0", "", None)
_NUMBERS = frozenset({"customerid", "parent", "equipid", "uploadrate", "downloadrate", "id"})


def changed(name: str, rows: list[RowDict], changes: frozenset[str], *, values: str) -> list[RowDict]:
    """The rows of the list `name` with the `changes` that are on, their values in the types of `values`."""
    for change in sorted(changes):
        makes = _MAKES.get((name, change))
        rows = makes(rows) if makes else rows
    written = {"as-is": None, "strings": _as_text, "numbers": _as_number}
    write = (_as_number if name == "customers" else _as_text) if values == "mixed" else written[values]
    return rows if write is None else [_each(row, write) for row in rows]


def _bucket_ids(rows: list[RowDict]) -> list[RowDict]:
    numbers: dict[str, str] = {}
    for row in rows:
        numbers.setdefault(str(row["bucket"]), str(len(numbers) + 1))
    return [{**row, "bucket": {"id": numbers[str(row["bucket"])], **row["bucket"]}} for row in rows]


def _custom_statuses(rows: list[RowDict]) -> list[RowDict]:
    return [
        {**row, "status": _STATUSES[at // 3 % len(_STATUSES)]} if at % 3 == 0 else row for at, row in enumerate(rows)
    ]


def _mixed_case(rows: list[RowDict]) -> list[RowDict]:
    return [{**row, "status": " Current "} if row["status"] == "current" else row for row in rows]


def _duplicate_ips(rows: list[RowDict]) -> list[RowDict]:
    second = [{**row, "ipaddresses": rows[0]["ipaddresses"] + row["ipaddresses"]} for row in rows[1:2]]
    return rows[:1] + second + rows[2:]


def _ipv6(rows: list[RowDict]) -> list[RowDict]:
    first = [{**row, "ipaddresses": [*row["ipaddresses"], {"ip": "2001:db8::1"}]} for row in rows[:1]]
    return first + rows[1:]


def _zero_rates(rows: list[RowDict]) -> list[RowDict]:
    odd = [
        {**row, "bucket": {"name": f"No rate {at}", "uploadrate": rate, "downloadrate": rate}}
        for at, (row, rate) in enumerate(zip(rows, _NO_RATES, strict=False), 1)
    ]
    return odd + rows[len(odd) :]


def _odd_parents(rows: list[RowDict]) -> list[RowDict]:
    odd = [{**row, "parent": parent} for row, parent in zip(rows, _ODD_PARENTS, strict=False)]
    return odd + rows[len(odd) :]


def _twin_equipment(rows: list[RowDict]) -> list[RowDict]:
    twin = [
        {**row, "equipment": [*row["equipment"], {**rows[0]["equipment"][0], "nickname": "twin"}]} for row in rows[-1:]
    ]
    return rows[:-1] + twin


_MAKES: Mapping[tuple[str, str], Callable[[list[RowDict]], list[RowDict]]] = {
    ("customers", "bucket-ids"): _bucket_ids,
    ("customers", "custom-statuses"): _custom_statuses,
    ("customers", "mixed-case-status"): _mixed_case,
    ("customers", "duplicate-ips"): _duplicate_ips,
    ("customers", "ipv6"): _ipv6,
    ("customers", "zero-rates"): _zero_rates,
    ("cpes", "odd-parents"): _odd_parents,
    ("sites", "twin-equipment"): _twin_equipment,
}


def _each(value: Any, write: Callable[[str, Any], Any], field: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _each(inner, write, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each(inner, write, field) for inner in value]
    return write(field, value)


def _as_text(_: str, value: Any) -> Any:
    return value if value is None or isinstance(value, str) else str(value)


def _as_number(field: str, value: Any) -> Any:
    """Ids and rates as numbers, as a Perl server sends a value that it has calculated with."""
    is_number = field in _NUMBERS and isinstance(value, str) and value.isascii() and value.isdigit()
    return int(value) if is_number else value
