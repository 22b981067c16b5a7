"""The order in which things stand in the desired state: addresses by number, IPv4 before IPv6."""

import socket
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TypeVar

T = TypeVar("T")

_V6_NUMBER = partial(socket.inet_pton, socket.AF_INET6)


def sorted_addresses(ips: Iterable[str]) -> list[str]:
    """Canonical addresses by number, IPv4 before IPv6."""
    v4: list[str] = []
    v6: list[str] = []
    for ip in ips:
        (v6 if ":" in ip else v4).append(ip)
    return sorted(v4, key=socket.inet_aton) + sorted(v6, key=_V6_NUMBER)


def by_address(items: Mapping[str, T]) -> dict[str, T]:
    """`items`, keyed by address, in the order of the addresses."""
    return {ip: items[ip] for ip in sorted_addresses(items)}


def by_name(items: Mapping[str, T]) -> dict[str, T]:
    """`items`, keyed by name, in the order of the names' code points: the same in every locale."""
    return {name: items[name] for name in sorted(items)}


def shard_name(ip: str) -> str:
    """The file, under `subscribers/`, of a canonical address: one per IPv4 /16 or IPv6 /32."""
    if ":" not in ip:
        first, second, _ = ip.split(".", 2)
        return f"{first}.{second}.0.0_16.yml"
    packed = _V6_NUMBER(ip)
    return f"{packed[:2].hex().lstrip('0') or '0'}_{packed[2:4].hex().lstrip('0') or '0'}_32.yml"


def shards(ips: Iterable[str]) -> dict[str, list[str]]:
    """`ips` by the file they stand in, in the order given."""
    files: dict[str, list[str]] = {}
    for ip in ips:
        files.setdefault(shard_name(ip), []).append(ip)
    return files
