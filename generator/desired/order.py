"""The order in which things stand in the desired state: addresses by number, IPv4 before IPv6."""

import socket
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def address_key(ip: str) -> tuple[int, bytes]:
    """A sort key for a canonical address: its family, then its number."""
    if ":" in ip:
        return 6, socket.inet_pton(socket.AF_INET6, ip)
    return 4, socket.inet_pton(socket.AF_INET, ip)


def by_address(items: Mapping[str, T]) -> dict[str, T]:
    """`items`, keyed by address, in the order of the addresses."""
    return {ip: items[ip] for ip in sorted(items, key=address_key)}


def by_name(items: Mapping[str, T]) -> dict[str, T]:
    """`items`, keyed by name, in the order of the names' code points: the same in every locale."""
    return {name: items[name] for name in sorted(items)}


def shard_name(ip: str) -> str:
    """The file, under `subscribers/`, of a canonical address: one per IPv4 /16 or IPv6 /32."""
    if ":" not in ip:
        first, second, _ = ip.split(".", 2)
        return f"{first}.{second}.0.0_16.yml"
    packed = socket.inet_pton(socket.AF_INET6, ip)
    return f"{packed[:2].hex().lstrip('0') or '0'}_{packed[2:4].hex().lstrip('0') or '0'}_32.yml"


def shards(ips: Iterable[str]) -> dict[str, list[str]]:
    """`ips` by the file they stand in, in the order given."""
    files: dict[str, list[str]] = {}
    for ip in ips:
        files.setdefault(shard_name(ip), []).append(ip)
    return files
