"""YAML of any shape → objects of the desired state: the general way in, for files that people edit."""

from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from typing import Any

from msgspec import Struct

from generator.desired.absent import read_time
from generator.desired.lines import LIMIT_FIELDS
from generator.documents.schema import schema_problems
from generator.documents.yaml import Document
from generator.errors import DocumentError, Problem
from generator.model import Billed, Group, Limit, Policy, Rejected, Subscriber


class Converted(Struct, frozen=True, kw_only=True):
    """The entries of a document in its order, and what each key is called in the document."""

    entries: tuple[tuple[str, Any], ...]
    written: Mapping[str, str]


def convert(kind: str, document: Document) -> Converted:
    """The entries of `document`, a file of `kind`; for a list (`rejected`) the keys name the records.

    Raises `DocumentError` with every problem: what the schema says, addresses and dates that are none, and
    two spellings of one address.
    """
    problems = schema_problems(document, f"desired-{kind}")
    if problems:
        raise DocumentError(problems)
    content = document.data[kind]
    if kind == "rejected":
        records = tuple(Rejected(**record) for record in content or ())
        return Converted(entries=tuple((each.record, each) for each in records), written={})
    entries: dict[str, Any] = {}
    written: dict[str, str] = {}
    for key, value in (content or {}).items():
        try:
            name, item = _ENTRIES[kind](key, value)
        except _UnusableError as error:
            problems.append(document.problem(str(error), (kind, key, *error.path), of_key=not error.path))
            continue
        if name in entries:
            problems.append(_twice(document, kind, key, written[name]))
        entries[name], written[name] = item, key
    if problems:
        raise DocumentError(problems)
    return Converted(entries=tuple(entries.items()), written=written)


class _UnusableError(ValueError):
    """A value that fits the schema and yet is none; `path` leads to it from the entry."""

    def __init__(self, what: str, path: tuple[Any, ...] = ()) -> None:
        super().__init__(what)
        self.path = path


def _twice(document: Document, kind: str, key: str, first: str) -> Problem:
    line = document.place((kind, first), of_key=True).line
    what = f"{key} is the same address as {first} in line {line}"
    return document.problem(what, (kind, key), of_key=True, fix="keep one of them")


def _address(text: str) -> str:
    """`text`, an IP address in any spelling, as the desired state spells it."""
    try:
        if ":" not in text:
            return str(IPv4Address(text))
        address = IPv6Address(text)
    except AddressValueError as error:
        raise _UnusableError(f"{text!r} is not an IP address without a prefix length") from error
    if address.scope_id is not None:
        raise _UnusableError(f"{text!r} has a zone, which no BQN knows")
    return str(address.ipv4_mapped or address)


def _subscriber(key: str, value: Mapping[str, Any]) -> tuple[str, Subscriber]:
    ip = _address(key)
    return ip, Subscriber(
        ip=ip,
        id=value.get("id"),
        policy=value.get("policy"),
        blocked=value.get("blocked", False),
        reason=value.get("reason"),
        groups=tuple(value.get("groups", ())),
        overrides=tuple(value.get("overrides", ())),
        billed=_billed(value["billed"]) if "billed" in value else None,
    )


def _billed(value: Mapping[str, Any]) -> Billed:
    return Billed(
        policy=value.get("policy"),
        blocked=value.get("blocked", False),
        reason=value.get("reason"),
        groups=tuple(value.get("groups", ())),
    )


def _policy(key: str, value: Mapping[str, Any]) -> tuple[str, Policy]:
    if value.get("static"):
        return key, Policy(name=key, id=value.get("id"), static=True)
    return key, Policy(name=key, id=value.get("id"), download=_limit(value["download"]), upload=_limit(value["upload"]))


def _limit(value: Mapping[str, Any]) -> Limit:
    rate = value["rate"]
    # JSON Schema takes 5000.0 for an integer.
    bursts = {name: int(value[name]) for name in LIMIT_FIELDS if name in value}
    return Limit(rate=None if rate == "unlimited" else int(rate), **bursts)


def _group(key: str, value: Mapping[str, Any]) -> tuple[str, Group]:
    ranges = tuple(_range(text, index) for index, text in enumerate(value.get("ranges", ())))
    return key, Group(name=key, type=value.get("type"), policy=value.get("policy"), ranges=ranges)


def _range(text: str, index: int) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise _UnusableError(f"{text!r} is not a network: {error}", ("ranges", index)) from error


def _absent(key: str, value: str) -> tuple[str, str]:
    try:
        read_time(value)
    except ValueError as error:
        raise _UnusableError(f"{value!r} is not a time: {error}") from error
    return _address(key), value


_ENTRIES: Mapping[str, Callable[[str, Any], tuple[str, Any]]] = {
    "subscribers": _subscriber,
    "policies": _policy,
    "groups": _group,
    "absent": _absent,
}
