"""Which subscribers an override is about: by indexes, so that many overrides stay cheap on many subscribers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from generator.bqn.wire import bqn_name
from generator.desired.overrides.model import Match
from generator.model import Subscriber


class People:
    """Subscribers as the billing alone has them, ready to be asked who matches."""

    def __init__(self, subscribers: Mapping[str, Subscriber], *, ipv6_prefix: int) -> None:
        self._subscribers, self._prefix = subscribers, ipv6_prefix

    def matching(self, match: Match) -> list[str]:
        """The addresses that fit all of `match`, its source aside; in no particular order."""
        found: Iterable[str] | None = None
        if match.network is not None:
            found = self._within(match.network, alone=match.alone)
        if match.id is not None:
            found = _both(found, self._by_id.get(match.id, ()))
        if match.policy is not None:
            found = _both(found, self._by_policy.get(bqn_name(match.policy), ()))
        if match.group is not None:
            found = _both(found, self._by_group.get(bqn_name(match.group), ()))
        return list(self._subscribers if found is None else found)

    def _within(self, network: IPv4Network | IPv6Network, *, alone: bool) -> list[str]:
        if alone and isinstance(network, IPv6Network):
            network = ip_network((int(network.network_address), self._prefix), strict=False)
        if network.num_addresses == 1:
            ip = str(network.network_address)
            return [ip] if ip in self._subscribers else []
        numbers, ips = self._sorted[network.version]
        low = bisect_left(numbers, int(network.network_address))
        return ips[low : bisect_right(numbers, int(network.broadcast_address))]

    @cached_property
    def _sorted(self) -> dict[int, tuple[list[int], list[str]]]:
        """By IP version: the numbers of all addresses in order, and the addresses."""
        pairs: dict[int, list[tuple[int, str]]] = {4: [], 6: []}
        for ip in self._subscribers:
            address = ip_address(ip)
            pairs[address.version].append((int(address), ip))
        ordered = {version: sorted(found) for version, found in pairs.items()}
        return {version: ([number for number, _ in each], [ip for _, ip in each]) for version, each in ordered.items()}

    @cached_property
    def _by_id(self) -> dict[str, list[str]]:
        return _index((each.id, ip) for ip, each in self._subscribers.items())

    @cached_property
    def _by_policy(self) -> dict[str, list[str]]:
        return _index((each.policy and bqn_name(each.policy), ip) for ip, each in self._subscribers.items())

    @cached_property
    def _by_group(self) -> dict[str, list[str]]:
        return _index((bqn_name(name), ip) for ip, each in self._subscribers.items() for name in each.groups)


def _index(pairs: Iterable[tuple[str | None, str]]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for key, ip in pairs:
        if key is not None:
            index.setdefault(key, []).append(ip)
    return index


def _both(found: Iterable[str] | None, others: Iterable[str]) -> Iterable[str]:
    if found is None:
        return others
    wanted = set(others)
    return [ip for ip in found if ip in wanted]
