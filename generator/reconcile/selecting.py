"""Which subscribers of a source live on an appliance: each source is put in order once, for a whole fleet.

Fifty appliances that share five sources would otherwise look at each source's every subscriber ten times.
"""

import fnmatch
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain
from socket import AF_INET, AF_INET6, inet_pton

from generator.inventory.settings import Network, Select
from generator.model import DesiredState, Subscriber


class Selections:
    """Selects from sources; safe to share between the threads that plan one appliance each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._indexes: dict[int, _Index] = {}

    def of(self, state: DesiredState, select: Select) -> Iterable[Subscriber]:
        """The subscribers of `state` that `select` names, all of them when it is empty.

        Those inside one of its networks and those in one of its groups (globs): a union.
        """
        if not select.cidrs and not select.groups:
            return state.subscribers.values()
        with self._lock:
            index = self._indexes.get(id(state))
            if index is None:
                index = self._indexes[id(state)] = _Index(state)
        return index.select(select)


class _Index:
    """The subscribers of one state by place: IPv4 before IPv6, each by number, as the state has them."""

    def __init__(self, state: DesiredState) -> None:
        self._state = state  # kept, so that no other state can get its id
        everyone = list(state.subscribers.values())
        keyed = sorted(((*_packed(each.ip), each) for each in everyone), key=lambda item: item[:2])
        self._subscribers = [each for _, _, each in keyed]
        self._versions = {version: [packed for family, packed, _ in keyed if family == version] for version in (4, 6)}
        self._by_group: dict[str, list[int]] = {}
        for place, each in enumerate(self._subscribers):
            for group in each.groups:
                self._by_group.setdefault(group, []).append(place)

    def select(self, select: Select) -> Iterator[Subscriber]:
        places = set(chain.from_iterable(map(self._within, select.cidrs)))
        for name, members in self._by_group.items():
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in select.groups):
                places.update(members)
        return (self._subscribers[place] for place in sorted(places))

    def _within(self, network: Network) -> range:
        packed = self._versions[network.version]
        before = 0 if network.version == 4 else len(self._versions[4])  # noqa: PLR2004 - the IP version
        first = bisect_left(packed, network.network_address.packed)
        last = bisect_right(packed, network.broadcast_address.packed)
        return range(before + first, before + last)


def _packed(ip: str) -> tuple[int, bytes]:
    return (6, inet_pton(AF_INET6, ip)) if ":" in ip else (4, inet_pton(AF_INET, ip))
