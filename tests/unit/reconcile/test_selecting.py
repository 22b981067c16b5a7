"""What an appliance selects from a source is what one would find looking at every subscriber."""

import fnmatch
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from generator.desired.order import by_address
from generator.inventory.settings import Network, Select
from generator.model import DesiredState, Subscriber
from generator.reconcile.selecting import Selections

_V4 = st.integers(0, 1023).map(lambda number: str(IPv4Address(0x0A000000 + number * 64)))
_V6 = st.integers(0, 255).map(lambda number: str(IPv6Address(0x2001_0DB8 << 96 | number << 64)))
_GROUPS = st.sets(st.sampled_from(["L1-North", "L1-South", "L2-Water"]), max_size=2).map(sorted).map(tuple)
_NETWORKS = st.sampled_from(
    ["10.0.0.0/8", "10.0.0.0/18", "10.0.64.0/18", "10.0.0.64/32", "2001:db8::/32", "2001:db8:0:40::/58", "0.0.0.0/0"]
).map(ip_network)


def names(subscriber: Subscriber, cidrs: tuple[Network, ...], globs: tuple[str, ...]) -> bool:
    address = ip_address(subscriber.ip)
    inside = any(address.version == cidr.version and address in cidr for cidr in cidrs)
    return inside or any(fnmatch.fnmatchcase(group, glob) for group in subscriber.groups for glob in globs)


@settings(max_examples=60)
@given(
    members=st.dictionaries(_V4 | _V6, _GROUPS, max_size=40),
    cidrs=st.lists(_NETWORKS, max_size=3).map(tuple),
    globs=st.lists(st.sampled_from(["L1-*", "L2-Water", "*", "none"]), max_size=2).map(tuple),
)
def test_what_is_selected(
    members: dict[str, tuple[str, ...]], cidrs: tuple[Network, ...], globs: tuple[str, ...]
) -> None:
    subscribers = by_address({ip: Subscriber(ip=ip, groups=groups) for ip, groups in members.items()})
    state = DesiredState(policies={}, groups={}, subscribers=subscribers)
    selections = Selections()
    for _ in range(2):  # the second appliance is served by the same index
        found = list(selections.of(state, Select(cidrs=cidrs, groups=globs)))
        everyone = not cidrs and not globs
        assert found == [each for each in subscribers.values() if everyone or names(each, cidrs, globs)]
